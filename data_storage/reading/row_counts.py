"""How many rows a series has: counted as far as that is quick, else estimated from samples of its whole range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, select

from ..schema.models import row_counts
from .series import KINDS, Series

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["RowCount", "count_quickly", "ends"]

_COUNTED_ROWS = 20_000  # a few milliseconds
_WINDOWS = 128
_ENOUGH_HITS = 1_000
_SHARES = (1_000, 30, 1)  # a window is this part of its share of the range
_GOLDEN = 0.6180339887498949


class RowCount(NamedTuple):
    """The number of rows of a series, and whether it is exact."""

    rows: int
    exact: bool


def ends(database: Database, connection: Connection, series: Series) -> tuple[int, int]:
    """Return the first and the last time of a series that has rows."""
    column, (where, values) = series.table.time_column, series.condition(database)
    query = f'SELECT "{column}" FROM "{series.table.name}" WHERE {where} ORDER BY "{column}"'
    first, last = (connection.exec_driver_sql(f"{query} {way} LIMIT 1", values).scalar() for way in ("ASC", "DESC"))
    return int(first or 0), int(last or 0)


def count_quickly(database: Database, connection: Connection, every: Sequence[Series]) -> dict[Series, RowCount]:
    """Return the rows of every series of a database, in milliseconds for each whatever its size.

    A series of up to 20,000 rows is counted. A longer one is estimated, and the estimates of one table add up to what the table holds
    beside the counted ones, which is known; so a long series that is alone in its table is exact as well.

    Args:
        every: all series of the database, else the sums mean nothing.
    """
    totals = {name: int(rows) for name, rows in connection.execute(select(row_counts.c.table_name, row_counts.c.rows))}
    found: dict[Series, RowCount] = {}
    for kind in KINDS:
        mine = [series for series in every if series.kind == kind]
        counted = {series: _count_up_to(database, connection, series) for series in mine}
        long = [series for series, rows in counted.items() if rows is None]
        found |= {series: RowCount(rows, exact=True) for series, rows in counted.items() if rows is not None}
        left = totals.get(KINDS[kind].name, 0) - sum(rows or 0 for rows in counted.values())
        if len(long) == 1:
            found[long[0]] = RowCount(left, exact=True)
        elif long:
            guesses = {series: _estimate(database, connection, series) for series in long}
            scale = left / sum(guesses.values())
            found |= {series: RowCount(round(guess * scale), exact=False) for series, guess in guesses.items()}
    return found


def _count_up_to(database: Database, connection: Connection, series: Series) -> int | None:
    where, values = series.condition(database)
    query = f'SELECT COUNT(*) FROM (SELECT 1 FROM "{series.table.name}" WHERE {where} LIMIT {_COUNTED_ROWS + 1}) AS counted'
    rows = int(connection.exec_driver_sql(query, values).scalar() or 0)
    return rows if rows <= _COUNTED_ROWS else None


def _estimate(database: Database, connection: Connection, series: Series) -> float:
    # Windows at irregular places of equal shares of the range; the narrowest that see enough rows decide.
    first, last = ends(database, connection, series)
    share = (last - first + 1) / _WINDOWS
    hits = 0
    for part in _SHARES:
        width = max(share / part, 1.0)
        hits = 0
        for window in range(_WINDOWS):
            start = first + int(window * share + (window * _GOLDEN % 1.0) * (share - width))
            where, values = series.condition(database, start, start + int(width))
            hits += int(connection.exec_driver_sql(f'SELECT COUNT(*) FROM "{series.table.name}" WHERE {where}', values).scalar() or 0)
        if hits >= _ENOUGH_HITS:
            break
    return max(hits * share / width, _COUNTED_ROWS + 1.0)
