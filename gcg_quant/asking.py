"""Asking a history as people do: `history("SPY", "1d", start="2013-10-07", count=500)`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast, overload

import numpy as np
import numpy.typing as npt

from gcg_quant.adjustment import Adjust, factors_of
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, zone_of
from gcg_quant.clock import now_ns as wall_ns
from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import EventError, nearest
from gcg_quant.moments import Moment, first_ns, is_day, last_ns
from gcg_quant.periods import PERIODS, period_ns

if TYPE_CHECKING:
    import pandas as pd

    from gcg_quant.events import Record
    from gcg_quant.history import History, RecordArray
    from gcg_quant.instruments import Instrument

__all__ = ["BASES", "ROWS", "Asking", "Form", "Options"]

Form = Literal["pandas", "numpy", "events"]
BASES = (BarBasis.LAST, BarBasis.MID, BarBasis.BID, BarBasis.ASK)  # a symbol's own basis is the first that it has
ROWS = {"tick": "ticks", "trade": "trades", "depth": "depth", "delta": "book_deltas"}  # what is no bar, and the method that has it

_DAYS_BACK = 10  # days may lack a close


class Options(TypedDict, total=False):
    """The rarer parts of a question, by name."""

    venue: str | None
    basis: BarBasis | str | None
    zone: str | None
    now_ns: int | None
    adjust: Adjust


class Asking:
    """Makes a `History` callable: the bars, ticks, trades or order books of one symbol as a frame, an array or events."""

    @overload
    def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Literal["pandas"] = "pandas",
        **options: Unpack[Options],
    ) -> pd.DataFrame: ...

    @overload
    def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Literal["numpy"],
        **options: Unpack[Options],
    ) -> RecordArray: ...

    @overload
    def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Literal["events"],
        **options: Unpack[Options],
    ) -> list[Record]: ...

    def __call__(
        self,
        symbol: str,
        period: str,
        start: Moment | None = None,
        end: Moment | None = None,
        count: int | None = None,
        *,
        form: Form = "pandas",
        venue: str | None = None,
        basis: BarBasis | str | None = None,
        zone: str | None = None,
        now_ns: int | None = None,
        adjust: Adjust = "raw",
    ) -> pd.DataFrame | RecordArray | list[Record]:
        """Return the bars of `period` of a symbol, or its rows if `period` is "tick", "trade", "depth" or "delta".

        Args:
            symbol: a symbol, or "SYMBOL@VENUE" where several venues have it (then `venue` works, too).
            start, end: a datetime, a date, an ISO text or nanoseconds. A time without a zone is one of the instrument's time zone; a date
                is a whole trading day, its night session included. Bars start at or after `start` and end at or before `end`; rows
                lie between the two, both included.
            count: the newest so many, or the first so many if only `start` is given.
            form: "pandas" (a frame whose index is the start of the bars, or the venue's time), "numpy" (an array of the record's dtype;
                `instrument` is 0) or "events" (records).
            basis: of bars: "last", "mid", "bid" or "ask"; without one the first of these that there are bars of.
            zone: the time zone of `start`, `end` and of a frame's index, instead of the instrument's.
            now_ns: the caller's clock: nothing later is returned, whatever `end` says.
            adjust: "raw" prices, or adjusted for splits, dividends and rights: "forward" to the level of the end of the range (or of now),
                "backward" to that of the first stored day; see `gcg_quant.adjustment`. What takes effect later than the end changes
                nothing.

        Raises:
            InstrumentError: nothing is stored of the symbol, or of several venues.
            EventError: no such period, time, zone, basis or form; a count below 0; a start behind the end.
        """
        _check(period, count, form, adjust)
        terms = self._terms(symbol, venue)
        where = terms.timezone if zone is None else zone
        start_ns, end_ns = _range(start, end, where, terms.calendar, period not in ROWS)
        now = [one for one in (now_ns, self._now_ns(symbol), end_ns) if one is not None]
        asked: dict[str, Any] = {"venue": venue, "start_ns": start_ns, "end_ns": min(now, default=None), "limit": count}
        if count is not None and start is not None and end is None:
            asked["oldest"] = True
        if period in ROWS:
            rows = self._rows(symbol, period, asked)
        elif adjust != "raw" and period_ns(period) > NS_PER_DAY:
            return _formed(self._adjusted_long(period, terms, basis, asked, adjust), form, where, terms)
        else:
            rows = self._first_basis(symbol, period, basis, asked)
        if adjust != "raw":
            rows = self._adjusted(rows, terms, basis, asked["end_ns"], adjust)
        return _formed(rows, form, where, terms)

    # ---- for the histories

    def _terms(self, symbol: str, venue: str | None) -> Instrument:
        """Return the terms of an instrument, default ones if the history keeps none. Raises InstrumentError."""
        raise NotImplementedError

    def _now_ns(self, symbol: str) -> int | None:
        """Return the clock that bounds every answer about a symbol, None if there is none."""
        return None

    def _first_basis(self, symbol: str, period: str, basis: BarBasis | str | None, asked: dict[str, Any]) -> RecordArray:
        """Return the bars of the basis, without one of the first that there are bars of; `asked` are the arguments of `bars`."""
        history = cast("History", self)
        rows = None
        for one in BASES if basis is None else (_basis(basis),):
            found = history.bars(symbol, period, basis=one, **asked)
            if len(found):
                return found
            rows = found if rows is None else rows
        return cast("RecordArray", rows)

    # ---- inside

    def _adjusted(
        self, rows: RecordArray, terms: Instrument, basis: BarBasis | str | None, end_ns: int | None, adjust: Adjust
    ) -> RecordArray:
        calendar = Calendar(terms.calendar)
        until_ns = wall_ns() if end_ns is None else end_ns

        def close_before(day: int) -> float:
            asked = {"venue": terms.venue, "end_ns": min(calendar.bounds(day)[1], until_ns), "limit": _DAYS_BACK}
            days = self._first_basis(terms.symbol, "1d", basis, asked)
            known = days["close"][(_days(days, calendar) < day) & ~np.isnan(days["close"])]
            return float(known[-1]) if len(known) else math.nan

        actions = getattr(self, "actions", None)
        tick = terms.tick_size if terms.market == "cn_stock" else None
        until_day = calendar.trading_day(until_ns - 1)  # the end of a day is where the next one begins
        factors = factors_of([] if actions is None else actions(terms.symbol, terms.venue), close_before, until_day, tick)
        return factors.adjusted(rows, _days(rows, calendar), adjust)

    def _adjusted_long(
        self, period: str, terms: Instrument, basis: BarBasis | str | None, asked: dict[str, Any], adjust: Adjust
    ) -> RecordArray:
        # A bar of several days is made of its days, for an action may lie between these.
        from gcg_quant.bars import resample

        parts, rest = divmod(period_ns(period), NS_PER_DAY)
        count, oldest = asked["limit"], asked.get("oldest", False)
        days = self._first_basis(terms.symbol, "1d", basis, {**asked, "limit": None if count is None else (count + 2) * parts})
        if rest or not len(days):
            raise EventError(
                f"Bars of {period} of {terms.symbol} can only be adjusted day by day, and there are no bars of days.", period=period
            )
        days = self._adjusted(days, terms, basis, asked["end_ns"], adjust)
        rows = resample(days, period, None if terms.calendar == "24/7" else Calendar(terms.calendar))
        cut = count is not None and len(days) == (count + 2) * parts
        rows = rows[:-1] if cut and oldest else rows[1:] if cut else rows
        rows = rows[rows["event_ns"] <= (wall_ns() if asked["end_ns"] is None else asked["end_ns"])]
        rows = rows if asked["start_ns"] is None else rows[rows["start_ns"] >= asked["start_ns"]]
        if count is not None:
            rows = rows[:count] if oldest else rows[max(0, len(rows) - count) :]
        return rows

    def _rows(self, symbol: str, period: str, asked: dict[str, Any]) -> RecordArray:
        ask = getattr(self, ROWS[period], None)
        if ask is None:
            kept = ", ".join(repr(name) for name, method in ROWS.items() if hasattr(self, method))
            raise EventError(f"This history keeps no {ROWS[period].replace('_', ' ')}; ask for bars, {kept}.", period=period)
        return cast("RecordArray", ask(symbol, **asked))


def _check(period: str, count: int | None, form: str, adjust: str) -> None:
    if adjust not in ("raw", "forward", "backward"):
        raise EventError(f"adjust must be 'raw', 'forward' or 'backward', not {adjust!r}.", adjust=adjust)
    if form not in ("pandas", "numpy", "events"):
        raise EventError(f"form must be 'pandas', 'numpy' or 'events', not {form!r}.", form=form)
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise EventError(f"count must be a whole number, 0 or more, not {count!r}.", count=count)
    if period in ROWS:
        return
    try:
        period_ns(period)
    except EventError as error:
        hint = nearest(period, [*ROWS, *PERIODS])
        message = f"{period!r} is neither a bar period such as '5m' nor one of {', '.join(ROWS)}.{hint}"
        raise EventError(message, period=period) from error


def _basis(basis: BarBasis | str) -> BarBasis:
    if isinstance(basis, BarBasis):
        return basis
    names = [one.name.lower() for one in BASES]
    if basis not in names:
        raise EventError(f"basis must be one of {', '.join(names)}, not {basis!r}.{nearest(basis, names)}", basis=basis)
    return BarBasis[basis.upper()]


def _range(start: Moment | None, end: Moment | None, zone: str, calendar: str, of_bars: bool) -> tuple[int | None, int | None]:
    zone_of(zone)
    start_ns = None if start is None else first_ns(start, zone=zone, calendar=calendar)
    end_ns = None if end is None else last_ns(end, zone=zone, calendar=calendar)
    whole_day = is_day(end)
    if start_ns is not None and end_ns is not None and (start_ns > end_ns or (whole_day and start_ns == end_ns)):
        raise EventError(f"start ({start}) is after end ({end}).", start=start, end=end)
    if end_ns is not None and not of_bars and whole_day:
        end_ns -= 1  # bars may end where the next day begins; a tick there belongs to that day
    return start_ns, end_ns


def _days(rows: RecordArray, calendar: Calendar) -> npt.NDArray[np.int64]:
    told = rows["trading_day"] if "trading_day" in (rows.dtype.names or ()) else np.zeros(len(rows), np.int64)
    at = rows["start_ns"] if "start_ns" in (rows.dtype.names or ()) else rows["event_ns"]
    return np.where(told != 0, told, calendar.trading_days(np.asarray(at, np.int64))).astype(np.int64)


def _formed(rows: RecordArray, form: Form, zone: str, terms: Instrument) -> pd.DataFrame | RecordArray | list[Record]:
    if form == "numpy":
        return rows
    if form == "events":
        from gcg_quant.events import from_array

        return from_array(rows, terms.symbol, terms.venue)
    from gcg_quant.record_frames import frame_of

    if "start_ns" in (rows.dtype.names or ()):
        return frame_of(rows, index="start_ns", zone=zone).rename(columns={"event_ns": "end_ns"})
    return frame_of(rows, zone=zone)
