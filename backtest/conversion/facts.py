"""What can be told of any Backtrader feed: its symbol and venue, and where the bar it shows begins and ends."""

from __future__ import annotations

from typing import Any

from .days import ns_from_days

__all__ = ["bounds_of", "place_of"]


def place_of(data: Any) -> tuple[str, str]:
    """Return (symbol, venue) of a feed; a feed that is not ours has its name for a symbol and no venue."""
    symbol = getattr(data, "symbol", None) or getattr(data, "_name", "") or "data"
    return str(symbol), str(getattr(data, "venue", "") or "")


def bounds_of(data: Any, ago: int = 0) -> tuple[int, int]:
    """Return (start, end) of the bar shown, or of an earlier one (`ago` below 0), in nanoseconds.

    Our feeds know both exactly, of others there is only `datetime`.
    """
    bounds = getattr(data, "bounds_ns", None)
    if bounds is not None:
        start_ns, end_ns = bounds(ago)
        return int(start_ns), int(end_ns)
    moment = ns_from_days(data.datetime[ago]) if len(data) else 0
    return moment, moment
