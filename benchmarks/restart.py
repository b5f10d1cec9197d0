"""How long a start takes on a long journal: an account, the strategies and the monitor, with their snapshots and without.

    python benchmarks/restart.py [--events 2000000]

What it measures: `start()` until the component runs, on a journal in which every hundredth event is an order that was traded. Without
snapshots the whole journal is folded; with them the newest one and the tail. A regression means that a start grows with the
journal again, or that a state has become large. It does not show a cold disk, nor the tail of a busy system (up to 400,000 events).
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gcg_quant.admin.monitor import Monitor
from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.events import Lane, OrderRequest, OrderType, Side, Tick, World
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, StrategyManager, TradingConfig, TradingEngine

CHUNK = 100_000
RUNS = 3
DAY_NS = 1_790_000_000_000_000_000
OFF = RiskLimits(max_orders_per_second=None, max_order_value=None, max_position_value=None, max_open_orders=None)
COMPONENTS: tuple[Callable[[], Component], ...] = (
    lambda: TradingEngine(TradingConfig(cash=1e9), OFF, PaperGateway()),
    lambda: StrategyManager([], account="paper"),
    lambda: Monitor(),
)


def build(bus: EventBus, events: int) -> None:
    """Fill a bus with ticks, and with orders that an engine trades."""
    number = bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    chance = random.Random(1)
    tick = Tick(symbol="BTC/USDT", venue="SIM", bid_price=100.0, bid_size=9.0, ask_price=101.0, ask_size=9.0)
    block = np.repeat(np.frombuffer(bytes(tick), Tick.dtype), CHUNK)
    block["instrument"] = number
    engine = COMPONENTS[0]()
    engine.snapshot_every = engine.snapshot_least = 10**12  # type: ignore[attr-defined] # the first start is to find none
    engine.start(bus, threaded=False)
    while bus.head(Lane.MARKET) < events:
        block["event_ns"] = DAY_NS + (bus.head(Lane.MARKET) + np.arange(CHUNK)) * 1_000_000
        bus.publish_batch(block)
        for order in range(CHUNK // 100):
            side, kind = chance.choice([Side.BUY, Side.SELL]), OrderType.MARKET
            names = {"symbol": "BTC/USDT", "venue": "SIM", "account": "paper", "strategy": "s"}
            client_id = f"{bus.head(Lane.MARKET)}.{order}"
            bus.publish(OrderRequest(**names, client_id=client_id, quantity=1.0, side=side, order_type=kind))
        while engine.turn():
            pass
    engine.stop()


def started(make: Callable[[], Component], bus: EventBus) -> float:
    """Return the milliseconds of one start; the component is stopped again."""
    component = make()
    begin = time.perf_counter()
    component.start(bus)
    while component.state != "running":
        time.sleep(0.0005)
    spent = (time.perf_counter() - begin) * 1e3
    component.stop(60)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    events = parser.parse_args().events
    print(f"{platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, EventBus(Path(folder) / "bus", world=World.PAPER, sync="none") as bus:
        build(bus, events)
        print(f"{bus.head(Lane.MARKET) - 1:,} events, {sum(page.stat().st_size for page in bus.path.rglob('*.page')) / 1e6:,.0f} MB")
        for make in COMPONENTS:
            name = make().name
            first = started(make, bus)
            later = statistics.median(started(make, bus) for _ in range(RUNS))
            print(f"{name:15} {first:8,.0f} ms the first time, {later:6,.0f} ms from its snapshot")


if __name__ == "__main__":
    main()
