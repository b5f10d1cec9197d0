"""Bars of an instrument that has ticks or trades only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from gcg_quant.bar_grid import BarGrid
from gcg_quant.clock import NS_PER_HOUR, now_ns
from gcg_quant.enumerations import BarBasis, Quality
from gcg_quant.events import Bar, Record, Tick, TradeTick
from gcg_quant.tick_bars import bars_until

from ..schema.models import MARKET_KEY, RECORD_TABLES
from ..sql.selection import Selection
from .rows import limited, plain

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar
    from gcg_quant.history import RecordArray

    from ..sql.database import Database

__all__ = ["TickQuery"]

_ORDER = MARKET_KEY[1:]
_PORTION = 50_000
_SIDES = {BarBasis.LAST: ("last_price",), BarBasis.BID: ("bid_price",), BarBasis.ASK: ("ask_price",)}


class TickQuery:
    """The ticks and trades of one instrument (by its database number) that have a price of one basis, inside an open transaction."""

    def __init__(self, database: Database, connection: Connection, number: int, basis: BarBasis, calendar: Calendar | None) -> None:
        self._database = database
        self._connection = connection
        self._number = number
        self._basis = basis
        self._calendar = calendar

    def bars(self, period: str, start_ns: int | None, end_ns: int | None, limit: int | None, oldest: bool) -> RecordArray:
        """Return bars made of trades, of ticks where there are none; those that start before `start_ns` or are not over are left out.

        The same bars come out whatever the bounds: a tick before the range says what was traded up to its first one.
        """
        until_ns = now_ns() if end_ns is None else end_ns
        # An auction before the session belongs to its first bar.
        read_ns = start_ns if start_ns is None or self._calendar is None else start_ns - NS_PER_HOUR
        for kind in (TradeTick, Tick) if self._basis == BarBasis.LAST else (Tick,):
            if not len(self._rows(kind, read_ns, until_ns, limit=1, newest=True)):
                continue
            if limit is None or oldest:
                bars = self._forwards(kind, period, start_ns, read_ns, until_ns, limit)
            else:
                bars = self._backwards(kind, period, start_ns, read_ns, until_ns, limit)
            return limited(plain(bars, Bar), limit, oldest)
        return np.empty(0, Bar.dtype)

    def _forwards(
        self, kind: type[Record], period: str, start_ns: int | None, read_ns: int | None, until_ns: int, limit: int | None
    ) -> RecordArray:
        # Each portion begins with the rows of the bar that the one before left unfinished, and with one row more before these.
        grid = BarGrid(period, self._calendar)
        carried = self._seed(kind, read_ns)
        found: list[RecordArray] = [np.empty(0, Bar.dtype)]
        for part, is_last in self._portions(kind, read_ns, until_ns):
            rows = plain(np.concatenate([carried, part]), kind)
            bars = bars_until(rows, period, self._basis, self._calendar, until_ns)
            intervals = grid.many(rows["event_ns"])
            if is_last or not intervals.inside.any():
                found.append(_from(bars, start_ns))
                continue
            open_ns = int(intervals.start_ns[intervals.inside][-1])
            found.append(_from(bars[bars["start_ns"] < open_ns], start_ns))
            if limit is not None and sum(map(len, found)) >= limit:
                break
            first = int(np.flatnonzero(intervals.inside & (intervals.start_ns == open_ns))[0])
            before = np.flatnonzero(intervals.inside[:first])[-1:]  # the last one that counts
            carried, start_ns = np.concatenate([rows[before], rows[first:]]), max(open_ns, open_ns if start_ns is None else start_ns)
        return np.concatenate(found)

    def _backwards(
        self, kind: type[Record], period: str, start_ns: int | None, read_ns: int | None, until_ns: int, limit: int
    ) -> RecordArray:
        portion = _PORTION
        while True:
            rows = plain(self._rows(kind, read_ns, until_ns, limit=portion, newest=True), kind)
            whole = len(rows) < portion
            seed = self._seed(kind, read_ns) if whole else rows[:0]
            bars = bars_until(plain(np.concatenate([seed, rows]), kind), period, self._basis, self._calendar, until_ns)
            bars = _from(bars if whole else bars[1:], start_ns)  # the first one may have begun before these rows
            if whole or len(bars) >= limit:
                return bars
            portion *= 4

    def _portions(self, kind: type[Record], read_ns: int | None, until_ns: int) -> Iterator[tuple[RecordArray, bool]]:
        last: tuple[Any, ...] | None = None
        while True:
            rows = self._rows(kind, read_ns, until_ns, last=last, limit=_PORTION)
            yield plain(rows, kind), len(rows) < _PORTION
            if len(rows) < _PORTION:
                return
            last = tuple(rows[-1][column].item() for column in _ORDER)

    def _seed(self, kind: type[Record], read_ns: int | None) -> RecordArray:
        # The row before the first one that counts: in a break there may be others.
        grid, limit = BarGrid("1d", self._calendar), 1
        while True:
            rows = plain(self._rows(kind, None, -1 if read_ns is None else read_ns - 1, limit=limit, newest=True), kind)
            inside = np.flatnonzero(grid.many(rows["event_ns"]).inside)
            if len(inside) or len(rows) < limit or limit >= _PORTION:
                return rows[inside[-1:]]
            limit *= 16

    def _rows(
        self,
        kind: type[Record],
        start_ns: int | None,
        until_ns: int,
        *,
        limit: int,
        last: tuple[Any, ...] | None = None,
        newest: bool = False,
    ) -> RecordArray:
        selection = Selection(self._database, RECORD_TABLES[kind], extra=("copy",)).where("instrument", "=", self._number)
        selection.where("event_ns", ">=", start_ns if last is None else last[0]).where("event_ns", "<=", until_ns)
        selection.where("quality", "=", int(Quality.NORMAL))
        for column in ("price",) if kind is TradeTick else _SIDES.get(self._basis, ("bid_price", "ask_price")):
            selection.known(column)
        return selection.after(_ORDER, last).rows(self._connection, _ORDER, limit=limit, newest=newest)


def _from(bars: RecordArray, start_ns: int | None) -> RecordArray:
    return bars if start_ns is None else bars[bars["start_ns"] >= start_ns]
