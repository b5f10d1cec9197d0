"""The bars that strategies ask for: from the bus, made from shorter ones, and from stored history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gcg_quant.bar_grid import BarGrid
from gcg_quant.bars import BarAggregator, resample
from gcg_quant.errors import InstrumentError, StrategyError
from gcg_quant.events import Bar, BarBasis, from_array
from gcg_quant.periods import period_ns

from .bar_series import BarArray, BarSeries, join_bars, no_bars

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar
    from gcg_quant.history import History
    from gcg_quant.settings import Settings

__all__ = ["BarBook", "BarQuestion", "base_period", "periods_of"]

_PREFERENCE = (BarBasis.LAST, BarBasis.MID, BarBasis.BID, BarBasis.ASK)
_SEAM_ATTEMPTS = 3  # the recorder may still be writing the bars between the stored and the live ones


class _Key(NamedTuple):
    symbol: str
    venue: str
    period: str
    basis: BarBasis


class BarQuestion(NamedTuple):
    """What was asked of the history."""

    symbol: str
    venue: str
    period: str
    basis: BarBasis
    start_ns: int | None
    end_ns: int | None
    limit: int | None


@dataclass(slots=True)
class _Stored:
    rows: BarArray
    asked: int
    until_ns: int
    attempts: int = 1


@dataclass(slots=True)
class _Maker:
    aggregator: BarAggregator
    incomplete_before_ns: int  # a bar that starts earlier has missed its beginning


def base_period(period: str, made: tuple[str, ...]) -> str:
    """Return the longest period in `made` from which bars of `period` can be put together.

    Raises StrategyError if there is none, EventError if `period` is no period at all.
    """
    length = period_ns(period)
    fitting = [one for one in made if length % period_ns(one) == 0]
    if not fitting:
        raise StrategyError(f"No {period} bars can be made: the system makes {', '.join(made)} bars only.", period=period)
    return max(fitting, key=period_ns)


def periods_of(settings: Settings) -> tuple[str, ...]:
    """Return the periods of the bars that a system's bus carries: those that it makes, and those that are replayed."""
    replayed = [one.period for one in settings.replay.data if one.period != "tick"]
    return tuple(dict.fromkeys([*settings.bars.periods, *replayed]))


def _by_the_clock(symbol: str, venue: str) -> Calendar | None:
    return None


