"""One file into the database: an import bus of its own, the importer, the store, and the account of every row."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.clock import to_iso
from gcg_quant.events import World

from ..data_collector import FileImporter, ImportOptions, ImportPlan, ImportReport, Progress, content_sha256
from ..data_storage.files.exported import exported_files
from ..data_storage.files.imports import ImportRegistry
from ..data_storage.sql.database import Database
from .home import Home

__all__ = ["FolderOutcome", "ImportOutcome", "import_file", "import_folder", "plan_import"]


class ImportOutcome(msgspec.Struct, frozen=True):
    """What an import did: the importer's account of the rows, and what the database made of the records."""

    report: ImportReport
    stored: dict[str, int]
    already: dict[str, int]
    earlier: str = ""  # when the same content was imported before, which ended this import
    number: int = 0  # of the import in the database; 0 if there is none
    before: int = 0  # of the earlier one


class FolderOutcome(msgspec.Struct):
    """What became of a folder of exported files; each file is an import of its own."""

    files: int = 0
    earlier: int = 0  # files that were imported before
    rows: int = 0
    refused: dict[str, int] = {}  # reason -> rows
    stored: dict[str, int] = {}
    already: dict[str, int] = {}

    def add(self, outcome: ImportOutcome) -> None:
        """Count one file."""
        self.files += 1
        if outcome.earlier:
            self.earlier += 1
            return
        self.rows += outcome.report.rows
        pairs = ((self.refused, outcome.report.reasons), (self.stored, outcome.stored), (self.already, outcome.already))
        for mine, its in pairs:
            for name, count in its.items():
                mine[name] = mine.get(name, 0) + count


def plan_import(home: Home, path: Path, options: ImportOptions) -> ImportPlan:
    """Return what importing `path` would do, with the options that must be asked for. Raises ImportFileError."""
    with _ImportBus(home, "plan") as bus:
        return FileImporter(bus, options).plan(path)


def import_file(
    home: Home,
    database: Database,
    path: Path,
    options: ImportOptions,
    progress: Callable[[Progress], None] | None = None,
    storing: Callable[[int, int], None] | None = None,
) -> ImportOutcome:
    """Import one file; whatever fails, an exception of a callback included, leaves nothing of it in the database.

    Args:
        progress: called while the file is read.
        storing: called with the records stored and all of them, while they are.

    Raises:
        ImportFileError: the file cannot be read or mapped, or an option is missing.
        StorageError: the database refuses, or another process imports the same content.
    """
    registry = ImportRegistry(database)
    digest = content_sha256(path)
    known = registry.find(digest)
    if known is not None:
        report = msgspec.convert(known.report, ImportReport, strict=False)
        return ImportOutcome(report, {}, {}, to_iso(known.finished_ns or known.started_ns), before=known.number)
    number = registry.begin(path, digest)
    try:
        with _ImportBus(home, str(number)) as bus:
            report = FileImporter(bus, options).run(path, progress)
            stored = registry.store(bus, number, _counted(storing, sum(report.records.values())))
        registry.finish(number, report)
    except BaseException:
        registry.cancel(number)
        raise
    return ImportOutcome(report, stored.rows, stored.already, number=number)


def import_folder(
    home: Home, database: Database, folder: Path, options: ImportOptions, progress: Callable[[int, int], None] | None = None
) -> FolderOutcome:
    """Import all files of a folder that an export wrote. Broken off, it goes on with the files that are missing when it is called again.

    Args:
        progress: called with the files done and all of them.

    Raises:
        StorageError: anything else is in the folder, and nothing was imported; else as `import_file`, for one of the files.
    """
    paths = exported_files(folder)
    done = FolderOutcome()
    for path in paths:
        done.add(import_file(home, database, path, options))
        if progress is not None:
            progress(done.files, len(paths))
    return done


def _counted(storing: Callable[[int, int], None] | None, total: int) -> Callable[[int], None] | None:
    if storing is None:
        return None
    done = 0

    def count(records: int) -> None:
        nonlocal done
        done += records
        storing(done, total)

    return count


class _ImportBus:
    # A bus for one import, gone afterwards: the file itself is the record of what it held.
    def __init__(self, home: Home, name: str) -> None:
        self._folder = home.imports / name

    def __enter__(self) -> EventBus:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._bus = EventBus(self._folder / "bus", world=World.IMPORT, source="import", sync="none")
        return self._bus

    def __exit__(self, *_: object) -> None:
        self._bus.close()
        shutil.rmtree(self._folder, ignore_errors=True)
