"""Messages of a venue's streams as records: trades, book deltas in groups, and ticks of best quotes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from gcg_quant.events import BookAction, BookDelta, Record, Side, Tick, TradeTick

from ..binance_book import Placed
from ..binance_messages import BestQuote, BookUpdate, Message, Snapshot, Trade
from ..blank import RecordArray, filled
from ..ordinals import Ordinals

__all__ = ["MessageRecords"]

Records: TypeAlias = dict[type[Record], RecordArray]
Runs: TypeAlias = list[tuple[type[Record], int]]

_FIELDS: dict[type[Record], tuple[str, ...]] = {
    TradeTick: ("event_ns", "recv_ns", "instrument", "price", "size", "venue_seq", "aggressor", "trade_id"),
    BookDelta: ("event_ns", "recv_ns", "instrument", "price", "size", "side", "action", "first_update_id", "last_update_id", "is_last"),
    Tick: ("event_ns", "recv_ns", "instrument", "bid_price", "bid_size", "ask_price", "ask_size", "venue_seq"),
}
# Plain numbers: NumPy takes an enumeration's members one by one.
_NONE, _BUY, _SELL = int(Side.NONE), int(Side.BUY), int(Side.SELL)
_SET, _DELETE, _SNAPSHOT = int(BookAction.SET), int(BookAction.DELETE), int(BookAction.SNAPSHOT)
_TYPES = {Trade: TradeTick, BookUpdate: BookDelta, Placed: BookDelta, BestQuote: Tick}


class MessageRecords:
    """Makes records of messages that are in order. What is received is never earlier than what happened: see `lag_ns`.

    Args:
        lag_ns: by how much the recorder's clock was behind the venue's (see `clock_lag`).

    A best quote without a time counts as of the moment it was received; so does a snapshot that no update dates.
    """

    def __init__(self, lag_ns: int) -> None:
        self._lag_ns = lag_ns
        self._ordinals = {record_type: Ordinals(sorted_times=False) for record_type in _FIELDS}

    def convert(self, messages: Iterable[tuple[int, Message | Placed]]) -> tuple[Records, Runs]:
        """Return the records of (instrument number, message) by type, and the runs of one type (type, count) in which they came."""
        rows: dict[type[Record], list[tuple[Any, ...]]] = {record_type: [] for record_type in _FIELDS}
        runs: list[tuple[type[Record], int]] = []
        for number, message in messages:
            if isinstance(message, Snapshot):
                continue
            record_type = _TYPES[type(message)]
            made = self._rows(number, message)
            rows[record_type] += made
            if runs and runs[-1][0] is record_type:
                runs[-1] = (record_type, runs[-1][1] + len(made))
            else:
                runs.append((record_type, len(made)))
        return {record_type: self._array(record_type, made) for record_type, made in rows.items() if made}, runs

    def _rows(self, number: int, message: Message | Placed) -> list[tuple[Any, ...]]:
        recv_ns = message.local_ns + self._lag_ns
        if isinstance(message, Trade):
            side = _SELL if message.buyer_rested else _BUY
            known = (message.price, message.size, message.number, side, str(message.number))
            return [(message.event_ns, recv_ns, number, *known)]
        if isinstance(message, BestQuote):
            event_ns = message.event_ns if message.event_ns >= 0 else recv_ns
            return [(event_ns, recv_ns, number, *_quoted(message.bid), *_quoted(message.ask), message.number)]
        return self._deltas(number, message, recv_ns)

    def _deltas(self, number: int, message: Message | Placed, recv_ns: int) -> list[tuple[Any, ...]]:
        if isinstance(message, Placed):
            book: Any = message.snapshot
            ids = (-1, book.last_id)
        else:
            book = message
            ids = (book.first_id, book.last_id)
        snapshot = isinstance(message, Placed)
        event_ns = recv_ns if isinstance(message, Snapshot) or message.event_ns < 0 else message.event_ns
        rows = [
            (event_ns, recv_ns, number, price, size, side, _action(snapshot, size), *ids, 0)
            for side, levels in ((_BUY, book.bids), (_SELL, book.asks))
            for price, size in levels
        ]
        if not rows and not snapshot:
            return []
        if not rows:  # an empty book
            rows = [(event_ns, recv_ns, number, np.nan, np.nan, _NONE, _SNAPSHOT, *ids, 0)]
        rows[-1] = (*rows[-1][:-1], 1)
        return rows

    def _array(self, record_type: type[Record], rows: list[tuple[Any, ...]]) -> RecordArray:
        records = filled(record_type, _FIELDS[record_type], rows)
        records["ordinal"] = self._ordinals[record_type].number(records["instrument"].astype(np.int64), records["event_ns"])
        return records


def _action(snapshot: bool, size: float) -> int:
    if snapshot:
        return _SNAPSHOT
    return _SET if size > 0 else _DELETE


def _quoted(level: tuple[float, float]) -> tuple[float, float]:
    return level if level[0] > 0 else (np.nan, np.nan)  # a side that nobody quotes has a price of 0
