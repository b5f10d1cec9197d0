"""All of one database into another, empty one: from SQLite to PostgreSQL, back again, or anywhere else, with provenance and cursors.

    copy = DatabaseCopy(source, target)
    rows = copy.run(progress)              # table -> rows; or a StorageError, after which it can be run again

While it runs nobody writes to the source: a recorder waits and its journal keeps what comes. Each portion is committed together with how
far it reaches, so a copy that was interrupted goes on there; if the source has changed meanwhile, it begins anew. Until all rows have
been counted on both sides the target is marked as unfinished, and only a copy opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Table, func, select, tuple_

from gcg_quant.errors import StorageError

from ..schema.models import RECORD_TABLES, RecordTable, alembic_version, imports, meta, metadata, recorder_cursors, row_counts
from ..sql.selection import Selection
from ..sql.structure import UNFINISHED
from ..writing.record_writer import record_insertion

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["DatabaseCopy"]

_ROWS_AT_A_TIME = 10_000
_TABLES = tuple(table for table in metadata.sorted_tables if table not in (meta, alembic_version))
_RECORDS = {table.table: table for table in RECORD_TABLES.values()}


class _State(msgspec.Struct):
    # What the target notes of an unfinished copy: of what, and the key of the last row of each table ([]: all are there).
    source: str
    tables: dict[str, list[Any]] = {}


class DatabaseCopy:
    """One copy. One thread; the target must be opened with `unfinished=True`."""

    def __init__(self, source: Database, target: Database) -> None:
        if source.name == target.name:
            raise StorageError(f"The database {source.name} cannot be copied onto itself: name another one.", path=source.name)
        self._source = source
        self._target = target

    def run(self, progress: Callable[[str, int], None] | None = None) -> dict[str, int]:
        """Copy every row and return the number of rows of each table; `progress` is called with table and rows of each portion.

        Raises:
            StorageError: the target holds rows of its own; a database is locked, full or away; the counts differ at the end.
        """
        with self._source.writing() as source:  # reads only; nobody else writes
            state = self._begin(source)
            for table in _TABLES:
                for rows in self._portions(source, table, state):
                    if progress is not None:
                        progress(str(table.name), rows)
            return self._finish(source)

    def _begin(self, source: Connection) -> _State:
        identity = _identity(source)
        with self._target.writing() as target:
            noted = target.scalar(select(meta.c.value).where(meta.c.name == UNFINISHED))
            if noted is None and any(target.execute(select(table).limit(1)).first() is not None for table in _TABLES):
                raise StorageError(f"The database {self._target.name} holds rows already: copy into an empty one.", path=self._target.name)
            state = _State(identity) if noted is None else msgspec.json.decode(noted, type=_State)
            if state.source != identity:
                for table in reversed(_TABLES):
                    target.execute(table.delete())
                state = _State(identity)
            _note(target, state)
        return state

    def _portions(self, source: Connection, table: Table, state: _State) -> Iterator[int]:
        # A generator of how many rows each committed portion had.
        name = str(table.name)
        record = _RECORDS.get(table)
        while (last := state.tables.get(name)) != []:
            with self._target.writing() as target:
                if record is not None:
                    rows, key = self._records(source, target, record, last)
                else:
                    rows, key = _rows(source, target, table, last)
                state.tables[name] = key
                _note(target, state)
            if rows:
                yield rows

    def _records(self, source: Connection, target: Connection, table: RecordTable, last: list[Any] | None) -> tuple[int, list[Any]]:
        selection = Selection(self._source, table, everything=True).after(table.key, last)
        rows = selection.rows(source, table.key, limit=_ROWS_AT_A_TIME)
        if len(rows) == 0:
            return 0, []
        if table.partition_unit is not None:
            self._target.make_room(target, table, rows[table.time_column])
        if record_insertion(self._target, table).run(target, rows) != len(rows):
            raise StorageError(f"Another program writes into the database {self._target.name}.", path=self._target.name, retry=True)
        return len(rows), [_plain(rows[-1][name]) for name in table.key]

    def _finish(self, source: Connection) -> dict[str, int]:
        with self._target.writing() as target:
            counts = {}
            for table in _TABLES:
                wanted, counts[str(table.name)] = (one.scalar(select(func.count()).select_from(table)) or 0 for one in (source, target))
                if wanted != counts[str(table.name)]:
                    raise StorageError(
                        f"Table {table.name} of {self._target.name} holds {counts[str(table.name)]:,} rows instead of {wanted:,}: "
                        "empty the database and copy again.",
                        table=table.name,
                    )
            self._target.dialect.number_on(target, _TABLES)
            target.execute(meta.delete().where(meta.c.name == UNFINISHED))
        return {name: rows for name, rows in counts.items() if rows}


def _identity(source: Connection) -> str:
    # Changes with every transaction of a recorder, an import, a deletion.
    parts: list[Any] = [source.scalar(select(meta.c.value).where(meta.c.name == "created_ns"))]
    for table in (recorder_cursors, row_counts, imports):
        parts.append([list(row) for row in source.execute(select(table).order_by(*table.primary_key.columns))])
    return msgspec.json.encode(parts).decode()


def _note(target: Connection, state: _State) -> None:
    target.execute(meta.delete().where(meta.c.name == UNFINISHED))
    target.execute(meta.insert().values(name=UNFINISHED, value=msgspec.json.encode(state).decode()))


def _rows(source: Connection, target: Connection, table: Table, last: list[Any] | None) -> tuple[int, list[Any]]:
    key = list(table.primary_key.columns)
    query = select(table).order_by(*key).limit(_ROWS_AT_A_TIME)
    if last is not None:
        query = query.where(tuple_(*key) > tuple_(*last))
    rows = [dict(row) for row in source.execute(query).mappings()]
    if not rows:
        return 0, []
    target.execute(table.insert(), rows)
    return len(rows), [rows[-1][column.name] for column in key]


def _plain(value: Any) -> Any:
    plain = value.item()
    return plain.decode() if isinstance(plain, bytes) else plain
