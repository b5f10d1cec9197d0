"""A session of a real system that has gone through much, and its journal with single values changed."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.busy_mark import busy_with, mark_path
from gcg_quant.events import Applied, Event, Lane, OrderRequest, Record, StrategyControlEvent, StrategyStatusEvent, SystemEvent

from .conftest import System

NAMES = ("grid", "averages", "clockwork", "counting", "pair", "guest", "breaking")

SETTINGS = """
[bus]
page_mb = 1

[simulated]
enabled = true
ticks_per_second = 200.0
history_minutes = 30

[system.groups]
market = ["collectors", "bars", "trading", "storage"]
strategies = ["strategies"]

[[strategies.load]]
file = "grid"
parameters = { step_percent = 0.01 }

[[strategies.load]]
file = "sma_cross"
id = "averages"
symbols = ["ETH/USDT"]
parameters = { period = "1s", fast = 1, slow = 2 }

[[strategies.load]]
file = "clockwork.py"

[[strategies.load]]
file = "counting.py"
symbols = ["BTC/USDT"]
parameters = { period = "1s", warmup_bars = 10 }

[[strategies.load]]
file = "pair.py"
symbols = ["BTC/USDT", "ETH/USDT"]
parameters = { period = "1s", warmup_bars = 4 }

[[strategies.load]]
file = "guest.py"
symbols = ["BTC/USDT"]

[[strategies.load]]
file = "breaking.py"
"""

FILES = {
    "clockwork.py": '''
from gcg_quant.events import Side
from gcg_quant.strategy_engine import Parameter, Strategy

from steps import next_step


class Clockwork(Strategy):
    """Trades by its timers; one of them is set anew before it is due."""

    symbols = ("BTC/USDT",)
    size = Parameter(0.01, low=0.001)

    def on_start(self):
        self.turns = 0
        self.set_timer("beat", 0.25)
        self.set_timer("late", 0.4, repeat=False)
        self.log(f"begins with {self.position.quantity:.4f} and {len(self.orders)} orders")

    async def on_timer(self, timer):
        if timer.name == "late":
            self.signal("late", Side.BUY, strength=0.5, data={"at": self.now_ns})
            self.set_timer("late", 0.7, repeat=False)
            return
        self.turns = next_step(self.turns)
        if self.turns % 2:
            self.buy(self.size)
        else:
            self.close_position()

    def on_fill(self, fill):
        self.set_timer("late", 0.4, repeat=False)

    def on_parameters(self, changed):
        self.log(f"now {changed}")

    def on_stop(self):
        self.log("ends")
''',
    "steps.py": "def next_step(turns):\n    return turns + 1\n",
    "counting.py": '''
import backtrader as bt


class Counting(bt.Strategy):
    """All that it does hangs on what it remembers and on what it is told."""

    params = (("every", 3),)

    def __init__(self):
        self.calls = 0
        self.average = bt.ind.SMA(period=3)

    def next(self):
        self.calls += 1
        if self.calls % self.p.every == 1:
            self.buy(size=0.01)
        elif self.calls % self.p.every == 2:
            self.waiting = self.sell(size=0.01, exectype=bt.Order.Limit, price=round(self.average[0] + 500, 2))
        else:
            self.cancel(self.waiting)

    def notify_order(self, order):
        if order.status == order.Completed and order.isbuy():
            self.sell(size=0.01)
''',
    "pair.py": """
import backtrader as bt


class Pair(bt.Strategy):
    def __init__(self):
        self.calls = 0
        self.averages = [bt.ind.SMA(data, period=3) for data in self.datas]

    def next(self):
        self.calls += 1
        data = self.datas[self.calls % 2]
        if self.calls % 3 == 1:
            self.buy(data=data, size=0.01)
        elif self.calls % 3 == 2:
            self.sell(data=data, size=0.01, exectype=bt.Order.Limit, price=round(data.close[0] * 1.01, 1))

    def notify_order(self, order):
        if order.status == order.Completed and order.isbuy():
            self.sell(data=order.data, size=0.01)
""",
    "guest.py": """
import hft_backtest as hft


class Guest(hft.Strategy):
    def init(self):
        self.ticks = 0

    def on_tick(self, tick):
        self.ticks += 1
        if self.ticks % 15 == 0:
            side = hft.Direction.Buy if self.ticks % 30 else hft.Direction.Sell
            self.send_order(tick.symbol, side, round(tick.last_price, 1), 0.01)
""",
    "breaking.py": """
from gcg_quant.strategy_engine import Strategy


class Breaking(Strategy):
    symbols = ("BTC/USDT",)

    def on_start(self):
        self.left = 3

    def on_tick(self, tick):
        self.left -= 1
        self.log(f"{10 // self.left}")
