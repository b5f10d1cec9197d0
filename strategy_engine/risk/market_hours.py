"""When markets are open and which trading day it is, for the risk check: each calendar is read once and handed to the native one."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Protocol

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_SECOND, day_end, day_of, day_start, to_datetime
from gcg_quant.errors import GcgQuantError

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["MarketHours"]

_ALWAYS = "24/7"


class Native(Protocol):
    """What is needed of the native risk engine."""

    def set_sessions(self, calendar: int, opens: list[int], closes: list[int]) -> None:
        """Take the sessions of a calendar."""

    def trading_day(self, instrument: int) -> tuple[int, int]:
        """Return the trading day that the market told last, and when."""


class MarketHours:
    """The calendars and trading days of one risk engine's instruments. It asks no clock: every question names its event time.

    A calendar is read when `load` is called first, which takes a second for a stock exchange's; after that the native check finds
    the session by itself. One that cannot be read counts as closed, and `closed` says why.
    """

    def __init__(self, native: Native) -> None:
        self._native = native
        self._numbers: dict[str, int] = {_ALWAYS: 0}
        self._problems: dict[str, str] = {}
        self._in_use = False
        self.dated: dict[int, Instrument] = {}  # of whose trading day rules ask, by number
        self._dates: dict[str, tuple[int, int, int]] = {}  # the day at hand by time zone: begin, end, YYYYMMDD

    # ---- sessions

    def number(self, name: str) -> int:
        """Return the number of a calendar; 0 is always open."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._numbers)
            if self._in_use:
                self._read(name, number)
        return number

    def load(self) -> None:
        """Read the calendars of all instruments, also of those to come."""
        if not self._in_use:
            self._in_use = True
            for name, number in self._numbers.items():
                self._read(name, number)

    def closed(self, instrument: Instrument, next_open_s: float) -> str:
        """Return the sentence that a market is closed, and until when (seconds since the epoch, NaN if that is not known)."""
        problem = self._problems.get(instrument.calendar)
        if problem is not None:
            return f"{instrument.symbol} counts as closed: {problem}"
        if isnan(next_open_s):
            return f"the market of {instrument.symbol} is closed, and {instrument.calendar} knows of no next session"
        opening = to_datetime(round(next_open_s) * NS_PER_SECOND, instrument.timezone)
        return f"the market of {instrument.symbol} is closed until {opening:%Y-%m-%d %H:%M} {instrument.timezone}"

    def _read(self, name: str, number: int) -> None:
        if number == 0:
            return
        try:
            opens, closes = Calendar(name).segments()
        except GcgQuantError as error:
            self._problems[name] = str(error)
            return
        self._native.set_sessions(number, opens.tolist(), closes.tolist())

    # ---- trading days

    def set_dated(self, number: int, instrument: Instrument | None) -> None:
        """Say whether rules ask for the trading day of an instrument number: with its terms if so, with None if not."""
        if instrument is None:
            self.dated.pop(number, None)
        else:
            self.dated[number] = instrument

    def trading_day(self, number: int, now_ns: int) -> int:
        """Return the trading day YYYYMMDD at `now_ns`; 0 if no rule asks for it.

        It is the one that the market told since the local midnight; before the day's first record it is the local date, or what was
        told before if that is later: an evening session belongs to the next day.
        """
        instrument = self.dated.get(number)
        if instrument is None:
            return 0
        told, told_ns = self._native.trading_day(number)
        begin_ns, date = self._date(instrument.timezone, now_ns)
        return told if told and told_ns >= begin_ns else max(told, date)

    def _date(self, timezone: str, now_ns: int) -> tuple[int, int]:
        begin_ns, end_ns, date = self._dates.get(timezone, (0, 0, 0))
        if not begin_ns <= now_ns < end_ns:
            date = day_of(now_ns, timezone)
            begin_ns = day_start(date, timezone)
            end_ns = day_end(date, timezone)
            self._dates[timezone] = (begin_ns, end_ns, date)
        return begin_ns, date
