"""What has come of a run so far, as a `Result`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from gcg_quant.instruments import Instrument

from .market import Feed, JournalFeed, RowsFeed
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
    from ..pages.chan_data import chan_options
    from ..results.plot_lines import PlotLine
    from .facts import RunArrays, RunFacts  # frames and reports take pandas
    from .result import Result

    native, config = run.native, run.config
    arrays = RunArrays(fills=native.fills(), orders=native.orders(), positions=native.positions(), equity=native.equity())
    named = {name: one.parameters for name, one in run.strategies.items()}
    plots = [
        PlotLine(symbol=symbol, name=name if len(named) == 1 else f"{strategy}: {name}", place=place, times_ns=times, values=values)
        for strategy, symbol, name, place, times, values in run.plots.rows()
    ]
    chan = (chan_options(type(one), one.parameters, next(iter(one.wanted_periods()), "")) for one in run.strategies.values())
    settings = {name: value for name, value in msgspec.to_builtins(config).items() if name not in ("data", "instruments")}
    facts = RunFacts(
        instruments=run.symbols.instruments,
        strategies=tuple(run.strategies),
        cash=config.cash,
        currency=run.currency,
        rates=config.rates,
        horizons_ns=config.horizons_ns,
        ticks=native.done,
        first_ns=run.first_ns,
        seconds=seconds,
        parameters=next(iter(named.values())) if len(named) == 1 else named,
        settings=settings,
        plots=tuple(plots),
        chan=next(filter(None, chan), {}),
    )
    span = config.start_ns, config.end_ns
    return Result(arrays, facts, partial(_bars, tuple(feeds), run.symbols.instruments, facts.symbols, span))


# The bars of each instrument, of the data that were replayed; a journal is read again for them.
def _bars(
    feeds: Sequence[Feed], instruments: Sequence[Instrument], symbols: Sequence[str], span: tuple[int, int], period: str
) -> list[Source]:
    from ..inputs.sources import Source
    from .chart_bars import array_bars
    from .journal_bars import journal_bars

    found = []
    for symbol, instrument in zip(symbols, instruments, strict=True):
        place = instrument.symbol, instrument.venue
        arrays = [_within(feed.rows, span) for feed in feeds if isinstance(feed, RowsFeed) and (feed.symbol, feed.venue) == place]
        bars = array_bars(arrays, period)
        for feed in feeds:
            if not len(bars) and isinstance(feed, JournalFeed):
                bars = journal_bars(feed, instrument, period, *_journal_span(feed, span))
        found.append(Source(symbol, instrument.venue, bars, instrument))
    return found


def _journal_span(feed: JournalFeed, span: tuple[int, int]) -> tuple[int, int]:
    start_ns, end_ns = getattr(feed, "start_ns", None), getattr(feed, "end_ns", None)  # of a part of a journal
    return max(span[0], span[0] if start_ns is None else start_ns), min(span[1], span[1] if end_ns is None else end_ns)


def _within(rows: Rows, span: tuple[int, int]) -> Rows:
    begin, end = np.searchsorted(rows["event_ns"], span)
    return rows[begin:end]
