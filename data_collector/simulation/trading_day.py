"""The running totals of one instrument's day: volume, turnover, open, high, low, limits, open interest."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from gcg_quant.events import VolumeKind
from gcg_quant.instruments import Instrument

from ..blank import RecordArray
from .microstructure import Grid, QuoteBlock

__all__ = ["TradingDay"]

Int64Array: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


class TradingDay:
    """What a tick says about its day so far. Volume and turnover never decrease within a day."""

    def __init__(
        self, terms: Instrument, *, previous_close: float, last_price: float, open_interest: float, random: np.random.Generator
    ) -> None:
        self._terms = terms
        self._prices, self._lots = Grid(terms.tick_size), Grid(terms.lot_size)
        self._random = random
        self._open_interest = int(open_interest)
        self._last = self._prices.nearest(last_price)
        self._last_lots = 0
        self.day = 0
        self.bounds: tuple[int, int] | None = None
        self._begin(previous_close)

    def roll(self, day: int) -> None:
        """Begin the day YYYYMMDD if it is a new one: totals at zero, the limits around the last close."""
        if self.day and day != self.day:
            self._begin(self._price(self._last))
        self.day = day

    def seed(self, *, opened: int, high: int, low: int, volume_lots: int, turnover: float) -> None:
        """Take over what was traded today before the first tick (prices in ticks)."""
        self._open, self._high, self._low = opened, high, low
        self._volume, self._turnover = volume_lots, turnover

    def _begin(self, previous_close: float) -> None:
        average = self._turnover / self._units() if self.day and self._volume else previous_close
        self._previous_close = previous_close
        self._previous_settlement = self._price(self._prices.nearest(average))
        self._previous_open_interest = self._open_interest
        limits = self._terms.price_bounds(self._previous_settlement if self._terms.kind == "future" else previous_close)
        self.bounds = None if limits is None else (self._prices.nearest(limits[0]), self._prices.nearest(limits[1]))
        self._volume, self._turnover = 0, 0.0
        self._open = self._high = self._low = 0

    def _price(self, steps: int) -> float:
        return float(self._prices.values(np.array([steps]))[0])

    def _units(self) -> float:
        return self._volume * self._terms.lot_size * self._terms.multiplier

    def fill(self, ticks: RecordArray, block: QuoteBlock) -> None:
        """Write the block's quotes, trades and totals into `ticks`, one record each."""
        prices, lots = self._prices, self._lots
        for side in ("bid", "ask"):
            there = getattr(block, f"{side}_lots") > 0
            ticks[f"{side}_price"] = np.where(there, prices.values(getattr(block, side)), np.nan)
            ticks[f"{side}_size"] = np.where(there, lots.values(getattr(block, f"{side}_lots")), np.nan)
        self._fill_last(ticks, block)
        self._fill_range(ticks, block)
        self._fill_totals(ticks, block)
        ticks["prev_close"], ticks["trading_day"], ticks["volume_kind"] = self._previous_close, self.day, VolumeKind.DAY
        if self.bounds is not None:
            ticks["lower_limit"], ticks["upper_limit"] = (self._price(bound) for bound in self.bounds)
        if self._terms.kind == "future":
            self._fill_open_interest(ticks, block)

    def _fill_last(self, ticks: RecordArray, block: QuoteBlock) -> None:
        # The last trade stands until the next one.
        latest = np.maximum.accumulate(np.where(block.trade, np.arange(len(ticks)), -1))
        known = latest >= 0
        price = np.where(known, block.price[latest], self._last)
        size = np.where(known, block.lots[latest], self._last_lots)
        ticks["last_price"] = self._prices.values(price)
        ticks["last_size"] = np.where(size > 0, self._lots.values(size), np.nan)
        self._last, self._last_lots = int(price[-1]), int(size[-1])

    def _fill_range(self, ticks: RecordArray, block: QuoteBlock) -> None:
        first = np.flatnonzero(block.trade)[:1]
        if self._open == 0 and len(first):
            self._open = self._high = self._low = int(block.price[first[0]])
        if self._open == 0:
            return
        seen = np.maximum.accumulate(block.trade) | (self._volume > 0)
        traded = np.where(block.trade, block.price, self._high)
        high = np.maximum.accumulate(np.maximum(traded, self._high))
        low = np.minimum.accumulate(np.minimum(np.where(block.trade, block.price, self._low), self._low))
        for field, values in (("open", np.full(len(ticks), self._open)), ("high", high), ("low", low)):
            ticks[field] = np.where(seen, self._prices.values(values), np.nan)
        self._high, self._low = int(high[-1]), int(low[-1])

    def _fill_totals(self, ticks: RecordArray, block: QuoteBlock) -> None:
        traded = np.where(block.trade, block.lots, 0)
        units = self._lots.values(traded) * self._terms.multiplier
        volume = self._volume + np.cumsum(traded)
        turnover = self._turnover + np.cumsum(units * self._prices.values(block.price))
        ticks["volume"] = self._lots.values(volume)
        ticks["turnover"] = np.round(turnover, 2)
        self._volume, self._turnover = int(volume[-1]), float(turnover[-1])
        if self._terms.kind not in ("fx", "crypto") and self._volume:
            shares = ticks["volume"] * self._terms.multiplier
            with np.errstate(invalid="ignore", divide="ignore"):
                ticks["average_price"] = np.where(shares > 0, turnover / shares, np.nan)

    def _fill_open_interest(self, ticks: RecordArray, block: QuoteBlock) -> None:
        # A trade opens, closes or passes on positions.
        changes = np.where(block.trade, block.lots * self._random.integers(-1, 2, len(ticks)), 0)
        open_interest = np.maximum(self._open_interest + np.cumsum(changes), 0)
        ticks["open_interest"] = open_interest
        ticks["prev_open_interest"], ticks["prev_settlement"] = self._previous_open_interest, self._previous_settlement
        self._open_interest = int(open_interest[-1])
