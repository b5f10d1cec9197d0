"""What strategies draw reaches the pages, live and from the journal's past."""

from __future__ import annotations

import json
from typing import Any

from websockets.sync.client import connect

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MILLISECOND
from gcg_quant.events import LogEvent, PlotEvent, SignalEvent
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.series.plots import Plots
from gcg_quant.visualization.server import AppServer

from .socket_client import NAME, Client


def draw(bus: EventBus, at_ns: int, value: float, name: str = "mean") -> None:
    """Publish a point."""
    bus.publish(PlotEvent(symbol="BTC/USDT", venue="SIM", strategy="grid", name=name, value=value, event_ns=at_ns))


def test_points_come_to_who_looks_and_are_in_the_history(market: Any, server: AppServer, bus: EventBus) -> None:
    """A page hears new points, and one that comes later gets them with the bars."""
    market.tick(100.0)
    begin = market.minute_ns
    with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        page = Client(socket)
        page.until("hello")
        assert page.subscribe()["plots"] == []
        draw(bus, begin, 1.0)
        assert page.until("plots") == {"type": "plots", "name": NAME, "rows": [["grid", "mean", "price", begin // NS_PER_MILLISECOND, 1.0]]}
        draw(bus, begin + NS_PER_MILLISECOND, 2.0)
        page.until("plots")
        points = [[begin // NS_PER_MILLISECOND, 1.0], [begin // NS_PER_MILLISECOND + 1, 2.0]]
        assert page.subscribe()["plots"] == [{"strategy": "grid", "name": "mean", "place": "price", "points": points}]


def test_bridge_that_starts_later_knows_what_was_drawn(
    market: Any, bus: EventBus, settings: Settings, until: Any, monkeypatch: Any
) -> None:
    """Points of before its start are shown, however many log lines came after them."""
    monkeypatch.setattr("gcg_quant.visualization.bridge._PAST_LOG", 10)
    market.tick(100.0)
    for at in range(3):
        draw(bus, market.minute_ns + at * NS_PER_MILLISECOND, float(at))
    for _ in range(30):
        bus.publish(LogEvent(level="info", component="c", message="m"))
    bridge = WebSocketEventBridge(settings)
    bridge.start(bus)
    try:
        until(lambda: bridge.state == "running")
        window = bridge.charts.page(NAME, "1m")
        plots = json.loads(bridge.history_message(NAME, "1m", 1, window))["plots"]
        assert [value for _, value in plots[0]["points"]] == [0.0, 1.0, 2.0]
    finally:
        assert bridge.stop(60.0)


def say(bus: EventBus, at_ns: int, name: str, **data: Any) -> None:
    """Publish a signal."""
    bus.publish(SignalEvent(symbol="BTC/USDT", venue="SIM", strategy="spy", name=name, event_ns=at_ns, data=data))


def test_model_is_a_line_below_and_no_marker(market: Any, server: AppServer, bus: EventBus) -> None:
    """A served model speaks after each bar: its probabilities are a line; a strategy's signals stay markers, whatever data they carry."""
    market.tick(100.0)
    begin = market.minute_ns
    with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        page = Client(socket)
        page.until("hello")
        page.subscribe()
        say(bus, begin, "model", model="spy", probability=0.625)
        point = ["spy", "probability", "below", begin // NS_PER_MILLISECOND, 0.625]
        assert page.until("plots") == {"type": "plots", "name": NAME, "rows": [point]}
        say(bus, begin, "model", model="mine")
        say(bus, begin, "up", probability=0.75)
        say(bus, begin, "model", probability="high")
        say(bus, begin + NS_PER_MILLISECOND, "model", model="spy", probability=0.25)
        page.until("plots")
        history = page.subscribe()
    assert [(row["strategy"], row["place"], [value for _, value in row["points"]]) for row in history["plots"]] == [
        ("spy", "below", [0.625, 0.25])
    ]
    assert [row["signal"] for row in history["markers"]] == ["model", "up", "model"]


def test_newest_points_of_the_newest_plots_are_kept() -> None:
    """A point of the same time takes the other's place, an older one is passed over, and the news hold the last of each time."""
    plots = Plots()
    for at, value in ((1, 1.0), (2, 2.0), (2, 3.0), (1, 9.0)):
        plots.put("s", "a", "price", at, value)
    assert plots.rows()[0]["points"] == [(1, 1.0), (2, 3.0)]
    assert plots.take() == [("s", "a", "price", 1, 1.0), ("s", "a", "price", 2, 3.0)]
    assert plots.take() == []
    for number in range(100):
        plots.put("s", f"p{number}", "below", 5, 1.0)
    assert len(plots.rows()) == 64
    for at in range(3_000):
        plots.put("s", "p99", "below", 6 + at, 1.0)
    assert len(plots.rows()[-1]["points"]) == 2_000
