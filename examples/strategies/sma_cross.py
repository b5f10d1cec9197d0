"""Two moving averages, as a plain Backtrader class: the same file runs under Cerebro, in our backtest, and live.

python -m gcg_quant backtest examples/strategies/sma_cross.py --symbol SPY --period 1d
python -m gcg_quant strategies load examples/strategies/sma_cross.py --symbol SPY
"""

import backtrader as bt


class SmaCross(bt.Strategy):
    """Buys when the fast average crosses above the slow one, closes when it crosses below; market orders."""

    params = (("fast", 10), ("slow", 30))

    def __init__(self):
        fast = bt.indicators.SimpleMovingAverage(self.data.close, period=self.params.fast)
        slow = bt.indicators.SimpleMovingAverage(self.data.close, period=self.params.slow)
        self.cross = bt.indicators.CrossOver(fast, slow)

    def next(self):
        if not self.position and self.cross > 0:
            self.buy()
        elif self.position and self.cross < 0:
            self.close()
