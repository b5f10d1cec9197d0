"""What the components, gateways and processes of a system say of themselves, kept for whoever watches them."""

from __future__ import annotations

import time
from collections import deque

from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.events import CollectorStatusEvent, GatewayStatus, LogEvent, MetricEvent, SystemEvent

__all__ = ["Components"]

_FRESH_NS = 10 * NS_PER_SECOND
_ERRORS_S = 60.0
_MOST = 1_000
_UP = ("connected", "accepted", "halted")
_LINKED = ("connected", "idle")  # states of a collector; it is idle when it was stopped


class Components:
    """Metrics by component, errors of the last minute, gateways and collectors that are down, process ids. One thread at a time.

    Attributes:
        pids: of the process groups that run.
        last_error: the newest error of each component, as it was logged.
    """

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self.last_error: dict[str, str] = {}
        self._metrics: dict[str, dict[str, float]] = {}
        self._told_ns: dict[str, int] = {}
        self._errors: dict[str, deque[tuple[float, float]]] = {}
        self._down_since_ns: dict[tuple[str, str], int] = {}
        self._cut_off: dict[str, tuple[int, str]] = {}  # collectors: since when, and why

    # ---- events

    def on_metric(self, event: MetricEvent) -> None:
        """Take a measured value; those with labels besides the group are somebody else's."""
        if set(event.labels) - {"group"} or (event.component not in self._metrics and len(self._metrics) >= _MOST):
            return
        self._metrics.setdefault(event.component, {})[event.name] = event.value
        self._told_ns[event.component] = event.time_ns
        if event.name == "errors":
            self._note_errors(event.component, event.value)

    def on_gateway(self, event: GatewayStatus) -> None:
        """Take a gateway's state."""
        key = event.gateway, event.account
        if event.status in _UP:
            self._down_since_ns.pop(key, None)
        else:
            self._down_since_ns.setdefault(key, event.time_ns)

    def on_collector(self, event: CollectorStatusEvent) -> None:
        """Take a collector's state."""
        if event.state in _LINKED or not event.market_open:
            self._cut_off.pop(event.collector, None)
        else:
            since_ns, why = self._cut_off.get(event.collector, (event.time_ns, ""))
            self._cut_off[event.collector] = since_ns, event.detail or why

    def on_system(self, event: SystemEvent) -> None:
        """Take what happens to the processes."""
        if event.action == "start":
            self.pids.clear()
            self._metrics.clear()
            self._down_since_ns.clear()
            self._cut_off.clear()
        elif event.action == "group_started" and isinstance(event.data.get("pid"), int):
            self.pids[event.component] = event.data["pid"]
        elif event.action in ("group_died", "group_stopped"):
            self.pids.pop(event.component, None)

    def on_log(self, event: LogEvent) -> None:
        """Remember the newest error."""
        if event.level in ("error", "critical") and (event.component in self.last_error or len(self.last_error) < _MOST):
            self.last_error[event.component] = event.message

    # ---- questions

    def fresh(self, now_ns: int) -> dict[str, dict[str, float]]:
        """Return the values of the components that told some within the last 10 s."""
        return {name: values for name, values in self._metrics.items() if now_ns - self._told_ns[name] <= _FRESH_NS}

    def new_errors(self) -> dict[str, float]:
        """Return how many errors each component has had in the last minute."""
        now_s, found = time.monotonic(), {}
        for name, values in self._errors.items():
            while len(values) > 1 and now_s - values[0][0] > _ERRORS_S:
                values.popleft()
            found[name] = values[-1][1] - values[0][1]
        return found

    def forget_errors(self) -> None:
        """Count errors from now on."""
        for values in self._errors.values():
            newest = values[-1]
            values.clear()
            values.append(newest)

    def down(self, now_ns: int) -> dict[tuple[str, str], float]:
        """Return for how many seconds each gateway (and its account) has been disconnected."""
        return {key: (now_ns - since_ns) / 1e9 for key, since_ns in self._down_since_ns.items()}

    def cut_off(self, now_ns: int) -> dict[str, tuple[float, str]]:
        """Return for how many seconds each collector has been disconnected while one of its markets was open, and why."""
        return {name: ((now_ns - since_ns) / 1e9, why) for name, (since_ns, why) in self._cut_off.items()}

    def _note_errors(self, component: str, count: float) -> None:
        values = self._errors.setdefault(component, deque(maxlen=300))
        if values and count < values[-1][1]:  # the component was started again and counts anew
            values.clear()
            values.append((time.monotonic(), 0.0))
        values.append((time.monotonic(), count))
