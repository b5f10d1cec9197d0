"""How long what is promised within a time may take where others keep the processors busy."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["within"]


def within(quiet_s: float, busy_s: float) -> float:
    """Return `quiet_s`, which is the promise, or `busy_s` on a machine that has more to do than processors."""
    return busy_s if _wanted() > (os.cpu_count() or 1) else quiet_s


def _wanted() -> float:
    # The load is a mean over a minute: at the beginning of a run it does not show the other tests yet, each of which may keep two
    # processors busy, nor what has just begun.
    tests = 2 * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    now = Path("/proc/loadavg")
    running = int(now.read_text().split()[3].partition("/")[0]) - 1 if now.exists() else 0  # but for this process
    return max(os.getloadavg()[0], tests, running)
