"""Groups, components and collectors as their events tell of them; a part of the system's view."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from gcg_quant.events import CollectorStatusEvent, GapEvent, SystemEvent
from gcg_quant.packing import pack_event

__all__ = ["ComponentView", "process_name"]

_GAPS_KEPT = 50
_LINE = ("state", "since_ns", "detail", "kind", "faults", "reconnects", "clock_offset_ns", "history")
_GROUP_STATES = {"group_started": "running", "group_died": "died", "group_stopped": "stopped", "group_restarting": "restarting"}


class ComponentView:
    """What each group and component is, and since when. Not thread-safe."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, Any]] = {}
        self.components: dict[str, dict[str, Any]] = {}
        self.collectors: dict[str, dict[str, Any]] = {}
        self.lines: dict[str, dict[str, Any]] = {}  # the connections of collectors
        self.gaps: deque[GapEvent] = deque(maxlen=_GAPS_KEPT)
        self.gap_counts: dict[str, int] = {}  # by collector, since the system started

    def dump(self) -> dict[str, Any]:
        """Return the view as plain values and packed events."""
        return {
            "groups": self.groups,
            "components": self.components,
            "collectors": self.collectors,
            "lines": self.lines,
            "gaps": [pack_event(event) for event in self.gaps],
            "gap_counts": self.gap_counts,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `dump` returned; this view is new."""
        self.groups, self.components = state["groups"], state["components"]
        self.collectors, self.gap_counts = state["collectors"], state["gap_counts"]
        self.lines = state.get("lines", {})  # a state of before they were told of has none
        self.gaps.extend(state["gaps"])

    def on_system(self, event: SystemEvent) -> None:
        """Take in what the system says of its own life."""
        if event.action == "start":
            self.groups.clear()
            self.components.clear()
            self.collectors.clear()
            self.lines.clear()
            self.gaps.clear()
            self.gap_counts.clear()
        elif event.action.startswith("group_"):
            self._on_group(event)
        elif event.action.startswith("component_"):
            self._set(event.component, event.action.removeprefix("component_"), event)
        elif event.action == "collector_symbols":
            self.collectors[event.component] = {**event.data, "since_ns": event.time_ns}
        elif event.action == "stopped":
            for row in (*self.groups.values(), *self.components.values()):
                row["state"] = "stopped"

    def on_line(self, event: CollectorStatusEvent) -> None:
        """Take in what a collector says of its connection."""
        self.lines[event.collector] = {name: getattr(event, name) for name in _LINE}

    def on_gap(self, event: GapEvent) -> None:
        """Take in a gap that a collector has told of."""
        self.gap_counts[event.source] = self.gap_counts.get(event.source, 0) + 1
        self.gaps.append(event)

    def _on_group(self, event: SystemEvent) -> None:
        before = self.groups.get(event.component, {})
        state = _GROUP_STATES.get(event.action, before.get("state", event.action))
        restarts = before.get("restarts", 0) + (event.action == "group_started" and bool(before))
        held = event.data.get("held", ())
        self.groups[event.component] = {
            "state": state,
            "since_ns": event.time_ns,
            "detail": event.detail,
            "restarts": restarts,
            **{name: value for name, value in event.data.items() if name not in ("capabilities", "held")},
        }
        if event.action == "group_started":
            for name, capabilities in event.data.get("capabilities", {}).items():
                self.components[name] = {"group": event.component, "capabilities": capabilities, "detail": ""}
                self._set(name, "stopped" if name in held else "started", event)
        elif state != "running":
            for name, row in self.components.items():
                if row["group"] == event.component and row["state"] == "running":
                    self._set(name, "stopped", event)

    def _set(self, name: str, state: str, event: SystemEvent) -> None:
        row = self.components.setdefault(name, {"group": event.data.get("group", ""), "capabilities": []})
        by_hand = event.data.get("by") == "hand" or name in event.data.get("held", ())
        row.update(state="running" if state == "started" else state, since_ns=event.time_ns, by_hand=by_hand)


def process_name(group: str) -> str:
    """Return under which name a group's process is measured; components have names of their own."""
    return f"process-{group}"
