"""A strategy that cheats, on purpose: it knows tomorrow's close. Its backtest is a fortune, and it cannot be traded.

`strategies test examples/strategies/peeking.py --truncate --symbol SPY` catches it.
"""

import backtrader as bt


class Peeking(bt.Strategy):
    """Holds what will close higher on the next bar: a backtest that has loaded all its bars shows them, and no market does."""

    def next(self):
        if len(self) == self.data.buflen():
            return  # the last bar has no next one
        rises = self.data.close[1] > self.data.close[0]  # the lie: [0] is the newest bar, and [1] is one after it
        if rises and not self.position:
            self.buy()
        elif not rises and self.position:
            self.close()
