"""The whole system under load: the figures that the source designs name, measured on the running demo.

    make bench ARGS=benchmarks/system.py
    python benchmarks/system.py --for 600 --ticks 2000 --strategies 10

What it measures: tick -> order on the bus (the request's publishing time minus that of the tick that led to it, from the journal), the
time components spend per event, the readers' lag over time, memory (sum of proportional set sizes of all processes) and CPU. A
regression means that some component does more work per event, or waits for another. It does not show what a network gateway adds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from gcg_quant.bus import EventBus
from gcg_quant.errors import AuditError
from gcg_quant.events import Bar, Fill, Lane, MetricEvent, OrderCommand, OrderRequest, RiskVerdict, Tick
from gcg_quant.strategy_engine.accounts.audit import audit

_SEQ = (1 << 60) - 1

SYMBOLS = ["BTC/USDT", "ETH/USDT", "EUR/USD", "USD/JPY", "600519", "IF2412", "rb2501", "AAPL", "SPY", "00700"]


def settings_text(home: Path, ticks: int, strategies: int) -> str:
    """Return a settings file with so many strategies, every second one a grid."""
    lines = [
        f"[system]\nhome = {json.dumps(str(home))}",
        "[web]\nport = 0",
        f"[simulated]\nenabled = true\nticks_per_second = {ticks}\nsymbols = {json.dumps(SYMBOLS)}",
        "[risk]\nmax_orders_per_second = 500\nmax_open_orders = 2000",
    ]
    for number in range(strategies):
        kind = "grid" if number % 2 == 0 else "sma_cross"
        parameters = "{}" if kind == "grid" else '{ period = "1s", fast = 3, slow = 8 }'
        symbol = SYMBOLS[number % len(SYMBOLS)]
        lines.append(f'[[strategies.load]]\nfile = "{kind}"\nid = "{kind}-{number}"\nsymbols = ["{symbol}"]\nparameters = {parameters}')
    return "\n".join(lines) + "\n"


class Sampler:
    """Memory, CPU and lag of a running system, once a second."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._root = psutil.Process(process.pid)
        self.pss: list[float] = []
        self.lag: list[int] = []
        self.cpu_s = 0.0

    def sample(self, bus: EventBus) -> None:
        processes = [self._root, *self._root.children(recursive=True)]
        total = 0.0
        cpu = 0.0
        for process in processes:
            try:
                total += process.memory_full_info().pss
                times = process.cpu_times()
                cpu += times.user + times.system
            except psutil.Error:
                continue
        self.pss.append(total / 2**20)
        self.cpu_s = max(self.cpu_s, cpu)
        self.lag.append(max((sum(reader.lag.values()) for reader in bus.readers() if reader.alive), default=0))


