"""`Faults`: what a venue does wrong on demand; the control endpoint fills it, the front asks it before each answer and message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Faults of messages that go out, and of answers to calls.
OF_MESSAGES = ("gap", "duplicate", "swap", "negative", "crossed", "rubbish", "wrong_json", "unknown")
OF_CALLS = ("reject", "silent", "lost", "delay", "limit", "down")
OF_OPENINGS = ("turn_away",)
RUBBISH = "\x00\x01<html>502 Bad Gateway</html>"
WRONG_JSON = '{"e":"trade","data":[{"px":"61'
UNKNOWN = '{"e":"newsOfTomorrow","arg":{"channel":"tomorrow"},"data":[{"a":1}]}'
SAID_BESIDE = {"rubbish": RUBBISH, "wrong_json": WRONG_JSON, "unknown": UNKNOWN}


@dataclass
class Pending:
    """A fault that is to happen `count` more times where it fits; None fits everywhere."""

    do: str
    count: int = 1
    symbol: str | None = None
    channel: str | None = None  # trades | book | best | ticker | candles | funding | user
    path: str | None = None  # a part of a call's path
    method: str | None = None
    terms: dict[str, Any] = field(default_factory=dict)


class Faults:
    """Each fault happens as often as it was asked for, then all is well again."""

    def __init__(self) -> None:
        self.pending: list[Pending] = []
        self.happened: dict[str, int] = {}
        self._held: dict[str, list[str]] = {}

    def ask(self, command: dict[str, Any]) -> None:
        """Take a command of the control endpoint."""
        known = {name: command.pop(name) for name in ("do", "count", "symbol", "channel", "path", "method") if name in command}
        self.pending.append(Pending(**known, terms=command))

    def of_call(self, method: str, path: str) -> Pending | None:
        """Return the fault that a call meets."""
        for one in self.pending:
            if one.do in OF_CALLS and (one.path is None or one.path in path) and one.method in (None, method):
                return self._use(one)
        return None

    def of_opening(self, path: str) -> Pending | None:
        """Return the fault that a new websocket meets."""
        for one in self.pending:
            if one.do in OF_OPENINGS and (one.path is None or one.path in path):
                return self._use(one)
        return None

    def of_message(self, channel: str, symbol: str) -> Pending | None:
        """Return the fault that a message meets. What belongs to users is spared unless asked for by its channel."""
        for one in self.pending:
            fits = one.channel == channel or (one.channel is None and channel != "user")
            if one.do in OF_MESSAGES and fits and one.symbol in (None, symbol):
                return self._use(one)
        return None

    def outgoing(self, fault: Pending | None, text: str, stream: str = "") -> list[tuple[str, bool]]:
        """Return what goes out instead of a stream's message, and whether each is a message of the venue (else rubbish)."""
        held = [(one, True) for one in self._held.pop(stream, [])]
        if fault is None:
            return [(text, True), *held]
        if fault.do == "swap":
            self._held[stream] = [*(one for one, _ in held), text]
            return []
        if fault.do == "gap":
            return held
        if fault.do == "duplicate":
            return [(text, True), (text, True), *held]
        if fault.do in SAID_BESIDE:
            return [(fault.terms.get("text", SAID_BESIDE[fault.do]), False), (text, True), *held]
        return [(text, True), *held]

    def _use(self, one: Pending) -> Pending:
        one.count -= 1
        self.happened[one.do] = self.happened.get(one.do, 0) + 1
        if one.count <= 0:
            self.pending.remove(one)
        return one
