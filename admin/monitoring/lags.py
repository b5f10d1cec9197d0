"""How far the readers of a journal are behind, in events and in time."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from gcg_quant.bus import Cursor, EventBus
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane

__all__ = ["Lags", "ReaderLag"]


class ReaderLag(NamedTuple):
    """A living reader: how many events wait for it, and how long ago the oldest of them was published."""

    name: str
    events: int
    seconds: float


class Lags:
    """Looks at the living named readers of all processes. One thread."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._probe = bus.reader()

    def look(self, now_ns: int) -> list[ReaderLag]:
        """Return every living reader that has a name."""
        found = []
        for reader in self._bus.readers():
            if reader.alive:
                oldest_ns = min((self._time_of(lane, reader.next_seq[lane]) for lane, lag in reader.lag.items() if lag), default=now_ns)
                found.append(ReaderLag(reader.name, sum(reader.lag.values()), max(0.0, (now_ns - oldest_ns) / 1e9)))
        return found

    def close(self) -> None:
        """Release the journal."""
        self._probe.close()

    def _time_of(self, lane: Lane, seq: int) -> int:
        # When an event was published; far ahead if it is not to be had.
        at = {"control": self._bus.head(Lane.CONTROL), "market": self._bus.head(Lane.MARKET), "log": self._bus.head(Lane.LOG)}
        at[lane.name.lower()] = seq
        with contextlib.suppress(JournalError):
            self._probe.seek(Cursor(self._bus.bus_id, self._bus.epoch, **at))
            event = self._probe.read()
            if event is not None:
                return event.time_ns
        return 2**63 - 1
