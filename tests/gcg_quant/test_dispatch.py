"""Handlers that are called from C++: one by one, in batches, with the latest only; order, causes, errors and statistics."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus, Subscription, current_cause
from gcg_quant.component import Component, event_handler
from gcg_quant.errors import EventError, JournalError
from gcg_quant.events import Bar, Event, LogEvent, SystemEvent, Tick, TradeTick, event_types
from gcg_quant.handler_statistics import HANDLER_BOUNDS_S


def tick(symbol: str, number: int) -> Tick:
    """Return a tick that shows its number."""
    return Tick(symbol=symbol, venue="X", event_ns=number, last_price=float(number))


def driven(bus: EventBus, kind: Any, handler: Callable[[Any], Any], **options: Any) -> Component:
    """Return a component with one handler that reads from the beginning and is driven by hand."""
    component = Component("driven", start="begin", batch=1_000_000)
    component.subscribe(kind, handler, **options)
    component.start(bus, threaded=False)
    return component


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, at most 30 s."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.001)


def test_latest_is_the_newest_a_class_and_symbol(bus: EventBus) -> None:
    """Of all that waits, a handler of the latest gets one event a class and symbol, in the order of their ids."""
    for number in range(100):
        bus.publish(tick("A", number))
        bus.publish(tick("B", number))
    bus.publish(TradeTick(symbol="A", venue="X", event_ns=7, price=1.0))
    got: list[Any] = []
    component = driven(bus, Tick | TradeTick, got.append, latest=True)
    assert component.turn() == 201
    assert [(type(event), event.symbol, event.event_ns) for event in got] == [(Tick, "A", 99), (Tick, "B", 99), (TradeTick, "A", 7)]
    bus.publish(tick("A", 100))
    component.turn()
    assert [event.event_ns for event in got[3:]] == [100]
    component.stop()


def test_batches_hold_every_event_in_order(bus: EventBus) -> None:
    """A handler of batches gets lists of at most so many events, and what is left once the reader has caught up."""
    for number in range(25):
        bus.publish(tick("A", number))
    got: list[list[Tick]] = []
    component = driven(bus, Tick, got.append, batch=10)
    component.turn()
    component.stop()
    assert [len(events) for events in got] == [10, 10, 5]
    assert [event.event_ns for events in got for event in events] == list(range(25))


def test_unfinished_batch_waits_no_longer_than_its_bound(bus: EventBus) -> None:
    """The first event of a batch waits `within_s` for others: not less while there is room, and not for ever."""
    got: list[tuple[float, list[Tick]]] = []
    component = Component("bounded", start="begin")
    component.subscribe(Tick, lambda events: got.append((time.monotonic(), events)), batch=10, within_s=0.2)
    component.start(bus)
    published = time.monotonic()
    bus.publish_many([tick("A", 1), tick("A", 2)])
    until(lambda: bool(got))
    component.stop()
    ((delivered, events),) = got
    assert [event.event_ns for event in events] == [1, 2]
    assert delivered - published >= 0.2


def test_stop_delivers_what_still_waits(bus: EventBus) -> None:
    """A component that stops hands over its unfinished batches and its latest events."""
    bus.publish(tick("A", 1))
    got: list[list[Tick]] = []
    component = driven(bus, Tick, got.append, batch=10, within_s=60.0)
    component.turn()
    assert not got
    assert component.reader.pending
    component.stop()
    assert [[event.event_ns for event in events] for events in got] == [[1]]


def test_unfinished_batch_is_read_again_after_a_crash(bus: EventBus) -> None:
    """A durable component's cursor does not pass events that its handler has not been given."""

    def component(got: list[list[Tick]], within_s: float) -> Component:
        made = Component("durable", start="begin", durable=True)
        made.subscribe(Tick, got.append, batch=10, within_s=within_s)
        made.start(bus, threaded=False)
        return made

    bus.publish(tick("A", 1))
    lost: list[list[Tick]] = []
    first = component(lost, 60.0)
    first.turn()
    first._commit()
    first.reader.close()  # as if it had been killed
    assert not lost
    got: list[list[Tick]] = []
    second = component(got, 0.0)
    second.turn()
    second.stop()
    assert [[event.event_ns for event in events] for events in got] == [[1]]


def test_control_event_passes_the_market_events_that_wait(bus: EventBus) -> None:
    """A control event that comes while market events wait is handled next."""
    for number in range(1000):
        bus.publish(tick("A", number))
    order: list[str] = []

    class Steered(Component):
        @event_handler(Tick)
        def on_tick(self, event: Tick) -> None:
            if event.event_ns == 10:
                self.publish(SystemEvent(action="stop", component="x"))
            order.append("tick")

        @event_handler(SystemEvent)
        def on_system(self, event: SystemEvent) -> None:
            order.append("control")

    component = Steered("steered", start="begin", batch=10_000)
    component.start(bus, threaded=False)
    component.turn()
    component.stop()
    assert order.index("control") == 11


