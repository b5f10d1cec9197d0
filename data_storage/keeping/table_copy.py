"""Copying all tables of one database into another, of whatever kinds: how one on a server gets into a file, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, Table, select

from ..schema.models import RECORD_TABLES, metadata
from ..sql.insertion import quoted

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["copy_tables"]

_ROWS_AT_A_TIME = 5_000
_MARKETS = {table.name: table for table in RECORD_TABLES.values() if table.key[0] == "instrument"}


def copy_tables(source: Connection, database: Database, target: Connection) -> None:
    """Replace all rows of `database` by those that `source` sees; `target` is its writing transaction, which does all of it or nothing.

    Both have the present schema. Rows keep their numbers.
    """
    tables = metadata.sorted_tables  # parents first
    for table in reversed(tables):
        target.execute(table.delete())
    for table in tables:
        for rows in _portions(source, table):
            if table.name in _MARKETS:
                place = list(table.columns.keys()).index(_MARKETS[table.name].time_column)
                database.make_room(target, _MARKETS[table.name], np.array([row[place] for row in rows], np.int64))
            _insert(target, table, rows)
    database.dialect.number_on(target, tables)


def _portions(source: Connection, table: Table) -> Iterator[Sequence[Any]]:
    streaming = {"stream_results": True, "yield_per": _ROWS_AT_A_TIME}
    yield from source.execute(select(table), execution_options=streaming).partitions()


def _insert(target: Connection, table: Table, rows: Sequence[Any]) -> None:
    names = list(table.columns.keys())
    if target.dialect.name != "postgresql":
        target.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in rows])
        return
    driver: Any = target.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({quoted(names)}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(tuple(row))
