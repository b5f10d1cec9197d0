"""The state of the system: from the monitor's snapshot and its tail it is the same as from the beginning."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from gcg_quant.admin.monitor import Monitor
from gcg_quant.admin.running.summary import Tally
from gcg_quant.admin.views.system_view import SystemView
from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Applied,
    BacktestProgressEvent,
    BacktestRequestEvent,
    BacktestResultEvent,
    ConfigChangeEvent,
    Event,
    Fill,
    GatewayStatus,
    LogEvent,
    MetricEvent,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    RiskReason,
    RiskVerdict,
    SnapshotEvent,
    StrategyStatusEvent,
    SystemEvent,
    Tick,
)
from gcg_quant.packing import pack_state, unpack_state

pytestmark = pytest.mark.no_fold("its events are made up, and add up to nothing")


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.002)


def some_event(chance: random.Random, number: int) -> Event:
    """Return an event that the view shows."""
    name, run = chance.choice(["a", "b"]), f"r{chance.randint(0, 4)}"
    makers: list[Callable[[], Event]] = [
        lambda: SystemEvent(action="start"),
        lambda: SystemEvent(action=chance.choice(["group_started", "group_died", "stopped"]), component=name, data={"pid": number}),
        lambda: StrategyStatusEvent(strategy=name, state=chance.choice(["running", "unloaded"]), parameters={"n": 2}),
        lambda: MetricEvent(component=name, name="m", value=float(number), labels={"group": "g"}, counts=chance.choice([(), (number, 2)])),
        lambda: LogEvent(level=chance.choice(["info", "error"]), component=name, message=f"line {number}"),
        lambda: AlertEvent(level="warning", component=name, name="n", message=f"alert {number}"),
        lambda: OrderEvent(request=chance.randint(1, 20), strategy=name, symbol="X", status=chance.choice(list(OrderStatus))),
        lambda: Fill(request=number, strategy=name, symbol="X", quantity=1.0, price=2.0),
        lambda: PositionEvent(account="p", strategy=name, symbol="X", quantity=float(number)),
        lambda: AccountEvent(account="p", currency=chance.choice(["USD", "EUR"]), cash=float(number), realised_pnl=1.0),
        lambda: ConfigChangeEvent(
            revision=chance.randint(0, 2), changes={"risk.kill_switch": chance.random() < 0.5, "risk.price_band": 0.1}
        ),
        lambda: Applied(control=chance.randint(1, 40), component=name, detail=f'{{"risk.max_order_value":{number}}}'),
        lambda: RiskVerdict(request=number, strategy=name, symbol="X", passed=number % 2, reasons=int(RiskReason.ORDER_SIZE)),
        lambda: GatewayStatus(gateway=name, account="p", status=chance.choice(["connected", "disconnected"])),
        lambda: BacktestRequestEvent(run=run, file="f.py", symbols=["X"]),
        lambda: BacktestProgressEvent(run=run, done=1, total=2),
        lambda: BacktestResultEvent(run=run, ok=True, results={"sharpe": 1.5, "days": [1, 2]}),
    ]
    return chance.choice(makers)()


def publish(bus: EventBus, seed: int, count: int = 60) -> None:
    """Publish events that the view shows, and ticks, which it does not."""
    chance = random.Random(seed)
    for number in range(count):
        bus.publish(some_event(chance, number))
        bus.publish(Tick(symbol="X", event_ns=number + 1))


@pytest.mark.parametrize("seed", range(5))
def test_view_at_any_point_and_tail_are_the_whole_view(bus: EventBus, seed: int) -> None:
    """Put down after any event and taken up again, the view ends in the same bytes."""
    publish(bus, seed)
    with bus.reader(start="begin") as reader:
        whole = SystemView()
        whole.listen(reader)
        events = list(reader)
    for event in events:
        whole.apply(event)
    for cut in range(0, len(events) + 1, 5):
        first, second = SystemView(), SystemView()
        for event in events[:cut]:
            first.apply(event)
        second.load(unpack_state(pack_state(first.dump())))
        for event in events[cut:]:
            second.apply(event)
        assert pack_state(second.dump()) == pack_state(whole.dump())


class KeepingMonitor(Monitor):
    """A monitor that puts its view down at every stop."""

    snapshot_least = 1


def watched(bus: EventBus) -> dict[str, Any]:
    """Start a monitor, let it read everything, stop it, and return what it told before."""
    monitor = KeepingMonitor()
    monitor.start(bus)
    wait_for(lambda: monitor.state == "running" and monitor.reader.lag == 0)
    told: dict[str, Any] = monitor.ask(lambda view: {"fills": view.fill_count, "accounts": dict(view.accounts)})
    assert monitor.stop(60.0)
    return told


def test_monitor_goes_on_from_its_snapshot(bus: EventBus) -> None:
    """A monitor that was stopped leaves its view on the bus; commands and the next monitor begin with it."""
    publish(bus, 1)
    first = watched(bus)
    with bus.reader(start="begin", events=[SnapshotEvent]) as reader:
        assert [event.component for event in reader if isinstance(event, SnapshotEvent)] == ["monitor"]
    assert SystemView.of(bus).fill_count == first["fills"]
    publish(bus, 2)
    now = SystemView.of(bus)
    assert now.fill_count > first["fills"]
    second = watched(bus)
    assert second["fills"] == now.fill_count
    assert second["accounts"] == now.accounts


def test_view_of_some_kinds_reads_the_snapshot_and_those(bus: EventBus) -> None:
    """A command that shows strategies does not read orders, and still knows what came before the snapshot."""
    publish(bus, 1)
    watched(bus)
    fills = SystemView.of(bus).fill_count
    bus.publish(StrategyStatusEvent(strategy="new", state="running"))
    bus.publish(Fill(request=1, strategy="a", symbol="X", quantity=1.0, price=2.0))
    view = SystemView.of(bus, StrategyStatusEvent)
    assert "new" in view.strategies
    assert view.fill_count == fills


def test_view_without_a_snapshot_reads_since_the_given_time(bus: EventBus) -> None:
    """Without a monitor, market and log lane are read from that time on, and the control lane as a whole."""
    publish(bus, 1)
    every = SystemView.of(bus)
    assert every.fill_count > 0
    late = SystemView.of(bus, since_ns=time.time_ns())
    assert late.fill_count == 0
    assert list(late.strategies) == list(every.strategies)


def test_tally_knows_the_accounts_of_before(bus: EventBus) -> None:
    """A run's profit counts from where the last run left the account, also if that lies before the snapshot."""
    bus.publish(AccountEvent(account="p", currency="USD", realised_pnl=100.0))
    watched(bus)
    tally = Tally(bus)
    bus.publish(AccountEvent(account="p", currency="USD", realised_pnl=107.0))
    tally.count()
    assert tally.summary(1.0, []).profit == {"p USD": 7.0}


def test_backtests_of_long_ago_are_forgotten() -> None:
    """The view of a system that runs for months does not grow with every backtest."""
    view = SystemView()
    for number in range(500):
        view.apply(BacktestRequestEvent(run=f"r{number}", file="f.py"))
    assert len(view.backtests) == 200
    assert "r499" in view.backtests


def test_monitor_that_does_not_run_says_so() -> None:
    """There is nothing to ask before the start."""
    with pytest.raises(ComponentError, match="does not run"):
        Monitor().ask(lambda view: view.fill_count)
