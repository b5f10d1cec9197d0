"""A data file as arrays of records: what the importer publishes, and what a backtest loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

from gcg_quant.errors import ImportFileError
from gcg_quant.instruments import Instrument

from ..blank import RecordArray
from .conversion import Conversion
from .csv_file import CsvFile, RawChunk
from .import_options import ImportOptions
from .import_plan import ImportPlan, make_plan
from .import_report import ImportReport
from .parquet_file import ParquetSource, is_parquet
from .record_columns import RecordColumns

__all__ = ["FileInstruments", "Instruments", "Progress", "RecordFile", "Watcher"]


class Progress(msgspec.Struct, frozen=True):
    """How far an import has come: rows seen, and bytes of the file's content done and in total."""

    rows: int
    bytes_done: int
    bytes_total: int


Watcher: TypeAlias = Callable[[Progress], None]


class Instruments(Protocol):
    """Who numbers the instruments of the rows: a bus's table, or `FileInstruments`."""

    def __iter__(self) -> Iterator[Instrument]:
        """Yield those that have a number."""

    def add(self, instrument: Instrument) -> int:
        """Give an instrument with its terms a number."""

    def number(self, symbol: str, venue: str = "") -> int:
        """Return the number of an instrument; a new one gets one, with the terms of nobody."""


class FileInstruments:
    """The instruments of a file by themselves, numbered from 1 as they come: `places[number - 1]`."""

    def __init__(self) -> None:
        self.places: list[tuple[str, str]] = []
        self.terms: dict[int, Instrument] = {}  # of those whose market the file or the options tell

    def __iter__(self) -> Iterator[Instrument]:
        """Yield those whose terms are known."""
        return iter(self.terms.values())

    def add(self, instrument: Instrument) -> int:
        """Give an instrument with its terms a number."""
        number = self.number(instrument.symbol, instrument.venue)
        self.terms[number] = instrument
        return number

    def number(self, symbol: str, venue: str = "") -> int:
        """Return the number of an instrument; a new one gets the next."""
        if (symbol, venue) not in self.places:
            self.places.append((symbol, venue))
        return self.places.index((symbol, venue)) + 1


class RecordFile:
    """One CSV or Parquet file. `plan` says how it is read, `report` what became of its rows so far.

    Args:
        path: the file.
        options: what the file does not tell.
        checked: whether the file is read once from end to end before: for its hash, and so that damage shows before the first record.

    Raises:
        ImportFileError: the file cannot be read, or its columns cannot be mapped.
    """

    def __init__(self, path: Path, options: ImportOptions, *, checked: bool = True) -> None:
        self.path = path
        self._options = options
        self._source = self._open(checked)
        self._records = RecordColumns.of(self._source) if isinstance(self._source, ParquetSource) else None
        self.plan = self._records.plan(str(path), options) if self._records is not None else self._make_plan()
        self.report = ImportReport(file=str(path), sha256=self._source.sha256)

    @property
    def rows(self) -> int:
        """About how many rows the file has."""
        return self._source.rows

    def read(self, instruments: Instruments, progress: Watcher | None = None) -> Iterator[RecordArray]:
        """Yield the records in the order of the file, chunk by chunk; `report` is a new one, and complete at the end.

        Args:
            instruments: numbers the instruments, which the records name by these numbers.
            progress: called after each chunk.

        Raises:
            ImportFileError: an option is missing (`error.context["option"]`), or the file is damaged.
        """
        self.plan.require()
        self.report = self._new_report()
        convert = self._converter(instruments)
        for chunk in self._source.chunks(self.plan.number_columns, self.plan.columns.columns.values()):
            array = convert(chunk)
            if len(array):
                yield array
            if progress is not None:
                progress(Progress(rows=self.report.rows, bytes_done=chunk.bytes_done, bytes_total=self._source.bytes_total))

    def _converter(self, instruments: Instruments) -> Callable[[RawChunk], RecordArray]:
        records = self._records
        if records is not None:
            return lambda chunk: records.convert(chunk, instruments, self.report)
        return Conversion(self.plan, instruments, self.report).convert

    def _open(self, checked: bool) -> CsvFile | ParquetSource:
        path, options = self.path, self._options
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise ImportFileError(f"{path} {what}: expected a CSV or Parquet file.", file=str(path))
        if is_parquet(path):
            return ParquetSource(path, checked=checked)
        return CsvFile(path, delimiter=options.delimiter, names=options.names, chunk_bytes=options.chunk_bytes, checked=checked)

    def _make_plan(self) -> ImportPlan:
        first = next(self._source.chunks(), None)
        if first is None:
            raise ImportFileError(f"{self.path} holds no rows.", file=str(self.path))
        return make_plan(str(self.path), self._source.header, first.columns, self._options)

    def _new_report(self) -> ImportReport:
        plan = self.plan
        return ImportReport(
            file=str(self.path),
            sha256=self._source.sha256,
            kind=plan.kind,
            settings=plan.settings(),
            inferred=dict(plan.inferred),
            unused_columns=list(plan.columns.unused),
        )
