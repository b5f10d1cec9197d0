"""Backtrader classes in the StrategyManager."""

from __future__ import annotations

import itertools
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from patience import within

from gcg_quant.backtest import BacktraderAdapter
from gcg_quant.bus import EventBus
from gcg_quant.busy_mark import busy_with, mark_path
from gcg_quant.errors import StrategyError
from gcg_quant.events import (
    Applied,
    Fill,
    LogEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    PositionEvent,
    Side,
    StrategyControlEvent,
    StrategyStatusEvent,
    Tick,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import StrategyManager

# Tells what it sees by publishing nothing but orders: the size of an order is what it has to say.
TELLING = """
import backtrader as bt


class Telling(bt.Strategy):
    params = (("fast", 3), ("word", "x"))

    def __init__(self):
        self.average = bt.ind.SMA(period=self.p.fast)
        self.calls = 0

    def next(self):
        self.calls += 1
        if self.calls == 1:
            self.buy(size=len(self))
        if self.data.close[0] < 0:
            self.fall()

    def fall(self):
        return 1 / 0

    def notify_order(self, order):
        if order.status == order.Completed and order.isbuy():
            self.close()
"""


class System:
    """A manager on a paper bus, and what a test does to it."""

    def __init__(self, kit: ModuleType, bus: EventBus, folder: Path) -> None:
        self.kit, self.bus, self.folder = kit, bus, folder
        folder.mkdir(exist_ok=True)
        bus.instruments.add(Instrument(symbol="X", venue="SIM", tick_size=0.01, lot_size=1.0))
        self.requests = bus.reader(start="end", events=[OrderRequest])
        self.manager: StrategyManager | None = None
        self.number = 0

    def start(self, history: Any = None) -> None:
        """Start the manager."""
        self.manager = StrategyManager([self.folder], adapters=[BacktraderAdapter()], account="paper")
        self.manager.start(self.bus, history)
        self.wait(lambda: self.manager is not None and self.manager.state == "running")

    def stop(self) -> None:
        """Stop the manager."""
        if self.manager is not None:
            assert self.manager.stop(60.0)
            self.manager = None

    def write(self, text: str, name: str = "telling.py") -> str:
        """Write a strategy file."""
        (self.folder / name).write_text(textwrap.dedent(text))
        return name

    def wait(self, condition: Callable[[], Any], timeout_s: float = 60.0) -> None:
        """Wait for a condition, or fail."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.002)

    def read(self, *kinds: Any) -> list[Any]:
        """Return all events of some classes."""
        with self.bus.reader(start="begin", events=kinds) as reader:
            return list(reader)

    def command(self, action: str, **fields: Any) -> Applied:
        """Send a command and return its answer."""
        control = self.bus.publish(StrategyControlEvent(action=action, **fields))
        self.wait(lambda: any(event.control == control for event in self.read(Applied)))
        return next(event for event in self.read(Applied) if event.control == control)

    def run(self, file: str, name: str = "one", **parameters: Any) -> None:
        """Load and start a strategy, and wait until its run is live."""
        answer = self.command("run", file=file, strategy=name, symbols=["X"], parameters={"period": "1s", **parameters})
        assert answer.ok, answer.detail
        self.wait_live(name)

    def strategy(self, name: str = "one") -> Any:
        """Return the adapter's strategy object."""
        assert self.manager is not None
        return self.manager._roster.get(name).strategy

    def wait_live(self, name: str = "one") -> None:
        """Wait until a strategy's warm-up is over."""
        self.wait(lambda: not self.strategy(name).warming_up)

    def bar(self, close: float = 100.0) -> int:
        """Publish the next bar; return its id."""
        self.number += 1
        return self.bus.publish(self.kit.make_bar(self.kit.START_NS + (self.number - 1) * 10**9, close))

    def request(self) -> OrderRequest:
        """Return the next order request."""
        found = self.requests.read(60.0)
        assert isinstance(found, OrderRequest), "no request came"
        return found

    def fill(self, request: OrderRequest, price: float = 100.0) -> None:
        """Answer a request as the engine would."""
        key: dict[str, Any] = {
            "symbol": request.symbol,
            "venue": request.venue,
            "request": request.id,
            "account": request.account,
            "strategy": request.strategy,
            "client_id": request.client_id,
            "side": request.side,
        }
        signed = request.quantity if request.side == Side.BUY else 0.0
        self.bus.publish(OrderEvent(**key, quantity=request.quantity, status=OrderStatus.ACCEPTED))
        self.bus.publish(Fill(**key, quantity=request.quantity, price=price))
        self.bus.publish(OrderEvent(**key, quantity=request.quantity, filled_quantity=request.quantity, status=OrderStatus.FILLED))
        self.bus.publish(
            PositionEvent(symbol="X", venue="SIM", account="paper", strategy=request.strategy, quantity=signed, average_price=price)
        )

    def states(self, name: str = "one") -> list[str]:
        """Return the states a strategy went through."""
        return [event.state for event in self.read(StrategyStatusEvent) if event.strategy == name]


@pytest.fixture
def system(kit: ModuleType, bus: EventBus, tmp_path: Path) -> Iterator[System]:
    """Return a system whose manager is stopped at the end."""
    made = System(kit, bus, tmp_path / "strategies")
    yield made
    made.stop()
    made.requests.close()


def threads() -> list[str]:
    """Return the names of the Backtrader threads."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("backtrader ")]


def test_backtrader_class_trades_live(system: System) -> None:
    """A plain bt.Strategy gets bars, its orders leave under its id, and it hears of their fills."""
    system.start()
    system.run(system.write(TELLING))
    for _ in range(3):
        system.bar()
    request = system.request()
    assert (request.strategy, request.account, request.symbol, request.venue) == ("one", "paper", "X", "SIM")
    assert (request.side, request.quantity) == (Side.BUY, 3.0)
    system.fill(request)
    system.wait(lambda: system.strategy()._session.position().quantity == 3.0)
    system.bar()
    closing = system.request()
    assert (closing.side, closing.quantity) == (Side.SELL, 3.0)
    assert [info.kind for info in system.manager.strategies()] == ["backtrader"]  # type: ignore[union-attr]


def test_warmup_comes_from_history_and_journal(system: System, kit: ModuleType, bus: EventBus) -> None:
    """At its first live bar the class has the stored bars and those of the journal behind it, and has not been called for them."""
    bars = kit.random_bars(30, period="1s")
    history = MemoryHistory()
    history.add_bars("X", "SIM", bars[:20])
    journal = bars[10:].copy()
    journal["instrument"] = bus.instruments.number("X", "SIM")
    bus.publish_batch(journal)
    system.number = 30
    system.start(history)
    system.run(system.write(TELLING))
    system.bar()
    assert system.request().quantity == 31.0


def test_exception_fails_the_strategy_with_file_and_line(system: System) -> None:
    """What next() raises is reported with file, line, bar and symbol, and the strategy has failed; the manager runs on."""
    system.start()
    system.run(system.write(TELLING))
    for _ in range(3):
        system.bar()
    system.bar(close=-1.0)
    system.wait(lambda: not threads())
    system.bar()
    system.wait(lambda: system.states()[-1:] == ["failed"])
    error = system.read(StrategyStatusEvent)[-1].error
    assert "telling.py:20" in error
    assert "ZeroDivisionError" in error
    assert error.endswith("(at the bar 2023-11-14T00:00:03Z of X)")
    assert any("telling.py:20" in event.message for event in system.read(LogEvent))
    system.run(system.write(TELLING, "other.py"), name="two")


def test_stop_ends_the_thread_within_a_second(system: System) -> None:
    """Stopping a strategy ends its thread; it can be started again."""
    system.start()
    system.run(system.write(TELLING))
    assert threads() == ["backtrader one"]
    begin = time.monotonic()
    assert system.command("stop", strategy="one").ok
    assert time.monotonic() - begin < within(1.0, 4.0)
    assert threads() == []
    assert system.command("start", strategy="one").ok
    assert threads() == ["backtrader one"]
    assert system.states() == ["loaded", "running", "stopped", "running"]


def test_position_is_there_again_after_a_restart(system: System) -> None:
    """A class that is started again begins with the position that the journal tells."""
    text = TELLING.replace("self.buy(size=len(self))", "self.buy(size=7) if not self.position else self.close()").replace(
        "order.isbuy()", "False"
    )
    system.start()
    system.run(system.write(text))
    for _ in range(3):
        system.bar()
    system.fill(system.request())
    system.wait(lambda: system.strategy()._session.position().quantity == 7.0)
    assert system.command("stop", strategy="one").ok
    assert system.command("start", strategy="one").ok
    system.wait_live()
    system.bar()
    again = system.request()
    assert (again.side, again.quantity) == (Side.SELL, 7.0)


def test_parameters_are_shown_converted_and_changed(system: System) -> None:
    """Texts take the type of the default; a change while running begins a new run."""
    system.start()
    system.run(system.write(TELLING), fast="4")
    assert system.strategy().parameters == {"period": "1s", "warmup_bars": 500, "fast": 4, "word": "x"}
    first = system.strategy()._thread
    assert system.command("set_parameters", strategy="one", parameters={"fast": 2}).ok
    assert system.strategy()._thread is not first
    system.wait_live()
    for _ in range(2):
        system.bar()
    assert system.request().quantity == 2.0


@pytest.mark.parametrize(
    ("parameters", "symbols", "words"),
    [
        ({"fats": 1}, ["X"], "no parameter 'fats' .*Did you mean 'fast'"),
        ({"fast": "few"}, ["X"], "'fast' of Telling must be of type int"),
        ({"period": "1x"}, ["X"], "not a bar period"),
        ({"warmup_bars": -1}, ["X"], "warmup_bars must be a number"),
        ({}, ["X*"], "needs symbols by name"),
    ],
)
def test_what_does_not_fit_is_refused(system: System, parameters: dict[str, Any], symbols: list[str], words: str) -> None:
    """Wrong parameters, patterns and unknown symbols are sentences, and no thread is left."""
    import re

    system.start()
    answer = system.command("run", file=system.write(TELLING), strategy="one", symbols=symbols, parameters=parameters)
    assert not answer.ok
    assert re.search(words, answer.detail)
    assert threads() == []


def test_run_begins_when_its_instrument_is_known(system: System, kit: ModuleType, bus: EventBus) -> None:
    """A strategy that is started before its collector waits, says so, and begins with the first bar."""
    system.start()
    answer = system.command("run", file=system.write(TELLING), strategy="one", symbols=["Y"], parameters={"period": "1s"})
    assert answer.ok
    assert any("waits: There is no instrument 'Y'" in event.message for event in system.read(LogEvent))
    assert threads() == []
    bus.instruments.add(Instrument(symbol="Y", venue="SIM"))
    numbers = itertools.count()

    def asked() -> bool:  # bar after bar until its run, which begins with one of them, has seen a live one
        bus.publish(kit.make_bar(kit.START_NS + next(numbers) * 10**9, 100.0, symbol="Y"))
        return bool(system.read(OrderRequest))

    system.wait(asked)
    assert system.request().symbol == "Y"


def test_run_that_ends_itself_is_reported(system: System) -> None:
    """A class that calls runstop() has failed: it would do nothing any more."""
    system.start()
    system.run(system.write(TELLING.replace("self.buy(size=len(self))", "self.env.runstop()")))
    for _ in range(3):
        system.bar()
    system.wait(lambda: not threads())
    system.bar()
    system.wait(lambda: system.states()[-1:] == ["failed"])
    assert "ended its run by itself" in system.read(StrategyStatusEvent)[-1].error


def test_no_order_leaves_while_warming_up(system: System, kit: ModuleType) -> None:
    """A class that orders in start(), prenext() and notify_data() sends nothing before the first live bar."""
    text = """
    import backtrader as bt


    class Eager(bt.Strategy):
        def __init__(self):
            self.average = bt.ind.SMA(period=5)

        def prenext(self):
            self.next()

        def next(self):
            self.buy()

        def notify_data(self, data, status, *args, **kwargs):
            if len(data):
                self.buy()
    """
    history = MemoryHistory()
    history.add_bars("X", "SIM", kit.random_bars(30, period="1s"))
    system.number = 30
    system.start(history)
    system.run(system.write(text))
    assert len(system.read(OrderRequest)) <= 1  # notify_data(LIVE) may order: the feed is live by then
    bar = system.bar()
    system.wait(lambda: any(one.cause == bar for one in system.read(OrderRequest)))
    assert len(system.read(OrderRequest)) <= 2


def test_adapter_takes_users_classes_only() -> None:
    """Backtrader's own classes and ours are no strategies to load."""
    import backtrader as bt

    from gcg_quant.strategy_engine import Strategy

    adapter = BacktraderAdapter()
    assert not adapter.matches(bt.Strategy)
    assert not adapter.matches(bt.SignalStrategy)
    assert not adapter.matches(Strategy)
    assert adapter.matches(type("Mine", (bt.Strategy,), {"__module__": __name__}))


def test_class_with_a_parameter_named_period_keeps_it() -> None:
    """Where the class has a `period` of its own, ours is called bar_period."""
    import backtrader as bt

    cls = type("Rsi", (bt.Strategy,), {"__module__": __name__, "params": (("period", 14),)})
    strategy = BacktraderAdapter().wrap(cls, {"period": 7, "bar_period": "5m"})
    assert strategy.wanted_periods() == ("5m",)
    assert strategy.parameters["period"] == 7


def test_strategy_needs_a_manager(kit: ModuleType) -> None:
    """Outside a manager there is nothing to run in."""
    import backtrader as bt

    strategy = BacktraderAdapter().wrap(type("Lone", (bt.Strategy,), {"__module__": __name__}), {})
    with pytest.raises(StrategyError, match="needs a symbol"):
        strategy.on_start()


HANGING = """
import pathlib, time
import backtrader as bt

class Hanging(bt.Strategy):
    def next(self):
        while not pathlib.Path({path!r}).exists():
            time.sleep(0.001)
"""


def test_run_that_hangs_is_seen_in_its_strategy(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When next() has not come back for long, the manager waits in that strategy's callback, where a supervisor finds it; or it goes on."""
    monkeypatch.setattr("gcg_quant.backtest.hosting.backtrader_strategy.HANG_S", 0.3)
    released = tmp_path / "released"
    system.start()
    system.run(system.write(HANGING.format(path=str(released)), "hanging.py"))
    system.bar()
    system.wait(lambda: system.strategy()._stream.silent_s > 0.4)
    mark = mark_path(system.bus.path)
    assert busy_with(mark) is None
    system.bus.publish(Tick(symbol="X", venue="SIM", last_price=100.0))
    system.wait(lambda: (found := busy_with(mark)) is not None and found[:2] == ("one", "on_tick") and found.busy_s > 0.2)
    released.touch()
    system.wait(lambda: busy_with(mark) is None)
    assert system.states()[-1] == "running"
