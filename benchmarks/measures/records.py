"""The bus within one Python process: publishing, handling, filtering, and columns.

The record is a `TradeTick` (120 bytes), every handler reads two of its attributes, the sync policy is `none` (what the others cost has
rows of its own). A regression here makes every component dearer. It does not show contention between threads.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.component import Component, event_handler
from gcg_quant.events import TimerEvent, TradeTick

from .rows import Plan, Row, at_least, bus_folder

PATIENCE_S = 120.0


def trade() -> TradeTick:
    """Return a trade as a venue would send it."""
    return TradeTick(symbol="BTC/USDT", venue="binance", event_ns=1, recv_ns=2, price=64000.0, size=0.5, trade_id="12345678")


def fill(bus: EventBus, count: int) -> None:
    """Publish so many trades, each in a frame of its own."""
    pack = [trade()] * 1000
    for begin in range(0, count, 1000):
        bus.publish_many(pack[: count - begin])


def trades(bus: EventBus, count: int) -> np.ndarray:
    """Return an array of trades for `publish_batch`."""
    array = np.zeros(count, TradeTick.dtype)
    array["instrument"] = bus.instruments.number("BTC/USDT", "binance")
    array["price"], array["size"] = 64000.0, np.arange(count) % 7
    return array


class TradeHandler(Component):
    """Reads two attributes of each trade; the timer event behind the last one says that all are handled."""

    def __init__(self) -> None:
        super().__init__("handler", start="begin")
        self.done = threading.Event()

    @event_handler(TradeTick)
    def on_trade(self, tick: TradeTick) -> None:
        tick.price  # noqa: B018
        tick.size  # noqa: B018

    @event_handler(TimerEvent)
    def on_timer(self, event: TimerEvent) -> None:
        self.done.set()


@contextlib.contextmanager
def fresh_bus(folder: Path) -> Iterator[EventBus]:
    """Return an empty bus, which is removed at the end, so that nothing is written to the disk behind the next run."""
    with EventBus(folder / "bus", sync="none") as bus:
        yield bus
    shutil.rmtree(folder / "bus")


def publish_ready(folder: Path, count: int) -> float:
    """Return events a second of publishing one record again and again."""
    record = trade()
    with fresh_bus(folder) as bus:
        publish = bus.publish
        publish(record)
        begin = time.perf_counter()
        for _ in itertools.repeat(None, count):
            publish(record)
        return count / (time.perf_counter() - begin)


def publish_built(folder: Path, count: int) -> float:
    """Return events a second of building a trade from keywords and publishing it."""
    with fresh_bus(folder) as bus:
        publish = bus.publish
        publish(trade())
        begin = time.perf_counter()
        for number in range(count):
            publish(TradeTick(symbol="BTC/USDT", venue="binance", event_ns=number, recv_ns=number, price=64000.0, size=0.5))
        return count / (time.perf_counter() - begin)


def publish_batches(folder: Path, count: int, pause_s: float = 0.002) -> float:
    """Return records a second within calls that publish 10,000 records; in the pauses between them the keeper prepares pages."""
    with fresh_bus(folder) as bus:
        array = trades(bus, 10_000)
        for _ in range(20):  # the keeper learns how fast pages go
            bus.publish_batch(array)
            time.sleep(pause_s)
        spent_ns = 0
        for _ in itertools.repeat(None, count // len(array)):
            begin = time.perf_counter_ns()
            bus.publish_batch(array)
            spent_ns += time.perf_counter_ns() - begin
            if pause_s:
                time.sleep(pause_s)
        return (count // len(array)) * len(array) / spent_ns * 1e9


def publish_batches_on_end(folder: Path, count: int) -> float:
    """Return records a second of arrays that come faster than pages can be prepared."""
    return publish_batches(folder, count, 0.0)


def handle(folder: Path, count: int) -> float:
    """Return events a second from the journal through a component to its handler."""
    with fresh_bus(folder) as bus:
        fill(bus, count)
        bus.publish(TimerEvent(component="benchmark", name="end", event_ns=0))
        component = TradeHandler()
        begin = time.perf_counter()
        component.start(bus)
        if not component.done.wait(PATIENCE_S):
            raise SystemExit(f"the handler got {component.health().handled} of {count} events in {PATIENCE_S:g} s")
        seconds = time.perf_counter() - begin
        component.stop()
        return count / seconds


def loop(folder: Path, count: int) -> float:
    """Return events a second of `for event in reader`, reading two attributes of each."""
    with fresh_bus(folder) as bus:
        fill(bus, count)
        with bus.reader(start="begin") as reader:
            begin = time.perf_counter()
            for event in reader:
                event.price  # type: ignore[union-attr]  # noqa: B018
                event.size  # type: ignore[union-attr]  # noqa: B018
            return count / (time.perf_counter() - begin)


def filtered(folder: Path, count: int) -> float:
    """Return nanoseconds for each event that a reader's symbol filter drops."""
    with fresh_bus(folder) as bus:
        fill(bus, count)
        with bus.reader(start="begin", events=[TradeTick], symbols={"ETH/USDT"}) as reader:
            begin = time.perf_counter_ns()
            reader.read_many(1)
            return (time.perf_counter_ns() - begin) / count


