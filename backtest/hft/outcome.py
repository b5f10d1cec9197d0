"""What has come of a run so far, as a `Result`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from gcg_quant.instruments import Instrument

from .market import Feed, RowsFeed
from .run import Run

if TYPE_CHECKING:
    from ..inputs.sources import Source
    from .result import Result

    Rows = np.ndarray[Any, Any]

__all__ = ["result_of"]


def result_of(run: Run, feeds: Sequence[Feed], seconds: float) -> Result:
    """Return the result of a run as it stands; what the run does later does not change it.

    Args:
        feeds: its market data, for the chart.
        seconds: how long it has taken.
    """
    from .facts import RunArrays, RunFacts  # frames and reports take pandas
    from .result import Result

    native, config = run.native, run.config
    fills = _numbered(native.fills())
    arrays = RunArrays(
        fills=fills,
        orders=_queued(_numbered(native.orders()), native.now_ns),
        positions=_numbered(native.positions()),
        equity=native.equity(),
    )
    named = {name: one.parameters for name, one in run.strategies.items()}
    settings = {name: value for name, value in msgspec.to_builtins(config).items() if name not in ("data", "instruments")}
    facts = RunFacts(
        instruments=run.symbols.instruments,
        strategies=tuple(run.strategies),
        cash=config.cash,
        currency=run.currency,
        rates=config.rates,
        horizons_ns=config.horizons_ns if "marks" in (fills.dtype.names or ()) else (),
        ticks=native.done,
        seconds=seconds,
        parameters=next(iter(named.values())) if len(named) == 1 else named,
        settings=settings,
    )
    return Result(arrays, facts, partial(_bars, tuple(feeds), run.symbols.instruments, facts.symbols))


def _bars(feeds: Sequence[Feed], instruments: Sequence[Instrument], symbols: Sequence[str], period: str) -> list[Source]:
    from .chart_bars import chart_sources

    data: dict[int, list[Rows]] = {}
    for number, instrument in enumerate(instruments, start=1):
        for feed in feeds:
            if isinstance(feed, RowsFeed) and (feed.symbol, feed.venue) == (instrument.symbol, instrument.venue):
                data.setdefault(number, []).append(feed.rows)
    found: list[Source] = chart_sources(data, instruments, symbols, period)
    return found


# The run's arrays name the instrument by its number in the run.
def _numbered(rows: Rows) -> Rows:
    fields: Any = rows.dtype.fields
    names = ["number" if name == "instrument" else name for name in fields]
    formats = [kind for kind, *_ in fields.values()]
    offsets = [offset for _, offset, *_ in fields.values()]
    return rows.view(np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": rows.dtype.itemsize}))


# How long each order rested at the venue: until its first fill or its end, or until now.
def _queued(orders: Rows, now_ns: int) -> Rows:
    if "queue_ns" in (orders.dtype.names or ()):
        return orders
    rows = np.empty(len(orders), np.dtype([*((name, orders.dtype[name]) for name in orders.dtype.names or ()), ("queue_ns", np.int64)]))
    for name in orders.dtype.names or ():
        rows[name] = orders[name]
    until = np.where(orders["filled_ns"] > 0, orders["filled_ns"], np.where(orders["done_ns"] > 0, orders["done_ns"], now_ns))
    rows["queue_ns"] = np.where(orders["arrived_ns"] > 0, np.maximum(until - orders["arrived_ns"], 0), 0)
    return rows
