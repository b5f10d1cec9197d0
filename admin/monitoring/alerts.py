"""The alerts of a system, folded from its events: what is told again is one alert with a count, until it is over."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from gcg_quant.bus import BusReader, EventBus
from gcg_quant.clock import NS_PER_HOUR
from gcg_quant.errors import JournalError
from gcg_quant.events import AlertAcknowledgeEvent, AlertEvent, Event
from gcg_quant.packing import STATE_ERRORS, unpack_state
from gcg_quant.snapshots import Snapshots

__all__ = ["LEVELS", "Alert", "AlertBook"]

LEVELS = ("info", "warning", "critical")
_SEQ = (1 << 60) - 1
_KEPT = 500
_SAME_NS = NS_PER_HOUR  # an alert that was seen and comes again after so long is another one
_ENDS = {"gateway_up": "gateway_down", "account_resumed": "account_halted"}  # good news under a name of their own


class Alert(msgspec.Struct, kw_only=True):
    """One alert from its first event on. `id` counts in the log lane; `over_ns` and `acknowledged_ns` are 0 until it is."""

    id: int
    time_ns: int
    level: str
    component: str
    name: str
    message: str
    source: str = ""
    count: int = 1
    last_ns: int = 0
    over_ns: int = 0
    acknowledged_ns: int = 0
    acknowledged_by: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Component and name: what is told again under the same key is the same alert."""
        return self.component, self.name

    def row(self) -> dict[str, Any]:
        """Return it as the interface shows it."""
        names = ("id", "time_ns", "level", "component", "name", "message", "count", "last_ns", "over_ns", "acknowledged_by")
        row = {name: getattr(self, name) for name in names}
        return {**row, "state": "over" if self.over_ns else "lasts", "acknowledged": bool(self.acknowledged_ns)}


class AlertBook:
    """The newest alerts. One thread applies and asks; `of` makes one from a bus.

    A warning or critical event begins an alert or tells it again; an "info" of the same component and name ends it.
    """

    VERSION: ClassVar[int] = 1
    VITAL: ClassVar[bool] = False
    KEEPER: ClassVar[str] = "performance"  # the component whose snapshots are books
    EVENTS: ClassVar[tuple[type[Event], ...]] = (AlertEvent, AlertAcknowledgeEvent)

    def __init__(self) -> None:
        self.alerts: dict[int, Alert] = {}
        self._lasting: dict[tuple[str, str], int] = {}

    @classmethod
    def of(cls, bus: EventBus) -> AlertBook:
        """Return the book of a bus as it is now: the newest snapshot and the tail behind it."""
        for found in Snapshots(bus, cls.KEEPER, cls.VERSION).find(search=False):
            book = cls()
            try:
                book.load(unpack_state(found.state))
                reader = bus.reader(start=found.cursor, events=cls.EVENTS)
            except (*STATE_ERRORS, JournalError):
                continue  # the component that keeps it says so on the log lane when it starts
            return book._read(reader)
        return cls()._read(bus.reader(start="begin", events=cls.EVENTS))

    def _read(self, reader: BusReader) -> AlertBook:
        with reader:
            for event in reader:
                self.apply(event)
        return self

    # ---- as a fold

    def listen(self, reader: BusReader) -> None:
        """Let a reader pass alerts and what is said of them."""
        reader.add_rule(self.EVENTS, None, None, True)

    def dump(self) -> Any:
        """Return the alerts as plain values."""
        return [msgspec.to_builtins(alert) for alert in self.alerts.values()]

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this book is new."""
        for row in state:
            alert = msgspec.convert(row, Alert)
            self.alerts[alert.id] = alert
            if not alert.over_ns:
                self._lasting[alert.key] = alert.id

    def apply(self, event: Event) -> None:
        """Take one event in."""
        if isinstance(event, AlertEvent):
            self._on_alert(event)
        elif isinstance(event, AlertAcknowledgeEvent):
            alert = self.alerts.get(event.alert & _SEQ)
            if alert is not None and not alert.acknowledged_ns:
                alert.acknowledged_ns, alert.acknowledged_by = event.time_ns, event.origin

    # ---- questions

    def lasting(self, component: str, name: str) -> Alert | None:
        """Return the alert of that component and name that is not over, or None."""
        number = self._lasting.get((component, name))
        return self.alerts[number] if number is not None else None

    def rows(self, *, state: str = "all") -> list[dict[str, Any]]:
        """Return the alerts as rows, the newest first: "all", "lasts", "over", or the "open" ones that nobody has acknowledged."""
        rows = [alert.row() for alert in reversed(self.alerts.values())]
        if state == "open":
            return [row for row in rows if not row["acknowledged"] and row["level"] != "info"]
        return [row for row in rows if state in ("all", row["state"])]

    # ---- inside

    def _on_alert(self, event: AlertEvent) -> None:
        key = event.component, _ENDS.get(event.name, event.name)
        before = self.lasting(*key)
        if event.level == "info":
            if before is not None:
                before.over_ns = event.time_ns
                del self._lasting[key]
            else:
                self._add(event, over=True)
        elif before is not None and (not before.acknowledged_ns or event.time_ns - before.last_ns < _SAME_NS):
            before.count, before.last_ns, before.message = before.count + 1, event.time_ns, event.message
            before.level = max(before.level, event.level, key=LEVELS.index) if event.level in LEVELS else before.level
        else:
            if before is not None:
                before.over_ns = before.last_ns
            self._add(event, over=False)

    def _add(self, event: AlertEvent, *, over: bool) -> None:
        level = event.level if event.level in LEVELS else "warning"
        alert = Alert(
            id=event.id & _SEQ,
            time_ns=event.time_ns,
            level=level,
            component=event.component,
            name=event.name,
            message=event.message,
            source=event.source,
            last_ns=event.time_ns,
            over_ns=event.time_ns if over else 0,
        )
        self.alerts[alert.id] = alert
        if not over:
            self._lasting[alert.key] = alert.id
        if len(self.alerts) > _KEPT:
            oldest = self.alerts.pop(next(iter(self.alerts)))
            if self._lasting.get(oldest.key) == oldest.id:
                del self._lasting[oldest.key]
