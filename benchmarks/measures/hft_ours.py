"""Our tick engine on the ticks of the benchmark, through `hft.Engine` as a notebook uses it.

"bare" and "work" are the strategies of `hft_peers`; "batch" reads bid and ask of runs of ticks at once. "memory" runs the work once, over
an array, and "journal" the bare loop, which leaves no orders behind, over a bus folder; both tell how much the process grew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil

from gcg_quant.backtest import hft
from gcg_quant.bus import EventBus

from .hft_runs import Outcome, peak_bytes, repeated, timed
from .hft_ticks import EVERY, TICK, rows
from .rows import bus_folder

CASH = 10_000_000.0
SYMBOL = "X@SIM"
NO_FEES = dict.fromkeys(("fee_per_unit", "fee_per_order", "min_fee", "stamp_duty"), 0.0)
TERMS = {"market": "sim", "tick_size": TICK, "lot_size": 1.0, "maker_fee": 0.0002, "taker_fee": 0.0002, **NO_FEES}
RISK = {"max_order_quantity": 10.0, "max_position_quantity": 100.0, "max_order_value": 1e6}
PIECE = 250_000


class Bare(hft.Strategy):
    """Reads two attributes of each tick."""

    def on_tick(self, tick: hft.Tick) -> None:
        tick.bid_price  # noqa: B018
        tick.ask_price  # noqa: B018


class Batch(hft.Strategy):
    """Reads two columns of each run of ticks."""

    total = 0.0

    def on_ticks(self, ticks: Any) -> None:
        self.total += float(ticks["bid_price"].sum() + ticks["ask_price"].sum())


class Work(hft.Strategy):
    """Cancels and orders at each hundredth tick."""

    n = 0
    sent = ""

    def on_tick(self, tick: hft.Tick) -> None:
        bid, ask = tick.bid_price, tick.ask_price
        self.n += 1
        if self.n % EVERY == 0:
            if self.sent:
                self.cancel(self.sent)
            self.sent = self.sell("X", ask, 1) if self.position("X") > 0 else self.buy("X", bid, 1)


SCENES: dict[str, type[hft.Strategy]] = {"bare": Bare, "batch": Batch, "work": Work}


def engine(strategy: hft.Strategy, data: Any, **options: Any) -> hft.Engine:
    """Return an engine with one strategy and the ticks."""
    made = hft.Engine(cash=CASH, currency="USD", instruments={SYMBOL: TERMS}, risk=RISK)
    made.add_data(data, **options)
    made.add_strategy(strategy)
    return made


def ours(scene: str, count: int, runs: int) -> Outcome:
    """Run a scene so many times over the same array."""
    data = rows(count)
    traded: list[int] = []

    def once() -> float:
        made = engine(SCENES[scene](), data, symbol=SYMBOL)
        seconds = timed(lambda: made.run(progress=False))
        orders = made.result.arrays.orders
        traded[:] = len(orders), int((orders["filled"] > 0).sum())
        return seconds

    engine(SCENES[scene](), rows(1000), symbol=SYMBOL).run(progress=False)  # imports what a first run imports
    seconds = repeated(runs, once)
    return Outcome(count, seconds, *traded)


def memory(scene: str, count: int, runs: int) -> Outcome:
    """Run once over an array; `grown_mib` counts the array itself."""
    rows(1000)  # what is imported and warmed up belongs to nobody
    engine(Work(), rows(1000), symbol=SYMBOL).run(progress=False)
    before = _resident()
    data = rows(count)
    _forgetpeak_bytes()
    made = engine(Work(), data, symbol=SYMBOL)
    seconds = timed(lambda: made.run(progress=False))
    return Outcome(count, [seconds], data_mib=data.nbytes / 2**20, grown_mib=(peak_bytes() - before) / 2**20)


def journal(scene: str, count: int, runs: int) -> Outcome:
    """Run once over a journal that another part of the process wrote."""
    with bus_folder() as folder:
        _write(folder / "bus", count)
        engine(Bare(), rows(1000), symbol=SYMBOL).run(progress=False)
        before = _resident()
        _forgetpeak_bytes()
        made = engine(Bare(), folder / "bus")
        seconds = timed(lambda: made.run(progress=False))
        size = sum(path.stat().st_size for path in (folder / "bus").rglob("*") if path.is_file())
        return Outcome(count, [seconds], data_mib=size / 2**20, grown_mib=(peak_bytes() - before) / 2**20)


def _write(folder: Path, count: int) -> None:
    data = rows(min(count, PIECE))
    step_ns = int(data["event_ns"][-1] - data["event_ns"][0]) + int(data["event_ns"][1] - data["event_ns"][0])
    with EventBus(folder, sync="none") as bus:
        data["instrument"] = bus.instruments.number("X", "SIM")
        for _ in range(0, count, PIECE):
            bus.publish_batch(data)
            data["event_ns"] += step_ns


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


# Linux counts the peak of the resident set anew from here on.
def _forgetpeak_bytes() -> None:
    Path("/proc/self/clear_refs").write_text("5")