def views(folder: Path, count: int) -> tuple[float, float]:
    """Return records a second of price x size over zero-copy views: with taking them (each CRC is checked), and of held ones."""
    with fresh_bus(folder) as bus:
        array = trades(bus, 10_000)
        for _ in range(count // len(array)):
            bus.publish_batch(array)
        with bus.reader(start="begin") as reader:
            begin = time.perf_counter()
            batches = reader.read_batches(TradeTick, count)
            total = sum(float(batch.records["price"] @ batch.records["size"]) for batch in batches)
            taken = time.perf_counter() - begin
            begin = time.perf_counter()
            again = sum(float(batch.records["price"] @ batch.records["size"]) for batch in batches)
            held = time.perf_counter() - begin
            records = sum(len(batch.records) for batch in batches)
        if records != count // len(array) * len(array) or total != again or total <= 0:
            raise SystemExit(f"{records} records with the sum {total} are not what was published")
        del batches
        return records / taken, records / held


def publishing(plan: Plan) -> Iterator[Row]:
    """Yield the rows of publishing."""
    measures = [
        ("publish(record), a ready record", publish_ready, 2_000_000, 10e6),
        ("publish(TradeTick(...)), built from keywords", publish_built, 500_000, 2e6),
        ("publish_batch(array), records, pages prepared by the keeper", publish_batches, 8_000_000, 30e6),
    ]
    with bus_folder() as folder:
        for name, measure, count, target in measures:
            yield at_least(name, plan.median(lambda: measure(folder, plan.count(count))), target)  # noqa: B023
        on_end = plan.median(lambda: publish_batches_on_end(folder, plan.count(8_000_000)))
        yield Row("publish_batch(array) over new pages at full speed", f"{on_end / 1e6:.1f} M/s")


def filtering(plan: Plan) -> Iterator[Row]:
    """Yield the row of events that never become Python objects."""
    with bus_folder() as folder:
        each = plan.median(lambda: filtered(folder, plan.count(2_000_000)))
    yield Row("an event filtered out in C++, by symbol", f"{each:.1f} ns", "< 20 ns", each < 20)


def columns(plan: Plan) -> Iterator[Row]:
    """Yield the rows of NumPy views."""
    with bus_folder() as folder:
        found = [views(folder, plan.count(4_000_000)) for _ in range(plan.runs)]
    taken, held = (sorted(one)[len(found) // 2] for one in zip(*found, strict=True))
    yield at_least("NumPy views, price x size summed", held, 100e6)
    yield Row("the same with reading them: each CRC checked", f"{taken / 1e6:.1f} M/s")
