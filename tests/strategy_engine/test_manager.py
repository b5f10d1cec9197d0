"""The strategy manager: commands and their answers, routing, failures, measurements."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AlertEvent,
    Applied,
    Bar,
    CancelRequest,
    Fill,
    LogEvent,
    MetricEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    Side,
    StrategyControlEvent,
    StrategyStatusEvent,
    Tick,
)
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine import LoadRequest, Parameter, Strategy, StrategyManager

Journal = Callable[..., list[Any]]
Command = Callable[..., Applied]
WriteFile = Callable[[str, str], Path]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

BTC = {"symbol": "BTC/USDT", "venue": "SIM"}
BUYER = """
class Buyer(Strategy):
    symbols = ("BTC/USDT",)
    size = Parameter(1.0, low=0.1, high=9)
    def on_tick(self, tick):
        self.buy(self.size, 50.0)
    def on_parameters(self, changed):
        self.log(f"changed {changed}")
    def on_stop(self):
        self.log("stopped")
"""
THROWER = """
class Thrower(Strategy):
    symbols = ("BTC/USDT",)
    def on_tick(self, tick):
        self.buy(1, 50.0)
        if tick.last_price == 13:
            raise ValueError("bad luck")
"""


def tick(price: float = 1.0) -> Tick:
    """Return a tick of BTC."""
    return Tick(**BTC, last_price=price)


def states(journal: Journal) -> list[tuple[str, str]]:
    """Return the states that were published."""
    return [(event.strategy, event.state) for event in journal(StrategyStatusEvent)]


def test_life_of_a_strategy_by_commands(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """Load, start, stop, start and unload are each applied, answered, and told by a status that names the command."""
    path = write_file("buyer.py", BUYER)
    manager = start_manager()
    answers = [command("load", "mine", file=str(path), symbols=["BTC/USDT@SIM"], parameters={"size": "2"}, account="second")]
    bus.publish(tick())
    answers.append(command("start", "mine"))
    bus.publish(tick())
    wait_until(lambda: journal(OrderRequest), "an order")
    answers += [command("stop", "mine"), command("start", "mine"), command("unload", "mine")]
    assert [answer.ok for answer in answers] == [True] * 5
    assert [answer.cause for answer in answers] == [answer.control for answer in answers]
    assert states(journal) == [("mine", state) for state in ("loaded", "running", "stopped", "running", "unloaded")]
    status = journal(StrategyStatusEvent)[0]
    assert (status.file, status.class_name, status.kind) == (str(path), "Buyer", "gcg_quant")
    assert (status.symbols, status.parameters, status.account) == (["BTC/USDT@SIM"], {"size": 2.0}, "second")
    assert [event.cause for event in journal(StrategyStatusEvent)] == [answer.control for answer in answers]
    assert len(journal(OrderRequest)) == 1
    assert journal(OrderRequest)[0].account == "second"
    assert manager.strategies() == []


def test_ids_are_made_from_the_file(start_manager: Start, command: Command, write_file: WriteFile, journal: Journal) -> None:
    """Without an id the file's name is taken, numbered where it is taken already."""
    write_file("buyer.py", BUYER)
    start_manager()
    for _ in range(3):
        assert command("load", file="buyer").ok
    assert states(journal) == [("buyer", "loaded"), ("buyer-2", "loaded"), ("buyer-3", "loaded")]


@pytest.mark.parametrize(
    ("action", "strategy", "fields", "words"),
    [
        ("load", "x", {"file": "/etc/hostname"}, "There is no strategy file|ends in .py"),
        ("load", "x", {"file": "gird"}, "Did you mean 'grid'?"),
        ("load", "mine", {"file": "buyer"}, "There is a strategy 'mine' already"),
        ("load", "a b", {"file": "buyer"}, "id has 1 to 40 letters"),
        ("load", "x", {"file": "buyer", "class_name": "Byer"}, "Did you mean 'Buyer'?"),
        ("load", "x", {"file": "buyer", "parameters": {"siez": 1}}, "Did you mean 'size'?"),
        ("load", "x", {"file": "buyer", "parameters": {"size": 10}}, "a number from 0.1 to 9, not 10"),
        ("load", "x", {"file": "homeless"}, "names no symbol"),
        ("load", "x", {"file": "sma_cross", "parameters": {"period": "7x"}}, "is not a bar period"),
        ("load", "x", {"file": "sma_cross", "parameters": {"fast": 40}}, "fast (40) must be less than slow (30)"),
        ("start", "mien", {}, "Did you mean 'mine'?"),
        ("stop", "mine", {}, "is not running: it is loaded"),
        ("unload", "", {}, "There is no strategy ''"),
        ("reload", "none", {}, "There is no strategy 'none'"),
        ("set_parameters", "mine", {"parameters": {"size": 0}}, "not 0"),
        ("pause", "mine", {}, "There is no strategy action 'pause'"),
    ],
)
def test_command_that_cannot_be_done_is_answered_with_a_sentence(
    action: str,
    strategy: str,
    fields: Mapping[str, Any],
    words: str,
    start_manager: Start,
    command: Command,
    write_file: WriteFile,
    journal: Journal,
) -> None:
    """A wrong command changes nothing, and its answer says what is wrong."""
    write_file("buyer.py", BUYER)
    write_file("homeless.py", "class Homeless(Strategy): ...\n")
    manager = start_manager()
    assert command("load", "mine", file="buyer").ok
    before, modules = manager.strategies(), set(sys.modules)
    answer = command(action, strategy, **fields)
    assert not answer.ok
    assert set(sys.modules) == modules
    assert any(part in answer.detail for part in words.split("|")), answer.detail
    assert manager.strategies() == before
    assert states(journal) == [("mine", "loaded")]