@pytest.mark.parametrize("options", [{}, {"batch": 3}, {"latest": True}])
def test_what_a_handler_publishes_names_its_event_as_cause(bus: EventBus, options: dict[str, Any]) -> None:
    """The cause is the event handled, or the last one of a batch; before and after it is what it was."""
    ids = [bus.publish(tick("A", number)) for number in range(3)]
    causes: list[int] = []
    component = driven(bus, Tick, lambda _: causes.append(current_cause()), **options)
    component.turn()
    component.stop()
    assert causes == (ids if not options else [ids[-1]])
    assert current_cause() == 0


def test_failing_batch_is_reported_with_its_last_event(bus: EventBus) -> None:
    """An exception of a handler of batches is reported with the id of the last event, and counted."""
    ids = [bus.publish(tick("A", number)) for number in range(3)]
    component = driven(bus, Tick, lambda events: events[0].nothing, batch=10)
    component.turn()
    component.stop()
    (line,) = [event for event in bus.reader(start="begin", events=[LogEvent]) if isinstance(event, LogEvent)]
    assert line.about == ids[-1]
    assert "AttributeError" in line.message
    assert component.health().errors == 1


def test_handlers_may_come_and_go_while_one_runs(bus: EventBus) -> None:
    """A handler that subscribes another one and removes itself changes what the next event meets."""
    seen: list[str] = []
    component = Component("changing", start="begin", batch=100)

    def late(event: Tick) -> None:
        seen.append(f"late {event.event_ns}")

    def early(event: Tick) -> None:
        seen.append(f"early {event.event_ns}")
        component.unsubscribe(first)
        component.subscribe(Tick, late)

    first = component.subscribe(Tick, early)
    component.start(bus, threaded=False)
    for number in range(3):
        bus.publish(tick("A", number))
    component.turn()
    component.stop()
    assert seen == ["early 0", "late 1", "late 2"]


def test_several_handlers_of_one_event_get_the_same_object(bus: EventBus) -> None:
    """Each matching subscription is called in the order of subscribing, filters apart."""
    got: list[tuple[str, Event]] = []
    component = Component("several", start="begin")
    component.subscribe(Tick, lambda event: got.append(("all", event)))
    component.subscribe(Tick, lambda event: got.append(("B", event)), symbols={"B"})
    component.start(bus, threaded=False)
    bus.publish(tick("A", 1))
    bus.publish(tick("B", 2))
    component.turn()
    component.stop()
    assert [(name, event.event_ns) for name, event in got if isinstance(event, Tick)] == [("all", 1), ("all", 2), ("B", 2)]
    assert got[1][1] is got[2][1]


def test_statistics_survive_the_reader(bus: EventBus) -> None:
    """Health counts calls and errors over restarts, and shows since when a handler runs."""
    busy: list[float] = []
    component = Component("counted", start="begin")
    component.subscribe(Tick, lambda _: busy.append(component.health().busy_s))
    component.start(bus, threaded=False)
    bus.publish(tick("A", 1))
    component.turn()
    component.stop()
    component.start(bus, threaded=False)
    component.turn()
    component.stop()
    health = component.health()
    assert health.handled == 2
    assert health.max_us >= health.mean_us > 0
    assert health.busy_s == 0
    assert all(0 < spent < 5 for spent in busy)


def test_calls_are_counted_by_the_time_they_took(bus: EventBus) -> None:
    """Each call is in one class of the histogram: two slow ones in theirs or above, the many quick ones below."""
    slow = {3, 150}
    for number in range(400):
        bus.publish(tick("A", number))
    component = driven(bus, Tick, lambda event: time.sleep(0.03) if event.event_ns in slow else None)
    component.turn()
    told = component.health()
    assert sum(told.calls) == told.handled == 400
    bound = HANDLER_BOUNDS_S.index(0.025)
    assert len(told.calls) == len(HANDLER_BOUNDS_S) + 1
    assert sum(told.calls[bound + 1 :]) >= 2
    assert sum(told.calls[:bound]) > 300
    component.stop()
    assert component.health().calls == told.calls
    least = sum(count * lower for count, lower in zip(told.calls, (0.0, *HANDLER_BOUNDS_S), strict=True))
    assert least <= told.mean_us * 400 / 1e6


def test_an_own_batch_is_counted_with_its_mean(bus: EventBus) -> None:
    """What is handled without `dispatch` counts as equally long, an empty batch not at all; a reader's calls are added."""
    bus.publish(tick("A", 1))
    component = driven(bus, Tick, lambda _: None)
    component.note_handled(100, 400_000)
    component.note_handled(0, 0)
    component.note_handled(1, 1_000)  # on a bound: it belongs to the lower class
    component.note_handled(1, 60_000_000_000)
    before = component.health()
    assert before.calls[0] == 1
    assert before.calls[HANDLER_BOUNDS_S.index(0.000005)] == 100
    assert before.calls[-1] == 1
    component.turn()
    assert sum(component.health().calls) == component.health().handled == 103
    component.stop()


