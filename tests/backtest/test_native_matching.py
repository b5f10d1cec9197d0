"""`matching="native"`: a Backtrader class over bars or over a journal, matched by a paper gateway of the run's own."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec, EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, StrategyError
from gcg_quant.events import Bar, BarBasis, Fill, Liquidity, OrderRequest, PositionEvent, Side, Tick, World
from gcg_quant.instruments import Instrument

from .paper_system import CASH, EXAMPLES, Paper

# One of each kind of order, over and over: market, limit, stop, trailing stop, bracket, and what is cancelled.
BUSY = """
import backtrader as bt


class Busy(bt.Strategy):
    params = (("size", 5),)

    def __init__(self):
        self.turn = 0
        self.waiting = []

    def next(self):
        self.turn += 1
        close, size = self.data.close[0], self.p.size
        step = self.turn % 12
        if step == 1:
            self.buy(size=size)
        elif step == 3:
            self.waiting.append(self.buy(size=size, exectype=bt.Order.Limit, price=close - 0.05))
        elif step == 5:
            self.waiting.append(self.sell(size=size, exectype=bt.Order.Stop, price=close - 0.08))
        elif step == 6:
            self.waiting.append(self.sell(size=2, exectype=bt.Order.StopTrail, trailamount=0.1))
        elif step == 7:
            self.buy_bracket(size=2, exectype=bt.Order.Market, stopprice=close - 0.2, limitprice=close + 0.15)
        elif step == 10:
            while self.waiting:
                self.cancel(self.waiting.pop())
        elif step == 11 and self.position:
            self.close()
"""


def run(tmp_path: Path, spec: BacktestSpec, history: Any = None) -> BacktestResult:
    """Backtest."""
    return BacktestEngine(tmp_path / "home", folders=[tmp_path / "strategies", EXAMPLES], store=history).run(spec)


def events(folder: Path | str, *kinds: Any) -> list[Any]:
    """Return the events of a run's journal, or of a bus."""
    path = Path(folder)
    path = path / "bus" if (path / "bus").exists() else path
    with EventBus(path, create=False, read_only=True) as bus, bus.reader(start="begin", events=kinds) as reader:
        return list(reader)


def facts(fill: Fill) -> tuple[Any, ...]:
    """Return what a fill says of the market, not of who told it."""
    told = (fill.symbol, fill.venue, fill.event_ns, fill.side, fill.price, fill.quantity)
    return (*told, fill.fee, fill.fee_currency, fill.liquidity, fill.trading_day)


def test_fills_equal_the_paper_gateways_on_the_same_journal(kit: ModuleType, bus: EventBus, tmp_path: Path) -> None:
    """A class trades on paper, on ticks of small size; backtested over that journal it has the same fills at the same moments."""
    paper = Paper(kit, bus, tmp_path / "strategies", {"busy.py": BUSY}, threaded=False)
    paper.load("busy")
    prices = 100.0 + np.cumsum(np.random.default_rng(7).normal(0.0, 0.04, 4 * 70)).round(2)
    for number in range(70):
        paper.ticks([round(float(price), 2) for price in prices[4 * number : 4 * number + 4]])
    paper.close()
    before = [facts(fill) for fill in events(bus.path, Fill)]
    result = run(
        tmp_path,
        BacktestSpec(file="busy", symbols=["X"], period="1s", journal=str(bus.path), matching="native", fees="terms", cash=CASH),
    )
    assert [facts(fill) for fill in events(result.folder, Fill)] == before
    assert len(before) > 50
    assert {fill.liquidity for fill in events(bus.path, Fill)} == {Liquidity.MAKER, Liquidity.TAKER}
    assert any(fill.quantity < 5 for fill in events(bus.path, Fill) if fill.strategy == "one")
    assert events(result.folder, PositionEvent)[-1].realised_pnl == events(bus.path, PositionEvent)[-1].realised_pnl
    assert len(events(result.folder, Tick)) == 4 * 70


