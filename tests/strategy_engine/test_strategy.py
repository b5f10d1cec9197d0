"""The Strategy base: what it orders, sees and refuses, run by a real manager on a real bus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MINUTE, now_ns
from gcg_quant.errors import StrategyError
from gcg_quant.events import (
    Bar,
    CancelRequest,
    Depth,
    Fill,
    GapEvent,
    LogEvent,
    ModifyRequest,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    PlotEvent,
    PositionEvent,
    Side,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    TimeInForce,
    TimerEvent,
    TradeTick,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine import Strategy

Journal = Callable[..., list[Any]]
Command = Callable[..., Any]
WriteFile = Callable[[str, str], Path]
WaitUntil = Callable[..., None]

BTC = {"symbol": "BTC/USDT", "venue": "SIM"}


@pytest.fixture
def logs(journal: Journal) -> Callable[[], list[str]]:
    """Return a function that returns what strategies have logged."""
    return lambda: [event.message for event in journal(LogEvent)]


@pytest.fixture
def run(
    bus: EventBus,
    write_file: WriteFile,
    start_manager: Callable[..., Any],
    command: Command,
    wait_until: WaitUntil,
    logs: Callable[[], list[str]],
) -> Callable[..., None]:
    """Return a function that runs a strategy's source, publishes events, and waits for what it logs at the end."""

    def run_source(source: str, events: tuple[Any, ...] = (), *, until: str = "", history: Any = None, **fields: Any) -> None:
        write_file("mine.py", source)
        start_manager(history=history)
        answer = command("run", "mine", file="mine", **fields)
        assert answer.ok, answer.detail
        for event in events:
            bus.publish(event)
        if until:
            wait_until(lambda: any(until in line for line in logs()), f"the line {until!r} in {logs()}")

    return run_source


def test_strategy_that_is_not_loaded_says_so() -> None:
    """Asking for a position in __init__ is answered with where it belongs."""
    with pytest.raises(StrategyError, match="not loaded yet: do in on_start"):
        _ = Strategy().position


def test_every_callback_gets_its_event(run: Callable[..., None], logs: Callable[[], list[str]]) -> None:
    """Each kind of event reaches the callback of its name, in the order of the lane."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_start(self): self.log("start")
        def on_tick(self, tick): self.log(f"tick {tick.last_price:g}")
        def on_bar(self, bar): self.log(f"bar {bar.close:g}")
        def on_depth(self, depth): self.log(f"depth {depth.bid_prices[0]:g}")
        def on_trade(self, trade): self.log(f"trade {trade.price:g}")
        def on_order(self, order): self.log(f"order {order.status.name}")
        def on_fill(self, fill): self.log(f"fill {fill.quantity:g}")
        def on_signal(self, signal): self.log(f"signal {signal.name}")
        def on_gap(self, gap): self.log(f"gap {gap.missing}")
    """
    events = (
        Tick(**BTC, last_price=1.0),
        Bar(**BTC, period="1m", close=2.0, start_ns=60, event_ns=120),
        Depth(**BTC, bid_prices=[3.0] * 10),
        TradeTick(**BTC, price=4.0),
        OrderEvent(**BTC, strategy="mine", client_id="x", status=OrderStatus.ACCEPTED),
        Fill(**BTC, strategy="mine", client_id="x", side=Side.BUY, quantity=5.0, price=1.0),
        SignalEvent(**BTC, strategy="other", name="up", event_ns=1),
        SignalEvent(**BTC, strategy="mine", name="own", event_ns=1),
        GapEvent(**BTC, kind="seq", start_ns=1, end_ns=2, missing=6),
    )
    run(source, events, until="gap 6")
    assert logs() == ["start", "tick 1", "bar 2", "depth 3", "trade 4", "order ACCEPTED", "fill 5", "signal up", "gap 6"]


def test_events_of_other_symbols_and_strategies_stay_away(run: Callable[..., None], logs: Callable[[], list[str]]) -> None:
    """A strategy sees its symbols, at the venue it names, its periods and its own orders."""
    source = """
    class Mine(Strategy):
        def on_tick(self, tick): self.log(f"{tick.symbol}@{tick.venue}")
        def on_bar(self, bar): self.log(bar.period)
        def on_order(self, order): self.log("order")
    """
    events = (
        Tick(symbol="BTC/USDT", venue="OTHER", last_price=1.0),
        Tick(symbol="ETH/USDT", venue="SIM", last_price=1.0),
        Tick(symbol="XRP/USD", venue="SIM", last_price=1.0),
        Bar(**BTC, period="1s", close=2.0, start_ns=60, event_ns=120),
        OrderEvent(**BTC, strategy="other", client_id="x", status=OrderStatus.ACCEPTED),
        Tick(**BTC, last_price=1.0),
    )
    run(source, events, until="BTC/USDT@SIM", symbols=["BTC/USDT@SIM", "ETH*"])
    assert logs() == ["ETH/USDT@SIM", "BTC/USDT@SIM"]


