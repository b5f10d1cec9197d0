"""The folder of models: what is kept is found again, and what was changed afterwards is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gcg_quant.errors import ModelError
from gcg_quant.strategy_engine.models import ModelStore, check_features, digest_of_features
from gcg_quant.strategy_engine.models.record import DamagedRecord
from gcg_quant.strategy_engine.models.store import MODEL_FILE, RECORD_FILE


@pytest.fixture
def store(trained: Any, tmp_path: Path) -> ModelStore:
    """Return a copy of the trained model's folder, to be damaged."""
    shutil.copytree(trained.folder, tmp_path / "models")
    return ModelStore(tmp_path / "models")


def change(store: ModelStore, **fields: Any) -> None:
    """Write other values into the record."""
    path = store.place("xyz", 1) / RECORD_FILE
    path.write_bytes(msgspec.json.encode({**msgspec.json.decode(path.read_bytes()), **fields}))


def test_what_was_kept_is_loaded(store: ModelStore, trained: Any) -> None:
    """Record and file come back; the newest version is taken unless one is named."""
    record, model = store.load("xyz")
    assert record == trained.record
    assert 0 < model.probability(model.probabilities.__self__._row[0]) < 1  # type: ignore[attr-defined]
    again = store.keep(msgspec.structs.replace(record, horizon=9), (store.place("xyz", 1) / MODEL_FILE).read_bytes())
    assert again.version == 2
    assert store.find("xyz").horizon == 9
    assert store.find("xyz", 1) == record
    assert sorted(path.name for path in (store.folder / "xyz").iterdir()) == ["1", "2"]  # nothing half done lies about


def test_a_changed_file_is_refused(store: ModelStore) -> None:
    """One byte more, and the hash is not that of the record."""
    with (store.place("xyz", 1) / MODEL_FILE).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="is not the file that was trained: its SHA-256 is"):
        store.load("xyz")


def test_other_features_are_refused(store: ModelStore) -> None:
    """A record with another list, with another digest, and with both is not that of the file."""
    other = ["return(1)", "return(3)@2", "place(10)", "talib.RSI(6)", "chan.stroke(2)", "chan.pivot(2)"]
    change(store, features=other)
    with pytest.raises(ModelError, match="computed otherwise now"):
        store.load("xyz")
    change(store, features_digest=digest_of_features(check_features(other)))
    with pytest.raises(ModelError, match="was trained on other features"):
        store.load("xyz")
    change(store, features=other[:3], features_digest=digest_of_features(check_features(other[:3])))
    with pytest.raises(ModelError, match="takes 6 features, and its record lists 3"):
        store.load("xyz")


def test_what_is_not_there_is_named(store: ModelStore) -> None:
    """An unknown model, an unknown version, a missing file and a folder that is none."""
    with pytest.raises(ModelError, match="no model 'xyy'. Did you mean 'xyz'?"):
        store.find("xyy")
    with pytest.raises(ModelError, match="has no version 3: there are 1"):
        store.find("xyz", 3)
    with pytest.raises(ModelError, match="model's id has up to"):
        store.find("../xyz")
    (store.place("xyz", 1) / MODEL_FILE).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        store.load("xyz")
    assert ModelStore(store.folder / "nothing").records() == []


def test_damaged_records_are_named(store: ModelStore) -> None:
    """A record that is cut off, and one that was moved, say where they lie."""
    path = store.place("xyz", 1)
    shutil.copytree(path, store.place("xyz", 7))
    with pytest.raises(ModelError, match="is the record of xyz@1: it lies in the wrong folder"):
        store.find("xyz", 7)
    shutil.rmtree(store.place("xyz", 7))
    (path / RECORD_FILE).write_bytes(b'{"id": ')
    with pytest.raises(ModelError, match=r"record\.json is not the record of a model"):
        store.find("xyz")


def test_a_damaged_record_hides_no_other(store: ModelStore, trained: Any) -> None:
    """The list has the others, and in its place a damaged one with the reason; so with one that is missing."""
    path = store.place("xyz", 1)
    for version in (2, 3):
        shutil.copytree(path, store.place("xyz", version))
    (store.place("xyz", 2) / RECORD_FILE).write_bytes(b"\xff")
    (store.place("xyz", 3) / RECORD_FILE).unlink()
    missing, damaged, whole = store.records()
    assert whole == trained.record
    assert isinstance(missing, DamagedRecord)
    assert isinstance(damaged, DamagedRecord)
    assert (missing.name, damaged.name) == ("xyz@3", "xyz@2")
    assert f"{store.place('xyz', 2) / RECORD_FILE} is not the record of a model" in damaged.why


def test_a_file_that_is_none_is_a_sentence(store: ModelStore, tmp_path: Path) -> None:
    """Rubbish with the right hash does not reach a signal."""
    record = store.find("xyz")
    store.keep(record, b"rubbish")
    with pytest.raises(ModelError, match="xyz@2 cannot be read by onnxruntime"):
        store.load("xyz")


def test_a_folder_that_cannot_be_written_keeps_nothing(store: ModelStore, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be kept in"):
        ModelStore(tmp_path / "file").keep(store.find("xyz"), b"")
