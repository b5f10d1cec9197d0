"""The web app: pages, files, REST answers, and the server around it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.errors import ComponentError
from gcg_quant.events import SystemEvent
from gcg_quant.registry import Registry
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.server import AppServer, WebServer, create_app, serve
from gcg_quant.web_files import WEB_FILES, chart_library


@pytest.fixture
def web(server: AppServer) -> Any:
    """Return an HTTP client of the server."""
    with httpx.Client(base_url=server.url) as client:
        yield client


def test_page_and_all_its_files_are_served_from_here(web: httpx.Client) -> None:
    """The page names files of this server only, and each of them is there with its type."""
    page = web.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    local = [name for name in files if not name.startswith(("https://www.tradingview.com", "/admin"))]  # the admin room serves its own
    assert len(local) > 5
    for name in local:
        assert name.startswith("/")
        assert web.get(name).status_code == 200
    assert "javascript" in web.get("/static/js/main.js").headers["content-type"]


def test_chart_library_comes_from_its_package_with_notice(web: httpx.Client) -> None:
    """The chart library is the installed package's file; the page shows TradingView's notice and link."""
    assert web.get("/vendor/lightweight-charts.js").content == chart_library().read_bytes()
    assert "https://www.tradingview.com/" in web.get("/").text


def test_modules_are_small_and_write_no_markup() -> None:
    """Every module has at most 250 lines, and none puts text into the page as markup."""
    root = Path(__file__).resolve().parents[2]
    folders = (root / "visualization/web_frontend/js", root / "admin/web", root / "backtest/pages/report_page", WEB_FILES)
    modules = sorted(path for folder in folders for path in folder.rglob("*.js"))
    assert len(modules) > 20
    for module in modules:
        text = module.read_text(encoding="utf-8")
        assert text.count("\n") <= 250, module.name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|https?://", text.replace("http://www.w3.org/2000/svg", "")
        ), module.name


def test_page_starts_in_the_theme_of_the_settings(bus: EventBus) -> None:
    """Theme, language and the colour of up are in the page before any script runs."""
    settings = Settings.model_validate({"chart": {"theme": "light", "language": "zh"}})
    server = serve(create_app(bus, settings), port=0)
    try:
        assert '<html lang="zh" data-theme="light" data-up="red">' in httpx.get(server.url).text
    finally:
        server.stop()


def test_bars_are_answered_in_pages(web: httpx.Client, market: Any, bridge: WebSocketEventBridge, until: Any) -> None:
    """Bars come newest first page by page, by symbol alone where one venue has it."""
    starts = market.past(6)
    until(lambda: len(bridge.charts.page("BTC/USDT@SIM", "1m").candles) == 6)
    newest = web.get("/api/v1/bars", params={"symbol": "BTC/USDT", "limit": 4}).json()
    assert [bar[0] for bar in newest["bars"]] == [start // 10**9 for start in starts[2:]]
    assert newest["more"]
    older = web.get("/api/v1/bars", params={"symbol": "BTC/USDT", "venue": "SIM", "limit": 4, "before": newest["bars"][0][0]}).json()
    assert [bar[0] for bar in older["bars"]] == [start // 10**9 for start in starts[:2]]
    assert not older["more"]


def test_months_stand_at_their_first(web: httpx.Client, market: Any, bridge: WebSocketEventBridge, until: Any) -> None:
    """The period 1M makes one bar of what there is of a month, today included, with indicators; other numbers of months are refused."""
    (start_ns,) = market.past(1)
    until(lambda: len(bridge.charts.page("BTC/USDT@SIM", "1m").candles) == 1)
    asked = {"symbol": "BTC/USDT", "period": "1M", "indicators": '[{"id": "a", "name": "MA", "parameters": {"timeperiod": 2}}]'}
    months = web.get("/api/v1/bars", params=asked).json()
    first = datetime.fromtimestamp(start_ns // 10**9, UTC).replace(day=1, hour=0, minute=0, second=0)
    assert [bar[0] for bar in months["bars"]] == [first.timestamp()]
    assert [one["error"] for one in months["lines"]] == [""]
    assert web.get("/api/v1/bars", params={**asked, "before": months["bars"][0][0]}).json()["bars"] == []
    assert "'2M' is not a bar period" in web.get("/api/v1/bars", params={**asked, "period": "2M"}).json()["detail"]


def test_symbols_have_their_terms(web: httpx.Client, market: Any) -> None:
    """Every instrument is listed with its decimals."""
    assert {row["name"]: row["decimals"] for row in web.get("/api/v1/symbols").json()} == {
        "BTC/USDT@SIM": 2,
        "ETH/USDT@SIM": 1,
        "EUR/USD@SIM": 5,
    }


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ({"symbol": "BTC/USD"}, 404, "Did you mean"),
        ({"symbol": "BTC/USDT", "period": "1x"}, 422, "not a bar period"),
        ({"symbol": "BTC/USDT", "limit": "0"}, 422, "limit"),
        ({}, 422, "symbol"),
    ],
)
def test_bad_questions_get_one_sentence(web: httpx.Client, market: Any, query: dict[str, str], status: int, text: str) -> None:
    """An unknown symbol, a bad period, a bad number and a missing field are answered by a problem document."""
    answer = web.get("/api/v1/bars", params=query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert text in answer.json()["detail"]


def test_same_symbol_of_two_venues_must_be_chosen(web: httpx.Client, market: Any, bus: EventBus) -> None:
    """A symbol that two venues have is not guessed."""
    bus.instruments.number("BTC/USDT", "OTHER")
    answer = web.get("/api/v1/bars", params={"symbol": "BTC/USDT"})
    assert answer.status_code == 404
    assert "say which" in answer.json()["detail"]


def test_unknown_page_is_a_problem(web: httpx.Client) -> None:
    """A path that is none, and one outside the page's folder, are not found."""
    assert web.get("/nothing").json()["status"] == 404
    assert web.get("/static/../app.py").status_code == 404


