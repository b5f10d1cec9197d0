"""Stored market data as a stream of events, in the order in which they happened."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gcg_quant.enumerations import BarBasis
from gcg_quant.events import Bar, Record, event_types, from_array

from ..schema.models import MARKET_KEY, RECORD_TABLES
from ..sql.selection import Selection
from .bar_query import BarQuery
from .rows import plain

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["EventStream"]

_ORDER = MARKET_KEY[1:]
_ROWS_AT_A_TIME = 20_000


class EventStream:
    """Events of several instruments and classes, merged by (event_ns, ordinal). Bars come at their end, before ticks of the same time.

    Args:
        names: the instruments: database number -> (symbol, venue).
        kinds: market event classes or unions of them.
        start_ns, end_ns: the first and the last `event_ns`, both included; None: no bound.
        periods: which bars; None means all that are stored.
    """

    def __init__(
        self,
        database: Database,
        names: dict[int, tuple[str, str]],
        kinds: Any,
        start_ns: int | None,
        end_ns: int | None,
        periods: Iterable[str] | None = None,
    ) -> None:
        self._database = database
        self._names = names
        self._kinds = [kind for kind in event_types(kinds) if issubclass(kind, Record)]
        self._start_ns = start_ns
        self._end_ns = end_ns
        self._periods = None if periods is None else frozenset(periods)

    def __iter__(self) -> Iterator[Record]:
        streams = [self._bars(number) for number in self._names if Bar in self._kinds]
        streams += [self._records(kind, number) for kind in self._kinds if kind is not Bar for number in self._names]
        return _merged(streams)

    def _records(self, kind: type[Record], number: int) -> Iterator[Record]:
        last: tuple[Any, ...] | None = None
        while True:
            # A transaction a portion: one that stays open would keep the write-ahead log from being folded in.
            with self._database.reading() as connection:
                selection = Selection(self._database, RECORD_TABLES[kind], extra=("copy",)).where("instrument", "=", number)
                selection.where("event_ns", ">=", self._start_ns if last is None else last[0]).where("event_ns", "<=", self._end_ns)
                rows = selection.after(_ORDER, last).rows(connection, _ORDER, limit=_ROWS_AT_A_TIME)
            if len(rows) == 0:
                return
            last = tuple(rows[-1][column].item() for column in _ORDER)
            yield from from_array(plain(rows, kind), *self._names[number])

    def _bars(self, number: int) -> Iterator[Record]:
        streams: list[Iterator[Record]] = []
        with self._database.reading() as connection:
            for basis in BarBasis:
                query = BarQuery(self._database, connection, number, basis)
                for period in query.periods():
                    if self._periods is None or period in self._periods:
                        bars = query.stored(period, None, self._end_ns, None)
                        bars = bars if self._start_ns is None else plain(bars[bars["event_ns"] >= self._start_ns], Bar)
                        streams.append(iter(from_array(bars, *self._names[number])))
        return _merged(streams)


def _merged(streams: list[Iterator[Record]]) -> Iterator[Record]:
    return heapq.merge(*streams, key=lambda record: (record.event_ns, record.ordinal))