def run(home: Path, seconds: float, ticks: int, strategies: int) -> tuple[Sampler, str]:
    """Run the system for so many seconds; return the samples and what it printed."""
    config = home.parent / "gcg_quant.toml"
    config.write_text(settings_text(home, ticks, strategies))
    command = [sys.executable, "-m", "gcg_quant", "run", "--config", str(config), "--for", str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    sampler = Sampler(process)
    while not (home / "bus" / "bus.meta").exists() and process.poll() is None:
        time.sleep(0.1)
    with EventBus(home / "bus", create=False, read_only=True) as bus:
        begin = time.monotonic()
        while process.poll() is None:
            time.sleep(1.0)
            if 5 < time.monotonic() - begin < seconds:
                sampler.sample(bus)
    output = process.stdout.read() if process.stdout else ""
    if process.returncode != 0:
        raise SystemExit(f"the run failed with exit code {process.returncode}:\n{output}")
    return sampler, output


def latencies_us(
    bus: EventBus, end: type[OrderRequest | OrderCommand] = OrderRequest, warm_up_s: float = 10.0
) -> tuple[np.ndarray[Any, Any], int]:
    """Return tick -> order request (or command) in microseconds, and the number of ticks.

    A request's tick is found along the causes: the request was made for a tick, or for the bar that a tick closed, or for the fill that
    a tick brought about. A command's cause is the verdict on its request.
    """
    head = bus.head(Lane.MARKET)
    times, causes, is_tick = np.zeros(head, np.int64), np.zeros(head, np.int64), np.zeros(head, bool)
    requests: list[int] = []
    with bus.reader(start="begin", events=[Tick, Bar, Fill, OrderRequest, RiskVerdict, OrderCommand], backfill=False) as reader:
        while tables := reader.read_tables(200_000)[0]:
            for cls, rows in tables.items():
                seq = (rows["id"] & _SEQ).astype(np.int64)
                times[seq], causes[seq] = rows["time_ns"], (rows["cause"] & _SEQ).astype(np.int64)
                is_tick[seq] = cls is Tick
                if cls is end:
                    requests += seq.tolist()
    warm = times[times > 0].min() + warm_up_s * 1e9 if is_tick.any() else 0
    found = []
    for request in requests:
        at = causes[request]
        while at and not is_tick[at]:
            at = causes[at]
        if at and times[request] > warm:
            found.append((times[request] - times[at]) / 1e3)
    return np.array(found), int(is_tick.sum())


def handled(bus: EventBus) -> dict[str, tuple[float, float]]:
    """Return each component's (events handled, mean microseconds per event), by its last report."""
    values: dict[str, dict[str, float]] = {}
    with bus.reader(start="begin", events=[MetricEvent]) as reader:
        for event in reader:
            if isinstance(event, MetricEvent) and event.name in ("handled", "mean_us"):
                values.setdefault(event.component, {})[event.name] = event.value
    return {name: (one["handled"], one["mean_us"]) for name, one in values.items() if one.get("handled")}


def reconciles(bus: EventBus) -> tuple[bool, list[str]]:
    """Return whether every order, position and account event is what a plain fold of the fills gives, and what was compared."""
    try:
        return True, [account.sentence() for account in audit(bus)]
    except AuditError as error:
        return False, [error.message]


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--for", dest="seconds", type=float, default=600)
    parser.add_argument("--ticks", type=int, default=2000)
    parser.add_argument("--strategies", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        sampler, output = run(home, options.seconds, options.ticks, options.strategies)
        with EventBus(home / "bus", create=False, read_only=True) as bus:
            delays, ticks = latencies_us(bus)
            components = handled(bus)
            adds_up, sentences = reconciles(bus)
    report(options, sampler, delays, ticks, components)
    print(f"reconciles with the fold of its journal: {'yes' if adds_up else 'NO'}")
    for sentence in sentences:
        print(f"    {sentence}")
    print(output)
    if not adds_up:
        raise SystemExit(1)


def report(
    options: argparse.Namespace,
    sampler: Sampler,
    delays: np.ndarray[Any, Any],
    ticks: int,
    components: dict[str, tuple[float, float]],
) -> None:
    """Print the figures beside their limits."""
    total = sum(count for count, _ in components.values())
    mean_us = sum(count * mean for count, mean in components.values()) / total if total else float("nan")
    third = max(1, len(sampler.lag) // 3)
    early, late = max(sampler.lag[:third], default=0), max(sampler.lag[-third:], default=0)
    cpu = sampler.cpu_s / options.seconds
    rows = [
        ("ticks published", f"{ticks:,} ({ticks / options.seconds:,.0f}/s)", f"{options.ticks:,}/s"),
        ("orders, with the tick that led to them", f"{len(delays):,}", ""),
        ("tick -> order, p50", f"{np.percentile(delays, 50) / 1e3:.3f} ms" if len(delays) else "-", ""),
        ("tick -> order, p99", f"{np.percentile(delays, 99) / 1e3:.3f} ms" if len(delays) else "-", "< 10 ms"),
        ("event handled, mean over all components", f"{mean_us / 1e3:.4f} ms", "< 0.39 ms"),
        ("largest lag, first third / last third", f"{early:,} / {late:,} events", "does not grow"),
        ("memory (sum of PSS), max", f"{max(sampler.pss, default=0):.0f} MB", "< 500 MB"),
        ("CPU", f"{cpu:.2f} cores", "2 cores"),
    ]
    load = f"{options.strategies} strategies, {options.ticks:,} ticks/s, {options.seconds:.0f} s"
    print(f"{load}; {platform.platform()}, {os.cpu_count()} cores")
    for name, value, limit in rows:
        print(f"| {name} | {value} | {limit} |")
    for name, (count, mean) in sorted(components.items(), key=lambda item: -item[1][0] * item[1][1]):
        print(f"    {name}: {count:,.0f} events, {mean:.1f} us")


if __name__ == "__main__":
    main()
