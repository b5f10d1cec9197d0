"""From one bus to another through Redis: how many events a second, how late, and what all of it costs in processor time.

A regression of the rates would mean that a market's rush piles up in the sender's journal; of the latency, that the other host trades on
older prices. The peers send the same ticks by plain redis-py, one an entry and 200 in a pipeline, into memory: without buses at either end,
without a journal, without anything that makes up for what Redis loses. All processes, Redis too, share one core where it says so.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import redis

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.data_storage.bridge import BridgeReceiver, BridgeSender, RedisBridge
from gcg_quant.events import Tick

from .redis_server import redis_server
from .rows import Plan, Row, bus_folder, per_second

PATIENCE_S = 120.0
RATE = 100_000
BACKLOG = 500_000
SINGLES = 2000
PIPELINE = 200


def bridge(plan: Plan) -> Iterator[Row]:
    """Measure a backlog, a steady rate and single events over a bridge, and the peers' rates."""
    backlog = plan.count(BACKLOG)
    with bus_folder() as folder, redis_server(folder) as path:
        yield _rate("a backlog, two cores", _backlog(folder / "two", path, backlog, cores=None))
        yield _rate("a backlog, both ends and Redis on one core", _backlog(folder / "one", path, backlog, cores={0}), RATE)
        yield from _steady(folder / "steady", path, 2.0 if plan.quick else 10.0)
        yield _singles(folder / "singles", path, plan.count(SINGLES))
        if plan.peers:
            for each in (1, PIPELINE):
                name = "one XADD a tick" if each == 1 else f"XADD in pipelines of {each}"
                yield _rate(f"redis-py alone, {name}, one core", _plain(path, backlog if each > 1 else backlog // 10, each))


def _rate(name: str, rate: float, target: float | None = None) -> Row:
    if target is None:
        return Row(name, per_second(rate))
    return Row(name, per_second(rate), f">= {target / 1e3:g} k/s", rate >= target)


# ---- the two ends, each a process


def end(what: str, folder: Path, path: str, name: str, cores: set[int] | None, control: Connection) -> None:
    """Be one end of a bridge until told to stop."""
    if cores:
        os.sched_setaffinity(0, cores)
    with EventBus(folder, source=what, sync="none") as bus:
        link = RedisBridge(name, f"unix://{path}")
        part = BridgeSender(link, types=[Tick]) if what == "far" else BridgeReceiver(link, types=[Tick], begin=True)
        part.start(bus)
        control.send("running")
        control.recv()
        used = time.process_time()
        part.stop()
        control.send(used)


class Ends:
    """Both ends of a bridge of its own, and the buses of both."""

    def __init__(self, folder: Path, path: str, cores: set[int] | None = None) -> None:
        self._folder, self._path, self._cores = folder, path, cores
        self._controls: list[Connection] = []
        self._processes: list[Any] = []
        self.far, self.near = (EventBus(folder / name, source="bench", sync="none") for name in ("far", "near"))
        self._reader, self._arrived = self.near.reader(start="begin", events=[Tick]), 0

    def start(self, *ends: str) -> None:
        """Start ends: "far", "near"."""
        context = multiprocessing.get_context("spawn")
        for what in ends:
            here, there = context.Pipe()
            arguments = (what, self._folder / what, self._path, self._folder.name, self._cores, there)
            self._processes.append(context.Process(target=end, args=arguments, daemon=True))
            self._processes[-1].start()
            self._controls.append(here)
        for control in self._controls[-len(ends) :]:
            control.recv()

    def wait(self, events: int) -> None:
        """Wait until so many ticks have arrived."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self._arrived += self._reader.count().get(Tick, 0)
            if self._arrived >= events:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._arrived} of {events} events arrived in {PATIENCE_S:g} s")
            time.sleep(0.001)

    def close(self) -> float:
        """Stop both; return the processor time that they used, s."""
        used = 0.0
        for control, process in zip(self._controls, self._processes, strict=True):
            control.send("stop")
            used += control.recv()
            process.join(PATIENCE_S)
        self._reader.close()
        self.far.close()
        self.near.close()
        return used


def ticks(bus: EventBus, count: int) -> np.ndarray[Any, Any]:
    """Return ticks of ten instruments."""
    rows = np.zeros(count, Tick.dtype)
    rows["instrument"] = [bus.instruments.number(f"S{at % 10}", "SIM") for at in range(10)] * (count // 10) + [1] * (count % 10)
    rows["last_price"] = np.arange(count)
    return rows


def publish(bus: EventBus, count: int) -> None:
    """Publish ticks, a frame each, as a collector does."""
    with bus.reader() as reader:
        bus.publish_batch(ticks(bus, min(count, 1000)))
        sample = reader.read_many(min(count, 1000))
    for begin in range(0, count, len(sample)):
        bus.publish_many(sample[: count - begin])  # type: ignore[arg-type]


# ---- what is measured


def _backlog(folder: Path, path: str, count: int, cores: set[int] | None) -> float:
    ends = Ends(folder, path, cores)
    with redis.Redis(unix_socket_path=path) as client:
        server = int(client.info("server")["process_id"])
    before = os.sched_getaffinity(server)
    os.sched_setaffinity(server, cores or before)
    ends.start("far")
    ends.start("near")
    begin = time.perf_counter()
    publish(ends.far, count)
    ends.wait(count)
    seconds = time.perf_counter() - begin
    ends.close()
    os.sched_setaffinity(server, before)
    return count / seconds


def _steady(folder: Path, path: str, seconds: float) -> Iterator[Row]:
    # 99 ticks and one that says when, each millisecond; the processor time is that of both ends, without Redis's.
    ends = Ends(folder, path)
    ends.start("near", "far")
    with ends.far.reader() as reader:
        ends.far.publish_batch(ticks(ends.far, 99))
        sample: Any = reader.read_many(99)
    begin = time.monotonic()
    steps = int(seconds * RATE / 100)
    for step in range(steps):
        ends.far.publish_many(sample)
        ends.far.publish(Tick(symbol="S", venue="SIM", event_ns=now_ns()))
        wait = begin + (step + 1) / (RATE / 100) - time.monotonic()
        if wait > 0:
            time.sleep(wait)
    taken = time.monotonic() - begin
    ends.wait(steps * 100 + 99)
    late = lateness(ends.near)
    used = ends.close()
    rate = f"{steps * 100 / taken:,.0f} ticks/s"
    yield Row(f"{rate}: p50 / p99, from publishing to the other bus", f"{late[0]:.1f} / {late[1]:.1f} ms", "p99 < 100 ms", late[1] < 100)
    yield Row(f"{rate}: processor time of both ends", f"{used / taken:.0%} of a core", "< 100 %", used < taken)


def _singles(folder: Path, path: str, count: int) -> Row:
    ends = Ends(folder, path)
    ends.start("near", "far")
    for _ in range(count):
        ends.far.publish(Tick(symbol="S", venue="SIM", event_ns=now_ns()))
        time.sleep(0.001)
    ends.wait(count)
    p50, p99 = lateness(ends.near)
    ends.close()
    return Row("single ticks, 1,000 a second: p50 / p99, from publishing to the other bus", f"{p50 * 1e3:,.0f} / {p99 * 1e3:,.0f} us")


def lateness(bus: EventBus) -> tuple[float, float]:
    """Return p50 and p99 of how long ticks that say when took to this bus, ms."""
    with bus.reader(start="begin", events=[Tick]) as reader:
        rows = reader.read_array(Tick, 100_000_000)
    rows = rows[rows["event_ns"] > 0]
    late = (rows["time_ns"] - rows["event_ns"]) / 1e6
    return float(np.percentile(late, 50)), float(np.percentile(late, 99))


def plain_sender(path: str, key: str, count: int, each: int) -> None:
    """Send so many ticks' bytes by redis-py, on core 0."""
    os.sched_setaffinity(0, {0})
    message = bytes(Tick.dtype.itemsize)
    with redis.Redis(unix_socket_path=path) as client:
        for begin in range(0, count, each):
            if each == 1:
                client.xadd(key, {b"m": message})
                continue
            with client.pipeline(transaction=False) as pipe:
                for _ in range(min(each, count - begin)):
                    pipe.xadd(key, {b"m": message})
                pipe.execute()


def _plain(path: str, count: int, each: int) -> float:
    context = multiprocessing.get_context("spawn")
    key = f"plain-{each}"
    with redis.Redis(unix_socket_path=path) as client:
        server = int(client.info("server")["process_id"])
        before, own = os.sched_getaffinity(server), os.sched_getaffinity(0)
        os.sched_setaffinity(server, {0})
        sender = context.Process(target=plain_sender, args=(path, key, count, each), daemon=True)
        sender.start()
        os.sched_setaffinity(0, {0})
        last: bytes = b"0"
        left, begin = count, 0.0
        while left > 0:
            found = client.xread({key: last}, count=1000, block=100)
            rows = next(iter(found.values()))[0] if isinstance(found, dict) and found else found[0][1] if found else []
            begin = begin or (time.perf_counter() if rows else 0.0)
            left -= len(rows)
            last = rows[-1][0] if rows else last
        seconds = time.perf_counter() - begin
        os.sched_setaffinity(0, own)
        os.sched_setaffinity(server, before)
        client.delete(key)
        sender.join(PATIENCE_S)
    return count / seconds
