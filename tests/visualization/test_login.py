"""The page that asks for the token, sessions, guessing, proxies and limits, on a real server."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from gcg_quant.bus import EventBus
from gcg_quant.settings import Settings
from gcg_quant.visualization.guard import security
from gcg_quant.visualization.guard.client_address import ClientAddresses
from gcg_quant.visualization.guard.login import parse_form, safe_next
from gcg_quant.visualization.guard.sessions import COOKIE, Sessions
from gcg_quant.visualization.guard.throttle import Throttle
from gcg_quant.visualization.server import AppServer, create_app, serve

TOKEN = "a-secret-of-the-test"
Make = Callable[..., AppServer]


@pytest.fixture
def guard(bus: EventBus) -> Iterator[Make]:
    """Return a function that serves with a token and these [web] settings."""
    made: list[AppServer] = []

    def make(**web: Any) -> AppServer:
        settings = Settings.model_validate({"web": {"token": TOKEN, **web}})
        made.append(serve(create_app(bus, settings), port=0))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def log_in(server: AppServer, token: str = TOKEN, **more: Any) -> httpx.Response:
    """Send the form as a browser does."""
    headers = {"origin": server.url, "sec-fetch-site": "same-origin", **more.pop("headers", {})}
    return httpx.post(f"{server.url}/login", data={"token": token, **more}, headers=headers)


def read_to_the_end(ws: Any, say: str = "") -> None:
    """Say something and read what comes, until the other end closes, which it may do while it is still being told."""
    if say:
        ws.send(say)
    while True:
        ws.recv(timeout=30)


def test_a_browser_logs_in_and_out(guard: Make) -> None:
    """The form, the cookie, the page, the socket; after the logout neither cookie nor open socket is worth anything."""
    server = guard()
    with httpx.Client(base_url=server.url, headers={"origin": server.url}) as browser:
        form = browser.get("/admin?tab=alerts")
        assert form.status_code == 401
        assert 'name="next" value="/admin?tab=alerts"' in form.text
        answer = browser.post("/login", data={"token": TOKEN, "next": "/?a=b"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/?a=b")
        cookie = answer.headers["set-cookie"]
        assert TOKEN not in cookie
        for attribute in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"):
            assert attribute in cookie
        assert "Secure" not in cookie
        assert browser.get("/").status_code == 200
        assert browser.get("/login").headers["location"] == "/"
        assert 'action="/logout" method="post"' in browser.get("/logout").text
        assert "退出登录" in browser.get("/logout", headers={"accept-language": "zh"}).text
        shown = f"{COOKIE}={browser.cookies[COOKIE]}"
        address = f"ws://127.0.0.1:{server.port}/ws"
        with connect(address, origin=server.url, additional_headers={"cookie": shown}) as ws:  # type: ignore[arg-type]
            assert "hello" in str(ws.recv(timeout=30))
            answer = browser.post("/logout")
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
            assert "Max-Age=0" in answer.headers["set-cookie"]
            with pytest.raises(ConnectionClosed):
                read_to_the_end(ws)
        assert browser.get("/").status_code == 401
        assert httpx.get(server.url, headers={"cookie": shown}).status_code == 401
        with pytest.raises(InvalidStatus):
            connect(address, origin=server.url, additional_headers={"cookie": shown})  # type: ignore[arg-type]


def test_the_form_speaks_both_languages_and_holds_no_script(guard: Make) -> None:
    """By the browser's language or the link; it is made of files that need no token, and of nothing inline."""
    server = guard()
    page = httpx.get(server.url, headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}).text
    assert 'lang="zh"' in page
    assert "令牌" in page
    assert 'lang="en"' in httpx.get(f"{server.url}/login", params={"lang": "en"}, headers={"accept-language": "zh"}).text
    assert not re.search(r"<script|<style|style=|onclick|\{\w+\}", page)
    for name in re.findall(r'href="(/(?:shared|static)[^"]+)"', page):
        assert httpx.get(server.url + name).status_code == 200
    assert httpx.get(f"{server.url}/static/js/main.js").status_code == 401


