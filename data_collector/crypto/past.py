"""Pages of an exchange's past, as ccxt returns them, as arrays of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gcg_quant.events import Bar, BarOrigin, Record, TradeTick
from gcg_quant.periods import period_ns

from ..blank import RecordArray, filled
from ..ordinals import Ordinals
from .rows import BUY, SELL

__all__ = ["PastRows"]

_NS_PER_MS = 1_000_000
_NAN = float("nan")
_TRADE = ("event_ns", "recv_ns", "instrument", "price", "size", "aggressor", "trade_id", "venue_seq")
_BAR = ("event_ns", "recv_ns", "instrument", "start_ns", "open", "high", "low", "close", "volume", "period", "origin")


class PastRows:
    """Makes records of one instrument. Rows that lack a price are passed over.

    Args:
        number: of the instrument on the bus.
        recv_ns: when they were asked for.
    """

    def __init__(self, number: int, recv_ns: int) -> None:
        self._number = number
        self._recv_ns = recv_ns
        self.passed_over = 0

    def trades(self, pages: Iterable[list[dict[str, Any]]], start_ns: int, end_ns: int) -> list[RecordArray]:
        """Return the trades from `start_ns` to `end_ns`, an array a page."""
        ordinals, found = Ordinals(), []
        for page in pages:
            rows = [row for row in map(self._trade, page) if row is not None and start_ns <= row[0] <= end_ns]
            if rows:
                found.append(self._array(TradeTick, _TRADE, rows, ordinals))
        return found

    def bars(self, pages: Iterable[list[list[Any]]], period: str) -> list[RecordArray]:
        """Return finished bars, an array a page."""
        length_ns, ordinals, found = period_ns(period), Ordinals(), []
        for page in pages:
            rows = [row for row in (self._bar(one, period, length_ns) for one in page) if row is not None]
            if rows:
                found.append(self._array(Bar, _BAR, rows, ordinals))
        return found

    # ---- inside

    def _array(self, record_type: type[Record], fields: tuple[str, ...], rows: list[tuple[Any, ...]], ordinals: Ordinals) -> RecordArray:
        array = filled(record_type, fields, rows)
        array["ordinal"] = ordinals.number(array["instrument"].astype(np.int64), array["event_ns"])
        return array

    def _trade(self, trade: Mapping[str, Any]) -> tuple[Any, ...] | None:
        price, size, time_ms = trade.get("price"), trade.get("amount"), trade.get("timestamp")
        if not price or price < 0 or time_ms is None:
            self.passed_over += 1
            return None
        side = {"buy": BUY, "sell": SELL}.get(str(trade.get("side")), 0)
        name = str(trade.get("id") or "")[:32]
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 19 else 0
        told = name.encode("ascii", "replace")
        size = _NAN if size is None else size
        return (int(time_ms) * _NS_PER_MS, self._recv_ns, self._number, float(price), float(size), side, told, number)

    def _bar(self, candle: list[Any], period: str, length_ns: int) -> tuple[Any, ...] | None:
        if any(value is None or value <= 0 for value in candle[:5]):
            self.passed_over += 1
            return None
        start_ns = int(candle[0]) * _NS_PER_MS
        volume = _NAN if candle[5] is None else float(candle[5])
        times = start_ns + length_ns, self._recv_ns, self._number, start_ns
        return (*times, *map(float, candle[1:5]), volume, period.encode(), int(BarOrigin.VENUE))
