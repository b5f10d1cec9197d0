"""Our own Strategy classes under a Backtrader cerebro, and indicators of both kinds in both."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import backtrader as bt
import numpy as np
import pytest
import talib

from gcg_quant.backtest import BacktestEngine, BacktestSpec, EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed, as_backtrader
from gcg_quant.backtest.own_strategies.indicators import indicator
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, StrategyError
from gcg_quant.events import Bar, Fill, OrderEvent, OrderFlag, OrderRequest, OrderStatus, Side, TimeInForce, World
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import Parameter, Strategy

from .paper_system import Paper


class Swing(Strategy):
    """Buys below its average, sells above: the class of the tests."""

    period = Parameter("1m")
    count = Parameter(5, low=2)
    size = Parameter(3.0)

    def on_bar(self, bar: Bar) -> None:
        """Trade."""
        closes = self.bars(count=self.count)["close"]
        if len(closes) < self.count or self.orders:
            return
        mean = closes.sum() / self.count
        if self.position.is_flat and bar.close < mean:
            self.buy(self.size)
        elif not self.position.is_flat and bar.close > mean:
            self.close_position()


class BtSwing(bt.Strategy):  # type: ignore[misc]
    """The same, as a Backtrader class."""

    params = (("count", 5), ("size", 3.0))

    def next(self) -> None:
        """Trade."""
        closes = np.array(self.data.close.get(size=self.p.count))
        if len(closes) < self.p.count:
            return
        mean = closes.sum() / self.p.count
        if not self.position and self.data.close[0] < mean:
            self.buy(size=self.p.size)
        elif self.position and self.data.close[0] > mean:
            self.close()


def run(kit: ModuleType, cls: Any, bars: Any, cerebro: Any = None, **parameters: Any) -> Any:
    """Run a Backtrader class over bars and return the strategy."""
    cerebro = cerebro or bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=kit.frame_of(bars), timeframe=bt.TimeFrame.Minutes), name="X")
    cerebro.broker.set_cash(100_000.0)
    cerebro.broker.setcommission(commission=0.001)
    cerebro.addstrategy(cls, **parameters)
    cerebro.addanalyzer(bt.analyzers.TimeReturn, timeframe=bt.TimeFrame.NoTimeFrame, _name="values")
    cerebro.addanalyzer(bt.analyzers.Transactions, _name="fills")
    return cerebro.run()[0]


def test_own_class_trades_as_its_backtrader_twin(kit: ModuleType) -> None:
    """Under plain bt.Cerebro with PandasData it has the same fills and the same value, to the bit, as the class written for Backtrader."""
    bars = kit.random_bars(300)
    ours, theirs = run(kit, as_backtrader(Swing), bars, count=7), run(kit, BtSwing, bars, count=7)
    assert len(theirs.analyzers.fills.get_analysis()) > 20
    assert ours.analyzers.fills.get_analysis() == theirs.analyzers.fills.get_analysis()
    assert ours.broker.getvalue() == theirs.broker.getvalue()
    assert type(ours).__name__ == "Swing"


class Watching(Swing):
    """The same, noting its account."""

    seen: ClassVar[list[tuple[float, float]]] = []

    def on_start(self) -> None:
        """Note what it begins with."""
        self.seen.append((self.account.equity, self.account.cash))

    def on_bar(self, bar: Bar) -> None:
        """Note and trade."""
        self.seen.append((self.account.equity, self.account.cash))
        super().on_bar(bar)


class BtWatching(BtSwing):
    """The Backtrader class, noting its broker."""

    seen: ClassVar[list[tuple[float, float]]] = []

    def next(self) -> None:
        """Note and trade."""
        self.seen.append((self.broker.getvalue(), self.broker.getcash()))
        super().next()


def test_account_is_the_brokers(kit: ModuleType) -> None:
    """On each bar equity and cash are what the broker says then, to the bit; at the start they are what it begins with."""
    Watching.seen.clear()
    BtWatching.seen.clear()
    bars = kit.random_bars(300)
    run(kit, as_backtrader(Watching), bars, count=7), run(kit, BtWatching, bars, count=7)
    assert Watching.seen[0] == (100_000.0, 100_000.0)
    assert Watching.seen[1:] == BtWatching.seen
    assert len({equity for equity, _ in Watching.seen}) > 50


def test_own_class_under_native_matching_equals_the_bus_runner(kit: ModuleType, tmp_path: Path) -> None:
    """A cerebro with native matching fills it as the engine fills our classes."""
    bars = kit.random_bars(200)
    bars["close"] = bars["close"].round(2)
    (tmp_path / "swing.py").write_text(
        "from gcg_quant.events import Bar\nfrom gcg_quant.strategy_engine import Parameter, Strategy\n" + inspect.getsource(Swing)
    )
    spec = BacktestSpec(file=str(tmp_path / "swing.py"), symbols=["X"], period="1m", cash=100_000.0)
    result = BacktestEngine(tmp_path / "home", folders=[tmp_path], store=kit.stored(bars)).run(spec)
    with EventBus(tmp_path / "own", world=World.BACKTEST) as bus:
        cerebro = EventDrivenCerebro(stdstats=False)
        bus.instruments.add(Instrument(symbol="X", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0))
        cerebro.adddata(EventDrivenDataFeed(dataname="X", venue="SIM", period="1m", bars=bars), name="X")
        cerebro.broker = EventDrivenBroker(matching="native", bus=bus, account="own", strategy="swing")
        cerebro.broker.set_cash(100_000.0)
        cerebro.addstrategy(as_backtrader(Swing))
        cerebro.run()
        with bus.reader(start="begin", events=[Fill]) as reader:
            here = [(fill.event_ns, fill.side, fill.price, fill.quantity) for fill in reader if isinstance(fill, Fill)]
    with EventBus(Path(result.folder) / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=[Fill]) as reader:
        there = [(fill.event_ns, fill.side, fill.price, fill.quantity) for fill in reader if isinstance(fill, Fill)]
    assert len(here) > 10
    assert here == there


class Telling(Strategy):
    """Does at its n-th bar what a plan says, and notes what it is told."""

    plan: ClassVar[dict[int, Any]] = {}
    told: ClassVar[list[tuple[str, OrderStatus, str]]] = []

    def on_start(self) -> None:
        """Begin."""
        self.seen = 0
        type(self).told = []

    def on_bar(self, bar: Bar) -> None:
        """Act."""
        self.seen += 1
        if self.seen in self.plan:
            self.plan[self.seen](self, bar)

    def on_order(self, order: OrderEvent) -> None:
        """Note."""
        self.told.append((order.tag, order.status, order.reason))

    def on_fill(self, fill: Fill) -> None:
        """Note that the position holds the fill."""
        self.told.append((f"{fill.side.name} {fill.quantity:g}", OrderStatus.NEW, f"{self.position.quantity:g}"))


def tell(kit: ModuleType, plan: dict[int, Any], closes: list[float]) -> list[tuple[str, OrderStatus, str]]:
    """Run a plan over bars with these closes and return what was told."""
    cls = type("Told", (Telling,), {"plan": plan, "__module__": __name__})
    run(kit, as_backtrader(cls), kit.make_bars(closes, spread=0.2))
    found: list[tuple[str, OrderStatus, str]] = cls.told
    return found


def ends(told: list[tuple[str, OrderStatus, str]]) -> dict[str, OrderStatus]:
    """Return the last state of each order by its tag."""
    return {tag: status for tag, status, _ in told if status != OrderStatus.NEW}


def test_bracket_waits_and_its_ways_out_cancel_each_other(kit: ModuleType) -> None:
    """The ways out are sent when the way in is filled; the limit's fill cancels the stop, and the position is flat."""

    def enter(strategy: Any, bar: Bar) -> None:
        strategy.bracket(2.0, take_profit=bar.close + 1.0, stop_loss=bar.close - 5.0, tag="set")

    told = tell(kit, {2: enter}, [100.0, 100.0, 100.0, 100.5, 101.5, 102.0, 102.0])
    assert [row for row in told if row[1] == OrderStatus.NEW] == [("BUY 2", OrderStatus.NEW, "2"), ("SELL 2", OrderStatus.NEW, "0")]
    assert [status for _, status, _ in told].count(OrderStatus.FILLED) == 2
    assert [status for _, status, _ in told].count(OrderStatus.CANCELLED) == 1


