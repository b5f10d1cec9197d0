"""What is kept of a trained model beside its file: on what it was trained, how, and how well it did on what it had not seen."""

from __future__ import annotations

from typing import Any

import msgspec

from gcg_quant.errors import ModelError

__all__ = ["DamagedRecord", "Fold", "ModelRecord", "Score", "check_id"]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How good predictions were: areas and correlations by what happened, log losses beside that of always telling the training share.

    `ic` is the information coefficient: the rank correlation of the prediction and the return that followed. `auc` and `ic` are None where
    only rises or only falls happened, or the prediction never changed.
    """

    rows: int
    auc: float | None
    accuracy: float
    ic: float | None
    log_loss: float
    baseline_log_loss: float


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the walk-forward: trained on what lies before, tested on what follows; times of the first and last bars of each."""

    train_start_ns: int
    train_end_ns: int
    test_start_ns: int
    test_end_ns: int
    train_rows: int
    purged_rows: int
    score: Score


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A trained model: nothing in it changes once it is kept.

    `sha256` is that of the ONNX file, `features_digest` that of the list and its version, `data_digest` that of the bars.
    """

    id: str
    version: int
    sha256: str
    features: list[str]
    features_digest: str
    symbol: str
    venue: str
    period: str
    basis: str
    horizon: int
    start_ns: int
    end_ns: int
    bars: int
    rows: int
    up_share: float
    data_digest: str
    embargo: int
    parameters: dict[str, Any]
    seed: int
    folds: list[Fold]
    score: Score
    onnx_difference: float
    created_ns: int
    libraries: dict[str, str]

    @property
    def name(self) -> str:
        """The id with the version, as "spy-hour@3"."""
        return f"{self.id}@{self.version}"


class DamagedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A version whose record cannot be read: id and version as its folder says, and `why` with the place and what to do."""

    id: str
    version: int
    why: str

    @property
    def name(self) -> str:
        """The id with the version, as "spy-hour@3"."""
        return f"{self.id}@{self.version}"


def check_id(model: str) -> str:
    """Return the id of a model if it can be one: it names a folder, and a source of signals.

    Raises:
        ModelError: it cannot.
    """
    plain = model.replace("-", "").replace("_", "").replace(".", "")
    if not (1 <= len(model) <= 40 and plain.isascii() and plain.isalnum() and model[0].isalnum()):
        raise ModelError(f"A model's id has up to 40 letters, digits, '-', '_' and '.', and begins with none of these, found {model!r}.")
    return model
