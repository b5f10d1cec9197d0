"""The Chan analyzer beside czsc, and a million bars of it: every figure with its target.

    make bench ARGS=benchmarks/chan.py             all of it, about half a minute
    python benchmarks/chan.py --quick --no-peers   a smoke test; its figures say little
    python benchmarks/chan.py --markdown           the table of the README

What it measures: bars of a random walk through all of the analyzer (merged bars, fractals, strokes, segments, pivots, points), a million
by arrays, and one by one to a Python strategy whose `on_bar` gives each to the analyzer and looks at the last stroke when it changed.
Beside it czsc's core (in Rust: merged bars, fractals, strokes; its pivots only when they are asked for), with 20,000 bars made before, at
once and by `update`. Figures are medians. A regression means that sweeps and scans take longer. It does not show what is found:
czsc's rules of strokes are others.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from measures import machine
from measures.rows import Plan, Row, at_least, bus_folder, per_second, times

from gcg_quant.events import Bar, BarBasis, from_array
from gcg_quant.strategy_engine import Strategy
from gcg_quant.strategy_engine.chan import KINDS, ChanAnalyzer, Change

# `make bench` installs the peers here, so that what they depend on does not replace what the project is tested with.
PEERS_FOLDER = Path(__file__).resolve().parents[1] / ".venv" / "peers"
BARS = 1_000_000
PEER_BARS = 20_000
MINUTE_NS = 60_000_000_000
FLAGS = int(Change.STROKE)
Columns = tuple[Any, Any, Any, Any]


def walk(count: int) -> Columns:
    """Return times, highs, lows and closes of a random walk of one-minute bars."""
    random = np.random.default_rng(1)
    closes = 1000.0 + np.cumsum(random.normal(0.0, 0.1, count)).round(2)
    noise = random.integers(0, 15, (2, count)) / 100
    return np.arange(count, dtype=np.int64) * MINUTE_NS, closes + noise[0], closes - noise[1], closes


def bars_of(columns: Columns) -> list[Bar]:
    """Return the same as events."""
    rows = np.zeros(len(columns[0]), Bar.dtype)
    rows["start_ns"], rows["high"], rows["low"], rows["close"] = columns
    rows["open"], rows["event_ns"], rows["basis"], rows["period"] = rows["close"], rows["start_ns"] + MINUTE_NS, BarBasis.LAST, b"1m"
    return from_array(rows, "X", "SIM")


class Watching(Strategy):
    """Gives each bar to an analyzer and looks at the last stroke when there is something new about it."""

    symbols = ("X",)

    def __init__(self) -> None:
        super().__init__()
        self.chan = ChanAnalyzer()
        self.ups = 0

    def on_bar(self, bar: Bar) -> None:
        """Take a bar."""
        if self.chan.bar(bar.start_ns, bar.high, bar.low, bar.close) & FLAGS:
            stroke = self.chan.latest("stroke")
            self.ups += bool(stroke["up"])


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many bars a second a piece of work takes."""
    gc.collect()
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin)


def by_arrays(columns: Columns) -> float:
    """Return the rate of arrays through a new analyzer."""
    analyzer = ChanAnalyzer()
    return rate(len(columns[0]), lambda: analyzer.extend(*columns))


def one_by_one(bars: list[Bar]) -> float:
    """Return the rate of a strategy's `on_bar`."""
    strategy = Watching()

    def deliver() -> None:
        for bar in bars:
            strategy.on_bar(bar)

    return rate(len(bars), deliver)


def ours(plan: Plan) -> Iterator[Row]:
    """Yield the rows of a million bars."""
    count = plan.count(BARS)
    columns = walk(count)
    yield at_least(f"{count:,} bars by arrays", plan.median(lambda: by_arrays(columns)), 1e6)
    few = plan.count(BARS // 5)
    bars = bars_of(walk(few))
    yield at_least(f"{few:,} bars one by one to a strategy in Python", plan.median(lambda: one_by_one(bars)), 1e5)
    analyzer = ChanAnalyzer()
    analyzer.extend(*columns)
    begin = time.perf_counter()
    data = analyzer.save()
    ChanAnalyzer.restore(data)
    yield Row(f"{count:,} bars saved and restored", f"{(time.perf_counter() - begin) * 1e3:.0f} ms")
    yield Row("memory and saved state, all rows kept", f"{len(data) / count:.0f} bytes a bar")
    yield Row("found", ", ".join(f"{analyzer.count(kind):,} {kind}" for kind in KINDS[2:]))


def czsc_core() -> ModuleType:
    """Return czsc's core in Rust alone: the package around it asks for a dozen others."""
    path = next(PEERS_FOLDER.glob("czsc/_native*.so"))
    spec = importlib.util.spec_from_file_location("czsc._native", path)
    assert spec is not None
    assert spec.loader is not None
    core = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(core)
    return core


def beside(plan: Plan) -> Iterator[Row]:
    """Yield the rows of ours and czsc's over the same bars, in turns."""
    try:
        core = czsc_core()
    except (ImportError, StopIteration) as error:
        yield Row("czsc", f"not there: {error!r}"[:60])
        return
    count = plan.count(PEER_BARS)
    columns = walk(count)
    start = datetime.datetime(2024, 1, 1)
    rows = [column.tolist() for column in columns]
    theirs = [
        core.RawBar("X", start + datetime.timedelta(minutes=i), core.Freq.F1, close, close, high, low, 1.0, 1.0, i)
        for i, (high, low, close) in enumerate(zip(*rows[1:], strict=True))
    ]
    mine = bars_of(columns)

    def at_once() -> float:
        return rate(count, lambda: core.CZSC(theirs, count))

    def updated() -> float:
        chan = core.CZSC(theirs[:1], count)

        def update() -> None:
            for bar in theirs[1:]:
                chan.update(bar)

        return rate(count - 1, update)

    figures: list[list[float]] = [[], [], [], []]
    for _ in range(plan.runs):
        for found, measure in zip(figures, (lambda: by_arrays(columns), at_once, lambda: one_by_one(mine), updated), strict=True):
            found.append(measure())
    our_arrays, their_list, our_strategy, their_updates = (float(np.median(found)) for found in figures)
    yield Row(f"{count:,} bars at once, czsc", per_second(their_list))
    yield Row(f"{count:,} bars at once, ours", per_second(our_arrays))
    yield times("... ours / czsc", our_arrays, their_list, 1)
    yield Row(f"{count:,} bars one by one, czsc's update()", per_second(their_updates))
    yield Row(f"{count:,} bars one by one, ours in a strategy's on_bar", per_second(our_strategy))
    yield times("... ours / czsc", our_strategy, their_updates, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few bars: whether everything works, not how fast")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--markdown", action="store_true", help="as a table for the README")
    options = parser.parse_args()
    sys.path.append(str(PEERS_FOLDER))  # where its version is written
    plan = Plan(quick=options.quick, peers=not options.no_peers)
    with bus_folder() as folder:
        about = [machine.describe(folder), *([machine.versions(["czsc"])] if plan.peers else [])]
    command = " ".join(["python", "benchmarks/chan.py", *sys.argv[1:]])
    print(f"`{command}`: {'; '.join(about)}." if options.markdown else "\n".join([command, *about]))
    for title, part in (("Chan theory, bar by bar", ours), ("Beside czsc", beside))[: 2 if plan.peers else 1]:
        print(f"\n| {title} | measured | target |\n|---|---|---|" if options.markdown else title, flush=True)
        for row in part(plan):
            print(row.markdown() if options.markdown else row.plain(), flush=True)


if __name__ == "__main__":
    main()
