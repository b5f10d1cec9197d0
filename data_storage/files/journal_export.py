"""A journal's records as Parquet files, one for each class of records: every field, and id, time, cause, source and flags of each row."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gcg_quant.bus import BusReader, EventBus
from gcg_quant.errors import InstrumentError, JournalError, StorageError, nearest
from gcg_quant.events import HOT_RECORDS, Event, Lane, Record

from ..schema.columns import Rows
from ..schema.models import RECORD_TABLES
from .parquet import parquet_writer
from .record_tables import named_column, to_table

__all__ = ["export_journal"]

_ROWS_AT_A_TIME = 16_000  # what stays in the processor's cache on its way from the pages into columns
_ROWS_A_GROUP = 100_000


def export_journal(
    bus: EventBus,
    folder: str | Path,
    kinds: Iterable[type[Event]] = HOT_RECORDS,
    *,
    symbols: Iterable[str] | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[Path, int]:
    """Write the records of each class into `folder`, as far as the journal goes now; return the number of rows of each file.

    The files are named as those of `export_parquet` (ticks.parquet ...) and have the same columns, but for the provenance: `id`
    (what `cause` refers to), `time_ns`, `cause`, `source` and `flags`. Classes without rows get no file; a file appears under its name
    once it is whole. Rows are written as they are read, so memory does not grow with the journal.

    Args:
        kinds: classes of records.
        symbols: "BTC/USDT", "BTC/USDT@SIM" or patterns; None means all, and records without a symbol.
        from_ns, to_ns: only what was published at `from_ns` or later, and before `to_ns`.
        progress: called with the number of rows written each time.

    Raises:
        StorageError: a class that is no record; the folder cannot be written. InstrumentError: the journal does not know a symbol.
        JournalCorruptError: damage; what was written is removed.
    """
    records = [_record(kind) for kind in kinds]
    wanted = None if symbols is None else [_known(bus, symbol) for symbol in symbols]
    folder = Path(folder)
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            files = {record: stack.enter_context(_File(bus, record, folder)) for record in records}
            writing = stack.enter_context(ThreadPoolExecutor(1))  # one core reads, another one compresses
            with bus.reader(start="begin", events=records, symbols=wanted) as reader:
                if from_ns is not None:
                    reader.seek_time(from_ns)
                _copy(reader, files, _Bounds(bus.head(Lane.MARKET), to_ns, wanted is not None), progress, writing)
            return {file.path: file.rows for file in files.values() if file.finish()}
        except JournalError:
            raise
        except OSError as error:
            raise StorageError(f"The folder {folder} cannot be written: {error.strerror or error}.", path=str(folder)) from error


def _copy(
    reader: BusReader,
    files: dict[type[Record], _File],
    bounds: _Bounds,
    progress: Callable[[int], None] | None,
    writing: ThreadPoolExecutor,
) -> None:
    before: Future[None] | None = None
    while tables := reader.read_tables(_ROWS_AT_A_TIME)[0]:
        inside, over = bounds.cut(tables)
        if before is not None:
            before.result()
        before = writing.submit(_write, files, inside)
        if progress is not None:
            progress(sum(len(rows) for rows in inside.values()))
        if over:
            break
    if before is not None:
        before.result()


class _Bounds(NamedTuple):
    # What is outside: from the head of the beginning on, from `to_ns` on, and records of no symbol where symbols were asked for.
    head: int
    to_ns: int | None
    named: bool

    def cut(self, tables: dict[type[Record], Rows]) -> tuple[dict[type[Record], Rows], bool]:
        # The rows inside, and whether this was the end.
        inside, over = {}, False
        for record, rows in tables.items():
            early = self._early(rows)
            over = over or len(early) < len(rows)
            inside[record] = early[early["instrument"] != 0] if self.named and not early["instrument"].all() else early
        return inside, over

    def _early(self, rows: Rows) -> Rows:
        # Ids and times ascend, so the last row mostly answers for all.
        last_id = np.uint64(int(Lane.MARKET) << 60 | (self.head - 1))
        if rows["id"][-1] > last_id:
            rows = rows[: np.searchsorted(rows["id"], last_id, "right")]
        if self.to_ns is not None and len(rows) and rows["time_ns"][-1] >= self.to_ns:
            rows = rows[: np.searchsorted(rows["time_ns"], self.to_ns)]
        return rows


def _write(files: dict[type[Record], _File], tables: dict[type[Record], Rows]) -> None:
    for record, rows in tables.items():
        files[record].write(rows)


def _record(kind: type[Event]) -> type[Record]:
    if not issubclass(kind, Record):
        raise StorageError(
            f"{kind.__name__} is no record with columns; these are: {', '.join(one.__name__ for one in HOT_RECORDS)}.", kind=kind.__name__
        )
    return kind


def _known(bus: EventBus, symbol: str) -> str:
    known = [text for one in bus.instruments for text in (one.symbol, f"{one.symbol}@{one.venue}")]
    if symbol not in known and not any(letter in symbol for letter in "*?["):
        raise InstrumentError(f"The journal {bus.path} has no symbol {symbol!r}.{nearest(symbol, known)}", symbol=symbol)
    return symbol


class _File:
    # One class's file, written row group by row group under a temporary name.

    def __init__(self, bus: EventBus, record: type[Record], folder: Path) -> None:
        table = RECORD_TABLES.get(record)
        name = table.name if table is not None else re.sub(r"(?<!^)(?=[A-Z])", "_", record.__name__).lower() + "s"
        self.path = folder / f"{name}.parquet"
        self.rows = 0
        self._part = self.path.with_name(self.path.name + ".part")
        self._bus = bus
        self._record = record
        self._writer: Any = None
        self._waiting: list[Any] = []  # tables
        self._waiting_rows = 0
        self._names: dict[int, tuple[str, str]] = {0: ("", "")}
        self._sources: dict[int, str] = {0: ""}

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()
        self._part.unlink(missing_ok=True)

    def write(self, rows: Rows) -> None:
        if not len(rows):
            return
        for number in np.unique(rows["instrument"]).tolist():
            if number not in self._names:
                self._names[number] = self._bus.instruments.name(number)
        for number in np.unique(rows["source"]).tolist():
            if number not in self._sources:
                self._sources[number] = self._bus.source_name(number)
        table = to_table(self._record, rows, self._names)
        self._waiting.append(table.set_column(table.column_names.index("source"), "source", named_column(rows["source"], self._sources)))
        self._waiting_rows += len(rows)
        self.rows += len(rows)
        if self._waiting_rows >= _ROWS_A_GROUP:
            self._flush()

    def finish(self) -> bool:
        # Whether there is a file.
        if not self.rows:
            return False
        self._flush()
        self._writer.close()
        self._writer = None
        self._part.replace(self.path)
        return True

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting).unify_dictionaries()
        self._waiting, self._waiting_rows = [], 0
        if self._writer is None:
            self._writer = parquet_writer(self._part, table.schema)
        self._writer.write_table(table)
