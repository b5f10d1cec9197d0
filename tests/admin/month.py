"""Thirty days in a minute: what grows in a system that runs for months?

    python tests/admin/month.py --restarts 10000            # the long form: some minutes
    python tests/admin/month.py --restarts 300              # the short one

The wall clock is moved (see shifted_clock.c), by leaps back and forth, too. An account trades, strategies and the monitor follow; each
is stopped or dropped in the middle, and started again, thousands of times, while pages turn, snapshots are taken and old pages are
pruned. Disk, memory, objects, file descriptors, mappings and threads of the second half must be those of the first, and no order and
no cent may be lost. It prints a table, and ends with exit code 1 and a sentence for each thing that grew or is missing.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DAYS = 30
HALF = DAYS // 2
WARM = 5  # days until every bounded memory is full
NS_PER_DAY = 86_400 * 10**9
PAGE_BYTES = 65_536
KEEP_DAYS = 2.0


def main() -> int:
    """Run the month in a process with a clock of its own; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--restarts", type=int, default=10_000, help="how often components are started again")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if os.environ.get("GCG_CLOCK_FILE"):
        return run_month(options.restarts, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        library, clock = Path(folder, "shifted_clock.so"), Path(folder, "clock")
        source = Path(__file__).with_name("shifted_clock.c")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
        clock.write_bytes(bytes(8))
        environment = os.environ | {"LD_PRELOAD": str(library), "GCG_CLOCK_FILE": str(clock), "GCG_MONTH": folder}
        return subprocess.run([sys.executable, __file__, *sys.argv[1:]], env=environment, check=False).returncode


class Clock:
    """The shift of this process's wall clock."""

    def __init__(self) -> None:
        self._file = open(os.environ["GCG_CLOCK_FILE"], "r+b", buffering=0)  # noqa: SIM115 - open as long as the process lives
        self.shift_ns = 0

    def move(self, ns: int) -> None:
        """Move the clock, also backwards."""
        self.shift_ns += ns
        os.pwrite(self._file.fileno(), struct.pack("<q", self.shift_ns), 0)


@dataclass
class Measure:
    """What a process holds at a day's end."""

    disk: int
    memory: int
    objects: int
    descriptors: int
    mappings: int
    threads: int

    @classmethod
    def now(cls, folder: Path) -> Measure:
        """Measure this process and a bus folder."""
        gc.collect()
        rollup = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
        return cls(
            disk=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            memory=int(rollup["Rss"].split()[0]) * 1024,
            objects=len(gc.get_objects()),
            descriptors=len(os.listdir("/proc/self/fd")),
            mappings=len(Path("/proc/self/maps").read_text().splitlines()),
            threads=threading.active_count(),
        )

    def sentence(self) -> str:
        """Return all of it in a line."""
        sizes = f"{self.disk / 1e6:7.2f} MB on disk {self.memory / 2**20:7.1f} MiB in memory {self.objects:7} objects"
        return f"{sizes} {self.descriptors:4} files {self.mappings:5} mappings {self.threads:3} threads"


# How much more the second half may hold than the first, at its worst day: absolute, and as a share. Days differ in how much happens, and
# the allocator keeps some room between what it gave back; objects are counted one by one.
MAY_GROW = {
    "disk": (4 * PAGE_BYTES, 0.5),
    "memory": (4 * 2**20, 0.05),
    "objects": (500, 0.0),
    "descriptors": (2, 0.0),
    "mappings": (12, 0.0),
    "threads": (0, 0.0),
}


@dataclass
class Tally:
    """What a bystander counts, in memory that does not grow."""

    orders: int = 0
    by_strategy: Counter[str] = field(default_factory=Counter)
    verdicts: int = 0
    twice: int = 0  # verdicts on an order that had one, among the last thousand
    judged: dict[int, None] = field(default_factory=dict)
    filled: Counter[str] = field(default_factory=Counter)
    trades: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    snapshots: Counter[str] = field(default_factory=Counter)

    def judge(self, request: int) -> None:
        """Count a verdict."""
        self.verdicts += 1
        self.twice += request in self.judged
        self.judged[request] = None
        if len(self.judged) > 1000:
            del self.judged[next(iter(self.judged))]


def run_month(restarts: int, seed: int) -> int:
    """Live through the month; return the exit code."""
    month = Month(Path(os.environ["GCG_MONTH"]) / "bus", restarts, seed)
    measures = []
    for day in range(DAYS):
        month.live(day)
        measures.append(Measure.now(month.path))
        print(f"day {day + 1:2}: {measures[-1].sentence()}", flush=True)
    wrong = month.wrong() + grown(measures)
    for sentence in wrong:
        print(sentence)
    orders, snapshots = dict(month.tally.by_strategy), dict(month.tally.snapshots)
    print(f"{month.restarts} restarts, orders {orders}, {month.tally.trades} trades, snapshots {snapshots}")
    return 1 if wrong else 0


def grown(measures: list[Measure]) -> list[str]:
    """Return a sentence for each thing of which the second half holds more than the first."""
    found = []
    for name, (more, share) in MAY_GROW.items():
        first = max(getattr(one, name) for one in measures[WARM:HALF])
        second = max(getattr(one, name) for one in measures[HALF:])
        if second > first * (1 + share) + more:
            found.append(f"{name}: up to {first} in the first half, up to {second} in the second")
    return found


class Month:
    """The system and its driver. Everything but now and then a component runs on one thread, so that a restart takes milliseconds."""

    def __init__(self, path: Path, restarts: int, seed: int) -> None:
        from gcg_quant.bus import EventBus
        from gcg_quant.events import AlertEvent, Fill, OrderRequest, RiskVerdict, SnapshotEvent, World
        from gcg_quant.instruments import preset
        from gcg_quant.retention import Retention

        fill_bounds()
        self.path = path
        self.clock = Clock()
        self.chance = random.Random(seed)
        self.tally = Tally()
        self.restarts = 0
        self._turns = max(DAYS, restarts // 4)  # four components are started in each
        self._number = 0
        self.bus = EventBus(path, world=World.PAPER, source="driver", sync="none", page_mb=PAGE_BYTES / 2**20)
        self.bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
        with self.bus.reader("abandoned", durable=True, start="begin") as reader:
            reader.commit()  # somebody who never comes back
        self.retention = Retention(keep_days=KEEP_DAYS, keep_gb=20.0)
        self.retention.start(self.bus, threaded=False)
        self._watcher = self.bus.reader(start="begin", events=[OrderRequest, RiskVerdict, Fill, AlertEvent, SnapshotEvent])
        self._cast = Cast(self.bus)

    def live(self, day: int) -> None:
        """Live one day."""
        turns = range(self._turns * day // DAYS, self._turns * (day + 1) // DAYS)
        for turn in turns:
            self._leap(NS_PER_DAY // len(turns))
            self.restarts += self._cast.enter(threaded=turn % 20 == 7)
            for _ in range(self.chance.randrange(1, 4)):
                self._drive(max(12, 900 // len(turns)))
                self._cast.play()
            self._cast.leave(drop=self.chance.random() < 0.2)
            self._watch()
            if turn % max(1, len(turns) // 12) == 0:
                self.retention.prune()

    def wrong(self) -> list[str]:
        """Return a sentence for each promise that was broken."""
        self._cast.enter(threaded=False)
        self._cast.play()
        self._watch()
        accounts = self._cast.engine.desk.books.accounts
        held: Counter[str] = Counter()
        for position in accounts.positions.values():
            held[position.instrument.symbol] += position.quantity
        self._cast.leave(drop=False)
        tally, found = self.tally, []
        if tally.verdicts != tally.orders or tally.twice:
            found.append(f"{tally.orders} orders have {tally.verdicts} verdicts, {tally.twice} of them on the same order")
        if any(abs(held[symbol] - quantity) > 1e-6 for symbol, quantity in tally.filled.items()):
            found.append(f"the account holds {dict(held)}, its fills make {dict(tally.filled)}")
        if not tally.trades or not tally.by_strategy["sma_cross"]:
            found.append(f"nothing was traded: {tally.trades} trades, orders {dict(tally.by_strategy)}")
        if tally.alerts["abandoned"] != 1:
            found.append(f"the abandoned reader was reported {tally.alerts['abandoned']} times")
        if set(tally.snapshots) != {"trading-paper", "strategies", "monitor", "charts"}:
            found.append(f"there are snapshots of {sorted(tally.snapshots)} only")
        return found

    def _leap(self, ns: int) -> None:
        # Time passes; now and then somebody sets the clock, by up to two hours, and sets it back.
        self.clock.move(ns)
        if self.chance.random() < 0.1:
            step = self.chance.randrange(-2 * 3600, 2 * 3600) * 10**9
            self.clock.move(step)
            self._drive(3)
            self.clock.move(-step)

    def _drive(self, count: int) -> None:
        from gcg_quant.events import Bar, CancelRequest, OrderRequest, OrderType, Side, Tick

        chance = self.chance
        for _ in range(count):
            self._number += 1
            bid = 100.0 + chance.randrange(-5, 6)
            names: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": time.time_ns()}
            self.bus.publish(Tick(**names, last_price=bid, bid_price=bid, bid_size=5.0, ask_price=bid + 1.0, ask_size=5.0))
            if self._number % 2:
                bar = {"open": bid, "high": bid, "low": bid, "close": bid, "period": "1m", "start_ns": names["event_ns"] - 60 * 10**9}
                self.bus.publish(Bar(**names, **bar))
            if chance.random() < 0.3:
                price = chance.choice([None, 97.0, 100.0, 103.0])  # each is reached soon: open orders do not pile up
                kind = OrderType.MARKET if price is None else OrderType.LIMIT
                names |= {"account": "paper", "strategy": "s", "client_id": f"k{self._number}"}
                side = chance.choice([Side.BUY, Side.SELL])
                self.bus.publish(OrderRequest(**names, quantity=1.0, price=price, side=side, order_type=kind))
            elif chance.random() < 0.3:
                names |= {"account": "paper", "strategy": "s", "client_id": f"k{chance.randint(max(1, self._number - 40), self._number)}"}
                self.bus.publish(CancelRequest(**names))

    def _watch(self) -> None:
        from gcg_quant.events import AlertEvent, Fill, OrderRequest, RiskVerdict, Side, SnapshotEvent

        tally = self.tally
        for event in self._watcher:
            if isinstance(event, OrderRequest):
                tally.orders += 1
                tally.by_strategy[event.strategy] += 1
            elif isinstance(event, RiskVerdict):
                tally.judge(event.request)
            elif isinstance(event, Fill):
                tally.trades += 1
                tally.filled[event.symbol] += event.quantity if event.side == Side.BUY else -event.quantity
            elif isinstance(event, AlertEvent):
                tally.alerts["abandoned"] += "abandoned" in event.message
            elif isinstance(event, SnapshotEvent):
                tally.snapshots[event.component] += 1


class Cast:
    """The components: an account, the manager with a strategy, the monitor, the charts."""

    def __init__(self, bus: Any) -> None:
        from gcg_quant.admin.monitor import Monitor
        from gcg_quant.settings import Settings
        from gcg_quant.strategy_engine import LoadRequest, PaperGateway, RiskLimits, StrategyManager, TradingConfig, TradingEngine
        from gcg_quant.visualization.bridge import WebSocketEventBridge

        for kind in (TradingEngine, StrategyManager, Monitor, WebSocketEventBridge):
            kind.snapshot_every, kind.snapshot_least = 1000, 200  # some ten a day
        limits = RiskLimits(max_orders_per_second=None, max_open_orders=None)
        cross = LoadRequest(file="sma_cross", symbols=("BTC/USDT@SIM",), parameters={"fast": 2, "slow": 5}, start=True)
        self._bus = bus
        self._make = (
            lambda: TradingEngine(TradingConfig(cash=1e9), limits, PaperGateway()),
            lambda: StrategyManager([], load=[cross], account="paper"),
            lambda: Monitor(),
            lambda: WebSocketEventBridge(Settings()),
        )
        self._players: list[Any] = []
        self._threaded = False

    @property
    def engine(self) -> Any:
        """The account's engine."""
        return self._players[0]

    def enter(self, *, threaded: bool) -> int:
        """Start all; return how many."""
        self._threaded = threaded
        self._players = [make() for make in self._make]
        for one in self._players:
            one.start(self._bus, threaded=threaded)
        return len(self._players)

    def play(self) -> None:
        """Let each handle what there is."""
        deadline = time.monotonic() + 20
        for one in self._players:
            if self._threaded:
                while one.state != "running" or one.reader.lag:
                    if time.monotonic() > deadline:
                        raise SystemExit(f"{one.name} is {one.state} and does not get on")
                    time.sleep(0.001)
                continue
            while one.turn():
                pass
            one.reader.commit()

    def leave(self, *, drop: bool) -> None:
        """Stop all; or drop them in the middle, as a killed process does, without a last word.

        The manager is always stopped: strategies' modules go with the process, and this one goes on.
        """
        for one in reversed(self._players):
            if drop and not self._threaded and "strategies" not in one.capabilities:
                one.reader.close()
            else:
                one.stop()
        self._players = []


def fill_bounds() -> None:
    """Make every bounded memory so small that a few days fill it, or the first half would grow into its bounds."""
    from gcg_quant.admin.views import system_view
    from gcg_quant.strategy_engine.gateways import paper
    from gcg_quant.strategy_engine.orders import manager as orders
    from gcg_quant.strategy_engine.strategy import portfolio

    orders._FINISHED_KEPT = orders._IDS_KEPT = paper._FINISHED_KEPT = portfolio._REMEMBERED = 100  # type: ignore[attr-defined]
    system_view._KEPT = 20


if __name__ == "__main__":
    sys.exit(main())