def test_order_request_carries_its_cause_and_identity(run: Callable[..., None], journal: Journal, wait_until: WaitUntil) -> None:
    """An order names the event it came of, the strategy and the account, and its kind follows from its prices."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            self.buy(1)
            self.sell(2, 101.0, tag="far")
            self.buy(3, stop_price=120.0)
            self.sell(4, 90.0, stop_price=95.0, time_in_force=TimeInForce.DAY)
            self.buy(5, 99.0, order_type=OrderType.LIMIT, flags=OrderFlag.POST_ONLY)
    """
    run(source, (Tick(**BTC, last_price=100.0),))
    wait_until(lambda: len(journal(OrderRequest)) == 5, "five requests")
    tick, requests = journal(Tick)[0], journal(OrderRequest)
    assert {(one.cause, one.strategy, one.account, one.source, one.event_ns) for one in requests} == {
        (tick.id, "mine", "paper", "strategies", tick.time_ns)
    }
    kinds = [OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.LIMIT]
    assert [one.order_type for one in requests] == kinds
    assert [one.side for one in requests] == [Side.BUY, Side.SELL, Side.BUY, Side.SELL, Side.BUY]
    assert (requests[1].price, requests[1].tag, requests[3].time_in_force) == (101.0, "far", TimeInForce.DAY)
    assert requests[4].order_flags == OrderFlag.POST_ONLY
    assert len({one.client_id for one in requests}) == 5
    assert all(len(one.client_id) <= 40 for one in requests)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("self.buy(0)", "must be above 0, not 0"),
        ("self.buy(-1)", "must be above 0, not -1"),
        ("self.buy(float('nan'))", "must be above 0, not nan"),
        ("self.buy('BTC/USDT')", "must be a number, not 'BTC/USDT'; a symbol goes into symbol="),
        ("self.buy(1, float('nan'))", "price must be a number, not nan"),
        ("self.buy(1, order_type=OrderType.LIMIT)", "of type LIMIT needs a price"),
        ("self.buy(1, symbol='BTC/USD')", "Did you mean 'BTC/USDT'?"),
        ("self.set_timer('t', 0)", "interval must be above 0 seconds"),
        ("self.buy(1, tag='x' * 33)", "tag"),
    ],
)
def test_order_that_makes_no_sense_stops_the_strategy_with_a_sentence(
    call: str, words: str, run: Callable[..., None], journal: Journal, wait_until: WaitUntil
) -> None:
    """Nothing is published for such an order, and the strategy fails, naming its own line."""
    run(
        f"class Mine(Strategy):\n    symbols = ('BTC/USDT',)\n    def on_tick(self, tick):\n        {call}\n",
        (Tick(**BTC, last_price=1.0),),
    )
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    error = journal(StrategyStatusEvent)[-1].error
    assert "mine.py:6: on_tick raised" in error
    assert words in error
    assert journal(OrderRequest) == []


def test_default_symbol_is_needed_when_symbols_are_patterns(run: Callable[..., None], journal: Journal, wait_until: WaitUntil) -> None:
    """A strategy on a pattern must say what to buy."""
    source = """
    class Mine(Strategy):
        symbols = ("*USDT",)
        def on_tick(self, tick):
            self.buy(1, symbol=tick.symbol)
            self.buy(1)
    """
    run(source, (Tick(**BTC, last_price=1.0),))
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    assert "pass symbol=" in journal(StrategyStatusEvent)[-1].error
    assert len(journal(OrderRequest)) == 1


def test_orders_are_followed_and_cancelled(run: Callable[..., None], journal: Journal, bus: EventBus, wait_until: WaitUntil) -> None:
    """Open orders are listed at once, cancelled once each, and gone when the engine says so."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            if tick.last_price == 1:
                first, second = self.buy(1, 90.0), self.buy(1, 91.0)
                self.log(f"open {[order.price for order in self.orders]}")
                self.log(f"cancel {self.cancel(first)} {self.cancel(first)} {self.cancel('none')}")
                self.log(f"modify {self.modify(second, price=92.0)} {self.modify(first, price=92.0)}")
            else:
                self.log(f"left {[order.price for order in self.orders]} {self.cancel_all()}")
    """
    run(source, (Tick(**BTC, last_price=1.0),))
    wait_until(lambda: journal(ModifyRequest), "the change")
    request = journal(OrderRequest)[0]
    bus.publish(OrderEvent(**BTC, strategy="mine", client_id=request.client_id, status=OrderStatus.CANCELLED))
    bus.publish(Tick(**BTC, last_price=2.0))
    wait_until(lambda: len(journal(CancelRequest)) == 2, "the second cancellation")
    lines = [event.message for event in journal(LogEvent)]
    assert lines == ["open [90.0, 91.0]", "cancel True False False", "modify True False", "left [91.0] 1"]
    cancel = journal(CancelRequest)[0]
    assert (cancel.client_id, cancel.request, cancel.strategy) == (request.client_id, request.id, "mine")


