"""Components: handlers, threads, errors, durable cursors; and the registry."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.component import Component, event_handler
from gcg_quant.errors import ComponentError
from gcg_quant.events import Event, LogEvent, SignalEvent, SystemEvent, Tick, TradeTick
from gcg_quant.registry import Registry


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.002)


class Collecting(Component):
    """Keeps what it handles."""

    capabilities = ("collecting",)

    def __init__(self, name: str = "collecting", **options: object) -> None:
        super().__init__(name, **options)  # type: ignore[arg-type]
        self.seen: list[Event] = []
        self.batches = 0

    @event_handler(Tick, symbols={"A"})
    def on_tick(self, tick: Tick) -> None:
        """Keep a tick and answer with a signal; refuse negative prices."""
        if tick.last_price < 0:
            raise ValueError("negative price")
        self.seen.append(tick)
        self.publish(SignalEvent(symbol=tick.symbol, venue=tick.venue, strategy="s", name="seen", event_ns=tick.event_ns))

    @event_handler(TradeTick)
    async def on_trade(self, trade: TradeTick) -> None:
        """Keep a trade, later."""
        await asyncio.sleep(0)
        self.seen.append(trade)

    def on_batch(self) -> None:
        """Count."""
        self.batches += 1


def test_handlers_get_their_events_in_order(bus: EventBus) -> None:
    """Sync and async handlers run in the order of the lane, for their symbols only."""
    component = Collecting()
    component.start(bus)
    bus.publish(Tick(symbol="A", event_ns=1, last_price=1))
    bus.publish(TradeTick(symbol="B", event_ns=2))
    bus.publish(Tick(symbol="B", event_ns=3, last_price=1))
    bus.publish(Tick(symbol="A", event_ns=4, last_price=1))
    wait_for(lambda: len(component.seen) == 3)
    assert component.stop()
    assert [event.event_ns for event in component.seen] == [1, 2, 4]  # type: ignore[union-attr]
    assert component.batches >= 1
    assert component.state == "stopped"


def test_what_a_handler_publishes_names_its_cause_and_source(bus: EventBus) -> None:
    """An event published in a handler is caused by the handled one and comes from the component."""
    component = Collecting()
    component.start(bus)
    event_id = bus.publish(Tick(symbol="A", event_ns=1, last_price=1))
    reader = bus.reader(start="begin", events=[SignalEvent])
    signal = reader.read(30.0)
    component.stop()
    assert signal is not None
    assert (signal.cause, signal.source) == (event_id, "collecting")


def test_a_handlers_exception_is_reported_and_stops_nothing(bus: EventBus) -> None:
    """The exception is on the log lane with the event's id, and the next event is handled."""
    component = Collecting()
    component.start(bus)
    bad = bus.publish(Tick(symbol="A", event_ns=1, last_price=-1))
    bus.publish(Tick(symbol="A", event_ns=2, last_price=1))
    wait_for(lambda: len(component.seen) == 1)
    component.stop()
    (line,) = list(bus.reader(start="begin", events=[LogEvent]))
    assert isinstance(line, LogEvent)
    assert line.about == bad
    assert line.level == "error"
    assert "ValueError: negative price" in line.message
    assert component.health().errors == 1


def test_dynamic_subscription(bus: EventBus) -> None:
    """A handler added while running sees what is published after subscribe() returned."""
    component = Component("dynamic")
    component.start(bus)
    seen: list[int] = []
    subscription = component.subscribe(Tick, lambda tick: seen.append(tick.event_ns), symbols={"A"})
    bus.publish(Tick(symbol="A", event_ns=1))
    wait_for(lambda: seen == [1])
    component.unsubscribe(subscription)
    bus.publish(Tick(symbol="A", event_ns=2))
    wait_for(lambda: component.health().lag == 0)
    component.stop()
    assert seen == [1]


def test_durable_component_goes_on_from_its_cursor(bus: EventBus) -> None:
    """After a restart a durable component handles what came meanwhile, once."""
    first = Collecting(durable=True, start="begin")
    first.start(bus)
    bus.publish(Tick(symbol="A", event_ns=1, last_price=1))
    wait_for(lambda: len(first.seen) == 1)
    first.stop()
    bus.publish(Tick(symbol="A", event_ns=2, last_price=1))
    second = Collecting(durable=True, start="begin")
    second.start(bus)
    wait_for(lambda: len(second.seen) == 1)
    second.stop()
    assert [event.event_ns for event in second.seen] == [2]  # type: ignore[union-attr]


def test_failing_start_is_seen(bus: EventBus) -> None:
    """A component that cannot start is "failed", and the log says why."""

    class Broken(Component):
        def on_start(self) -> None:
            raise ComponentError("there is no data folder")

    component = Broken("broken")
    component.start(bus)
    wait_for(lambda: component.state == "failed")
    (line,) = list(bus.reader(start="begin", events=[LogEvent]))
    assert isinstance(line, LogEvent)
    assert line.message == "broken stopped: there is no data folder"


def test_health_shows_a_hanging_handler(bus: EventBus) -> None:
    """`busy_s` grows while a handler does not return."""
    release = threading.Event()
    component = Component("hanging")
    component.subscribe(Tick, lambda _: release.wait(5))
    component.start(bus)
    bus.publish(Tick(symbol="A"))
    wait_for(lambda: component.health().busy_s > 0.1)
    release.set()
    assert component.stop()


def test_registry_finds_starts_and_stops(bus: EventBus) -> None:
    """Components are found by name or capability, and may come and go while the rest runs."""
    registry = Registry()
    registry.add(Collecting("one"))
    registry.start(bus)
    registry.add(Collecting("two"))
    assert [component.name for component in registry.find("collecting")] == ["one", "two"]
    with pytest.raises(ComponentError, match="Did you mean 'one'"):
        registry.get("onee")
    with pytest.raises(ComponentError, match="already"):
        registry.add(Collecting("one"))
    wait_for(lambda: all(health.state == "running" for health in registry.health()))
    registry.restart("one")
    registry.remove("two")
    assert [component.name for component in registry] == ["one"]
    assert registry.stop() == []


def test_idle_component_rests(bus: EventBus) -> None:
    """Twenty idle components use little of a core."""
    components = [Component(f"idle{number}") for number in range(20)]
    for component in components:
        component.subscribe(SystemEvent, lambda _: None)
        component.start(bus)
    begin, wall = time.process_time(), time.monotonic()
    threading.Event().wait(1.0)
    share = (time.process_time() - begin) / (time.monotonic() - wall)
    for component in components:
        component.stop()
    assert share < 0.4


def test_component_without_a_thread_is_driven_by_hand(bus: EventBus) -> None:
    """turn() handles what is there on the caller's thread, and stop() ends it."""
    component = Collecting()
    component.start(bus, threaded=False)
    assert component.state == "running"
    bus.publish(Tick(symbol="A", event_ns=1, last_price=1))
    bus.publish(TradeTick(symbol="B", event_ns=2))
    assert component.turn() == 2
    assert component.turn() == 0
    assert [event.event_ns for event in component.seen] == [1, 2]  # type: ignore[union-attr]
    assert component.stop()
    assert component.state == "stopped"
    assert component.stop()
