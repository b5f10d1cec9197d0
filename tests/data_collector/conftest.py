"""Fixtures of the collectors' tests: an import bus, and files written from text."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_collector import FileImporter, ImportOptions, ImportReport
from gcg_quant.events import Record, World

Write = Callable[..., Path]


@pytest.fixture
def import_bus(tmp_path: Path) -> Iterator[EventBus]:
    """Return an empty import bus."""
    with EventBus(tmp_path / "import_bus", world=World.IMPORT, source="test", page_mb=4, sync="none") as opened:
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes text or bytes to a file of a name, packed if it ends in .gz."""

    def to_file(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return to_file


class Importing:
    """Imports a file onto a bus and reads back what came of it."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus

    def run(self, path: Path, **options: Any) -> ImportReport:
        """Import a file and check that every row is accounted for."""
        report = FileImporter(self.bus, ImportOptions(**options)).run(path)
        assert report.rows == report.stored_rows + report.refused_rows
        assert sum(report.reasons.values()) == report.refused_rows
        return report

    def records(self, kind: type[Record]) -> np.ndarray[Any, Any]:
        """Return all records of a type on the bus."""
        with self.bus.reader(start="begin") as reader:
            return reader.read_array(kind, limit=10_000_000)

    def events(self) -> list[Any]:
        """Return all events on the bus."""
        with self.bus.reader(start="begin") as reader:
            return list(reader)


@pytest.fixture
def importing(import_bus: EventBus) -> Importing:
    """Return an importer onto `import_bus`."""
    return Importing(import_bus)
