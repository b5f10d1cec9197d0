"""The bus with several processes at work: eight readers, an idle system, and a control event before a backlog.

A regression means that readers fall behind at a rate that they kept, that an idle system warms the room, or that a stop command waits
behind market data. It does not show what handlers cost.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.component import Component, event_handler
from gcg_quant.events import Lane, SystemEvent, TradeTick

from .records import fill, fresh_bus, trade
from .rows import Plan, Row, bus_folder

PATIENCE_S = 60.0
READERS = 8
RATE = 50_000
BACKLOG = 1_000_000


def _told(control: Connection) -> float:
    if not control.poll(PATIENCE_S):
        raise TimeoutError(f"a process of the benchmark said nothing for {PATIENCE_S:g} s")
    return float(control.recv())


# ---- eight readers


def reading_process(folder: Path, name: str, count: int, control: Connection) -> None:
    """Read so many trades, two attributes of each, and tell how long after the last one was published it was read, in ms."""
    with EventBus(folder, read_only=True) as bus, bus.reader(name) as reader:
        control.send(0.0)
        total, left, last_ns = 0.0, count, 0
        while left > 0:
            events = reader.read_many(1000, 1.0)
            for event in events:
                total += event.price + event.size  # type: ignore[union-attr]
            left -= len(events)
            last_ns = events[-1].time_ns if events else last_ns
        control.send((time.time_ns() - last_ns) / 1e6)
        control.recv()


def _publish_paced(bus: EventBus, seconds: float) -> int:
    """Publish 50,000 trades a second, 50 each millisecond; return the largest lag seen of any reader."""
    record, each = trade(), RATE // 1000
    largest = 0
    begin = time.monotonic()
    for step in range(int(seconds * 1000)):
        for _ in range(each):
            bus.publish(record)
        if step % 50 == 49:
            largest = max(largest, *(reader.lag[Lane.MARKET] for reader in bus.readers()))
        wait = begin + (step + 1) / 1000 - time.monotonic()
        if wait > 0:
            time.sleep(wait)
    return largest


def readers(plan: Plan) -> Iterator[Row]:
    """Yield the rows of eight reader processes behind one publisher."""
    seconds = 0.2 if plan.quick else 5.0
    context = multiprocessing.get_context("spawn")
    with bus_folder() as folder, EventBus(folder / "bus", sync="none") as bus:
        pipes = [context.Pipe() for _ in range(READERS)]
        count = int(seconds * 1000) * (RATE // 1000)
        for number, (_, far) in enumerate(pipes):
            context.Process(target=reading_process, args=(folder / "bus", f"reader{number}", count, far), daemon=True).start()
        controls = [near for near, _ in pipes]
        for control in controls:
            _told(control)
        begin = time.monotonic()
        largest = _publish_paced(bus, seconds)
        rate = count / (time.monotonic() - begin)
        behind_ms = max(_told(control) for control in controls)
        for control in controls:
            control.send("bye")
        for process in multiprocessing.active_children():
            process.join(PATIENCE_S)
    name = f"{READERS} reader processes at {RATE:,} events/s"
    yield Row(f"{name}: largest lag of any", f"{largest:,} events", f"< {RATE // 10:,} events", largest < RATE // 10)
    yield Row(f"{name}: published / the last read after", f"{rate:,.0f} /s / {behind_ms:.1f} ms", "< 100 ms", behind_ms < 100)


# ---- an idle system


class Idler(Component):
    """A component to which nothing happens."""

    @event_handler(TradeTick)
    def on_trade(self, tick: TradeTick) -> None:
        """Never called."""


def idling_process(folder: Path, kind: str, seconds: float, control: Connection) -> None:
    """Wait for events that do not come; tell the CPU time used, in percent of a core."""
    with EventBus(folder, source=kind) as bus:
        idler = Idler("idler")
        if kind == "component":
            idler.start(bus)
        with bus.reader() as reader:
            begin, cpu = time.monotonic(), time.process_time()
            while (left := begin + seconds - time.monotonic()) > 0:
                if kind == "component":
                    time.sleep(left)
                else:
                    reader.read(left)
            control.send((time.process_time() - cpu) / (time.monotonic() - begin) * 100)
        idler.stop()


def idle(plan: Plan) -> Iterator[Row]:
    """Yield the CPU share of processes that wait, each with its bus's keeper thread."""
    seconds = 1.0 if plan.quick else 4.0
    context = multiprocessing.get_context("spawn")
    with bus_folder() as folder, EventBus(folder / "bus") as bus:
        bus.publish(trade())
        for kind in ("reader", "component"):
            near, far = context.Pipe()
            process = context.Process(target=idling_process, args=(folder / "bus", kind, seconds, far), daemon=True)
            process.start()
            share = _told(near)
            process.join(PATIENCE_S)
            yield Row(f"an idle process with a blocking {kind}", f"{share:.2f} % of a core", "< 2 %", share < 2)


# ---- a control event before a backlog


class Drainer(Component):
    """Handles a backlog of trades and notes how long each control event took to its handler while it did."""

    def __init__(self) -> None:
        super().__init__("drainer", start="begin")
        self.delays_ms: list[float] = []
        self.trades = 0

    @event_handler(TradeTick)
    def on_trade(self, tick: TradeTick) -> None:
        self.trades += 1

    @event_handler(SystemEvent)
    def on_system(self, event: SystemEvent) -> None:
        delay_ms = (time.time_ns() - event.time_ns) / 1e6
        if self.trades > 0 and self.reader.lag > 1000:
            self.delays_ms.append(delay_ms)


def commanding_process(folder: Path, control: Connection) -> None:
    """Publish a control event every 2 ms until told to stop."""
    with EventBus(folder, source="commander") as bus:
        control.send(0.0)
        while not control.poll(0.002):
            bus.publish(SystemEvent(action="benchmark"))


def control(plan: Plan) -> Iterator[Row]:
    """Yield how long a control event takes to its handler while a million market events wait before it."""
    backlog = plan.count(BACKLOG)
    context = multiprocessing.get_context("spawn")
    delays: list[float] = []
    with bus_folder() as folder:
        for _ in range(plan.runs):
            with fresh_bus(folder) as bus:
                fill(bus, backlog)
                near, far = context.Pipe()
                process = context.Process(target=commanding_process, args=(bus.path, far), daemon=True)
                process.start()
                _told(near)
                drainer = Drainer()
                drainer.start(bus)
                deadline = time.monotonic() + PATIENCE_S
                while drainer.trades < backlog:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{drainer.trades} of {backlog} events were handled in {PATIENCE_S:g} s")
                    time.sleep(0.001)
                near.send("stop")
                process.join(PATIENCE_S)
                drainer.stop()
                delays += drainer.delays_ms
    name = f"a control event while {backlog:,} market events wait: p50 / p99 / max"
    if not delays:
        yield Row(name, "0 came in time", "p99 < 5 ms", False)
        return
    p50, p99 = (sorted(delays)[int((len(delays) - 1) * share)] for share in (0.5, 0.99))
    yield Row(name, f"{p50:.2f} / {p99:.2f} / {max(delays):.2f} ms", "p99 < 5 ms", p99 < 5)
