"""Who may speak to the server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from gcg_quant.bus import EventBus
from gcg_quant.settings import Settings
from gcg_quant.visualization.server import AppServer, create_app, serve

TOKEN = "a-secret-of-the-test"


@pytest.fixture
def guarded(bus: EventBus) -> Iterator[AppServer]:
    """Return a server that asks for a token, as one outside loopback must."""
    settings = Settings.model_validate({"web": {"host": "0.0.0.0", "token": TOKEN}})
    running = serve(create_app(bus, settings), port=0)
    yield running
    running.stop()


def status(address: str, **headers: str) -> int:
    """Return how a request with these headers is answered."""
    return httpx.get(address, headers=headers).status_code


def test_every_answer_carries_the_policy(server: AppServer) -> None:
    """The policy forbids whatever does not come from here, on pages, files and answers alike."""
    for path in ("/", "/static/js/main.js", "/api/v1/symbols", "/nothing"):
        policy = httpx.get(server.url + path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy


def test_foreign_host_is_refused_on_loopback(server: AppServer) -> None:
    """A name of somebody else's that points at this machine is refused."""
    assert status(server.url, host="evil.example") == 403
    assert status(server.url, host=f"localhost:{server.port}") == 200


def test_foreign_origin_is_refused(server: AppServer) -> None:
    """A page from elsewhere can neither change anything nor open the WebSocket."""
    assert httpx.post(f"{server.url}/api/v1/symbols", headers={"origin": "https://evil.example"}).status_code == 403
    assert httpx.post(f"{server.url}/api/v1/symbols", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert httpx.post(f"{server.url}/api/v1/symbols", headers={"origin": server.url}).status_code == 405
    address = f"ws://127.0.0.1:{server.port}/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin="https://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
    with connect(address, origin=server.url) as socket:  # type: ignore[arg-type]
        assert "hello" in str(socket.recv(timeout=30))


def test_nothing_is_told_without_the_token(guarded: AppServer) -> None:
    """Without the token, or with a wrong one, there is neither page, file, answer nor socket."""
    for path in ("/static/js/main.js", "/api/v1/symbols", "/vendor/lightweight-charts.js"):
        assert status(guarded.url + path) == 401
        assert status(guarded.url + path, authorization="Bearer wrong") == 401
    assert "Token" in httpx.get(guarded.url).text
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{guarded.port}/ws")


def test_token_opens_by_header(guarded: AppServer) -> None:
    """Programs show the token in a header."""
    assert status(f"{guarded.url}/api/v1/symbols", authorization=f"Bearer {TOKEN}") == 200


def test_token_in_the_address_becomes_a_cookie(guarded: AppServer) -> None:
    """A browser shows the token once; then a cookie opens everything, and the token is out of the address."""
    with httpx.Client(base_url=guarded.url) as browser:
        answer = browser.get("/", params={"token": TOKEN})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"]
        assert TOKEN not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert browser.get("/").status_code == 200
        assert browser.get("/api/v1/symbols").status_code == 200


def test_wrong_token_in_the_address_is_told(guarded: AppServer) -> None:
    """A wrong token is answered by the form again, which says so."""
    answer = httpx.get(guarded.url, params={"token": "wrong"})
    assert answer.status_code == 401
    assert "not the right one" in answer.text
