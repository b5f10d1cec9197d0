"""The RedisManager beside a plain pipeline: what it takes from the bus, what that costs, and how long a fill takes.

A regression of the first rows would mean that a running system pays more for its cache, or that the cache falls behind the market;
of the fill, that readers wait longer after Redis was away. Server and manager share one machine: the server's work is not in the
manager's processor time, but it does take its share of the processors.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import redis

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.data_storage.cache.changes import Changes
from gcg_quant.data_storage.cache.layout import SHAPES, Layout
from gcg_quant.data_storage.cache.link import CacheLink
from gcg_quant.data_storage.cache.picture import Picture
from gcg_quant.data_storage.cache.redis_manager import RedisManager
from gcg_quant.events import Bar, Tick, from_array
from gcg_quant.redis_sections import RedisSettings

from .redis_server import redis_server
from .rows import Plan, Row, bus_folder, per_second

RATE = 100_000
SECONDS = 5.0
HASHES = 1000
ALIVE = {"state": "live", "lag": "0"}


def cache(plan: Plan) -> Iterator[Row]:
    """Measure the cache at 100,000 ticks a second, over a backlog, its writes beside a plain pipeline's, and a fill."""
    with bus_folder() as folder, redis_server(folder) as path:
        for symbols in (10, 1000):
            yield from _at_rate(plan, folder / f"rate-{symbols}", path, symbols)
        yield _backlog(plan, folder / "backlog", path)
        yield from _writes(plan, path)
        yield _fill(plan, folder / "fill", path)


