"""The protocol over a real server: every message of a session is as the schema says, and each page gets what it asked for."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from websockets.sync.client import connect

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Depth,
    LogEvent,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    SignalEvent,
    StrategyStatusEvent,
)
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.pages.hub import Page
from gcg_quant.visualization.pages.protocol import json_schema
from gcg_quant.visualization.server import AppServer

from .socket_client import NAME, Client

ETH = "ETH/USDT@SIM"


@pytest.fixture
def pages(server: AppServer) -> Iterator[Any]:
    """Return a function that connects a page and returns it, greeted."""
    with contextlib.ExitStack() as sockets:

        def connected() -> Client:
            page = Client(sockets.enter_context(connect(f"ws://127.0.0.1:{server.port}/ws")))
            page.until("hello")
            return page

        yield connected


def asked(name: str, id_: str = "", **parameters: float) -> dict[str, Any]:
    """Return an indicator as a page asks for it."""
    return {"id": id_ or name, "name": name, "parameters": parameters}


def test_every_message_of_a_session_is_as_the_schema_says(market: Any, pages: Any, bus: EventBus) -> None:
    """A session in which everything happens once: what is sent and what is received has the form that the docs promise."""
    market.past(60)
    market.tick(100.0)
    page = pages()
    page.subscribe(indicators=[asked("EMA", timeperiod=5), asked("EMMA"), asked("VWAP"), asked("OBV")], pane=1)
    page.send(type="indicators", request=50, pane=1, indicators=[asked("MACD"), asked("EMA")], **{"from": 0})
    page.until("lines")
    page.send(type="book", name=NAME)
    page.until("book")
    levels = {"bid_prices": (99.0,), "bid_sizes": (1.0,), "ask_prices": (101.0,), "ask_sizes": (2.0,)}
    bus.publish(Depth(symbol="BTC/USDT", venue="SIM", event_ns=market.minute_ns, **levels))
    market.tick(101.0)
    market.fill(101.0)
    bus.publish(SignalEvent(symbol="BTC/USDT", venue="SIM", strategy="s", name="up", event_ns=market.minute_ns))
    bus.publish(StrategyStatusEvent(strategy="grid", state="running", symbols=["BTC/USDT"]))
    bus.publish(OrderEvent(symbol="BTC/USDT", venue="SIM", request=1, status=OrderStatus.ACCEPTED))
    bus.publish(PositionEvent(symbol="BTC/USDT", venue="SIM", account="a", strategy="grid", quantity=3.0, average_price=5.0))
    bus.publish(AccountEvent(account="a", currency="USD", equity=1000.0))
    bus.publish(LogEvent(level="warning", component="c", message="m"))
    bus.publish(AlertEvent(level="error", component="c", name="n", message="m"))
    bus.instruments.number("NEW", "SIM")
    page.send(type="config", patch={"theme": "light"})
    page.send(type="kill", request=51, on=True)
    page.send(type="strategy", request=52, action="stop", strategy="grid")
    page.send(type="symbol", request=53, action="add", name="XRP/USDT@SIM")
    page.send(type="ping", sent=1.5)
    page.send(type="subscribe", request=54, name="NONE@SIM", period="1m")
    wanted = {"hello", "history", "lines", "book", "candles", "depth", "trades", "markers", "quotes", "rows", "config", "pong"}
    wanted |= {"problem", "status", "instruments"}
    for _ in range(20):
        page.until("status")
        if not (missing := wanted - {message["type"] for message in page.heard}):
            break
    assert not missing
    page.send(type="unsubscribe", pane=1)
    schema = json_schema()
    for side, messages in (("FromServer", page.heard), ("FromPage", page.sent)):
        names = [ref["$ref"].rpartition("/")[2] for ref in schema["$defs"][side]["oneOf"]]
        forms = {schema["$defs"][name]["properties"]["type"]["enum"][0]: schema["$defs"][name] for name in names}
        for message in messages:
            check = jsonschema.Draft202012Validator({"$defs": schema["$defs"], **forms[message["type"]]})
            assert [error.message for error in check.iter_errors(message)] == [], message


def test_lines_come_with_bars_and_live_values_for_who_asked(market: Any, pages: Any) -> None:
    """Two pages show one series with different indicators: each gets its own, the live values are those computed afterwards."""
    market.past(120)
    market.tick(100.0)
    first, second, bare = pages(), pages(), pages()
    history = first.subscribe(indicators=[asked("EMA", "mine", timeperiod=5)])
    line = history["lines"][0]
    assert (line["id"], line["key"], line["place"], line["title"]) == ("mine", "EMA(close,timeperiod=5)", "price", "EMA 5")
    assert len(line["lines"]["ema"]["values"]) == len(history["bars"])
    second.subscribe(indicators=[asked("RSI"), asked("EMA", timeperiod=5)])
    bare.subscribe()
    market.tick(111.0)
    told = {}
    for page, keys in ((first, ["EMA"]), (second, ["EMA", "RSI"]), (bare, [])):
        candles = page.until("candles", lambda message: message["bars"][-1][4] == 111.0)
        assert [one["key"][:3] for one in candles["lines"]] == keys
        told |= {one["key"]: one["lines"] for one in candles["lines"]}
    later = pages().subscribe(indicators=[asked("EMA", timeperiod=5), asked("RSI")])
    for line in later["lines"]:
        name, values = next(iter(told[line["key"]].items()))
        assert values[-1] == pytest.approx(line["lines"][name]["values"][-1])


def test_panes_are_separate_and_other_indicators_take_the_place_of_old_ones(market: Any, pages: Any) -> None:
    """Four panes with series of their own; a new choice of indicators, a closed pane, and a sentence for an indicator that is none."""
    market.past(30)
    market.past(30, symbol="ETH/USDT")
    market.tick(100.0)
    market.tick(50.0, symbol="ETH/USDT")
    page = pages()
    assert [
        page.subscribe(name, period, pane=pane)["series"] for pane, (name, period) in enumerate([(NAME, "1m"), (ETH, "1m"), (NAME, "5m")])
    ] == [
        f"{NAME}|1m",
        f"{ETH}|1m",
        f"{NAME}|5m",
    ]
    market.tick(101.0)
    market.tick(51.0, symbol="ETH/USDT")
    seen: set[str] = set()
    while len(seen) < 3:  # the bridge may still have been at the ticks before
        seen.add(page.until("candles", lambda message: message["bars"][-1][4] in (101.0, 51.0))["series"])
    assert seen == {f"{NAME}|1m", f"{ETH}|1m", f"{NAME}|5m"}
    page.send(type="indicators", request=90, pane=0, indicators=[asked("MA", timeperiod=3), asked("NOPE")], **{"from": None})
    answer = page.until("lines")
    good, bad = answer["lines"]
    assert len(answer["times"]) == len(good["lines"]["ma"]["values"])
    assert bad["error"].startswith("There is no indicator 'NOPE'.")
    assert bad["lines"] == {}
    market.tick(102.0)
    candles = page.until("candles", lambda message: message["series"] == f"{NAME}|1m" and message["bars"][-1][4] == 102.0)
    assert list(candles["lines"][0]["lines"]) == ["ma"]
    page.send(type="unsubscribe", pane=1)
    page.send(type="indicators", request=91, pane=1, indicators=[])
    assert "Pane 1 shows no series" in page.until("problem")["text"]
    market.tick(52.0, symbol="ETH/USDT")
    market.tick(103.0)
    assert page.until("candles", lambda message: message["bars"][-1][4] in (52.0, 103.0))["series"].startswith(NAME)


def test_what_nobody_shows_any_more_is_not_computed(market: Any, pages: Any, bridge: WebSocketEventBridge, until: Any) -> None:
    """A page that has gone leaves no watch, no indicator and no reader of a book behind."""
    market.tick(100.0)
    page = pages()
    page.subscribe(indicators=[asked("EMA")])
    page.send(type="book", name=NAME)
    page.until("book")
    page.send(type="book", name=NAME)
    page.until("book")
    view = bridge.charts.view(NAME)
    until(lambda: view.readers == 1)
    assert list(view.watches["1m"].lines.indicators) == ["EMA(close,timeperiod=20)"]
    page.send(type="indicators", request=1, pane=0, indicators=[])
    page.until("lines")
    until(lambda: not view.watches["1m"].lines.indicators)
    page.socket.close()
    until(lambda: not view.watches and not view.readers)


def test_slow_page_gets_the_newest_state_and_never_slows_others(
    market: Any, server: AppServer, pages: Any, until: Any, monkeypatch: pytest.MonkeyPatch, bridge: WebSocketEventBridge
) -> None:
    """A socket that is not read: its page is told to ask anew, gets the newest rows, and the other pages hear everything meanwhile."""
    monkeypatch.setattr("gcg_quant.visualization.pages.hub._MOST_WAITING", 50)
    market.past(5)
    market.tick(100.0)
    raw = socket.create_connection(("127.0.0.1", server.port))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
    with connect(f"ws://127.0.0.1:{server.port}/ws", sock=raw, max_queue=1, max_size=None) as slow_socket:
        slow = Client(slow_socket)
        slow.until("hello")
        slow.subscribe()
        slow_page: Page = max(bridge.hub.pages.values(), key=lambda page: page.number)
        quick = pages()
        through = quick.subscribe()["through"]
        price = 100.0
        for _ in range(2_000):
            if slow_page.behind:
                break
            price += 0.5
            market.tick(price)
            market.bus.publish(LogEvent(level="warning", component="c", message="x" * 100_000))
            candles = quick.until("candles")
            assert candles["after"] <= through < candles["through"]
            through = candles["through"]
        slow.until("resync")
        quotes = slow.until("quotes", lambda message: message["rows"][0]["last"] == price)
        assert quotes["rows"][0]["name"] == NAME
        history = slow.subscribe(since=0)
        assert history["bars"][-1][4] == price
        market.tick(price + 1)
        assert slow.until("candles", lambda message: message["bars"][-1][4] == price + 1)


def test_slow_question_keeps_nobody_else_waiting(
    market: Any, pages: Any, bridge: WebSocketEventBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database thinks about one page's question, that page's ping and other pages' questions are answered."""

    market.past(5)
    market.tick(100.0)
    slow, quick = pages(), pages()
    gate, asking = threading.Event(), threading.Event()
    opened = bridge.charts.open

    def waiting(name: str, *rest: Any) -> Any:
        if name == ETH:
            asking.set()
            assert gate.wait(120)
        return opened(name, *rest)

    monkeypatch.setattr(bridge.charts, "open", waiting)
    slow.send(type="subscribe", request=70, name=ETH, period="1m")
    assert asking.wait(60)
    slow.send(type="ping", sent=2.5)
    assert slow.until("pong")["sent"] == 2.5
    quick.subscribe()
    market.tick(101.0)
    assert quick.until("candles", lambda message: message["bars"][-1][4] == 101.0)
    gate.set()
    assert slow.until("history")["request"] == 70