class BarBook:
    """Closed bars by symbol, period and basis; shared by the strategies of a process and written by one thread.

    A period that comes over the bus is taken as it comes. Any other that a strategy asked for is aggregated here, once for all
    strategies: by the clock, or by the calendar that `sessions` names for a symbol and venue. A symbol's own basis is LAST where such bars
    exist, else MID, BID, ASK. `note(question, rows)` is told of everything that was read from the history.
    """

    def __init__(
        self,
        history: History | None,
        made: tuple[str, ...] = ("1s", "1m"),
        sessions: Callable[[str, str], Calendar | None] = _by_the_clock,
        note: Callable[[BarQuestion, BarArray], None] | None = None,
    ) -> None:
        self.made = made
        self._sessions = sessions
        self._history = history
        self._note = note
        self._wanted: dict[str, int] = {}
        self._series: dict[_Key, BarSeries] = {}
        self._stored: dict[_Key, _Stored] = {}
        self._makers: dict[_Key, _Maker] = {}
        self._direct: set[tuple[str, str, str]] = set()
        self._basis: dict[tuple[str, str], BarBasis] = {}

    def want(self, periods: set[str], now_ns: int) -> None:
        """Say which periods are asked for by anybody, from `now_ns` on."""
        for period in periods:
            base_period(period, self.made)
        self._wanted = {period: self._wanted.get(period, now_ns) for period in periods}

    def basis(self, symbol: str, venue: str) -> BarBasis:
        """Return the basis of a symbol's bars, as far as they have been seen."""
        return self._basis.get((symbol, venue), BarBasis.LAST)

    def add(self, bar: Bar) -> list[Bar]:
        """Take a bar from the bus and return the new closed bars: itself, and longer ones that it completes.

        A correction of an older bar changes the stored series only.
        """
        place = (bar.symbol, bar.venue)
        key = _Key(*place, bar.period, bar.basis)
        self._note_basis(place, bar.basis)
        self._direct.add((*place, bar.period))
        self._makers.pop(key, None)
        if not self._keep(key, bar) or bar.revision:
            return []
        finished = [bar]
        for period, since_ns in self._wanted.items():
            if (*place, period) not in self._direct and base_period(period, self.made) == bar.period:
                finished += self._aggregate(key._replace(period=period), bar, since_ns)
        return finished

    def bars(self, symbol: str, venue: str, period: str, count: int, now_ns: int, basis: BarBasis | None = None) -> BarArray:
        """Return the newest `count` closed bars up to `now_ns`, stored ones and those since the start, oldest first (a copy)."""
        key = _Key(symbol, venue, period, basis if basis is not None else self._probed_basis(symbol, venue, period))
        series = self._series.get(key)
        live = series.rows if series is not None else no_bars()
        if len(live) < count:
            stored = self._before(key, live, count, now_ns)
            live = join_bars(stored, live)
        return live[len(live) - min(count, len(live)) :].copy()

    def _note_basis(self, place: tuple[str, str], basis: BarBasis) -> None:
        known = self._basis.get(place)
        if known is None or _PREFERENCE.index(basis) < _PREFERENCE.index(known):
            self._basis[place] = basis

    def _keep(self, key: _Key, bar: Bar) -> bool:
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = BarSeries()
        return series.add(bar)

    def _aggregate(self, key: _Key, bar: Bar, since_ns: int) -> list[Bar]:
        maker = self._makers.get(key)
        if maker is None:
            maker = self._makers[key] = self._new_maker(key, bar, since_ns)
        finished = [one for one in maker.aggregator.update(bar) if one.start_ns >= maker.incomplete_before_ns]
        return [one for one in finished if self._keep(key, one)]

    def _new_maker(self, key: _Key, bar: Bar, since_ns: int) -> _Maker:
        calendar = self._sessions(key.symbol, key.venue)
        interval = BarGrid(key.period, calendar).at(bar.start_ns, bar.event_ns)
        begin = bar.start_ns if interval is None else interval.start_ns
        aggregator = BarAggregator(key.period, key.basis, calendar)
        seed = self._fetch(key._replace(period=bar.period), start_ns=begin)
        seed = seed[(seed["start_ns"] >= begin) & (seed["start_ns"] < bar.start_ns)]
        for shorter in from_array(seed, key.symbol, key.venue):
            aggregator.update(shorter)
        whole = since_ns <= begin or bar.start_ns == begin or len(seed) > 0
        return _Maker(aggregator, begin if whole else begin + 1)

    def _probed_basis(self, symbol: str, venue: str, period: str) -> BarBasis:
        place = (symbol, venue)
        if place not in self._basis:
            for basis in _PREFERENCE:
                if len(self._fetch(_Key(symbol, venue, period, basis), limit=1)):
                    self._basis[place] = basis
                    break
        return self.basis(symbol, venue)

    def _before(self, key: _Key, live: BarArray, count: int, now_ns: int) -> BarArray:
        """Return up to `count` stored bars from before the first live one; the caller adds the live ones and cuts."""
        cached = self._stored.get(key)
        if cached is None or self._is_stale(cached, key, live, count, now_ns):
            asked = max(count, 500, cached.asked if cached is not None else 0)
            attempts = cached.attempts + 1 if cached is not None and len(live) else 1
            cached = self._stored[key] = _Stored(self._stored_bars(key, asked, now_ns), asked, now_ns, attempts)
        return cached.rows[cached.rows["start_ns"] < live["start_ns"][0]] if len(live) else cached.rows

    def _is_stale(self, cached: _Stored, key: _Key, live: BarArray, count: int, now_ns: int) -> bool:
        if count > cached.asked and len(cached.rows) >= cached.asked:
            return True  # there may be more further back
        if len(live) == 0:
            return now_ns - cached.until_ns >= period_ns(key.period)
        met = len(cached.rows) > 0 and int(cached.rows["event_ns"][-1]) >= int(live["start_ns"][0])
        return not met and cached.attempts < _SEAM_ATTEMPTS

    def _stored_bars(self, key: _Key, count: int, now_ns: int) -> BarArray:
        rows = self._fetch(key, end_ns=now_ns, limit=count)
        base = base_period(key.period, self.made)
        if not len(rows) and base != key.period:
            shorter = self._fetch(key._replace(period=base), end_ns=now_ns, limit=count * (period_ns(key.period) // period_ns(base)))
            rows = resample(shorter, key.period, self._sessions(key.symbol, key.venue)) if len(shorter) else rows
        return rows[rows["event_ns"] <= now_ns]

    def _fetch(self, key: _Key, *, start_ns: int | None = None, end_ns: int | None = None, limit: int | None = None) -> BarArray:
        if self._history is None:
            return no_bars()
        try:
            rows = self._history.bars(
                key.symbol, key.period, venue=key.venue or None, start_ns=start_ns, end_ns=end_ns, limit=limit, basis=key.basis
            )
        except InstrumentError:  # nothing is stored of it
            rows = no_bars()
        if self._note is not None:
            self._note(BarQuestion(*key, start_ns, end_ns, limit), rows)
        return rows if rows.dtype == Bar.dtype else join_bars(no_bars(), rows)
