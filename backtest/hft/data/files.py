"""Data files as market data: every CSV and Parquet file that the importer reads, by the same rules."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.errors import ImportFileError
from gcg_quant.events import HOT_RECORDS, Bar, Record, Tick, TradeTick

from ....data_collector import FileInstruments, ImportOptions, ImportReport, RecordFile
from ..market import RowsFeed
from .order import in_order
from .row_buffer import RowBuffer
from .wanted import Rows, Wanted, split_name

__all__ = ["ENDINGS", "import_options", "load_file", "load_folder", "warn_of"]

ENDINGS = (".csv", ".tsv", ".txt", ".parquet", ".pq")
_ROOM = 1.02  # of the rows that the file's first lines let expect
_ROWS: dict[tuple[type[Record], ...], str] = {(Tick,): "ticks", (TradeTick,): "trades", (Bar,): "bars"}  # in the importer's words
_GOES_BACK = "the time goes back"
_NO_ZONE = "the time states no zone"


def load_file(path: Path, wanted: Wanted, *, sort: bool = False, **options: Any) -> tuple[list[RowsFeed], ImportReport]:
    """Return the market data of one file, an array for each instrument and record type, and the account of its rows.

    A file that has a column of symbols tells its instruments, and `wanted.names` chooses among them; else the one name says what it is.

    Args:
        path: a CSV (plain or gzip) or Parquet file.
        wanted: which instruments, records and times of it.
        sort: put the rows in order of time, if they are not.
        options: fields of `ImportOptions`, for what the file does not tell.

    Raises:
        ImportFileError: the file is missing or damaged, of no known kind, an option is to be told, its times go back, some state their
            zone and others do not, or nothing in it is wanted.
        InstrumentError: it has no such symbol.
    """
    _check_ending(path)
    try:
        file = _open(path, sort, options)
    except ImportFileError as error:  # the columns do not say what a row holds
        told_kind = _ROWS.get(wanted.records)
        if error.context.get("option") != "kind" or told_kind is None:
            raise
        options = {**options, "kind": told_kind}
        file = _open(path, sort, options)
    columns = file.plan.columns.columns
    named = "symbol" in columns or bool(file.plan.record)
    if not named and wanted.names:
        symbol, venue = split_name(_only(wanted.names, path))
        told = {"symbol": symbol} | ({"venue": venue} if venue else {})
        file = _open(path, sort, {**options, **told})
    instruments = FileInstruments()
    buffers = _read(file, instruments, wanted if named else Wanted())
    _check_report(file.report, sort)
    if named:
        wanted.check_names(instruments.places, str(path))
    feeds = []
    for (number, record), buffer in buffers.items():
        symbol, venue = instruments.places[number - 1]
        name = f"{path}, {symbol}"
        if wanted.records and record not in wanted.records:
            continue
        rows = wanted.part(in_order(buffer.take(), name, sort=sort), name)
        feeds.append(RowsFeed(symbol, venue, record, rows, instruments.terms.get(number)))
    if not feeds:
        raise ImportFileError(f"{path} holds nothing that is wanted: {_told(file.report, wanted)}.", file=str(path))
    return feeds, file.report


def load_folder(folder: Path, wanted: Wanted, *, sort: bool = False, **options: Any) -> list[RowsFeed]:
    """Return the market data of all Parquet files below a folder, as `export` writes them: a feed for each file and instrument.

    Raises:
        ImportFileError: there are none, or one cannot be read. InstrumentError: none of them has a symbol that is wanted.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".parquet", ".pq"))
    if not files:
        raise ImportFileError(f"{folder} is no journal (it has no bus.meta), and holds no Parquet files.", file=str(folder))
    feeds: list[RowsFeed] = []
    for path in files:
        every = Wanted(records=wanted.records)
        found, report = load_file(path, every, sort=sort, **options)
        warn_of(report)
        feeds += found
    wanted.check_names([(one.symbol, one.venue) for one in feeds], str(folder))
    chosen = [one for one in feeds if wanted.has(one.symbol, one.venue)]
    parts = [RowsFeed(one.symbol, one.venue, one.record, _within(one.rows, wanted), one.terms) for one in chosen]
    kept = [one for one in parts if len(one.rows)]
    if not kept:
        raise ImportFileError(f"{folder} holds no rows {wanted.range_text()}.", file=str(folder))
    return kept


