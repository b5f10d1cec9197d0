"""Fixtures of the share collectors: baostock's and Eastmoney's servers as processes on loopback, and a clock of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.events import Event


class Clock:
    """Our clock as the collectors see it: set to a moment in China, it goes on from there."""

    def __init__(self, text: str) -> None:
        self.set(text)

    def set(self, text: str) -> None:
        """Set it to a time such as "2025-12-31 17:50"."""
        self._begin_ns, self._since_ns = from_iso(text, "Asia/Shanghai"), time.monotonic_ns()

    def __call__(self) -> int:
        """Return nanoseconds since the epoch."""
        return self._begin_ns + time.monotonic_ns() - self._since_ns


class Heard:
    """All events of a bus so far, read on."""

    def __init__(self, bus: EventBus) -> None:
        self._reader = bus.reader(start="begin", backfill=True)
        self._events: list[Event] = []

    def of(self, *kinds: type[Any]) -> list[Any]:
        """Return the events of some kinds."""
        while (event := self._reader.read(timeout_s=0)) is not None:
            self._events.append(event)
        return [event for event in self._events if isinstance(event, kinds)]

    def close(self) -> None:
        """End reading."""
        self._reader.close()


def until(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """Return what a condition returns as soon as that is true."""
    end = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)
    return found


@pytest.fixture
def heard(bus: EventBus) -> Iterator[Heard]:
    """What the bus has carried."""
    listening = Heard(bus)
    yield listening
    listening.close()


@pytest.fixture
def clock() -> type[Clock]:
    """The class of a settable clock."""
    return Clock


@pytest.fixture(name="until")
def until_fixture() -> Callable[..., Any]:
    """Wait for a condition."""
    return until
