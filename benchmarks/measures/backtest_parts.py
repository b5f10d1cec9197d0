"""The rows of the backtests' benchmark: stock Backtrader and ours on the same bars in the same run, peers, live, and long runs."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from .backtests import NotMeasuredError, Outcome, bars_of, measured
from .rows import Plan, Row, per_second, times

PEERS = [("vnpy", "vnpy_ctastrategy", 2.5), ("backtesting", "backtesting.py", 2.0), ("nautilus", "nautilus_trader", None)]
BARS = 200_000
LONG = (200_000, 500_000, 2_000_000)
MOST_BYTES_A_BAR = 300
MOST_SLOWER = 1.25  # a run of ten times the bars that takes more than this many times ten times as long is not linear


def told(name: str, found: Outcome) -> Row:
    """Return the row of one engine: bars a second and memory; how many orders, and why a run of ours was not fast."""
    note = f" fell back: {found.reason}" if found.reason else ""
    return Row(name, f"{per_second(found.rate)}, {found.rss_mib:,.0f} MiB", f"{found.orders:,} orders{note}")


def rows_of(title: str, theirs: Outcome, mine: Outcome, target: float) -> Iterator[Row]:
    """Yield the rows of a pair: stock, ours, how many times as fast, and whether the order logs are the same."""
    yield told(f"{title}, stock Backtrader", theirs)
    yield told(f"{title}, ours", mine)
    yield times(f"{title}, ours beside stock", mine.rate, theirs.rate, target)
    same = bool(mine.digest) and mine.digest == theirs.digest
    yield Row(f"{title}, orders, value and cash", "identical" if same else "DIFFERENT", "identical", same)


def compared(plan: Plan, *, rows: tuple[tuple[str, str, int, float], ...]) -> Iterator[Row]:
    """Yield the rows of several scenes: (scene, title, bars, target)."""
    for scene, title, bars, target in rows:
        yield from rows_of(title, *(measured(plan, engine, scene, bars) for engine in ("stock", "ours")), target)


def crossover(plan: Plan) -> Iterator[Row]:
    """Yield the rows of the crossover: beside stock without and with observers, memory, and the peers."""
    yield from rows_of("SMA 10/30, observers on", *(measured(plan, engine, "on", BARS) for engine in ("stock", "ours")), 25.0)
    theirs, mine = (measured(plan, engine, "off", BARS) for engine in ("stock", "ours"))
    yield from rows_of("SMA 10/30, observers off", theirs, mine, 30.0)
    yield Row("its memory beside stock's", f"{mine.rss_mib / theirs.rss_mib:.2f}x", "<= 1x", mine.rss_mib <= theirs.rss_mib)
    for engine, name, target in PEERS if plan.peers else ():
        try:
            peer = measured(plan, engine, "off", BARS)
        except NotMeasuredError as error:
            yield Row(f"SMA 10/30, {name}", "-", f"not measured: {error}")
            continue
        yield told(f"SMA 10/30, {name}", peer)
        ratio = Row(f"SMA 10/30, ours beside {name}", f"{mine.rate / peer.rate:.1f}x")
        yield ratio if target is None else times(ratio.name, mine.rate, peer.rate, target)


def live(plan: Plan) -> Iterator[Row]:
    """Yield the rows of bar-by-bar runs."""
    theirs = measured(plan, "stock live", "live", 100_000)
    mine = measured(plan, "bus live", "live", 100_000)
    yield from rows_of("live, from the bus to the broker", theirs, mine, 15.0)
    yield Row("live, the whole chain", per_second(mine.rate), ">= 100 k bars/s", mine.rate >= 100_000)
    feed = measured(plan, "bus feed", "live", 200_000)
    yield Row("live, from the bus to the feed alone", per_second(feed.rate), ">= 400 k bars/s", feed.rate >= 400_000)


def long(plan: Plan) -> Iterator[Row]:
    """Yield the rows of long runs: whether the time grows as the bars do, and what a bar costs where nothing is ordered."""
    sizes = [bars_of(plan, size) for size in LONG]
    found = [measured(plan, "ours", "off", size) for size in LONG]
    named = " / ".join(f"{size / 1e6:g}" for size in sizes)
    slower = found[-1].seconds / found[0].seconds / (sizes[-1] / sizes[0])
    yield Row(f"SMA 10/30 on {named} M bars", " / ".join(per_second(one.rate) for one in found), "linear", slower <= MOST_SLOWER)
    few, many = (measured(plan, "ours", "idle", size) for size in (LONG[0], LONG[-1]))
    cost = (many.rss_mib - few.rss_mib) * 2**20 / (sizes[-1] - sizes[0])
    yield Row("memory a bar, the user's frame included", f"{cost:,.0f} bytes", f"< {MOST_BYTES_A_BAR} bytes", cost < MOST_BYTES_A_BAR)


ORDERS = (("orders", "brackets, stops, trailing, OCO", 100_000, 12.0),)
INDICATORS = (("indicators", "20 indicators", 100_000, 15.0),)
ANALYZERS = (("three", "TradeAnalyzer, DrawDown, Returns", 100_000, 8.0), ("ten", "ten analyzers", 100_000, 5.0))
FEEDS = (("feeds", "10 feeds of 50,000 bars", 50_000, 15.0), ("strategies", "five strategies", 100_000, 10.0))
FRAMES = (("resampled", "resampled to 15 minutes", 100_000, 3.0), ("replayed", "replayed as 15 minutes", 100_000, 3.0))
FUTURES = (("futures", "futures-like commissions", 100_000, 5.0), ("interest", "interest on what is held", 100_000, 5.0))
PARTS: dict[str, tuple[str, Any]] = {
    "crossover": ("SMA 10/30 on 200,000 one-minute bars", crossover),
    "indicators": ("Indicators", functools.partial(compared, rows=INDICATORS)),
    "orders": ("Orders of all kinds", functools.partial(compared, rows=ORDERS)),
    "analyzers": ("Analyzers", functools.partial(compared, rows=ANALYZERS)),
    "feeds": ("Many feeds, many strategies", functools.partial(compared, rows=FEEDS)),
    "frames": ("Other time frames", functools.partial(compared, rows=FRAMES)),
    "futures": ("Futures", functools.partial(compared, rows=FUTURES)),
    "live": ("Bar by bar", live),
    "long": ("Long runs", long),
}
