"""A whole system behind a token: nothing without it, no secret with it, and pages that keep to their policy in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from .. import conftest
from ..conftest import System
from .album import DESK, FOLDER, PHONE, PICTURES

pytestmark = pytest.mark.slow
TOKEN = "token-of-the-guarded-test"
SECRETS = {
    "GCG_QUANT_WEB__TOKEN": TOKEN,
    "GCG_QUANT_REDIS__URL": "redis://user:pw-of-redis@127.0.0.1:1/0",
    "GCG_QUANT_BRIDGE__PASSWORD": "pw-of-bridge",
    "GCG_QUANT_MONITORING__WEBHOOK_URL": "http://127.0.0.1:1/hooks/key-of-webhook",
}
TOLD_NOWHERE = (TOKEN, "pw-of-redis", "pw-of-bridge", "key-of-webhook")
BEARER = {"authorization": f"Bearer {TOKEN}"}
EXAMPLES = {"strategy": "grid-btc", "group": "market", "run": "none", "import": "none", "event": "market-1", "name": "none", "id": "1"}
# What a page of ours reports if the browser kept it from something.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push([event.violatedDirective, event.blockedURI, event.sourceFile].join(" ")));
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return a running demo with secrets everywhere."""
    plain = conftest.environment
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conftest, "environment", lambda home: {**plain(home), **SECRETS})
        running = System(tmp_path_factory.mktemp("guarded") / "home")
    try:
        yield running
    finally:
        running.close()


def operations(guarded: System) -> list[tuple[str, str]]:
    """Return (method, path with examples) of every operation that is described, and of what is not."""
    described = httpx.get(f"{guarded.url}/api/v1/openapi.json", headers=BEARER).json()["paths"]
    found = [
        (method.upper(), re.sub(r"\{(\w+)(?::\w+)?\}", lambda part: EXAMPLES.get(part[1], "none"), path))
        for path, methods in described.items()
        for method in methods
    ]
    pages = ("/", "/admin", "/docs", "/docs/docs.js", "/metrics", "/api/v1/openapi.json", "/static/js/main.js", "/shared/dom.js", "/ws")
    return found + [("GET", path) for path in pages]


def test_nothing_is_answered_without_the_token(guarded: System) -> None:
    """Every operation of the interface, every page and every file."""
    asked = operations(guarded)
    assert len(asked) > 50
    with httpx.Client(base_url=guarded.url) as nobody:
        for method, path in asked:
            answer = nobody.request(method, path, json={} if method != "GET" else None)
            assert answer.status_code == 401, (method, path)
            assert "www-authenticate" in answer.headers


def test_no_answer_holds_a_secret(guarded: System) -> None:
    """Tokens and passwords are in no answer, header, log file or message, whatever is asked."""
    texts: dict[str, str] = {}
    with httpx.Client(base_url=guarded.url, headers=BEARER, timeout=30) as web:
        for method, path in operations(guarded):
            if method == "GET" and path != "/ws":
                answer = web.get(path, params={"symbol": "BTC/USDT", "venue": "SIM"})
                assert answer.status_code < 500, (path, answer.text)
                texts[path] = answer.text + str(answer.headers)
    with connect(f"{guarded.url.replace('http', 'ws')}/ws", additional_headers=BEARER) as socket:
        texts["/ws"] = "".join(str(socket.recv(timeout=10)) for _ in range(10))
    texts["terminal"] = guarded.output
    texts |= {file.name: file.read_text(errors="replace") for file in (guarded.home / "logs").iterdir()}
    assert "redis" in texts["/api/v1/logs"] + texts["system.log"] + texts["/api/v1/settings"]
    for place, text in texts.items():
        for secret in TOLD_NOWHERE:
            assert secret not in text, (place, secret)


def test_pages_keep_to_their_policy(guarded: System, chromium: Any, tmp_path: Path) -> None:
    """Log in by the form with the keyboard, in both languages; then every page works without a single violation of the policy."""
    for language, word in (("zh-CN", "令牌"), ("en-US", "Token")):
        context = chromium.new_context(locale=language, viewport={"width": 390, "height": 844})
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(f"{guarded.url}/admin")
        assert page.locator("label").inner_text() == word
        page.wait_for_selector("input:focus")
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector("#problem:not(:empty)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.wait_for_load_state()  # the field is the new page's
        page.wait_for_selector("input:focus")
        page.keyboard.type(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{guarded.url}/admin")
        if word == "Token":
            look_at_pages(guarded, page)
        context.close()


def look_at_pages(guarded: System, page: Any) -> None:
    """Open every page and let it work."""
    page.set_viewport_size({"width": 1280, "height": 800})
    marks = {"/": "#charts canvas, #chart canvas", "/admin": "main, body > *", "/docs": ".opblock"}
    for path, mark in marks.items():
        page.goto(guarded.url + path)
        page.wait_for_selector(mark, timeout=60_000)
        page.wait_for_timeout(1_000)  # whatever a page does late, such as its messages
        assert page.evaluate("window.violations") == [], path
    page.locator(".opblock").first.click()
    page.wait_for_selector(".opblock-body")
    assert page.evaluate("window.violations") == []
    page.goto(guarded.url)
    assert page.evaluate("fetch('/api/v1/symbols').then((answer) => answer.status)") == 200
    page.locator("#settings-open").click()
    page.locator("a[href='/logout']").click()
    page.locator("button").click()
    page.wait_for_url(f"{guarded.url}/login")
    assert page.evaluate("fetch('/api/v1/symbols').then((answer) => answer.status)") == 401


@pytest.mark.skipif(not PICTURES, reason="test_pages_keep_to_their_policy goes through them; the pictures are asked for by GCG_SCREENSHOTS")
def test_login_and_logout_can_be_looked_at(chromium: Any, guarded: System) -> None:
    """Both pages in both themes and languages, on a screen and on a phone: empty, with a wrong token, and the page that ends a session."""
    for theme, language in (("dark", "en-US"), ("light", "zh-CN")):
        for size, viewport in (("", DESK), ("-phone", PHONE)):
            context = chromium.new_context(viewport=viewport, locale=language, color_scheme=theme)
            page = context.new_page()

            def take(name: str, page: Any = page, look: str = f"{theme}{size}") -> None:
                # The server writes the theme of [chart] into the page: the other one is put on for the picture.
                page.evaluate(f"document.documentElement.dataset.theme = {look.partition('-')[0]!r}")
                page.screenshot(path=FOLDER / f"{name}-{look}.png", animations="disabled")

            page.goto(f"{guarded.url}/admin")
            take("login")
            page.fill("#token", "wrong")
            page.keyboard.press("Enter")
            page.wait_for_selector("#problem:not(:empty)")
            take("login-refused")
            page.fill("#token", TOKEN)
            page.keyboard.press("Enter")
            page.wait_for_selector("#main")
            page.goto(f"{guarded.url}/logout")
            take("logout")
            page.goto(f"{guarded.url}/docs")
            page.wait_for_selector(".opblock")
            take("docs")
            context.close()