def test_market_order_trades_at_the_next_open_and_follows_from_its_bar(kit: ModuleType, tmp_path: Path) -> None:
    """Over bars: filled at the next bar's open with the spec's commission; the request's cause is the bar that led to it."""
    bars = kit.random_bars(120, period="1d")
    bars["volume"] = np.nan  # not told: as much as one likes
    spec = BacktestSpec(
        file=str(EXAMPLES / "sma_cross.py"),
        symbols=["X"],
        matching="native",
        commission=0.001,
        parameters={"fast": 3, "slow": 8},
        stake=4.0,
        run="native",
    )
    result = run(tmp_path, spec, kit.stored(bars))
    fills, requests = events(result.folder, Fill), events(result.folder, OrderRequest)
    shown = {bar.id: bar for bar in events(result.folder, Bar)}
    assert len(fills) > 6
    for fill in fills:
        assert fill.price == pytest.approx(shown[fill.cause].open, abs=0.01)  # to the next tick
        assert shown[fill.cause].start_ns == next(one.event_ns for one in requests if one.id == fill.request)
        assert (fill.quantity, fill.fee) == (4.0, pytest.approx(0.004 * fill.price))
    assert all(shown[request.cause].end_ns == request.event_ns for request in requests)
    cash = 10_000.0 - sum((1 if fill.side == Side.BUY else -1) * fill.quantity * fill.price + fill.fee for fill in fills)
    held = sum((1 if fill.side == Side.BUY else -1) * fill.quantity for fill in fills)
    assert result.measures.end_value == pytest.approx(cash + held * bars["close"][-1])
    again = run(tmp_path, BacktestSpec(**{name: getattr(spec, name) for name in spec.__struct_fields__ if name != "run"}), kit.stored(bars))
    assert again.measures == result.measures


def test_spread_and_slippage_are_the_venues(kit: ModuleType, tmp_path: Path) -> None:
    """Beside bid bars there are ask bars: purchases meet the ask, sales the bid, each a tick worse."""
    closes = 100.0 + np.cumsum(np.random.default_rng(3).normal(0.0, 1.0, 80)).round(1)
    history = kit.stored(kit.make_bars(closes, "1d", basis=int(BarBasis.BID)))
    history.add_bars("X", "SIM", kit.make_bars(closes + 0.5, "1d", basis=int(BarBasis.ASK)))
    spec = {"file": "sma_cross.py", "symbols": ["X"], "matching": "native", "parameters": {"fast": 2, "slow": 5}}
    result = run(tmp_path, BacktestSpec(**spec, class_name="SmaCross", paper={"slippage_ticks": 1}), history)
    fills, shown = events(result.folder, Fill), {bar.id: bar for bar in events(result.folder, Bar)}
    assert {fill.side for fill in fills} == {Side.BUY, Side.SELL}
    for fill in fills:
        bar, worse = shown[fill.cause], 0.01 if fill.side == Side.BUY else -0.01
        assert fill.price == pytest.approx(bar.open + worse)
        assert bar.basis == (BarBasis.ASK if fill.side == Side.BUY else BarBasis.BID)


def test_limits_of_paper_refuse_orders_here_too(kit: ModuleType, tmp_path: Path) -> None:
    """An order above the limit that `paper` names is refused by risk, and the class hears Rejected."""
    history = kit.stored(kit.random_bars(60, period="1d"))
    spec = {"file": str(EXAMPLES / "sma_cross.py"), "symbols": ["X"], "matching": "native", "parameters": {"fast": 2, "slow": 5}}
    assert run(tmp_path, BacktestSpec(**spec), history).measures.trades > 0
    refused = run(tmp_path, BacktestSpec(**spec, paper={"risk": {"max_order_quantity": 0.5}}), history)
    assert refused.measures.trades == 0
    assert len(events(refused.folder, OrderRequest)) > 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"matching": "nativ"}, "matching of a backtest must be 'stock' or 'native'"),
        ({"fees": "none"}, "fees of a backtest must be"),
        ({"matching": "native", "slippage": 0.1}, "slippage is an option of stock matching.*slippage_ticks"),
        ({"matching": "native", "mirror": False}, "mirror is an option of stock matching"),
        ({"matching": "native", "paper": {"latency": 1}}, "paper of a backtest cannot be read.*latency.*known: latency_ns"),
        ({"matching": "native", "paper": {"risk": {"max_order": 1}}}, "no setting risk.max_order"),
        ({"paper": {"latency_ns": 1}}, "stock matching has none: add matching='native'"),
    ],
)
def test_bad_options_are_sentences(kit: ModuleType, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    """What does not fit is said in one sentence."""
    spec = BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], **options)
    with pytest.raises(BacktestError, match=words):
        run(tmp_path, spec, kit.stored(kit.random_bars(30, period="1d")))


