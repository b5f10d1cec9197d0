"""The thread that keeps a collector's connection: it dials, serves until it breaks, and dials again after a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from gcg_quant.backoff import Backoff
from gcg_quant.errors import CollectorError, GcgQuantError
from gcg_quant.redaction import hidden

__all__ = ["Connection", "Line"]

_LAST_WARNING = 4  # a dial that does not end after so many calls of hang_up will not
_MOST_LEFT_BEHIND = 5
_STABLE_S = 5.0  # a connection that lasts so long was a good one: the next wait is short again


class Line(Protocol):
    """What is kept connected; all but `hang_up` is called on the connection's thread."""

    def dial(self) -> None:
        """Connect and log in."""

    def established(self) -> None:
        """Do what follows a login: subscribe."""

    def serve(self) -> None:
        """Read until the connection ends."""

    def hang_up(self) -> None:
        """End dial or serve; any thread."""

    def broken(self, why: str) -> None:
        """Take note that a connection has ended on which `established` was called."""

    def connection_changed(self) -> None:
        """Take note that state or reason are others now."""


class Connection:
    """Keeps a line connected, on a thread of its own. State and reason may be read by any thread.

    `state` is "idle", "connecting", "connected", "waiting" (for the next attempt) or "refused" (the same, after a refusal that will not
    pass by itself).

    Args:
        name: of the thread.
        line: what is connected.
        backoff: how long to wait between two attempts.
        connect_s: longest time for `dial` and `established`.
        clock: seconds that never decrease.
    """

    def __init__(self, name: str, line: Line, backoff: Backoff, connect_s: float, clock: Callable[[], float]) -> None:
        self.state = "idle"
        self.reason = ""
        self.sessions = 0  # connections made so far
        self.attempts = 0  # failed ones since the last that stood
        self.since_s = clock()
        self._name, self._line, self._backoff, self._connect_s, self._clock = name, line, backoff, connect_s, clock
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._left_behind = 0  # threads
        self._deadline_s: float | None = None  # of the dial that is going on
        self._warnings = 0  # how often that was broken off in vain
        self._hung_up_because = ""

    def begin(self) -> None:
        """Start the thread."""
        self._closing.clear()
        self._thread = threading.Thread(target=self._keep, name=f"{self._name}-connection", daemon=True)
        self._thread.start()

    def end(self, timeout_s: float) -> bool:
        """Hang up for good, and return whether the thread ended within `timeout_s` seconds."""
        self._closing.set()
        self._line.hang_up()
        thread = self._thread  # which closes what is open as its last act, and must be known as its own until then
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
            return not thread.is_alive()
        return True

    @property
    def connected(self) -> bool:
        """Whether the line stands and its symbols were asked for."""
        return self.state == "connected"

    @property
    def closing(self) -> bool:
        """Whether `end` was called."""
        return self._closing.is_set()

    @property
    def broken_off(self) -> bool:
        """Whether the connection of now was broken off by us."""
        return bool(self._hung_up_because)

    @property
    def own_thread(self) -> bool:
        """Whether this is the connection's thread."""
        return threading.current_thread() is self._thread

    def break_off(self, why: str) -> None:
        """End the connection of now for a reason, so that the next is made; from any thread."""
        self._hung_up_because = why
        self._line.hang_up()

    def extend(self, seconds: float) -> None:
        """Give the dial that is going on so much more time."""
        if self._deadline_s is not None:
            self._deadline_s += seconds

    def check_deadline(self) -> str:
        """Break off a dial that takes too long, and leave its thread behind if that is of no use; return a sentence then, else "".

        Its owner calls this every now and then, from another thread.

        Raises:
            CollectorError: too many threads were left behind: the library hangs for good.
        """
        deadline = self._deadline_s
        if deadline is None or self._clock() <= deadline:
            return ""
        self._deadline_s = self._clock() + self._connect_s
        self._warnings += 1
        self.break_off(f"no connection within {self._connect_s:g} s")
        if self._warnings < _LAST_WARNING:
            return ""
        self._left_behind += 1
        why = f"connecting has hung for {_LAST_WARNING * self._connect_s:g} s and cannot be broken off"
        if self._left_behind > _MOST_LEFT_BEHIND:
            raise CollectorError(f"{self._name}: {why}, for the {self._left_behind}th time: its process must be started anew.")
        self._deadline_s = None
        self.begin()
        return f"{why}: its thread is left behind"

    # ---- inside, on its own thread

    def _keep(self) -> None:
        while not self._closing.is_set() and self.own_thread:
            self._set("connecting", self.reason)
            why, refused = self._live()
            if threading.current_thread() is not self._thread:
                return  # it was left behind
            self._line.hang_up()
            if self._closing.is_set():
                break
            self.attempts += 1
            self._set("refused" if refused else "waiting", why)
            self._closing.wait(self._backoff.longest_s() if refused else self._backoff.next_s())
        self._set("idle", "")

    def _live(self) -> tuple[str, bool]:
        # One connection from its first to its last moment; returns why it ended, and whether trying again soon is of no use.
        stood = asked = False
        self._hung_up_because = ""
        begin_s = self._clock()
        try:
            self._warnings = 0
            self._deadline_s = begin_s + self._connect_s
            self._line.dial()
            if self.own_thread and not self._closing.is_set():
                asked = True
                self._line.established()
                self._deadline_s = None
                if not self._hung_up_because:
                    stood, begin_s = True, self._clock()
                    self.sessions += 1
                    self.attempts = 0
                    self._set("connected", "")
                    self._line.serve()
            why, refused = "the venue closed the connection", False
        except OSError as error:
            why, refused = str(error) or type(error).__name__, False
        except GcgQuantError as error:
            why, refused = error.message, True
        except Exception as error:  # a library's own exception, or a fault of the adapter: neither ends the collector for good
            why, refused = f"{type(error).__name__}: {error}", False
        if not self.own_thread:
            return why, refused
        self._deadline_s = None
        why = hidden(self._hung_up_because or why)
        if stood and self._clock() - begin_s >= _STABLE_S:
            self._backoff.reset()
        if asked and not self._closing.is_set():  # events come from the first subscription on, which may be before it stands
            self._line.broken(why)
        return why, refused and not self._hung_up_because

    def _set(self, state: str, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason, self.since_s = state, reason, self._clock()
            self._line.connection_changed()
