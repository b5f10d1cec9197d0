"""The rows of the tick engines' benchmark: two tables that are never mixed, memory, loading, and the same book beside hftbacktest."""

from __future__ import annotations

from collections.abc import Iterator

from .hft_runs import NotMeasuredError, Outcome, measured
from .rows import Plan, Row, at_least, per_second, times

TICKS = 1_000_000
LONG = (2_000_000, 8_000_000)
MOST_MEMORY = 1.2
FLAT = 1.1


def bare(plan: Plan) -> Iterator[Row]:
    """Yield the bare loop: a callback a tick that reads bid and ask, and nothing else happens."""
    count = plan.count(TICKS)
    mine = measured("ours", "bare", count, plan.runs)
    yield at_least("hft, on_tick", mine.rate, 10e6)
    yield at_least("hft, on_ticks (batches)", measured("ours", "batch", count, plan.runs).rate, 50e6)
    yield from _peers(plan, "bare", "on_tick", mine, {"vnpy": 9.0, "nautilus": 25.0, "hftbacktest": None})


def work(plan: Plan) -> Iterator[Row]:
    """Yield equal work: matching, risk, account, and on each hundredth tick a cancellation and an order."""
    count = plan.count(TICKS)
    mine = measured("ours", "work", count, plan.runs)
    yield at_least("hft", mine.rate, 3e6)
    yield _traded("hft", mine)
    yield from _peers(plan, "work", "hft", mine, {"vnpy": None, "nautilus": None})


def memory(plan: Plan) -> Iterator[Row]:
    """Yield what a run adds to the memory of a process: over an array, and over journals of which one is four times the other."""
    found = measured("ours memory", "work", plan.count(TICKS), 1)
    ratio = found.grown_mib / found.data_mib
    yield Row("over an array, its own size included", f"{found.grown_mib:,.0f} MiB", f"of {found.data_mib:,.0f} MiB of ticks")
    yield Row("the same, times the array", f"{ratio:.2f}x", f"<= {MOST_MEMORY:g}x", ratio <= MOST_MEMORY)
    few, many = (measured("ours journal", "work", plan.count(size), 1) for size in LONG)
    sizes = f"{few.ticks / 1e6:g} / {many.ticks / 1e6:g} M ticks"
    flat = many.grown_mib <= few.grown_mib * FLAT + 16
    yield Row(f"over a journal of {sizes}", f"{few.grown_mib:,.0f} / {many.grown_mib:,.0f} MiB", "flat", flat)
    yield Row(f"its rate, {sizes}", f"{per_second(few.rate)} / {per_second(many.rate)}")


def _peers(plan: Plan, scene: str, own: str, mine: Outcome, targets: dict[str, float | None]) -> Iterator[Row]:
    for peer, target in targets.items() if plan.peers else ():
        name = NAMES[peer]
        try:
            found = measured(peer, scene, mine.ticks, plan.runs)
        except NotMeasuredError as error:
            yield Row(name, "-", f"not measured: {error}")
            continue
        yield Row(name, per_second(found.rate), NOTES.get(peer, "") if scene == "bare" else "")
        if scene == "work":
            yield _traded(name, found)
        ratio = Row(f"{own} beside {name}", f"{mine.rate / found.rate:.1f}x")
        yield ratio if target is None else times(ratio.name, mine.rate, found.rate, target)


def _traded(name: str, found: Outcome) -> Row:
    return Row(f"{name}, orders / filled", f"{found.orders:,} / {found.fills:,}")


NAMES = {"vnpy": "vnpy_ctastrategy, tick mode", "nautilus": "nautilus_trader, QuoteTicks", "hftbacktest": "hftbacktest"}
NOTES = {"hftbacktest": "a strategy that numba compiled"}
PARTS = {
    "bare": ("Bare loop: 1,000,000 ticks, bid and ask of each are read", bare),
    "work": ("Equal work: matching, risk, account, an order each 100 ticks", work),
    "memory": ("Memory of the equal work", memory),
}
