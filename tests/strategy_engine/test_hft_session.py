"""Tick strategies on a session: the class of `gcg_quant.backtest.hft`, loaded by the strategy manager, on paper."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import StrategyError
from gcg_quant.events import (
    BookAction,
    BookDelta,
    Depth,
    Fill,
    LogEvent,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderType,
    Side,
    StrategyStatusEvent,
    Tick,
    TimeInForce,
    TradeTick,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import StrategyLoader, StrategyManager, TradingConfig, TradingEngine

Journal = Callable[..., list[Any]]
Start = Callable[..., StrategyManager]
Write = Callable[[str, str], Path]

CATL = {"symbol": "300750", "venue": "SIM"}
SECOND = 1_000_000_000
NOON = 1_700_000_000 * SECOND


@pytest.fixture
def write(folder: Path) -> Write:
    """Return a function that writes a strategy file with the import that users write."""

    def write(name: str, source: str) -> Path:
        path = folder / f"{name}.py"
        path.write_text("from gcg_quant.backtest import hft\n" + textwrap.dedent(source))
        return path

    return write


@pytest.fixture
def run(bus: EventBus, start_manager: Start, command: Callable[..., Any], write: Write, wait_until: Callable[..., None]) -> Iterator[Any]:
    """Return a function that runs a strategy text beside a trading engine, feeds it events and returns what it has logged."""
    bus.instruments.add(Instrument(**CATL, tick_size=0.01, currency="CNY"))
    engine = TradingEngine(TradingConfig(account="paper", cash=1_000_000.0, currency="CNY"))
    engine.start(bus)
    wait_until(lambda: engine.state in ("running", "failed"), "the engine's start")

    def run(source: str, events: list[Any], lines: int, **given: Any) -> list[str]:
        write("mine", source)
        start_manager()
        assert command("run", "mine", file="mine", **given).ok
        for event in events:
            bus.publish(event)
        said: list[str] = []

        def heard() -> bool:
            with bus.reader(start="begin", events=[LogEvent]) as reader:
                said[:] = [event.message for event in reader if isinstance(event, LogEvent) and event.component == "mine"]
            return len(said) >= lines

        wait_until(heard, f"{lines} lines of the strategy")
        return said

    yield run
    assert engine.stop()


def tick(number: int, price: float, **fields: Any) -> Tick:
    """Return the tick of a moment."""
    quote = {"bid_price": price - 0.01, "ask_price": price + 0.01, "bid_size": 500.0, "ask_size": 600.0}
    return Tick(**{**CATL, "event_ns": NOON + number * SECOND, "last_price": price, **quote, **fields})


def test_one_class_sees_the_market_on_a_session(run: Any) -> None:
    """Ticks, trades, snapshots and changes of the book arrive one by one and as batches of one; the desk answers as in the engine."""
    source = """
    class Mine(hft.Strategy):
        def init(self):
            self.seen = []

        def on_tick(self, tick):
            self.log(f"tick {tick.last_price} {self.last(tick.symbol)} {self.now > 0} {self.time.year > 2000}")

        def on_ticks(self, ticks):
            self.log(f"ticks {len(ticks)} {ticks['last_price'][0]} {ticks.dtype == hft.Tick.dtype}")

        def on_trade(self, trade):
            self.log(f"trade {trade.price} {trade.size}")

        def on_depth(self, depth):
            bids, asks = self.book(depth.symbol, 2)
            self.log(f"depth {bids.tolist()} {asks.tolist()} {self.best_bid(depth.symbol)}")

        def on_delta(self, delta):
            bids, asks = self.book(delta.symbol)
            self.log(f"delta {bids.tolist()} {asks.tolist()} {self.mid(delta.symbol)}")
    """
    events = [
        tick(1, 200.0),
        TradeTick(**CATL, event_ns=NOON + 2 * SECOND, price=200.01, size=3.0),
        Depth(
            **CATL,
            event_ns=NOON + 3 * SECOND,
            bid_prices=(199.99, 199.98, 199.97),
            bid_sizes=(1.0, 2.0, 3.0),
            ask_prices=(200.01,),
            ask_sizes=(4.0,),
        ),
        BookDelta(**CATL, event_ns=NOON + 4 * SECOND, side=Side.BUY, price=199.0, size=7.0, action=BookAction.SNAPSHOT),
        BookDelta(**CATL, event_ns=NOON + 4 * SECOND, side=Side.SELL, price=201.0, size=8.0, action=BookAction.SNAPSHOT, is_last=1),
    ]
    lines = run(source, events, 6)
    assert lines[:2] == ["tick 200.0 200.0 True True", "ticks 1 200.0 True"]
    assert lines[2:4] == [
        "trade 200.01 3.0",
        "depth [[199.99, 1.0], [199.98, 2.0]] [[200.01, 4.0]] 199.99",
    ]
    assert lines[4:] == ["delta [[199.0, 7.0]] [] nan", "delta [[199.0, 7.0]] [[201.0, 8.0]] 200.0"]


def test_orders_positions_and_money_on_a_session(run: Any, journal: Journal) -> None:
    """A market order leaves as a request; the fill, the position, a timer and the account's cash come back."""
    source = """
    class Mine(hft.Strategy):
        def on_tick(self, tick):
            s = tick.symbol
            if self.position(s) == 0 and not self.orders:
                self.order = self.send_order(s, hft.Direction.Buy, None, 100)

        def on_fill(self, fill):
            self.log(f"fill {fill.side == hft.Direction.Buy} {fill.client_id == self.order} {fill.quantity} {self.position(fill.symbol)}")
            self.set_timer("late", seconds=0.001, repeat=False)

        def on_timer(self, name):
            self.log(f"timer {name} {self.cash < 1e6}")
    """
    lines = run(source, [tick(1, 200.0)], 2)
    assert lines == ["fill True True 100.0 100.0", "timer late True"]
    (asked,) = journal(OrderRequest)
    assert (asked.order_type, asked.quantity, asked.side) == (OrderType.MARKET, 100.0, Side.BUY)


