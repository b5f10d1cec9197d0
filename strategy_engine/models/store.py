"""The folder of trained models: ID/VERSION holds `model.onnx` and `record.json`, written once and never changed."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import msgspec

from gcg_quant.errors import ModelError, nearest

from .feature import check_features, digest_of_features
from .record import DamagedRecord, ModelRecord, check_id
from .served_model import ServedModel

__all__ = ["MODEL_FILE", "RECORD_FILE", "ModelStore"]

MODEL_FILE, RECORD_FILE = "model.onnx", "record.json"
_TRIES = 100  # to find a free version while others train the same model


class ModelStore:
    """Keeps and finds trained models. Any process, any thread.

    Args:
        folder: HOME/models; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def records(self) -> list[ModelRecord | DamagedRecord]:
        """Return the record of every version of every model, by id, the newest version first; in place of one that cannot be read, why."""
        places = (place for place in self.folder.glob("*/*") if place.name.isdigit() and place.is_dir())
        ordered = sorted(places, key=lambda place: (place.parent.name, -int(place.name)))
        return [self._record_or_damage(place) for place in ordered]

    def versions(self, model: str) -> list[int]:
        """Return the versions of a model, the oldest first; none if there is no such model."""
        return sorted(int(place.name) for place in (self.folder / check_id(model)).glob("*") if place.name.isdigit())

    def known(self, model: str) -> list[int]:
        """Return the versions of a model, the oldest first. Raises ModelError if there is no such model: the nearest is named."""
        versions = self.versions(model)
        if not versions:
            names = [place.name for place in self.folder.glob("*") if place.is_dir() and not place.name.startswith(".")]
            hint = nearest(model, names) or " `models list` shows all, `models train` makes one."
            raise ModelError(f"There is no model {model!r}.{hint}", model=model)
        return versions

    def find(self, model: str, version: int = 0) -> ModelRecord:
        """Return the record of a model's version, 0 being the newest. Raises ModelError if there is none, or it is damaged."""
        versions = self.known(model)
        if version and version not in versions:
            listed = ", ".join(map(str, versions))
            raise ModelError(f"The model {model!r} has no version {version}: there are {listed}.", model=model, version=version)
        return self._record(self.place(model, version or versions[-1]))

    def place(self, model: str, version: int) -> Path:
        """Return the folder of a version."""
        return self.folder / model / str(version)

    def load(self, model: str, version: int = 0) -> tuple[ModelRecord, ServedModel]:
        """Return a model's version and what predicts.

        Raises:
            ModelError: there is none, its file is not the one that was kept (by its hash), its features are not those of the record or
                are computed otherwise now, it cannot be read, or onnxruntime is not installed.
        """
        record = self.find(model, version)
        path = self.place(record.id, record.version) / MODEL_FILE
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"The file of the model {record.name} cannot be read: {error}.", path=str(path)) from None
        if (found := hashlib.sha256(data).hexdigest()) != record.sha256:
            message = f"{path} is not the file that was trained: its SHA-256 is {found[:16]}…, the record says {record.sha256[:16]}…"
            raise ModelError(f"{message}. Train the model again.", path=str(path))
        features = check_features(record.features)
        if digest_of_features(features) != record.features_digest:
            raise ModelError(
                f"The features of the model {record.name} are computed otherwise now than when it was trained: train it again."
            )
        return record, ServedModel(record.name, features, data)

    def keep(self, record: ModelRecord, data: bytes) -> ModelRecord:
        """Keep a trained model as the next version of its id, whole or not at all; return its record with version and hash.

        Raises:
            ModelError: the id is none, or the folder cannot be written.
        """
        check_id(record.id)
        sha256 = hashlib.sha256(data).hexdigest()
        made: Path | None = None
        try:
            (self.folder / record.id).mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=".", dir=self.folder / record.id))
            (made / MODEL_FILE).write_bytes(data)
            for _ in range(_TRIES):
                version = max(self.versions(record.id), default=0) + 1
                kept = msgspec.structs.replace(record, version=version, sha256=sha256)
                (made / RECORD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1))
                try:
                    made.rename(self.place(record.id, version))
                except OSError:
                    if not self.place(record.id, version).exists():
                        raise
                    continue  # somebody else's
                return kept
        except OSError as error:
            raise ModelError(f"The model {record.id!r} cannot be kept in {self.folder}: {error}.") from None
        finally:
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)
        raise ModelError(f"The model {record.id!r} found no free version in {self.folder}: others keep it at the same time; try again.")

    def _record_or_damage(self, place: Path) -> ModelRecord | DamagedRecord:
        try:
            return self._record(place)
        except ModelError as error:
            return DamagedRecord(id=place.parent.name, version=int(place.name), why=str(error))

    def _record(self, place: Path) -> ModelRecord:
        path = place / RECORD_FILE
        try:
            record = msgspec.json.decode(path.read_bytes(), type=ModelRecord)
        except (OSError, msgspec.MsgspecError) as error:
            raise ModelError(f"{path} is not the record of a model: {error}. Remove {place}, or bring it back.", path=str(path)) from None
        if (record.id, str(record.version)) != (place.parent.name, place.name):
            raise ModelError(f"{path} is the record of {record.name}: it lies in the wrong folder.", path=str(path))
        return record
