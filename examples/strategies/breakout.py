"""Buys a new high and leaves at a new low: an example of a strategy in gcg_quant's own API.

python -m gcg_quant strategies load examples/strategies/breakout.py --symbol ETH/USDT
"""

from gcg_quant.events import Bar, Fill, Side
from gcg_quant.strategy_engine import Parameter, Strategy


class Breakout(Strategy):
    """Long from a close above the highest high of `entry` bars to one below the lowest low of `exit` bars."""

    symbols = ("ETH/USDT",)
    period = Parameter("1m", doc="length of the bars")
    entry = Parameter(20, low=2, high=1000, doc="bars whose high must be exceeded")
    exit = Parameter(10, low=2, high=1000, doc="bars whose low must be undercut")
    quantity = Parameter(0.1, low=0, doc="size of the position")

    def on_start(self):
        self.log(f"{self.id} trades {self.symbol} on {self.period} bars, holding {self.position.quantity:g}")

    def on_bar(self, bar: Bar):
        bars = self.bars(count=max(self.entry, self.exit) + 1)[:-1]  # without the bar that has just closed
        if len(bars) < self.entry or self.orders:
            return
        if self.position.is_flat and bar.close > bars["high"][-self.entry :].max():
            self.signal("breakout", Side.BUY, price=bar.close)
            self.buy(self.quantity)
        elif not self.position.is_flat and bar.close < bars["low"][-self.exit :].min():
            self.signal("breakdown", Side.SELL, price=bar.close)
            self.close_position()

    def on_fill(self, fill: Fill):
        self.log(f"{fill.side.name.lower()} {fill.quantity:g} at {fill.price:g}, now holding {self.position.quantity:g}")
