"""What the simulated exchange has traded before it starts: one-minute bars that end where the live prices begin."""

from __future__ import annotations

from zlib import crc32

import msgspec
import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE
from gcg_quant.events import Bar, BarOrigin
from gcg_quant.instruments import Instrument

from ..blank import RecordArray, blank
from ..zones import Int64Array
from .microstructure import FloatArray, Grid, relax
from .profiles import MarketProfile

__all__ = ["PastMinutes", "open_minutes"]

_STEPS = 30  # of two seconds in a minute
_STEP_S = 60.0 / _STEPS
_WILD_S, _WILD_SD = 1_500.0, 0.67


def open_minutes(calendar: str, end_ns: int, minutes: int) -> Int64Array:
    """Return the starts of the last `minutes` minutes before `end_ns` in which a market was open."""
    last = end_ns // NS_PER_MINUTE
    if calendar == "24/7":
        return np.arange(last - minutes, last) * NS_PER_MINUTE
    market = Calendar(calendar)
    sessions: list[tuple[int, int]] = []
    when_ns, found = last * NS_PER_MINUTE, 0
    # Day by day, until there are enough; no market rests for longer than some two weeks.
    for day in dict.fromkeys(market.trading_day(when_ns - back * NS_PER_DAY) for back in range(minutes // 60 + 20)):
        before = [(begin, min(end, when_ns)) for begin, end in market.sessions(day) if begin < when_ns]
        sessions += before
        found += sum(end - begin for begin, end in before) // NS_PER_MINUTE
        if found >= minutes:
            break
    starts = [np.arange(-(-begin // NS_PER_MINUTE), end // NS_PER_MINUTE) for begin, end in sessions]
    every = np.unique(np.concatenate(starts)) * NS_PER_MINUTE if starts else np.zeros(0, np.int64)
    return every[len(every) - min(minutes, len(every)) :]


class PastMinutes(msgspec.Struct, frozen=True, kw_only=True):
    """The bars of the past of one instrument, and the price with which live trading goes on."""

    bars: RecordArray
    last_price: float

    @classmethod
    def make(
        cls,
        profile: MarketProfile,
        terms: Instrument,
        number: int,
        *,
        seed: int,
        starts: Int64Array,
        trades_a_minute: float,
        begin_price: float | None = None,
    ) -> PastMinutes:
        """Return bars for the minutes at `starts`.

        Args:
            number: of the instrument on the bus.
            trades_a_minute: mean number of trades, as live ticks have them.
            begin_price: the price to go on from; without one the path is laid so that it ends at the profile's price.
        """
        count = len(starts)
        random = np.random.default_rng([seed, crc32(profile.symbol.encode()), 2])
        path, wildness = _path(profile, count, random)
        path += np.log(begin_price / profile.price) - path[0] if begin_price is not None else -path[-1]
        grid = Grid(terms.tick_size)
        ticks = np.maximum(np.rint(profile.price * np.exp(path) / grid.step), 1).astype(np.int64)
        within = ticks[1:].reshape(count, _STEPS)
        first = ticks[:-1].reshape(count, _STEPS)[:, 0]  # a minute opens where the last one closed
        bars = blank(Bar, count)
        bars["start_ns"], bars["event_ns"], bars["instrument"] = starts, starts + NS_PER_MINUTE, number
        bars["open"], bars["close"] = grid.values(first), grid.values(within[:, -1])
        bars["high"] = grid.values(np.maximum(first, within.max(axis=1, initial=0)))
        bars["low"] = grid.values(np.minimum(first, within.min(axis=1, initial=np.iinfo(np.int64).max)))
        bars["period"], bars["origin"] = b"1m", BarOrigin.VENUE
        _fill_amounts(bars, profile, terms, trades_a_minute * wildness, random)
        bars["trading_day"] = Calendar(terms.calendar).trading_days(starts)
        return cls(bars=bars, last_price=float(grid.values(ticks[-1:])[0]))


def _path(profile: MarketProfile, minutes: int, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    # The live process (see microstructure.py) at equal steps: the log price from the start of the first minute to the end of the last,
    # and the mean wildness of each minute.
    count = minutes * _STEPS
    wildness = np.exp(_long_path(count, _WILD_S, _WILD_SD * random.standard_normal(count)) - _WILD_SD**2)
    fat = random.standard_t(4.0, count) / np.sqrt(2.0)
    slow = np.cumsum(profile.volatility * np.sqrt(_STEP_S) * wildness * fat)
    swing = _long_path(count, profile.swing_s, profile.swing * np.sqrt(wildness) * random.standard_normal(count))
    path = np.concatenate(([0.0], slow + swing))
    return path, wildness.reshape(minutes, _STEPS).mean(axis=1)


def _long_path(count: int, lasting_s: float, deviations: FloatArray) -> FloatArray:
    # relax() holds for some hundred lifetimes at a time; a longer path goes on from where the last piece ended.
    spread = float(np.sqrt(-np.expm1(-2 * _STEP_S / lasting_s)))
    piece = max(1, int(100 * lasting_s / _STEP_S))
    path = np.empty(count)
    value = 0.0
    for first in range(0, count, piece):
        last = min(first + piece, count)
        ages = np.arange(1, last - first + 1, dtype=np.float64) * _STEP_S
        shocks = np.asarray(spread * deviations[first:last], np.float64)
        path[first:last] = relax(value, ages, lasting_s, shocks)
        value = float(path[last - 1])
    return path


def _fill_amounts(bars: RecordArray, profile: MarketProfile, terms: Instrument, trades: FloatArray, random: np.random.Generator) -> None:
    # Sizes are log-normal (see microstructure.py): their mean is exp(1.1 ** 2 / 2) times the median.
    count = random.poisson(trades)
    mean_lots = 1 + profile.trade_lots * np.exp(0.605)
    lots = np.maximum(np.rint(count * mean_lots * np.exp(0.2 * random.standard_normal(len(bars)))), count).astype(np.int64)
    bars["count"] = count
    bars["volume"] = Grid(terms.lot_size).values(lots)
    middle = (bars["open"] + bars["high"] + bars["low"] + bars["close"]) / 4
    bars["turnover"] = np.round(bars["volume"] * terms.multiplier * middle, 2)
    if profile.open_interest:
        changes = random.normal(0.0, 0.0002, len(bars)) * profile.open_interest
        bars["open_interest"] = np.rint(profile.open_interest + np.cumsum(changes) - changes.sum())
