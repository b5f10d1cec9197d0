"""The kill switch as everybody sees it: how it is asked for, and what the journal says of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from gcg_quant.errors import ComponentError
from gcg_quant.events import Applied, ConfigChangeEvent, Event

__all__ = ["KILL_KEY", "KillSwitch", "applied_changes", "check_kill_file", "kill_change", "kill_file"]

KILL_KEY = "risk.kill_switch"
_ASKED_KEPT = 32  # requests that may wait for their answer


def kill_file(home: Path) -> Path:
    """Return the file of a home folder that keeps the switch on while it exists."""
    return home / "KILL"


def kill_change(on: bool, origin: str) -> ConfigChangeEvent:
    """Return the event that asks for the switch to go on or off; `origin` says who asks, as people read it."""
    return ConfigChangeEvent(revision=0, changes={KILL_KEY: on}, origin=origin)


def check_kill_file(home: Path, on: bool) -> None:
    """Raise ComponentError if the switch is to go off while its file exists."""
    path = kill_file(home)
    if not on and path.exists():
        raise ComponentError(f"The file {path} keeps the kill switch on: remove it, then switch off.", path=str(path))


def applied_changes(event: Applied) -> dict[str, Any]:
    """Return the "risk." settings that a trading engine says it has put in force, {} for any other answer."""
    if not event.ok or not event.detail.startswith("{"):
        return {}
    try:
        changes = msgspec.json.decode(event.detail, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
    return {key: value for key, value in changes.items() if key.startswith("risk.")}


class KillSwitch:
    """Whether the kill switch is on, since when, and who asked for it; a fold of ConfigChangeEvents and Applied events.

    What an engine has applied counts, and that a run begins with the switch on; that one begins with it off ends nothing.
    """

    EVENTS: ClassVar[tuple[type[Event], ...]] = (ConfigChangeEvent, Applied)

    def __init__(self) -> None:
        self.on = False
        self.since_ns = 0  # of the last change, 0 before the first
        self.origin = ""  # who asked for the last change
        self._asked: dict[int, str] = {}  # ConfigChangeEvent -> its origin, until it is answered

    def apply(self, event: Event) -> bool:
        """Take the next event in; return whether the switch has changed."""
        if isinstance(event, ConfigChangeEvent) and KILL_KEY in event.changes:
            return self._on_change(event)
        if isinstance(event, Applied):
            return self._on_applied(event)
        return False

    def facts(self) -> dict[str, Any]:
        """Return `on`, `since_ns` and `origin`."""
        return {"on": self.on, "since_ns": self.since_ns, "origin": self.origin}

    def dump(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {**self.facts(), "asked": list(self._asked.items())}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `dump` returned; this switch is new."""
        self.on, self.since_ns, self.origin = state["on"], state["since_ns"], state["origin"]
        self._asked = dict(state["asked"])

    def _on_change(self, event: ConfigChangeEvent) -> bool:
        self._asked[event.id] = event.origin
        if len(self._asked) > _ASKED_KEPT:
            del self._asked[next(iter(self._asked))]
        begins_on = event.revision == 1 and event.changes[KILL_KEY] is True
        return begins_on and self._set(True, event.time_ns, event.origin)

    def _on_applied(self, event: Applied) -> bool:
        origin = self._asked.pop(event.control, "")
        on = applied_changes(event).get(KILL_KEY)
        return isinstance(on, bool) and self._set(on, event.time_ns, origin)

    def _set(self, on: bool, time_ns: int, origin: str) -> bool:
        if on == self.on:
            return False
        self.on, self.since_ns, self.origin = on, time_ns, origin
        return True
