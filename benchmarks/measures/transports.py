"""From one Python process to another: messages a second, and the time one way, the bus beside its peers.

A message is 96 packed bytes (the bus: a ready `TradeTick` of 120 bytes and its header), and the receiver reads two of its fields. The
peers keep nothing; the bus writes each message to its journal (sync policy `none`). Throughput is taken from the first send to the last
message read. The time one way is, between spinning ends, half a round trip of message and answer; for a blocking receiver it is taken
from before the send until the receiver has the message, 100 us after the one before, so that it sleeps.
A regression means that every process sees the market later. It does not show several readers: see `processes`.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from .links import BlockingBusLink, BusLink, Link, Receiver, Sender
from .peers import IceoryxLink, PipeLink, QueueLink, ZmqLink
from .redis_peers import RedisPipelinedPubSubLink, RedisPipelinedStreamLink, RedisPubSubLink, RedisStreamLink
from .rows import Plan, Row, at_least, bus_folder, per_second, times

PATIENCE_S = 60.0
WARM_UP = 200
PAUSE_S = 100e-6
OURS: list[type[Any]] = [BusLink, BlockingBusLink]
PEERS: list[type[Any]] = [
    IceoryxLink,
    ZmqLink,
    PipeLink,
    QueueLink,
    RedisStreamLink,
    RedisPipelinedStreamLink,
    RedisPubSubLink,
    RedisPipelinedPubSubLink,
]


@dataclass(frozen=True)
class Traffic:
    """What one transport reached; times in microseconds, empty if it was not asked."""

    rate: float
    one_way_us: Sequence[float]

    @property
    def p50_us(self) -> float:
        return self.one_way_us[0]

    def figure(self) -> str:
        if not self.one_way_us:
            return per_second(self.rate)
        return f"{per_second(self.rate)}, {' / '.join(f'{one:.3g}' if one < 100 else f'{one:,.0f}' for one in self.one_way_us)} us"


def other_process(link: Link, end: Any, back: Any, control: Connection, count: int, singles: int) -> None:
    """Take `count` messages and tell when the last one was read; then answer `singles` more, or tell when each was read."""
    receiver = link.receiver(end)
    sender = link.sender(back) if back is not None else None
    control.send("ready")
    receiver.receive_many(WARM_UP)
    control.send("warm")
    receiver.receive_many(count)
    control.send(time.monotonic_ns())
    times, receive, clock = [], receiver.receive, time.monotonic_ns
    for _ in range(singles):
        receive()
        if sender is not None:
            sender.send()
        else:
            times.append(clock())
    control.send(times)
    control.recv()  # what it holds stays open until the other end is done with it
    receiver.close()
    if sender is not None:
        sender.close()


def _told(control: Connection) -> Any:
    if not control.poll(PATIENCE_S):
        raise TimeoutError(f"the other process said nothing for {PATIENCE_S:g} s")
    return control.recv()


def _rate(sender: Sender, control: Connection, count: int) -> float:
    _told(control)
    sender.send_many(WARM_UP)
    _told(control)
    begin = time.monotonic_ns()
    sender.send_many(count)
    return count / ((_told(control) - begin) / 1e9)


def _half_round_trips(sender: Sender, receiver: Receiver, control: Connection, singles: int) -> list[float]:
    halves, clock = [], time.perf_counter_ns
    for _ in range(singles):
        begin = clock()
        sender.send()
        receiver.receive()
        halves.append((clock() - begin) / 2e3)
    _told(control)
    return halves


def _to_a_sleeper(sender: Sender, control: Connection, singles: int) -> list[float]:
    times, clock = [], time.monotonic_ns
    for _ in range(singles):
        time.sleep(PAUSE_S)
        times.append(clock())
        sender.send()
    return [(arrival - sent) / 1e3 for arrival, sent in zip(_told(control), times, strict=True)]


def _run(link: Link, run: int, count: int, singles: int) -> Traffic:
    context = multiprocessing.get_context("spawn")
    spinning = link.waiting == "spinning"
    end, far_end = link.ends(context, f"there{run}")
    far_back, back = link.ends(context, f"back{run}") if spinning else (None, None)
    control, far_control = context.Pipe()
    process = context.Process(target=other_process, args=(link, far_end, far_back, far_control, count, singles), daemon=True)
    process.start()
    far_control.close()
    sender, receiver = link.sender(end), link.receiver(back) if spinning else None
    try:
        rate = _rate(sender, control, count)
        one_way = _half_round_trips(sender, receiver, control, singles) if receiver else _to_a_sleeper(sender, control, singles)
        control.send("bye")
        process.join(PATIENCE_S)
    finally:
        if process.is_alive():
            process.kill()
            process.join()
        sender.close()
        if receiver:
            receiver.close()
    one_way = sorted(one_way[singles // 10 :])  # the first ones warm up
    return Traffic(rate, [one_way[int((len(one_way) - 1) * share)] for share in (0.5, 0.99, 0.999)] if one_way else [])


def measure(kind: Callable[[], Link], plan: Plan) -> Traffic:
    """Return the medians of a few runs of one transport."""
    link = kind()
    runs = 1 if plan.quick else 3
    singles = plan.count(link.singles) if link.singles else 0
    with bus_folder() as folder, link.serve(folder):
        found = [_run(link, run, plan.count(link.messages), singles) for run in range(runs)]
    columns = zip(*(one.one_way_us for one in found), strict=True)
    return Traffic(statistics.median(one.rate for one in found), [statistics.median(column) for column in columns])


def transports(plan: Plan) -> Iterator[Row]:
    """Yield the rows of all transports, then how the bus stands beside them."""
    found: dict[type[Any], Traffic] = {}
    for kind in (*OURS, *(PEERS if plan.peers else ())):
        try:
            found[kind] = measure(kind, plan)
        except Exception as error:
            if kind in OURS:
                raise
            # whatever keeps a peer from running is named, and the rest goes on
            yield Row(kind.name, "-", f"not measured: {type(error).__name__}: {error}")
            continue
        yield Row(kind.name, found[kind].figure())
    spinning, blocking = found[BusLink], found[BlockingBusLink]
    yield at_least("the bus, process to process", spinning.rate, 5e6)
    for kind, least in ((ZmqLink, 5.0), (IceoryxLink, 8.0)):
        if kind in found:
            yield times(f"the bus's messages/s beside {kind.name.split()[0].rstrip(',')}", spinning.rate, found[kind].rate, least)
    yield Row("the bus, spinning, one way p50", f"{spinning.p50_us:.2f} us", "< 1.5 us", spinning.p50_us < 1.5)
    for kind, own, most in ((IceoryxLink, spinning, 0.5), (PipeLink, blocking, 1.5)):
        if kind in found:
            ratio = own.p50_us / found[kind].p50_us
            yield Row(f"its {kind.waiting} p50 beside {kind.name.split(',')[0]}'s", f"{ratio:.2f}x", f"<= {most:g}x", ratio <= most)
