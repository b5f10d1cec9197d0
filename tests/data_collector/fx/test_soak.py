"""Faults at random between a collector and a terminal: each tick comes once, live or filled in later, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.mt5_process import MIDNIGHT_NS, FakeMt5
from fakes.proxy_process import FarProxy
from ledger import CAME, FILLED, TOLD, Ledger
from soak import SOAK_S, Fault, Soak, network_faults, soaking

from gcg_quant.events import EventFlag, GapEvent, Tick

pytestmark = soaking
TICK_MS = 40
SAME = 5  # each so many-th tick has the time of the one before
FIRST = 1000  # ticks that have happened before the collector starts


def time_ms(number: int) -> int:
    """Return the time of a tick in ms behind midnight."""
    return (number - (number % SAME == 0 and number > 0)) * TICK_MS


@pytest.fixture(scope="module")
def long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of ticks that tell their numbers by their bids, long enough for the soak and its end."""
    path = tmp_path_factory.mktemp("soak") / "ticks.csv"
    with path.open("w") as file:
        file.write("time,bid,ask\n")
        for number in range(FIRST + round((SOAK_S + 240) * 1000 / TICK_MS)):
            second, ms = divmod(time_ms(number), 1000)
            clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{ms:03d}"
            file.write(f"2014-05-01T{clock},{1 + number / 1e5:.5f},{1.0002 + number / 1e5:.5f}\n")
    return path


class Mt5Soak(Soak):
    """Ticks by the clock, whatever befalls the way to them."""

    def __init__(self, mt5: FakeMt5, wall: Callable[[], int], *given: Any) -> None:
        super().__init__(*given)
        self.mt5, self.wall = mt5, wall
        self.ledger = Ledger("tick")
        self.alive = True
        for number in range(FIRST):
            self.ledger.send("EUR/USD", MIDNIGHT_NS + time_ms(number) * 1_000_000)

    def send(self) -> None:
        """Let the ticks up to now have happened."""
        while time_ms(number := self.ledger.next("EUR/USD")) <= (self.wall() - MIDNIGHT_NS) // 1_000_000:
            self.ledger.send("EUR/USD", MIDNIGHT_NS + time_ms(number) * 1_000_000)
        if self.alive:
            self.mt5.tell("play", self.ledger.next("EUR/USD"))

    def take(self, event: Any) -> None:
        """Find its number."""
        if isinstance(event, Tick):
            self.ledger.take(round((event.bid_price - 1) * 1e5), event, backfill=bool(event.flags & EventFlag.BACKFILL))
        elif isinstance(event, GapEvent):
            self.ledger.tell(event)

    def check(self) -> None:
        """No tick is missing without a word."""
        silent = self.ledger.silent()
        assert not silent, f"{len(silent)} ticks are missing: {silent[:5]}"

    def flows(self) -> bool:
        """A tick of now has come."""
        return self.ledger.newest("EUR/USD") >= self.ledger.next("EUR/USD") - 20 > FIRST

    def settled(self) -> bool:
        """All ticks of the holes are there: the terminal has them."""
        return super().settled() and not self.ledger.count(TOLD)

    def state(self) -> str:
        """Return the figures."""
        one = self.ledger
        came = f"{one.count(CAME)} came, {one.count(FILLED)} filled in, {one.count(TOLD)} told of"
        return f"{one.sent - FIRST} ticks, {came}, {one.gaps} gaps, {self.collector.manners.refills_pending} pending"

    def restart(self) -> None:
        """Kill the machine."""
        self.alive = False
        self.mt5.kill()

    def again(self) -> None:
        """Start it again."""
        self.mt5.start()
        self.alive = True


@pytest.fixture
def wall() -> Callable[[], int]:
    """Return a clock that begins a little behind the first ticks."""
    begin = MIDNIGHT_NS + FIRST * TICK_MS * 1_000_000 - time.monotonic_ns()
    return lambda: begin + time.monotonic_ns()


@pytest.fixture
def soak(bus: Any, long_file: Path, collect: Any, wall: Callable[[], int]) -> Iterator[Mt5Soak]:
    """Return the soak of a collector behind a proxy."""
    with FakeMt5(str(long_file)) as mt5, FarProxy(mt5.port) as proxy:
        options = {"call_s": 2.0, "catch_up_s": 1.0, "poll_ms": 20}
        one = collect(proxy.port, wall=wall, options=options, connect_s=6.0)
        made = Mt5Soak(mt5, wall, bus, one, {})
        made.faults |= network_faults(proxy, made.chance) | {
            "restart": Fault(made.restart, made.again),
            "logged out": Fault(lambda: mt5.tell("set", "account", 0)),
            "broker away": Fault(lambda: mt5.tell("set", "linked", False), lambda: mt5.tell("set", "linked", True), 3.0),
            "terminal closed": Fault(
                lambda: mt5.tell("fail", "terminal_info", -10004, "No IPC connection"), lambda: mt5.tell("fail", "terminal_info")
            ),
            "ticks refused": Fault(
                lambda: mt5.tell("fail", "copy_ticks_from", -4, "Not found"), lambda: mt5.tell("fail", "copy_ticks_from"), 2.0
            ),
            "history refused": Fault(
                lambda: mt5.tell("fail", "copy_ticks_range", -10005, "IPC timeout"), lambda: mt5.tell("fail", "copy_ticks_range"), 3.0
            ),
        }
        yield made
        one.stop()


def test_each_tick_comes_once(soak: Mt5Soak) -> None:
    """Live, or filled in behind a gap that tells of it."""
    soak.run()
