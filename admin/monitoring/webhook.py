"""The webhook: alerts as JSON to an address of the user's, from a thread of its own that nobody waits for."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from gcg_quant.clock import to_iso
from gcg_quant.events import AlertEvent
from gcg_quant.monitoring_sections import MonitoringSettings

__all__ = ["Webhook"]

_MOST_WAITING = 200
_ATTEMPTS = 8
_LONGEST_PAUSE_S = 60.0
_LAST_S = 1.0  # how long a stop waits for what is left
_RETRIED = frozenset({408, 425, 429})


class _RefusedError(Exception):
    def __init__(self, text: str, *, final: bool) -> None:
        super().__init__(text)
        self.final = final


class Webhook:
    """Sends alerts in order; what cannot be sent is tried again with growing pauses, then given up with one line in the log.

    `offer` never blocks: while the address does not answer, the newest 200 alerts wait, and older ones are dropped and counted.

    Args:
        settings: [monitoring] with the address; without one nothing is sent.
        redact: masks secrets in texts.
        log: is told what was given up, as a sentence and a level; never the address, which may hold a key.
        first_pause_s: before the second attempt.
    """

    def __init__(
        self, settings: MonitoringSettings, redact: Callable[[str], str], log: Callable[..., None], *, first_pause_s: float = 1.0
    ) -> None:
        self._url = urlsplit(settings.webhook_url.get_secret_value())
        self._timeout_s = settings.webhook_timeout_s
        self._redact = redact
        self._log = log
        self._first_pause_s = first_pause_s
        self._world = ""
        self._waiting: deque[AlertEvent] = deque()
        self._more = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._said = False
        self.sent = self.dropped = 0

    @property
    def on(self) -> bool:
        """Whether there is an address."""
        return bool(self._url.hostname)

    def start(self, world: str = "") -> None:
        """Start the thread, if there is an address."""
        self._world = world
        if self.on and self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
            self._thread.start()

    def offer(self, event: AlertEvent) -> None:
        """Let an alert be sent; returns at once."""
        if self._thread is None:
            return
        with self._more:
            if len(self._waiting) >= _MOST_WAITING:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(event)
            self._more.notify()

    def stop(self, timeout_s: float = _LAST_S) -> None:
        """Send what is left within `timeout_s` seconds, then end."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        deadline = time.monotonic() + timeout_s
        with self._more:
            while self._waiting and time.monotonic() < deadline:
                self._more.wait(0.05)
            self._stopping.set()
            self._more.notify_all()
        thread.join(max(0.0, deadline - time.monotonic()) + 0.2)

    # ---- on the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._more:
                while not self._waiting and not self._stopping.is_set():
                    self._more.wait(1.0)
                event = self._waiting[0] if self._waiting else None
            if event is not None:
                self._deliver(event)
                with self._more:
                    if self._waiting and self._waiting[0] is event:
                        self._waiting.popleft()
                    self._more.notify_all()

    def _deliver(self, event: AlertEvent) -> None:
        body, pause_s = self._body(event), self._first_pause_s
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._post(body)
                self.sent += 1
                self._said = False
                return
            except (_RefusedError, OSError, http.client.HTTPException) as error:
                final = attempt == _ATTEMPTS or (isinstance(error, _RefusedError) and error.final)
                if final or self._stopping.is_set():
                    self._give_up(event, error, attempt)
                    return
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _give_up(self, event: AlertEvent, error: Exception, attempts: int) -> None:
        self.dropped += 1
        if self._said:  # once, until one gets through again
            return
        self._said = True
        why = str(error) or type(error).__name__
        text = f"The webhook at {self._url.hostname} did not take the alert {event.name} ({attempts} attempts): {why}."
        with contextlib.suppress(Exception):  # the bus may be closed or full, and this thread has nobody else to tell
            self._log(self._redact(text), level="error")

    def _body(self, event: AlertEvent) -> bytes:
        message = self._redact(event.message)
        facts: dict[str, Any] = {
            "event": "alert",
            "id": event.id & ((1 << 60) - 1),
            "time": to_iso(event.time_ns // 1_000_000 * 1_000_000),
            "time_ns": event.time_ns,
            "world": self._world,
            "level": event.level,
            "component": event.component,
            "name": event.name,
            "message": message,
            "text": f"[{event.level}] {event.component}: {message}",  # what chat services show
        }
        return json.dumps(facts, ensure_ascii=False).encode()

    def _post(self, body: bytes) -> None:
        host, port = self._url.hostname or "", self._url.port
        connection: http.client.HTTPConnection
        if self._url.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=ssl.create_default_context())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        try:
            connection.connect()
            # A server that answers a byte now and then would never run into the timeout of a single read.
            guard = threading.Timer(self._timeout_s, _cut, [connection.sock])
            guard.start()
            try:
                path = f"{self._url.path or '/'}{'?' + self._url.query if self._url.query else ''}"
                headers = {"content-type": "application/json; charset=utf-8", "user-agent": "gcg_quant"}
                connection.request("POST", path, body, headers)
                status = connection.getresponse().status
            finally:
                guard.cancel()
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise _RefusedError(f"it answered {status}", final=status < 500 and status not in _RETRIED)


def _cut(sock: socket.socket | None) -> None:
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
