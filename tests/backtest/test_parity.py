"""Stock parity: EventDrivenCerebro, feed and broker give exactly what bt.Cerebro, PandasData and BackBroker give."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.tape import BarTape
from gcg_quant.bus import EventBus
from gcg_quant.events import AccountEvent, Bar, Fill, OrderEvent, OrderRequest, OrderStatus, PositionEvent, Side

Setup = Callable[[Any], None]


def analysis(strategy: Any) -> str:
    """Return the analyzers' findings as text."""
    return repr([(type(one).__name__, one.get_analysis()) for one in strategy.analyzers])


def outcome(strategy: Any) -> tuple[list[str], str, str]:
    """Return the whole trace, the analyzers' findings and the broker's end state."""
    broker = strategy.broker
    end = repr((broker.getcash(), broker.getvalue(), [(data._name, pos.size, pos.price) for data, pos in broker.positions.items()]))
    return [plain(line) for line in strategy.trace], plain(analysis(strategy)), plain(end)


def plain(text: str) -> str:
    """Return a text in which NumPy's floats are written like Python's: PandasData lets them through where lines are no arrays."""
    return re.sub(r"np\.float64\(([^)]*)\)", r"\1", text)


def stock_run(kit: ModuleType, bars: dict[str, Any], strategy: type, setup: Setup, **options: Any) -> tuple[list[str], str, str]:
    """Run a class under plain bt.Cerebro."""
    kit.restart_references()
    cerebro = bt.Cerebro()
    for name, array in bars.items():
        cerebro.adddata(bt.feeds.PandasData(dataname=kit.frame_of(array), timeframe=bt.TimeFrame.Minutes, name=name), name=name)
    return finish(cerebro, strategy, setup, options)


def our_run(
    kit: ModuleType, bars: dict[str, Any], strategy: type, setup: Setup, bus: EventBus | None, **options: Any
) -> tuple[list[str], str, str]:
    """Run a class under EventDrivenCerebro, told on a bus if there is one."""
    kit.restart_references()
    cerebro = EventDrivenCerebro()
    for name, array in bars.items():
        cerebro.adddata(EventDrivenDataFeed(dataname=name, bars=array), name=name)
    broker = EventDrivenBroker(bus=bus, account="test", strategy="parity")
    if bus is not None:
        broker.use_tape(BarTape(bus, {(name, ""): array for name, array in bars.items()}))
    cerebro.broker = broker
    return finish(cerebro, strategy, setup, options)


def finish(cerebro: Any, strategy: type, setup: Setup, options: dict[str, Any]) -> tuple[list[str], str, str]:
    """Add what both sides share, run, and return the outcome."""
    cerebro.addstrategy(strategy)
    cerebro.addanalyzer(bt.analyzers.SharpeRatio, timeframe=bt.TimeFrame.Days)
    cerebro.addanalyzer(bt.analyzers.DrawDown)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
    cerebro.addanalyzer(bt.analyzers.Returns, timeframe=bt.TimeFrame.Days)
    setup(cerebro)
    return outcome(cerebro.run(**options)[0])