def test_what_backtrader_does_not_know_is_refused_by_an_order_event(kit: ModuleType) -> None:
    """Immediate-or-cancel, post-only, a change, and a reducing order without a position; a cancel and a day's end are carried out."""

    def all_of_them(strategy: Any, bar: Bar) -> None:
        strategy.buy(1.0, bar.close - 50, time_in_force=TimeInForce.IOC, tag="ioc")
        strategy.buy(1.0, bar.close - 50, flags=OrderFlag.POST_ONLY, tag="post")
        strategy.sell(1.0, flags=OrderFlag.REDUCE_ONLY, tag="reduce")
        strategy.waits = strategy.buy(1.0, bar.close - 50, tag="far")
        strategy.sell(1.0, stop_price=bar.close - 50, tag="stop")
        strategy.buy(1.0, bar.close - 50, time_in_force=TimeInForce.GTD, expire_ns=bar.end_ns + 90 * 10**9, tag="dated")

    def change(strategy: Any, bar: Bar) -> None:
        strategy.modify(strategy.waits, price=bar.close - 40)

    def take_back(strategy: Any, bar: Bar) -> None:
        assert strategy.cancel(strategy.waits)

    told = tell(kit, {1: all_of_them, 2: change, 3: take_back}, [100.0] * 6)
    last = ends(told)
    assert {tag for tag, status in last.items() if status == OrderStatus.REJECTED} == {"ioc", "post", "reduce"}
    assert last["far"] == OrderStatus.CANCELLED
    assert last["dated"] == OrderStatus.EXPIRED
    assert last["stop"] == OrderStatus.ACCEPTED
    assert any("cannot be changed" in reason for tag, _, reason in told if tag == "far")