def test_run_that_fails_lets_go_of_everything(kit: ModuleType, tmp_path: Path) -> None:
    """A strategy's exception ends a native run with its place, and no engine is left on the run's bus."""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "busy.py").write_text(BUSY.replace("self.turn += 1", "self.turn += 1 / (20 - len(self))"))
    spec = BacktestSpec(file="busy", symbols=["X"], matching="native", run="fails")
    with pytest.raises(StrategyError, match=r"busy.py:13 raised ZeroDivisionError.*at the bar 2023-12-03T00:00:00Z of X"):
        run(tmp_path, spec, kit.stored(kit.random_bars(30, period="1d")))
    with EventBus(tmp_path / "home/backtests/fails/bus", create=False, read_only=True) as bus:
        assert [one.name for one in bus.readers() if one.alive] == []


class _Once(bt.Strategy):  # type: ignore[misc]
    def next(self) -> None:
        if len(self) == 3:
            self.buy(size=2)
            self.sell(size=1, exectype=bt.Order.Close)

    def notify_order(self, order: Any) -> None:
        self.told = [*getattr(self, "told", []), (order.getstatusname(), order.info.get("reason", ""))]


def cerebro_of(bus: EventBus | None, *feeds: Any) -> EventDrivenCerebro:
    """Return a cerebro with native matching."""
    cerebro = EventDrivenCerebro(stdstats=False)
    for feed in feeds:
        cerebro.adddata(feed, name=feed.symbol)
    cerebro.broker = EventDrivenBroker(matching="native", bus=bus, account="own", strategy="once")
    cerebro.addstrategy(_Once)
    return cerebro


def test_own_cerebro_needs_nothing_but_a_bus(kit: ModuleType, tmp_path: Path) -> None:
    """In a cerebro of one's own the feeds' bars are laid on the bus; Close orders are stock's, and are refused."""
    bars = kit.random_bars(20, period="1d")
    with EventBus(tmp_path / "own", world=World.BACKTEST, source="me") as bus:
        strategy = cerebro_of(bus, EventDrivenDataFeed(dataname="X", venue="SIM", period="1d", bars=bars)).run()[0]
        assert len(list(bus.reader(start="begin", events=[Bar]))) == 20
    assert strategy.position.size == 2.0
    assert [name for name, _ in strategy.told] == ["Submitted", "Submitted", "Rejected", "Accepted", "Completed"]
    assert "stock matching only" in strategy.told[2][1]


def test_what_native_matching_cannot_take_is_a_sentence(kit: ModuleType, tmp_path: Path) -> None:
    """No bus, foreign feeds, and several periods that are stamped with their start."""
    days = EventDrivenDataFeed(dataname="X@SIM", period="1d", bars=kit.random_bars(3, period="1d"))
    minutes = EventDrivenDataFeed(dataname="Y@SIM", period="1m", bars=kit.random_bars(3, period="1m"))
    foreign = bt.feeds.PandasData(dataname=kit.frame_of(kit.random_bars(3)))
    foreign.symbol = "Z"
    with pytest.raises(BacktestError, match="matching='native' needs a bus"):
        cerebro_of(None, days)
    for number, (feeds, words) in enumerate([((days, minutes), "need stamp='end'"), ((foreign,), "is not an EventDrivenDataFeed")]):
        with EventBus(tmp_path / str(number), world=World.BACKTEST) as bus, pytest.raises(BacktestError, match=words):
            cerebro_of(bus, *feeds).run()


