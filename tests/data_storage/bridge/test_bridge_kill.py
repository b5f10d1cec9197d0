"""Sender, receiver and Redis killed with -9 at random moments, also with all of its data: every event arrives once, in order, unchanged.

A few kills by default; with GCG_TORTURE_S in the environment (`make torture`) for so many seconds, with another seed each time.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.crossing import USUAL
from gcg_quant.data_storage.bridge.position import Positions
from gcg_quant.events import Bar, Lane, LogEvent, SessionEvent, Tick

from ..redis_server import RedisServer
from .conftest import came, content

TORTURE_S = float(os.environ.get("GCG_TORTURE_S", "0"))
SCRIPT = Path(__file__).with_name("mortal_end.py")
KILLS = 14 if TORTURE_S else 8
CROSSING = (*USUAL, LogEvent)
SOURCES = ("left", "right", "far")


class Publishing(threading.Thread):
    """Publishes ticks, bars, batches and cold events under two names until told to stop, at some 2,000 a second."""

    def __init__(self, bus: EventBus) -> None:
        super().__init__()
        self._bus = bus
        self.enough = threading.Event()

    def run(self) -> None:
        """Publish until `enough` is set."""
        left, right = self._bus.voice("left"), self._bus.voice("right")
        rows = np.zeros(7, Tick.dtype)
        at = 0
        while not self.enough.is_set():
            at += 1
            for voice in (left, right):
                voice.publish(Tick(symbol=f"S{at % 50}", venue="V", event_ns=at, last_price=float(at)))
            left.publish(Bar(symbol="S1", venue="V", event_ns=at, period="1s", close=float(at)))
            right.publish(LogEvent(level="info", component="c", message=str(at)))
            if at % 10 == 0:
                left.publish(SessionEvent(venue="V", phase="open", event_ns=at))
                rows["instrument"] = self._bus.instruments.number(f"S{at % 50}", "V")
                rows["last_price"] = at + np.arange(7) / 10
                self._bus.publish_batch(rows)
            time.sleep(0.002)


class Ends:
    """The two processes between the buses."""

    def __init__(self, far: EventBus, near: EventBus, url: str) -> None:
        self._orders = {"send": f"send {far.path} kill {url}\n", "receive": f"receive {near.path} kill {url}\n"}
        self._nursery = subprocess.Popen([sys.executable, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._pids: dict[str, int] = {}

    def start(self, what: str) -> None:
        """Start one of them."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(self._orders[what])
        self._nursery.stdin.flush()
        self._pids[what] = int(self._nursery.stdout.readline())

    def kill(self, what: str) -> None:
        """End one of them at once, and wait until it is gone: its reader's name is free then."""
        pid = self._pids.pop(what, 0)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL) if pid else None
            while pid:
                os.kill(pid, 0)
                time.sleep(0.001)

    def close(self) -> None:
        """End all."""
        for what in ("send", "receive"):
            self.kill(what)
        with contextlib.suppress(OSError):
            self._nursery.communicate(timeout=10)


@pytest.fixture
def lasting_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Return a redis-server that keeps its data over a kill, unless they are removed."""
    with RedisServer(tmp_path, appendonly="yes", appendfsync="always") as running:
        yield running


def lose_data(server: RedisServer) -> None:
    """Remove what the server has stored."""
    shutil.rmtree(server.folder / "appendonlydir", ignore_errors=True)


def kill_one(chance: random.Random, ends: Ends, server: RedisServer) -> None:
    """Kill one of the parts, or several, and start what was killed again."""
    what = chance.choice(["send", "receive", "both", "redis", "redis and data", "all", "flush"])
    if what == "flush":
        server.ask("FLUSHALL")
    for end in ("send", "receive"):
        if what in (end, "both", "all"):
            ends.kill(end)
    if what in ("redis", "redis and data", "all"):
        server.kill()
        if what == "redis and data" or (what == "all" and chance.random() < 0.5):
            lose_data(server)
        server.start()
    for end in ("send", "receive"):
        if what in (end, "both", "all"):
            time.sleep(chance.random() * 0.05)
            ends.start(end)


def crossed(bus: EventBus, *, bridged: bool) -> dict[str, list[tuple[object, ...]]]:
    """Return by lane what has crossed, or was to: the names of its sources and its contents, in order."""
    found: dict[str, list[tuple[object, ...]]] = {"market": [], "log": []}
    with bus.reader(start="begin", events=CROSSING) as reader:
        for event in reader:
            source = event.source.removesuffix("@kill")
            if source in SOURCES and came(event) is bridged:
                found["log" if isinstance(event, LogEvent) else "market"].append((source, content(event)))
    return found


def size(events: dict[str, list[tuple[object, ...]]]) -> int:
    """Return how many events there are in all lanes."""
    return sum(map(len, events.values()))


@pytest.mark.slow
@pytest.mark.timeout(int(120 + 2 * TORTURE_S))
@pytest.mark.parametrize("seed", [1] if not TORTURE_S else [random.SystemRandom().randrange(1 << 30)])
def test_every_event_arrives_once_whatever_is_killed(
    tmp_path: Path, lasting_server: RedisServer, wait_for: Callable[..., None], seed: int
) -> None:
    """After many kills the receiver's events equal the sender's: in order, none twice, none missing, byte for byte."""
    chance = random.Random(seed)
    with EventBus(tmp_path / "far", source="far", sync="none") as far, EventBus(tmp_path / "near", source="near", sync="none") as near:
        publishing = Publishing(far)
        ends = Ends(far, near, lasting_server.url)
        try:
            ends.start("receive")
            ends.start("send")
            wait_for(lambda: any(reader.name == "bridge-to-kill" for reader in far.readers()))
            publishing.start()
            deadline = time.monotonic() + TORTURE_S
            kills = 0
            while kills < KILLS or time.monotonic() < deadline:
                time.sleep(0.05 + chance.random() * 0.25)
                kill_one(chance, ends, lasting_server)
                kills += 1
            publishing.enough.set()
            publishing.join()
            sent = crossed(far, bridged=False)
            wait_for(lambda: size(crossed(near, bridged=True)) >= size(sent), 120.0)
        finally:
            publishing.enough.set()
            ends.close()
        arrived = crossed(near, bridged=True)
        assert size(sent) > 1000
        assert arrived == sent, f"seed {seed}"
        assert Positions(near, "kill").by_lane[Lane.MARKET].bus == far.bus_id
