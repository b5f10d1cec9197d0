"""The chart manager: history, then live, without a gap and without a double.

Stored bars and those in memory are merged by their place on the time axis. Memory has seen every bar and tick since some moment; from
there on its candles win, before it the stored ones do. An answer says up to which event it is complete (`through`, a seq of
the market lane), and live changes go on after it.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from gcg_quant.bars import resample
from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND, now_ns
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.history import History, RecordArray
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_ns

from .candles import Candle, candles_of
from .market_view import MarketView
from .markets import Markets

__all__ = ["ChartManager", "Window"]

_FIRST = 800  # candles of a first answer
_MOST = 5_000  # candles of any answer
_MOST_PARTS = 100_000  # shorter bars read to make longer ones
_CATALOGUE_S = 30.0


class Window(NamedTuple):
    """Candles of one series, sorted by time.

    `through` is the event up to which they are complete; `since` repeats the question's if the candles continue it, else it is None:
    forget what you have. `more` says whether older ones may exist.
    """

    candles: list[Candle]
    through: int
    since: int | None
    more: bool


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

    def open(self, name: str, period: str, since: int | None = None) -> Window:
        """Begin to watch a series and return its newest candles; every `open` needs a `close`.

        Raises:
            InstrumentError: nobody knows the instrument. EventError: no such period. StorageError: the history cannot be read.
        """
        period_ns(period)
        view = self.view(name)
        with self.markets.lock:
            watch = view.watch(period, self.markets.position)
        try:
            self._seed(view, period)
            stored = self._stored(view, period, limit=_FIRST)
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
        if since is not None and candles and candles[0].time <= since:
            return Window([one for one in candles if one.time >= since], through, since, True)
        return Window(candles, through, None, bool(candles) and self.history is not None)

    def close(self, name: str, period: str) -> None:
        """Watch a series no longer."""
        with self.markets.lock:
            for view in self.markets:
                if view.name == name:
                    view.unwatch(period)

    def page(self, name: str, period: str, before: int | None = None, limit: int = _FIRST) -> Window:
        """Return up to `limit` candles that stand before `before` (seconds), or the newest ones. Raises as `open` does."""
        length = period_ns(period)
        limit = min(max(limit, 1), _MOST)
        view = self.view(name)
        # A daily bar stands at its trading day's date, while its night session began the day before: read one more and cut.
        end_ns = None if before is None else before * NS_PER_SECOND + (NS_PER_DAY if length >= NS_PER_DAY else 0)
        stored = self._stored(view, period, end_ns=end_ns, limit=limit + 2)
        with self.markets.lock:
            candles = self._joined(view, period, stored)
            through = self.markets.position
        fitting = [one for one in candles if before is None or one.time < before]
        return Window(fitting[-limit:], through, None, len(fitting) >= limit)

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
        if self.history is None or period in ("1s", "1m"):
            return
        with self.markets.lock:
            span = book.span(book.newest_ns or now_ns(), period)
            if book.complete_from(period) <= span.start_ns:
                return
        seeds = self._stored(view, base, start_ns=span.start_ns)
        with self.markets.lock:
            book.seed(base, seeds, span.start_ns)

    def _joined(self, view: MarketView, period: str, stored: list[Candle]) -> list[Candle]:
        fresh = view.candles.candles(period)
        complete_from = view.candles.complete_from(period)
        merged = {one.time: one for one in fresh}
        merged |= {one.time: one for one in stored}
        merged |= {one.time: one for one in fresh if one.start_ns >= complete_from}
        return [merged[at] for at in sorted(merged)]

    def _stored(
        self, view: MarketView, period: str, *, start_ns: int | None = None, end_ns: int | None = None, limit: int | None = None
    ) -> list[Candle]:
        bars = self._bars(view, period, start_ns, end_ns, limit)
        if not len(bars) and period not in ("1s", "1m"):
            bars = self._made(view, period, start_ns, end_ns, limit)
        return candles_of(bars, period)

    def _made(self, view: MarketView, period: str, start_ns: int | None, end_ns: int | None, limit: int | None) -> RecordArray:
        # A history need not make longer bars of its shorter ones. The first of them may lack its beginning: it is left out.
        base = view.candles.base(period)
        parts = None if limit is None else min(limit * (period_ns(period) // period_ns(base)), _MOST_PARTS)
        bars = self._bars(view, base, start_ns, end_ns, parts)
        made = resample(bars, period, view.candles.calendar)
        return made[1:] if parts is not None and len(bars) >= parts else made

    def _bars(self, view: MarketView, period: str, start_ns: int | None, end_ns: int | None, limit: int | None) -> RecordArray:
        none = np.empty(0, Bar.dtype)
        if self.history is None:
            return none
        symbol, venue = view.instrument.symbol, view.instrument.venue
        for basis in (view.candles.basis, *([BarBasis.MID, BarBasis.BID] if view.candles.basis == BarBasis.LAST else [])):
            try:
                bars = self.history.bars(symbol, period, venue=venue, start_ns=start_ns, end_ns=end_ns, limit=limit, basis=basis)
            except InstrumentError:
                return none  # the bus knows the instrument, and nothing is stored of it yet
            if len(bars):
                return bars
        return none
