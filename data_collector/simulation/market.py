"""One simulated instrument: its price process, its trading day and its sessions."""

from __future__ import annotations

import math
from zlib import crc32

import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND, day_of
from gcg_quant.events import Depth, SessionEvent, Tick
from gcg_quant.instruments import Instrument

from ..blank import RecordArray, blank
from ..zones import Int64Array
from .microstructure import Microstructure, QuoteBlock
from .profiles import MarketProfile
from .trading_day import TradingDay

__all__ = ["SimulatedMarket"]

_LEVELS = 10


class SimulatedMarket:
    """An instrument of the simulated exchange.

    Around the clock its days are counted from the start of the simulation, so that the same seed gives the same totals at any hour;
    with a calendar it trades in its market's sessions, and says so with SessionEvents.
    """

    def __init__(
        self,
        profile: MarketProfile,
        terms: Instrument,
        number: int,
        *,
        seed: int,
        start_ns: int,
        elapsed_ns: int,
        start_price: float,
        previous_close: float,
    ) -> None:
        """Args: `number`: of the instrument on the bus; `elapsed_ns`: since the start of the simulation, when this market joins it."""
        self.profile = profile
        self.terms = terms
        self.number = number
        self._start_ns = start_ns
        self._calendar = None if terms.calendar == "24/7" else Calendar(terms.calendar)
        self._model = Microstructure(profile, terms, seed, start_price=start_price, start_s=elapsed_ns / NS_PER_SECOND)
        self._random = np.random.default_rng([seed, crc32(profile.symbol.encode()), 1])
        self.day = TradingDay(
            terms,
            previous_close=previous_close,
            last_price=start_price,
            open_interest=profile.open_interest,
            random=self._random,
        )
        self._since_depth = 0
        self._phase = "open" if self._calendar is None else ""

    # ---- sessions

    @property
    def keeps_hours(self) -> bool:
        """Whether it has sessions, and does not trade around the clock."""
        return self._calendar is not None

    @property
    def is_open(self) -> bool:
        """Whether it trades in the current block."""
        return self._phase == "open"

    def rests_at(self, ns: int) -> bool:
        """Return whether it is closed, has said so, and will still be closed at a UTC time."""
        return self._phase in ("break", "closed") and self._calendar is not None and not self._calendar.is_open(ns)

    def trading_day(self, ns: int) -> int:
        """Return the trading day YYYYMMDD of a UTC time."""
        return day_of(ns) if self._calendar is None else self._calendar.trading_day(ns)

    def opens_at(self, ns: int) -> int | None:
        """Return its next opening after a UTC time; None if it never closes or the calendar ends."""
        return None if self._calendar is None else self._calendar.next_open(ns)

    def advance(self, ns: int) -> list[SessionEvent]:
        """Go on to the block that begins at a UTC time; return the change of session, if there is one."""
        elapsed_days = (ns - self._start_ns) // NS_PER_DAY
        if self._calendar is None:
            self.day.roll(day_of(self._start_ns + elapsed_days * NS_PER_DAY))
            return []
        day = self._calendar.trading_day(ns)
        phase = self._phase_at(ns, day)
        if phase == "open":
            self.day.roll(day)
        if phase == self._phase:
            return []
        self._phase = phase
        return [SessionEvent(venue=self.terms.venue, symbol=self.terms.symbol, phase=phase, event_ns=ns, trading_day=day)]

    def _phase_at(self, ns: int, day: int) -> str:
        calendar = self._calendar
        if calendar is None or calendar.is_open(ns):
            return "open"
        following = calendar.next_open(ns)
        begun = any(begin <= ns for begin, _ in calendar.sessions(day))
        return "break" if begun and following is not None and calendar.trading_day(following) == day else "closed"

    def _busy(self, elapsed_ns: int) -> float:
        # Trade sizes over the day: a quiet middle between a busy opening and close, or a gentle wave around the clock.
        if self._calendar is None:
            return 1.0 + 0.4 * math.sin(2 * math.pi * elapsed_ns / NS_PER_DAY)
        now_ns = self._start_ns + elapsed_ns
        sessions = self._calendar.sessions(self._calendar.trading_day(now_ns))
        if not sessions:
            return 1.0
        begin, end = sessions[0][0], sessions[-1][1]
        share = (now_ns - begin) / (end - begin)
        return 0.6 + 1.2 * (2 * share - 1) ** 2

    # ---- records

    def ticks(self, times_ns: Int64Array, begin_ns: int) -> tuple[RecordArray, QuoteBlock]:
        """Return the ticks at `times_ns` (since the start) and what they were made of."""
        block = self._model.next_block(times_ns / NS_PER_SECOND, self.day.bounds, self._busy(begin_ns))
        ticks = blank(Tick, len(times_ns))
        ticks["event_ns"] = ticks["recv_ns"] = times_ns
        ticks["instrument"] = self.number
        self.day.fill(ticks, block)
        return ticks, block

    def depths(self, ticks: RecordArray, block: QuoteBlock, every: int) -> RecordArray:
        """Return the book of 10 levels at each `every`-th tick, counted over all blocks."""
        first = -self._since_depth % every
        chosen = np.arange(first, len(ticks), every)
        self._since_depth = (self._since_depth + len(ticks)) % every
        depths = blank(Depth, len(chosen))
        for field in ("event_ns", "recv_ns", "instrument", "trading_day"):
            depths[field] = ticks[field][chosen]
        depths["levels"] = _LEVELS
        for side, sign in (("bid", -1), ("ask", 1)):
            self._fill_side(depths, side, sign, getattr(block, side)[chosen], getattr(block, f"{side}_lots")[chosen])
        return depths

    def _fill_side(self, depths: RecordArray, side: str, sign: int, best: Int64Array, lots: Int64Array) -> None:
        shape = (len(best), _LEVELS)
        steps = 1 + self._random.poisson(0.4 + self.profile.spread_ticks / 4, shape)
        steps[:, 0] = 0
        prices = best[:, None] + sign * np.cumsum(steps, axis=1)
        thickness = self.profile.quote_lots * (1 + 0.25 * np.arange(_LEVELS))
        sizes = 1 + np.floor(thickness * np.exp(0.6 * self._random.standard_normal(shape))).astype(np.int64)
        sizes[:, 0] = lots
        there = (lots > 0)[:, None] & (prices > 0)
        if self.day.bounds is not None:
            there &= (prices >= self.day.bounds[0]) & (prices <= self.day.bounds[1])
        depths[f"{side}_prices"] = np.where(there, self._model.grid.values(prices), np.nan)
        depths[f"{side}_sizes"] = np.where(there, self._model.lots.values(sizes), np.nan)
