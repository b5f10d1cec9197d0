"""What the process groups say of themselves, by which one that hangs is seen."""

from __future__ import annotations

import time

from gcg_quant.events import MetricEvent

__all__ = ["Heartbeats"]


class Heartbeats:
    """Whether each group still speaks, and how long each of its components has been busy with one event.

    Args:
        hang_s: a group that is silent, or a component that is busy, for longer hangs.
    """

    def __init__(self, hang_s: float) -> None:
        self._hang_s = hang_s
        self._heard_s: dict[str, float] = {}
        self._busy_s: dict[str, dict[str, float]] = {}

    def note(self, metric: MetricEvent) -> None:
        """Take a metric of a group."""
        group = metric.labels.get("group", "")
        self._heard_s[group] = time.monotonic()
        if metric.name == "busy_s":
            self._busy_s.setdefault(group, {})[metric.component] = metric.value

    def forget(self, group: str) -> None:
        """Forget a group whose process is gone or new: until it speaks it does not hang."""
        self._heard_s.pop(group, None)
        self._busy_s.pop(group, None)

    def hanging(self, group: str) -> str:
        """Return who of a group hangs: "group NAME", the name of a component, or "" for nobody."""
        if group not in self._heard_s:
            return ""
        if time.monotonic() - self._heard_s[group] > self._hang_s:
            return f"group {group}"
        return next((name for name, value in self._busy_s.get(group, {}).items() if value > self._hang_s), "")
