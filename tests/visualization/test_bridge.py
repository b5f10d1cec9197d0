"""The bridge over a real bus, a real server and real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from patience import within
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_HOUR, NS_PER_MINUTE, from_iso, now_ns
from gcg_quant.events import (
    AccountEvent,
    Applied,
    Bar,
    ChartConfigEvent,
    ConfigChangeEvent,
    LogEvent,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    SignalEvent,
    StrategyControlEvent,
    StrategyStatusEvent,
)
from gcg_quant.instruments import Instrument
from gcg_quant.kill_switch import kill_file
from gcg_quant.sections import ReplayEntry, ReplaySettings
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.server import AppServer

from .socket_client import NAME, Client


@pytest.fixture
def client(server: AppServer) -> Iterator[Client]:
    """Return a connected page that has been greeted: it gets all that happens from now on."""
    with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        page = Client(socket)
        page.until("hello")
        yield page


def test_greeting_tells_all_that_a_page_shows(
    market: Any, bridge: WebSocketEventBridge, server: AppServer, bus: EventBus, until: Any
) -> None:
    """The first message has settings, instruments, quotes, sparklines and the drawer's rows."""
    market.past(3)
    market.tick(100.0)
    bus.publish(StrategyStatusEvent(strategy="grid", state="running", symbols=["BTC/USDT"]))
    bus.publish(OrderEvent(symbol="BTC/USDT", venue="SIM", request=1, status=OrderStatus.ACCEPTED))
    market.fill(100.0)
    bus.publish(LogEvent(level="warning", component="c", message="m"))
    rows = {"strategies": 1, "orders": 1, "positions": 0, "fills": 1, "log": 1, "accounts": 0}

    def told() -> bool:  # the lanes are read one after the other: no event of one says that those of another were
        greeting = json.loads(bridge.greeting(1))
        return {table: len(found) for table, found in greeting["tables"].items()} == rows and len(greeting["sparks"].get(NAME, ())) == 4

    until(told, "all that was published")
    with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        hello = Client(socket).until("hello")
    assert hello["settings"]["symbol"] == "BTC/USDT"
    assert [row["name"] for row in hello["instruments"]] == [NAME, "ETH/USDT@SIM", "EUR/USD@SIM"]
    assert [row["last"] for row in hello["quotes"]] == [100.0]
    assert hello["sparks"][NAME] == [100.0, 101.0, 102.0, 100.0]
    assert {table: len(found) for table, found in hello["tables"].items()} == rows