def test_a_wrong_token_is_told_and_guessing_is_slowed_down(guard: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """After five wrong ones by form, header or address nothing is compared for a while; who is in stays in."""
    monkeypatch.setattr(security, "Throttle", partial(Throttle, clock=lambda: 1_000.0))  # the while does not pass before all is asked
    server = guard()
    cookie = log_in(server).headers["set-cookie"].partition(";")[0]
    assert "not the right one" in log_in(server, "wrong", lang="en").text
    assert "不正确" in log_in(server, "wrong", lang="zh").text
    assert httpx.get(server.url, params={"token": "wrong"}).status_code == 401
    for _ in range(2):
        assert httpx.get(f"{server.url}/api/v1/symbols", headers={"authorization": "Bearer wrong"}).status_code == 401
    for token in ("wrong", TOKEN):
        answer = log_in(server, token)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 10
        answer = httpx.get(f"{server.url}/api/v1/symbols", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 429
        assert "try again in" in answer.json()["detail"]
        assert httpx.get(server.url, params={"token": token}).status_code == 429
    assert httpx.get(server.url, headers={"cookie": cookie}).status_code == 200
    assert httpx.get(f"{server.url}/api/v1/symbols").status_code == 401


def test_sessions_change_things_from_our_own_pages_alone(guard: Make) -> None:
    """With the cookie alone, as a page elsewhere could make a browser send it, nothing is changed; the token needs no origin."""
    server = guard()
    cookie = log_in(server).headers["set-cookie"].partition(";")[0]
    address = f"{server.url}/api/v1/nothing"
    told = {
        "none": {},
        "ours": {"origin": server.url},
        "fetch": {"sec-fetch-site": "same-origin"},
        "elsewhere": {"origin": "https://evil.example"},
        "null": {"origin": "null"},
        "cross": {"sec-fetch-site": "cross-site"},
        "same site": {"sec-fetch-site": "same-site", "origin": f"http://127.0.0.1:{server.port + 1}"},
        "typed": {"sec-fetch-site": "none"},
    }
    found = {name: httpx.post(address, headers={"cookie": cookie, **headers}).status_code for name, headers in told.items()}
    assert found == dict.fromkeys(told, 403) | {"ours": 404, "fetch": 404}
    assert httpx.post(address, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 404
    assert httpx.get(server.url, headers={"cookie": cookie}).status_code == 200
    assert log_in(server, headers={"origin": "https://evil.example"}).status_code == 403
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{server.port}/ws", additional_headers={"cookie": cookie})


def test_behind_a_tls_proxy(guard: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is answered to, its word on address and TLS is believed, and the cookie is Secure; nobody else's word is."""
    monkeypatch.setattr(security, "Throttle", partial(Throttle, clock=lambda: 1_000.0))
    server = guard(names=["quant.example.com"], trusted_proxies=["127.0.0.1"])
    proxied = {"host": "quant.example.com", "x-forwarded-proto": "https", "x-forwarded-for": "8.8.8.8, 203.0.113.7"}
    plain = {**proxied, "origin": "http://quant.example.com"}
    assert log_in(server, headers=plain).status_code == 403  # a page of the same name without TLS may have been changed on its way
    proxied["origin"] = "https://quant.example.com"
    assert "; Secure" in log_in(server, headers=proxied).headers["set-cookie"]
    for _ in range(6):
        blocked = log_in(server, "wrong", headers=proxied)
    assert blocked.status_code == 429
    assert log_in(server, headers={**proxied, "x-forwarded-for": "203.0.113.8"}).status_code == 303
    assert httpx.get(server.url, headers={"host": "evil.example"}).status_code == 403
    distrusting = guard(names=["quant.example.com"])
    answer = log_in(distrusting, headers={"host": "quant.example.com", "origin": "https://quant.example.com", "x-forwarded-proto": "https"})
    assert "Secure" not in answer.headers["set-cookie"]


def test_sizes_and_numbers_are_limited(guard: Make) -> None:
    """A long form, a long header, a large body, a large message, and one page too many."""
    server = guard(max_pages=1)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert log_in(server, "x" * 5_000).status_code == 401
    assert httpx.get(server.url, headers={"x-long": "x" * 70_000}).status_code == 431
    assert httpx.post(f"{server.url}/api/v1/symbols", headers=bearer, content=b"x" * (2 << 20)).status_code == 413
    address = f"ws://127.0.0.1:{server.port}/ws"
    with connect(address, additional_headers=bearer) as ws:
        with pytest.raises(InvalidStatus) as refused:
            connect(address, additional_headers=bearer)
        assert refused.value.response.status_code in (403, 503)
        with pytest.raises(ConnectionClosed) as closed:
            read_to_the_end(ws, "x" * 600_000)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_without_a_token_there_is_nothing_to_log_into(server: AppServer) -> None:
    """The form leads on, and takes nothing."""
    assert httpx.get(f"{server.url}/login").headers["location"] == "/"
    assert httpx.post(f"{server.url}/login", data={"token": "x"}).status_code == 405
    assert httpx.put(f"{server.url}/logout").status_code == 405


def test_requests_that_make_no_sense_are_survived(guard: Make) -> None:
    """Bytes that are no text, no host, half a form: a refusal, and the server goes on."""
    server = guard()
    for raw in (
        b"POST /login HTTP/1.1\r\nhost: \xff\xfe\r\ncontent-length: 0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: [::1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\ncookie: %b=\xff.\xff.\xff\r\nauthorization: Bearer \xff\r\n\r\n" % COOKIE.encode(),
        b"POST /login HTTP/1.1\r\nhost: localhost\r\norigin: http://[\r\ncontent-length: 0\r\n\r\n",
        b"POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\ntoken=\xff%f",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
            line.sendall(raw)
            assert line.recv(4096).split()[1] in (b"400", b"401", b"403"), raw
    assert httpx.get(f"{server.url}/login").status_code == 200


def test_a_session_is_renewed_and_ends(guard: Make) -> None:
    """It lasts while it is used; what was changed, is over, or is of another token is none."""
    now = [1_000_000.0]
    sessions = Sessions(TOKEN, 1.0, clock=lambda: now[0])
    cookie = sessions.cookie(secure=True).partition(";")[0]
    session = sessions.found(f"a=b; {cookie}; c=d")
    assert session is not None
    assert sessions.renewed(session, False) == ""
    now[0] += 2_000
    renewed = sessions.renewed(session, False).partition(";")[0]
    assert renewed != cookie
    now[0] += 1_700
    assert sessions.found(cookie) is None
    assert sessions.found(renewed) is not None
    later = cookie.replace(str(session.expires_s), str(session.expires_s + 10_000))
    for forged in (
        later,
        cookie[:-1],
        f"{COOKIE}=..",
        f"{COOKIE}=1.2.3",
        renewed.upper(),
        Sessions("other", 1.0).cookie(False).partition(";")[0],
    ):
        assert sessions.found(forged) is None, forged
    sessions.end(session)
    assert sessions.found(renewed) is None


def test_sockets_of_an_ended_session_are_told() -> None:
    """Whoever watches hears of it, others do not."""

    async def scene() -> tuple[bool, bool]:
        sessions = Sessions(TOKEN, 1.0)
        first, second = (sessions.found(sessions.cookie(False).partition(";")[0]) for _ in range(2))
        assert first is not None
        assert second is not None
        ended, other = sessions.watch(first), sessions.watch(second)
        sessions.unwatch(second, other)
        sessions.end(first)
        sessions.end(second)
        return ended.is_set(), other.is_set()

    assert asyncio.run(scene()) == (True, False)


def test_waits_grow_and_are_forgotten() -> None:
    """Five are free, then the wait doubles up to a quarter of an hour; the right token ends it, and so does time."""
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    waits = []
    for _ in range(14):
        throttle.failed("a")
        waits.append(throttle.wait_s("a"))
    assert waits == [0, 0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900]
    assert throttle.wait_s("b") == 0
    throttle.passed("a")
    assert throttle.wait_s("a") == 0
    for _ in range(6):
        throttle.failed("c")
    now[0] += 1_600
    assert throttle.wait_s("c") == 0
    throttle.failed("c")
    assert throttle.wait_s("c") == 0


def test_many_addresses_that_guess_slow_down_newcomers_alone() -> None:
    """From a hundred wrong tokens on whoever was not in lately waits half a minute; memory stays bounded."""
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    throttle.passed("owner")
    for number in range(20_000):
        throttle.failed(f"guesser {number}")
    assert throttle.wait_s("newcomer") == 30
    assert throttle.wait_s("owner") == 0
    assert len(throttle._wrong) <= 10_000
    now[0] += 601
    assert throttle.wait_s("newcomer") == 0


@pytest.mark.parametrize(
    ("peer", "told", "expected"),
    [
        ("10.0.0.1", "1.1.1.1, 2.2.2.2", "2.2.2.2"),
        ("10.0.0.1", "1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
        ("192.0.2.1", "1.1.1.1", "192.0.2.1"),
        ("2001:db8::1", "", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
    ],
)
def test_the_address_behind_proxies(peer: str, told: str, expected: str) -> None:
    """The last one that no trusted proxy has; an IPv6 network is one address."""
    addresses = ClientAddresses(["10.0.0.0/8"])
    assert addresses.of({"client": (peer, 1)}, {"x-forwarded-for": told}).address == expected


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil", "/a\\b", "/a\r\nx: y", "", "/login", "/" + "a" * 600]
)
def test_a_login_leads_to_no_other_place(path: str) -> None:
    """Whatever is no plain path of ours becomes the chart page."""
    assert safe_next(path) == "/"
    assert parse_form(f"token=a&next={path}".encode()).next in ("/", path.partition("\r")[0])


def test_pages_lie_behind_the_token_whatever_their_path(guard: Make) -> None:
    """A path that only looks public is not."""
    server = guard()
    for path in (
        "/static/css/login.css/../../js/main.js",
        "/shared/tokens.css%2f..%2fdom.js",
        "/static/css/layout.css",
        "/LOGIN",
        "/metrics",
    ):
        assert httpx.get(server.url + path).status_code in (401, 404), path
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
            line.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
            assert line.recv(65_536).split()[1] == b"401", path