def _rows(count: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(1)
    rows = np.zeros(count, Tick.dtype)
    for name in Tick.dtype.names or ():
        if Tick.dtype[name].kind == "f":
            rows[name] = (random.random(count) * 1000).round(2)
    rows["event_ns"], rows["recv_ns"], rows["exchange"] = now_ns(), now_ns(), b"SIM"
    return rows


def _ticks(bus: EventBus, symbols: int, count: int) -> np.ndarray[Any, Any]:
    rows = _rows(count)
    numbers = [bus.instruments.number(f"S{at}", "SIM") for at in range(symbols)]
    rows["instrument"] = np.resize(np.array(numbers, "<u4"), count)
    return rows


def _manager(path: str, name: str) -> RedisManager:
    return RedisManager(RedisSettings(url=f"unix://{path}", prefix=f"gcg:{name}"))


def _wait(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.002)


def _at_rate(plan: Plan, folder: Path, path: str, symbols: int) -> Iterator[Row]:
    seconds = 0.5 if plan.quick else SECONDS
    client = redis.Redis(unix_socket_path=path, decode_responses=True)
    with EventBus(folder, sync="none") as bus:
        rows = _ticks(bus, symbols, RATE // 50)
        manager = _manager(path, folder.name)
        manager.start(bus)
        _wait(lambda: manager.fills == 1)
        thread = next(one for one in threading.enumerate() if one.name == manager.name)
        clock = time.pthread_getcpuclockid(thread.ident or 0)
        ages: list[float] = []
        begin, used = time.perf_counter(), time.clock_gettime(clock)
        sent = 0
        while (passed := time.perf_counter() - begin) < seconds:
            while sent < passed * RATE:
                bus.publish_batch(rows)
                sent += len(rows)
            time.sleep(0.01)
            if found := client.hget(f"gcg:{folder.name}:paper:tick:S{sent % symbols}@SIM", "time_ns"):
                ages.append((now_ns() - int(found)) / 1e6)
        used = time.clock_gettime(clock) - used
        lag = manager.health().lag
        written = client.info("commandstats")["cmdstat_hset"]["calls"]
        manager.stop()
        client.close()
    share = used / (time.perf_counter() - begin)
    name = f"at {RATE:,} ticks/s of {symbols:,} instruments"
    few = symbols <= 10  # with many, it is the hashes that cost: all of them change at every flush
    target, met = ("<= 5 %", share <= 0.05) if few else ("", None)
    yield Row(f"{name}: processor time of the manager", f"{share:.1%} of a core", target, met)
    age = f"{statistics.median(ages):.0f} / {max(ages):.0f} ms"
    yield Row(f"{name}: age of what Redis shows, p50 / max (flushed every 100 ms)", age)
    yield Row(f"{name}: unread at the end; HSETs so far", f"{lag:,}; {written:,}", f"< {RATE // 5:,}", lag < RATE // 5)


def _backlog(plan: Plan, folder: Path, path: str) -> Row:
    with EventBus(folder, sync="none") as bus:
        count = plan.count(2_000_000)
        rows = _ticks(bus, 100, 10_000)
        for _ in range(count // len(rows)):
            bus.publish_batch(rows)
        manager = _manager(path, folder.name)
        begin = time.perf_counter()
        manager.start(bus)
        _wait(lambda: manager.fills == 1 and not manager.picture.dirty)
        rate = count / (time.perf_counter() - begin)
        manager.stop()
    return Row("a start over a backlog of ticks, until Redis shows the newest", per_second(rate), ">= 1 M/s", rate >= 1e6)


def _writes(plan: Plan, path: str) -> Iterator[Row]:
    """Hashes a second of ours (from records) and of a plain pipeline (from texts that lie ready), in transactions of 1,000."""
    ticks = [tick for at in range(HASHES) for tick in from_array(_rows(1), f"S{at}", "SIM")]
    layout = Layout("gcg:writes", "paper")
    policy = RedisSettings(url=f"unix://{path}", prefix="gcg:writes")
    link = CacheLink(policy.url, layout, {"bus": "benchmark"})
    link.connect()
    link.renew([], ALIVE, last=True)
    picture = Picture(1)

    def ours() -> float:
        begin = time.perf_counter()
        for tick in ticks:
            picture.take("tick", tick)
        changes = Changes(picture, layout, policy)
        link.write(changes.commands, ALIVE)
        changes.sent()
        return HASHES / (time.perf_counter() - begin)

    flat = [SHAPES["tick"].fields_of(tick) for tick in ticks]
    texts = [dict(zip(one[::2], one[1::2], strict=True)) for one in flat]
    client = redis.Redis(unix_socket_path=path)

    def theirs() -> float:
        begin = time.perf_counter()
        pipe = client.pipeline(transaction=True)
        for at, fields in enumerate(texts):
            pipe.hset(f"plain:S{at}", mapping=fields)
        pipe.execute()
        return HASHES / (time.perf_counter() - begin)

    fast, plain = plan.median(ours), plan.median(theirs)
    values = len(texts[0])
    link.close()
    client.close()
    yield Row(f"hashes of {values} values from records, a transaction of {HASHES:,}", f"{per_second(fast)}")
    yield Row(f"redis-py: HSETs of {values} texts that lie ready, a pipeline of {HASHES:,}", per_second(plain))
    yield Row("the cache's hashes beside the plain pipeline's", f"{fast / plain:.2f}x")


def _fill(plan: Plan, folder: Path, path: str) -> Row:
    streams = 10 if plan.quick else 100
    with EventBus(folder, sync="none") as bus:
        bus.publish_batch(_ticks(bus, 1000, 1000))
        bars = np.zeros(500, Bar.dtype)
        for name in ("open", "high", "low", "close", "volume"):
            bars[name] = 100.25
        bars["period"], bars["start_ns"] = b"1m", (np.arange(500) + 1) * 60 * 10**9
        bars["event_ns"] = bars["start_ns"] + 60 * 10**9
        for at in range(streams):
            bars["instrument"] = bus.instruments.number(f"S{at}", "SIM")
            bus.publish_batch(bars)
        manager = _manager(path, folder.name)
        manager.start(bus)
        _wait(lambda: manager.fills == 1 and not manager.picture.new_bars)
        with redis.Redis(unix_socket_path=path) as client:
            client.flushall()
            begin = time.perf_counter()
            _wait(lambda: manager.fills == 2 and not manager.picture.new_bars and not manager.picture.dirty)
            took = time.perf_counter() - begin
            entries = client.xlen(f"gcg:{folder.name}:paper:bars:1m:S{streams - 1}@SIM")
        manager.stop()
    figure = f"{took:.1f} s" if entries == 500 else f"{entries} entries"
    name = f"FLUSHALL, until 1,000 ticks and {streams} streams of 500 bars are there again"
    return Row(name, figure, "<= 10 s", took <= 10 and entries == 500)
