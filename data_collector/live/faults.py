"""What a collector could not use: counted by kind, and said once in a while with the head of the message."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gcg_quant.redaction import hidden

__all__ = ["Faults", "head_of"]

_HEAD = 200  # characters of a message that are shown
_EVERY_S = 30.0  # between two lines about faults of one kind


def head_of(payload: Any) -> str:
    """Return the beginning of a message as a text of one line, secrets masked; "" for None."""
    if payload is None:
        return ""
    if isinstance(payload, bytes | bytearray | memoryview):
        text = bytes(payload[: 2 * _HEAD]).decode("utf-8", "replace")
    else:
        try:
            text = payload if isinstance(payload, str) else repr(payload)
        except Exception as error:  # a payload that cannot be shown must not hide the fault
            text = f"<{type(payload).__name__}: {error}>"
    # Masked before it is cut: half a secret would not be known as one.
    text = hidden(text[: 100 * _HEAD]).encode("unicode_escape").decode() if not text.isprintable() else hidden(text[: 100 * _HEAD])
    return text if len(text) <= _HEAD else text[:_HEAD] + "..."


class Faults:
    """Counts faults by kind; any thread. Of each kind the first is said at once, the later ones together every 30 s.

    Args:
        say: takes a line and its detail.
        clock: seconds that never decrease.
    """

    def __init__(self, say: Callable[[str, str], None], clock: Callable[[], float]) -> None:
        self._say = say
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._said: dict[str, tuple[float, int]] = {}  # when a kind was said last, and how many there were then

    def add(self, kind: str, why: str, payload: Any = None, *, times: int = 1) -> None:
        """Count a fault (or so many), and say it unless one of its kind was said just now."""
        now = self._clock()
        with self._lock:
            count = self._counts[kind] = self._counts.get(kind, 0) + times
            said_s, before = self._said.get(kind, (float("-inf"), 0))
            if now - said_s < _EVERY_S:
                return
            self._said[kind] = (now, count)
        others = count - before - 1
        also = f" ({others} more since the last line about this)" if others else ""
        self._say(f"{kind}: {hidden(why)}{also}", head_of(payload))

    def counts(self) -> dict[str, int]:
        """Return how many there were of each kind."""
        with self._lock:
            return dict(self._counts)
