"""Two moving averages of the closes: in when the fast one crosses above the slow one, out when it crosses below."""

from __future__ import annotations

import numpy as np

from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, Side
from gcg_quant.strategy_engine import Parameter, Strategy

__all__ = ["SmaCross"]


class SmaCross(Strategy):
    """Follows the crossing of a fast and a slow moving average, on closed bars, with market orders."""

    symbols = ("BTC/USDT",)

    period = Parameter("1m", doc="length of the bars")
    fast = Parameter(10, low=1, high=1000, doc="bars of the fast average")
    slow = Parameter(30, low=2, high=5000, doc="bars of the slow average; more than fast")
    value = Parameter(10_000.0, low=0, doc="worth of a position, in the instrument's currency; one lot at least")
    short = Parameter(False, doc="go short on a crossing below, instead of out")

    def check_parameters(self) -> None:
        """Refuse a fast average that is not faster."""
        if self.fast >= self.slow:
            raise StrategyError(f"fast ({self.fast}) must be less than slow ({self.slow}).", fast=self.fast, slow=self.slow)

    def on_bar(self, bar: Bar) -> None:
        """Look for a crossing between the last bar and this one."""
        symbol = f"{bar.symbol}@{bar.venue}"
        closes = self.bars(symbol, self.period, self.slow + 1)["close"]
        if len(closes) <= self.slow:
            return
        before, now = self._spread(closes[:-1]), self._spread(closes[1:])
        if before <= 0 < now:
            self._turn(symbol, Side.BUY, bar)
        elif before >= 0 > now:
            self._turn(symbol, Side.SELL, bar)

    def _spread(self, closes: np.ndarray) -> float:
        return float(closes[-self.fast :].mean() - closes[-self.slow :].mean())

    def _turn(self, symbol: str, direction: Side, bar: Bar) -> None:
        self.signal("cross", direction, symbol=symbol, price=bar.close)
        if any(order.symbol == bar.symbol for order in self.orders):
            return  # the last turn has not been filled yet
        held = self.positions[symbol].quantity
        if direction == Side.BUY and held <= 0:
            self.buy(self._size(symbol, bar.close) - held, symbol=symbol)
        elif direction == Side.SELL and (held > 0 or (self.short and held == 0)):
            self.sell(held + (self._size(symbol, bar.close) if self.short else 0.0), symbol=symbol)

    def _size(self, symbol: str, price: float) -> float:
        terms = self.instrument(symbol)
        size = terms.round_quantity(self.value / (price * terms.multiplier))
        return max(size, terms.min_quantity, terms.lot_size)
