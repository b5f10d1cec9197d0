"""The settings in force and what became of them, folded from their events; a part of the system's view."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Mapping
from typing import Any

from gcg_quant.events import Applied, ConfigChangeEvent
from gcg_quant.settings import Settings

from ..config import flat

__all__ = ["SettingsView", "defaults"]

_KEPT = 200
_ASKED_KEPT = 32


@functools.cache
def defaults() -> dict[str, Any]:
    """Return {"section.key": default} of every setting, as events carry them."""
    return flat(Settings().dump())


class SettingsView:
    """`values` by "section.key", `by_command` those that were changed since the start without their file, and the `history`, newest last.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.by_command: set[str] = set()
        self.revision = 0
        self.history: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._asked: dict[int, dict[str, Any]] = {}  # change by command -> what was so before, until it is answered

    def dump(self) -> dict[str, Any]:
        """Return the view as plain values."""
        return {
            "values": self.values,
            "by_command": sorted(self.by_command),
            "revision": self.revision,
            "history": list(self.history),
            "asked": list(self._asked.items()),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `dump` returned; this view is new."""
        self.values, self.by_command, self.revision = state["values"], set(state["by_command"]), state["revision"]
        self.history.extend(state["history"])
        self._asked = dict(state["asked"])

    def on_config(self, event: ConfigChangeEvent) -> None:
        """Take in changed settings; a command that is refused later is taken back then."""
        new = {key: value for key, value in event.changes.items() if key in defaults()}
        if not new:
            return
        before = self.values or defaults()
        changes = {key: [before.get(key), value] for key, value in new.items() if before.get(key) != value}
        if event.revision == 1:
            self.values = dict(new)
            self.by_command.clear()
            self._asked.clear()
        else:
            self.values = {**before, **new}
        if event.revision:
            self.revision = event.revision
            self.by_command -= new.keys()
        else:
            self.by_command |= new.keys()
            self._asked[event.id] = {key: before.get(key) for key in new}
            if len(self._asked) > _ASKED_KEPT:
                del self._asked[next(iter(self._asked))]
        entry = {"time_ns": event.time_ns, "revision": event.revision, "origin": event.origin, "changes": changes, "refused": ""}
        self.history.append({**entry, "event": event.id})

    def on_applied(self, event: Applied) -> None:
        """Take back a command that was refused."""
        before = self._asked.pop(event.control, None)
        if before is None or event.ok:
            return
        self.values.update(before)
        for entry in self.history:
            if entry["event"] == event.control:
                entry["refused"] = event.detail