def test_taken_port_is_one_sentence(bus: EventBus, settings: Settings) -> None:
    """A port that something else uses is told with what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ComponentError, match=r"cannot listen on 127\.0\.0\.1:\d+: .*\[web\] port"):
            serve(create_app(bus, settings), port=other.getsockname()[1])


def test_app_without_a_bridge_runs_its_own(bus: EventBus, settings: Settings, market: Any, until: Any) -> None:
    """An app alone keeps a bridge as long as it is served."""
    market.past(2)
    server = serve(create_app(bus, settings), port=0)
    try:
        until(lambda: len(httpx.get(f"{server.url}/api/v1/bars", params={"symbol": "BTC/USDT"}).json().get("bars", [])) == 2)
    finally:
        assert server.stop(60.0)
    assert server.stop(60.0)


def test_component_serves_with_routes_of_others(bus: EventBus, settings: Settings, until: Any) -> None:
    """In a registry the server tells its url once it listens, has other rooms' routes, and ends with the registry."""
    from fastapi import APIRouter

    def routers(on: EventBus) -> list[APIRouter]:
        router = APIRouter()

        @router.get("/api/v1/hello")
        def hello() -> dict[str, str]:
            return {"bus": on.bus_id}

        return [router]

    registry = Registry()
    bridge = WebSocketEventBridge(settings)
    web = WebServer(settings, bridge, routers=routers)
    for component in (bridge, web):
        registry.add(component)
    assert web.url == ""
    registry.start(bus)
    until(lambda: web.state == "running")
    assert registry.find("web") == [web]
    assert httpx.get(f"{web.url}/api/v1/hello").json() == {"bus": bus.bus_id}
    assert registry.stop(60.0) == []
    assert web.url == ""


def quiet_port() -> int:
    """Return a free port below those that the system gives to whoever wants any: nobody takes it in between."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def test_component_listens_where_the_run_has_listened(bus: EventBus, until: Any) -> None:
    """A process that is started again serves on the free port that its run took; the next run, or a port that is gone, takes another."""

    def port_of(*, taken: bool = False) -> int:
        settings = Settings.model_validate({"web": {"port": 0}})
        web: WebServer = WebServer(settings, WebSocketEventBridge(settings))
        with socket.socket() as other:
            if taken:
                other.bind(("127.0.0.1", kept))
                other.listen()
            web.start(bus)
            until(lambda: web.state in ("running", "failed"))
            port = int(web.url.rpartition(":")[2])
            assert web.stop(60.0)
        return port

    kept = quiet_port()
    assert port_of() != kept
    bus.publish(SystemEvent(action="group_started", component="services", data={"url": f"http://127.0.0.1:{kept}"}))
    assert port_of() == kept
    assert port_of(taken=True) != kept
    bus.publish(SystemEvent(action="start"))
    assert port_of() != kept


def test_component_on_a_taken_port_fails_and_says_why(bus: EventBus, until: Any) -> None:
    """The component is "failed", and the sentence is on the log lane."""
    from gcg_quant.events import LogEvent

    with socket.socket() as other, bus.reader(events=[LogEvent]) as log:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings.model_validate({"web": {"port": other.getsockname()[1]}})
        web: Component = WebServer(settings, WebSocketEventBridge(settings))
        web.start(bus)
        until(lambda: web.state == "failed")
        line = log.read(30.0)
    assert isinstance(line, LogEvent)
    assert "cannot listen on" in line.message
