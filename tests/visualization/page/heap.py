"""What a page holds: measured by the browser itself, after it has thrown away what nobody needs."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np


class Held(NamedTuple):
    """What a page held at a moment: bytes of its JavaScript heap, nodes of its document, listeners for events."""

    seconds: float
    heap: int
    nodes: int
    listeners: int


class Heap:
    """Measures a page of Playwright."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable")
        self._begin = time.monotonic()

    def measure(self) -> Held:
        """Collect garbage, then count."""
        for _ in range(2):  # what the first round sets free may hold more
            self._session.send("HeapProfiler.collectGarbage")
        used = self._session.send("Runtime.getHeapUsage")["usedSize"]
        metrics = {one["name"]: one["value"] for one in self._session.send("Performance.getMetrics")["metrics"]}
        return Held(time.monotonic() - self._begin, int(used), int(metrics["Nodes"]), int(metrics["JSEventListeners"]))


def growth(measured: list[Held]) -> float:
    """Return the bytes a second by which the heap grows: the slope of the straight line through the measurements."""
    return float(np.polyfit([one.seconds for one in measured], [one.heap for one in measured], 1)[0])
