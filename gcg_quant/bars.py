"""Bars: made of ticks, trades or smaller bars, by one aggregator that everybody uses.

`BarAggregator` takes events one by one; `resample` and `aggregate` (`gcg_quant.bar_arrays`) do the same to arrays, and yield the same
bars. A bar holds what happened from its start up to, but not including, its end; `gcg_quant.bar_grid` says where bars begin. An interval
in which nothing happened has no bar. docs/bars.md has all the rules; native/include/gcg/bar_maker.h is what makes them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gcg_quant import _native
from gcg_quant.bar_arrays import aggregate, resample
from gcg_quant.bar_grid import BarGrid
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY
from gcg_quant.events import Bar, BarBasis, BarOrigin
from gcg_quant.periods import PERIODS, period_ns, period_start

__all__ = ["PERIODS", "BarAggregator", "aggregate", "period_ns", "period_start", "resample"]

_STRETCH_NS = 100 * NS_PER_DAY  # of a calendar is known to an aggregator at a time
# What the state of an aggregator has of a bar: its interval, and these fields.
_BAR_STATE = (
    *("close", "count", "high", "interval", "low", "open", "open_interest", "quote_size", "revision"),
    *("symbol", "trading_day", "turnover", "venue", "volume"),
)


class BarAggregator(_native.BarMaker):
    """Bars of one instrument, one period and one basis, made one event at a time. One thread; time never goes back.

    Which events count: a `Tick` with the price of the basis (last, bid, ask or their mean), a `TradeTick` for basis LAST, a
    smaller `Bar` of the same basis. Feed one kind only, or volume counts twice. Prices that are missing or that the source marked as
    suspicious are passed over. An event that is older than the last one, but of the same interval, moves high and low only (and adds
    its own volume). One of an interval that is already finished is late: `late` counts it, and it is dropped, unless `revise` says that
    the bar before is to be given out again with it, as the next revision. One outside of the sessions, where the calendar aligns bars
    to these, is counted by `outside`.

    `update(event)` returns the bars that an event finishes: the one before it, and its own if a smaller bar completes it.
    `advance(now_ns)` finishes the bar whose last prices have come by then. `current` is the unfinished bar, or None; `end_ns` is when
    it ends, and `due_ns` when its last prices have come, a little after a session's close; both are 0 if there is none.
    """

    def __init__(self, period: str, basis: BarBasis = BarBasis.LAST, calendar: Calendar | None = None, *, revise: bool = False) -> None:
        """Raise EventError if `period` is none."""
        grid = BarGrid(period, calendar)
        plain = grid.native(0, 0) if grid.is_plain else _native.BarGrid(grid.length_ns)
        super().__init__(period, plain, int(basis), 0, revise)
        self.period = period
        self.basis = basis
        self._calendar = calendar
        if not grid.is_plain:
            self.set_grid(plain, 0, 0)  # nothing is known: `cover` is called before the first event

    def cover(self, ns: int) -> None:
        """Learn the intervals around a moment; called before an event whose intervals are not known."""
        stretch = ns // _STRETCH_NS
        self.set_grid(_stretch(self.period, self._calendar, stretch), stretch * _STRETCH_NS, (stretch + 1) * _STRETCH_NS)

    @property
    def state(self) -> list[Any]:
        """All that the next event meets, as plain values; set it on an aggregator of the same arguments to go on there."""
        bar, interval, before, interval_before, *totals, start_ns, last_ns, late, outside = self.take_state()
        return [_bar_state(bar, interval), _bar_state(before, interval_before), totals, start_ns, last_ns, late, outside]

    @state.setter
    def state(self, state: list[Any]) -> None:
        bar, before, totals, *rest = state
        self.put_state(*self._bar_of(bar), *self._bar_of(before), *totals, *rest)

    def _bar_of(self, state: list[Any] | None) -> tuple[Bar | None, tuple[Any, ...] | None]:
        if state is None:
            return None, None
        values = dict(zip(_BAR_STATE, state, strict=True))
        interval = tuple(values.pop("interval"))
        fields: dict[str, Any] = {"period": self.period, "basis": self.basis, "origin": BarOrigin.AGGREGATED}
        return Bar(start_ns=interval[0], event_ns=interval[1], **fields, **values), interval


def _bar_state(bar: Bar | None, interval: tuple[Any, ...] | None) -> list[Any] | None:
    if bar is None or interval is None:
        return None
    return [list(interval) if name == "interval" else getattr(bar, name) for name in _BAR_STATE]


@lru_cache(maxsize=256)
def _stretch(period: str, calendar: Calendar | None, number: int) -> _native.BarGrid:
    # Shared by all instruments of a calendar.
    return BarGrid(period, calendar).native(number * _STRETCH_NS, (number + 1) * _STRETCH_NS)