def test_position_is_there_when_on_fill_is_called(run: Callable[..., None], logs: Callable[[], list[str]]) -> None:
    """The position holds the fill already, and then what the engine settles; close_position closes it."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_fill(self, fill):
            self.log(f"held {self.position.quantity:g} at {self.position.average_price:g}")
        def on_tick(self, tick):
            self.log(f"worth {self.position.unrealised:g} {self.positions['BTC/USDT@SIM'].fees:g} {list(self.positions)}")
            self.close_position()
            self.log(f"none {self.close_position('ETH/USDT')}")
    """
    events = (
        Fill(**BTC, strategy="mine", client_id="x", side=Side.BUY, quantity=2.0, price=100.0),
        PositionEvent(**BTC, strategy="mine", quantity=2.0, average_price=100.0, fees=0.25),
        PositionEvent(**BTC, strategy="other", quantity=9.0, average_price=1.0),
        Tick(**BTC, last_price=103.0),
    )
    run(source, events, until="none")
    assert logs() == ["held 2 at 100", "worth 6 0.25 ['BTC/USDT@SIM']", "none None"]


def test_bracket_and_group_are_asked_for_with_their_bonds(run: Callable[..., None], journal: Journal) -> None:
    """The ways out name their parent; the legs of a group have a name that no other group has."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            self.log(f"bracket {self.bracket(2.0, 100.0, take_profit=110.0, stop_loss=95.0, tag='b')}")
            self.bracket(1.0, side=Side.SELL, trail_percent=0.02)
            for _ in range(2):
                legs = self.oco()
                self.sell(1.0, 110.0, **legs)
                self.buy(1.0, stop_price=95.0, **legs)
            self.log("done")
    """
    run(source, (Tick(**BTC, last_price=100.0),), until="done")
    requests = journal(OrderRequest)
    parent, profit, loss = requests[:3]
    assert [(one.side, one.order_type, one.quantity, one.tag) for one in (parent, profit, loss)] == [
        (Side.BUY, OrderType.LIMIT, 2.0, "b"),
        (Side.SELL, OrderType.LIMIT, 2.0, "b"),
        (Side.SELL, OrderType.STOP, 2.0, "b"),
    ]
    assert (parent.parent, profit.parent, loss.parent) == ("", parent.client_id, parent.client_id)
    assert (profit.price, loss.stop_price) == (110.0, 95.0)
    short, trail = requests[3:5]
    assert (short.side, trail.side, trail.order_type, trail.trail_percent) == (Side.SELL, Side.BUY, OrderType.TRAILING_STOP, 0.02)
    groups = [one.group for one in requests[5:]]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert all(one.order_flags == OrderFlag.OCO and one.group for one in requests[5:])


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ("", "A bracket needs a way out"),
        ("take_profit=90.0, stop_loss=95.0", "begins with BUY cannot take profit at 90 and stop its loss at 95"),
        ("stop_loss=float('nan')", "stop_price must be a number"),
    ],
)
def test_bracket_that_makes_no_sense_sends_nothing(run: Callable[..., None], journal: Journal, terms: str, words: str) -> None:
    """The way in is not sent without its ways out."""
    source = f"""
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            try:
                self.bracket(1.0, {terms})
            except Exception as error:
                self.log(f"said {{error}}")
    """
    run(source, (Tick(**BTC, last_price=100.0),), until=words)
    assert journal(OrderRequest) == []


def test_closing_order_reduces_only(run: Callable[..., None], journal: Journal, wait_until: WaitUntil) -> None:
    """The order that closes a short position buys its size and may not turn it over."""
    source = "class Mine(Strategy):\n    symbols = ('BTC/USDT',)\n    def on_tick(self, tick):\n        self.close_position()\n"
    run(source, (PositionEvent(**BTC, strategy="mine", quantity=-3.0, average_price=9.0), Tick(**BTC, last_price=1.0)))
    wait_until(lambda: journal(OrderRequest), "the request")
    request = journal(OrderRequest)[0]
    assert (request.side, request.quantity, request.order_type, request.order_flags) == (
        Side.BUY,
        3.0,
        OrderType.MARKET,
        OrderFlag.REDUCE_ONLY,
    )