def test_exception_names_the_place_and_nothing_is_left(kit: ModuleType) -> None:
    """What the class raises ends the run with file and line."""

    def fall(strategy: Any, bar: Bar) -> None:
        raise KeyError("by design")

    with pytest.raises(StrategyError, match=r"test_hosted_class.py:\d+: on_bar raised KeyError: 'by design'"):
        tell(kit, {2: fall}, [100.0] * 5)


def test_what_is_no_strategy_is_a_sentence() -> None:
    """as_backtrader takes classes of ours only."""
    with pytest.raises(StrategyError, match=r"derives from gcg_quant.strategy_engine.Strategy"):
        as_backtrader(BtSwing)


class Indicated(Strategy):
    """Notes one indicator of each kind, a bar at a time."""

    found: ClassVar[list[tuple[float, float, float]]] = []

    def on_bar(self, bar: Bar) -> None:
        """Note."""
        bars = self.bars(count=1000)
        self.found.append(
            (
                indicator(bt.ind.RSI_Safe, bars, period=5)[-1],
                indicator(bt.talib.ATR, bars, timeperiod=4)[-1],
                float(talib.SMA(bars["close"].copy(), timeperiod=3)[-1]),
            )
        )


class BtIndicated(bt.Strategy):  # type: ignore[misc]
    """The same in Backtrader."""

    def __init__(self) -> None:
        self.found: list[tuple[float, float, float]] = []
        self.rsi = bt.ind.RSI_Safe(self.data, period=5)
        self.atr = bt.talib.ATR(self.data.high, self.data.low, self.data.close, timeperiod=4)
        self.sma = bt.talib.SMA(self.data.close, timeperiod=3)

    def prenext(self) -> None:
        """Note."""
        self.next()

    def next(self) -> None:
        """Note."""
        self.found.append((self.rsi[0], self.atr[0], self.sma[0]))


def test_indicators_of_both_kinds_are_the_same_in_both(kit: ModuleType) -> None:
    """bt.ind and ta-lib in our own class, bar by bar, give the numbers that a Backtrader class has."""
    bars = kit.random_bars(40)
    Indicated.found = []
    run(kit, as_backtrader(Indicated), bars)
    theirs = run(kit, BtIndicated, bars).found
    assert len(Indicated.found) == len(theirs) == 40
    np.testing.assert_allclose(np.array(Indicated.found), np.array(theirs), rtol=1e-9)
    assert not np.isnan(np.array(theirs)[-30:]).any()


def test_line_that_is_not_there_is_a_sentence(kit: ModuleType) -> None:
    """A misspelt line names the lines; of no bars there is nothing."""
    with pytest.raises(BacktestError, match=r"BollingerBands has no line 'tip' \(its lines: mid, top, bot\)"):
        indicator(bt.ind.BollingerBands, kit.random_bars(30), "tip")
    assert len(indicator(bt.ind.SMA, kit.random_bars(0), period=3)) == 0
    assert np.isnan(indicator(bt.ind.SMA, kit.random_bars(2), period=30)).all()


TALIB = """
import backtrader as bt


class Rsi(bt.Strategy):
    params = (("low", 40), ("high", 60))

    def __init__(self):
        self.strength = bt.talib.RSI(self.data.close, timeperiod=5)

    def next(self):
        if not self.position and self.strength < self.p.low:
            self.buy(size=1)
        elif self.position and self.strength > self.p.high:
            self.close()
"""


def test_talib_in_a_backtrader_class_live(kit: ModuleType, bus: EventBus, tmp_path: Path) -> None:
    """A Backtrader class with a ta-lib indicator trades on paper."""
    paper = Paper(kit, bus, tmp_path / "strategies", {"rsi.py": TALIB}, threaded=False)
    paper.load("rsi")
    for close in (100.0 + 3.0 * np.sin(np.arange(24) / 2.0)).round(2).tolist():
        paper.ticks([close], size=1e6)
    paper.close()
    requests = paper.read(OrderRequest)
    assert {request.side for request in requests} == {Side.BUY, Side.SELL}