def orders_every(step: int, place: Callable[[Any, int], None]) -> type:
    """Return a traced class that calls `place(strategy, count)` every `step` bars."""
    from_kit = orders_every.base  # type: ignore[attr-defined]

    class Placing(from_kit):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.average = bt.ind.SMA(period=5)

        def next(self) -> None:
            self.note_bar()
            if len(self) % step == 0:
                place(self, len(self) // step)

    return Placing


def market(strategy: Any, count: int) -> None:
    """Buy and sell at the market, more than is held now and then."""
    strategy.buy(size=1 + count % 3) if count % 2 else strategy.sell(size=1 + count % 4)


def market_sized(strategy: Any, count: int) -> None:
    """Buy with the sizer's size, close again."""
    strategy.buy() if count % 2 else strategy.close()


def limits(strategy: Any, count: int) -> None:
    """Limit and stop orders of all kinds around the price, some with an end."""
    close = strategy.data.close[0]
    valid = [None, timedelta(minutes=3), timedelta(minutes=30), bt.Order.DAY][count % 4]
    kind = count % 6
    if kind == 0:
        strategy.buy(exectype=bt.Order.Limit, price=close * 0.998, valid=valid)
    elif kind == 1:
        strategy.sell(exectype=bt.Order.Stop, price=close * 0.997, valid=valid)
    elif kind == 2:
        strategy.buy(exectype=bt.Order.StopLimit, price=close * 1.002, plimit=close * 1.004, valid=valid)
    elif kind == 3:
        strategy.sell(exectype=bt.Order.StopTrail, trailamount=0.4, valid=valid)
    elif kind == 4:
        strategy.buy(exectype=bt.Order.StopTrailLimit, price=close, plimit=close * 1.001, trailpercent=0.002, valid=valid)
    else:
        strategy.close(exectype=bt.Order.Close)


def brackets(strategy: Any, count: int) -> None:
    """Brackets on both sides, one cancelled now and then."""
    close = strategy.data.close[0]
    if count % 5 == 4:
        for order in list(strategy.broker.get_orders_open())[:1]:
            strategy.cancel(order)
    elif count % 2:
        strategy.buy_bracket(price=close * 0.999, stopprice=close * 0.994, limitprice=close * 1.005)
    else:
        strategy.sell_bracket(price=close * 1.001, stopprice=close * 1.006, limitprice=close * 0.995)


def one_cancels_other(strategy: Any, count: int) -> None:
    """OCO groups of three."""
    close = strategy.data.close[0]
    first = strategy.buy(exectype=bt.Order.Limit, price=close * 0.998)
    strategy.buy(exectype=bt.Order.Stop, price=close * 1.003, oco=first)
    strategy.sell(exectype=bt.Order.Limit, price=close * 1.002, oco=first)


def targets(strategy: Any, count: int) -> None:
    """Order to targets of size, value and percent, on each feed in turn."""
    data = strategy.datas[count % len(strategy.datas)]
    (
        strategy.order_target_size(data, count % 5),
        strategy.order_target_percent(data, 0.1 * (count % 7)),
        strategy.order_target_value(data, 500.0 * (count % 3)),
    )


def nothing(cerebro: Any) -> None:
    """Change nothing."""


def with_commission(cerebro: Any) -> None:
    """Percent commission."""
    cerebro.broker.setcommission(commission=0.001)


def as_futures(cerebro: Any) -> None:
    """Futures with margin and multiplier."""
    cerebro.broker.setcommission(commission=2.0, margin=200.0, mult=10.0)


def with_slippage(cerebro: Any) -> None:
    """Percent slippage on everything."""
    cerebro.broker.set_slippage_perc(0.001, slip_open=True, slip_limit=True, slip_match=True, slip_out=False)


def fixed_slippage(cerebro: Any) -> None:
    """Fixed slippage that may leave the bar."""
    cerebro.broker.set_slippage_fixed(0.3, slip_open=True, slip_out=True)


def poor(cerebro: Any) -> None:
    """Too little cash for some orders, so that Margin comes."""
    cerebro.broker.setcash(250.0)


def close_cheat(cerebro: Any) -> None:
    """Cheat on close."""
    cerebro.broker.set_coc(True)


def open_cheat(cerebro: Any) -> None:
    """Cheat on open."""
    cerebro.broker.set_coo(True)


def with_filler(cerebro: Any) -> None:
    """Partial fills by volume."""
    cerebro.broker.set_filler(bt.broker.filler.FixedSize(size=1))


def with_sizer(cerebro: Any) -> None:
    """A sizer by percent of the cash."""
    cerebro.addsizer(bt.sizers.PercentSizer, percents=20)


def with_interest(cerebro: Any) -> None:
    """Interest on short positions."""
    cerebro.broker.setcommission(commission=0.0, interest=0.05)


SETUPS = [
    ("market", market, nothing, {}),
    ("market commission", market, with_commission, {}),
    ("market futures", market, as_futures, {}),
    ("market slippage", market, with_slippage, {}),
    ("market fixed slippage", market, fixed_slippage, {}),
    ("market poor", market, poor, {}),
    ("market cheat on close", market, close_cheat, {}),
    ("market cheat on open", market, open_cheat, {}),
    ("market filler", market, with_filler, {}),
    ("market interest", market, with_interest, {}),
    ("market not preloaded", market, with_commission, {"preload": False}),
    ("market bar by bar", market, with_commission, {"runonce": False}),
    ("market saving memory", market, with_commission, {"exactbars": 1}),
    ("market quick notification", market, with_commission, {"quicknotify": True}),
    ("market trade history", market, with_commission, {"tradehistory": True}),
    ("limits", limits, nothing, {}),
    ("limits slippage", limits, with_slippage, {}),
    ("limits bar by bar", limits, with_commission, {"runonce": False}),
    ("brackets", brackets, nothing, {}),
    ("brackets commission", brackets, with_commission, {}),
    ("oco", one_cancels_other, nothing, {}),
    ("targets", targets, with_commission, {}),
    ("sizer", market_sized, with_sizer, {}),
]


@pytest.fixture(autouse=True)
def _base(kit: ModuleType) -> None:
    orders_every.base = kit.Traced  # type: ignore[attr-defined]


@pytest.mark.parametrize(("place", "setup", "options"), [row[1:] for row in SETUPS], ids=[row[0] for row in SETUPS])
def test_run_equals_stock(kit: ModuleType, bus: EventBus, place: Any, setup: Setup, options: dict[str, Any]) -> None:
    """Every order notification with all its attributes, every trade, cash and value of every bar, and the analyzers are stock's."""
    bars = {"X": kit.random_bars(400)}
    strategy = orders_every(7, place)
    stock = stock_run(kit, bars, strategy, setup, **options)
    assert sum(line.startswith("order") for line in stock[0]) > 20
    assert our_run(kit, bars, strategy, setup, bus, **options) == stock
    assert our_run(kit, bars, strategy, setup, None, **options) == stock


@pytest.mark.parametrize("place", [market, limits, targets])
def test_two_feeds_of_different_length_equal_stock(kit: ModuleType, bus: EventBus, place: Any) -> None:
    """With two feeds, of which one has gaps and begins later, everything is stock's, too."""
    other = kit.random_bars(400, seed=5)[37:]
    other = other[np.random.default_rng(1).random(len(other)) < 0.8]
    bars = {"X": kit.random_bars(400), "Y": other}
    strategy = orders_every(5, place)
    assert our_run(kit, bars, strategy, with_commission, bus) == stock_run(kit, bars, strategy, with_commission)


ORDERS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from(["buy", "sell", "close", "cancel"]),
        st.sampled_from([bt.Order.Market, bt.Order.Limit, bt.Order.Stop, bt.Order.StopLimit, bt.Order.StopTrail, bt.Order.Close]),
        st.floats(-0.01, 0.01),
        st.integers(1, 5),
        st.sampled_from([None, timedelta(minutes=5), bt.Order.DAY]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ORDERS)
def test_any_sequence_of_orders_equals_stock(kit: ModuleType, sequence: list[tuple[Any, ...]]) -> None:
    """Whatever orders are given at whatever bars, the outcome is stock's."""

    class Scripted(kit.Traced):  # type: ignore[misc, name-defined]
        def next(self) -> None:
            self.note_bar()
            for at, action, kind, shift, size, valid in sequence:
                if at != len(self):
                    continue
                price = self.data.close[0] * (1 + shift)
                if action == "cancel":
                    for order in list(self.broker.get_orders_open())[:1]:
                        self.cancel(order)
                elif action == "close":
                    self.close()
                else:
                    getattr(self, action)(size=size, exectype=kind, price=price, plimit=price, valid=valid, trailamount=0.3)

    bars = {"X": kit.random_bars(40)}
    assert our_run(kit, bars, Scripted, with_commission, None) == stock_run(kit, bars, Scripted, with_commission)


def test_deliberate_error_is_caught(kit: ModuleType) -> None:
    """The comparison is not blind: a commission that differs in its last bit shows."""
    bars = {"X": kit.random_bars(100)}
    strategy = orders_every(7, market)

    def nearly(cerebro: Any) -> None:
        cerebro.broker.setcommission(commission=np.nextafter(0.001, 1.0))

    assert our_run(kit, bars, strategy, nearly, None) != stock_run(kit, bars, strategy, with_commission)


def test_optstrategy_in_processes_equals_stock(kit: ModuleType) -> None:
    """Parameter sweeps over worker processes work as with stock, and give the same."""
    bars = kit.random_bars(300)

    def best(cerebro: Any, feed: Any) -> list[tuple[Any, ...]]:
        cerebro.adddata(feed)
        cerebro.optstrategy(kit.Cross, fast=[3, 5], slow=[15, 20])
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
        return [(run[0].p.fast, run[0].p.slow, repr(run[0].analyzers.trades.get_analysis())) for run in cerebro.run(maxcpus=2)]

    stock = best(bt.Cerebro(), bt.feeds.PandasData(dataname=kit.frame_of(bars), timeframe=bt.TimeFrame.Minutes))
    assert best(EventDrivenCerebro(), EventDrivenDataFeed(dataname="X", history=kit.stored(bars))) == stock


# ---- what is told on the bus


def test_journal_of_a_run_reads_like_a_session(kit: ModuleType, bus: EventBus) -> None:
    """Bars, requests, order events and fills lie in the order of time, and every fill belongs to a request."""
    bars = {"X": kit.random_bars(200)}
    trace, _, _ = our_run(kit, bars, orders_every(7, market), with_commission, bus)
    with bus.reader(start="begin", events=[Bar, OrderRequest, OrderEvent, Fill, PositionEvent, AccountEvent]) as reader:
        events = list(reader)
    times = [event.event_ns for event in events]
    assert times == sorted(times)
    requests = {event.id: event for event in events if isinstance(event, OrderRequest)}
    fills = [event for event in events if isinstance(event, Fill)]
    completed = sum("('status', 4)" in line for line in trace if line.startswith("order"))
    assert len(fills) == completed > 10
    assert all(fill.request in requests and fill.cause == fill.request for fill in fills)
    assert all(requests[fill.request].side == fill.side for fill in fills)


def test_journal_folds_to_the_final_position_and_cash(kit: ModuleType, bus: EventBus) -> None:
    """Adding up the fills of the run's journal gives the broker's own cash and position."""
    bars = {"X": kit.random_bars(200)}
    _, _, end = our_run(kit, bars, orders_every(7, market), with_commission, bus)
    with bus.reader(start="begin", events=[Fill, AccountEvent]) as reader:
        events = list(reader)
    cash, size = 10_000.0, 0.0
    for fill in (event for event in events if isinstance(event, Fill)):
        signed = fill.quantity if fill.side == Side.BUY else -fill.quantity
        cash -= signed * fill.price + fill.fee
        size += signed
    last = [event for event in events if isinstance(event, AccountEvent)][-1]
    assert cash == pytest.approx(last.cash, abs=1e-6)
    assert f"'X', {int(size)}," in end


def test_order_events_tell_each_state_once(kit: ModuleType, bus: EventBus) -> None:
    """An order goes through SUBMITTING and ACCEPTED to its end, each state told with the one before it."""
    our_run(kit, {"X": kit.random_bars(100)}, orders_every(20, market), nothing, bus)
    with bus.reader(start="begin", events=[OrderEvent]) as reader:
        events = [event for event in reader if isinstance(event, OrderEvent)]
    first = [event for event in events if event.client_id == events[0].client_id]
    assert [event.status for event in first] == [OrderStatus.SUBMITTING, OrderStatus.ACCEPTED, OrderStatus.FILLED]
    assert [event.previous_status for event in first] == [OrderStatus.NEW, OrderStatus.SUBMITTING, OrderStatus.ACCEPTED]


def test_mirror_can_be_switched_off(kit: ModuleType, bus: EventBus) -> None:
    """With mirror=False nothing is told."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(100)))
    cerebro.broker = EventDrivenBroker(bus=bus, mirror=False)
    cerebro.addstrategy(orders_every(7, market))
    cerebro.run()
    with bus.reader(start="begin", events=[OrderRequest, OrderEvent, Fill]) as reader:
        assert list(reader) == []
