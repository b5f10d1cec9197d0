"""What both ends of a bridge do where Redis is away, and what they tell of themselves."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, ClassVar

from gcg_quant.component import Component
from gcg_quant.errors import JournalError
from gcg_quant.events import AlertEvent, MetricEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gcg_quant.errors import GcgQuantError

    from .redis_bridge import RedisBridge

__all__ = ["BridgeEnd"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONGEST_WAIT_S = 0.1, 5.0, 0.5
_METRICS_EVERY_S = 2.0


class BridgeEnd(Component):
    """One end of a bridge; subclasses send or receive in `read_batch`, unless the end rests.

    Args:
        name: of the component.
        link: the bridge's place in Redis.
        options: of `Component`.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("bridge",)

    def __init__(self, name: str, link: RedisBridge, **options: Any) -> None:
        super().__init__(name, **options)
        self.link = link
        self.problem = ""  # why nothing passes, or ""

    def on_start(self) -> None:
        """Begin to count."""
        self._pause_s = self._next_at = 0.0
        self._metrics_at = time.monotonic() + _METRICS_EVERY_S
        self._counted = (0.0, time.monotonic())

    # ---- trouble

    def rests(self) -> bool:
        """Return whether the next attempt is still to come, after waiting for it a little."""
        left = self._next_at - time.monotonic()
        if left > 0:
            self._stopping.wait(min(left, _LONGEST_WAIT_S))
        return left > 0

    def put_off(self, error: GcgQuantError, what: str, comfort: str) -> None:
        """Try again later, after a longer pause each time. A new problem is an alert: "Bridge NAME `what`: `error` `comfort`"."""
        if self.problem != error.message:
            self.alert("critical", f"Bridge {self.link.name!r} {what}: {error} {comfort}")
        self.problem = error.message
        self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
        self._next_at = time.monotonic() + self._pause_s

    def go_on(self, sentence: str) -> None:
        """Take note that an attempt has succeeded; after a problem an alert tells it by this sentence."""
        if self.problem:
            self.problem, self._pause_s = "", 0.0
            self.alert("info", sentence)

    def alert(self, level: str, message: str) -> None:
        """Publish an alert about the bridge."""
        with contextlib.suppress(JournalError):
            self.publish(AlertEvent(level=level, component=self.name, name="bridge", message=message), cause=0)

    # ---- counts

    def counts(self) -> Mapping[str, float]:
        """Return what it has counted: "events" since the start, and more."""
        raise NotImplementedError

    def counts_due(self) -> bool:
        """Return whether it is time to publish the counts, once each time that it is."""
        now = time.monotonic()
        if now < self._metrics_at:
            return False
        self._metrics_at = now + _METRICS_EVERY_S
        return True

    def publish_counts(self) -> None:
        """Publish the counts as metrics, and with them whether anything passes, and how many events a second."""
        now, counts = time.monotonic(), self.counts()
        (before, then), self._counted = self._counted, (counts["events"], now)
        rate = (counts["events"] - before) / (now - then)
        with contextlib.suppress(JournalError):
            for name, value in {"connected": not self.problem, "events_per_s": rate, **counts}.items():
                self.publish(MetricEvent(component=self.name, name=name, value=float(value)), cause=0)
