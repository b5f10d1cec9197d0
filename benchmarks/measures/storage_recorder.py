"""The recorder end to end: another process publishes ticks at a steady rate, and the recorder stores them.

It keeps up if it is never further behind than it chooses to be: it waits 200 ms for its events. A regression means that a burst at an
opening fills the journal sooner. It does not show other readers of the same bus, which share the machine.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, Recorder
from gcg_quant.events import Tick, World

from .rows import Plan, Row, bus_folder, per_second
from .storage_market import market, missing, new_bus, server

RATE = 100_000
SECONDS = 8.0
FRAME = 100
MOST_BEHIND = RATE * 0.5  # events


def recorder(plan: Plan) -> Iterator[Row]:
    """Yield how far the recorder fell behind a publisher of 100,000 ticks a second, and what it took."""
    with bus_folder() as folder, Database(home=folder / "home") as database:
        yield from _recorded(plan, "SQLite", database, folder, lambda: 0.0)
    if reason := missing():
        yield Row("PostgreSQL", reason)
        return
    with bus_folder() as folder, server(folder / "server") as running, Database(running.new_url()) as database:
        yield from _recorded(plan, "PostgreSQL", database, folder, running.cpu_s)


def _recorded(plan: Plan, name: str, database: Database, folder: Path, server_s: Callable[[], float]) -> Iterator[Row]:
    seconds = 2.0 if plan.quick else SECONDS
    with new_bus(folder) as bus:
        recorder = Recorder(database)
        recorder.start(bus)
        command = [sys.executable, str(Path(__file__).parents[1] / "storage.py"), "--child", str(folder / "bus"), str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as publisher:
            lag = [0]
            began = processor = of_server = 0.0
            while publisher.poll() is None:
                time.sleep(0.05)
                if not began and recorder.reader.lag:
                    began, processor, of_server = time.monotonic(), time.process_time(), server_s()
                lag.append(recorder.reader.lag)
            ended = time.monotonic()
        while recorder.stored.rows.get("ticks", 0) < int(seconds * RATE) and time.monotonic() < ended + 30:
            time.sleep(0.01)
        done = time.monotonic()
        used, by_server = time.process_time() - processor, server_s() - of_server
        recorder.stop()
    rows = recorder.stored.rows.get("ticks", 0)
    rate = rows / (done - began)
    figure = f"{per_second(rate)}, most behind {max(lag):,} events, all stored {max(done - ended, 0):.1f} s after the last"
    yield Row(
        f"{name}: ticks recorded as they come at {RATE:,} a second", figure, "keeps up", max(lag) <= MOST_BEHIND and rate >= 0.9 * RATE
    )
    share = f"{used / (done - began):.2f} cores" + (f", the server {by_server / (done - began):.2f}" if by_server else "")
    yield Row(f"{name}: processor time of the recorder", share, "<= 1 core", used + by_server <= done - began)


def child(bus_path: str, seconds: float) -> None:
    """Publish ticks for so long, in frames of a millisecond each."""
    with EventBus(bus_path, world=World.PAPER, source="publisher", sync="none") as bus:
        count = int(seconds * RATE)
        rows = market(bus, Tick, count)
        begin = time.monotonic()
        for first in range(0, count, FRAME):
            bus.publish_batch(rows[first : first + FRAME])
            ahead = begin + (first + FRAME) / RATE - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
