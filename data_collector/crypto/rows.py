"""Rows of market data that wait to be published: plain tuples until there are enough of them for arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.events import Bar, BookAction, BookDelta, Depth, Record, Side, Tick, TradeTick

from ..blank import RecordArray, filled
from ..ordinals import Ordinals
from .order_book import LEVELS, OrderBook

__all__ = ["BUY", "SELL", "Rows"]

# Plain numbers: NumPy takes an enumeration's members one by one.
NONE, BUY, SELL = int(Side.NONE), int(Side.BUY), int(Side.SELL)
_SET, _DELETE, _SNAPSHOT = int(BookAction.SET), int(BookAction.DELETE), int(BookAction.SNAPSHOT)
_COMMON = ("event_ns", "recv_ns", "instrument")
# In the order in which they are published: a book is there before the trades that were made in it.
_FIELDS: dict[type[Record], tuple[str, ...]] = {
    BookDelta: (*_COMMON, "side", "price", "size", "action", "orders", "first_update_id", "last_update_id", "is_last"),
    Depth: (*_COMMON, "venue_seq", "levels"),
    Tick: (
        *(*_COMMON, "last_price", "last_size", "volume", "turnover", "bid_price", "bid_size", "ask_price", "ask_size"),
        *("open", "high", "low", "venue_seq", "volume_kind"),
    ),
    TradeTick: (*_COMMON, "price", "size", "venue_seq", "aggressor", "trade_id"),
    Bar: (*_COMMON, "start_ns", "open", "high", "low", "close", "volume", "turnover", "count", "period", "origin"),
}
NAN = float("nan")
_SIDES = ("bid_prices", "bid_sizes", "ask_prices", "ask_sizes")


class Rows:
    """Collects rows by type. One thread.

    `depth(...)` and `deltas(...)` make theirs from a book; `trades`, `ticks` and `bars` are lists to append to, of the values of `FIELDS`.
    The levels of books are kept as plain doubles: a float of Python's for each would cost more than all else.
    """

    FIELDS = _FIELDS

    def __init__(self) -> None:
        self.trades: list[tuple[Any, ...]] = []
        self.ticks: list[tuple[Any, ...]] = []
        self.bars: list[tuple[Any, ...]] = []
        self._depths: list[tuple[Any, ...]] = []
        self._levels = bytearray()  # doubles of the depths, in the order of _SIDES
        self._deltas: list[tuple[Any, ...]] = []
        self._ordinals = {record_type: Ordinals() for record_type in _FIELDS}

    def __len__(self) -> int:
        return len(self.trades) + len(self.ticks) + len(self.bars) + len(self._depths) + len(self._deltas)

    def depth(self, event_ns: int, recv_ns: int, number: int, book: OrderBook, venue_seq: int) -> None:
        """Add the best ten levels of a book."""
        self._levels += book.shown
        self._depths.append((event_ns, recv_ns, number, venue_seq, book.depth))

    def deltas(
        self,
        event_ns: int,
        recv_ns: int,
        number: int,
        bids: list[tuple[float, float, int]],
        asks: list[tuple[float, float, int]],
        ids: tuple[int, int],
        *,
        snapshot: bool,
    ) -> None:
        """Add changes of a book: (price, size, orders or -1) by side, and the venue's numbers of the first and the last of them."""
        rows = self._deltas
        known = len(rows)
        for side, levels in ((BUY, bids), (SELL, asks)):
            for price, size, orders in levels:
                action = _SNAPSHOT if snapshot else _SET if size > 0 else _DELETE
                rows.append((event_ns, recv_ns, number, side, price, size, action, orders, *ids, 0))
        if snapshot and len(rows) == known:  # an empty book
            rows.append((event_ns, recv_ns, number, NONE, NAN, NAN, _SNAPSHOT, -1, *ids, 0))
        if len(rows) > known:
            rows[-1] = (*rows[-1][:-1], 1)

    def arrays(self) -> list[RecordArray]:
        """Return all rows as arrays, one a type, and forget them. Equal times of an instrument are numbered in the order they came in."""
        taken: dict[type[Record], list[tuple[Any, ...]]] = {
            BookDelta: self._deltas,
            Depth: self._depths,
            Tick: self.ticks,
            TradeTick: self.trades,
            Bar: self.bars,
        }
        self._deltas, self._depths, self.ticks, self.trades, self.bars = [], [], [], [], []
        return [self._array(record_type, rows) for record_type, rows in taken.items() if rows]

    def _array(self, record_type: type[Record], rows: list[tuple[Any, ...]]) -> RecordArray:
        records = filled(record_type, _FIELDS[record_type], rows)
        if record_type is Depth:
            for name, levels in zip(_SIDES, np.frombuffer(self._levels).reshape(-1, 4, LEVELS).swapaxes(0, 1), strict=True):
                records[name] = levels
            self._levels = bytearray()
        series = records["instrument"].astype(np.int64)
        if record_type is Bar:  # bars of different periods count their equal times apart
            periods, which = np.unique(records["period"], return_inverse=True)
            series = series * 1000 + np.array([sum(name) * len(name) for name in periods.tolist()], np.int64)[which] % 1000
        records["ordinal"] = self._ordinals[record_type].number(series, records["event_ns"])
        return records
