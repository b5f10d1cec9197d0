"""The rows that a model is trained on: features of stored bars, and the return that followed each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import ModelError
from gcg_quant.history import RecordArray

from ...strategy_engine.models.feature import Feature
from ...strategy_engine.models.feature_rows import FeatureRows

__all__ = ["Dataset", "dataset_of", "digest_of_data"]

_COLUMNS = ("start_ns", "event_ns", "open", "high", "low", "close", "volume")


class Dataset(NamedTuple):
    """Rows in order: `features` has the shape (rows, features); `bars` says the bar of each row; `returns` is the log return to the close
    `horizon` bars on; `start_ns` is when each row's bar begins."""

    features: npt.NDArray[np.float32]
    bars: npt.NDArray[np.int64]
    returns: npt.NDArray[np.float64]
    start_ns: npt.NDArray[np.int64]


def dataset_of(bars: RecordArray, features: Sequence[Feature], horizon: int) -> Dataset:
    """Return the rows of an array of bars, computed bar by bar as the served model computes them.

    Bars without enough others before them, with a feature that has no value, or without a bar `horizon` later give no row.

    Raises:
        ModelError: bars that make no sense, or a feature that never has a value.
    """
    if horizon < 1:
        raise ModelError(f"A model looks at least 1 bar ahead, not {horizon}.", horizon=horizon)
    maker = FeatureRows(features)
    rows = maker.add_rows(bars)
    found = [place for place, row in enumerate(rows[: max(len(rows) - horizon, 0)]) if row is not None]
    if not found:
        missing = ", ".join(maker.missing) if maker.ready else ""
        why = f"no value of {missing}" if missing else f"{len(bars)} bars, and the features need {maker.needed} and {horizon} more"
        raise ModelError(f"Nothing can be trained on: there are {why}.", bars=len(bars))
    places = np.array(found, np.int64)
    closes = np.log(bars["close"])
    features_of = np.array([rows[place] for place in found], np.float32)
    return Dataset(features_of, places, closes[places + horizon] - closes[places], bars["start_ns"][places].astype(np.int64))


def digest_of_data(bars: RecordArray) -> str:
    """Return the SHA-256 of the bars' times, prices and volumes."""
    digest = hashlib.sha256()
    for name in _COLUMNS:
        digest.update(np.ascontiguousarray(bars[name]).tobytes())
    return digest.hexdigest()
