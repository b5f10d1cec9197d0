"""Deleting rows of one series in short transactions, so that nobody who writes beside it has to wait for long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from gcg_quant.errors import StorageError

from ..reading.series import KINDS, Series, portion_end, stored_series
from ..schema.models import buses as bus_table
from ..schema.models import import_ranges, imports, row_counts

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["RowDeletion", "rows_of_import"]

_ROWS_AT_A_TIME = 5_000
_LONGEST_PAUSE_S = 0.1


class RowDeletion:
    """The rows of a series from `start_ns` on and before `end_ns`, of all buses or of some. One thread.

    Invariant: after each transaction `row_counts` is exact, and an import that has lost a row is no longer "done" but "partial", so that
    its file can be imported again. Killed in between, the same deletion goes on with what is left.

    Args:
        of_import: the import whose unfinished rows these are; rows of any other running import are refused.
    """

    def __init__(
        self,
        database: Database,
        series: Series,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        buses: Sequence[int] | None = None,
        of_import: int = 0,
    ) -> None:
        self.series = series
        self._database = database
        self._start_ns = start_ns
        self._end_ns = end_ns
        self._buses = buses
        self._of_import = of_import

    def by_bus(self, connection: Connection) -> list[tuple[int, int, int, int]]:
        """Return (bus, rows, first time, last time) of what would go; each row is looked at."""
        time_column, (where, values) = f'"{self.series.table.time_column}"', self._condition(self._start_ns, self._end_ns)
        query = (
            f'SELECT "bus", COUNT(*), MIN({time_column}), MAX({time_column}) FROM "{self.series.table.name}" WHERE {where} GROUP BY "bus"'
        )
        return [(int(bus), int(rows), int(first), int(last)) for bus, rows, first, last in connection.exec_driver_sql(query, values)]

    def run(self) -> Iterator[int]:
        """Delete; yield the number of rows of each transaction once it is committed.

        Raises:
            StorageError: the database is locked, or an import that still runs has rows here. What was deleted so far stays so.
        """
        start_ns = self._start_ns
        while True:
            began = time.monotonic()
            with self._database.writing() as connection:
                end_ns = portion_end(connection, self.series, self._condition(start_ns, self._end_ns), _ROWS_AT_A_TIME)
                rows = self._delete(connection, start_ns, self._end_ns if end_ns is None else end_ns)
            if rows:
                yield rows
            if end_ns is None:
                return
            start_ns = end_ns
            # As long as it held the lock, so that whoever waits for it gets it.
            time.sleep(min(time.monotonic() - began, _LONGEST_PAUSE_S))

    def _delete(self, connection: Connection, start_ns: int | None, end_ns: int | None) -> int:
        name, (where, values) = self.series.table.name, self._condition(start_ns, end_ns)
        touched = [int(bus) for (bus,) in connection.exec_driver_sql(f'SELECT DISTINCT "bus" FROM "{name}" WHERE {where}', values)]
        if not touched:
            return 0
        self._mark_imports(connection, touched)
        rows = connection.exec_driver_sql(f'DELETE FROM "{name}" WHERE {where}', values).rowcount
        connection.execute(row_counts.update().where(row_counts.c.table_name == name).values(rows=row_counts.c.rows - rows))
        return int(rows)

    def _mark_imports(self, connection: Connection, touched: list[int]) -> None:
        query = select(imports.c.number, imports.c.path, imports.c.status).join(bus_table, bus_table.c.import_number == imports.c.number)
        for number, path, status in connection.execute(query.where(bus_table.c.number.in_(touched))).all():
            if status == "running" and number != self._of_import:
                raise StorageError(f"Import {number} ({path}) is still running: wait for it to finish, then delete.", number=number)
            if status == "done":
                connection.execute(imports.update().where(imports.c.number == number).values(status="partial"))

    def _condition(self, start_ns: int | None, end_ns: int | None) -> tuple[str, tuple[Any, ...]]:
        where, values = self.series.condition(self._database, start_ns, end_ns)
        if self._buses is None:
            return where, values
        return f'{where} AND "bus" IN ({", ".join([self._database.mark] * len(self._buses))})', (*values, *self._buses)


def rows_of_import(
    database: Database, connection: Connection, number: int, start_ns: int | None = None, end_ns: int | None = None
) -> list[RowDeletion]:
    """Return the deletions of all market data of an import, or of a part of its time, found by where it has put rows."""
    mine = connection.scalars(select(bus_table.c.number).where(bus_table.c.import_number == number)).all()
    kinds = {table.name: kind for kind, table in KINDS.items()}
    found = []
    for held in connection.execute(select(import_ranges).where(import_ranges.c.import_number == number)).mappings().all():
        first = held["first_ns"] if start_ns is None else max(held["first_ns"], start_ns)
        end = held["last_ns"] + 1 if end_ns is None else min(held["last_ns"] + 1, end_ns)
        series = [one for one in stored_series(database, connection, [held["instrument"]]) if one.kind == kinds[held["table_name"]]]
        found += [RowDeletion(database, one, first, end, buses=mine, of_import=number) for one in series if mine and first < end]
    return found