""",
}


class Session:
    """A home whose system ran, was commanded, was killed in part, went on and has ended; only its journal is left."""

    def __init__(self, place: Path) -> None:
        self.home = place / "home"
        self.folder = place / "work"
        (self.folder / "strategies").mkdir(parents=True)
        (self.folder / "system.toml").write_text(SETTINGS)
        for name, text in FILES.items():
            (self.folder / "strategies" / name).write_text(text)
        system = System(self.home, "--config", "system.toml", cwd=self.folder)
        try:
            with EventBus(self.home / "bus", create=False, source="test") as self.bus:
                self._play()
            self.code, _, self.printed = system.stop(signal.SIGINT, 30)
        finally:
            system.close()

    @property
    def path(self) -> Path:
        """The bus folder."""
        return self.home / "bus"

    def _play(self) -> None:
        self._runs(0)
        self._wait_for_work()
        for event in (
            StrategyControlEvent(action="stop", strategy="guest"),
            StrategyControlEvent(action="start", strategy="guest"),
            StrategyControlEvent(action="set_parameters", strategy="clockwork", parameters={"size": 0.02}),
            StrategyControlEvent(action="set_parameters", strategy="clockwork", parameters={"size": -1}),
            StrategyControlEvent(action="set_parameters", strategy="counting", parameters={"every": 4}),
        ):
            control = self.bus.publish(event)
            self._wait(lambda control=control: any(one.control == control for one in self._read(Applied)))
        self._wait_for_work()
        groups = [one for one in self._read(SystemEvent) if one.action == "group_started" and one.component == "strategies"]
        self._kill(groups[-1].data["pid"])
        self._runs(self.bus.head(Lane.CONTROL))
        self._wait_for_work()

    # Between two callbacks: a strategy in whose callback the process ends is taken for the culprit, and does not run again.
    def _kill(self, pid: int) -> None:
        while True:
            os.kill(pid, signal.SIGSTOP)
            while not _stands_still(pid):
                time.sleep(0.001)
            if busy_with(mark_path(self.bus.path)) is None:
                os.kill(pid, signal.SIGKILL)
                return
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.01)

    # All run that can, by states from a place of the control lane on.
    def _runs(self, since: int) -> None:
        def running() -> set[str]:
            states = [one for one in self._read(StrategyStatusEvent) if one.id >= since]
            return {one.strategy for one in states if one.state == "running"}

        self._wait(lambda: running() >= set(NAMES) - {"breaking"})

    # Each of these gives two more orders.
    def _wait_for_work(self) -> None:
        before = self.bus.head(Lane.MARKET)

        def orders(name: str) -> int:
            return sum(one.strategy == name and one.id & ((1 << 60) - 1) >= before for one in self._read(OrderRequest))

        for name in ("clockwork", "guest", "counting", "pair"):
            self._wait(lambda name=name: orders(name) >= 2)

    def _read(self, kind: type[Event]) -> list[Any]:
        with self.bus.reader(start="begin", events=[kind]) as reader:
            return list(reader)

    # How far each strategy has come, for who has to find out what is missing.
    def _told(self) -> dict[str, tuple[int, int, str]]:
        asked, states = self._read(OrderRequest), self._read(StrategyStatusEvent)
        told = {}
        for name in NAMES:
            own = [one.id & ((1 << 60) - 1) for one in asked if one.strategy == name]
            said = [f"{one.state} {one.error}".strip() for one in states if one.strategy == name]
            told[name] = len(own), max(own, default=0), said[-1] if said else ""
        return told

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60.0
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the session did not come so far: {self._told()}")
            time.sleep(0.05)


def _stands_still(pid: int) -> bool:
    """Return whether every thread of a process has been stopped, which may take until its next turn."""
    try:
        states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:  # one has just ended
        return False
    return set(states) == {"T"}


def copy_of(bus: Path, target: Path) -> Path:
    """Copy a bus folder."""
    shutil.copytree(bus, target)
    return target


def change(bus: Path, event: Record, field: str, value: float) -> None:
    """Write another number into a recorded event, as if it had been recorded so: with the checksum that it has then."""
    payload = bytes(memoryview(event))
    at = type(event).dtype.fields[field][1]
    for page in sorted((bus / Lane(event.id >> 60).name.lower()).glob("*.page")):
        data = bytearray(page.read_bytes())
        place = data.find(payload)
        if place >= 0:
            struct.pack_into("<d", data, place + at, value)
            begin, length = _frame_around(data, place)
            struct.pack_into("<I", data, begin + 4, crc32c(data[begin + 48 : begin + length] + data[begin + 8 : begin + 48]))
            page.write_bytes(data)
            return
    raise AssertionError("the event is not on any page")


# As docs/journal.md draws them: a page's frames begin at offset 128, each at the next multiple of 8.
def _frame_around(data: bytearray, place: int) -> tuple[int, int]:
    begin = 128
    while True:
        (length,) = struct.unpack_from("<I", data, begin)
        if begin <= place < begin + length:
            return begin, length
        begin += (length + 7) // 8 * 8


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
