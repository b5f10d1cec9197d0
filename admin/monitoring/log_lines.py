"""The log lane as lines: the newest that match, or those behind one that is known."""

from __future__ import annotations

from collections import deque
from typing import Any

from gcg_quant.bus import BusReader, Cursor, EventBus
from gcg_quant.errors import EventError, nearest
from gcg_quant.events import AlertEvent, Lane, LogEvent
from gcg_quant.redaction import hidden

__all__ = ["LOG_LEVELS", "LogFilter", "line_of", "log_lines"]

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
_SEQ = (1 << 60) - 1
_FIRST_SPAN = 2_000
_MOST_BACK = 2_000_000  # events of the log lane that a search goes back through: metrics are among them


class LogFilter:
    """Which lines are wanted: of this level or worse, of this component (or publisher), with this text in message or detail.

    Raises:
        EventError: there is no such level.
    """

    def __init__(self, level: str = "debug", component: str = "", text: str = "") -> None:
        if level not in LOG_LEVELS:
            raise EventError(f"There is no log level {level!r}: {', '.join(LOG_LEVELS)}.{nearest(level, LOG_LEVELS)}", level=level)
        self._levels = frozenset(LOG_LEVELS[LOG_LEVELS.index(level) :])
        self._component = component
        self._text = text.casefold()

    def takes(self, event: LogEvent | AlertEvent) -> bool:
        """Return whether a line is wanted; one of an unknown level is."""
        if event.level in LOG_LEVELS and event.level not in self._levels:
            return False
        if self._component and self._component not in (event.component, event.source):
            return False
        return not self._text or self._text in f"{event.message}\n{getattr(event, 'detail', '')}".casefold()


def log_lines(bus: EventBus, wanted: LogFilter, *, limit: int = 200, after: int = 0) -> list[dict[str, Any]]:
    """Return lines as rows, the newest last: the first `limit` behind number `after`, or without one the newest `limit`.

    A search for rare lines looks through the newest 2,000,000 events of the lane.
    """
    with bus.reader(start="begin", events=[LogEvent, AlertEvent]) as reader:
        first, head = reader.cursor.log, bus.head(Lane.LOG)
        if after:
            return _forward(bus, reader, max(after + 1, first), wanted, limit)
        found: deque[dict[str, Any]] = deque()
        span, low = _FIRST_SPAN, head
        least = max(first, head - _MOST_BACK)
        while low > least and len(found) < limit:
            high, low = low, max(least, low - span)
            span *= 4
            found.extendleft(reversed(_between(bus, reader, low, high, wanted)))
        return list(found)[-limit:] if limit else []


def line_of(event: LogEvent | AlertEvent) -> dict[str, Any]:
    """Return a line as the interface shows it; `id` counts in the log lane, secrets are masked."""
    return {
        "id": event.id & _SEQ,
        "time_ns": event.time_ns,
        "level": event.level,
        "component": event.component,
        "message": hidden(event.message),
        "about": f"{Lane(event.about >> 60).name.lower()} #{event.about & _SEQ}" if event.about else "",
        "detail": hidden(event.detail) if isinstance(event, LogEvent) else "",
        "alert": "" if isinstance(event, LogEvent) else event.name,
    }


def _at(bus: EventBus, log: int) -> Cursor:
    return Cursor(bus.bus_id, bus.epoch, bus.head(Lane.CONTROL), bus.head(Lane.MARKET), log)


def _forward(bus: EventBus, reader: BusReader, start: int, wanted: LogFilter, limit: int) -> list[dict[str, Any]]:
    if start >= bus.head(Lane.LOG):
        return []
    reader.seek(_at(bus, start))
    rows: list[dict[str, Any]] = []
    while len(rows) < limit and (event := reader.read()) is not None:
        if isinstance(event, LogEvent | AlertEvent) and wanted.takes(event):
            rows.append(line_of(event))
    return rows


def _between(bus: EventBus, reader: BusReader, low: int, high: int, wanted: LogFilter) -> list[dict[str, Any]]:
    reader.seek(_at(bus, low))
    rows = []
    for event in reader:
        if event.id & _SEQ >= high:
            break
        if isinstance(event, LogEvent | AlertEvent) and wanted.takes(event):
            rows.append(line_of(event))
    return rows