def test_fifty_pages_hear_the_same(market: Any, pages: Any) -> None:
    """Fifty pages look at one chart, and each hears every change of it."""
    market.tick(100.0)
    clients = [pages() for _ in range(50)]
    for client in clients:
        client.subscribe(indicators=[asked("EMA")])
    market.tick(123.0)
    for client in clients:
        assert client.until("candles", lambda message: message["bars"][-1][4] == 123.0)["lines"]


def test_bars_over_rest_go_both_ways_with_lines(market: Any, server: AppServer, bridge: WebSocketEventBridge, until: Any) -> None:
    """Pages of bars after a moment, oldest first, and the lines of indicators beside them; nonsense is one sentence."""
    starts = market.past(40)
    until(lambda: len(bridge.charts.page(NAME, "1m").candles) == 40)
    with httpx.Client(base_url=server.url) as web:
        query = {
            "symbol": NAME,
            "after": starts[10] // 10**9,
            "limit": 5,
            "indicators": json.dumps([asked("MA", timeperiod=3), asked("NO")]),
        }
        page = web.get("/api/v1/bars", params=query).json()
        assert [bar[0] for bar in page["bars"]] == [start // 10**9 for start in starts[10:15]]
        assert page["more"]
        average, unknown = page["lines"]
        closes = [bar[4] for bar in page["bars"]]
        assert average["lines"]["ma"]["values"][2] == pytest.approx(sum(closes[:3]) / 3)
        assert "There is no indicator 'NO'" in unknown["error"]
        rest = web.get("/api/v1/bars", params={**query, "after": page["bars"][-1][0] + 1, "limit": 100}).json()
        assert (len(rest["bars"]), rest["more"]) == (25, False)
        catalogue = web.get("/api/v1/indicators").json()
        assert catalogue[1] == {
            "name": "EMA",
            "title": "Exponential moving average",
            "group": "Common",
            "place": "price",
            "parameters": [{"name": "timeperiod", "type": "int", "default": 20, "low": 1, "high": 1000}],
            "lines": ["ema"],
            "source": True,
        }
        for bad in ("{", '[{"id": "a"}]', '[{"id": "a", "name": "MA"}, {"id": "a", "name": "MA"}]'):
            answer = web.get("/api/v1/bars", params={"symbol": NAME, "indicators": bad})
            assert answer.status_code == 422, bad
            assert answer.json()["detail"].endswith(".")


def test_schema_file_is_beside_the_docs() -> None:
    """The schema is readable as JSON schema."""
    text = (Path(__file__).resolve().parents[2] / "docs/page_protocol.schema.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
