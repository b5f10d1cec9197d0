"""What waits in the journal for a recorder, and what there is to say of it: the backlog grows, still grows, is gone.

refused     at once, and again every `every_s` seconds for as long as it lasts        critical
late        the same, where the database takes rows, but more slowly than they come   warning
stored      when the database takes rows again, and when all that waited is stored    info
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from gcg_quant.clock import now_ns

__all__ = ["Backlog", "Said"]

_LATE_S = 30.0


class Said(NamedTuple):
    """A sentence that is due; call `Backlog.said` once it stands on the bus."""

    level: str
    message: str


class Backlog:
    """The trouble of one recorder with one database. One thread changes it; any may ask `behind_s`.

    Args:
        database: its name.
        every_s: the pace at which a trouble that lasts is told again, in seconds.
        clock: returns the time in ns.
    """

    def __init__(self, database: str, *, every_s: float = 60.0, clock: Callable[[], int] = now_ns) -> None:
        self._database = database
        self._every_s = every_s
        self._clock = clock
        self._oldest_ns = 0  # when the oldest event that is not stored was published, as far as known; 0: all is stored
        self._began_s = 0.0  # the trouble; 0: there is none
        self._told_s = 0.0
        self._refused = self._told = False
        self._stored = 0  # events, since the trouble began
        self._due: Said | None = None

    @property
    def behind_s(self) -> float:
        """How long ago the oldest event was published that is not stored yet, in seconds; 0 if there is none."""
        oldest_ns = self._oldest_ns
        return max(0.0, (self._clock() - oldest_ns) / 1e9) if oldest_ns else 0.0

    def refused(self, why: str, waiting: int, oldest_ns: int) -> None:
        """Note that a batch could not be stored: `waiting` events, the oldest published at `oldest_ns`."""
        self._oldest_ns = oldest_ns
        if not self._refused:
            self._refused, self._told = True, False
            self._began_s = self._began_s or time.monotonic()
        if self._is_time():
            text = f"{why} Nothing is lost: {self._waiting(waiting)} in the journal until the database takes rows again."
            self._due = Said("critical", text)

    def stored(self, events: int, waiting: int, newest_ns: int) -> None:
        """Note that a batch of so many events was stored, the last one published at `newest_ns`, and that `waiting` are left."""
        self._oldest_ns = newest_ns if waiting else 0
        self._stored += events
        if self._refused:
            self._refused = False
            if waiting and self._told:
                text = f"The database {self._database} takes rows again after {self._lasted()}: {self._waiting(waiting)} to be stored."
                self._due = Said("info", text)
                return
        if not waiting:
            self._end()
        elif self.behind_s >= _LATE_S:
            self._began_s = self._began_s or time.monotonic()
            if self._is_time():
                text = f"The database {self._database} is behind: {self._waiting(waiting)} in the journal."
                self._due = Said("warning", text)

    def due(self) -> Said | None:
        """Return what is to be said now; the same until `said` is called."""
        return self._due

    def said(self) -> None:
        """Note that what was due stands on the bus."""
        self._due = None
        self._told, self._told_s = self._began_s > 0, time.monotonic()

    def _end(self) -> None:
        if self._told:
            text = f"The database {self._database} has caught up after {self._lasted()}: {self._stored:,} events that waited are stored."
            self._due = Said("info", text)
        elif self._began_s:
            self._due = None  # it was over before anybody could be told
        self._began_s, self._told, self._stored = 0.0, False, 0

    def _is_time(self) -> bool:
        return not self._told or time.monotonic() - self._told_s >= self._every_s

    def _lasted(self) -> str:
        return f"{time.monotonic() - self._began_s:,.1f} s"

    def _waiting(self, events: int) -> str:
        return f"{events:,} events wait, the oldest for {self.behind_s:,.1f} s,"
