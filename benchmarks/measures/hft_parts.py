"""The rows of the tick engines' benchmark: two tables that are never mixed, the same book beside hftbacktest, memory and loading."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator
from pathlib import Path

from .hft_runs import SCRIPT, NotMeasuredError, Outcome, measured
from .rows import Plan, Row, bus_folder, per_second, times

TICKS = 1_000_000
LONG = (1_000_000, 4_000_000)
MOST_MEMORY = 1.2
FLAT_MIB = 16.0  # more than so much for four times the ticks is not flat
BOOK = Path(__file__).resolve().parents[3] / "shared" / "data" / "crypto" / "BTCUSDT_binance_spot_raw_20240808.txt.gz"


def bare(plan: Plan) -> Iterator[Row]:
    """Yield the bare loop: a callback a tick that reads bid and ask, and nothing else happens."""
    mine = measured(plan, "ours", "bare", TICKS)
    yield _reached("hft, on_tick", mine, 10e6)
    yield _reached("hft, on_ticks (batches)", measured(plan, "ours", "batch", TICKS), 50e6)
    yield from _peers(plan, "bare", mine, {"vnpy": 9.0, "nautilus": 25.0, "hftbacktest": None})


def work(plan: Plan) -> Iterator[Row]:
    """Yield equal work: matching, risk, account, and on each hundredth tick a cancellation and an order."""
    mine = measured(plan, "ours", "work", TICKS)
    yield _reached(f"hft, {_traded(mine)}", mine, 3e6)
    yield from _peers(plan, "work", mine, {"vnpy": None, "nautilus": None})


def book(plan: Plan) -> Iterator[Row]:
    """Yield the same quotes over recorded deltas and trades of BTCUSDT through hftbacktest and through ours, order by order."""
    if not plan.peers or not BOOK.exists():
        yield Row("BTCUSDT", "-", f"not measured: {'no peers' if not plan.peers else f'there is no {BOOK.name}'}")
        return
    try:
        from .hft_book import Terms, load, theirs
        from .hft_book_run import engine_run
        from .hft_differences import UNEXPLAINED, compare
    except ImportError as error:
        yield Row("BTCUSDT", "-", f"not measured: {error}")
        return
    market, terms = load(BOOK), Terms()
    runs = [(engine_run(market, terms), theirs(market, terms)) for _ in range(plan.runs)]
    mine, other = runs[0]
    found = compare(market, terms, mine, other)
    yield Row("orders sent, ours / theirs", f"{found.ours:,} / {found.theirs:,}")
    yield Row("orders filled, ours / theirs", f"{found.filled_ours:,} / {found.filled_theirs:,}")
    yield Row("sent by both / with the same end and fills", f"{found.both:,} / {found.same:,}")
    for reason, count in sorted(found.reasons.items()):
        yield Row(f"they differ: {reason}", f"{count:,}")
    left = found.reasons.get(UNEXPLAINED, 0)
    yield Row("they differ for no known reason", f"{left:,}", "0", left == 0)
    events = len(market.deltas) + len(market.trades)
    ours_s, theirs_s = (statistics.median(run[at].seconds for run in runs) for at in (0, 1))
    yield Row("ours, a Python strategy with a timer", per_second(events / ours_s))
    yield Row("hftbacktest, a compiled strategy", per_second(events / theirs_s))
    yield times("ours beside hftbacktest", events / ours_s, events / theirs_s, 1.0)


def memory(plan: Plan) -> Iterator[Row]:
    """Yield what a run adds to the memory of a process: over an array, and over journals of which one is four times the other."""
    found = measured(plan, "ours memory", "work", TICKS)
    ratio = found.grown_mib / found.data_mib
    yield Row(
        f"equal work over an array of {found.data_mib:,.0f} MiB, itself included",
        f"{ratio:.2f}x",
        f"<= {MOST_MEMORY:g}x",
        ratio <= MOST_MEMORY,
    )
    few, many = (measured(plan, "ours journal", "bare", size) for size in LONG)
    flat = many.grown_mib <= few.grown_mib + FLAT_MIB
    name = f"bare loop over journals of {few.ticks / 1e6:g} / {many.ticks / 1e6:g} M ticks ({few.data_mib:,.0f} / {many.data_mib:,.0f} MiB)"
    yield Row(name, f"{few.grown_mib:,.0f} / {many.grown_mib:,.0f} MiB", "flat", flat)


def load(plan: Plan) -> Iterator[Row]:
    """Yield what it takes to load a CSV file of ticks."""
    from .hft_load import load_rows

    with bus_folder() as folder, contextlib.chdir(SCRIPT.parent):  # it runs itself as a module of this folder
        yield from load_rows(plan, folder)


def _peers(plan: Plan, scene: str, mine: Outcome, targets: dict[str, float | None]) -> Iterator[Row]:
    for peer, target in targets.items() if plan.peers else ():
        name = NAMES[peer]
        try:
            found = measured(plan, peer, scene, TICKS)
        except NotMeasuredError as error:
            yield Row(name, "-", f"not measured: {error}")
            continue
        yield Row(f"{name}, {_traded(found)}" if scene == "work" else name, _told(found))
        ratio = Row(f"ours beside {name}", f"{mine.rate / found.rate:.1f}x")
        yield ratio if target is None else times(ratio.name, mine.rate, found.rate, target)


def _reached(name: str, found: Outcome, target: float) -> Row:
    return Row(name, _told(found), f">= {target / 1e6:g} M/s", found.rate >= target)


# The rate, and the largest memory of the process, ticks and what a peer makes of them included.
def _told(found: Outcome) -> str:
    return f"{per_second(found.rate)}, {found.rss_mib:,.0f} MiB"


def _traded(found: Outcome) -> str:
    return f"{found.orders:,} orders, {found.fills:,} filled"


NAMES = {
    "vnpy": "vnpy_ctastrategy, tick mode",
    "nautilus": "nautilus_trader, QuoteTicks",
    "hftbacktest": "hftbacktest, a strategy that numba compiled",
}
PARTS = {
    "bare": ("Bare loop: 1,000,000 ticks, bid and ask of each are read", bare),
    "work": ("Equal work: the same ticks, matching, risk, account, an order each 100 ticks", work),
    "book": ("The same BTCUSDT deltas and trades, delays and queue", book),
    "memory": ("Memory", memory),
    "load": ("Loading", load),
}
