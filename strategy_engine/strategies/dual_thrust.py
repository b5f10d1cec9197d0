"""Dual thrust: a breakout of the day's open by a share of the range of the days before; it turns round at the other line.

Trades the movement within the day of anything that has bars shorter than a day: index futures at first, several symbols at once. The rule
is Michael Chalek's (Dual Thrust Trading System, in "Futures" magazine's lists of the 1990s): with HH, HC, LC, LL the highest high, highest
close, lowest close and lowest low of `days` days, range = max(HH - LC, HC - LL); long above open + k_up * range, out or short below open -
k_down * range. Needs `days` closed days, stored or since the start. Days are those of the house's daily bars: UTC's, or the market's with
a calendar such as "SHFE:session".
"""

from __future__ import annotations

import numpy as np

from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, Side
from gcg_quant.periods import period_ns
from gcg_quant.strategy_engine import Parameter, PositionSizing, Strategy

__all__ = ["DualThrust"]


class DualThrust(PositionSizing, Strategy):
    """Follows a close beyond the day's lines, with market orders; the position stays overnight.

    The day's open is looked up once a day among the bars, so that a restart within the day finds it again. A day whose open is not
    among them (the system came up late, and nothing is stored) begins with the first bar that there is.
    """

    symbols = ("BTC/USDT",)

    period = Parameter("5m", doc="length of the bars; shorter than a day")
    days = Parameter(4, low=1, high=100, doc="days of the range")
    k_up = Parameter(0.5, low=0.01, high=5, doc="share of the range from the open to the upper line")
    k_down = Parameter(0.5, low=0.01, high=5, doc="share of the range from the open to the lower line")
    short = Parameter(False, doc="go short below the lower line, instead of out; never of a T+1 instrument")

    _opens: dict[str, tuple[int, float]]  # by symbol: the end of the last closed day, and the open of the day after it

    def check_parameters(self) -> None:
        """Refuse bars that are not shorter than a day."""
        if period_ns(self.period) >= period_ns("1d"):
            raise StrategyError(
                f"Dual thrust trades within the day: period must be shorter than 1d, not {self.period}.", period=self.period
            )

    def wanted_periods(self) -> tuple[str, ...]:
        """Want daily bars, too."""
        return (self.period, "1d")

    def on_start(self) -> None:
        """Begin without any day's open."""
        self._opens = {}

    def on_bar(self, bar: Bar) -> None:
        """Compare the close with the day's lines."""
        if bar.period != self.period:
            return
        symbol = f"{bar.symbol}@{bar.venue}"
        days = self.bars(symbol, "1d", self.days)
        if len(days) < self.days or bar.start_ns < days["event_ns"][-1]:
            return  # too few days yet, or this bar has closed its day
        first = self._open(symbol, int(days["event_ns"][-1]))
        width = max(days["high"].max() - days["close"].min(), days["close"].max() - days["low"].min())
        upper, lower = first + self.k_up * width, first - self.k_down * width
        self.plot("upper", upper, symbol=symbol)
        self.plot("lower", lower, symbol=symbol)
        held = self.positions[symbol].quantity
        if bar.close > upper and held <= 0:
            self._turn(symbol, Side.BUY, bar.close)
        elif bar.close < lower and (held > 0 or (self.short and held == 0)):
            self._turn(symbol, Side.SELL, bar.close)

    def _open(self, symbol: str, since_ns: int) -> float:
        if self._opens.get(symbol, (0, 0.0))[0] != since_ns:
            bars = self.bars(symbol, self.period, period_ns("1d") // period_ns(self.period) + 1)
            self._opens[symbol] = since_ns, float(bars["open"][np.searchsorted(bars["start_ns"], since_ns)])
        return self._opens[symbol][1]

    def _turn(self, symbol: str, direction: Side, price: float) -> None:
        size = self.position_size(price, symbol)
        target = size if direction == Side.BUY else -size if self.short else 0.0
        if self.order_target(target, symbol) is not None:
            self.signal("thrust", direction, symbol=symbol, price=price)
