"""One backtest in a process of its own: how long the run took, what it traded, and how much memory the process had at its most.

A regression means that sweeps take longer. The process begins with the bars as a DataFrame (or what a peer wants of them); only the run
is timed, and loading the bars is part of it. Memory is the largest resident set of the whole process, imports and bars included.
"""

from __future__ import annotations

import dataclasses
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .rows import Plan

SCRIPT = Path(__file__).resolve().parents[1] / "backtest.py"
QUICK_DIVISOR = 100
MOST_SECONDS = 40.0
LONGEST_S = 900.0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a process found: `reason` says why a run of ours was not fast, `digest` is of orders, value and cash."""

    bars: int
    seconds: float
    orders: int
    digest: str = ""
    reason: str = ""
    rss_mib: float = 0.0

    @property
    def rate(self) -> float:
        return self.bars / self.seconds


def frame(count: int, seed: int = 7) -> pd.DataFrame:
    """Return one-minute bars of a random walk."""
    rng = np.random.default_rng(seed)
    close = np.abs(100.0 + np.cumsum(rng.normal(0.0, 0.05, count))) + 1.0
    opens = np.concatenate([close[:1], close[:-1]])
    columns = {
        "open": opens,
        "high": np.maximum(opens, close) + 0.02,
        "low": np.minimum(opens, close) - 0.02,
        "close": close,
        "volume": 1000.0,
    }
    return pd.DataFrame(columns, index=pd.date_range("2020-01-01", periods=count, freq="min"))


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call took, and what it returned."""
    begin = time.perf_counter()
    result = run()
    return time.perf_counter() - begin, result


def in_cerebro(cerebro: Any, scene: str, bars: int) -> Outcome:
    """Run a scene in this process."""
    from .scenes import SCENES

    SCENES[scene](cerebro, bars)
    seconds, strategies = timed(cerebro.run)
    return Outcome(
        bars=bars * (10 if scene == "feeds" else 1),
        seconds=seconds,
        orders=sum(len(one.broker.orders) for one in strategies[:1]),
        digest=" ".join(one.digest() for one in strategies),
        reason=getattr(cerebro, "fast_reason", ""),
    )


def stock(scene: str, bars: int) -> Outcome:
    """Run under stock Backtrader."""
    import backtrader as bt

    return in_cerebro(bt.Cerebro(), scene, bars)


def ours(scene: str, bars: int) -> Outcome:
    """Run under `EventDrivenCerebro`: the same feeds, the same broker, the same strategy."""
    from gcg_quant.backtest import EventDrivenCerebro

    return in_cerebro(EventDrivenCerebro(), scene, bars)


# Who can run a scene: imported by the process that needs it, so that nobody's memory holds another.
ENGINES = {
    "stock": ("measures.backtests", "stock"),
    "ours": ("measures.backtests", "ours"),
    "stock live": ("measures.backtest_live", "stock"),
    "bus live": ("measures.backtest_live", "from_bus"),
    "bus feed": ("measures.backtest_live", "feed_alone"),
    "vnpy": ("measures.backtest_peers", "vnpy"),
    "backtesting": ("measures.backtest_peers", "backtesting"),
    "nautilus": ("measures.backtest_peers", "nautilus"),
}


def outcome(engine: str, scene: str, bars: int) -> dict[str, Any]:
    """Run in this process, and return the outcome, or why there is none."""
    try:
        module, name = ENGINES[engine]
        found = dataclasses.asdict(getattr(import_module(module), name)(scene, bars))
    except Exception as error:  # whatever keeps a peer from running is told in its row
        return {"error": f"{type(error).__name__}: {error}"}
    found["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def child(engine: str, scene: str, bars: int) -> None:
    """Be the process of one run: print its outcome as the last line."""
    print(json.dumps(outcome(engine, scene, bars)))


class NotMeasuredError(Exception):
    """A process could not run its backtest; the text says why."""


def once(engine: str, scene: str, bars: int, *, here: bool = False) -> Outcome:
    """Return the outcome of a process of its own, or of a run `here`; raise NotMeasuredError if there is none."""
    found = outcome(engine, scene, bars) if here else _elsewhere(engine, scene, bars)
    if "error" in found:
        raise NotMeasuredError(found["error"])
    return Outcome(**found)


def _elsewhere(engine: str, scene: str, bars: int) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), "--child", engine, scene, str(bars)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    lines = done.stdout.splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {"error": f"the process ended with {done.returncode}: {done.stderr.strip()[-200:]}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def bars_of(plan: Plan, full: int) -> int:
    """Return how many bars to take where a full run takes `full`."""
    return full // QUICK_DIVISOR if plan.quick else full


def measured(plan: Plan, engine: str, scene: str, full: int) -> Outcome:
    """Return the outcome whose time is the median of several processes': of fewer where they take long.

    A quick plan runs few bars once, in this process: starting one takes longer than that, and its figures say nothing anyhow.
    """
    bars = bars_of(plan, full)
    if plan.quick:
        return once(engine, scene, bars, here=True)
    begin, found = time.monotonic(), []
    while len(found) < plan.runs and (not found or time.monotonic() - begin < MOST_SECONDS):
        found.append(once(engine, scene, bars))
    middle = statistics.median_low([one.seconds for one in found])
    return next(one for one in found if one.seconds == middle)
