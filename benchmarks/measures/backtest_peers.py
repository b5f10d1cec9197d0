"""The same crossover by other engines, each through its own documented interface, on the same bars.

They do not trade like Backtrader (when an order is filled, at what price, what a signal is), so their orders are counted and not compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from datetime import UTC
from typing import Any

from .backtests import Outcome, frame, timed
from .rows import bus_folder

FAST, SLOW = 10, 30


def vnpy(scene: str, bars: int) -> Outcome:
    """vnpy_ctastrategy: `BacktestingEngine`, a `CtaTemplate` and the averages of its `ArrayManager`."""
    with bus_folder() as folder:
        home = os.environ.get("HOME", "/")
        os.environ["HOME"] = str(folder)  # vnpy makes a folder of settings there
        try:
            return _vnpy(bars)
        finally:
            os.environ["HOME"] = home


def _vnpy(bars: int) -> Outcome:
    from vnpy.trader.constant import Exchange, Interval
    from vnpy.trader.object import BarData
    from vnpy_ctastrategy import ArrayManager, CtaTemplate
    from vnpy_ctastrategy.backtesting import BacktestingEngine

    class Cross(CtaTemplate):  # type: ignore[misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.am = ArrayManager(size=SLOW + 2)

        def on_init(self) -> None:
            self.load_bar(0)

        def on_bar(self, bar: Any) -> None:
            am = self.am
            am.update_bar(bar)
            if not am.inited:
                return
            fast, slow = am.sma(FAST, array=True), am.sma(SLOW, array=True)
            if not self.pos and fast[-1] > slow[-1] and fast[-2] <= slow[-2]:
                self.buy(bar.close_price + 5, 1)
            elif self.pos and fast[-1] < slow[-1] and fast[-2] >= slow[-2]:
                self.sell(bar.close_price - 5, 1)

    made = frame(bars)
    engine = BacktestingEngine()
    engine.output = lambda message: None
    times = [moment.replace(tzinfo=UTC) for moment in made.index.to_pydatetime()]
    engine.set_parameters(
        vt_symbol="X.LOCAL",
        interval=Interval.MINUTE,
        start=times[0],
        end=times[-1],
        rate=0.0,
        slippage=0.0,
        size=1,
        pricetick=0.01,
        capital=10_000,
    )
    engine.add_strategy(Cross, {})
    engine.history_data = [
        BarData("bench", "X", Exchange.LOCAL, moment, Interval.MINUTE, 1000.0, 0.0, 0.0, *prices)
        for moment, *prices in zip(times, *(made[name].tolist() for name in ("open", "high", "low", "close")))
    ]
    seconds, _ = timed(engine.run_backtesting)
    return Outcome(bars, seconds, len(engine.trades))


def backtesting(scene: str, bars: int) -> Outcome:
    """backtesting.py: `Backtest`, a `Strategy`, `crossover`."""
    warnings.simplefilter("ignore")
    import pandas as pd
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover

    def average(values: Any, period: int) -> Any:
        return pd.Series(values).rolling(period).mean()

    class Cross(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.fast, self.slow = self.I(average, self.data.Close, FAST), self.I(average, self.data.Close, SLOW)

        def next(self) -> None:
            if not self.position and crossover(self.fast, self.slow):
                self.buy(size=1)
            elif self.position and crossover(self.slow, self.fast):
                self.position.close()

    made = frame(bars).rename(columns=str.capitalize)
    test = Backtest(made, Cross, cash=10_000)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        seconds, found = timed(test.run)
    return Outcome(bars, seconds, 2 * len(found["_trades"]))


def nautilus(scene: str, bars: int) -> Outcome:
    """nautilus_trader: `BacktestEngine`, a `Strategy`, its own averages, market orders; prices in cents, as its shares have them."""
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import LoggingConfig, RiskEngineConfig
    from nautilus_trader.indicators import SimpleMovingAverage
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.data import Bar, BarType
    from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
    from nautilus_trader.model.identifiers import Venue
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.test_kit.providers import TestInstrumentProvider
    from nautilus_trader.trading.strategy import Strategy

    instrument = TestInstrumentProvider.equity(symbol="X", venue="SIM")
    kind = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")

    class Cross(Strategy):  # type: ignore[misc]
        def on_start(self) -> None:
            self.fast, self.slow, self.held, self.above = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW), False, None
            self.register_indicator_for_bars(kind, self.fast)
            self.register_indicator_for_bars(kind, self.slow)
            self.subscribe_bars(kind)

        def on_bar(self, bar: Any) -> None:
            if not self.slow.initialized:
                return
            above, before = self.fast.value > self.slow.value, self.above
            self.above = above
            if before is not None and above != before and above != self.held:
                self.held = above
                side = OrderSide.BUY if above else OrderSide.SELL
                self.submit_order(self.order_factory.market(instrument.id, side, Quantity.from_int(1)))

    quiet = LoggingConfig(bypass_logging=True)
    engine = BacktestEngine(config=BacktestEngineConfig(logging=quiet, risk_engine=RiskEngineConfig(bypass=True)))
    engine.add_venue(
        venue=Venue("SIM"),
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(10_000, USD)],
    )
    engine.add_instrument(instrument)
    made, size = frame(bars), Quantity.from_int(1000)
    times = made.index.as_unit("ns").asi8.tolist()
    columns = (made[name].round(instrument.price_precision).tolist() for name in ("open", "high", "low", "close"))
    prices = zip(*columns, times)
    engine.add_data([Bar(kind, *(Price(one, instrument.price_precision) for one in row), size, at, at) for *row, at in prices])
    engine.add_strategy(Cross())
    seconds, _ = timed(engine.run)
    return Outcome(bars, seconds, len(engine.cache.orders()))
