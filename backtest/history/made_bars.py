"""Bars of periods that a bus does not carry, made of the shorter ones that it does: those of a warm-up, and the live ones behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gcg_quant.bars import BarAggregator, resample
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Bar, BarBasis, from_array
from gcg_quant.periods import period_ns, period_start

from .bars import BarArray, join_bars
from .warmup import bars_before

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History
    from gcg_quant.instruments import Instrument

__all__ = ["BarMaking", "BarStart", "bars_to_begin_with"]

NO_BARS: BarArray = np.empty(0, Bar.dtype)


class BarStart(NamedTuple):
    """What a run knows of the bars of one instrument when it begins.

    Args:
        bars: the closed ones, by start time.
        seed: the shorter bars of the one that is not over yet.
        seen: there were shorter bars before these, so that the unfinished one has been seen from its beginning.
        direct: the bus carries the period itself.
    """

    bars: BarArray
    seed: BarArray
    seen: bool
    direct: bool


def bars_to_begin_with(
    bus: EventBus,
    before_id: int,
    history: History | None,
    terms: Instrument,
    period: str,
    base: str,
    *,
    limit: int | None = None,
    start_ns: int | None = None,
    late: bool = False,
) -> BarStart:
    """Return the bars of an instrument up to the event `before_id`: as store and journal have them, or made of its bars of `base`.

    What lies further back than the shorter bars reach is taken from the store. `limit`: the newest N; `start_ns`: from there on;
    `late`: history that was filled in behind `before_id` counts, too.

    Raises:
        BacktestError: the bars are out of order or have no prices.
    """
    symbol, venue = terms.symbol, terms.venue
    if base == period or len(bars_before(bus, before_id, None, symbol, period, venue=venue, limit=1)):
        bars = bars_before(bus, before_id, history, symbol, period, venue=venue, limit=limit, start_ns=start_ns, late=late)
        return BarStart(bars, NO_BARS, False, True)
    shorter_limit = None if limit is None else (limit + 2) * (period_ns(period) // period_ns(base))
    shorter = bars_before(bus, before_id, history, symbol, base, venue=venue, limit=shorter_limit, start_ns=start_ns, late=late)
    made, seed = NO_BARS, NO_BARS
    if len(shorter):
        made = resample(shorter, period)
        if made["event_ns"][-1] > shorter["event_ns"][-1]:
            seed = shorter[shorter["start_ns"] >= made["start_ns"][-1]]
            made = made[:-1]
        if len(made) and shorter["start_ns"][0] != made["start_ns"][0]:  # cut at its beginning
            made = made[1:]
    older = _stored_before(history, terms, period, made if len(made) else seed, limit, start_ns)
    bars = join_bars([older, made])
    return BarStart(bars if limit is None else bars[max(0, len(bars) - limit) :], seed, len(shorter) > len(seed), False)


def _stored_before(
    history: History | None, terms: Instrument, period: str, rows: BarArray, limit: int | None, start_ns: int | None
) -> BarArray:
    if history is None or (limit is not None and len(rows) >= limit and len(rows) and bytes(rows["period"][0]).decode() == period):
        return NO_BARS
    basis = BarBasis(int(rows["basis"][0])) if len(rows) else BarBasis.LAST
    end_ns = period_start(int(rows["start_ns"][0]), period) if len(rows) else None
    try:
        found = history.bars(terms.symbol, period, venue=terms.venue, start_ns=start_ns, end_ns=end_ns, limit=limit, basis=basis)
    except InstrumentError:
        return NO_BARS
    return np.asarray(found)


class BarMaking:
    """Makes the bars of one run's period out of what comes over the bus, the same whether it comes live or is read again.

    Args:
        period: of the run.
        base: the period that it is made of; the same, where the bus carries it.
        begin_ns: when the run began, by its host's clock.
        starts: what it began with, by (symbol, venue).
    """

    def __init__(self, period: str, base: str, begin_ns: int, starts: Mapping[tuple[str, str], BarStart]) -> None:
        self.periods = tuple(dict.fromkeys((period, base)))
        self._period = period
        self._base = base
        self._begin_ns = begin_ns
        self._starts = starts
        self._direct = {place for place, start in starts.items() if start.direct}
        self._makers: dict[tuple[str, str], tuple[BarAggregator, int]] = {}

    def take(self, bar: Bar) -> list[Bar]:
        """Return the bars of the period that this bar of the bus is or completes."""
        if self._base == self._period:
            return [bar]
        place = bar.symbol, bar.venue
        if bar.period == self._period:
            if not bar.id:
                return []  # the manager's own, made for all that ask for it
            self._direct.add(place)
            return [bar]
        if bar.period != self._base or place in self._direct:
            return []
        maker = self._makers.get(place)
        if maker is None:
            maker = self._makers[place] = self._new_maker(place, bar)
        aggregator, whole_from_ns = maker
        return [one for one in aggregator.update(bar) if one.start_ns >= whole_from_ns]

    def period_of(self, symbol: str, venue: str) -> str:
        """Return the period of the bars that an instrument's bars are taken from."""
        return self._period if (symbol, venue) in self._direct else self._base

    # A bar whose beginning nobody has seen is left out.
    def _new_maker(self, place: tuple[str, str], bar: Bar) -> tuple[BarAggregator, int]:
        start = self._starts.get(place)
        seed = from_array(start.seed, *place) if start is not None else []
        aggregator = BarAggregator(self._period, bar.basis)
        for one in seed:
            aggregator.update(one)
        first_ns = seed[0].start_ns if seed else bar.start_ns
        begin_ns = period_start(first_ns, self._period)
        whole = self._begin_ns <= begin_ns or first_ns == begin_ns or (start is not None and start.seen)
        return aggregator, begin_ns if whole else begin_ns + 1