def test_last_price_and_tick(run: Callable[..., None], logs: Callable[[], list[str]]) -> None:
    """The last price is that of the tick, the middle of a quote without one, and stays over a one-sided quote."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_start(self):
            self.log(f"before {self.last()} {self.tick()} {self.position.quantity:g}")
        def on_tick(self, tick):
            self.log(f"{self.last():g} {self.tick() == tick} {self.last('ETH/USDT')}")
            if tick.ask_size == 1: self.log("end")
    """
    events = (
        Tick(**BTC, last_price=100.0),
        Tick(**BTC, bid_price=10.0, ask_price=12.0),
        Tick(**BTC, bid_price=20.0),
        Tick(**BTC, ask_price=30.0, ask_size=1.0),
    )
    run(source, events, until="end")
    assert logs() == ["before nan None 0", "100 True nan", "11 True nan", "11 True nan", "11 True nan", "end"]


def test_bars_join_history_and_live(run: Callable[..., None], logs: Callable[[], list[str]]) -> None:
    """Stored bars and those since the start come back as one array, and nothing later than now."""
    start = now_ns() // NS_PER_MINUTE * NS_PER_MINUTE

    def bar(number: int) -> Bar:
        begin = start + number * NS_PER_MINUTE
        return Bar(**BTC, period="1m", start_ns=begin, event_ns=begin + NS_PER_MINUTE, open=1, high=1, low=1, close=float(number))

    rows = np.empty(4, Bar.dtype)
    for place, number in enumerate((-3, -2, -1, 3)):
        rows[place] = np.frombuffer(memoryview(bar(number)), Bar.dtype)[0]
    history = MemoryHistory()
    history.add_bars("BTC/USDT", "SIM", rows)
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_bar(self, bar):
            self.log(f"{self.bars(count=3)['close'].tolist()} {len(self.bars(period='5m', count=5))}")
    """
    run(source, (bar(0), bar(1)), until="1.0]", history=history)
    assert [line.split("]")[0] for line in logs()] == ["[-2.0, -1.0, 0.0", "[-1.0, 0.0, 1.0"]


def test_timer_fires_until_cancelled(run: Callable[..., None], journal: Journal, logs: Callable[[], list[str]]) -> None:
    """A timer's events are recorded; a single one fires once, a repeated one until it is cancelled."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        count = 0
        def on_start(self):
            self.set_timer("once", 0.02, repeat=False)
            self.set_timer("beat", 0.03)
        def on_timer(self, timer):
            self.count += timer.name == "beat"
            self.log(f"{timer.name} {self.now_ns >= timer.event_ns}")
            if self.count == 3:
                self.cancel_timer("beat")
                self.set_timer("end", 0.1, repeat=False)
    """
    run(source, until="end")
    assert sorted(logs()) == ["beat True"] * 3 + ["end True", "once True"]
    timers = journal(TimerEvent)
    assert {(one.component, one.source) for one in timers} == {("mine", "strategies")}
    beats = [one.event_ns for one in timers if one.name == "beat"]
    assert all((later - beats[0]) % 30_000_000 == 0 for later in beats)


def test_signal_is_published_with_its_fields(run: Callable[..., None], journal: Journal, wait_until: WaitUntil) -> None:
    """An opinion goes to the bus and orders nothing."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            self.signal("cross", Side.SELL, strength=0.5, price=tick.last_price, data={"fast": 3})
    """
    run(source, (Tick(**BTC, last_price=7.0),))
    wait_until(lambda: journal(SignalEvent), "the signal")
    signal = journal(SignalEvent)[0]
    assert (signal.symbol, signal.venue, signal.strategy, signal.direction) == ("BTC/USDT", "SIM", "mine", Side.SELL)
    assert (signal.strength, signal.price, signal.data, signal.cause) == (0.5, 7.0, {"fast": 3}, journal(Tick)[0].id)


def test_plot_is_published_thinned_out_and_checked(run: Callable[..., None], journal: Journal, logs: Callable[[], list[str]]) -> None:
    """A point goes to the log lane, ten a second at most of each plot; no number and no such place are sentences."""
    source = """
    from gcg_quant.errors import StrategyError
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            for value in (tick.last_price, 2 * tick.last_price, float("nan")):
                self.plot("mean", value)
            self.plot("spread", 0.5, place="below")
            for name, value, place in (("x", "7", "price"), ("", 1.0, "price"), ("x", 1.0, "above")):
                try:
                    self.plot(name, value, place=place)
                except StrategyError as error:
                    self.log(str(error))
            self.log("done")
    """
    run(source, (Tick(**BTC, last_price=7.0),), until="done")
    points = [(one.name, one.value, one.place, one.strategy, one.symbol) for one in journal(PlotEvent)]
    assert points == [("mean", 7.0, "price", "mine", "BTC/USDT"), ("spread", 0.5, "below", "mine", "BTC/USDT")]
    assert journal(PlotEvent)[0].cause == journal(Tick)[0].id
    assert [text for text in logs() if "plot" in text] == [
        "The value of plot 'x' must be a number, not '7'.",
        "A plot needs a name of 1 to 64 characters, not ''.",
        "There is no place 'above' for plot 'x': price or below.",
    ]


def test_clock_is_the_event_at_hand(
    run: Callable[..., None], journal: Journal, wait_until: WaitUntil, logs: Callable[[], list[str]]
) -> None:
    """On a paper bus now_ns is the journal's stamp of the event, whatever the venue's clock says."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            self.log(f"{self.now_ns - tick.time_ns}")
    """
    run(source, (Tick(**BTC, last_price=1.0, event_ns=5),), until="0")


def test_async_callbacks_see_one_event_after_the_other(run: Callable[..., None], logs: Callable[[], list[str]]) -> None:
    """While a coroutine waits, the strategy's further events wait, too; orders after the wait name the event it began with."""
    source = """
    import asyncio
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        async def on_tick(self, tick):
            self.log(f"begin {tick.last_price:g}")
            await asyncio.sleep(0.01)
            self.buy(1, tick.last_price)
            self.log(f"end {tick.last_price:g}")
        def on_trade(self, trade):
            self.log("trade")
    """
    events = (Tick(**BTC, last_price=1.0), Tick(**BTC, last_price=2.0), TradeTick(**BTC, price=1.0))
    run(source, events, until="trade")
    assert logs() == ["begin 1", "end 1", "begin 2", "end 2", "trade"]