def test_second_tick_brings_the_other_orders(run: Any, bus: EventBus, journal: Journal, wait_until: Callable[..., None]) -> None:
    """What the prices say is the order's type; flags, expiry and tag arrive as on every order."""
    source = """
    class Mine(hft.Strategy):
        step = hft.Parameter(1.0, low=0.01)

        def on_tick(self, tick):
            s, low = tick.symbol, tick.last_price - self.step
            self.buy(s, low, 100, post_only=True, tag="low")
            self.sell(s, low, 100, stop_price=low)
            self.sell(s, None, 100, stop_price=low)
            self.sell(s, None, 100, trail_amount=2.0, reduce_only=True)
            self.buy(s, low, 100, time_in_force=hft.TimeInForce.IOC)
            kept = self.buy(s, low, 100, expire=self.now + 10**12)
            self.log(f"open {len(self.orders)} {self.cancel(kept)} {self.cancel(kept)} {self.modify(kept, price=low)} {self.positions}")
    """
    lines = run(source, [tick(1, 200.0)], 1, parameters={"step": 3.0})
    assert lines == ["open 6 True False False {}"]
    asked = journal(OrderRequest)
    kinds = [OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.STOP, OrderType.TRAILING_STOP, OrderType.LIMIT, OrderType.LIMIT]
    assert [one.order_type for one in asked] == kinds
    assert [one.time_in_force for one in asked[-2:]] == [TimeInForce.IOC, TimeInForce.GTD]
    assert (asked[0].order_flags, asked[3].order_flags) == (OrderFlag.POST_ONLY, OrderFlag.REDUCE_ONLY)
    assert (asked[0].tag, asked[0].price, asked[1].stop_price) == ("low", 197.0, 197.0)
    wait_until(lambda: len({one.client_id for one in journal(OrderEvent)}) == 6, "the orders' events")
    assert not journal(Fill)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("self.send_order('300751', hft.Direction.Buy, 1.0, 1)", "Did you mean '300750'?"),
        ("self.buy('300750', 1.005, 100)", "is not a multiple of its tick size 0.01; the nearest valid one is"),
        ("self.buy('300750', 1.0, -100)", "An order's quantity must be above 0, found -100 300750."),
        ("self.buy('300750', 1.0, '100')", "An order's volume must be a number, not '100'."),
        ("self.buy('300750', float('nan'), 100)", "An order's price must be a number, not nan: wait until the market shows one."),
        ("self.sell('300750', None, 100, trail_percent=-1)", "needs either trail_amount="),
        ("self.buy('300750', None, 100, type=hft.OrderType.LIMIT)", "An order of type LIMIT needs a price."),
        ("self.set_timer(seconds=0)", "A timer's interval must be above 0 seconds, not 0."),
        ("self.position('30075')", "Did you mean '300750'?"),
    ],
)
def test_mistakes_are_raised_where_they_are_made(
    bus: EventBus,
    start_manager: Start,
    command: Callable[..., Any],
    write: Write,
    journal: Journal,
    wait_until: Any,
    body: str,
    message: str,
) -> None:
    """Each mistake is one sentence, with the file and the line of the call."""
    bus.instruments.add(Instrument(**CATL, tick_size=0.01, currency="CNY"))
    path = write("mine", f"class Mine(hft.Strategy):\n    def on_tick(self, tick):\n        {body}\n")
    start_manager()
    assert command("run", "mine", file="mine").ok
    bus.publish(tick(1, 200.0))
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    error = journal(StrategyStatusEvent)[-1].error
    assert error.startswith(f"{path}:4: ")
    assert message in error


def test_files_are_listed_and_described(folder: Path, write: Write) -> None:
    """A file of ours is found without being run, loads with its parameters and symbols, and says what it is."""
    write(
        "steps",
        """
        class Grid(hft.Strategy):
            '''A grid.'''
            symbols = ("300750@SIM",)
            periods = ("5m",)
            step = hft.Parameter(1.0, low=0.01)
            symbol = hft.Parameter("300750")

            def on_bar(self, bar): ...
        """,
    )
    (found,) = [file for file in StrategyLoader([folder]).discover() if file.name == "steps"]
    assert [(one.name, one.kind, one.doc) for one in found.classes] == [("Grid", "hft", "A grid.")]
    loaded = StrategyLoader([folder]).load("steps")
    made = loaded.make({"step": "2.5"})
    assert (loaded.kind, loaded.cls.__name__, tuple(made.symbols)) == ("hft", "Grid", ("300750@SIM",))
    assert made.parameters == {"period": "1m", "step": 2.5, "symbol": "300750"}
    assert made.wanted_periods() == ("5m", "1m")
    with pytest.raises(StrategyError, match="no parameter 'stepp'.*Did you mean 'step'"):
        loaded.make({"stepp": 1})


@pytest.mark.parametrize("name", ["position", "period", "on_spread", "quote"])
def test_parameters_must_not_hide_what_runs_them(folder: Path, write: Write, name: str) -> None:
    """A parameter that would hide a method, here or on paper, is refused when the class is made."""
    write("steps", f"class Grid(hft.Strategy):\n    {name} = hft.Parameter(1.0)\n")
    with pytest.raises(StrategyError, match=f"Parameter '{name}' of Grid would hide .*: give it another name"):
        StrategyLoader([folder]).load("steps")
