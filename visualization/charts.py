"""The chart manager: history, then live, without a gap and without a double.

Stored bars and those in memory are merged by their place on the time axis. Memory has seen every bar and tick since some moment; from
there on its candles win, before it the stored ones do. An answer says up to which event it is complete (`through`, a seq of
the market lane), and live changes go on after it.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from gcg_quant.clock import now_ns
from gcg_quant.errors import InstrumentError
from gcg_quant.history import History
from gcg_quant.instruments import Instrument

from .indicators import Columns, Drawn, Indicator, Lines, lines_of
from .pages.page_panes import Audience
from .series.candles import Candle
from .series.market_view import MarketView
from .series.markets import Markets
from .series.months import MONTH, check_period, length_ns
from .series.stored_candles import StoredCandles
from .series.watch import Watch

__all__ = ["ChartManager", "Window"]

_FIRST = 800  # candles of a first answer
_MOST = 5_000  # candles of any page
_MOST_LINES = 50_000  # bars that lines are asked for at once
_CATALOGUE_S = 30.0


class Window(NamedTuple):
    """Candles of one series, sorted by time, and the lines of indicators aligned with them.

    `through` is the event up to which they are complete; `since` repeats the question's if the candles continue it, else it is None:
    forget what you have. `more` says whether others may exist beyond (older ones, or for a page that was asked for onwards newer ones).
    """

    candles: list[Candle]
    through: int
    since: int | None
    more: bool
    lines: Lines = MappingProxyType({})


class ChartManager:
    """Answers for candles. Any thread may ask; `markets` is kept up to date by the bridge.

    Args:
        markets: the candles in memory.
        history: stored bars, or None for memory alone.
    """

    def __init__(self, markets: Markets, history: History | None = None) -> None:
        self.markets = markets
        self.history = history
        self._catalogue: list[tuple[str, str]] = []
        self._catalogue_until = 0.0

    @property
    def history(self) -> History | None:
        """Stored bars, or None for memory alone."""
        return self._stored.history

    @history.setter
    def history(self, history: History | None) -> None:
        self._stored = StoredCandles(history)

    def open(
        self,
        name: str,
        period: str,
        since: int | None = None,
        indicators: Sequence[Indicator] = (),
        audience: Audience | None = None,
    ) -> Window:
        """Begin to watch a series and return its newest candles; every `open` needs a `close`.

        Args:
            since: the time (s) of the newest candle that the page has.
            indicators: whose lines come with the candles, and with live ones for an audience that has their keys.
            audience: who joins those that get the candles of this series from now on; leave with `leave`.

        Raises:
            InstrumentError: nobody knows the instrument. EventError: no such period. StorageError: the history cannot be read.
        """
        check_period(period)
        view = self.view(name)
        with self.markets.lock:
            watch = view.watch(period, self.markets.position)
        try:
            self._seed(view, period)
            stored = self._stored.newest(view, period, _FIRST)
            front = self._front(view, period, stored, indicators)
        except Exception:
            self.close(name, period)
            raise
        with self.markets.lock:
            candles = self._joined(view, period, stored)[-_FIRST:]
            if not watch.ready:
                book = view.candles
                watch.from_ns = book.span(book.newest_ns, period).start_ns if book.newest_ns else 0
                watch.touched.clear()
                watch.through, watch.ready = self.markets.position, True
            through = self.markets.position
            columns, shown = self._take_up(view, period, [*front, *candles], len(front), indicators)
            if audience is not None:
                watch.join(audience.keys)
        first = 0
        if since is not None and candles and candles[0].time <= since:
            first = next((at for at, one in enumerate(candles) if one.time >= since), len(candles))
        else:
            since = None
        lines = lines_of(indicators, columns, shown + first, view.anchors.get(period))
        return Window(candles[first:], through, since, since is not None or (bool(candles) and self.history is not None), lines)

    def lines(
        self, name: str, period: str, since: int | None, indicators: Sequence[Indicator], audience: Audience | None = None
    ) -> tuple[list[int], Lines]:
        """Return the times (s) of the candles from `since` on (without it, of as many as a first answer has), and their lines.

        The series is being watched. Args and errors are those of `open`; of very many candles the newest 50,000 are answered.
        """
        view = self.view(name)
        stored = (
            self._stored.newest(view, period, _FIRST)
            if since is None
            else self._stored.after(view, period, since, _MOST_LINES, oldest=False)
        )
        front = self._front(view, period, stored, indicators)
        with self.markets.lock:
            candles = [one for one in self._joined(view, period, stored) if since is None or one.time >= since]
            candles = candles[-_FIRST if since is None else -_MOST_LINES :]
            columns, shown = self._take_up(view, period, [*front, *candles], len(front), indicators)
            watch = view.watches.get(period)
            if audience is not None and watch is not None:
                watch.join(audience.keys)
        return [one.time for one in candles], lines_of(indicators, columns, shown, view.anchors.get(period))

    def close(self, name: str, period: str) -> None:
        """Watch a series no longer."""
        with self.markets.lock:
            for view in self.markets:
                if view.name == name:
                    view.unwatch(period)

    def join(self, audience: Audience) -> None:
        """Send the candles of a series that is being watched with these lines to one page more."""
        with self.markets.lock:
            for watch in self._watches(audience):
                watch.join(audience.keys)

    def leave(self, audience: Audience) -> None:
        """Take one page from an audience; lines that nobody gets any more are no longer computed."""
        with self.markets.lock:
            for watch in self._watches(audience):
                watch.leave(audience.keys)

    def unread(self, name: str) -> None:
        """Take one page from those that read an instrument's depth and trades."""
        with self.markets.lock:
            for view in self.markets:
                if view.name == name and view.readers:
                    view.readers -= 1

    def _watches(self, audience: Audience) -> list[Watch]:
        watches = (view.watches.get(audience.period) for view in self.markets if view.name == audience.name)
        return [watch for watch in watches if watch is not None]

    def page(
        self,
        name: str,
        period: str,
        before: int | None = None,
        limit: int = _FIRST,
        after: int | None = None,
        indicators: Sequence[Indicator] = (),
    ) -> Window:
        """Return up to `limit` candles that stand before `before` (s), from `after` (s) on, or the newest. Raises as `open` does."""
        check_period(period)
        limit = min(max(limit, 1), _MOST)
        view = self.view(name)
        if period == MONTH and before is None:
            self._seed(view, period)  # whatever is asked of days: the month that goes on has today in it
        stored = self._stored.before(view, period, before, limit) if after is None else self._stored.after(view, period, after, limit)
        with self.markets.lock:
            candles = self._joined(view, period, stored)
            through = self.markets.position
        fitting = [one for one in candles if (before is None or one.time < before) and (after is None or one.time >= after)]
        chosen = fitting[-limit:] if after is None else fitting[:limit]
        more = len(fitting) > limit if after is not None else len(fitting) >= limit
        return Window(chosen, through, None, more, self._page_lines(view, period, chosen, indicators))

    def _page_lines(self, view: MarketView, period: str, candles: list[Candle], indicators: Sequence[Indicator]) -> Lines:
        if not indicators or not candles:
            return {one.key: Drawn() for one in indicators}
        front = self._front(view, period, candles, indicators)
        anchor_ns = view.anchors.get(period)
        behind: list[Candle] = []
        bars_off = 0 if anchor_ns is None else (anchor_ns - candles[-1].start_ns) // length_ns(period)
        if anchor_ns is not None and 0 < bars_off <= _MOST_LINES and any(one.kind.anchored for one in indicators):
            behind = self._stored.after(view, period, candles[-1].time + 1, _MOST_LINES)  # running totals are counted up to their anchor
            behind = [one for one in behind if one.time > candles[-1].time and one.start_ns <= anchor_ns]
        columns = Columns.of([*front, *candles, *behind], view.candles.calendar)
        found = lines_of(indicators, columns, len(front), anchor_ns)
        return {key: drawn.cut(len(candles)) for key, drawn in found.items()}

    def _front(self, view: MarketView, period: str, candles: list[Candle], indicators: Sequence[Indicator]) -> list[Candle]:
        # The candles before those that are shown, so many as the indicators need.
        if not candles or not indicators:
            return []
        lead = max(one.lead for one in indicators)
        return self._stored.lead(view, period, candles[0], lead, any(one.kind.whole_days for one in indicators))

    def _take_up(
        self, view: MarketView, period: str, candles: list[Candle], shown: int, indicators: Sequence[Indicator]
    ) -> tuple[Columns, int]:
        # Under the lock: what is computed live goes on from these candles. Returns them as columns, and where those that are shown begin.
        if not indicators:
            return Columns.of([]), 0
        columns = Columns.of(candles, view.candles.calendar)
        if len(candles) > shown:
            view.anchors.setdefault(period, candles[shown].start_ns)
        watch = view.watches.get(period)
        if watch is not None:
            watch.lines.anchor_ns = view.anchors.get(period, watch.lines.anchor_ns)
            watch.lines.seed(columns, indicators)
        return columns, shown

    def view(self, name: str) -> MarketView:
        """Return the view of an instrument of the bus or of the history. Raises InstrumentError naming the nearest one."""
        with self.markets.lock:
            try:
                return self.markets.named(name)
            except InstrumentError:
                symbol, _, venue = name.rpartition("@") if "@" in name else (name, "", "")
                if (symbol, venue) not in self.stored_symbols():
                    raise
                return self.markets.add_stored(self._stored_instrument(symbol, venue))

    def views(self) -> list[MarketView]:
        """Return the views of every instrument of the bus and of the history."""
        stored = self.stored_symbols()
        with self.markets.lock:
            self.markets.refresh()
            known = {(view.instrument.symbol, view.instrument.venue) for view in self.markets}
            for symbol, venue in stored:
                if (symbol, venue) not in known:
                    self.markets.add_stored(self._stored_instrument(symbol, venue))
            return list(self.markets)

    def stored_symbols(self) -> list[tuple[str, str]]:
        """Return what the history has, asked for anew every half minute."""
        if self.history is None:
            return []
        if time.monotonic() >= self._catalogue_until:
            self._catalogue = self.history.symbols()
            self._catalogue_until = time.monotonic() + _CATALOGUE_S
        return self._catalogue

    def _stored_instrument(self, symbol: str, venue: str) -> Instrument:
        terms = getattr(self.history, "instrument", None)  # the database knows terms; the protocol does not ask for them
        return terms(symbol, venue) if terms is not None else Instrument(symbol=symbol, venue=venue)

    def _seed(self, view: MarketView, period: str) -> None:
        # The unfinished candle of a long period needs the smaller bars since its start, which may be older than our memory.
        book = view.candles
        base = book.base(period)
        with self.markets.lock:
            book.hold(period)
        if self.history is None or period in ("1s", "1m"):
            return
        with self.markets.lock:
            span = book.span(book.newest_ns or now_ns(), period)
            if book.complete_from(period) <= span.start_ns:
                return
            newest_ns = book.newest_ns
        if period == MONTH:
            today_ns = book.span(newest_ns, "1d").start_ns if newest_ns else None
            days = self._stored.between(view, base, start_ns=span.start_ns)
            self._seed(view, "1d")
            with self.markets.lock:
                book.seed_days([day for day in days if today_ns is None or day.start_ns < today_ns], span.start_ns)
            return
        seeds = self._stored.between(view, base, start_ns=span.start_ns)
        with self.markets.lock:
            book.seed(base, seeds, span.start_ns)

    def _joined(self, view: MarketView, period: str, stored: list[Candle]) -> list[Candle]:
        fresh = view.candles.candles(period)
        if not fresh:
            return stored
        complete_from = view.candles.complete_from(period)
        untouched = bisect_left(stored, fresh[0].time, key=lambda one: one.time)
        merged = {one.time: one for one in fresh}
        merged |= {one.time: one for one in stored[untouched:]}
        merged |= {one.time: one for one in fresh if one.start_ns >= complete_from}
        return [*stored[:untouched], *(merged[at] for at in sorted(merged))]
