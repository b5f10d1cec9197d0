"""Partitions by time: PostgreSQL keeps market data by calendar month, bars by year; each is a table that can be dropped at once.

A month of ticks is what is written, read and thrown away together: small enough that its index stays in memory while rows come,
and a year of it makes no more than twelve tables. There is no default partition: rows in it would have to be moved, under a
lock, before the partition that they belong to could be made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

if TYPE_CHECKING:
    from ..schema.models import RecordTable

__all__ = ["Partitions", "bounds"]

Unit: TypeAlias = Literal["M", "Y"]
_DAY_NS = 86_400 * 10**9
_EARLIEST, _LATEST = -(2**63), 2**63 - 1


class Partitions:
    """Knows which partitions there are, and makes those that rows need. Any thread; writers are alone anyway."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Ask the database again next time."""
        self._known: dict[str, set[int] | None] = {}  # None: this table is not partitioned by us

    def make_room(self, connection: Connection, table: RecordTable, times: npt.NDArray[np.int64]) -> None:
        """Make the partitions of a table of market data that rows of these times go into."""
        unit = table.partition_unit
        if unit is None or not len(times):
            return
        first, last = _numbers(np.array([times.min(), times.max()]), unit)
        wanted = set(range(int(first), int(last) + 1)) if last - first < 2 else set(np.unique(_numbers(times, unit)).tolist())
        if table.name not in self._known:
            self._known[table.name] = _existing(connection, table.name)
        known = self._known[table.name]
        if known is None or wanted <= known:
            return
        for number in sorted(wanted - known):
            _create(connection, table.name, number, unit)
            known.add(number)


def bounds(number: int, unit: Unit) -> tuple[str, str]:
    """Return where a partition begins and where the next one does, as SQL: nanoseconds, or MINVALUE and MAXVALUE."""
    first, last = (int(np.datetime64(one, unit).astype("datetime64[D]").astype(np.int64)) * _DAY_NS for one in (number, number + 1))
    return str(first) if first > _EARLIEST else "MINVALUE", str(last) if last <= _LATEST else "MAXVALUE"


def _numbers(times: npt.NDArray[np.int64], unit: Unit) -> npt.NDArray[np.int64]:
    # The smallest number means "no time" to NumPy; the next one lies in the same month.
    clipped = np.maximum(times.astype(np.int64), _EARLIEST + 1).view("datetime64[ns]")
    found: npt.NDArray[np.int64] = clipped.astype(f"datetime64[{unit}]").astype(np.int64)
    return found


def _name(table: str, number: int, unit: Unit) -> str:
    return f"{table}_{str(np.datetime64(number, unit)).replace('-', '_')}"


def _existing(connection: Connection, table: str) -> set[int] | None:
    kind = connection.exec_driver_sql("SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)", (table,)).scalar()
    if kind != "p":
        return None
    query = (
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s) "
        "AND c.relname LIKE %s"
    )
    found = set()
    for (name,) in connection.exec_driver_sql(query, (table, f"{table}\\_%")):
        part = name.removeprefix(f"{table}_").split("_")
        if all(piece.isdigit() for piece in part):
            found.add(int(np.datetime64("-".join(part)).astype(np.int64)))
    return found


def _create(connection: Connection, table: str, number: int, unit: Unit) -> None:
    # CREATE TABLE ... PARTITION OF would wait for all readers of the table, and others for it; attaching a new table does not.
    name, (first, last) = _name(table, number, unit), bounds(number, unit)
    connection.exec_driver_sql(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS)')
    connection.exec_driver_sql(f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" FOR VALUES FROM ({first}) TO ({last})')
