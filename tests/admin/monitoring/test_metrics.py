"""/metrics as Prometheus reads it."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from gcg_quant.admin.monitoring.metrics import MOST_LABELS
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    GatewayStatus,
    MetricEvent,
    PositionEvent,
    StrategyStatusEvent,
    SystemEvent,
)
from gcg_quant.handler_statistics import HANDLER_BOUNDS_S
from gcg_quant.histogram import Histogram

from .conftest import Served, wait_until
from .test_performance import order, tick

TIMES = (120, 60, *([0] * 5), 19, *([0] * 14), 1)  # calls of the recorder's handlers: at most 1 us, 2.5 us, 250 us, over 10 s
DOCS = Path(__file__).resolve().parents[3] / "docs/monitoring.md"
UNITS = {"seconds", "bytes", "total", "info", "events"}
PLAIN = {"clients", "lasting", "up", "state", "orders", "switch", "halted", "profit", "value", "strategies", "equity"}


def samples(served: Served) -> dict[tuple[str, ...], float]:
    """Return {(name, label values ...): value} of all samples, as Prometheus' own parser reads them: labels by their names."""
    answer = served.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families)
    found = {}
    for family in families:
        assert family.documentation.endswith(".")
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in found
            found[key] = sample.value
    return found


def fill_system(served: Served) -> None:
    """Publish what a small system does."""
    bus = served.bus
    bus.publish(SystemEvent(action="start"))
    facts = {"pid": 1, "components": ["recorder"], "capabilities": {"recorder": ["recorder"]}}
    bus.publish(SystemEvent(action="group_started", component="services", data=facts))
    for name, value in {"handled": 200.0, "mean_us": 50.0, "max_us": 900.0, "errors": 2.0, "lag": 7.0, "behind_s": 1.5}.items():
        counts = TIMES if name == "mean_us" else ()
        bus.publish(MetricEvent(component="recorder", name=name, value=value, labels={"group": "services"}, counts=counts))
    bus.publish(MetricEvent(component="recorder", name="rows_stored", value=42.0, labels={"table": "ticks"}))
    bus.publish(GatewayStatus(gateway="paper", account="paper", status="connected"))
    bus.publish(StrategyStatusEvent(strategy="grid", state="running"))
    names = {"symbol": "BTC/USDT", "venue": "SIM", "account": "paper", "strategy": "grid"}
    money = {"realised_pnl": 5.0, "unrealised_pnl": 2.0, "fees": 1.0}
    bus.publish(PositionEvent(**names, quantity=-2.0, last_price=10.0, average_price=11.0, currency="USDT", **money))
    bus.publish(AccountEvent(account="paper", currency="USD", equity=1000.0, cash=1000.0))
    bus.publish(AlertEvent(level="critical", component="x", name="y", message="z"))
    for _ in range(3):
        order(bus, tick(bus))


def test_figures_are_those_of_the_system(served: Served) -> None:
    """Each family, once, with its value."""
    fill_system(served)
    expected = {
        ("gcg_quant_events_total", "market", "Tick"): 3,
        ("gcg_quant_websocket_clients",): 3,
        ("gcg_quant_database_rows_total", "ticks"): 42,
        ("gcg_quant_database_behind_seconds", "recorder"): 1.5,
        ("gcg_quant_component_state", "recorder", "running"): 1,
        ("gcg_quant_component_errors_total", "recorder"): 2,
        ("gcg_quant_component_lag_events", "recorder"): 7,
        ("gcg_quant_component_handler_seconds_count", "recorder"): 200,
        ("gcg_quant_component_handler_longest_seconds", "recorder"): 0.0009,
        ("gcg_quant_gateway_state", "paper", "paper", "connected"): 0,  # the group that runs has no trading engine: it is down
        ("gcg_quant_gateway_state", "paper", "paper", "down"): 1,
        ("gcg_quant_strategy_profit", "paper", "USDT", "grid"): 6,
        ("gcg_quant_strategy_position_value", "paper", "USDT", "grid"): -20,
        ("gcg_quant_strategies", "running"): 1,
        ("gcg_quant_account_equity", "paper", "USD"): 1000,
        ("gcg_quant_fills_total",): 0,
        ("gcg_quant_orders_total",): 3,
        ("gcg_quant_alerts_lasting", "critical"): 1,
        ("gcg_quant_tick_to_order_seconds_count",): 3,
        ("gcg_quant_order_to_command_seconds_count",): 3,
        ("gcg_quant_order_to_ack_seconds_count", "paper"): 3,
        ("gcg_quant_order_to_ack_seconds_bucket", "paper", "+Inf"): 3,
        ("gcg_quant_process_up", "services"): 1,
        ("gcg_quant_kill_switch",): 0,
    }
    found: dict[tuple[str, ...], float] = {}

    def all_are_there() -> bool:  # two monitors read the bus, each at its own times
        nonlocal found
        found = samples(served)
        return {key: found.get(key) for key in expected} == expected

    with contextlib.suppress(AssertionError):  # what differs is told below
        wait_until(all_are_there)
    assert {key: found.get(key) for key in expected} == expected
    assert math.isclose(found["gcg_quant_component_handler_seconds_sum", "recorder"], 0.01)
    buckets = [(key[2], value) for key, value in found.items() if key[:2] == ("gcg_quant_component_handler_seconds_bucket", "recorder")]
    assert [float(bound) for bound, _ in buckets] == [*HANDLER_BOUNDS_S, math.inf]
    assert [value for _, value in buckets] == list(itertools.accumulate(TIMES))
    assert found["gcg_quant_reader_lag_events", "performance"] >= 0
    assert found["gcg_quant_journal_events_total", "market"] >= 12
    assert found["gcg_quant_disk_free_bytes",] > 0


