"""The webhook against a real HTTP server that takes, refuses, fails, dawdles, and is not there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from patience import within

from gcg_quant.admin.monitoring.webhook import Webhook
from gcg_quant.events import AlertEvent
from gcg_quant.redaction import Redactor
from gcg_quant.settings import Settings

from .conftest import wait_until

KEY = "/hooks/a-key-of-the-test"


class Receiver(ThreadingHTTPServer):
    """Answers with `statuses` in turn, then with 204; a status of 0 answers nothing for `dawdle_s`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.bodies: list[dict[str, Any]] = []
        self.requests = 0
        self.released = threading.Event()
        self.drip = False


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take an alert."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests += 1
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        if status == 0:
            while not self.server.released.wait(0.05):
                if self.server.drip:
                    self.wfile.write(b"H")
            return
        if status < 300:
            self.server.bodies.append({**body, "path": self.path})
        self.send_response(status)
        self.send_header("location", "http://127.0.0.1:1/")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a running server."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


Make = Callable[..., Webhook]


@pytest.fixture
def logged() -> list[str]:
    """Return what the webhook logs."""
    return []


@pytest.fixture
def webhook(receiver: Receiver, logged: list[str]) -> Iterator[Make]:
    """Return a function that starts a webhook to the receiver, or to another port.

    It waits long for an answer, unless it is told otherwise: the receiver, too, has to wait for a processor.
    """
    made: list[Webhook] = []

    def make(port: int = 0, timeout_s: float = 30.0) -> Webhook:
        url = f"http://127.0.0.1:{port or receiver.server_port}{KEY}?a=b"
        settings = Settings.model_validate({"monitoring": {"webhook_url": url, "webhook_timeout_s": timeout_s}})
        one = Webhook(settings.monitoring, Redactor(settings), lambda text, level: logged.append(text), first_pause_s=0.001)
        one.start("paper")
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()


def alert(number: int = 1, message: str = "Reader x is late.") -> AlertEvent:
    """Return an alert as it comes from the bus."""
    return AlertEvent(
        id=(2 << 60) + number, time_ns=1_700_000_000_000_000_000, level="critical", component="x", name="lag", message=message
    )


def test_an_alert_arrives_as_json(receiver: Receiver, webhook: Make) -> None:
    """With all that there is to know, and a text that chat services show; secrets are masked."""
    webhook().offer(alert(message="cannot reach redis://:pw-of-redis@host/1"))
    wait_until(lambda: receiver.bodies, "the alert")
    assert receiver.bodies == [
        {
            "event": "alert",
            "id": 1,
            "time": "2023-11-14T22:13:20Z",
            "time_ns": 1_700_000_000_000_000_000,
            "world": "paper",
            "level": "critical",
            "component": "x",
            "name": "lag",
            "message": "cannot reach redis://:***@host/1",
            "text": "[critical] x: cannot reach redis://:***@host/1",
            "path": f"{KEY}?a=b",
        }
    ]


def test_a_server_that_fails_is_asked_again(receiver: Receiver, webhook: Make, logged: list[str]) -> None:
    """500, 503 and 429 are tried again until it takes the alert, in order."""
    receiver.statuses = [500, 503, 429, 500]
    one = webhook()
    one.offer(alert(1))
    one.offer(alert(2))
    wait_until(lambda: len(receiver.bodies) == 2, "both alerts")
    assert [body["id"] for body in receiver.bodies] == [1, 2]
    assert receiver.requests == 6
    assert logged == []


def test_a_refusal_is_not_repeated(receiver: Receiver, webhook: Make, logged: list[str]) -> None:
    """404 and a redirect are given up at once, told once, without the address's key."""
    receiver.statuses = [404, 302]
    one = webhook()
    for number in range(3):
        one.offer(alert(number))
    wait_until(lambda: receiver.bodies, "the third alert")
    assert receiver.requests == 3
    assert logged == ["The webhook at 127.0.0.1 did not take the alert lag (1 attempts): it answered 404."]


@pytest.mark.parametrize("drip", [False, True])
def test_a_slow_server_holds_nobody_up(receiver: Receiver, webhook: Make, logged: list[str], drip: bool) -> None:
    """An answer that does not come, or comes byte by byte, is cut off after the timeout; whoever raises alerts never waits."""
    receiver.statuses = [0] * 8
    receiver.drip = drip
    one = webhook(timeout_s=0.1)
    begin = time.perf_counter()
    for number in range(1000):
        one.offer(alert(number))
    assert time.perf_counter() - begin < within(0.5, 5.0)
    assert one.dropped >= 799  # the newest 200 wait
    wait_until(lambda: receiver.bodies, "one that gets through")
    assert len(logged) == 1
    assert "did not take" in logged[0]


def test_an_address_without_a_server_is_told_once(webhook: Make, logged: list[str]) -> None:
    """A refused connection ends after its attempts with one line, however many alerts follow."""
    one = webhook(port=1)
    for number in range(3):
        one.offer(alert(number))
    wait_until(lambda: one.dropped == 3, "three that were dropped")
    assert len(logged) == 1
    assert "Connection refused" in logged[0]
    assert "a-key" not in logged[0]


def test_a_stop_sends_what_is_left_but_waits_for_nobody(receiver: Receiver, webhook: Make) -> None:
    """Alerts of the last moment still go out; a server that hangs delays the stop by a second at most."""
    one = webhook()
    one.offer(alert())
    one.stop(30.0)
    assert len(receiver.bodies) == 1
    receiver.statuses = [0] * 9
    hanging = webhook(timeout_s=30)
    hanging.offer(alert())
    wait_until(lambda: receiver.requests == 2, "the request")
    begin = time.perf_counter()
    hanging.stop()
    assert time.perf_counter() - begin < within(3.0, 15.0)


def test_without_an_address_nothing_is_done() -> None:
    """No thread, no queue."""
    settings = Settings()
    one = Webhook(settings.monitoring, Redactor(settings), lambda text, level: None)
    one.start()
    one.offer(alert())
    one.stop()
    assert (one.on, one.sent, one.dropped) == (False, 0, 0)
