"""Loading a file of ticks for the tick engine, beside what others take to have the same numbers in memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .rows import Plan, Row

__all__ = ["load_rows", "write_ticks"]

ROWS = 1_000_000
TARGET = 2_000_000  # rows a second
MOST_MEMORY = 1.2  # of the array


def load_rows(plan: Plan, folder: Path) -> list[Row]:
    """Measure rows a second of a CSV file of ticks (time, quotes, last price, volume), with the parsing of its times.

    Each figure is the median of several runs on one core. A regression means that lines are looked at one by one again. The peers end with
    the columns of the file in memory; we end with records of 27 fields, in order of time and by the importer's rules. The last figure is
    the most memory that a fresh process takes for loading, measured against the array that it gets.
    """
    path = folder / "ES.csv"
    count = plan.count(ROWS)
    write_ticks(path, count)
    _warm_up(folder)
    rows = []
    ours = plan.median(lambda: count / _seconds(lambda: _load(path)))
    rows.append(Row("CSV ticks, hft.Engine.add_data", f"{ours / 1e6:.2f} M rows/s", f">= {TARGET / 1e6:g} M rows/s", ours >= TARGET))
    for name, read in _peers().items() if plan.peers else ():
        theirs = plan.median(lambda read=read: count / _seconds(lambda: read(path)))  # type: ignore[misc]
        rows.append(Row(f"CSV ticks, {name}", f"{theirs / 1e6:.2f} M rows/s"))
        rows.append(Row(f"CSV ticks, ours beside {name}", f"{ours / theirs:.1f}x"))
    taken, array = _memory(path)
    share = taken / array
    figure = f"{share:.2f}x of {array / 1e6:.0f} MB"
    rows.append(Row("CSV ticks, most memory while loading", figure, f"<= {MOST_MEMORY:g}x", share <= MOST_MEMORY))
    return rows


def write_ticks(path: Path, count: int) -> None:
    """Write a CSV file of ticks as a vendor does: milliseconds, a quote on both sides, last price and the day's volume."""
    random = np.random.default_rng(1)
    times = np.cumsum(random.integers(1, 200, count)) * 1_000_000 + 1_696_636_800_000_000_000
    texts = np.datetime_as_string(times.astype("M8[ns]").astype("M8[ms]"))
    bids = 1676 + np.cumsum(random.integers(-1, 2, count)) * 0.25
    sizes = random.integers(1, 200, (2, count))
    volumes = np.cumsum(random.integers(0, 9, count))
    with path.open("w") as file:
        file.write("time,bid,bid_size,ask,ask_size,last,day_volume\n")
        for at, bid, bid_size, ask_size, volume in zip(texts, bids, *sizes, volumes, strict=True):
            file.write(f"{at},{bid:g},{bid_size},{bid + 0.25:g},{ask_size},{bid:g},{volume}\n")


def _load(path: Path) -> Any:
    from gcg_quant.backtest.hft.data import load

    return load(path, "ES", timezone="UTC")


def _peers() -> dict[str, Callable[[Path], Any]]:
    import pandas as pd

    peers: dict[str, Callable[[Path], Any]] = {
        "pandas.read_csv to records": lambda path: pd.read_csv(path, parse_dates=["time"]).to_records(index=False)
    }
    try:
        import polars
    except ImportError:
        return peers
    peers["polars.read_csv"] = lambda path: polars.read_csv(path, try_parse_dates=True)
    return peers


def _seconds(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


# In a process of its own: what it takes at most while it loads, above what it took before.
def _memory(path: Path) -> tuple[float, float]:
    done = subprocess.run([sys.executable, "-m", __spec__.name, str(path)], check=True, capture_output=True, text=True)
    taken, array = done.stdout.split()
    return float(taken), float(array)


def _show_memory(path: Path) -> None:
    _warm_up(path.parent)
    before = _most_bytes()
    (feed,) = _load(path)
    print(_most_bytes() - before, feed.rows.nbytes)


# What the libraries themselves take, in time and memory.
def _warm_up(folder: Path) -> None:
    small = folder / "warm.csv"
    write_ticks(small, 1_000)
    _load(small)


# The most memory that this process has had; getrusage() counts what its parent had, too.
def _most_bytes() -> int:
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    _show_memory(Path(sys.argv[1]))
