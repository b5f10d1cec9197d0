"""How long the base of collectors needs for a record: what `take` and `take_array` cost beside publishing alone; and a folder for a row.

    python benchmarks/collector.py [RECORDS]

What it measures: checking, numbering and publishing records that lie ready, on a bus in a temporary folder, microseconds a record, the
median of five runs. A regression means that the path of every live message has grown. It does not show parsing, nor a network.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.data_collector.blank import blank
from gcg_quant.data_collector.live import ExchangeCollector
from gcg_quant.events import Depth, Tick, TradeTick, World

RUNS = 5
LIMIT_US = 5.0


class Still(ExchangeCollector):
    """A collector that is never connected."""

    def dial(self) -> None:
        time.sleep(0.05)
        raise OSError("there is no venue")

    def hang_up(self) -> None:
        """There is nothing."""


def records(kind: str, count: int, begin_ns: int) -> list[Any]:
    common = {"symbol": "BTC/USDT", "venue": "still"}
    times = range(begin_ns, begin_ns + 1000 * count, 1000)
    if kind == "tick":
        return [
            Tick(**common, event_ns=ns, recv_ns=ns, last_price=64000.0, bid_price=63999.0, ask_price=64001.0, venue_seq=ns) for ns in times
        ]
    if kind == "trade":
        return [TradeTick(**common, event_ns=ns, recv_ns=ns, price=64000.0, size=1.0, trade_id=str(ns)) for ns in times]
    levels = {"bid_prices": [63999.0 - i for i in range(10)], "ask_prices": [64001.0 + i for i in range(10)]}
    sizes = {"bid_sizes": [1.0] * 10, "ask_sizes": [1.0] * 10}
    return [Depth(**common, event_ns=ns, recv_ns=ns, venue_seq=ns, levels=10, **levels, **sizes) for ns in times]


def micros(act: Callable[[Any], Any], items: list[Any], each: int = 1) -> float:
    begin = time.perf_counter()
    for item in items:
        act(item)
    return (time.perf_counter() - begin) / (len(items) * each) * 1e6


def arrays(bus: EventBus, count: int, size: int, begin_ns: int) -> list[Any]:
    found = []
    for first in range(0, count, size):
        rows = blank(TradeTick, size)
        rows["instrument"] = bus.instruments.number("BTC/USDT", "still")
        rows["event_ns"] = rows["recv_ns"] = begin_ns + 1000 * np.arange(first, first + size)
        rows["price"], rows["size"] = 64000.0, 1.0
        found.append(rows)
    return found


def rows_of_a_folder(bus: EventBus, folder: Path, count: int) -> float:
    """Return the rows a second from a file of trades that is there at once onto the bus."""
    from gcg_quant.data_collector.folder import FolderCollector
    from gcg_quant.data_collector.folder.options import FolderOptions

    folder.mkdir()
    lines = (f"{1_700_000_000_000 + number // 3},A,64000.5,1.25,{number}\n" for number in range(count))
    (folder / "trades.csv").write_text("time,symbol,price,size,trade_id\n" + "".join(lines))
    options = FolderOptions(folder=folder, start="begin", file={"timezone": "UTC"})
    collector = FolderCollector("files", "V", options=options)
    begin = time.perf_counter()
    collector.start(bus)
    while collector.counts.get("TradeTick", 0) < count:
        time.sleep(0.005)
    rate = count / (time.perf_counter() - begin)
    collector.stop()
    return rate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="?", type=int, default=50_000)
    count = parser.parse_args().records
    print(f"{platform.machine()}, Python {platform.python_version()}, median of {RUNS}, us a record")
    slow = False
    with tempfile.TemporaryDirectory() as folder, EventBus(Path(folder) / "bus", world=World.PAPER, sync="none") as bus:
        collector = Still("still")
        collector.start(bus)
        try:
            for kind in ("tick", "trade", "depth"):
                taken = statistics.median(micros(collector.take, records(kind, count, now_ns())) for _ in range(RUNS))
                alone = statistics.median(micros(bus.publish, records(kind, count, now_ns())) for _ in range(RUNS))
                slow |= kind == "tick" and taken > LIMIT_US
                print(f"take({kind:5})           {taken:6.2f}    published alone {alone:6.2f}")
            for size in (1, 10, 100):
                taken = statistics.median(micros(collector.take_array, arrays(bus, count, size, now_ns()), size) for _ in range(RUNS))
                print(f"take_array of {size:3} trades {taken:6.2f}")
            many = 20 * count
            print(f"a folder's file of {many:,} trades: {rows_of_a_folder(bus, Path(folder) / 'files', many):,.0f} rows a second")
            print(
                f"refused: {collector.faults.counts() or 'none'}; a tick is to take less than {LIMIT_US:g} us: {'missed' if slow else 'ok'}"
            )
        finally:
            collector.stop()
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
