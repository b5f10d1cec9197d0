"""A recorder killed with -9 at random moments, many times: no row twice, none missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import make_url
from torture import FULL

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.schema.models import RECORD_TABLES
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.data_storage.sql.selection import Selection
from gcg_quant.data_storage.writing.recorder import Recorder
from gcg_quant.events import Bar, Fill, OrderEvent, OrderRequest, OrderStatus, Record, SignalEvent, Tick

KILLS = {"sqlite": 25, "postgresql": 6} if FULL else {"sqlite": 9, "postgresql": 4}  # one costs four times as much
SCRIPT = Path(__file__).with_name("recording_process.py")
SEQ_BITS = (1 << 60) - 1


class Publishing(threading.Thread):
    """Publishes ticks (some with equal keys), bars, orders, fills and signals until told to stop."""

    def __init__(self, bus: EventBus) -> None:
        super().__init__()
        self._bus = bus
        self.enough = threading.Event()

    def run(self) -> None:
        """Publish about 4,000 events a second."""
        name: dict[str, Any] = {"symbol": "A", "venue": "V"}
        at = 0
        while not self.enough.is_set():
            for _ in range(20):
                at += 1
                self._bus.publish(Tick(**name, event_ns=at // 2, last_price=float(at)))  # two of each time
            self._bus.publish(Bar(**name, start_ns=at, end_ns=at + 1, period="1s", close=float(at)))
            request = self._bus.publish(OrderRequest(**name, account="x", quantity=1.0))
            self._bus.publish(OrderEvent(**name, account="x", request=request, status=OrderStatus.FILLED))
            self._bus.publish(Fill(**name, account="x", request=request, quantity=1.0, price=float(at)))
            self._bus.publish(SignalEvent(**name, strategy="s", name="n", event_ns=at))
            time.sleep(0.005)


def rows_in(database: Database) -> int:
    """Return how many rows are stored."""
    return sum(database.counts().values())


def kill_again_and_again(bus: EventBus, url: str) -> float:
    """Start recorders and kill each at a random moment; return how many of them had stored something, as a share."""
    chance = random.Random(7)
    busy = 0
    kills = KILLS[make_url(url).get_backend_name()]
    command = [sys.executable, str(SCRIPT), str(bus.path), url]
    popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with popen as nursery, Database(url) as database:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for kill in range(kills):
            before = rows_in(database)
            nursery.stdin.write("\n")
            nursery.stdin.flush()
            pid = int(nursery.stdout.readline())
            deadline = time.monotonic() + 10.0
            while kill % 4 and rows_in(database) == before and time.monotonic() < deadline:
                time.sleep(0.002)  # every fourth is killed while it starts, the others in the middle of their work
            time.sleep(chance.random() * 0.04)
            os.kill(pid, signal.SIGKILL)
            busy += rows_in(database) > before
        nursery.stdin.close()
        nursery.wait(10)
    return busy / kills


def stored_rows(database: Database, kind: type[Record]) -> np.ndarray[Any, Any]:
    """Return all rows of a table in the order of the journal."""
    with database.reading() as connection:
        return Selection(database, RECORD_TABLES[kind], everything=True).rows(connection, ("seq",))


@pytest.mark.slow
def test_killed_recorder_stores_every_event_exactly_once(bus: EventBus, database_url: str, wait_for: Any) -> None:
    """After many kills in the middle of the work the rows equal the journal's records, one for one."""
    publishing = Publishing(bus)
    publishing.start()
    try:
        busy = kill_again_and_again(bus, database_url)
    finally:
        publishing.enough.set()
        publishing.join()
    assert busy > 0.5, "the kills hit idle recorders only"
    with Database(database_url) as database:
        recorder = Recorder(database, batch_rows=500, flush_ms=1)
        recorder.start(bus)
        wait_for(lambda: recorder.health().lag == 0, 60.0)
        assert recorder.stop(60.0)
        for kind in (Tick, Bar, OrderRequest, OrderEvent, Fill):
            with bus.reader(start="begin") as reader:
                published = reader.read_array(kind)
            rows = stored_rows(database, kind)
            assert rows["seq"].tolist() == (published["id"] & SEQ_BITS).tolist()
            for name in kind.dtype.names or ():
                if name != "instrument":
                    assert rows[name].tobytes() == published[name].tobytes(), name
            assert database.counts()[RECORD_TABLES[kind].name] == len(published)
