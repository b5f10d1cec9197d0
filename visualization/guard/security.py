"""Who may speak to the server, and what its pages may do.

Pages and REST calls from another origin are refused, on loopback also hosts that are not ours (a name that somebody else's DNS points
at us), and where a token is set, everything that does not show it: in a header, or by the cookie of a session that began with it. A
content security policy keeps the pages from loading or running anything that does not come from here. docs/security.md says why.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from urllib.parse import parse_qs, quote, urlsplit

from gcg_quant.sections import ChartSettings
from gcg_quant.web_sections import WebSettings

from .asgi import App, Message, Receive, Scope, Send
from .client_address import ClientAddresses, Origin
from .login import LOGIN_FILES, MOST_FORM_BYTES, LoginPage, parse_form, safe_next
from .responses import refuse, respond, retry_after, set_cookie, with_cookie, with_headers
from .sessions import COOKIE, Session, Sessions
from .throttle import Throttle

__all__ = ["COOKIE", "Guard"]

_MOST_HEADER_BYTES = 32_768
_OUR_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PAGES = frozenset({"/", "/admin", "/docs"})  # what a person opens: without the token it shows the form


class Guard:
    """ASGI middleware around the whole app: pages, REST and WebSocket.

    Args:
        app: what is guarded.
        web: names, token, proxies, limits.
        chart: how the page that asks for the token looks.
    """

    def __init__(self, app: App, web: WebSettings, chart: ChartSettings | None = None) -> None:
        chart = chart or ChartSettings()
        token = web.token.get_secret_value()
        self._app = app
        self._digest = _digest(token) if token else b""
        self._loopback = web.host in _OUR_NAMES or web.host.startswith("127.")
        self._names = {name.lower() for name in web.names}
        self._most_pages = web.max_pages
        self._pages = 0
        self._addresses = ClientAddresses(web.trusted_proxies)
        self._sessions = Sessions(token, web.session_h)
        self._throttle = Throttle()
        self._form = LoginPage(chart.theme, chart.language)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, refuse it, or ask for the token."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        origin = self._addresses.of(scope, headers)
        send = with_headers(send)
        refusal = self._refusal(scope, headers, origin)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > _MOST_HEADER_BYTES:
            text = f"The headers of a request may have {_MOST_HEADER_BYTES:,} bytes together; send less."
            await refuse(scope, receive, send, 431, text)
        elif refusal:
            await refuse(scope, receive, send, 403, refusal)
        elif scope["type"] == "http" and scope["path"] in ("/login", "/logout"):
            await self._log_in_or_out(scope, receive, send, headers, origin)
        elif not self._digest or (scope["type"] == "http" and scope["path"] in LOGIN_FILES and scope["method"] in ("GET", "HEAD")):
            await self._pass(scope, receive, send)
        else:
            await self._check(scope, receive, send, headers, origin)

    # ---- where a request comes from

    def _refusal(self, scope: Scope, headers: dict[str, str], origin: Origin) -> str:
        # Why this request must not be answered, or "".
        host = headers.get("host", "")
        if self._loopback and not self._is_ours(host):
            names = " and ".join(["127.0.0.1", "localhost", *sorted(self._names)])
            return f"This server answers to {names} only, found the host {host!r}: add it to [web] names if it is yours."
        if not _changes(scope):
            return ""
        told = headers.get("origin")
        if told is not None and not _same_origin(told, host, origin):
            return f"Requests of pages from elsewhere are refused, found the origin {told!r}."
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "Requests of pages from elsewhere are refused."
        return ""

    def _is_ours(self, host: str) -> bool:
        name = _host_name(host)
        return name in _OUR_NAMES or name.startswith("127.") or bool({name.lower(), host.lower()} & self._names)

    # ---- who asks

    async def _check(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], origin: Origin) -> None:
        session = self._sessions.found(headers.get("cookie", ""))
        if session is not None:
            # A browser adds the cookie to whatever asks; that a page of ours asks is shown by what only the browser can write.
            if _changes(scope) and "origin" not in headers and headers.get("sec-fetch-site") != "same-origin":
                await refuse(scope, receive, send, 403, "A browser's session may change something only from a page of this server.")
                return
            await self._pass_session(scope, receive, send, session, origin)
            return
        shown = _bearer(headers) or _in_address(scope)
        if not shown:
            await self._ask_for_token(scope, receive, send, headers)
            return
        wait_s = self._throttle.wait_s(origin.address)
        if wait_s:
            await self._ask_for_token(scope, receive, send, headers, "wait", wait_s)
        elif not self._is_token(shown, origin):
            await self._ask_for_token(scope, receive, send, headers, "wrong")
        elif _bearer(headers):
            await self._pass(scope, receive, send)
        else:  # ?token=... is changed for a cookie, so that the token does not stay in the address
            await respond(send, 303, b"", [(b"location", scope["path"].encode()), set_cookie(self._sessions.cookie(origin.secure))])

    def _is_token(self, shown: str, origin: Origin) -> bool:
        # Digests are compared: neither the content nor the length of the token shows in the time that it takes.
        right = hmac.compare_digest(_digest(shown), self._digest)
        (self._throttle.passed if right else self._throttle.failed)(origin.address)
        return right

    async def _ask_for_token(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], why: str = "", wait_s: float = 0.0
    ) -> None:
        status, more = (429, [retry_after(wait_s)]) if why == "wait" else (401, [(b"www-authenticate", b"Bearer")])
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] in _PAGES and not _bearer(headers):
            query = "" if _in_address(scope) else scope.get("query_string", b"").decode("latin-1")
            back = safe_next(scope["path"] + (f"?{query}" if query else ""))
            page = self._form.draw(accepted=headers.get("accept-language", ""), next=back, problem=why, wait_s=wait_s)
            await respond(send, status, page, [*more, (b"content-type", b"text/html; charset=utf-8")])
            return
        text = "A token is needed: send the header 'Authorization: Bearer TOKEN', or open / in a browser."
        if why == "wait":
            text = f"Too many wrong tokens came from your address: try again in {math.ceil(wait_s)} s."
        await refuse(scope, receive, send, status, text, more)

    # ---- sessions

    async def _log_in_or_out(self, scope: Scope, receive: Receive, send: Send, headers: dict[str, str], origin: Origin) -> None:
        session = self._sessions.found(headers.get("cookie", ""))
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        language, back = query.get("lang", [""])[0], safe_next(query.get("next", ["/"])[0])
        method = scope["method"]
        if scope["path"] == "/logout" and method == "POST":
            if session is not None:
                self._sessions.end(session)
            await respond(send, 303, b"", [(b"location", b"/login"), set_cookie(self._sessions.ending(origin.secure))])
        elif scope["path"] == "/login" and method == "POST" and self._digest:
            await self._log_in(receive, send, headers, origin)
        elif scope["path"] == "/logout" and method in ("GET", "HEAD") and session is not None:
            page = self._form.draw_leaving(headers.get("accept-language", ""))
            await respond(send, 200, page, [(b"content-type", b"text/html; charset=utf-8")])
        elif method in ("GET", "HEAD"):
            if not self._digest or session is not None:
                await respond(send, 303, b"", [(b"location", quote(back, safe="/?&=%").encode())])
                return
            page = self._form.draw(language=language, accepted=headers.get("accept-language", ""), next=back)
            await respond(send, 200, page, [(b"content-type", b"text/html; charset=utf-8")])
        else:
            await refuse(scope, receive, send, 405, f"{scope['path']} does not know the method {method} here.")

    async def _log_in(self, receive: Receive, send: Send, headers: dict[str, str], origin: Origin) -> None:
        form = parse_form(await _body(receive, MOST_FORM_BYTES))
        wait_s = self._throttle.wait_s(origin.address)
        if not wait_s and self._is_token(form.token, origin):
            to = (b"location", quote(form.next, safe="/?&=%").encode())
            await respond(send, 303, b"", [to, set_cookie(self._sessions.cookie(origin.secure))])
            return
        why, status, more = ("wait", 429, [retry_after(wait_s)]) if wait_s else ("wrong", 401, [])
        accepted = headers.get("accept-language", "")
        page = self._form.draw(language=form.language, accepted=accepted, next=form.next, problem=why, wait_s=wait_s)
        await respond(send, status, page, [*more, (b"content-type", b"text/html; charset=utf-8")])

    async def _pass_session(self, scope: Scope, receive: Receive, send: Send, session: Session, origin: Origin) -> None:
        if scope["type"] == "http":
            cookie = self._sessions.renewed(session, origin.secure)
            await self._pass(scope, receive, with_cookie(send, cookie) if cookie else send)
            return
        ended = self._sessions.watch(session)
        try:
            await self._pass(scope, _until(receive, ended), send)
        finally:
            self._sessions.unwatch(session, ended)

    # ---- through

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        if self._pages >= self._most_pages:
            await refuse(scope, receive, send, 503, f"{self._most_pages} pages are connected already ([web] max_pages).")
            return
        self._pages += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._pages -= 1


def _changes(scope: Scope) -> bool:
    return scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS


def _same_origin(told: str, host: str, origin: Origin) -> bool:
    try:
        parts = urlsplit(told)
    except ValueError:
        return False
    return parts.netloc == host and (not origin.secure or parts.scheme == "https")


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _bearer(headers: dict[str, str]) -> str:
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else ""


def _in_address(scope: Scope) -> str:
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] not in _PAGES:
        return ""
    query: bytes = scope.get("query_string", b"")
    return parse_qs(query.decode("latin-1")).get("token", [""])[0]


def _until(receive: Receive, ended: asyncio.Event) -> Receive:
    async def receive_until() -> Message:
        message, end = asyncio.ensure_future(receive()), asyncio.ensure_future(ended.wait())
        try:
            await asyncio.wait((message, end), return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "websocket.disconnect", "code": 4401}
        finally:
            message.cancel()
            end.cancel()

    return receive_until


async def _body(receive: Receive, most: int) -> bytes:
    body, more = b"", True
    while more and len(body) <= most:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and message["type"] == "http.request"
    return body[:most] if len(body) <= most else b""
