"""How a simulated instrument opens: fresh with an invented past, or going on from what was recorded before a restart."""

from __future__ import annotations

import msgspec
import numpy as np

from gcg_quant.clock import NS_PER_MINUTE
from gcg_quant.errors import InstrumentError
from gcg_quant.history import History
from gcg_quant.instrument_table import InstrumentTable
from gcg_quant.instruments import Instrument

from ..blank import RecordArray
from .market import SimulatedMarket
from .microstructure import Grid
from .profiles import MarketProfile, profile_of
from .simulated_history import PastMinutes, open_minutes

__all__ = ["Opening"]

_TRADE_SHARE = 0.6
_MINUTES_PER_DAY = 1_440


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The terms under which instruments join a simulation that began at `start_ns`, `elapsed_ns` later."""

    venue: str
    seed: int
    start_ns: int
    elapsed_ns: int
    history_minutes: int
    ticks_per_second: float
    around_the_clock: bool
    total_activity: float  # of all instruments together

    def market(self, symbol: str, table: InstrumentTable, history: History | None) -> tuple[SimulatedMarket, RecordArray]:
        """Return a new market and the bars of its past, registering its instrument in `table`.

        If `history` holds its bars, the price goes on from the newest one, and only the minutes since then are filled in.
        """
        profile = profile_of(symbol)
        terms = profile.instrument(self.venue, around_the_clock=self.around_the_clock)
        number = table.add(terms)
        terms = table[number]  # the settings may have overridden some
        now_ns = self.start_ns + self.elapsed_ns
        starts = open_minutes(terms.calendar, now_ns, self.history_minutes)
        recorded = self._recorded(symbol, history, now_ns)
        if recorded is not None:
            starts = starts[starts >= recorded[1]]
        past = PastMinutes.make(
            profile,
            terms,
            number,
            seed=self.seed,
            starts=starts,
            trades_a_minute=self.ticks_per_second * 60 * _TRADE_SHARE * profile.activity / self.total_activity,
            begin_price=None if recorded is None else recorded[0],
        )
        market = SimulatedMarket(
            profile,
            terms,
            number,
            seed=self.seed,
            start_ns=self.start_ns,
            elapsed_ns=self.elapsed_ns,
            start_price=past.last_price,
            previous_close=_previous_close(profile, terms, past),
        )
        _carry_day(market, past, now_ns)
        return market, past.bars

    def _recorded(self, symbol: str, history: History | None, now_ns: int) -> tuple[float, int] | None:
        # The newest recorded close and when it was.
        if history is None:
            return None
        try:
            bars = history.bars(symbol, "1m", venue=self.venue, end_ns=now_ns, limit=1)
        except InstrumentError:
            return None
        return (float(bars["close"][-1]), int(bars["event_ns"][-1])) if len(bars) else None


def _carry_day(market: SimulatedMarket, past: PastMinutes, now_ns: int) -> None:
    bars = _today(market, past.bars, now_ns)
    if len(bars) == 0:
        return
    prices, lots = Grid(market.terms.tick_size), Grid(market.terms.lot_size)
    low, high = market.day.bounds or (1, np.iinfo(np.int64).max)
    market.day.seed(
        opened=min(max(prices.nearest(float(bars["open"][0])), low), high),
        high=min(prices.nearest(float(bars["high"].max())), high),
        low=max(prices.nearest(float(bars["low"].min())), low),
        volume_lots=lots.nearest(float(bars["volume"].sum())),
        turnover=float(bars["turnover"].sum()),
    )


def _today(market: SimulatedMarket, bars: RecordArray, now_ns: int) -> RecordArray:
    if market.keeps_hours:
        wanted = bars["trading_day"] == market.trading_day(now_ns)
    else:
        wanted = bars["start_ns"] >= now_ns - _MINUTES_PER_DAY * NS_PER_MINUTE
    today: RecordArray = bars[wanted]
    return today


def _previous_close(profile: MarketProfile, terms: Instrument, past: PastMinutes) -> float:
    # Where the past began, but within half of a price limit, so that live prices have room.
    close = float(past.bars["open"][0]) if len(past.bars) else past.last_price
    if terms.price_limit is not None:
        room = terms.price_limit / 2
        close = min(max(close, past.last_price / (1 + room)), past.last_price / (1 - room))
    return terms.round_price(close)
