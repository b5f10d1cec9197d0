"""A page without a browser, for tests of what the server says."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from websockets.sync.client import ClientConnection

__all__ = ["NAME", "Client"]

NAME = "BTC/USDT@SIM"


class Client:
    """A page without a browser: sends commands, and waits for messages."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.requests = 0
        self.heard: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []

    def send(self, **message: Any) -> None:
        """Send a message."""
        self.sent.append(message)
        self.socket.send(json.dumps(message))

    def until(self, kind: str, accept: Callable[[dict[str, Any]], bool] = lambda message: True) -> dict[str, Any]:
        """Return the next message of a type that is acceptable; others are passed over."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=60))
            self.heard.append(message)
            if message["type"] == kind and accept(message):
                return message
        raise AssertionError(f"no {kind} within 60 s")

    def subscribe(self, name: str = NAME, period: str = "1m", since: int | None = None, **more: Any) -> dict[str, Any]:
        """Look at a series and return its history."""
        self.requests += 1
        self.send(type="subscribe", request=self.requests, name=name, period=period, since=since, **more)
        return self.until("history", lambda message: message["request"] == self.requests)
