"""What a collector tells of its connection: a CollectorStatusEvent when it changes, and metrics now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gcg_quant.events import CollectorStatusEvent, Event, MetricEvent

__all__ = ["StatusTeller"]

_EVERY_S = 10.0


class StatusTeller:
    """Publishes the status of one collector: at once when its state changes, and every 10 s when anything else has.

    Args:
        publish: publishes an event, under the collector's name.
        clock: seconds that never decrease.
    """

    def __init__(self, publish: Callable[[Event], int], clock: Callable[[], float]) -> None:
        self._publish = publish
        self._clock = clock
        self._told: CollectorStatusEvent | None = None
        self._told_s = self._counted_s = clock()
        self._messages = 0
        self._metrics: dict[tuple[str, str], float] = {}

    def is_due(self) -> bool:
        """Return whether it is time to tell of what changes all the time."""
        return self._clock() - self._told_s >= _EVERY_S

    def rate(self, messages: int) -> float:
        """Return the messages a second since the last call."""
        now = self._clock()
        passed_s, new = now - self._counted_s, messages - self._messages
        self._counted_s, self._messages = now, messages
        return new / passed_s if passed_s > 0 else 0.0

    def tell(self, status: CollectorStatusEvent) -> None:
        """Publish a status and its metrics, unless all is as it was told last."""
        self._told_s = self._clock()
        if status == self._told:
            return
        self._told = status
        self._publish(status)
        self._measure(status.collector, "connected", float(status.state == "connected"))
        self._measure(status.collector, "reconnects", float(status.reconnects))
        if status.clock_offset_ns is not None:
            self._measure(status.collector, "clock_offset_s", status.clock_offset_ns / 1e9)
        self._count(status.collector, status.faults)

    def _count(self, collector: str, faults: Mapping[str, int]) -> None:
        for kind, count in faults.items():
            self._measure(collector, "faults", float(count), kind)

    def _measure(self, collector: str, name: str, value: float, kind: str = "") -> None:
        if self._metrics.get((name, kind)) != value:
            self._metrics[name, kind] = value
            self._publish(MetricEvent(component=collector, name=name, value=value, labels={"kind": kind} if kind else {}))
