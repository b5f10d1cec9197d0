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
    arrays = RunArrays(fills=native.fills(), orders=native.orders(), positions=native.positions(), equity=native.equity())
    named = {name: one.parameters for name, one in run.strategies.items()}
    settings = {name: value for name, value in msgspec.to_builtins(config).items() if name not in ("data", "instruments")}
    facts = RunFacts(
        instruments=run.symbols.instruments,
        strategies=tuple(run.strategies),
        cash=config.cash,
        currency=run.currency,
        rates=config.rates,
        horizons_ns=config.horizons_ns,
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
