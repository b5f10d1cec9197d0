"""A bar in the making: what has happened so far in one interval."""

from __future__ import annotations

import math
from typing import Any

from gcg_quant.bar_grid import Interval
from gcg_quant.enumerations import BarBasis, BarOrigin
from gcg_quant.events import Bar

__all__ = ["OpenBar"]

NAN = math.nan


class OpenBar:
    """The bar of an interval. Whoever adds to it knows that it belongs here, and whether it is the newest so far."""

    __slots__ = (
        "close",
        "count",
        "high",
        "interval",
        "low",
        "open",
        "open_interest",
        "quote_size",
        "revision",
        "symbol",
        "trading_day",
        "turnover",
        "venue",
        "volume",
    )

    def __init__(self, interval: Interval, symbol: str, venue: str) -> None:
        self.interval = interval
        self.symbol = symbol
        self.venue = venue
        self.open = self.high = self.low = self.close = NAN
        self.volume = self.turnover = self.open_interest = self.quote_size = NAN
        self.count = 0
        self.trading_day = interval.trading_day
        self.revision = 0

    @property
    def state(self) -> list[Any]:
        """All of it as plain values, for `of_state`."""
        return [list(value) if isinstance(value, Interval) else value for value in (getattr(self, name) for name in self.__slots__)]

    @classmethod
    def of_state(cls, state: list[Any]) -> OpenBar:
        """Return the bar behind a state."""
        values = dict(zip(cls.__slots__, state, strict=True))
        made = cls(Interval(*values.pop("interval")), values["symbol"], values["venue"])
        for name, value in values.items():
            setattr(made, name, value)
        return made

    def add(self, price: float, volume: float, turnover: float, newest: bool) -> None:
        """Add one price; an older one moves high and low only. Amounts that are NaN are not known."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        elif self.open != self.open:
            self.open = self.high = self.low = price
        if newest:
            self.close = price
        if volume == volume:
            self.volume = volume + self.volume if self.volume == self.volume else volume
        if turnover == turnover:
            self.turnover = turnover + self.turnover if self.turnover == self.turnover else turnover
        self.count += 1

    def add_bar(self, bar: Bar, newest: bool) -> None:
        """Add a smaller bar; a count that one of them does not know is not known (-1)."""
        first, count = self.open != self.open, self.count
        self.add(bar.close, bar.volume, bar.turnover, newest)
        if first:
            self.open = bar.open
        self.high, self.low = max(self.high, bar.high), min(self.low, bar.low)
        self.count = -1 if bar.count < 0 or count < 0 else count + bar.count
        if newest:
            self.note(bar.open_interest, bar.quote_size, bar.trading_day)

    def note(self, open_interest: float, quote_size: float, trading_day: int) -> None:
        """Take over what the newest event says of these, as far as it does."""
        if open_interest == open_interest:
            self.open_interest = open_interest
        if quote_size == quote_size:
            self.quote_size = quote_size
        if trading_day:
            self.trading_day = trading_day

    def bar(self, period: str, basis: BarBasis) -> Bar:
        """Return the bar as it is now."""
        return Bar(
            symbol=self.symbol,
            venue=self.venue,
            period=period,
            basis=basis,
            origin=BarOrigin.AGGREGATED,
            start_ns=self.interval.start_ns,
            event_ns=self.interval.end_ns,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            turnover=self.turnover,
            open_interest=self.open_interest,
            quote_size=self.quote_size,
            count=self.count,
            trading_day=self.trading_day,
            revision=self.revision,
        )
