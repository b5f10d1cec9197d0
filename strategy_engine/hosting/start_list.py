"""Strategies that are loaded and start as soon as their instruments are known."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gcg_quant.errors import GcgQuantError

from ..strategy.session import StrategyState

if TYPE_CHECKING:
    from .roster import Roster

__all__ = ["StartList"]

_PATIENCE_S = 10.0


class StartList:
    """When the whole system starts, the collectors may register their instruments a moment later than strategies are loaded.

    `log(text, level)` takes what there is to say, `answer(control, ok, detail)` when a strategy was started, and how that went.
    """

    def __init__(self, roster: Roster, log: Callable[[str, str], None], answer: Callable[[int, bool, str], None]) -> None:
        self._roster = roster
        self._log = log
        self._answer = answer
        self._deadlines: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._deadlines)

    def add(self, name: str) -> None:
        """Let a strategy wait, 10 s at most."""
        self._deadlines[name] = time.monotonic() + _PATIENCE_S

    def remove(self, name: str) -> bool:
        """Let a strategy not start; return whether it waited."""
        return self._deadlines.pop(name, None) is not None

    def start_ready(self, knows: Callable[[str], bool], now_ns: int) -> None:
        """Start those that need not wait any more."""
        for name, deadline in list(self._deadlines.items()):
            hosted = self._roster.find(name)
            if hosted is not None and hosted.state is StrategyState.LOADED:
                unknown = [text for text in hosted.session.symbols if not knows(text)]
                if unknown and time.monotonic() < deadline:
                    continue
                if unknown:
                    self._log(f"{name} starts though nothing is known of {', '.join(unknown)} yet", "warning")
                self.start(name, hosted.announced, now_ns)
            del self._deadlines[name]

    def start(self, name: str, announced: int, now_ns: int) -> None:
        """Start one; `announced` is the id of the status event that said that it was loaded."""
        # That event stands in for a command, so that orders sent in on_start have a cause of their own.
        try:
            self._roster.start(name, announced, now_ns)
        except GcgQuantError as error:
            self._answer(announced, False, str(error))
            self._log(f"{name} was not started: {error}", "error")
            return
        self._answer(announced, True, f"{name}: start")
