"""Reading: a million bars into a Backtrader feed, and a range of one symbol out of tables of any size.

A regression of the first means that a backtest begins later; one of the second that a chart or a strategy waits longer, the longer the
system has been recording.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, read_parquet, write_parquet
from gcg_quant.events import Bar, TradeTick

from .rows import Plan, Row, bus_folder
from .storage_market import BEGIN_NS, market, missing, new_bus, publish, server, store_all

BARS = 1_000_000
FROM_SQL_S, FROM_CACHE_S = 2.0, 0.3
SIZES = (100_000, 1_000_000, 5_000_000)
WINDOW_ROWS = 1_000
QUERIES = 60


def feed(plan: Plan) -> Iterator[Row]:
    """Yield the seconds until a feed has all bars in its lines, by where they come from."""
    count = plan.count(BARS)
    with bus_folder() as folder, new_bus(folder) as bus:
        rows = market(bus, Bar, count, symbols=1)
        publish(bus, rows)
        write_parquet(folder / "bars.parquet", Bar, rows, {int(rows["instrument"][0]): ("S0", "SIM")})
        with Database(home=folder) as database:
            store_all(database, bus, Bar, "benchmark", batch=50_000)
            yield _loaded(plan, "from SQLite", count, FROM_SQL_S, lambda: {"history": DatabaseHistory(database)})
        if reason := missing():
            yield Row("from PostgreSQL", reason)
        else:
            with server(folder / "server") as running, Database(running.new_url()) as database:
                store_all(database, bus, Bar, "benchmark", batch=50_000)
                yield _loaded(plan, "from PostgreSQL", count, FROM_SQL_S, lambda: {"history": DatabaseHistory(database)})
        yield _loaded(plan, "from a journal", count, FROM_CACHE_S, lambda: {"bus": bus})
        yield _loaded(plan, "from a Parquet file", count, FROM_CACHE_S, lambda: {"bars": read_parquet(folder / "bars.parquet")[1]})


def _loaded(plan: Plan, name: str, count: int, target_s: float, source: Callable[[], dict[str, Any]]) -> Row:
    import backtrader as bt

    from gcg_quant.backtest import EventDrivenDataFeed

    def once() -> float:
        begin = time.perf_counter()
        found = EventDrivenDataFeed(dataname="S0", period="1m", **source())
        found.setenvironment(bt.Cerebro())
        found._start()
        found.preload()
        seconds = time.perf_counter() - begin
        assert len(found.close.array) == count
        return seconds

    once()  # the first one also imports and fills the page cache
    seconds = plan.median(once)
    return Row(f"{count:,} one-minute bars into a feed, {name}", f"{seconds:.2f} s", f"<= {target_s:g} s", seconds <= target_s)


def ranges(plan: Plan) -> Iterator[Row]:
    """Yield the time of a query by symbol and time, by the size of the table."""
    sizes = [plan.count(size) for size in SIZES]
    with bus_folder() as folder:
        with Database(home=folder) as database:
            yield from _by_size("SQLite", database, folder, sizes)
        if reason := missing():
            yield Row("PostgreSQL", reason)
            return
        with server(folder / "server") as running, Database(running.new_url()) as database:
            yield from _by_size("PostgreSQL", database, folder, sizes)


def _by_size(name: str, database: Database, folder: Path, sizes: list[int]) -> Iterator[Row]:
    stored, found = 0, []
    with bus_folder() as place, new_bus(place) as bus:
        for size in sizes:
            _grow(database, bus, stored, size)
            stored = size
            found.append(_query_ms(database, size))
    figure = ", ".join(f"{size:,}: {ms:.2f} ms" for size, ms in zip(sizes, found, strict=True))
    flat = max(found) <= 1.5 * min(found)
    yield Row(f"{name}: {WINDOW_ROWS:,} trades of a symbol out of ... rows", figure, "the same", flat)


def _grow(database: Database, bus: EventBus, stored: int, size: int) -> None:
    step = 500_000
    for first in range(stored, size, step):
        publish(bus, market(bus, TradeTick, min(step, size - first), first=first))
        store_all(database, bus, TradeTick, "benchmark", batch=50_000)


def _query_ms(database: Database, size: int) -> float:
    history = DatabaseHistory(database)
    span_ns = WINDOW_ROWS * 10 * 1_000_000  # ten symbols in turn, a row a millisecond
    starts = BEGIN_NS + np.random.default_rng(1).integers(0, max(size - WINDOW_ROWS * 10, 1), QUERIES) * 1_000_000
    seconds = []
    for index, start_ns in enumerate(starts.tolist()):
        begin = time.perf_counter()
        rows = history.trades(f"S{index % 10}", start_ns=start_ns, end_ns=start_ns + span_ns - 1)
        seconds.append(time.perf_counter() - begin)
        assert len(rows) == min(WINDOW_ROWS, len(rows))
    return 1e3 * statistics.median(seconds)