def test_file_outside_the_folders_is_refused_by_command(start_manager: Start, command: Command, tmp_path: Path) -> None:
    """A command cannot load a file from elsewhere."""
    outside = tmp_path / "outside.py"
    outside.write_text("raise SystemExit('this was run')")
    start_manager()
    assert "lies outside the allowed folders" in command("load", "x", file=str(outside)).detail


def test_running_strategy_is_not_started_twice(start_manager: Start, command: Command, write_file: WriteFile) -> None:
    """A second start is refused."""
    write_file("buyer.py", BUYER)
    start_manager()
    assert command("run", "mine", file="buyer").ok
    assert "is running already" in command("start", "mine").detail


def test_strategy_that_throws_is_stopped_and_the_rest_run_on(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """Its state tells file and line, its open orders are cancelled, an alert goes out, and the others get every event."""
    path = write_file("thrower.py", THROWER)
    write_file("buyer.py", BUYER)
    manager = start_manager()
    for name, file in (("first", "buyer"), ("bad", "thrower"), ("last", "buyer")):
        assert command("run", name, file=file).ok
    for price in (1.0, 13.0, 2.0):
        bus.publish(tick(price))
    wait_until(lambda: len([one for one in journal(OrderRequest) if one.strategy == "last"]) == 3, "three orders of the last")
    by_strategy = [one.strategy for one in journal(OrderRequest)]
    assert (by_strategy.count("first"), by_strategy.count("bad"), by_strategy.count("last")) == (3, 2, 3)
    failed = next(event for event in journal(StrategyStatusEvent) if event.state == "failed")
    assert failed.strategy == "bad"
    assert failed.error == f"{path}:9: on_tick raised ValueError: bad luck"
    assert failed.cause == journal(Tick)[1].id
    ordered = {one.client_id for one in journal(OrderRequest) if one.strategy == "bad"}
    assert {one.client_id for one in journal(CancelRequest)} == ordered
    assert journal(AlertEvent)[0].level == "critical"
    line = next(event for event in journal(LogEvent) if event.component == "bad")
    assert (line.level, line.about) == ("error", journal(Tick)[1].id)
    assert "Traceback" in line.detail
    assert [info.state for info in manager.strategies()] == ["running", "failed", "running"]


def test_failed_strategy_starts_again_as_a_new_object(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """A start after a failure makes the strategy anew, with the parameters that were given; they can be changed while it has failed."""
    source = (
        "class Once(Strategy):\n    symbols = ('BTC/USDT',)\n    part = Parameter(0)\n    def on_tick(self, tick):\n        1 / self.part\n"
    )
    write_file("once.py", source)
    manager = start_manager()
    assert command("run", "once", file="once").ok
    bus.publish(tick())
    wait_until(lambda: ("once", "failed") in states(journal), "the failure")
    assert command("set_parameters", "once", parameters={"part": 1}).ok
    changed = journal(StrategyStatusEvent)[-1]
    assert (changed.state, changed.parameters, "division by zero" in changed.error) == ("failed", {"part": 1}, True)
    assert command("start", "once").ok
    assert manager.strategies()[0].error == ""
    bus.publish(tick())
    assert command("stop", "once").ok  # it did not fail again


@pytest.mark.parametrize("callback", ["on_start", "on_stop"])
def test_start_or_stop_that_throws_is_answered_so(
    callback: str, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal
) -> None:
    """The command's answer names the strategy's line, and the strategy has failed."""
    path = write_file(
        "bad.py", f"class Bad(Strategy):\n    symbols = ('BTC/USDT',)\n    def {callback}(self):\n        raise OSError('no')\n"
    )
    start_manager()
    answer = command("run", "bad", file="bad")
    if callback == "on_stop":
        assert answer.ok
        answer = command("stop", "bad")
    assert (answer.ok, answer.detail) == (False, f"{path}:6: {callback} raised OSError: no")
    assert states(journal)[-1] == ("bad", "failed")


def test_stopping_cancels_open_orders_after_on_stop(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """on_stop may still send orders; whatever is open afterwards is cancelled."""
    write_file("leaver.py", "class Leaver(Strategy):\n    symbols = ('BTC/USDT',)\n    def on_stop(self):\n        self.sell(1, 60.0)\n")
    start_manager()
    bus.publish(tick())
    assert command("run", "leaver", file="leaver").ok
    assert command("stop", "leaver").ok
    assert [one.client_id for one in journal(CancelRequest)] == [one.client_id for one in journal(OrderRequest)]
    assert len(journal(OrderRequest)) == 1


def test_slow_strategy_is_measured(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, wait_until: WaitUntil
) -> None:
    """The time of every callback is counted per strategy, so that the slow one is seen."""
    write_file(
        "slow.py",
        "import time\nclass Slow(Strategy):\n    symbols = ('BTC/USDT',)\n    def on_tick(self, tick):\n        time.sleep(0.1)\n",
    )
    write_file("buyer.py", BUYER)
    manager = start_manager()
    assert command("run", "slow", file="slow").ok
    assert command("run", "quick", file="buyer").ok
    for _ in range(3):
        bus.publish(tick())

    def times() -> dict[str, Any]:
        return {info.id: info.times["on_tick"] for info in manager.strategies()}

    wait_until(lambda: times()["quick"].calls == 3, "three ticks")
    assert times()["slow"].mean_us >= 100_000
    assert times()["slow"].max_ns >= 100_000_000
    assert times()["quick"].mean_us < times()["slow"].mean_us


def test_measurements_are_published(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """Now and then the times go to the log lane as metrics, labelled with strategy and callback."""
    write_file("buyer.py", BUYER)
    manager = start_manager()
    assert command("run", "quick", file="buyer").ok
    bus.publish(tick())
    wait_until(lambda: journal(OrderRequest), "an order")
    manager._metrics_at = 0.0
    wait_until(lambda: journal(MetricEvent), "a metric")
    metric = journal(MetricEvent)[0]
    assert (metric.name, metric.labels) == ("strategy_callback_mean_us", {"strategy": "quick", "callback": "on_tick"})
    assert metric.value > 0


def test_ten_strategies_see_every_tick_once(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """Ten strategies on two symbols each get all of their ticks, in order, and none of the other symbol's."""
    write_file(
        "counter.py",
        """
        class Counter(Strategy):
            seen = ()
            def on_tick(self, tick):
                self.seen += (tick.last_price,)
                if tick.last_price == 999:
                    self.log(f"{self.seen}")
        """,
    )
    start_manager()
    for number in range(10):
        assert command("run", f"s{number}", file="counter", symbols=["A" if number % 2 else "B"]).ok
    for price in (*range(200), 999):
        for symbol in "AB":
            bus.publish(Tick(symbol=symbol, venue="SIM", last_price=float(price)))
    wait_until(lambda: len(journal(LogEvent)) == 10, "ten reports")
    expected = str((*map(float, range(200)), 999.0))
    assert {(event.component, event.message) for event in journal(LogEvent)} == {(f"s{number}", expected) for number in range(10)}


def test_changed_file_is_reloaded_in_place(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """Reloading puts the new code in, keeps parameters, orders and the running state, and calls on_stop of the old one."""
    write_file("buyer.py", BUYER)
    manager = start_manager()
    assert command("run", "mine", file="buyer", parameters={"size": 3}).ok
    bus.publish(tick())
    wait_until(lambda: journal(OrderRequest), "an order")
    write_file("buyer.py", BUYER.replace("self.buy(self.size, 50.0)", "self.log(f'{self.size:g} {len(self.orders)}')"))
    assert command("reload", "mine").ok
    bus.publish(tick())
    wait_until(lambda: "3 1" in [event.message for event in journal(LogEvent)], "the new code's line")
    assert states(journal) == [("mine", "loaded"), ("mine", "running"), ("mine", "running")]
    assert [event.message for event in journal(LogEvent)] == ["stopped", "3 1"]
    assert journal(CancelRequest) == []
    assert manager.strategies()[0].parameters == {"size": 3.0}


def test_reload_drops_a_parameter_that_is_gone(start_manager: Start, command: Command, write_file: WriteFile) -> None:
    """A value for a parameter that the new class does not have is forgotten, and a new default counts."""
    write_file("p.py", "class P(Strategy):\n    symbols = ('A',)\n    old = Parameter(1)\n    kept = Parameter(1)\n")
    manager = start_manager()
    assert command("run", "p", file="p", parameters={"old": 5}).ok
    write_file("p.py", "class P(Strategy):\n    symbols = ('A',)\n    kept = Parameter(2)\n")
    assert command("reload", "p").ok
    assert manager.strategies()[0].parameters == {"kept": 2}


def test_broken_file_does_not_replace_the_running_strategy(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """A reload that fails is answered with file and line, and the old code goes on."""
    path = write_file("buyer.py", BUYER)
    start_manager()
    assert command("run", "mine", file="buyer").ok
    path.write_text("def (:\n")
    answer = command("reload", "mine")
    assert not answer.ok
    assert f"{path}:1: this is not valid Python" in answer.detail
    bus.publish(tick())
    wait_until(lambda: journal(OrderRequest), "an order of the old code")


def test_parameters_change_while_running(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """New values count from the next event on, and the strategy is told."""
    write_file("buyer.py", BUYER)
    start_manager()
    assert command("run", "mine", file="buyer").ok
    bus.publish(tick())
    wait_until(lambda: journal(OrderRequest), "the first order, since commands overtake ticks")
    assert command("set_parameters", "mine", parameters={"size": 4}).ok
    bus.publish(tick())
    wait_until(lambda: len(journal(OrderRequest)) == 2, "two orders")
    assert [one.quantity for one in journal(OrderRequest)] == [1.0, 4.0]
    assert journal(StrategyStatusEvent)[-1].parameters == {"size": 4.0}
    assert "changed {'size': 4.0}" in [event.message for event in journal(LogEvent)]


def test_period_parameter_changes_the_bars(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """A strategy with a parameter named period gets bars of that period; a period that cannot be made is taken back."""
    source = """
    class B(Strategy):
        symbols = ("BTC/USDT",)
        period = Parameter("1m")
        def on_bar(self, bar):
            self.log(bar.period)
    """
    write_file("b.py", source)
    manager = start_manager()
    assert command("run", "b", file="b").ok
    assert "is not a bar period" in command("set_parameters", "b", parameters={"period": "2x"}).detail
    assert manager.strategies()[0].parameters == {"period": "1m"}
    assert command("set_parameters", "b", parameters={"period": "1s"}).ok
    for period in ("1m", "1s"):
        bus.publish(Bar(**BTC, period=period, start_ns=60, event_ns=120, close=1.0))
    lines = lambda: [event.message for event in journal(LogEvent) if event.component == "b"]  # noqa: E731
    wait_until(lines, "a bar")
    assert lines() == ["1s"]


def test_strategies_of_the_list_are_loaded_and_started(
    bus: EventBus, start_manager: Start, journal: Journal, write_file: WriteFile
) -> None:
    """The start list is loaded in order, then started; one that cannot be loaded is reported and the others are there."""
    bus.instruments.number("BTC/USDT", "SIM")
    write_file("buyer.py", BUYER)
    load = [
        LoadRequest(file="buyer", id="one", start=True),
        LoadRequest(file="nothing", id="two", start=True),
        LoadRequest(file="grid", id="three", parameters={"levels": 2}),
    ]
    manager = start_manager(load=load)
    assert [(info.id, info.state) for info in manager.strategies()] == [("one", "running"), ("three", "loaded")]
    assert states(journal) == [("one", "loaded"), ("two", "failed"), ("three", "loaded"), ("one", "running")]
    assert "There is no strategy file 'nothing'" in journal(StrategyStatusEvent)[1].error
    assert journal(LogEvent)[0].level == "error"


def test_settings_name_folders_and_list(tmp_path: Path) -> None:
    """A manager made from the settings knows their folders, account and start list."""
    entry = {"file": "grid", "symbols": ["ETH/USDT"], "parameters": {"levels": 2}, "start": False}
    settings = Settings.model_validate({"strategies": {"folders": [str(tmp_path)], "load": [entry]}, "trading": {"account": "mine"}})
    manager = StrategyManager.from_settings(settings)
    assert manager._load == (LoadRequest(file="grid", id="grid", symbols=("ETH/USDT",), parameters={"levels": 2}),)
    assert manager._account == "mine"
    assert {"grid", "sma_cross"} <= {file.name for file in manager.discover()}


class Foreign:
    """The base class of another framework."""


class ForeignAdapter:
    """Runs a Foreign class: sends one order on the first tick."""

    kind = "foreign"

    def matches(self, cls: type) -> bool:
        """Return whether it is one."""
        return issubclass(cls, Foreign)

    def wrap(self, cls: type, parameters: Mapping[str, Any]) -> Strategy:
        """Return a Strategy that speaks for the class."""

        class Wrapped(Strategy):
            """Warms up at its start, then orders."""

            symbols = ("BTC/USDT",)
            size = Parameter(1.0)

            def on_start(self) -> None:
                """Try to order while warming up."""
                self.warming_up = True
                self.log(f"may trade {self.may_trade}")
                self.warming_up = False

            def on_tick(self, tick: Tick) -> None:
                """Order."""
                self.buy(self.size)

        return Wrapped(**parameters)


def test_foreign_class_runs_through_its_adapter(
    bus: EventBus, start_manager: Start, command: Command, folder: Path, journal: Journal, wait_until: WaitUntil
) -> None:
    """A class of another framework is loaded by its adapter, and cannot order while it warms up."""
    (folder / "foreign.py").write_text(f"import sys\nclass Mine(sys.modules[{__name__!r}].Foreign): ...\n")
    start_manager(adapters=[ForeignAdapter()])
    assert command("run", "mine", file="foreign", parameters={"size": 2}).ok
    bus.publish(tick())
    wait_until(lambda: journal(OrderRequest), "an order")
    assert journal(StrategyStatusEvent)[0].kind == "foreign"
    assert journal(LogEvent)[0].message == "may trade False"


def test_events_of_unloaded_strategies_are_still_counted(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """A fill that comes while no strategy of its id is loaded is in the position of the next one."""
    source = """
    class Looker(Strategy):
        symbols = ("BTC/USDT",)
        def on_tick(self, tick):
            self.log(f"{self.position.quantity:g}")
    """
    write_file("looker.py", source)
    start_manager()
    bus.publish(Fill(**BTC, strategy="look", client_id="x", side=Side.BUY, quantity=2.0, price=1.0))
    assert command("run", "look", file="looker").ok
    bus.publish(tick())
    wait_until(lambda: journal(LogEvent), "the position")
    assert journal(LogEvent)[0].message == "2"


def test_command_that_breaks_the_manager_itself_is_answered(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    """Even an error of ours is answered, so that nobody waits, and reported."""
    manager = start_manager()
    monkeypatch.setattr(manager._roster, "start", lambda *_: 1 / 0)
    assert command("start", "x").detail == "division by zero"
    wait_until(lambda: manager.health().errors == 1, "the error's count")


def test_order_events_reach_the_portfolio_of_a_stopped_strategy(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal, wait_until: WaitUntil
) -> None:
    """After a stop the cancelled orders disappear though no callback is called."""
    write_file("buyer.py", BUYER)
    manager = start_manager()
    assert command("run", "mine", file="buyer").ok
    bus.publish(tick())
    wait_until(lambda: journal(OrderRequest), "an order")
    assert command("stop", "mine").ok
    bus.publish(OrderEvent(**BTC, strategy="mine", client_id=journal(OrderRequest)[0].client_id, status=OrderStatus.CANCELLED))
    wait_until(lambda: not manager._roster.portfolios["mine"].orders, "the order's end")


def test_control_event_without_a_manager_is_answered_at_its_start(bus: EventBus, start_manager: Start, journal: Journal) -> None:
    """A command that was sent while the process was down is answered with a refusal, not done late."""
    control = bus.publish(StrategyControlEvent(action="run", strategy="late", file="grid"))
    manager = start_manager()
    answer = journal(Applied)[0]
    assert (answer.control, answer.ok) == (control, False)
    assert "send it again" in answer.detail
    assert manager.strategies() == []


def test_manager_can_be_stopped_and_started_again(bus: EventBus, start_manager: Start, command: Command, wait_until: WaitUntil) -> None:
    """The same object starts anew, as the registry's restart does, and routes each event once."""
    bus.instruments.number("BTC/USDT", "SIM")
    manager = start_manager()
    assert StrategyManager().strategies() == []
    assert command("run", "grid", file="grid").ok
    assert manager.stop()
    manager.start(bus)
    wait_until(lambda: [info.state for info in manager.strategies()] == ["running"], "the second start")
    bus.publish(tick(100.0))
    wait_until(lambda: manager.strategies()[0].times["on_tick"].calls, "the tick")
    assert [(info.id, info.state, info.times["on_tick"].calls) for info in manager.strategies()] == [("grid", "running", 1)]
