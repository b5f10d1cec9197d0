"""Buys weakness and sells strength within the day, with limit orders and a trailing stop, as a plain Backtrader class.

docs/replay.md runs it.
"""

import backtrader as bt


class RsiReversal(bt.Strategy):
    """Bids below the close when the RSI is low; a fill is followed by a trailing stop, and closed when the RSI is high."""

    params = (("period", 7), ("low", 35), ("high", 65), ("step", 0.4), ("trail", 6.0), ("size", 1), ("patience", 3))

    def __init__(self):
        self.rsi = bt.indicators.RSI_Safe(period=self.params.period)
        self.entry = self.stop_loss = None
        self.given = 0

    def next(self):
        if self.entry is not None:
            if len(self) - self.given >= self.params.patience:
                self.cancel(self.entry)
        elif not self.position and self.rsi[0] < self.params.low:
            price = self.data.close[0] - self.params.step
            self.entry = self.buy(size=self.params.size, exectype=bt.Order.Limit, price=price)
            self.given = len(self)
        elif self.position and self.rsi[0] > self.params.high and self.stop_loss is not None:
            self.cancel(self.stop_loss)
            self.close()

    def notify_order(self, order):
        if order.alive():
            return
        if order is self.entry or (self.entry is not None and order.ref == self.entry.ref):
            self.entry = None
            if order.status == order.Completed:
                self.stop_loss = self.sell(size=order.executed.size, exectype=bt.Order.StopTrail, trailamount=self.params.trail)
        elif self.stop_loss is not None and order.ref == self.stop_loss.ref:
            self.stop_loss = None
