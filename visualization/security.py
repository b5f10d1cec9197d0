"""Who may speak to the server, and what its pages may do.

Pages and REST calls from another origin are refused, on loopback also hosts that are not ours (a name that somebody else's DNS points
at us), and where a token is set, everything that does not show it. A content security policy keeps the page from loading or running
anything that does not come from here.
"""

from __future__ import annotations

import hashlib
import hmac
import html
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from gcg_quant.web_sections import WebSettings

__all__ = ["COOKIE", "Guard"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "gcg_quant_page"
_OUR_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
)


class Guard:
    """ASGI middleware around the whole app: pages, REST and WebSocket."""

    def __init__(self, app: App, web: WebSettings) -> None:
        self._app = app
        self._token = web.token.get_secret_value()
        self._loopback = web.host in _OUR_NAMES or web.host.startswith("127.")
        self._ticket = hmac.new(self._token.encode(), b"gcg_quant page", hashlib.sha256).hexdigest() if self._token else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, refuse it, or ask for the token."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(scope, send, 403, refusal)
        elif self._may_enter(headers):
            await self._app(scope, receive, _with_headers(send))
        else:
            await self._ask_for_token(scope, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> str:
        # Why this request must not be answered, or "".
        host = headers.get("host", "")
        if self._loopback and _host_name(host) not in _OUR_NAMES and not _host_name(host).startswith("127."):
            return f"This server answers to 127.0.0.1 and localhost only, found the host {host!r}."
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if changes and origin is not None and urlsplit(origin).netloc != host:
            return f"Requests of pages from elsewhere are refused, found the origin {origin!r}."
        if changes and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "Requests of pages from elsewhere are refused."
        return ""

    def _may_enter(self, headers: dict[str, str]) -> bool:
        if not self._token:
            return True
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), self._token.encode()):
            return True
        return hmac.compare_digest(_cookie(headers.get("cookie", "")).encode(), self._ticket.encode())

    async def _ask_for_token(self, scope: Scope, send: Send) -> None:
        # ?token=... in the page's address is changed for a cookie, so that the token does not stay in the address.
        shown = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        is_page = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in ("/", "/admin")
        if is_page and shown and hmac.compare_digest(shown.encode(), self._token.encode()):
            cookie = f"{COOKIE}={self._ticket}; HttpOnly; SameSite=Strict; Path=/"
            headers = [(b"location", scope["path"].encode()), (b"set-cookie", cookie.encode()), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 303, "headers": [*_HEADERS, *headers]})
            await send({"type": "http.response.body", "body": b""})
        elif is_page:
            wrong = "That token is not the right one." if shown else ""
            await _respond(send, 401, _form(wrong), b"text/html; charset=utf-8")
        else:
            text = "A token is needed: send the header 'Authorization: Bearer TOKEN', or open / in a browser."
            await _refuse(scope, send, 401, text)


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _cookie(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _form(sentence: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>gcg_quant</title>'
        '<link rel="icon" href="data:,"><body><form action="/" method="get"><h1>gcg_quant</h1>'
        f"<p>{html.escape(sentence)}</p>"
        '<label>Token <input type="password" name="token" autofocus autocomplete="current-password"></label> '
        "<button>Open</button></form></body></html>"
    ).encode()


def _with_headers(send: Send) -> Send:
    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message.get("headers", [])}
            added = [(name, value) for name, value in _HEADERS if name not in present]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return forward


async def _refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403, "reason": text[:120]})
        return
    body = b'{"title":"%s","status":%d,"detail":%s}' % (b"Forbidden" if status == 403 else b"Unauthorized", status, _json_text(text))
    await _respond(send, status, body, b"application/problem+json")


async def _respond(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [*_HEADERS, (b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _json_text(text: str) -> bytes:
    import json

    return json.dumps(text).encode()
