"""The database as Parquet files, one for each table of records, with every field and the provenance of each row."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import StorageError
from gcg_quant.events import Record

from ..schema.columns import Rows
from ..schema.models import RECORD_TABLES, RecordTable
from ..sql.names import Names
from ..sql.selection import Selection
from .parquet import parquet_writer
from .stored_rows import StoredRows

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["export_parquet"]

_ROWS_AT_A_TIME = 50_000


def export_parquet(
    database: Database,
    folder: str | Path,
    *,
    kinds: Iterable[type[Record]] | None = None,
    symbols: Iterable[str] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[Path, int]:
    """Write each table of records into `folder` as TABLE.parquet and return the number of rows of each file.

    Tables without rows get no file. A file appears under its name once it is whole.

    Args:
        kinds: record classes; None means all.
        symbols: "BTC/USDT" or "BTC/USDT@SIM"; None means all.
        start_ns, end_ns: the first and the last `event_ns`, both included.
        progress: called with the number of rows written each time.

    Raises:
        InstrumentError: nothing is stored of a symbol. StorageError: a class that has no table; the folder cannot be written.
    """
    folder = Path(folder)
    tables = [_table_of(kind) for kind in (RECORD_TABLES if kinds is None else kinds)]
    names = Names(database)
    with database.reading() as connection:
        numbers = None if symbols is None else [names.number(connection, symbol) for symbol in symbols]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = {}
        for table in tables:
            job = _TableExport(database, table, numbers, start_ns, end_ns)
            path = folder / f"{table.name}.parquet"
            rows = job.write(path, progress)
            if rows:
                written[path] = rows
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be written: {error.strerror or error}.", path=str(folder)) from error
    return written


def _table_of(kind: type[Record]) -> RecordTable:
    table = RECORD_TABLES.get(kind)
    if table is None:
        raise StorageError(f"{kind.__name__} records are not stored in the database: they stand in the journal only.", kind=kind.__name__)
    return table


class _TableExport:
    # One table, read in portions by its key so that no transaction stays open and no table is held in memory.

    def __init__(self, database: Database, table: RecordTable, numbers: list[int] | None, start_ns: int | None, end_ns: int | None) -> None:
        self._database = database
        self._table = table
        self._tables = StoredRows(database, table)
        self._numbers = numbers
        self._bounds = (start_ns, end_ns)

    def write(self, path: Path, progress: Callable[[int], None] | None) -> int:
        part = path.with_name(path.name + ".part")
        try:
            written = self._write_part(part, progress)
            if written:
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return written

    def _write_part(self, part: Path, progress: Callable[[int], None] | None) -> int:
        written = 0
        with contextlib.ExitStack() as stack:
            writer: Any = None
            for chunk in self._chunks():
                if writer is None:
                    writer = stack.enter_context(parquet_writer(part, chunk.schema))
                writer.write_table(chunk)
                written += chunk.num_rows
                if progress is not None:
                    progress(chunk.num_rows)
        return written

    def _chunks(self) -> Iterator[Any]:
        for number in self._numbers if self._numbers is not None else [None]:
            last: tuple[Any, ...] | None = None
            while len(rows := self._rows(number, last)):
                last = tuple(_plain(rows[-1][name]) for name in self._table.key)
                yield self._tables.arrow(rows)

    def _rows(self, number: int | None, last: tuple[Any, ...] | None) -> Rows:
        selection = Selection(self._database, self._table, everything=True)
        selection.where("instrument", "=", number).where("event_ns", ">=", self._bounds[0]).where("event_ns", "<=", self._bounds[1])
        with self._database.reading() as connection:
            return selection.after(self._table.key, last).rows(connection, self._table.key, limit=_ROWS_AT_A_TIME)


def _plain(value: Any) -> Any:
    # A text of the key (a bar's period) goes into the next query as text.
    plain = value.item() if hasattr(value, "item") else value
    return plain.decode() if isinstance(plain, bytes) else plain