@pytest.mark.parametrize("options", [{"latest": True, "batch": 2}, {"batch": -1}, {"within_s": 1.0}])
def test_options_that_exclude_each_other_are_refused(options: dict[str, Any]) -> None:
    """Batches and the latest exclude each other, and a time bound is one of batches."""
    with pytest.raises(EventError, match=r"batch"):
        Subscription(event_types(Tick), print, **options)


def test_read_latest_passes_the_others_over(bus: EventBus) -> None:
    """A reader's `read_latest` returns the newest a class and symbol and stands behind all."""
    for number in range(10):
        bus.publish(tick("AB"[number % 2], number))
    bus.publish(Bar(symbol="A", venue="X", event_ns=60, period="1m"))
    with bus.reader(start="begin") as reader:
        assert [event.event_ns for event in reader.read_latest()] == [8, 9, 60]  # type: ignore[union-attr]
        assert reader.read_latest() == []
        assert reader.read() is None


def test_read_many_waits_for_others_within_its_bound(bus: EventBus) -> None:
    """Once the first event is there, `within_s` bounds the wait for the rest."""
    bus.publish(tick("A", 1))
    with bus.reader(start="begin") as reader:
        began = time.monotonic()
        assert len(reader.read_many(5, timeout_s=0.0, within_s=0.2)) == 1
        assert time.monotonic() - began >= 0.2
        for number in range(5):
            bus.publish(tick("A", number))
        assert len(reader.read_many(5, timeout_s=0.0, within_s=60.0)) == 5


def test_follow_yields_what_comes_and_ends_after_silence(bus: EventBus) -> None:
    """`follow` goes on past the head and stops when nothing has come for so long."""
    bus.publish(tick("A", 1))
    got: list[int] = []
    with bus.reader(start="begin") as reader:
        for event in reader.follow(0.05):
            assert isinstance(event, Tick)
            got.append(event.event_ns)
            if event.event_ns < 3:
                bus.publish(tick("A", event.event_ns + 1))
    assert got == [1, 2, 3]


def test_record_published_to_two_buses_has_each_ones_number(bus: EventBus, tmp_path: Path) -> None:
    """A record knows its instrument's number on the bus it went to last, and is looked up anew on another."""
    event = tick("A", 1)
    with EventBus(tmp_path / "other", source="test", sync="none") as other:
        other.publish(tick("B", 0))
        for _ in range(2):
            bus.publish(event)
            other.publish(event)
        assert [one.symbol for one in bus.reader(start="begin")] == ["A", "A"]  # type: ignore[union-attr]
        assert [one.symbol for one in other.reader(start="begin")] == ["B", "A", "A"]  # type: ignore[union-attr]


def test_publish_takes_one_event_and_known_keywords(bus: EventBus) -> None:
    """Anything else is a TypeError that names it."""
    with pytest.raises(TypeError, match="one event"):
        bus.publish(tick("A", 1), tick("A", 2))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="reason"):
        bus.publish(tick("A", 1), reason=1)  # type: ignore[call-arg]
    assert bus.head(1) == 1  # type: ignore[arg-type]


def test_dropped_component_is_collected(bus: EventBus) -> None:
    """A component that nobody closed or holds goes, although its reader holds its handlers: the collector sees through both."""

    class Dropped(Component):
        @event_handler(Tick)
        def on_tick(self, event: Tick) -> None:
            del event

    component = Dropped("dropped", start="begin")
    component.start(bus, threaded=False)
    bus.publish(tick("A", 1))
    component.turn()
    gone = weakref.ref(component)
    del component
    gc.collect()
    assert gone() is None


def test_handler_may_close_the_reader(bus: EventBus) -> None:
    """A reader closed by a handler says so and stops; nothing crashes."""
    bus.publish(tick("A", 1))
    bus.publish(tick("A", 2))
    with bus.reader(start="begin") as reader:
        reader.handle([Subscription((Tick,), lambda _: reader.close())])
        with pytest.raises(JournalError, match="closed"):
            reader.dispatch(10, 0.0, print, print)


@pytest.mark.parametrize("wait", ["adaptive", "sleep", "busy"])
def test_wake_ends_a_dispatch(bus: EventBus, wait: str) -> None:
    """Whoever waits for events comes back when the bus is woken, also when it was woken just before; then it waits again."""
    with bus.reader(wait=wait) as reader:
        reader.handle([Subscription((Tick,), print)])
        bus.wake()
        assert reader.dispatch(10, 3600.0, print, print) == 0
        begin = time.monotonic()
        assert reader.dispatch(10, 0.05, print, print) == 0
        assert time.monotonic() - begin >= 0.05
        waker = threading.Timer(0.02, bus.wake)
        waker.start()
        assert reader.dispatch(10, 3600.0, print, print) == 0
        waker.join()
