"""Kungfu's and hft_backtest's strategy files, loaded unchanged: what they may import, what they are handed, what they trade."""

from __future__ import annotations

import importlib.util
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_collector import SimulatedExchange
from gcg_quant.errors import StrategyError
from gcg_quant.events import (
    CancelCommand,
    Fill,
    LogEvent,
    Offset,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    StrategyStatusEvent,
    Tick,
    TimeInForce,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import StrategyLoader, StrategyManager, TradingConfig, TradingEngine

Journal = Callable[..., list[Any]]
Command = Callable[..., Any]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

MAOTAI = {"symbol": "600519", "venue": "SIM"}
SECOND = 1_000_000_000
NOON = 1_700_000_000 * SECOND

# Buys once below 1,700, sells what it has got two quotes later, and tells what it sees.
KUNGFU = """
import kungfu
import kungfu.yijinjing.time as kft
from kungfu.wingchun.constants import *

SOURCE = "xtp"

def pre_start(context):
    context.seen = 0
    context.bought = 0
    context.add_account(SOURCE, "10001")
    context.subscribe(SOURCE, ["600519"], Exchange.SSE)

def post_start(context):
    context.log.info("ready %s", context.arguments)

def on_quote(context, quote, location, dest):
    context.seen += 1
    context.log.info(f"{quote.instrument_id} {quote.exchange_id} {quote.last_price} {location.category} {dest.category}")
    if context.bought == 0 and quote.last_price < 1700:
        context.bought = context.insert_order(
            quote.instrument_id, Exchange.SSE, SOURCE, quote.ask_price[0], 100, PriceType.Limit, Side.Buy, Offset.Open)
    elif context.seen == 4:
        context.insert_order("600519", Exchange.SSE, SOURCE, "10001", 0, 100, PriceType.Any, Side.Sell, Offset.Close)

def on_order(context, order):
    context.log.info(f"order {order.order_id == context.bought} {order.side} {order.offset} {order.status} {order.volume_left:g}")

def on_trade(context, trade, location):
    book = context.get_account_book(SOURCE, "10001")
    held, short = (book.get_position("600519", Exchange.SSE, direction) for direction in (Direction.Long, Direction.Short))
    context.log.info(f"trade {trade.side} {trade.price} {trade.volume:g} {location.name} "
                     f"{held.volume:g} {held.avg_open_price} {short.volume:g}")
"""

HFT = """
import hft_backtest as hft

class Once(hft.Strategy):
    def __init__(self, size):
        self.size = size

    def init(self):
        self.order = None

    def on_tick(self, tick):
        if self.order is None and tick.last_price > 100.0:
            self.order = self.send_order(tick.symbol, hft.Direction.Buy, tick.ask_price, self.size)

    def on_order(self, order):
        if order.status == hft.OrderStatus.FILLED:
            print("filled", order.client_id == self.order, order.side == hft.Direction.Buy)

engine = hft.Engine()
engine.load_config("conf/replay.json")
engine.add_strategy(Once(200))
engine.run()
"""


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Return a function that writes a strategy file as it is."""

    def write(name: str, source: str) -> Path:
        path = folder / name
        path.write_text(textwrap.dedent(source))
        return path

    return write


@pytest.fixture
def engine(bus: EventBus, wait_until: WaitUntil) -> Iterator[TradingEngine]:
    """Run a trading engine on the bus."""
    made = TradingEngine(TradingConfig(account="paper", cash=10_000_000.0, currency="CNY"))
    made.start(bus)
    wait_until(lambda: made.state in ("running", "failed"), "the engine's start")
    assert made.state == "running"
    yield made
    assert made.stop()


def quote(bus: EventBus, number: int, price: float, **fields: Any) -> None:
    """Publish the tick of a moment."""
    terms = {**MAOTAI, "event_ns": NOON + number * SECOND, "last_price": price, "bid_price": price - 0.5, "ask_price": price + 0.5}
    bus.publish(Tick(**{**terms, "bid_size": 1000.0, "ask_size": 1000.0, **fields}))


def said(journal: Journal, name: str) -> list[str]:
    """Return what a strategy has written to the log."""
    return [event.message for event in journal(LogEvent) if event.component == name]


def refusal(folder: Path, name: str) -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(StrategyError) as caught:
        StrategyLoader([folder]).load(name)
    return str(caught.value)


# ---- loading


def test_modules_are_there_for_the_file_alone(folder: Path, write: Callable[[str, str], Path]) -> None:
    """A Kungfu file imports Kungfu's names, and nobody else finds them: neither sys.modules nor another strategy file."""
    write("mine.py", KUNGFU)
    loaded = StrategyLoader([folder]).load("mine")
    assert (loaded.kind, loaded.cls.__name__, loaded.adapter) == ("kungfu", "mine", None)
    assert not [name for name in sys.modules if name.partition(".")[0] in ("kungfu", "hft_backtest")]
    assert importlib.util.find_spec("kungfu") is None
    (folder / "other.py").write_text("def on_quote(context, quote): ...\n__import__('kungfu')\n")
    assert refusal(folder, "other") == f"{folder / 'other.py'}:2: an import failed: No module named 'kungfu'."


def test_imports_inside_functions_find_them_later(folder: Path, write: Callable[[str, str], Path]) -> None:
    """What a callback imports when it runs is found as well, and other modules are the usual ones."""
    write("late.py", "def on_quote(context, quote):\n    import kungfu.wingchun.constants as c, json\n    return c.Side.Buy, json\n")
    loaded = StrategyLoader([folder]).load("late")
    side, json = loaded.cls.functions["on_quote"](None, None)  # type: ignore[attr-defined]
    assert f"{side} {side:d}" == "Side.Buy 0"
    assert json is sys.modules["json"]


def test_unknown_part_of_kungfu_is_named(folder: Path, write: Callable[[str, str], Path]) -> None:
    """A module of Kungfu that is not provided is refused with the ones that are."""
    path = write("book.py", "import kungfu\nimport kungfu.wingchun.constant\ndef on_quote(context, quote): ...\n")
    message = refusal(folder, "book")
    assert message.startswith(f"{path}:2: an import failed: no module 'kungfu.wingchun.constant' is provided here, but kungfu, ")
    assert "Did you mean 'kungfu.wingchun.constants'?" in message


def test_kungfu_file_without_callbacks_is_no_strategy(folder: Path, write: Callable[[str, str], Path]) -> None:
    """A file that only imports Kungfu is refused with what it lacks."""
    write("empty.py", "from kungfu.wingchun.constants import *\ndef helper(): ...\n")
    assert "has no strategy class" in refusal(folder, "empty")
    assert "such as on_quote" in refusal(folder, "empty")


def test_files_are_discovered_without_being_run(folder: Path, write: Callable[[str, str], Path]) -> None:
    """Both kinds are listed with their kind and line; a file with such a function but without Kungfu is none."""
    write("mine.py", '"""Trades."""\nraise SystemExit\n' + KUNGFU)
    write("grid_of_them.py", HFT)
    write("plain.py", "def on_quote(context, quote): ...\n")
    found = {file.name: file.classes for file in StrategyLoader([folder]).discover()}
    assert [(one.name, one.kind, one.line, one.doc) for one in found["mine"]] == [("mine", "kungfu", 10, "Trades.")]
    assert [(one.name, one.kind) for one in found["grid_of_them"]] == [("Once", "hft_backtest")]
    assert "plain" not in found


def test_engine_names_what_runs(folder: Path, write: Callable[[str, str], Path]) -> None:
    """Of several classes the one that was added to the engine is the strategy; what else is added is refused."""
    write("two.py", HFT.replace("engine = ", "class Base(hft.Strategy): ...\nengine = "))
    assert StrategyLoader([folder]).load("two").cls.__name__ == "Once"
    write("wrong.py", "import hft_backtest as hft\nhft.Engine().add_strategy(3)\n")
    assert "wants an object of a class derived from hft.Strategy, not 3" in refusal(folder, "wrong")


# ---- Kungfu


def test_kungfu_strategy_trades_on_paper(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """It subscribes, sees quotes under its own names, buys, is told of order and trade, and sells again."""
    bus.instruments.add(Instrument(**MAOTAI, tick_size=0.01, lot_size=100.0, currency="CNY"))
    write("mine.py", KUNGFU)
    start_manager()
    assert command("run", "mine", file="mine", symbols=["AAPL"], parameters={"arguments": "a=1"}).ok
    assert journal(StrategyStatusEvent)[-1].symbols == ["600519"]
    for number in range(1, 8):
        quote(bus, number, 1690.0 if number != 1 else 1710.0)
        wait_until(lambda wanted=number: len([line for line in said(journal, "mine") if line.startswith("600519")]) == wanted, "the quote")
        if number == 2:
            wait_until(lambda: journal(OrderEvent), "the order")
    wait_until(lambda: len(journal(Fill)) == 2, "two fills")
    lines = said(journal, "mine")
    assert lines[0] == "ready a=1"
    assert lines[1] == "600519 SSE 1710.0 md strategy"
    assert [(fill.side, fill.quantity, fill.strategy) for fill in journal(Fill)] == [(Side.BUY, 100.0, "mine"), (Side.SELL, 100.0, "mine")]
    wait_until(lambda: any(line.startswith("trade Side.Sell") for line in said(journal, "mine")), "the second trade")
    lines = said(journal, "mine")
    assert "trade Side.Buy 1690.5 100 10001 100 1690.5 0" in lines
    assert "order True Side.Buy Offset.Open OrderStatus.Submitted 100" in lines
    assert "order True Side.Buy Offset.Open OrderStatus.Filled 0" in lines
    bought, sold = journal(OrderRequest)
    assert (bought.order_type, bought.time_in_force, bought.order_flags) == (OrderType.LIMIT, TimeInForce.DAY, 0)
    assert (sold.order_type, sold.order_flags) == (OrderType.MARKET, 2)  # a closing sale never opens a short position


def test_kungfu_strategy_trades_simulated_market_data(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """Loaded before the collector is there, it finds the exchange's symbol at the venue that has it."""
    write("mine.py", KUNGFU.replace("< 1700", "< 10**6"))
    start_manager()
    assert command("run", "mine", file="mine").ok
    exchange = SimulatedExchange(symbols=["600519", "AAPL"], ticks_per_second=100.0, history_minutes=0)
    exchange.start(bus)
    try:
        wait_until(lambda: journal(Fill), "a purchase", timeout_s=60.0)
    finally:
        assert exchange.stop()
    assert {(fill.symbol, fill.venue, fill.strategy) for fill in journal(Fill)} == {("600519", "SIM", "mine")}


CALLS = """
from kungfu.wingchun.constants import *

def pre_start(context):
    context.add_account("xtp", "1")
    context.subscribe("xtp", ["600519"], Exchange.SSE)

def on_quote(context, quote):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "context.insert_order('600519', 'SSE', 'ctp', 1, 100, PriceType.Limit, Side.Buy, Offset.Open)",
            "names the account 'ctp', which it has",
        ),
        ("context.insert_order('600519', 'SSE', 'xtp', 1, 100, PriceType.Limit, Side.Lock, Offset.Open)", "Side.Lock and PriceType.Limit"),
        ("context.insert_order('600519', 'SSE', 'xtp', 1)", "context.insert_order lacks volume: give price, volume"),
        ("context.insert_order('600519', 'SSE', 'xtp', float('nan'), 1, PriceType.Limit, Side.Buy)", "price must be a number, not nan"),
        ("context.add_account('xtp', '2')", "adds a second account (xtp/2 after xtp/1): a strategy has one account here"),
        ("context.subscribe('xtp', '600519', 'SSE')", "wants a list of instruments, not the text '600519'"),
        ("context.get_book()", "context has no 'get_book' here; it has "),
        ("context.get_account_book('xtp', '2')", "names the account '2', which it has not added (added: xtp/1)"),
        ("1 / 0", "on_tick raised ZeroDivisionError"),
    ],
)
def test_mistakes_of_a_kungfu_strategy_are_told(
    bus: EventBus,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
    body: str,
    message: str,
) -> None:
    """What makes no sense stops the strategy with a sentence that names file and line."""
    bus.instruments.add(Instrument(**MAOTAI))
    path = write("mine.py", CALLS.format(body=body))
    start_manager()
    assert command("run", "mine", file="mine").ok
    quote(bus, 1, 1690.0)
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    error = journal(StrategyStatusEvent)[-1].error
    assert error.startswith(f"{path}:9: ")
    assert message in error


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("PriceType.Limit, Side.Buy, Offset.Open", (OrderType.LIMIT, TimeInForce.DAY, 1700.0, Offset.OPEN)),
        ("PriceType.Any, Side.Sell, Offset.CloseToday", (OrderType.MARKET, TimeInForce.DAY, None, Offset.CLOSE_TODAY)),
        ("PriceType.Fak, Side.Buy, Offset.Open", (OrderType.LIMIT, TimeInForce.IOC, 1700.0, Offset.OPEN)),
        ("PriceType.Fok, Side.Sell, Offset.Close", (OrderType.LIMIT, TimeInForce.FOK, 1700.0, Offset.CLOSE)),
        ("PriceType.FakBest5, Side.Buy, Offset.Open", (OrderType.MARKET, TimeInForce.IOC, None, Offset.OPEN)),
        ("PriceType.ForwardBest, Side.Buy, Offset.Open", (OrderType.LIMIT, TimeInForce.DAY, 1689.5, Offset.OPEN)),
        ("PriceType.ReverseBest, Side.Buy, Offset.Open", (OrderType.LIMIT, TimeInForce.DAY, 1690.5, Offset.OPEN)),
        ("PriceType.ReverseBest, Side.Sell, Offset.CloseYesterday", (OrderType.LIMIT, TimeInForce.DAY, 1689.5, Offset.CLOSE_YESTERDAY)),
        ("type=PriceType.Limit, side=Side.Buy", (OrderType.LIMIT, TimeInForce.DAY, 1700.0, Offset.OPEN)),
    ],
)
def test_kinds_of_kungfu_orders(
    bus: EventBus,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
    terms: str,
    expected: tuple[Any, ...],
) -> None:
    """Each price type has its order type, its time in force and its price; a future's offset is passed on."""
    bus.instruments.add(Instrument(**MAOTAI, market="cn_future"))
    write("mine.py", CALLS.format(body=f"context.insert_order('600519', Exchange.SSE, 'xtp', 1700, 3, {terms})"))
    start_manager()
    assert command("run", "mine", file="mine").ok
    quote(bus, 1, 1690.0)
    wait_until(lambda: journal(OrderRequest), "the request")
    (request,) = journal(OrderRequest)
    price = None if request.order_type == OrderType.MARKET else request.price
    assert (request.order_type, request.time_in_force, price, request.offset) == expected
    assert (request.quantity, request.account, request.order_flags) == (3.0, "paper", 0)


def test_reload_takes_the_new_subscription(
    bus: EventBus, start_manager: Start, command: Command, write: Callable[[str, str], Path], journal: Journal, wait_until: WaitUntil
) -> None:
    """A changed Kungfu file sees what it subscribes to now, and nothing of before; so does a restarted process."""
    source = CALLS.format(body="context.log.info(quote.instrument_id)")
    write("mine.py", source)
    manager = start_manager()
    assert command("run", "mine", file="mine").ok
    write("mine.py", source.replace('["600519"]', '["AAPL"]').replace("Exchange.SSE", "Exchange.US"))
    assert command("reload", "mine").ok
    for life in (1, 2):
        assert manager.strategies()[0].symbols == ("AAPL",)
        quote(bus, life, 1.0)
        quote(bus, life, 2.0, symbol="AAPL")
        wait_until(lambda wanted=life: len(said(journal, "mine")) == wanted, "the quote")
        if life == 1:
            assert manager.stop()
            manager = start_manager()
    assert said(journal, "mine") == ["AAPL", "AAPL"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "has subscribed to nothing in pre_start: call context.subscribe there"),
        (
            "context.insert_order('A', 'SSE', 'xtp', 1, 1, PriceType.Limit, Side.Buy)",
            "cannot send orders in pre_start: post_start is the first",
        ),
    ],
)
def test_mistakes_in_pre_start_are_told(
    start_manager: Start, command: Command, write: Callable[[str, str], Path], body: str, message: str
) -> None:
    """A strategy that does not get past pre_start does not run, and the command's answer says why."""
    write("mine.py", f"from kungfu.wingchun.constants import *\ndef pre_start(context):\n    {body}\n")
    start_manager()
    answer = command("run", "mine", file="mine")
    assert not answer.ok
    assert message in answer.detail


def test_kungfu_orders_are_cancelled_by_their_number(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """cancel_order takes what insert_order has returned; timers call their function with the context."""
    bus.instruments.add(Instrument(**MAOTAI))
    write(
        "mine.py",
        """
        from kungfu.wingchun.constants import *

        def later(context, event):
            context.log.info(f"timer {context.cancel_order(context.order) == context.order} {context.cancel_order(context.order)}")

        def pre_start(context):
            context.order = 0
            context.add_account("xtp", "1")
            context.subscribe("xtp", ["600519"], Exchange.SSE)

        def on_quote(context, quote):
            if not context.order:
                context.order = context.insert_order("600519", Exchange.SSE, "xtp", 1000, 100, PriceType.Limit, Side.Buy, Offset.Open)

        def on_order(context, order):
            if order.status == OrderStatus.Pending and not hasattr(context, "asked"):
                context.asked = True
                context.add_timer(context.now() + 1000, later)
        """,
    )
    start_manager()
    assert command("run", "mine", file="mine").ok
    quote(bus, 1, 1690.0)
    wait_until(lambda: OrderStatus.CANCELLED in [event.status for event in journal(OrderEvent)], "the cancellation")
    wait_until(lambda: said(journal, "mine") == ["timer True 0"], "what the timer says")
    assert len(journal(CancelCommand)) == 1


def test_kungfu_functions_may_be_async(
    bus: EventBus, start_manager: Start, command: Command, write: Callable[[str, str], Path], journal: Journal, wait_until: WaitUntil
) -> None:
    """Every callback may wait; the next one comes after it, and what it raises is told."""
    bus.instruments.add(Instrument(**MAOTAI))
    write(
        "mine.py",
        """
        import asyncio
        from kungfu.wingchun.constants import *

        async def pre_start(context):
            await asyncio.sleep(0)
            context.subscribe("xtp", ["600519"], Exchange.SSE)

        async def post_start(context):
            context.log.info("ready")

        async def on_quote(context, quote):
            await asyncio.sleep(0.01)
            context.log.info(f"{quote.last_price:g}")
            if quote.last_price > 2:
                raise KeyError("by design")

        async def post_stop(context):
            context.log.info("end")
        """,
    )
    start_manager()
    assert command("run", "mine", file="mine").ok
    wait_until(lambda: said(journal, "mine") == ["ready"], "post_start")
    for number in (1, 2):
        quote(bus, number, number)
    wait_until(lambda: len(said(journal, "mine")) == 3, "both quotes")
    assert command("stop", "mine").ok
    assert said(journal, "mine") == ["ready", "1", "2", "end"]
    assert command("start", "mine").ok
    wait_until(lambda: said(journal, "mine")[-1] == "ready", "post_start")
    quote(bus, 3, 3)
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    assert "on_tick raised KeyError" in journal(StrategyStatusEvent)[-1].error


def test_two_venues_of_one_symbol_are_not_mixed(
    bus: EventBus,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """Where the exchange's own instrument is on the bus, the same symbol of another venue is not shown."""
    for venue in ("SIM", "SSE"):
        bus.instruments.add(Instrument(symbol="600519", venue=venue))
    write("mine.py", CALLS.format(body="context.log.info(f'{quote.last_price}')"))
    start_manager()
    assert command("run", "mine", file="mine").ok
    quote(bus, 1, 1.0)
    quote(bus, 2, 2.0, venue="SSE")
    quote(bus, 3, 3.0)
    quote(bus, 4, 4.0, venue="SSE")
    wait_until(lambda: len(said(journal, "mine")) >= 2, "the quotes")
    assert said(journal, "mine") == ["2.0", "4.0"]


# ---- hft_backtest


def test_hft_strategy_trades_on_paper(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The object that the file adds to its engine runs here, with what it was made with; a second start makes it anew."""
    bus.instruments.add(Instrument(**MAOTAI))
    write("once.py", HFT)
    start_manager()
    assert command("run", "once", file="once").ok
    for life in (1, 2):
        for number in range(1, 4):
            quote(bus, life * 10 + number, 1690.0)
        wait_until(lambda wanted=life: len(journal(Fill)) == wanted, "the fill")
        wait_until(lambda wanted=life: journal(OrderEvent)[-1].status == OrderStatus.FILLED, "the end of the order")
        if life == 1:
            assert command("stop", "once").ok
            assert command("start", "once").ok
    assert [(fill.quantity, fill.side) for fill in journal(Fill)] == [(200.0, Side.BUY)] * 2
    wait_until(lambda: capfd.readouterr().out.count("filled True True") >= 1, "on_order")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("self.send_order(tick.symbol, 3, 1.0, 1)", "send_order wants hft.Direction.Buy or hft.Direction.Sell, not 3"),
        ("self.send_order('NONE', hft.Direction.Buy, 1.0, 1)", "NONE"),
        ("type(self)().send_order('A', hft.Direction.Buy, 1.0, 1)", "Mine does not run yet: do in init() or later"),
    ],
)
def test_mistakes_of_an_hft_strategy_are_told(
    bus: EventBus,
    start_manager: Start,
    command: Command,
    write: Callable[[str, str], Path],
    journal: Journal,
    wait_until: WaitUntil,
    body: str,
    message: str,
) -> None:
    """What makes no sense stops the strategy with a sentence that names file and line."""
    bus.instruments.add(Instrument(**MAOTAI))
    path = write("mine.py", f"import hft_backtest as hft\nclass Mine(hft.Strategy):\n    def on_tick(self, tick):\n        {body}\n")
    start_manager()
    assert command("run", "mine", file="mine").ok
    quote(bus, 1, 1690.0)
    wait_until(lambda: journal(StrategyStatusEvent)[-1].state == "failed", "the failure")
    assert journal(StrategyStatusEvent)[-1].error.startswith(f"{path}:4: ")
    assert message in journal(StrategyStatusEvent)[-1].error


# ---- the documents that the design comes from


def samples(shared_seeds: Path, number: str) -> list[str]:
    """Return the Python samples of a document."""
    (document,) = shared_seeds.glob(f"{number}_*.txt")
    return re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL | re.IGNORECASE)


@pytest.mark.parametrize(("number", "kind"), [("000", "kungfu"), ("001", "hft_backtest")])
def test_samples_of_the_documents_run_unchanged(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    folder: Path,
    journal: Journal,
    wait_until: WaitUntil,
    shared_seeds: Path,
    number: str,
    kind: str,
) -> None:
    """The strategies that the documents show are loaded byte for byte, trade on paper, and keep running."""
    (sample,) = samples(shared_seeds, number)
    (folder / "sample.py").write_text(sample, encoding="utf-8")
    manager = start_manager()
    assert command("run", "sample", file="sample").ok
    exchange = SimulatedExchange(symbols=["600519"], ticks_per_second=50.0, history_minutes=0)
    if kind == "hft_backtest":
        exchange = SimulatedExchange(symbols=["AAPL", "SPY"], ticks_per_second=50.0, history_minutes=0)
    exchange.start(bus)
    try:
        wait_until(lambda: len(journal(Fill)) >= 3, "fills", timeout_s=60.0)
    finally:
        assert exchange.stop()
    (info,) = manager.strategies()
    assert (info.kind, info.state, info.error) == (kind, "running", "")
    assert {fill.strategy for fill in journal(Fill)} == {"sample"}
