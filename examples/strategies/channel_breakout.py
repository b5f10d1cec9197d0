"""A breakout of the highest and lowest price of some bars, with a stop and a target, as a plain Backtrader class.

docs/replay.md runs it.
"""

import backtrader as bt


class ChannelBreakout(bt.Strategy):
    """Buys above the channel and sells short below it; a stop and a limit order end the trade, each two ranges away."""

    params = (("channel", 48), ("range", 24), ("size", 100_000))

    def __init__(self):
        self.top = bt.indicators.Highest(self.data.high(-1), period=self.params.channel)
        self.bottom = bt.indicators.Lowest(self.data.low(-1), period=self.params.channel)
        self.atr = bt.indicators.AverageTrueRange(period=self.params.range)
        self.working = []

    def next(self):
        self.working = [order for order in self.working if order.alive()]
        if self.position or self.working:
            return
        close, far = self.data.close[0], 2 * self.atr[0]
        if close > self.top[0]:
            self.working = self.buy_bracket(size=self.params.size, exectype=bt.Order.Market, stopprice=close - far, limitprice=close + far)
        elif close < self.bottom[0]:
            self.working = self.sell_bracket(size=self.params.size, exectype=bt.Order.Market, stopprice=close + far, limitprice=close - far)
