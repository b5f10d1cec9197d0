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
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.errors import ImportFileError

from .binance_file import BinanceFile, is_recording
from .csv_file import CsvFile
from .import_options import ImportOptions
from .import_plan import ImportPlan
from .import_report import ImportReport
from .parquet_file import is_parquet
from .record_file import FileInstruments, Progress, RecordFile, Watcher
from .recording import Recording

__all__ = ["FileImporter", "Progress", "content_sha256"]


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
        if is_recording(Path(path)):
            return Recording(BinanceFile(Path(path)), self._options).plan()
        return RecordFile(Path(path), self._options).plan

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
        if is_recording(Path(path)):
            report = self._run_recording(BinanceFile(Path(path)), progress)
            report.seconds = time.perf_counter() - began
            return report
        file = RecordFile(Path(path), self._options)
        if self._options.strict:
            _check(file)
        for array in file.read(self._bus.instruments, progress):
            self._bus.publish_batch(array, source=self._source)
        file.report.seconds = time.perf_counter() - began
        return file.report

    def _run_recording(self, source: BinanceFile, progress: Watcher | None) -> ImportReport:
        recording = Recording(source, self._options)
        plan = recording.plan()
        report = ImportReport(
            file=str(source.path), sha256=source.sha256, kind=plan.kind, settings=plan.settings(), inferred=dict(plan.inferred)
        )
        if self._options.strict and source.bad:
            line, reason = source.bad[0]
            raise ImportFileError(
                f"{source.path}, line {line}: {reason}; nothing was imported.", file=str(source.path), line=line, reason=reason
            )
        for line, arrays in recording.convert(self._bus.instruments, report):
            for array in arrays:
                self._bus.publish_batch(array, source=self._source)
            if progress is not None:
                progress(Progress(rows=line, bytes_done=source.bytes_total * line // max(source.lines, 1), bytes_total=source.bytes_total))
        return report


# Strict: a first pass without publishing, so that a bad row leaves nothing half-done.
def _check(file: RecordFile) -> None:
    for _ in file.read(FileInstruments()):
        if file.report.refusals:
            break
    if file.report.refusals:
        first = file.report.refusals[0]
        raise ImportFileError(f"{file.path}, {first}; nothing was imported.", file=str(file.path), line=first.line, reason=first.reason)


def content_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content, unpacked if it is gzip: equal for a file and its compressed copy.

    Raises:
        ImportFileError: the file cannot be read, or its gzip data is damaged.
    """
    if is_parquet(Path(path)):
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return CsvFile.digest(Path(path))[0]
