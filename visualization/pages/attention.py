"""What a person should look at: alerts that last and that nobody has acknowledged, and halted accounts; a fold of the journal."""

from __future__ import annotations

from typing import Any, ClassVar

from gcg_quant.events import AlertAcknowledgeEvent, AlertEvent, Event, GatewayStatus

__all__ = ["Attention"]

_KEPT = 500
_ENDS = {"gateway_up": "gateway_down", "account_resumed": "account_halted"}  # good news under a name of their own


class Attention:
    """The alerts that wait for a person, and the accounts that a difference with their venue has halted."""

    EVENTS: ClassVar[tuple[type[Event], ...]] = (AlertEvent, AlertAcknowledgeEvent, GatewayStatus)

    def __init__(self) -> None:
        self._alerts: dict[str, tuple[int, str, str]] = {}  # component and name -> first event, level, message
        self._halted: dict[str, str] = {}  # account -> why
        self._changed = False

    def apply(self, event: Event) -> None:
        """Take the next event in."""
        if isinstance(event, AlertEvent):
            self._on_alert(event)
        elif isinstance(event, AlertAcknowledgeEvent):
            waiting = {key: alert for key, alert in self._alerts.items() if alert[0] != event.alert}
            self._changed = self._changed or len(waiting) < len(self._alerts)
            self._alerts = waiting
        elif isinstance(event, GatewayStatus):
            self._on_gateway(event)

    def row(self) -> dict[str, Any]:
        """Return how many alerts wait, whether one is critical, the newest one's message, and the halted accounts."""
        newest = max(self._alerts.values(), default=(0, "", ""))
        critical = any(level == "critical" for _, level, _ in self._alerts.values())
        return {"alerts": len(self._alerts), "critical": critical, "newest": newest[2], "halted": sorted(self._halted)}

    def take(self) -> dict[str, Any] | None:
        """Return the row if it has changed since the last call."""
        changed, self._changed = self._changed, False
        return self.row() if changed else None

    def dump(self) -> Any:
        """Return the state as plain values."""
        return {"alerts": [[key, *alert] for key, alert in self._alerts.items()], "halted": self._halted}

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this one is new."""
        self._alerts = {key: (number, level, message) for key, number, level, message in state["alerts"]}
        self._halted = dict(state["halted"])

    def _on_alert(self, event: AlertEvent) -> None:
        key = f"{event.component}|{_ENDS.get(event.name, event.name)}"
        if event.level == "info":
            self._changed = self._alerts.pop(key, None) is not None or self._changed
            return
        first = self._alerts.get(key, (event.id, "", ""))[0]
        self._alerts[key] = (first, event.level, event.message)
        if len(self._alerts) > _KEPT:
            del self._alerts[next(iter(self._alerts))]
        self._changed = True

    def _on_gateway(self, event: GatewayStatus) -> None:
        if event.status == "halted":
            self._changed = self._changed or event.account not in self._halted
            self._halted[event.account] = event.detail
        elif event.status == "connected" or (event.status == "accepted" and event.cause):
            self._changed = self._halted.pop(event.account, None) is not None or self._changed
