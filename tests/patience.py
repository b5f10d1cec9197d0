"""How long what is promised within a time may take where others keep the processors busy."""

from __future__ import annotations

import os

__all__ = ["within"]


def within(quiet_s: float, busy_s: float) -> float:
    """Return `quiet_s`, which is the promise, or `busy_s` on a machine that has more to do than processors."""
    return quiet_s if os.getloadavg()[0] <= (os.cpu_count() or 1) else busy_s
