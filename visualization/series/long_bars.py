"""Bars of long periods out of very many short ones: aggregated by the database, and kept.

A year has half a million minutes: they are not read row by row for its 250 days. The database puts them together to half hours; these are
kept here, and only what is newer than the kept ones is read again. Days and weeks of any market begin between two half hours (where
they do not, and where several sources have stored the same bars, the bars are made of the minutes themselves).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np

from gcg_quant.bar_grid import BarGrid
from gcg_quant.bars import resample
from gcg_quant.clock import NS_PER_MINUTE, now_ns
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.history import History, RecordArray
from gcg_quant.periods import period_ns
from gcg_quant.session_table import session_table

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar

    from .market_view import MarketView

__all__ = ["CoarseHistory", "LongBars"]

_COARSE = "30m"
_COARSE_NS = 30 * NS_PER_MINUTE
_FEW_MINUTES = 40_000  # up to here minutes are read themselves
_AGAIN_NS = 48 * _COARSE_NS  # the newest kept ones are read again: a late bar may have come
_CHECKED_S = 60.0
_KEPT_SERIES = 32


@runtime_checkable
class CoarseHistory(Protocol):
    """A history that puts bars together by itself."""

    def coarse_bars(
        self, symbol: str, period: str, of: str, *, venue: str | None = None, basis: BarBasis = BarBasis.LAST, start_ns: int | None = None
    ) -> RecordArray | None:
        """Return bars of `period`, by the clock, with prices and volume; None if several sources have stored the same bars."""

    def count_bars(
        self, symbol: str, period: str, *, venue: str | None = None, basis: BarBasis = BarBasis.LAST, end_ns: int | None = None
    ) -> int:
        """Return how many bars are stored that start before `end_ns`."""


class _Kept(NamedTuple):
    bars: RecordArray  # in `count`: how many minutes each is made of
    checked_s: float


class LongBars:
    """The half hours of a history's minutes, kept for the series that were asked for last. Any thread may ask.

    Args:
        history: only one that can aggregate is asked; for others every answer is None.
    """

    def __init__(self, history: History | None) -> None:
        self._history: CoarseHistory | None = history if isinstance(history, CoarseHistory) else None
        self._kept: OrderedDict[tuple[str, str, BarBasis], _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._asking: dict[tuple[str, str, BarBasis], threading.Lock] = {}

    def bars(
        self,
        view: MarketView,
        period: str,
        bases: tuple[BarBasis, ...],
        start_ns: int | None,
        end_ns: int | None,
        limit: int | None,
        oldest: bool,
    ) -> RecordArray | None:
        """Return bars as a history does, or None where minutes have to be asked for."""
        calendar = view.candles.calendar
        history = self._history
        length = period_ns(period)
        few = limit is not None and limit * length <= _FEW_MINUTES * NS_PER_MINUTE
        if history is None or few or length < 2 * _COARSE_NS or not _fits(period, calendar):
            return None
        symbol, venue = view.instrument.symbol, view.instrument.venue
        for basis in bases:
            try:
                if period in self._stored_periods(symbol, venue, basis):
                    return None
                parts = self._half_hours(symbol, venue, basis)
            except InstrumentError:
                return None
            if parts is None:
                return None
            if len(parts):
                return _chosen(resample(parts, period, calendar), start_ns, end_ns, limit, oldest)
        return None

    def _stored_periods(self, symbol: str, venue: str, basis: BarBasis) -> list[str]:
        periods = getattr(self._history, "periods", None)
        stored: list[str] = [] if periods is None else periods(symbol, venue, basis)
        return stored

    def _half_hours(self, symbol: str, venue: str, basis: BarBasis) -> RecordArray | None:
        key = (symbol, venue, basis)
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:  # two pages that open the same chart ask once
            with self._lock:
                kept = self._kept.get(key)
            kept = self._checked(key, kept) if kept is not None else None
            found = self._read(key, kept)
            with self._lock:
                if found is None:
                    self._kept.pop(key, None)
                    return None
                self._kept[key] = found
                self._kept.move_to_end(key)
                while len(self._kept) > _KEPT_SERIES:
                    self._kept.popitem(last=False)
            return found.bars

    def _checked(self, key: tuple[str, str, BarBasis], kept: _Kept) -> _Kept | None:
        # Once a minute it is asked whether rows have come or gone in the part that is not read again.
        if time.monotonic() - kept.checked_s < _CHECKED_S or self._history is None:
            return kept
        symbol, venue, basis = key
        end_ns = _again_from(kept.bars)
        rows = self._history.count_bars(symbol, "1m", venue=venue, basis=basis, end_ns=end_ns)
        return _Kept(kept.bars, time.monotonic()) if rows == _rows_before(kept.bars, end_ns) else None

    def _read(self, key: tuple[str, str, BarBasis], kept: _Kept | None) -> _Kept | None:
        symbol, venue, basis = key
        assert self._history is not None
        start_ns = _again_from(kept.bars) if kept is not None else None
        newer = self._history.coarse_bars(symbol, _COARSE, "1m", venue=venue, basis=basis, start_ns=start_ns)
        if newer is None:
            return None
        if kept is None:
            return _Kept(newer, time.monotonic())
        older = kept.bars[kept.bars["start_ns"] < (start_ns or 0)]
        return _Kept(_joined(older, newer), kept.checked_s)


def _again_from(bars: RecordArray) -> int | None:
    return int(bars["start_ns"][-1]) - _AGAIN_NS if len(bars) else None


def _rows_before(bars: RecordArray, end_ns: int | None) -> int:
    return int(bars["count"][bars["start_ns"] < (end_ns or 0)].sum())


def _joined(older: RecordArray, newer: RecordArray) -> RecordArray:
    # NumPy's own concatenation would lose the padding of the dtype.
    rows = np.zeros(len(older) + len(newer), Bar.dtype)
    rows[: len(older)] = older
    rows[len(older) :] = newer
    return rows


def _chosen(bars: RecordArray, start_ns: int | None, end_ns: int | None, limit: int | None, oldest: bool) -> RecordArray:
    wanted = bars["event_ns"] <= (now_ns() if end_ns is None else end_ns)
    if start_ns is not None:
        wanted &= bars["start_ns"] >= start_ns
    bars = bars[wanted]
    if limit is None or limit >= len(bars):
        return bars
    return bars[:limit] if oldest else bars[len(bars) - limit :]


def _fits(period: str, calendar: Calendar | None) -> bool:
    # Whether every interval of the period begins where a half hour does.
    grid = BarGrid(period, calendar)
    if grid.is_plain:
        return period_ns(period) % _COARSE_NS == 0
    if calendar is None or calendar.align != "clock" or period[-1] not in "dw":
        return False
    return not (session_table(calendar.market).boundaries % _COARSE_NS).any()
