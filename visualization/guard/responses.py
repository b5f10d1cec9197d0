"""What the guard answers by itself, and the headers of every answer."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..problems import problem
from .asgi import Header, Message, Receive, Scope, Send

__all__ = ["refuse", "respond", "retry_after", "set_cookie", "with_cookie", "with_headers"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # not no-referrer: browsers would send "Origin: null" with a form
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cache-control", b"no-cache"),
)


def set_cookie(text: str) -> Header:
    """Return the header that sets a cookie; `text` is all of it, attributes included."""
    return b"set-cookie", text.encode("latin-1")


def retry_after(wait_s: float) -> Header:
    """Return the header that says when to try again."""
    return b"retry-after", str(math.ceil(wait_s)).encode()


def with_headers(send: Send) -> Send:
    """Return a `send` that adds what every answer has, unless a route has its own: the content security policy and the like."""

    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            present = {name for name, _ in headers}
            message = {**message, "headers": [*headers, *(one for one in _HEADERS if one[0] not in present)]}
        await send(message)

    return forward


def with_cookie(send: Send, cookie: str) -> Send:
    """Return a `send` that sets a cookie, too."""

    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), set_cookie(cookie)]}
        await send(message)

    return forward


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str, headers: Iterable[Header] = ()) -> None:
    """Answer with a problem; a WebSocket is closed with code 4403 and the text."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403, "reason": text[:120]})
        return
    told = {name.decode(): value.decode() for name, value in headers}
    await problem(status, text, told)(scope, receive, send)


async def respond(send: Send, status: int, body: bytes, headers: Iterable[Header]) -> None:
    """Answer with a whole body."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
