"""The progress bar of a run: shown where somebody looks, and only if it takes a while."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from gcg_quant.clock import to_datetime

__all__ = ["Progress"]

_PATIENCE_S = 0.5


class Progress:
    """A bar by rich, on the terminal or in a notebook. `show` is told (done, total, now_ns) again and again.

    Args:
        wanted: whether to show it; None: where somebody looks.
    """

    def __init__(self, wanted: bool | None = None) -> None:
        self._wanted = sys.stderr.isatty() or "ipykernel" in sys.modules if wanted is None else wanted
        self._begin = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self.show = self._show if self._wanted else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _show(self, done: int, total: int, now_ns: int) -> None:
        if self._bar is None:
            if time.monotonic() - self._begin < _PATIENCE_S:
                return
            from rich import progress  # 0.1 s, and seldom wanted

            columns = ("{task.description}", progress.BarColumn(), progress.TaskProgressColumn(), "{task.fields[speed]}")
            self._bar = progress.Progress(*columns, progress.TimeRemainingColumn(), transient=True)
            self._task = self._bar.add_task("", total=None, speed="")
            self._bar.start()
        seconds = time.monotonic() - self._begin
        text = f"{to_datetime(now_ns):%Y-%m-%d %H:%M:%S}" if now_ns > 0 else ""
        speed = f"{done / seconds / 1e6:.2f} M/s"
        self._bar.update(self._task, completed=min(done, total), total=max(total, 1), description=text, speed=speed)
