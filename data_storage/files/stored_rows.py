"""Rows as the database keeps them as Arrow tables: every field, and by name where each row comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ..schema.columns import Rows
from ..schema.models import RecordTable, buses, sources
from ..sql.names import Names
from .record_tables import named_column, to_table

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["StoredRows"]


class StoredRows:
    """The making of tables from rows of one table, `Selection(..., everything=True)`; `bus` and `source` become texts."""

    def __init__(self, database: Database, table: RecordTable, names: dict[int, tuple[str, str]] | None = None) -> None:
        self._database = database
        self._table = table
        self._names = names or {}
        self._buses: dict[int, str] = {0: ""}
        self._sources: dict[int, str] = {0: ""}

    def arrow(self, rows: Rows) -> Any:
        """Return rows as an Arrow table."""
        if not self._knows(rows):
            with self._database.reading() as connection:
                self._names = Names(self._database).all(connection)
                self._buses |= {row.number: row.bus_id for row in connection.execute(select(buses.c.number, buses.c.bus_id))}
                self._sources |= {row.number: row.name for row in connection.execute(select(sources.c.number, sources.c.name))}
        table = to_table(self._table.record, rows, self._names)
        for name, texts in (("bus", self._buses), ("source", self._sources)):
            table = table.set_column(table.column_names.index(name), name, named_column(rows[name], texts))
        return table

    def _knows(self, rows: Rows) -> bool:
        asked = ((rows["instrument"], {0: ("", ""), **self._names}), (rows["bus"], self._buses), (rows["source"], self._sources))
        return all(number in known for numbers, known in asked for number in set(numbers.tolist()))
