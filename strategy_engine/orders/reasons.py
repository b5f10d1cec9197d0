"""Reasons of OrderEvents that say what state an order is in; a restart reads them back."""

from __future__ import annotations

__all__ = ["HELD", "MODIFIED", "TRAILED", "TRIGGERED", "WAITS", "fitted"]

HELD = "held: "  # ... and then what for
WAITS = HELD + "waits for its parent"
TRIGGERED = "triggered"
MODIFIED = "modified"
TRAILED = "trailed"


def fitted(text: str, most_bytes: int = 160) -> str:
    """Return the text, cut with "..." where a record's field would not hold it."""
    data = text.encode()
    return text if len(data) <= most_bytes else data[: most_bytes - 3].decode(errors="ignore") + "..."