def test_async_orders_name_the_event_of_their_coroutine(run: Callable[..., None], journal: Journal, wait_until: WaitUntil) -> None:
    """The cause of an order after an await is the event that the coroutine was called with."""
    source = """
    import asyncio
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        async def on_tick(self, tick):
            await asyncio.sleep(0)
            self.buy(1, tick.last_price)
    """
    run(source, tuple(Tick(**BTC, last_price=float(price)) for price in range(1, 6)))
    wait_until(lambda: len(journal(OrderRequest)) == 5, "five requests")
    ticks = {tick.id: tick.last_price for tick in journal(Tick)}
    assert [ticks[request.cause] for request in journal(OrderRequest)] == [request.price for request in journal(OrderRequest)]


def test_coroutine_that_throws_stops_its_strategy(run: Callable[..., None], journal: Journal, wait_until: WaitUntil) -> None:
    """An exception after an await is reported like any other, with the strategy's line."""
    source = """
    import asyncio
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        async def on_tick(self, tick):
            await asyncio.sleep(0.01)
            raise KeyError("late")
    """
    run(source, (Tick(**BTC, last_price=1.0),))
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    assert "mine.py:9: on_tick raised KeyError: 'late'" in journal(StrategyStatusEvent)[-1].error


def test_symbol_of_several_venues_must_be_named_in_full(
    run: Callable[..., None], bus: EventBus, journal: Journal, wait_until: WaitUntil, logs: Callable[[], list[str]]
) -> None:
    """A bare symbol that two venues have is no position of 0 but an error, and the full name works."""
    source = """
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            self.log(f"{self.positions['BTC/USDT@SIM'].quantity:g}")
            self.position
    """
    bus.instruments.number("BTC/USDT", "OTHER")
    run(source, (Tick(**BTC, last_price=1.0),))
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    assert logs()[0] == "0"
    assert "Several venues have 'BTC/USDT'" in journal(StrategyStatusEvent)[-1].error


def test_numbers_of_numpy_are_taken(run: Callable[..., None], journal: Journal, wait_until: WaitUntil) -> None:
    """Quantities and prices may come straight out of an array."""
    source = """
    import numpy
    class Mine(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            self.buy(numpy.int64(2), numpy.float64(99.5))
    """
    run(source, (Tick(**BTC, last_price=1.0),))
    wait_until(lambda: journal(OrderRequest), "the request")
    assert (journal(OrderRequest)[0].quantity, journal(OrderRequest)[0].price) == (2.0, 99.5)
