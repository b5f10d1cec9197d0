"""Sessions of browsers: a cookie that says until when it holds, signed with a key that only who knows the token can make."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["COOKIE", "Session", "Sessions"]

COOKIE = "gcg_quant_page"


class Session(NamedTuple):
    """A browser that has shown the token; `expires_s` is in seconds since the epoch."""

    name: str
    expires_s: int


class Sessions:
    """Makes and checks cookies. They survive a restart of the server; another token ends them all.

    Invariant: a cookie holds nothing of the token, and one that was not made here is never taken.

    Args:
        token: the secret.
        hours: how long a session lasts without being used.
        clock: returns seconds since the epoch.
    """

    def __init__(self, token: str, hours: float, clock: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(b"gcg_quant session\0" + token.encode()).digest()
        self._lasts_s = max(60, round(hours * 3600))
        self._clock = clock
        self._ended: dict[str, int] = {}  # sessions that were ended before their time, and when they would have ended
        self._sockets: dict[str, set[asyncio.Event]] = {}

    def cookie(self, secure: bool) -> str:
        """Return the Set-Cookie header of a new session."""
        return self._header(secrets.token_urlsafe(12), secure)

    def found(self, cookies: str) -> Session | None:
        """Return the session that a Cookie header shows, or None."""
        for part in cookies.split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE and (session := self._session(value)) is not None:
                return session
        return None

    def renewed(self, session: Session, secure: bool) -> str:
        """Return the Set-Cookie header that lets a session last longer, "" while it is not half over."""
        return self._header(session.name, secure) if session.expires_s - self._clock() < self._lasts_s / 2 else ""

    def end(self, session: Session) -> None:
        """End a session, and the sockets that it has open."""
        now = int(self._clock())
        self._ended = {name: until for name, until in self._ended.items() if until > now}
        self._ended[session.name] = now + self._lasts_s
        for ended in self._sockets.pop(session.name, ()):
            ended.set()

    def ending(self, secure: bool) -> str:
        """Return the Set-Cookie header that takes the cookie away."""
        return f"{COOKIE}=; Max-Age=0{self._attributes(secure)}"

    def watch(self, session: Session) -> asyncio.Event:
        """Return what is set when the session is ended, for a socket; `unwatch` it later."""
        ended = asyncio.Event()
        self._sockets.setdefault(session.name, set()).add(ended)
        return ended

    def unwatch(self, session: Session, ended: asyncio.Event) -> None:
        """Forget a socket."""
        waiting = self._sockets.get(session.name, set())
        waiting.discard(ended)
        if not waiting:
            self._sockets.pop(session.name, None)

    def _session(self, value: str) -> Session | None:
        expires, _, rest = value.partition(".")
        name, _, shown = rest.partition(".")
        if not hmac.compare_digest(shown.encode(), self._signature(expires, name).encode()) or not expires.isdigit():
            return None
        session = Session(name, int(expires))
        return session if session.expires_s > self._clock() and name not in self._ended else None

    def _header(self, name: str, secure: bool) -> str:
        expires = str(int(self._clock()) + self._lasts_s)
        value = f"{expires}.{name}.{self._signature(expires, name)}"
        return f"{COOKIE}={value}; Max-Age={self._lasts_s}{self._attributes(secure)}"

    def _signature(self, expires: str, name: str) -> str:
        return hmac.new(self._key, f"{expires}.{name}".encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def _attributes(secure: bool) -> str:
        return "; HttpOnly; SameSite=Strict; Path=/" + ("; Secure" if secure else "")
