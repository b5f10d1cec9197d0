"""Files to events: CSV (plain or gzip) and Parquet, with quotes, trades, ticks, bars or open interest.

    importer = FileImporter(bus, ImportOptions(timezone="America/New_York", stamp="start"))
    report = importer.run("SPY_daily.csv.gz")
    report.rows == report.stored_rows + report.refused_rows          # always

What the options do not say is taken from the file where that leaves no doubt (`plan` shows it, the report repeats it); the rest raises
an ImportFileError that names the option. docs/import.md says which source row becomes which records.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import ImportFileError

from .blank import RecordArray
from .conversion import Conversion
from .csv_file import CsvFile, RawChunk
from .import_options import ImportOptions
from .import_plan import ImportPlan, make_plan
from .import_report import ImportReport
from .parquet_file import ParquetSource, is_parquet
from .record_columns import RecordColumns

__all__ = ["FileImporter", "Progress", "content_sha256"]


class Progress(msgspec.Struct, frozen=True):
    """How far an import has come: rows seen, and bytes of the file's content done and in total."""

    rows: int
    bytes_done: int
    bytes_total: int


Watcher: TypeAlias = Callable[[Progress], None]


class FileImporter:
    """Reads data files onto a bus. The bus should be of world IMPORT; who stores its events (the Recorder) reads it as any other.

    One importer may run any number of files, one after the other, on one thread.
    """

    def __init__(self, bus: EventBus, options: ImportOptions | None = None, *, source: str = "import") -> None:
        """Args: `source`: who publishes, as the events show it."""
        self._bus = bus
        self._options = options or ImportOptions()
        self._source = source

    def plan(self, path: str | Path) -> ImportPlan:
        """Return what run() would do, without publishing; `missing` names the options that must be asked for first.

        Raises:
            ImportFileError: the file cannot be read, or its columns cannot be mapped.
        """
        source = self._open(Path(path))
        records = RecordColumns.of(source) if isinstance(source, ParquetSource) else None
        return self._plan(source) if records is None else records.plan(str(source.path), self._options)

    def run(self, path: str | Path, progress: Watcher | None = None) -> ImportReport:
        """Publish the records of one file, in its order, and return the account of its rows.

        Args:
            path: the file.
            progress: called after each chunk, on this thread.

        Raises:
            ImportFileError: the file cannot be read, an option is missing (`error.context["option"]`), or a row is bad and `strict` is set;
                nothing has been published then.
        """
        began = time.perf_counter()
        source = self._open(Path(path))
        records = RecordColumns.of(source) if isinstance(source, ParquetSource) else None
        report = self._run_rows(source, progress) if records is None else self._run_records(source, records, progress)
        report.seconds = time.perf_counter() - began
        return report

    def _run_rows(self, source: CsvFile | ParquetSource, progress: Watcher | None) -> ImportReport:
        plan = self._plan(source)
        plan.require()
        if self._options.strict:
            self._check(source, plan)
        report = self._report(source, plan)
        for array in self._convert(source, plan, report, progress):
            self._bus.publish_batch(array, source=self._source)
        return report

    def _open(self, path: Path) -> CsvFile | ParquetSource:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise ImportFileError(f"{path} {what}: expected a CSV or Parquet file.", file=str(path))
        if is_parquet(path):
            return ParquetSource(path)
        options = self._options
        return CsvFile(path, delimiter=options.delimiter, names=options.names, chunk_bytes=options.chunk_bytes)

    def _plan(self, source: CsvFile | ParquetSource) -> ImportPlan:
        first = next(source.chunks(), None)
        if first is None:
            raise ImportFileError(f"{source.path} holds no rows.", file=str(source.path))
        return make_plan(str(source.path), source.header, first.columns, self._options)

    def _report(self, source: CsvFile | ParquetSource, plan: ImportPlan) -> ImportReport:
        return ImportReport(
            file=str(source.path),
            sha256=source.sha256,
            kind=plan.kind,
            settings=plan.settings(),
            inferred=dict(plan.inferred),
            unused_columns=list(plan.columns.unused),
        )

    def _convert(
        self, source: CsvFile | ParquetSource, plan: ImportPlan, report: ImportReport, progress: Watcher | None
    ) -> Iterator[RecordArray]:
        conversion = Conversion(plan, self._bus.instruments, report)
        for chunk in source.chunks():
            array = conversion.convert(chunk)
            if len(array):
                yield array
            _tell(progress, report, chunk, source.bytes_total)

    def _check(self, source: CsvFile | ParquetSource, plan: ImportPlan) -> None:
        # Strict: a first pass without publishing, so that a bad row leaves nothing half-done.
        report = self._report(source, plan)
        for _ in self._convert(source, plan, report, None):
            if report.refusals:
                break
        if report.refusals:
            first = report.refusals[0]
            raise ImportFileError(
                f"{source.path}, {first}; nothing was imported.", file=str(source.path), line=first.line, reason=first.reason
            )

    def _run_records(self, source: CsvFile | ParquetSource, records: RecordColumns, progress: Watcher | None) -> ImportReport:
        report = self._report(source, records.plan(str(source.path), self._options))
        for chunk in source.chunks():
            array = records.convert(chunk, self._bus.instruments, report)
            if len(array):
                self._bus.publish_batch(array, source=self._source)
            _tell(progress, report, chunk, source.bytes_total)
        return report


def _tell(progress: Watcher | None, report: ImportReport, chunk: RawChunk, total: int) -> None:
    if progress is not None:
        progress(Progress(rows=report.rows, bytes_done=chunk.bytes_done, bytes_total=total))


def content_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content, unpacked if it is gzip: equal for a file and its compressed copy.

    Raises:
        ImportFileError: the file cannot be read, or its gzip data is damaged.
    """
    if is_parquet(Path(path)):
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return CsvFile.digest(Path(path))[0]
