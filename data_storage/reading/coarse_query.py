"""Long bars put together by the database itself, where reading every short one would take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from gcg_quant.enumerations import BarBasis
from gcg_quant.events import Bar
from gcg_quant.periods import period_ns

if TYPE_CHECKING:
    from gcg_quant.history import RecordArray

    from ..sql.database import Database

__all__ = ["CoarseQuery"]


class CoarseQuery:
    """The bars of one instrument (by its database number), stored period and basis, inside an open transaction."""

    def __init__(self, database: Database, connection: Connection, number: int, stored: str, basis: BarBasis) -> None:
        self._connection = connection
        self._mark = database.mark
        self._basis = basis
        mark = database.mark
        self._where = f'"instrument" = {mark} AND "period" = {mark} AND "basis" = {mark}'
        self._values: tuple[Any, ...] = (number, stored, int(basis))

    def count(self, end_ns: int | None) -> int:
        """Return how many bars with prices start before `end_ns`."""
        where, values = self._where, self._values
        if end_ns is not None:
            where, values = f'{where} AND "start_ns" < {self._mark}', (*values, end_ns)
        text = f'SELECT COUNT(*) FROM "bars" WHERE {where} AND "close" IS NOT NULL'
        return int(self._connection.exec_driver_sql(text, values).scalar() or 0)

    def bars(self, period: str, start_ns: int | None) -> RecordArray | None:
        """Return bars of `period` by the clock: prices, volume, and in `count` how many stored bars each is made of.

        The last one may be unfinished. None: a start is stored more than once, and which bar is right is not for this query to say.
        """
        length = period_ns(period)
        where, values = self._where, self._values
        if start_ns is not None:
            where, values = f'{where} AND "start_ns" >= {self._mark}', (*values, start_ns)
        group = f'"start_ns" - "start_ns" % {length}'
        # Open and close are those of the first and the last bar of each group, found again by their key.
        text = f"""
            SELECT g.begins, g.many, f."open", g.high, g.low, l."close", g.volume, g.mixed FROM (
                SELECT {group} AS begins, COUNT(*) AS many, MIN("start_ns") AS first, MAX("start_ns") AS last,
                    MAX("high") AS high, MIN("low") AS low, SUM("volume") AS volume,
                    CASE WHEN MIN("source") = MAX("source") AND MAX("ordinal" + "copy") = 0 THEN 0 ELSE 1 END AS mixed
                FROM "bars" WHERE {where} AND "close" IS NOT NULL GROUP BY {group}
            ) AS g
            JOIN "bars" AS f ON f."instrument" = {self._mark} AND f."period" = {self._mark} AND f."basis" = {self._mark}
                AND f."start_ns" = g.first AND f."close" IS NOT NULL
            JOIN "bars" AS l ON l."instrument" = {self._mark} AND l."period" = {self._mark} AND l."basis" = {self._mark}
                AND l."start_ns" = g.last AND l."close" IS NOT NULL
            ORDER BY g.begins"""
        rows = self._connection.exec_driver_sql(text, (*values, *self._values, *self._values)).all()
        mixed = [row[0] for row in rows if row[7]]
        if mixed and self._doubled(min(mixed), max(mixed) + length):
            return None
        return self._array(rows, period, length)

    def _doubled(self, start_ns: int, end_ns: int) -> bool:
        # What tells two bars of the same start apart are source, ordinal and copy: only where these differ is it looked for.
        where = f'{self._where} AND "start_ns" >= {self._mark} AND "start_ns" < {self._mark} AND "close" IS NOT NULL'
        text = f'SELECT COUNT(*) - COUNT(DISTINCT "start_ns") FROM "bars" WHERE {where}'
        return bool(self._connection.exec_driver_sql(text, (*self._values, start_ns, end_ns)).scalar())

    def _array(self, rows: Any, period: str, length: int) -> RecordArray:
        bars: RecordArray = np.zeros(len(rows), Bar.dtype)
        empty = Bar()
        for name in Bar.dtype.names or ():
            if Bar.dtype[name].kind != "S" and name != "instrument":
                bars[name] = getattr(empty, name)
        bars["period"], bars["basis"] = period.encode(), int(self._basis)
        if len(rows):
            begins, many, *prices, volume = (np.array([row[at] for row in rows], float if at > 1 else np.int64) for at in range(7))
            bars["start_ns"], bars["event_ns"], bars["count"] = begins, begins + length, many
            for name, values in zip(("open", "high", "low", "close"), prices, strict=True):
                bars[name] = values
            bars["volume"] = volume
        return bars
