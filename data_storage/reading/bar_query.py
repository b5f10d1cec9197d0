"""Bars from the database: which periods are stored, one bar for each start, and longer ones put together from shorter ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

from gcg_quant.clock import now_ns
from gcg_quant.enumerations import BarBasis, BarOrigin
from gcg_quant.events import Bar
from gcg_quant.periods import period_ns

from ..schema.models import RECORD_TABLES
from ..sql.selection import Selection
from .rows import limited, plain

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar
    from gcg_quant.history import RecordArray

    from ..sql.database import Database

__all__ = ["BarQuery", "one_for_each_start"]

_SPARE_ROWS = 16


class BarQuery:
    """The bars of one instrument (by its database number) and basis, inside an open transaction."""

    def __init__(self, database: Database, connection: Connection, number: int, basis: BarBasis) -> None:
        self._database = database
        self._connection = connection
        self._number = number
        self._basis = basis

    def periods(self) -> list[str]:
        """Return the stored periods, shortest first."""
        # From one period to the next through the index, never over all bars.
        mark = self._database.mark
        following = f'SELECT MIN("period") FROM "bars" WHERE "instrument" = {mark} AND "period" > {mark}'
        any_bar = f'SELECT 1 FROM "bars" WHERE "instrument" = {mark} AND "period" = {mark} AND "basis" = {mark} LIMIT 1'
        found = []
        period = self._connection.exec_driver_sql(following, (self._number, "")).scalar()
        while period is not None:
            if self._connection.exec_driver_sql(any_bar, (self._number, period, int(self._basis))).first() is not None:
                found.append(str(period))
            period = self._connection.exec_driver_sql(following, (self._number, period)).scalar()
        return sorted(found, key=period_ns)

    def source_of(self, period: str) -> str | None:
        """Return the stored period to answer with: itself, or the longest shorter one that divides it, or None."""
        stored = self.periods()
        if period in stored:
            return period
        length = period_ns(period)
        fitting = [name for name in stored if period_ns(name) < length and length % period_ns(name) == 0]
        return max(fitting, key=period_ns) if fitting else None

    def stored(self, period: str, start_ns: int | None, end_ns: int | None, limit: int | None, oldest: bool = False) -> RecordArray:
        """Return bars of a stored period, one for each start; `limit` keeps the newest so many, with `oldest` the first."""
        wanted = None if limit is None else max(limit, 0) + _SPARE_ROWS
        while True:
            rows = bars = self._rows(period, start_ns, end_ns, wanted, oldest, ())
            if not _differ(rows["start_ns"]):
                rows = self._rows(period, start_ns, end_ns, wanted, oldest, ("time_ns", "seq"))
                bars = plain(one_for_each_start(rows), Bar)
            # Several sources may have made the same bars: then look further. The start at the cut may be cut in two.
            if limit is None or wanted is None or len(rows) < wanted or len(bars) > limit:
                return limited(bars, limit, oldest)
            wanted *= 2

    def made(
        self,
        period: str,
        source: str,
        calendar: Calendar | None,
        start_ns: int | None,
        end_ns: int | None,
        limit: int | None,
        oldest: bool = False,
    ) -> RecordArray:
        """Return bars of `period` put together from stored bars of `source`; an unfinished last one is left out."""
        from gcg_quant.bars import resample

        until_ns = now_ns() if end_ns is None else end_ns
        # So many short bars hold `limit` long ones, beside two at the ends that are cut. Those outside of the sessions count for none:
        # then more are read, up to the end of what is stored.
        needed = None if limit is None else (max(limit, 0) + 2) * (period_ns(period) // period_ns(source))
        while True:
            parts = self.stored(source, start_ns, end_ns, needed, oldest)
            bars = resample(parts, period, calendar)
            wanted = bars["event_ns"] <= until_ns
            if start_ns is not None:
                wanted &= bars["start_ns"] >= start_ns
            if needed is None or limit is None or len(parts) < needed:
                return limited(plain(bars[wanted], Bar), limit, oldest)
            if len(bars):
                wanted[-1 if oldest else 0] = False
            if wanted.sum() >= limit:
                return limited(plain(bars[wanted], Bar), limit, oldest)
            needed *= 4

    def _rows(
        self, period: str, start_ns: int | None, end_ns: int | None, limit: int | None, oldest: bool, extra: tuple[str, ...]
    ) -> RecordArray:
        selection = Selection(self._database, RECORD_TABLES[Bar], extra=extra).where("instrument", "=", self._number)
        selection.where("period", "=", period).where("basis", "=", int(self._basis)).where("start_ns", ">=", start_ns)
        # A bar ends after its start: the first condition finds the rows in the index, the second decides.
        selection.where("start_ns", "<", end_ns).where("event_ns", "<=", end_ns)
        return selection.rows(self._connection, ("start_ns",), limit=limit, newest=limit is not None and not oldest)


def _differ(starts: RecordArray) -> bool:
    return bool((starts[1:] != starts[:-1]).all())


def one_for_each_start(rows: RecordArray) -> RecordArray:
    """Return the best bar of each start, sorted; rows have `time_ns` and `seq` besides a Bar's fields. See `DatabaseHistory`."""
    if _differ(rows["start_ns"]):
        return rows
    worth = (rows["seq"], rows["time_ns"], rows["revision"], rows["origin"] == BarOrigin.VENUE, ~np.isnan(rows["close"]))
    ordered: RecordArray = rows[np.lexsort((*worth, rows["start_ns"]))]
    best: RecordArray = ordered[np.append(ordered["start_ns"][1:] != ordered["start_ns"][:-1], True)]
    return best
