"""The RedisManager beside a plain pipeline: what it takes from the bus, what it costs, and how long a fill takes.

A regression of the first rows would mean that a running system pays more for its cache, or that the cache falls behind the market;
of the fill, that readers wait longer after Redis was away. Server and manager run on one machine: the server's work is not in our
processor time, but it does share the processors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import redis

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.data_storage.cache.layout import SHAPES
from gcg_quant.data_storage.cache.redis_manager import RedisManager
from gcg_quant.events import Bar, Tick
from gcg_quant.redis_sections import RedisSettings

from .redis_peers import RedisStreamLink
from .rows import Plan, Row, bus_folder, per_second

RATE = 100_000
SYMBOLS = (10, 1000)


def cache(plan: Plan) -> Iterator[Row]:
    """Measure the cache at 100,000 ticks a second, at full speed, and its fill."""
    with bus_folder() as folder:
        link = RedisStreamLink()
        with link.serve(folder):
            url = f"unix://{link.path}"
            for symbols in SYMBOLS:
                yield from _at_rate(plan, folder, url, symbols)
            yield _peer(plan, link.path) if plan.peers else _nothing()
            yield from _fill(plan, folder, url)


def _ticks(bus: EventBus, symbols: int, count: int) -> np.ndarray[Any, Any]:
    rows = np.zeros(count, Tick.dtype)
    for name in Tick.dtype.names or ():
        if Tick.dtype[name].kind == "f":
            rows[name] = np.random.default_rng(1).random(count).round(2) * 1000
    numbers = [bus.instruments.number(f"S{at}", "SIM") for at in range(symbols)]
    rows["instrument"] = np.resize(numbers, count)
    rows["event_ns"] = now_ns()
    rows["exchange"] = b"SIM"
    return rows
