"""Parquet files of records: columns named as the fields of `Tick.dtype`, `Bar.dtype` ..., with `symbol` and `venue`; without loss."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.events import MarketDataEvent, Record, event_types

from ..blank import RecordArray, blank, picked
from .cells import as_text, parse_bytes
from .column_map import ColumnMap
from .csv_file import RawChunk
from .import_options import ImportOptions
from .import_plan import ImportPlan
from .import_report import ImportReport
from .import_times import find_time_format
from .parquet_file import ParquetSource

if TYPE_CHECKING:
    from .record_file import Instruments

__all__ = ["RecordColumns"]

_META = ("id", "time_ns", "cause", "source", "flags", "seq", "lane", "instrument")  # of the bus they were on, not of the record


class RecordColumns:
    """The reading of one Parquet file as records of `record_type`; their ordinals stay as they are in the file."""

    def __init__(self, record_type: type[Record], header: tuple[str, ...]) -> None:
        names = record_type.dtype.names or ()
        self.record_type = record_type
        self._fields = [name for name in names if name != "instrument"]
        self.unused = tuple(name for name in header if name not in names and name not in (*_META, "symbol", "venue"))

    @classmethod
    def of(cls, source: ParquetSource) -> RecordColumns | None:
        """Return how to read a file if it has every field of a market data record and the symbol, else None."""
        columns = set(source.header)
        for record_type in event_types(MarketDataEvent):
            if issubclass(record_type, Record):
                names = set(record_type.dtype.names or ()) - {"instrument"}
                if names <= columns and {"symbol", "venue"} <= columns:
                    return cls(record_type, source.header)
        return None

    def plan(self, file: str, options: ImportOptions) -> ImportPlan:
        """Return the plan of importing `file`: nothing needs to be asked."""
        name = self.record_type.__name__
        return ImportPlan(
            file=file,
            kind="records",
            options=options,
            columns=ColumnMap("records", {}, self.unused),
            time_format=find_time_format("ns", ""),
            record=name,
            inferred={"kind": f"the columns are the fields of {name}"},
        )

    def convert(self, chunk: RawChunk, instruments: Instruments, report: ImportReport) -> RecordArray:
        """Return the records of a chunk; a row without symbol or event time is refused."""
        count = len(chunk.lines)
        records = blank(self.record_type, count)
        for name in self._fields:
            self._fill(records, name, chunk.columns[name])
        records["instrument"], named = self._instruments(chunk, instruments, report)
        timed = np.asarray(chunk.columns["event_ns"].is_valid())
        for row in np.flatnonzero(~(named & timed)).tolist():
            report.refuse(int(chunk.lines[row]), "event_ns is missing" if named[row] else "symbol is missing")
        kept = picked(records, named & timed)
        self._account(report, count, kept)
        return kept

    def _fill(self, records: RecordArray, name: str, cells: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        form = records.dtype[name]
        if form.kind == "S":
            records[name] = parse_bytes(cells.cast(pa.string()), form.itemsize)[0]
        elif form.subdtype is not None:
            records[name] = _levels(cells, records[name])
        elif pa.types.is_string(cells.type):
            records[name] = self._enumerated(name, cells)
        else:
            default = records[name][0].item() if len(records) else 0
            records[name] = np.asarray(pc.fill_null(cells, pa.scalar(default, cells.type)))

    def _enumerated(self, name: str, cells: Any) -> Any:
        # Exports for people write the member's name.
        kind = type(getattr(self.record_type(), name))
        names = {member.name: int(member) for member in kind} if issubclass(kind, IntEnum) else {}
        return [names.get(text, 0) for text in cells.to_pylist()]

    def _instruments(self, chunk: RawChunk, instruments: Instruments, report: ImportReport) -> tuple[Any, Any]:
        symbols = as_text(chunk.columns["symbol"]).to_pylist()
        venues = as_text(chunk.columns["venue"]).to_pylist()
        numbers = {}
        for symbol, venue in dict.fromkeys(zip(symbols, venues, strict=True)):
            if symbol is not None:
                numbers[symbol, venue] = instruments.number(symbol, venue or "")
                name = f"{symbol}@{venue}" if venue else symbol
                if name not in report.instruments:
                    report.instruments.append(name)
        found = np.array([numbers.get(pair, 0) for pair in zip(symbols, venues, strict=True)], np.int64)
        return found, found > 0

    def _account(self, report: ImportReport, rows: int, kept: RecordArray) -> None:
        report.rows += rows
        report.stored_rows += len(kept)
        if len(kept):
            name = self.record_type.__name__
            report.records[name] = report.records.get(name, 0) + len(kept)
            first, last = int(kept["event_ns"].min()), int(kept["event_ns"].max())
            report.first_ns = first if report.first_ns is None else min(report.first_ns, first)
            report.last_ns = last if report.last_ns is None else max(report.last_ns, last)


def _levels(cells: Any, defaults: Any) -> Any:
    # Lists of ten, in which a level that is not there is null.
    import pyarrow as pa
    import pyarrow.compute as pc

    width = defaults.shape[1]
    if pa.types.is_fixed_size_list(cells.type) and cells.type.list_size == width and cells.null_count == 0 and len(cells):
        flat = cells.flatten()
        return np.asarray(pc.fill_null(flat, pa.scalar(defaults.flat[0].item(), flat.type))).reshape(-1, width)
    levels = defaults.copy()
    for row, values in enumerate(cells.to_pylist()):
        for level, value in enumerate((values or [])[:width]):
            if value is not None:
                levels[row, level] = value
    return levels
