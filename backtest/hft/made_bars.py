"""The bars that strategies of a run want: made of ticks or trades as the run goes on, or those of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.bar_grid import grid_of
from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick
from gcg_quant.instruments import Instrument

from ...strategy_engine.hft import Strategy
from .market import Feed, RowsFeed

if TYPE_CHECKING:
    from .native import TickEngine

__all__ = ["add_bars", "only_wanted"]

_LONGEST = (946_684_800_000_000_000, 2_208_988_800_000_000_000)  # 2000 to 2040


def add_bars(
    native: TickEngine,
    instruments: Sequence[Instrument],
    feeds: Sequence[Feed],
    span_ns: Callable[[Instrument], tuple[int, int] | None],
    wanted: Mapping[str, tuple[Strategy, Sequence[int]]],
) -> None:
    """Have the bars made that strategies want: of trades where an instrument has them, else of ticks.

    Bars of ticks are made of last prices, or of the middle of the quotes where no tick has a last price.

    Args:
        native: the engine.
        instruments: by number, from 1 on. `feeds`: their data.
        span_ns: returns an instrument's first and last event time, None where nobody knows.
        wanted: by name and in the order of their numbers, each strategy with the instruments that it sees.

    Raises:
        StrategyError: neither ticks nor trades are there, and no bars of that period.
    """
    lines: dict[tuple[int, str], list[int]] = {}
    for place, (name, (strategy, numbers)) in enumerate(wanted.items(), start=1):
        if "on_bar" not in strategy.callbacks(["on_bar"]):
            continue
        for period in strategy.wanted_periods():
            for number in numbers or range(1, len(instruments) + 1):
                if _can_make(instruments[number - 1], feeds, period, name):
                    lines.setdefault((number, period), []).append(place)
    for (number, period), strategies in lines.items():
        one = instruments[number - 1]
        record, basis = _source(one, feeds)
        grid = grid_of(one, period).native(*(span_ns(one) or _LONGEST))
        native.add_bars(number, period, grid, int(basis), record, strategies, False)


def only_wanted(strategy: Strategy) -> Callable[[Bar], None]:
    """Return the strategy's `on_bar` for bars of the data: without periods it gets all of them, else those of its periods."""
    on_bar: Callable[[Bar], Any] = strategy.on_bar

    def wanted(bar: Bar) -> None:
        periods = strategy.wanted_periods()
        if not periods or bar.period in periods:
            on_bar(bar)

    return wanted


def _can_make(instrument: Instrument, feeds: Sequence[Feed], period: str, name: str) -> bool:
    kinds = {kind for feed in feeds for kind in feed.kinds(instrument)}
    if kinds & {Tick, TradeTick}:
        return True
    if Bar in kinds:
        return False  # they come as they are
    raise StrategyError(
        f"{name} wants bars of {period}, and the data of {instrument.name} have neither ticks nor trades to make them of.", strategy=name
    )


def _source(instrument: Instrument, feeds: Sequence[Feed]) -> tuple[type[Tick] | type[TradeTick], BarBasis]:
    if any(TradeTick in feed.kinds(instrument) for feed in feeds):
        return TradeTick, BarBasis.LAST
    ticks = [feed.rows for feed in feeds if isinstance(feed, RowsFeed) and Tick in feed.kinds(instrument)]
    quotes_only = bool(ticks) and not any(np.isfinite(rows["last_price"]).any() for rows in ticks)
    return Tick, BarBasis.MID if quotes_only else BarBasis.LAST
