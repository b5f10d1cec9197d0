"""What a process group tells of its components: little while nothing changes, and all of it now and then."""

from __future__ import annotations

from gcg_quant.admin.running.group_report import GroupReport
from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.events import Event, MetricEvent, Tick
from gcg_quant.registry import Registry

from .test_kill_switch import wait_for


def test_what_has_not_changed_is_told_again_after_a_while_only(bus: EventBus) -> None:
    """An idle component tells once a second that it runs, and all that is known of it every fifteen seconds."""
    registry, now = Registry(), [100.0]
    registry.add(Component("idle"))
    registry.start(bus)
    try:
        wait_for(lambda: registry.get("idle").state == "running", "the component running")
        report = GroupReport("services", registry, bus, clock=lambda: now[0])
        with bus.reader(start="end", events=[MetricEvent]) as reader:

            def told() -> list[str]:
                events: list[Event] = list(reader)
                return [event.name for event in events if isinstance(event, MetricEvent) and event.component == "idle"]

            report.make()
            everything = told()
            assert {"lag", "handled", "errors", "running"} <= set(everything)
            for _ in range(5):
                now[0] += 1.0
                report.make()
            assert [name for name in told() if name not in ("lag", "max_us")] == ["running"] * 5
            now[0] += 0.5
            report.make()
            assert told() == []
            now[0] += 15.0
            report.make()
            assert sorted(told()) == sorted(everything)
    finally:
        registry.stop()


def test_how_long_handlers_took_is_told_with_their_mean(bus: EventBus) -> None:
    """The classes of the histogram cost no event of their own: the mean carries them."""
    registry, now = Registry(), [100.0]
    busy = Component("busy", start="begin")
    busy.subscribe(Tick, lambda _: None)
    busy.start(bus, threaded=False)
    registry.add(busy)
    report = GroupReport("market", registry, bus, clock=lambda: now[0])
    with bus.reader(start="end", events=[MetricEvent]) as reader:

        def told() -> list[MetricEvent]:
            events: list[Event] = list(reader)
            return [event for event in events if isinstance(event, MetricEvent) and event.component == "busy"]

        for count in (3, 8):
            for _ in range(count):
                bus.publish(Tick(symbol="A", venue="X", last_price=1.0))
            busy.turn()
            now[0] += 1.0
            report.make()
            found = told()
            metrics = {event.name: event for event in found}
            assert len(metrics) == len(found)
            assert {name for name, event in metrics.items() if event.counts} == {"mean_us"}
            assert sum(metrics["mean_us"].counts) == metrics["handled"].value == busy.health().handled
            assert metrics["mean_us"].counts == busy.health().calls
    busy.stop()
