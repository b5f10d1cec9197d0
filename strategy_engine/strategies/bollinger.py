"""Bollinger's bands as a reversion to the mean: bought when a close falls below the lower band, sold at the mean.

Trades any instrument with bars that tends to come back (pairs of currencies, index funds within the day), several at once. The bands are
those of J. Bollinger, "Bollinger on Bollinger Bands" (2001): a mean of `window` closes and `width` standard deviations (of the population)
about it. Needs `window` + 1 closed bars.
"""

from __future__ import annotations

import numpy as np

from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, Side
from gcg_quant.strategy_engine import Parameter, PositionSizing, Strategy

__all__ = ["Bollinger"]


class Bollinger(PositionSizing, Strategy):
    """Goes in when a close crosses a band outwards, and out at the mean or, if the price runs on, at the stop band.

    A crossing counts once: after a stop it waits for the next. Ways out are asked for at each bar until the position is flat, so that
    what was refused or filled in part needs no memory. Orders are market orders; they trade after the bar that they follow from.
    """

    symbols = ("BTC/USDT",)

    period = Parameter("5m", doc="length of the bars")
    window = Parameter(20, low=2, high=5000, doc="bars of the mean and the deviation")
    width = Parameter(2.0, low=0.1, high=10, doc="deviations from the mean to the bands")
    stop_width = Parameter(4.0, low=0, high=20, doc="deviations against the position that end it; more than width, or 0 for never")
    short = Parameter(False, doc="sell above the upper band, too; never of a T+1 instrument")

    def check_parameters(self) -> None:
        """Refuse a stop inside of the bands."""
        if 0 < self.stop_width <= self.width:
            raise StrategyError(
                f"stop_width ({self.stop_width:g}) must be more than width ({self.width:g}), or 0 for no stop.", stop_width=self.stop_width
            )

    def on_bar(self, bar: Bar) -> None:
        """See where the close lies, in deviations from the mean."""
        symbol = f"{bar.symbol}@{bar.venue}"
        closes = self.bars(symbol, self.period, self.window + 1)["close"]
        if len(closes) <= self.window:
            return
        before, now = self._place(closes[:-1]), self._place(closes[1:])
        held = self.positions[symbol].quantity
        if held:
            against = -now if held > 0 else now
            if against <= 0 or (self.stop_width and against >= self.stop_width):
                self.order_target(0, symbol)
        elif before >= -self.width > now and not self._beyond_stop(now):
            self._enter(symbol, Side.BUY, bar.close)
        elif self.short and before <= self.width < now and not self._beyond_stop(now):
            self._enter(symbol, Side.SELL, bar.close)

    def _place(self, closes: np.ndarray) -> float:
        deviation = float(closes.std())
        return float(closes[-1] - closes.mean()) / deviation if deviation > 0 else 0.0

    def _beyond_stop(self, place: float) -> bool:
        return 0 < self.stop_width <= abs(place)

    def _enter(self, symbol: str, direction: Side, price: float) -> None:
        self.signal("band", direction, symbol=symbol, price=price)
        size = self.position_size(price, symbol)
        self.order_target(size if direction == Side.BUY else -size, symbol)
