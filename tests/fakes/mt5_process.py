"""`FakeMt5`: the process of `fakes.mt5` as a test holds it."""

from __future__ import annotations

from typing import Any

import rpyc

from fakes.process import FakeVenue

MIDNIGHT_NS = 1_398_902_400_000_000_000  # 2014-05-01T00:00, when its ticks begin


class FakeMt5(FakeVenue):
    """Starts it, kills it, starts it again, and tells the terminal what to do. `now_ns` is the time of the last tick played (UTC).

    Args:
        ticks: file of the ticks.
        options: of the program.
    """

    def __init__(self, ticks: str, *options: str) -> None:
        self.now_ns = MIDNIGHT_NS
        self.ahead_ms = 3 * 3_600_000
        self._talk: Any = None
        super().__init__("mt5", "--ticks", ticks, *options)

    def kill(self) -> None:
        """Kill it by signal 9, if it lives."""
        if self._talk is not None:
            self._talk.close()
            self._talk = None
        super().kill()

    def close(self) -> None:
        """End it."""
        self.kill()

    def tell(self, method: str, *terms: Any) -> Any:
        """Call a method of the fake terminal."""
        if self._talk is None:
            self._talk = rpyc.connect("127.0.0.1", self.port, rpyc.core.service.MasterService, {"sync_request_timeout": 30})
        return getattr(self._talk.modules.MetaTrader5, method)(*terms)

    def reset(self) -> None:
        """Let the terminal be as at the start."""
        self.now_ns, self.ahead_ms = MIDNIGHT_NS, 3 * 3_600_000
        self.tell("reset")

    def play(self, count: int) -> None:
        """Let so many of EUR/USD's ticks have happened: then it is the newest one's time."""
        self.now_ns = (self.tell("when", count) - self.ahead_ms) * 1_000_000
        self.tell("play", count)
