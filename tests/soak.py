"""`Soak`: an adapter under faults at random for as long as GCG_SOAK_S says: no silent gap, nothing twice, and nothing left behind.

GCG_SOAK_S=1800 pytest -s tests/data_collector/fx/test_soak.py
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from fakes.proxy_process import FarProxy

from gcg_quant.bus import EventBus
from gcg_quant.events import Event

__all__ = ["LEAK", "SOAK_S", "Fault", "Soak", "network_faults", "own_memory", "soaking"]

SOAK_S = float(os.environ.get("GCG_SOAK_S", "0"))
LEAK = 24 << 20  # bytes more than after the first third: allocators keep a little of each peak
MORE_FILES, MORE_THREADS = 8, 3
CALM = 12  # so many faults, then a while without one
soaking = [
    pytest.mark.timeout(SOAK_S + 900),
    pytest.mark.skipif(not SOAK_S, reason="GCG_SOAK_S says how many seconds it takes"),
]


class Fault(NamedTuple):
    """What goes wrong, and how that ends."""

    begin: Callable[[], object]
    end: Callable[[], object] = lambda: None
    longest_s: float = 1.5


def network_faults(proxy: FarProxy, chance: random.Random, *, slow: int = 50_000, half_open_s: float = 4.0) -> dict[str, Fault]:
    """Return what a network does on a bad day; `slow` is in bytes a second."""

    def open_again() -> object:
        return proxy.do("open")

    return {
        "reset": Fault(lambda: proxy.do("reset", after_bytes=chance.randrange(1, 5_000)), open_again),
        "reset at once": Fault(lambda: proxy.do("reset")),
        "drop": Fault(lambda: proxy.do("drop")),
        "refuse": Fault(lambda: proxy.do("refuse"), open_again),
        "slow": Fault(lambda: proxy.do("slow", bytes_per_s=slow), open_again),
        "half-open": Fault(lambda: proxy.do("half_open"), open_again, half_open_s),
    }


def own_memory() -> int:
    """Return the bytes of this process that are no file's: the journal is one that is mapped."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Anonymous"))


class Soak:
    """A collector under faults. Its subclass says what the venue does, and what must hold.

    Args:
        bus: on which the collector publishes.
        collector: that is running.
        faults: by name.
        seed: of what happens when.
    """

    pace_s = 0.1  # between two turns

    def __init__(self, bus: EventBus, collector: Any, faults: dict[str, Fault], *, seed: int = 1) -> None:
        self.bus, self.collector, self.faults = bus, collector, faults
        self.chance = random.Random(seed)
        self.had: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=8)
        self.kinds: Counter[str] = Counter()
        self.logs: deque[str] = deque(maxlen=6)
        self.gaps: deque[Event] = deque(maxlen=6)
        self._process = psutil.Process()
        self._reader = bus.reader(start="begin", backfill=True)
        self._begun_s = time.monotonic()
        self._told_s = 0.0
        self._least: tuple[int, int, int] | None = None  # memory, files, threads after the first third
        self._first = (0, 0, 0)

    # ---- what a subclass says

    def send(self) -> None:
        """Let the venue go on by a turn."""
        raise NotImplementedError

    def take(self, event: Event) -> None:
        """Take an event from the bus."""
        raise NotImplementedError

    def check(self) -> None:
        """Assert what must hold at any time."""

    def flows(self) -> bool:
        """Return whether what is sent arrives again; called between turns, without faults."""
        raise NotImplementedError

    def settled(self) -> bool:
        """Return whether all that can be filled in is there; called at the end."""
        return not self.collector.manners.refills_pending

    def state(self) -> str:
        """Return the figures, for people."""
        raise NotImplementedError

    # ---- the run

    def run(self) -> None:
        """Do it."""
        self.until(self.flows, "the stream flows", 300.0)  # what the adapter imports may take long
        self._begun_s = time.monotonic()
        self._first = self._measured()
        while time.monotonic() - self._begun_s < SOAK_S:
            for name in self.chance.choices(sorted(self.faults), k=CALM):
                self._suffer(name)
                if time.monotonic() - self._begun_s > SOAK_S:
                    break
            self.until(self.flows, "the stream flows again")
        self.until(self.flows, "the stream flows at the end")
        self.until(self.settled, "all is there that can be", 180.0)
        self._checked()
        self._say("at the end")
        self._leaves_nothing()

    def turn(self, seconds: float) -> None:
        """Go on for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.send()
            self.look()
            time.sleep(max(0.0, min(self.pace_s, left)))

    def look(self) -> None:
        """Take what has come."""
        while (event := self._reader.read(timeout_s=0)) is not None:
            name = type(event).__name__
            self.kinds[name] += 1
            if name == "LogEvent":
                self.logs.append(getattr(event, "message", ""))
            elif name == "GapEvent":
                self.gaps.append(event)
            self.take(event)

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = 120.0) -> None:
        """Go on until a condition holds."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}; {self._story()}"
            self.turn(self.pace_s)

    # ---- inside

    def _suffer(self, name: str) -> None:
        fault = self.faults[name]
        self.had[name] += 1
        self.last.append(name)
        fault.begin()
        try:
            self.turn(self.chance.uniform(0.3, fault.longest_s))
        finally:
            fault.end()
        self.turn(self.chance.uniform(0.3, 1.5))
        self._checked()
        passed_s = time.monotonic() - self._begun_s
        if self._least is None and passed_s > SOAK_S / 3:
            self._least = self._measured()
        if passed_s - self._told_s > 30:
            self._told_s = passed_s
            self._say(f"{passed_s:5.0f} s")

    def _checked(self) -> None:
        try:
            self.check()
        except AssertionError as error:
            raise AssertionError(f"{str(error).splitlines()[0]}; {self._story()}") from None

    def _story(self) -> str:
        one = self.collector
        now = f"{one.connection.state}: {one.connection.reason}; {self.state()}; {one.faults.counts()}"
        sockets = [(one.laddr[-1:], one.raddr[-1:], one.status) for one in self._process.net_connections("tcp")]
        return f"{now}; behind {list(self.last)}; {sockets}; {list(self.logs)}; {list(self.gaps)}"

    def _measured(self) -> tuple[int, int, int]:
        return own_memory(), self._process.num_fds(), self._process.num_threads()

    def _say(self, when: str) -> None:
        memory, files, threads = self._measured()
        print(
            f"{when}: {memory / 1e6:.1f} MB, {files} files, {threads} threads, {self.collector.connection.sessions} connections, "
            f"{sum(self.had.values())} faults; {self.state()}",
            flush=True,
        )

    def _leaves_nothing(self) -> None:
        memory, files, threads = self._least or self._first
        print(f"at the start {[*self._first]}, after a third {[memory, files, threads]}: {dict(self.had)}; {dict(self.kinds)}", flush=True)
        print(f"faults counted: {self.collector.faults.counts()}", flush=True)
        assert own_memory() < memory + LEAK
        for what, most in (("num_fds", self._first[1] + MORE_FILES), ("num_threads", max(self._first[2], threads) + MORE_THREADS)):
            count = getattr(self._process, what)
            self.until(lambda count=count, most=most: count() <= most, f"{what} is no more than {most}, found {count()}")  # type: ignore[misc]
