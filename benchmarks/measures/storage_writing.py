"""Writing: our Store beside the driver alone, into the same tables with the same indexes, in transactions of the same size.

A regression means that the recorder falls behind sooner and imports take longer. Ours begins with the arrays that a bus gives, looks up the
database's numbers, keeps the cursor and the counts and would notice any row whose key is taken. The driver alone gets values that somebody
has prepared: tuples for `executemany` and bytes for COPY, in the same order; what making them of the same arrays takes is told beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.data_storage import Database
from gcg_quant.data_storage.schema.columns import column_values
from gcg_quant.data_storage.schema.models import RECORD_TABLES, RecordTable
from gcg_quant.data_storage.sql.catalogue import Catalogue
from gcg_quant.data_storage.sql.copying import copy_bytes
from gcg_quant.data_storage.writing.record_writer import RecordWriter
from gcg_quant.events import Bar, Depth, Record, Tick, TradeTick

from .rows import Plan, Row, bus_folder, per_second
from .storage_market import BATCH, Array, market, missing, new_bus, publish, server, store_all

KINDS: tuple[type[Record], ...] = (Tick, Bar, Depth, TradeTick)
ROWS = 200_000
TARGET = 0.8


def sqlite(plan: Plan) -> Iterator[Row]:
    """Yield rows/s into SQLite beside `executemany`."""
    for kind in KINDS:
        yield from _beside(plan, kind, lambda folder: f"sqlite:///{folder}/gcg_quant.db", "executemany")


def postgresql(plan: Plan) -> Iterator[Row]:
    """Yield rows/s into PostgreSQL beside a binary COPY."""
    if reason := missing():
        yield Row("PostgreSQL", reason)
        return
    with bus_folder() as place, server(place / "server") as running:
        for kind in KINDS:
            yield from _beside(plan, kind, lambda _: running.new_url(), "binary COPY")


def _beside(plan: Plan, kind: type[Record], url: Callable[[Path], str], rival: str) -> Iterator[Row]:
    count = plan.count(ROWS)
    ours, ready, making = [], [], []
    for _ in range(2 if plan.quick else 3):
        with bus_folder() as folder, new_bus(folder) as bus:
            publish(bus, market(bus, kind, count))
            for home, measured in (("ours", ours), ("raw", ready)):
                (folder / home).mkdir()
                with Database(url(folder / home)) as database:
                    if home == "ours":
                        begin = time.perf_counter()
                        assert store_all(database, bus, kind, "benchmark") == count
                        measured.append(count / (time.perf_counter() - begin))
                    else:
                        seconds, making_s = _raw(database, bus, kind, rival)
                        measured.append(count / seconds)
                        making.append(count / (seconds + making_s))
    name = RECORD_TABLES[kind].name
    mine, theirs, all_of_it = statistics.median(ours), statistics.median(ready), statistics.median(making)
    yield Row(f"{name}, ours", per_second(mine))
    yield Row(f"{name}, {rival} of ready values (and making them)", f"{per_second(theirs)} ({per_second(all_of_it)})")
    figure = f"{mine / theirs:.2f}x ({mine / all_of_it:.2f}x)"
    yield Row(f"{name}, ours beside it", figure, f">= {TARGET:g}x", mine >= TARGET * theirs)


def _raw(database: Database, bus: Any, kind: type[Record], rival: str) -> tuple[float, float]:
    # (seconds of the driver alone, seconds of making what it takes of the arrays)
    table = RECORD_TABLES[kind]
    writer, catalogue = RecordWriter(database, table), Catalogue(bus)
    batches = []
    with database.writing() as connection, bus.reader(start="begin", events=[kind]) as reader:
        while tables := reader.read_tables(BATCH)[0]:
            batches.append(writer.encode(connection, tables[kind], 1, catalogue))
            database.make_room(connection, table, batches[-1][table.time_column])
    begin = time.perf_counter()
    made: list[Any] = [_tuples(rows, table) if rival == "executemany" else copy_bytes(rows, table.columns) for rows in batches]
    making_s = time.perf_counter() - begin
    names = ", ".join(f'"{field.name}"' for field in table.columns)
    begin = time.perf_counter()
    for values in made:
        with database.writing() as connection:
            driver: Any = connection.connection.driver_connection
            if rival == "executemany":
                driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})", values)
            else:
                with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(values)
    return time.perf_counter() - begin, making_s


def _tuples(rows: Array, table: RecordTable) -> list[tuple[Any, ...]]:
    return list(zip(*(column_values(rows, field) for field in table.columns), strict=True))


def again(plan: Plan) -> Iterator[Row]:
    """Yield what rows cost whose keys are taken: a refill of the same bars, and one in which every bar is corrected."""
    count = plan.count(100_000)
    urls = [("SQLite", "")] if missing() else [("SQLite", ""), ("PostgreSQL", "server")]
    for name, place in urls:
        with bus_folder() as folder, new_bus(folder) as bus:
            rows = market(bus, Bar, count)
            publish(bus, rows)
            if not place:
                yield from _again(name, f"sqlite:///{folder}/gcg_quant.db", bus, rows)
            else:
                with server(folder / place) as running:
                    yield from _again(name, running.new_url(), bus, rows)


def _again(name: str, url: str, bus: Any, rows: Array) -> Iterator[Row]:
    with Database(url) as database:
        begin = time.perf_counter()
        store_all(database, bus, Bar, "first")
        first = time.perf_counter() - begin
        for label, change in (("the same bars filled in once more", 0.0), ("all bars corrected", 1.0)):
            rows["close"] += change
            for start in range(0, len(rows), BATCH):
                bus.publish_batch(rows[start : start + BATCH], backfill=True)
            begin = time.perf_counter()
            assert store_all(database, bus, Bar, "first") == 0
            seconds = time.perf_counter() - begin
            yield Row(f"{name}: {label}, beside storing them first", f"{per_second(len(rows) / seconds)}, {seconds / first:.1f}x the time")


def vnpy(plan: Plan) -> Iterator[Row]:
    """Yield our rows/s beside those of vnpy_sqlite: the same bars and ticks, of one symbol, from its objects and from a bus."""
    try:
        peer = _Vnpy()
    except ImportError as error:
        yield Row("vnpy_sqlite", f"not installed: {error.name}")
        return
    for kind, count in ((Bar, plan.count(50_000)), (Tick, plan.count(20_000))):
        saving, loading = [], []
        for run in range(3):
            with bus_folder() as folder, new_bus(folder) as bus, Database(home=folder) as database:
                rows = market(bus, kind, count, symbols=1)
                publish(bus, rows)
                begin = time.perf_counter()
                store_all(database, bus, kind, "benchmark")
                mine = time.perf_counter() - begin
                saving.append((peer.save(kind, rows, f"S{run}"), mine))
                loading.append((peer.load(kind, f"S{run}", count), _load(database, kind, count)))
        for verb, pairs in (("stored", saving), ("read", loading)):
            theirs, mine = (count / statistics.median(one) for one in zip(*pairs, strict=True))
            yield Row(f"{RECORD_TABLES[kind].name} {verb}, vnpy_sqlite", per_second(theirs))
            yield Row(f"{RECORD_TABLES[kind].name} {verb}, ours beside vnpy_sqlite", f"{per_second(mine)}, {mine / theirs:.1f}x")


def _load(database: Database, kind: type[Record], count: int) -> float:
    from gcg_quant.data_storage import DatabaseHistory

    begin = time.perf_counter()
    history = DatabaseHistory(database)
    assert len(history.bars("S0", "1m") if kind is Bar else history.ticks("S0")) == count
    return time.perf_counter() - begin


class _Vnpy:
    # vnpy's database, in memory of its settings file: in the folder that it chose.

    def __init__(self) -> None:
        from vnpy_sqlite import sqlite_database

        self._module = sqlite_database
        sqlite_database.db.init(str(Path(self._folder()) / "vnpy.db"))
        self._database = sqlite_database.SqliteDatabase()

    def _folder(self) -> str:
        import tempfile

        self._place = tempfile.TemporaryDirectory(prefix="gcg-bench-")
        return self._place.name

    def save(self, kind: type[Record], rows: Array, symbol: str) -> float:
        """Return the seconds that storing rows takes, their objects being made already."""
        from datetime import UTC, datetime

        from vnpy.trader.constant import Exchange, Interval
        from vnpy.trader.object import BarData, TickData

        terms: dict[str, Any] = {"gateway_name": "SIM", "symbol": symbol, "exchange": Exchange.LOCAL}
        moments = [datetime.fromtimestamp(ns / 1e9, UTC) for ns in (rows["start_ns"] if kind is Bar else rows["event_ns"]).tolist()]
        found: list[Any] = []
        if kind is Bar:
            names = ("open", "high", "low", "close", "volume")
            columns = np.stack([rows[name] for name in names], axis=1).tolist()
            for moment, (first, high, low, last, volume) in zip(moments, columns, strict=True):
                prices = {"open_price": first, "high_price": high, "low_price": low, "close_price": last, "volume": volume}
                found.append(BarData(datetime=moment, interval=Interval.MINUTE, **prices, **terms))
        else:
            names = ("last_price", "volume", "bid_price", "ask_price", "bid_size", "ask_size")
            for moment, (last, volume, bid, ask, bid_size, ask_size) in zip(
                moments, np.stack([rows[name] for name in names], axis=1).tolist()
            ):
                values = {"bid_price_1": bid, "ask_price_1": ask, "bid_volume_1": bid_size, "ask_volume_1": ask_size}
                found.append(TickData(datetime=moment, last_price=last, volume=volume, **values, **terms))
        begin = time.perf_counter()
        (self._database.save_bar_data if kind is Bar else self._database.save_tick_data)(found)
        return time.perf_counter() - begin

    def load(self, kind: type[Record], symbol: str, count: int) -> float:
        """Return the seconds that reading the rows of a symbol takes."""
        from datetime import datetime

        from vnpy.trader.constant import Exchange, Interval

        span = (datetime(2000, 1, 1), datetime(2100, 1, 1))
        begin = time.perf_counter()
        if kind is Bar:
            found = self._database.load_bar_data(symbol, Exchange.LOCAL, Interval.MINUTE, *span)
        else:
            found = self._database.load_tick_data(symbol, Exchange.LOCAL, *span)
        assert len(found) == count
        return time.perf_counter() - begin
