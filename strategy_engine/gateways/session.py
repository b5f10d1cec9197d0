"""A gateway with a connection of its own: made in the background, watched, and made anew with backoff when it breaks."""

from __future__ import annotations

import contextlib
import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gcg_quant.backoff import Backoff
from gcg_quant.errors import GatewayError, JournalError, OrderError

from .base import Gateway, GatewayReport, Listener

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["SessionGateway"]


class SessionGateway(Gateway):
    """A gateway to a real venue. Subclasses say how to `dial`, `serve` and `hang_up`; this class keeps the connection.

    A thread of its own dials, serves until the connection breaks, and dials again after a while. Orders pass only while `reconciled` has
    been called for the connection of today. Questions to the venue wait for their answers by `ask`; one that stays unanswered for
    `patience_s` ends the connection. These waits and the backoff are the only things in trading that go by the wall clock.

    Args:
        name: how commands and events name it.
        backoff: how long to wait between two attempts; a Backoff of its own if None.
        patience_s: how long a question may stay unanswered, in seconds.
    """

    def __init__(self, name: str, *, backoff: Backoff | None = None, patience_s: float = 5.0) -> None:
        super().__init__(name)
        self._backoff = backoff or Backoff()
        self._patience_s = patience_s
        self._bus: EventBus | None = None
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._changed = threading.Condition()  # guards all below
        self._sessions = 0  # connections made so far
        self._session = 0
        self._open_session = 0  # the one that orders may go out on
        self._failure = ""
        self._asked = 0
        self._waiting: set[int] = set()
        self._answers: dict[int, Any] = {}

    # ---- for subclasses

    @abstractmethod
    def dial(self) -> None:
        """Connect and log in, on the gateway's thread, so that the venue ends earlier connections of ours. Raises OSError."""

    @abstractmethod
    def serve(self) -> None:
        """Read from the venue, `report` and `answer`, on the gateway's thread; return or raise OSError when the connection ends."""

    @abstractmethod
    def hang_up(self) -> None:
        """Close the connection, if there is one, so that `dial` or `serve` ends; from any thread."""

    def report(self, report: GatewayReport) -> None:
        """Give a report to the engine, and wake it up."""
        listener = self._listener
        if listener is not None:
            listener(report)
            self._wake()

    def ask(self, send: Callable[[int], None]) -> Any:
        """Send a question by `send(number)` and return its answer, once `serve` has called `answer(number, ...)`.

        Raises:
            GatewayError: there is no connection, it broke, or the venue did not answer in time; then the connection is ended.
        """
        with self._changed:
            session = self._session
            if not session:
                raise GatewayError(f"Gateway {self.name!r} is not connected{': ' + self._failure if self._failure else ''}.")
            self._asked += 1
            number = self._asked
            self._waiting.add(number)
        try:
            try:
                send(number)
            except OSError as error:
                raise GatewayError(f"Gateway {self.name!r} could not ask its venue: {error}.") from error
            with self._changed:
                self._changed.wait_for(lambda: number in self._answers or self._session != session, self._patience_s)
                if number in self._answers:
                    return self._answers.pop(number)
                broken = self._session != session
            if broken:
                raise GatewayError(f"Gateway {self.name!r} lost its connection before the venue answered.")
            self.hang_up()
            raise GatewayError(f"The venue of gateway {self.name!r} did not answer within {self._patience_s:g} s: the connection is ended.")
        finally:
            with self._changed:
                self._waiting.discard(number)

    def answer(self, number: int, value: Any) -> None:
        """Give the answer to a question; one that nobody waits for any more is dropped."""
        with self._changed:
            if number in self._waiting:
                self._answers[number] = value
                self._changed.notify_all()

    def check_open(self) -> None:
        """Raise OrderError unless orders may go out: call it in `submit`, before anything is sent."""
        with self._changed:
            if not self._session or self._open_session != self._session:
                why = "is not reconciled with its venue yet" if self._session else "is not connected"
                raise OrderError(f"Gateway {self.name!r} {why}: nothing was sent.", gateway=self.name)

    # ---- the gateway's face

    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Begin to connect in the background."""
        self._bus, self._listener = bus, listener
        self._closing.clear()
        self._thread = threading.Thread(target=self._keep, name=f"gateway-{self.name}", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether an order would reach the venue now: there is a connection, and it is reconciled."""
        return self._session != 0 and self._open_session == self._session

    @property
    def session(self) -> int:
        """The number of the connection, 0 while there is none."""
        return self._session

    @property
    def failure(self) -> str:
        """Why the last attempt failed or the connection broke; empty while there is one."""
        return self._failure

    def reconciled(self, session: int) -> None:
        """Let orders out on a connection."""
        with self._changed:
            self._open_session = session
        self._backoff.reset()  # not before: a venue that lets us in and throws us out must not be hammered

    def wait_connected(self, timeout_s: float, *, after: int = 0) -> bool:
        """Return whether a connection with a number above `after` is there, or is made within `timeout_s` seconds."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: self._session > after, timeout_s))

    def close(self) -> None:
        """Disconnect; orders stay at the venue."""
        self._listener = None
        self._closing.set()
        self.hang_up()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._patience_s)

    # ---- inside

    def _keep(self) -> None:
        while not self._closing.is_set():
            failure = self._live()
            with self._changed:
                self._failure = failure  # before the session's end, which others see without the lock: they ask why at once
                self._session = self._open_session = 0
                self._answers.clear()
                self._changed.notify_all()
            self.hang_up()
            self._wake()
            self._closing.wait(self._backoff.next_s())

    def _live(self) -> str:
        # One connection, from its first to its last moment; returns why it ended.
        try:
            self.dial()
            if self._closing.is_set():
                return "it was closed"
            with self._changed:
                self._sessions += 1
                self._session, self._failure = self._sessions, ""
                self._changed.notify_all()
            self._wake()
            self.serve()
        except OSError as error:
            return str(error) or type(error).__name__
        except Exception as error:  # a message that nobody understands must not end the gateway for good
            return f"{type(error).__name__}: {error}"
        return "the venue closed the connection"

    def _wake(self) -> None:
        bus = self._bus
        if bus is not None and not bus.closed:
            with contextlib.suppress(JournalError):
                bus.wake()