class _Sequence(bt.Strategy):  # type: ignore[misc]
    def __init__(self) -> None:
        self.calls: list[str] = []

    def next(self) -> None:
        self.calls.append("next")
        if len(self) % 6 == 2:
            self.buy(size=2)
            self.waits = self.sell(size=1, exectype=bt.Order.Limit, price=1000.0)
        elif len(self) % 6 == 4:
            self.close()
            self.cancel(self.waits)

    def notify_order(self, order: Any) -> None:
        self.calls.append(f"order {order.getstatusname()}")

    def notify_trade(self, trade: Any) -> None:
        self.calls.append(f"trade {trade.size:g}")

    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.calls.append(f"cash {cash:.6f} {value:.6f}")

    def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        self.calls.append(f"fund {fundvalue:.6f} {shares:.6f}")


def test_notifications_come_in_backtraders_order(kit: ModuleType, tmp_path: Path) -> None:
    """Orders, trades, cash and value, the fund, then next(): the calls of a native run are those of a stock one, with their numbers."""
    closes = (100.0 + np.cumsum(np.random.default_rng(5).normal(0.0, 0.5, 40))).round(2)
    told = []
    with EventBus(tmp_path / "own", world=World.BACKTEST) as bus:
        bus.instruments.add(Instrument(symbol="X", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0))
        for matching in ("stock", "native"):
            cerebro = EventDrivenCerebro(stdstats=False)
            cerebro.adddata(EventDrivenDataFeed(dataname="X", venue="SIM", period="1d", bars=kit.make_bars(closes, "1d")), name="X")
            cerebro.broker = EventDrivenBroker(matching=matching, bus=bus if matching == "native" else None, account="own")
            cerebro.addstrategy(_Sequence)
            told.append(cerebro.run()[0].calls)
    stock, native = ([call for call in calls if call != "order Canceled"] for calls in told)
    assert native == stock
    assert sum(call.startswith("order Completed") for call in native) > 10
    assert sum("order Canceled" in call for call in told[1]) == sum("order Canceled" in call for call in told[0]) > 3


ON_TICKS = """
from gcg_quant.events import Bar, Tick
from gcg_quant.strategy_engine import Parameter, Strategy


class OnTicks(Strategy):
    period = Parameter("1s")

    def on_start(self):
        self.ticks = 0

    def on_tick(self, tick: Tick):
        self.ticks += 1
        if self.ticks == 5:
            self.buy(3.0)
        if self.ticks == 9:
            self.close_position()
"""


def test_own_class_sees_and_trades_on_a_journals_ticks(kit: ModuleType, bus: EventBus, tmp_path: Path) -> None:
    """With native matching a journal's ticks come to a class of ours, and fill its orders at the quotes."""
    bus.instruments.add(Instrument(symbol="X", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0))
    for number in range(12):
        price, now_ns = 100.0 + number, kit.START_NS + number * 10**9
        quote = {"bid_price": price - 0.5, "ask_price": price + 0.5, "bid_size": 10.0, "ask_size": 10.0}
        bus.publish(Tick(symbol="X", venue="SIM", event_ns=now_ns, last_price=price, **quote))
        bus.publish(kit.make_bar(now_ns, price))
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "on_ticks.py").write_text(ON_TICKS)
    spec = {"file": "on_ticks", "symbols": ["X"], "period": "1s", "journal": str(bus.path)}
    result = run(tmp_path, BacktestSpec(**spec, matching="native"))
    assert [(fill.side, fill.price, fill.quantity) for fill in events(result.folder, Fill)] == [
        (Side.BUY, 104.5, 3.0),
        (Side.SELL, 107.5, 3.0),
    ]
    assert len(events(result.folder, Tick)) == 12
    assert not events(run(tmp_path, BacktestSpec(**spec)).folder, Fill)  # over bars alone it never sees a tick
