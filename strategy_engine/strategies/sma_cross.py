"""Two moving averages of the closes: in when the fast one crosses above the slow one, out when it crosses below.

Trades a trend of any instrument with bars, several at once. The rule is the oldest of all: R. Donchian's "5 and 20 Day Moving Averages"
(1974) is it with days. Needs `slow` + 1 closed bars, stored ones or those since the start; a gap among them is passed over.
"""

from __future__ import annotations

import numpy as np

from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, Side
from gcg_quant.strategy_engine import Parameter, PositionSizing, Strategy

__all__ = ["SmaCross"]


class SmaCross(PositionSizing, Strategy):
    """Follows the crossing of a fast and a slow moving average, on closed bars, with market orders.

    It goes in on a crossing alone, and out whenever the averages lie against it: a sale that was refused (T+1, a closed gateway) is asked
    for again at the next bar. There is nothing to remember beside the position.
    """

    symbols = ("BTC/USDT",)

    period = Parameter("1m", doc="length of the bars")
    fast = Parameter(10, low=1, high=1000, doc="bars of the fast average")
    slow = Parameter(30, low=2, high=5000, doc="bars of the slow average; more than fast")
    short = Parameter(False, doc="go short on a crossing below, instead of out; never of a T+1 instrument")

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
        held = self.positions[symbol].quantity
        if before <= 0 < now:
            self.signal("cross", Side.BUY, symbol=symbol, price=bar.close)
            if held <= 0:
                self.order_target(self.position_size(bar.close, symbol), symbol)
        elif before >= 0 > now:
            self.signal("cross", Side.SELL, symbol=symbol, price=bar.close)
            if held > 0 or (self.short and held == 0):
                self.order_target(-self.position_size(bar.close, symbol) if self.short else 0, symbol)
        elif held * now < 0:
            self.order_target(0, symbol)

    def _spread(self, closes: np.ndarray) -> float:
        return float(closes[-self.fast :].mean() - closes[-self.slow :].mean())