def test_names_follow_the_conventions_and_are_described(served: Served) -> None:
    """A common prefix, base units, "_total" for counters, and a line in docs/monitoring.md for each family."""
    fill_system(served)
    wait_until(lambda: ("gcg_quant_database_rows_total", "ticks") in samples(served), "the rows")
    text, docs = served.client.get("/metrics").text, DOCS.read_text(encoding="utf-8")
    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
    assert len(kinds) > 30
    for name, kind in kinds.items():
        assert re.fullmatch(r"gcg_quant_[a-z_]+", name), name
        assert name.endswith("_total") == (kind == "counter"), name
        assert name.rpartition("_")[2] in UNITS | PLAIN, name
        assert f"`{name}`" in docs, f"{name} is not in docs/monitoring.md"
    told = set(re.findall(r"`(gcg_quant_[a-z_]+)`", docs))
    assert told - set(kinds) <= {"gcg_quant_process_memory_bytes", "gcg_quant_process_cpu_seconds_total", "gcg_quant_database_size_bytes"}


def test_labels_stay_few(served: Served) -> None:
    """Strategies that come and go do not fill Prometheus' memory."""
    for number in range(MOST_LABELS + 50):
        names = {"symbol": "BTC/USDT", "venue": "SIM", "account": "paper", "strategy": f"s{number}"}
        served.bus.publish(PositionEvent(**names, quantity=1.0, last_price=1.0, currency="USDT"))
    wait_until(lambda: len([key for key in samples(served) if key[0] == "gcg_quant_strategy_profit"]) >= MOST_LABELS, "the strategies")
    assert len([key for key in samples(served) if key[0] == "gcg_quant_strategy_profit"]) == MOST_LABELS


def test_a_histogram_counts_as_prometheus_does() -> None:
    """A value on a bound belongs to its bucket, one beyond all to +Inf alone, one below 0 counts as 0."""
    one = Histogram((0.1, 1.0))
    for value in (0.1, 0.5, 1.0, 7.0, -3.0):
        one.observe(value)
    assert one.buckets() == [("0.1", 2.0), ("1.0", 4.0), ("+Inf", 5.0)]
    assert math.isclose(one.sum, 8.6)
    assert one.count == 5


def test_handler_times_are_those_of_who_runs_and_tells_them(served: Served) -> None:
    """Before a component has told them there is no histogram of it, which would look like a counter that begins anew."""
    told = ("gcg_quant_component_handler_seconds_count", "recorder")
    names = {"component": "recorder", "labels": {"group": "services"}}
    facts = {"pid": 1, "components": ["recorder"], "capabilities": {"recorder": ["recorder"]}}
    served.bus.publish(SystemEvent(action="start"))
    served.bus.publish(SystemEvent(action="group_started", component="services", data=facts))
    served.bus.publish(MetricEvent(name="mean_us", value=50.0, **names))
    served.bus.publish(MetricEvent(name="errors", value=3.0, **names))
    wait_until(lambda: samples(served).get(("gcg_quant_component_errors_total", "recorder")) == 3, "the errors")
    assert told not in samples(served)
    served.bus.publish(MetricEvent(name="mean_us", value=50.0, counts=(1, 2), **names))  # of another version's classes
    served.bus.publish(MetricEvent(name="errors", value=4.0, **names))
    wait_until(lambda: samples(served).get(("gcg_quant_component_errors_total", "recorder")) == 4, "the errors")
    assert told not in samples(served)
    served.bus.publish(MetricEvent(name="mean_us", value=50.0, counts=TIMES, **names))
    wait_until(lambda: samples(served).get(told) == 200, "the times")
    served.bus.publish(SystemEvent(action="group_stopped", component="services"))
    wait_until(lambda: told not in samples(served), "the component's end")
