"""The garbage collector during a fast run: it need not look again and again at orders that Backtrader keeps for ever."""

from __future__ import annotations

import gc
import threading
from types import TracebackType

__all__ = ["RareCollection"]

# Young objects are looked at less often, not never: a strategy may make cycles of its own.
THRESHOLDS = (100_000, 50, 100)


class RareCollection:
    """A `with` block in which garbage is collected rarely, and what was there before the block not at all.

    The collector is the process's, so blocks of several threads share it: the first one in changes it, the last one out puts it back.
    What somebody else has set meanwhile stays as it is.
    """

    _lock = threading.Lock()
    _inside = 0
    _before: tuple[int, int, int] = (0, 0, 0)
    _froze = False

    def __enter__(self) -> None:
        cls = RareCollection
        with cls._lock:
            cls._inside += 1
            if cls._inside > 1:
                return
            cls._before = gc.get_threshold()
            cls._froze = gc.isenabled() and gc.get_freeze_count() == 0
            if cls._froze:
                gc.freeze()
            if cls._before[0]:  # 0 switches the collector off
                gc.set_threshold(*THRESHOLDS)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        cls = RareCollection
        with cls._lock:
            cls._inside -= 1
            if cls._inside:
                return
            if gc.get_threshold() == THRESHOLDS:
                gc.set_threshold(*cls._before)
            if cls._froze:
                gc.unfreeze()
