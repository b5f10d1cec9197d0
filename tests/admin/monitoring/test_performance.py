"""PerformanceMonitor: each threshold crossed and back, on a real bus."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.admin.monitoring.performance import PerformanceMonitor
from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.data_collector.folder import FolderCollector
from gcg_quant.data_collector.folder.options import FolderOptions
from gcg_quant.events import (
    AlertEvent,
    CollectorStatusEvent,
    ConfigChangeEvent,
    GatewayStatus,
    LogEvent,
    MetricEvent,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    SubscribeEvent,
    SystemEvent,
    Tick,
    World,
)
from gcg_quant.settings import Settings

from .conftest import Watched, wait_until

Watch = Callable[..., Watched]
PAIR = {"symbol": "BTC/USDT", "venue": "SIM"}


def tick(bus: EventBus) -> int:
    """Publish a tick."""
    return bus.publish(Tick(**PAIR, event_ns=now_ns(), last_price=100.0))


def order(bus: EventBus, cause: int, *, answered: bool = True) -> None:
    """Publish an order's way from its cause to the venue's answer."""
    names = {**PAIR, "account": "paper", "strategy": "grid"}
    request = bus.publish(OrderRequest(**names, quantity=1.0), cause=cause)
    bus.publish(OrderEvent(**names, request=request, status=OrderStatus.SUBMITTING, gateway="paper"))
    bus.publish(OrderCommand(**names, request=request, gateway="paper"))
    if answered:
        bus.publish(OrderEvent(**names, request=request, status=OrderStatus.ACCEPTED, gateway="paper"))
        bus.publish(OrderEvent(**names, request=request, status=OrderStatus.FILLED, gateway="paper"))


def metric(bus: EventBus, name: str, value: float, component: str = "recorder") -> None:
    """Publish what a component says of itself."""
    bus.publish(MetricEvent(component=component, name=name, value=value, labels={"group": "services"}))


def test_slow_orders_are_told(bus: EventBus, watch: Watch) -> None:
    """From the tick behind an order, found by its cause, to the order; one slow order alone says nothing."""
    watched = watch(tick_to_order_ms=0.000001)
    order(bus, tick(bus))
    watched.looks()
    assert watched.alerts == []
    order(bus, tick(bus))
    alert = watched.until("warning", "tick_to_order")
    assert alert.component == "orders"
    assert "p95 of the newest 2" in alert.message
    assert "look at" in alert.message
    latency = watched.monitor.latency
    assert latency is not None
    wait_until(lambda: latency.order_to_ack["paper"].count == 2, "the answer to the second order")  # the alert may come before it
    assert (latency.tick_to_order.count, latency.order_to_command.count) == (2, 2)


def test_only_what_a_market_event_led_to_has_a_time_from_it(bus: EventBus, watch: Watch) -> None:
    """An order of a person or a timer, one without an answer, and one that risk refused are not measured."""
    watched = watch()
    order(bus, 0)
    order(bus, bus.publish(SystemEvent(action="x")))
    order(bus, bus.publish(GatewayStatus(gateway="paper", account="paper", status="connected")), answered=False)
    request = bus.publish(OrderRequest(**PAIR, account="paper", strategy="grid", quantity=1.0), cause=tick(bus))
    bus.publish(OrderEvent(**PAIR, request=request, status=OrderStatus.REJECTED))
    latency = watched.monitor.latency
    assert latency is not None
    wait_until(lambda: latency.orders == 4, "four orders")
    assert (latency.tick_to_order.count, latency.order_to_command.count) == (1, 3)
    assert latency.order_to_ack["paper"].count == 2


def test_slow_answers_count_without_the_paper_latency(bus: EventBus, watch: Watch) -> None:
    """What the paper gateway is set to take is no fault."""
    watched = watch(order_to_ack_ms=0.000001, latency_ms=60_000)  # far more than the test itself may be held up between two events
    for _ in range(3):
        order(bus, 0)
    watched.looks()
    assert watched.alerts == []


def test_a_reader_that_is_behind_is_told_and_that_it_caught_up(bus: EventBus, watch: Watch) -> None:
    """Its name, its events and its seconds; over once it has read on."""
    watched = watch(lag_events=50)
    with bus.reader("slow") as slow:
        bus.publish_many([Tick(**PAIR, event_ns=now_ns(), last_price=100.0)] * 60)  # at once: a look in between would see fewer
        alert = watched.until("warning", "lag", component="slow")  # the monitor itself may have them before it when it looks
        assert "Reader slow is 6" in alert.message
        assert list(slow)
        assert watched.until("info", "lag", component="slow").message == "Reader slow has caught up."


def test_a_reader_that_is_late_is_told(bus: EventBus, watch: Watch) -> None:
    """The age of the oldest event that it has not read; a reader that is gone is over."""
    watched = watch(lag_s=0.2)
    with bus.reader("slow"):
        tick(bus)
        watched.until("warning", "late", component="slow")
    watched.until("info", "late", component="slow")


def test_silence_of_a_venue_is_told(bus: EventBus, watch: Watch) -> None:
    """A venue that sent something and sends no more, until it does again; what nobody wants any more is not waited for."""
    watched = watch(silence_s=0.3)
    tick(bus)
    alert = watched.until("critical", "silence")
    assert alert.component == "SIM"
    assert "BTC/USDT" in alert.message
    watched.bus.publish(SubscribeEvent(symbol="BTC/USDT", venue="SIM", subscribe=False))
    watched.until("info", "silence")


def test_memory_disk_and_processes(bus: EventBus, watch: Watch) -> None:
    """Each process by its name, all together, and the disk."""
    bus.publish(SystemEvent(action="group_started", component="services", data={"pid": os.getpid()}))
    watched = watch(process_mb=1, memory_mb=1, disk_mb=1e12)
    alert = watched.until("warning", "process_memory")
    assert alert.component == "services"
    assert "more than process_mb = 1" in alert.message
    watched.until("warning", "memory")
    assert "Make room" in watched.until("critical", "disk").message
    bus.publish(SystemEvent(action="group_died", component="services", detail="exit code 1"))
    assert "logs/services.out" in watched.until("critical", "process_died").message
    watched.until("info", "process_memory")
    bus.publish(SystemEvent(action="group_started", component="services", data={"pid": os.getpid()}))
    watched.until("info", "process_died")


def test_errors_of_handlers_are_counted_by_the_minute(bus: EventBus, watch: Watch) -> None:
    """The number, the newest error, and the command that shows more; a restarted component counts anew."""
    watched = watch(handler_errors=3)
    metric(bus, "errors", 7, "charts")
    metric(bus, "errors", 9, "charts")
    watched.looks()
    assert watched.alerts == []
    bus.publish(LogEvent(level="error", component="charts", message="on_tick raised KeyError: 'x'"))
    metric(bus, "errors", 2, "charts")
    metric(bus, "errors", 5, "charts")
    alert = watched.until("warning", "handler_errors")
    assert "failed 5 times in the last minute, the newest: on_tick raised KeyError" in alert.message
    assert "logs --component charts" in alert.message


def test_database_and_gateway_unless_they_say_so_themselves(bus: EventBus, watch: Watch) -> None:
    """The recorder's and the engine's own alerts are not doubled."""
    watched = watch(database_s=5, gateway_s=0.1)
    metric(bus, "behind_s", 9.0)
    bus.publish(GatewayStatus(gateway="ctp", account="a1", status="disconnected"))
    assert watched.until("critical", "database_behind").component == "recorder"
    assert watched.until("critical", "gateway").component == "trading-a1"
    bus.publish(AlertEvent(level="critical", component="recorder", name="database", message="locked"))
    bus.publish(AlertEvent(level="critical", component="trading-a1", name="gateway_down", message="down"))
    watched.until("info", "database_behind")
    watched.until("info", "gateway")
    bus.publish(AlertEvent(level="info", component="trading-a1", name="gateway_up", message="up"))
    watched.until("critical", "gateway", 2)
    bus.publish(GatewayStatus(gateway="ctp", account="a1", status="connected"))
    watched.until("info", "gateway", 2)


def test_a_collector_that_stays_disconnected_is_told(bus: EventBus, watch: Watch, tmp_path: Path) -> None:
    """Once, with its reason, also over a restart of the monitor; over once it is connected."""
    watched = watch(collector_s=0.1)
    folder = tmp_path / "files"
    collector = FolderCollector("files", "V", options=FolderOptions(folder=folder), backoff=Backoff(0.01, 0.05))
    collector.start(bus)
    try:
        alert = watched.until("critical", "disconnected")
        assert alert.component == "files"
        assert f"(there is no folder {folder}): look at `collectors status files`." in alert.message
        watched.restart()
        watched.looks(5)
        assert [one.level for one in watched.alerts] == ["critical"]
        folder.mkdir()
        assert "connected again" in watched.until("info", "disconnected").message
    finally:
        collector.stop()


def test_a_collector_may_be_disconnected_while_its_markets_are_closed(bus: EventBus, watch: Watch) -> None:
    """The time counts from when one of them is open; who was stopped is none, and "off" watches none."""
    watched = watch(collector_s=0.1)

    def tell(state: str, *, market_open: bool = True) -> None:
        bus.publish(CollectorStatusEvent(collector="ctp", venue="CTP", state=state, since_ns=now_ns(), market_open=market_open))

    for state, is_open in (("waiting", False), ("refused", False), ("idle", True), ("connected", True)):
        tell(state, market_open=is_open)
        watched.looks(4)
        assert watched.alerts == []
    tell("refused")
    assert "disconnected for" in watched.until("critical", "disconnected").message
    tell("connecting", market_open=False)
    watched.until("info", "disconnected")
    bus.publish(ConfigChangeEvent(revision=2, changes={"monitoring.collector_s": "off"}))
    tell("waiting")
    watched.looks(5)
    assert len(watched.alerts) == 2


def test_thresholds_change_while_it_runs(bus: EventBus, watch: Watch) -> None:
    """A changed threshold is in force at the next look; one that makes no sense changes nothing and is told."""
    watched = watch()
    metric(bus, "behind_s", 9.0)
    watched.looks()
    assert watched.alerts == []
    bus.publish(ConfigChangeEvent(revision=2, changes={"monitoring.database_s": 5.0, "monitoring.webhook_url": "***"}))
    watched.until("critical", "database_behind")
    bus.publish(ConfigChangeEvent(revision=3, changes={"monitoring.database_s": "off"}))
    watched.until("info", "database_behind")
    bus.publish(ConfigChangeEvent(revision=0, changes={"monitoring.lag_s": -1}))
    with bus.reader(start="begin", events=[LogEvent]) as reader:
        event = wait_until(reader.read, "the log line")
    assert "lag_s makes no sense" in event.message
    assert watched.monitor.limits.lag_s is None


def test_a_restart_raises_nothing_again(bus: EventBus, watch: Watch) -> None:
    """What lasts over a restart is one alert, and is ended by whoever runs then."""
    watched = watch(disk_mb=1e12)
    watched.until("critical", "disk")
    watched.restart()
    watched.looks(5)
    assert [alert.level for alert in watched.alerts] == ["critical"]
    bus.publish(ConfigChangeEvent(revision=2, changes={"monitoring.disk_mb": "off"}))
    watched.until("info", "disk")
    watched.restart()
    watched.looks(5)
    assert [alert.level for alert in watched.alerts] == ["critical", "info", "critical"]  # the threshold is the settings' again


def test_what_lasts_is_told_again_with_its_count(bus: EventBus, watch: Watch) -> None:
    """At its pace, since when and how often; the book shows one alert."""
    watched = watch(disk_mb=1e12, repeat_min=0.1)
    watched.until("critical", "disk")
    damper = watched.monitor._dampers["system", "disk"]
    damper._told_s -= 6.0
    assert "It lasts since" in watched.until("critical", "disk", 2).message
    rows: list[dict[str, Any]] = watched.monitor.ask(lambda book: book.rows())
    assert [(row["name"], row["count"]) for row in rows] == [("disk", 2)]


def test_a_start_raises_nothing(bus: EventBus, tmp_path: Path, watch: Watch) -> None:
    """Within the grace of a start nothing is told."""
    watched = watch()
    assert watched.monitor.stop(60.0)
    monitor = PerformanceMonitor(Settings.model_validate({"system": {"home": str(tmp_path)}, "monitoring": {"disk_mb": 1e12}}))
    monitor.start(bus)
    wait_until(lambda: monitor.looks > 5, "looks")
    assert monitor.stop(60.0)
    assert watched.alerts == []


@pytest.mark.parametrize("world", [World.BACKTEST, World.REPLAY, World.IMPORT])
def test_nothing_is_watched_in_other_worlds(tmp_path: Path, watch: Watch, world: World) -> None:
    """A backtest's bus gets no alerts."""
    settings = Settings.model_validate({"system": {"home": str(tmp_path)}, "monitoring": {"disk_mb": 1e12}})
    with EventBus(tmp_path / "other", world=world) as bus:
        monitor = PerformanceMonitor(settings, grace_s=0.0, hold_s=0.0)
        monitor.start(bus)
        wait_until(lambda: monitor.looks > 5, "looks")
        assert monitor.stop(60.0)
        with bus.reader(start="begin", events=[AlertEvent]) as reader:
            assert reader.read() is None