def test_history_then_live_has_no_gap(market: Any, client: Client) -> None:
    """History ends where live begins: every message continues the one before it, and candles follow minute by minute."""
    starts = market.past(5)
    market.tick(100.0)
    client.until("quotes")
    history = client.subscribe()
    times = [bar[0] for bar in history["bars"]]
    assert times[:5] == [start // 10**9 for start in starts]
    assert len(times) == 6
    through = history["through"]
    for price in (101.0, 102.0, 103.0):
        market.tick(price)
        candles = client.until("candles")
        assert candles["after"] <= through < candles["through"]
        through = candles["through"]
        assert candles["bars"][-1][4] == price


def test_live_candle_grows_and_the_next_one_follows(market: Any, client: Client) -> None:
    """Ticks of the next minute begin a new candle; the finished one is told with its last state."""
    minute = market.minute_ns
    market.tick(100.0, at_ns=minute)
    client.until("quotes")
    client.subscribe()
    market.tick(105.0, at_ns=minute + 10)
    market.tick(95.0, at_ns=minute + NS_PER_MINUTE)
    seen: dict[int, list[float]] = {}
    while minute // 10**9 + 60 not in seen:
        for bar in client.until("candles")["bars"]:
            seen[bar[0]] = bar[1:]
    assert seen[minute // 10**9][:4] == [100.0, 105.0, 100.0, 105.0]
    assert seen[minute // 10**9 + 60][:4] == [95.0] * 4


def test_other_series_is_told_instead(market: Any, client: Client) -> None:
    """After another choice the page gets candles of that one only."""
    market.tick(100.0)
    market.tick(50.0, symbol="ETH/USDT")
    client.until("quotes")
    client.subscribe()
    assert client.subscribe("ETH/USDT@SIM", "5m")["bars"][-1][4] == 50.0
    market.tick(101.0)
    market.tick(51.0, symbol="ETH/USDT")
    assert client.until("candles")["series"] == "ETH/USDT@SIM|5m"


def test_page_that_comes_back_gets_what_it_missed(market: Any, server: AppServer) -> None:
    """A page that reconnects names its newest bar and gets the rest, so that nothing is missing."""
    market.past(5)
    with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        client = Client(socket)
        client.until("hello")
        market.tick(100.0)
        client.until("quotes")
        before = client.subscribe()["bars"]
    market.tick(120.0)
    with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        client = Client(socket)
        client.until("hello", lambda hello: True)
        since = before[-2][0]
        history = client.subscribe(since=since)
    assert history["since"] == since
    assert [bar[0] for bar in history["bars"]][:2] == [since, since + 60]


def test_depth_trades_and_markers_come_to_who_looks(market: Any, client: Client, bus: EventBus) -> None:
    """Tape, fills and signals of the instrument that a page looks at are told as they come."""
    market.tick(100.0)
    client.until("quotes")
    client.subscribe()
    client.send(type="book", name=NAME)
    book = client.until("book")
    assert (book["name"], book["depth"], book["trades"]) == (NAME, None, [])
    market.tick(100.5, size=0.25)
    assert client.until("trades")["rows"][0][1:3] == [100.5, 0.25]
    fill = market.fill(100.5)
    marker = client.until("markers")["rows"][0]
    assert (marker["kind"], marker["price"], marker["event"]) == ("fill", 100.5, f"#{fill & (2**60 - 1)}")
    bus.publish(SignalEvent(symbol="BTC/USDT", venue="SIM", strategy="s", name="up", event_ns=now_ns()))
    assert client.until("markers")["rows"][0]["signal"] == "up"
    assert len(client.subscribe()["markers"]) == 2


def test_bad_messages_are_answered_by_a_problem(client: Client) -> None:
    """A message of an unknown type, an unknown symbol and a bad period get a sentence; the connection stays."""
    client.send(type="sell_everything")
    assert "cannot be used" in client.until("problem")["text"]
    client.send(type="subscribe", request=7, name="BTC/USD@SIM", period="1m")
    assert client.until("problem")["request"] == 7
    client.send(type="subscribe", request=8, name=NAME, period="1x")
    assert "not a bar period" in client.until("problem", lambda message: message["request"] == 8)["text"]
    client.socket.send('{"type":"ping","sent":' + "1" * 100_000 + "}")
    assert "may have 81920 characters" in client.until("problem")["text"]
    client.send(type="ping", sent=4.5)
    assert client.until("pong")["sent"] == 4.5


def test_strategy_command_goes_onto_the_bus_and_its_answer_back(client: Client, bus: EventBus) -> None:
    """Stop becomes a StrategyControlEvent of the page; the Applied event becomes the answer."""
    with bus.reader(events=[StrategyControlEvent]) as reader:
        client.send(type="strategy", request=3, action="stop", strategy="grid")
        control = reader.read(30.0)
    assert isinstance(control, StrategyControlEvent)
    assert (control.action, control.strategy, control.source, control.cause) == ("stop", "grid", "charts", 0)
    bus.publish(Applied(control=control.id, component="manager", ok=False, detail="there is no strategy 'grid'"))
    answer = client.until("answer")
    assert (answer["request"], answer["ok"], answer["detail"]) == (3, False, "there is no strategy 'grid'")


def test_kill_switch_is_asked_for_and_told(client: Client, bus: EventBus) -> None:
    """A page's command becomes a ConfigChangeEvent; what an engine answers is the page's answer, and every page's new state."""
    with bus.reader(events=[ConfigChangeEvent]) as reader:
        client.send(type="kill", request=4, on=True)
        change = reader.read(30.0)
    assert isinstance(change, ConfigChangeEvent)
    assert (change.changes, change.origin, change.revision, change.source) == ({"risk.kill_switch": True}, "page", 0, "charts")
    bus.publish(Applied(control=change.id, component="trading-paper", detail='{"risk.kill_switch":true}'))
    assert client.until("answer")["ok"]
    told = client.until("kill")
    assert (told["on"], told["origin"]) == (True, "page")
    assert told["since_ms"] > 0


def test_kill_file_lets_no_page_switch_off(client: Client, bus: EventBus, settings: Settings) -> None:
    """While the file is there the answer says so, and nothing is asked."""
    kill_file(settings.home).parent.mkdir(parents=True, exist_ok=True)
    kill_file(settings.home).touch()
    with bus.reader(events=[ConfigChangeEvent]) as reader:
        client.send(type="kill", request=5, on=False)
        answer = client.until("answer")
        assert reader.read() is None
    assert (answer["request"], answer["ok"]) == (5, False)
    assert "remove it, then switch off" in answer["detail"]


def test_what_a_page_shows_is_written_down(market: Any, client: Client, bus: EventBus) -> None:
    """A choice of series, theme or language becomes a ChartConfigEvent."""
    market.tick(100.0)
    client.until("quotes")
    with bus.reader(events=[ChartConfigEvent]) as reader:
        client.subscribe(period="5m")
        shown = reader.read(30.0)
        client.send(type="config", patch={"theme": "light"})
        chosen = reader.read(30.0)
    assert isinstance(shown, ChartConfigEvent)
    assert isinstance(chosen, ChartConfigEvent)
    assert (shown.symbol, shown.venue, shown.period) == ("BTC/USDT", "SIM", "5m")
    assert chosen.options == {"theme": "light"}


def test_new_instrument_and_status_are_told(client: Client, bus: EventBus, market: Any) -> None:
    """Once a second: the rate of events; instruments that are new with their terms."""
    bus.instruments.number("NEW", "SIM")
    assert client.until("instruments", lambda message: message["rows"][-1]["symbol"] == "NEW")
    market.tick(1.0)
    assert client.until("status", lambda message: message["events_per_s"] > 0)["lag"] >= 0


@pytest.mark.parametrize("replayed", [True, False])
def test_time_of_a_replay_is_that_of_its_newest_data(bus: EventBus, settings: Settings, until: Any, replayed: bool) -> None:
    """What it plays is not old because of its date: the age of prices is counted to the newest one. Before it has begun the time is now."""
    bus.instruments.add(Instrument(symbol="SPY", venue="X"))
    replay = ReplaySettings(data=[ReplayEntry(symbol="SPY", period="1h")]) if replayed else ReplaySettings()
    bridge = WebSocketEventBridge(settings.model_copy(update={"replay": replay}))

    def told(field: str) -> Any:
        return json.loads(bridge.greeting(1))[field]

    bridge.start(bus)
    assert abs(told("time_ms") - now_ns() // 1_000_000) < 60_000
    begin = from_iso("2015-01-02T16:00")
    end = begin + NS_PER_HOUR
    bus.publish(Bar(symbol="SPY", venue="X", period="1h", start_ns=begin, end_ns=end, open=1.0, high=1.0, low=1.0, close=1.0))
    until(lambda: told("quotes"))
    expected = end if replayed else now_ns()
    assert abs(told("time_ms") - expected // 1_000_000) < (1 if replayed else 60_000)
    assert bridge.stop(60.0)


def test_bridge_that_starts_later_knows_the_past(bus: EventBus, market: Any, settings: Settings, until: Any) -> None:
    """Orders, fills, strategies and bars of before its start are there; a restart counts nothing twice."""
    market.past(3)
    market.tick(100.0)
    market.fill(100.0)
    bus.publish(StrategyStatusEvent(strategy="grid", state="running"))
    bridge = WebSocketEventBridge(settings)
    for _ in range(2):
        bridge.start(bus)
        until(lambda: bridge.state == "running")
        until(lambda: bridge.markets.position >= 5)
        hello = json.loads(bridge.greeting(1))
        assert len(hello["tables"]["fills"]) == 1
        assert hello["tables"]["strategies"][0]["fills"] == 1
        assert len(bridge.charts.page(NAME, "1m").candles) == 4
        assert bridge.stop(60.0)


def test_bridge_goes_on_from_its_snapshot(
    bus: EventBus, market: Any, settings: Settings, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A position and an account that spoke last long ago are in the drawer after a restart, and the account's day goes on."""
    monkeypatch.setattr("gcg_quant.visualization.bridge._PAST_EVENTS", 10)
    monkeypatch.setattr(WebSocketEventBridge, "snapshot_least", 1)
    bus.publish(PositionEvent(symbol="X", venue="SIM", account="a", strategy="grid", quantity=3.0, average_price=5.0))
    bus.publish(AccountEvent(account="a", currency="USD", event_ns=now_ns(), equity=1000.0))
    bridge = WebSocketEventBridge(settings)
    tables = []
    for _ in range(2):
        bridge.start(bus)
        until(lambda: bridge.state == "running")
        tables.append(json.loads(bridge.greeting(1))["tables"])
        assert bridge.stop(60.0)
        for _ in range(50):
            market.tick(100.0)
    assert [row["quantity"] for row in tables[1]["positions"]] == [3.0]
    assert tables[1]["accounts"] == tables[0]["accounts"]


def test_stopping_ends_every_connection(bus: EventBus, settings: Settings, market: Any, server: AppServer) -> None:
    """Stopping the server closes the pages' sockets within its time."""
    with connect(f"ws://127.0.0.1:{server.port}/ws") as socket:
        Client(socket).until("hello")
        assert server.stop(within(3.0, 30.0))
        with pytest.raises(ConnectionClosed):
            list(iter(lambda: socket.recv(timeout=30), None))