def import_options(options: dict[str, Any]) -> ImportOptions:
    """Return the importer's options by their names. Raises ImportFileError for a name or a value that makes no sense."""
    unknown = next((name for name in options if name not in ImportOptions.__struct_fields__), None)
    if unknown is not None:
        known = ", ".join(name for name in ImportOptions.__struct_fields__ if name not in ("symbol", "chunk_bytes"))
        raise ImportFileError(f"There is no option {unknown!r} of data files; there are {known}.", option=unknown)
    return ImportOptions(**options)


def warn_of(report: ImportReport) -> None:
    """Warn of rows that were refused, with the first reasons; the import says the same."""
    if not report.refused_rows:
        return
    first = "; ".join(str(one) for one in report.refusals[:3])
    more = "; ..." if report.refused_rows > 3 else ""
    warnings.warn(f"{report.file}: {report.refused_rows} of {report.rows} rows were refused: {first}{more}", UserWarning, stacklevel=4)


def _within(rows: Rows, wanted: Wanted) -> Rows:
    begin = 0 if wanted.start_ns is None else int(np.searchsorted(rows["event_ns"], wanted.start_ns))
    end = len(rows) if wanted.end_ns is None else int(np.searchsorted(rows["event_ns"], wanted.end_ns))
    return rows[begin:end]


def _check_ending(path: Path) -> None:
    endings = [one.lower() for one in path.suffixes]
    if endings and endings[-1] == ".gz":
        endings.pop()
    if path.is_file() and endings and endings[-1] not in ENDINGS:
        raise ImportFileError(
            f"{path} ends in {endings[-1]}: expected {', '.join(ENDINGS)} (also .gz), a journal's folder, an array or a frame.",
            file=str(path),
        )


def _only(names: tuple[str, ...], path: Path) -> str:
    if len(names) > 1:
        raise ImportFileError(f"{path} has no column of symbols, so it is of one instrument; found {', '.join(names)}.", file=str(path))
    return names[0]


def _open(path: Path, sort: bool, options: dict[str, Any]) -> RecordFile:
    return RecordFile(path, import_options({**options, "allow_unsorted": True} if sort else options), checked=False)


def _read(file: RecordFile, instruments: FileInstruments, wanted: Wanted) -> dict[tuple[int, type[Record]], RowBuffer]:
    by_dtype = {cls.dtype: cls for cls in HOT_RECORDS}
    buffers: dict[tuple[int, type[Record]], RowBuffer] = {}
    expected = int(file.rows * _ROOM) + 1
    for rows in file.read(instruments):
        record = by_dtype[rows.dtype]
        numbers = rows["instrument"]
        present = np.unique(numbers).tolist() if (numbers != numbers[0]).any() else [int(numbers[0])]
        for number in present:
            if not wanted.has(*instruments.places[number - 1]):
                continue
            if (number, record) not in buffers:
                # Only the first one is likely to have the file for itself.
                buffers[number, record] = RowBuffer(record, expected if len(present) == 1 and not buffers else len(rows))
            own = rows if len(present) == 1 else _raw(rows)[numbers == number]
            buffers[number, record].append(own)
    return buffers


def _raw(rows: Rows) -> Rows:
    return rows.view(f"V{rows.dtype.itemsize}")


# What a backtest must not pass over in silence.
def _check_report(report: ImportReport, sort: bool) -> None:
    for beginning, advice in ((_GOES_BACK, "load it with sort=True, which puts the rows in order"), (_NO_ZONE, "")):
        for refusal in report.refusals:
            if refusal.reason.startswith(beginning) and not (sort and beginning == _GOES_BACK):
                told = refusal.reason.split(" (see")[0]
                told += f" ({refusal.detail})" if refusal.detail else ""
                ending = f"; {advice}." if advice else "; say with timezone=... in which zone those are that state none."
                raise ImportFileError(f"{report.file}, line {refusal.line}: {told}{ending}", file=report.file, line=refusal.line)


def _told(report: ImportReport, wanted: Wanted) -> str:
    if report.stored_rows == 0:
        first = f", the first in {report.refusals[0]}" if report.refusals else ""
        return f"all {report.rows} rows were refused{first}"
    kinds = ", ".join(record.__name__ for record in wanted.records)
    return f"{kinds} were asked for, and it holds {', '.join(report.records)}"
