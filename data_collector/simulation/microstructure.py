"""How a simulated price moves from tick to tick, in blocks of NumPy arrays.

The log of the middle price is the sum of a slow part, which wanders with changing volatility and is drawn back over a day, and quick
swings around it, which turn within some twenty seconds. The log of the volatility has a slow and a quick part of its own, so that calm
and wild spells alternate. All four are Ornstein-Uhlenbeck processes, which have an exact step for any distance in time: the same path
comes out at one tick a second and at ten thousand, apart from its noise. Shocks have fat tails (Student's t).

The quote lies around the middle price on the tick grid, at least one tick wide and wider in wild spells. A share of the ticks are
trades, at the bid or the ask, on the same side several times in a row. Sizes are log-normal.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias
from zlib import crc32

import msgspec
import numpy as np

from gcg_quant.instruments import Instrument

from .profiles import MarketProfile

__all__ = ["Grid", "Microstructure", "QuoteBlock", "relax"]

FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Int64Array: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_DRAWN_BACK_S = 86_400.0
_WILD_SLOW_S, _WILD_SLOW_SD = 1_500.0, 0.6
_WILD_QUICK_S, _WILD_QUICK_SD = 60.0, 0.3
_QUOTE_SIZE_S, _QUOTE_SIZE_SD = 5.0, 0.7
_TRADE_SIZE_SD = 1.1
_TRADE_SHARE = 0.6
_TURNS = 0.3  # how often the side of a trade differs from the one before
_TAIL = 4.0  # degrees of freedom of the shocks


class Grid:
    """A price or size grid: whole steps to floats, each the double nearest to the decimal value."""

    def __init__(self, step: float) -> None:
        self.step = step
        self._numerator, self._denominator = Fraction(repr(float(step))).as_integer_ratio()

    def values(self, steps: Int64Array) -> FloatArray:
        """Return the values of whole numbers of steps."""
        return steps * self._numerator / self._denominator

    def nearest(self, value: float) -> int:
        """Return the whole number of steps nearest to `value`."""
        return round(value * self._denominator / self._numerator)


class QuoteBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Some ticks of one instrument: bid and ask in whole ticks, their sizes in whole lots, and which ticks are trades (`trade`), with
    price, size and side (1 buys, -1 sells). `wildness` is the volatility relative to its mean. A side of size 0 is not there: the price
    is at its limit.
    """

    bid: Int64Array
    ask: Int64Array
    bid_lots: Int64Array
    ask_lots: Int64Array
    trade: np.ndarray[Any, np.dtype[np.bool_]]
    price: Int64Array
    lots: Int64Array
    side: Int64Array
    wildness: FloatArray


def relax(start: float, ages: FloatArray, lasting_s: float, shocks: FloatArray) -> FloatArray:
    """Return an Ornstein-Uhlenbeck path: x[k] = x[k-1] * exp(-(ages[k] - ages[k-1]) / lasting_s) + shocks[k].

    `ages` are the seconds since `start` was the value; from the first to the last they span at most some hundred times `lasting_s`.
    """
    if len(ages) == 0:
        return np.zeros(0)
    decay = (ages - ages[0]) / lasting_s
    path: FloatArray = np.exp(-decay) * (start * np.exp(-ages[0] / lasting_s) + np.cumsum(shocks * np.exp(decay)))
    return path


class Microstructure:
    """The price process of one instrument. The same seed and the same tick times give the same ticks."""

    def __init__(self, profile: MarketProfile, terms: Instrument, seed: int, *, start_price: float, start_s: float = 0.0) -> None:
        """Args: `start_s`: the time of `start_price`, in the seconds that `next_block` counts."""
        self.profile = profile
        self.grid = Grid(terms.tick_size)
        self.lots = Grid(terms.lot_size)
        self._random = np.random.default_rng([seed, crc32(profile.symbol.encode())])
        self._slow = float(np.log(start_price / profile.price))
        self._swing = self._wild_slow = self._wild_quick = self._bid_size = self._ask_size = 0.0
        self._side = 1
        self._last_s = start_s

    def next_block(self, times_s: FloatArray, bounds: tuple[int, int] | None, busy: float = 1.0) -> QuoteBlock:
        """Return the ticks at `times_s`.

        Args:
            times_s: seconds, rising, going on from the last block.
            bounds: the price limits in ticks, if there are any.
            busy: how large trades are at this time of day, relative to the mean.
        """
        steps = np.diff(times_s, prepend=self._last_s)
        ages = times_s - self._last_s
        wildness = self._wildness(ages, steps)
        middle = self._middle(ages, steps, wildness)
        self._last_s = float(times_s[-1]) if len(times_s) else self._last_s
        bid, ask = self._quote(middle / self.grid.step, wildness)
        bid_lots, ask_lots = self._quote_sizes(ages, steps)
        if bounds is not None:
            _limit(bid, ask, bid_lots, ask_lots, bounds)
        return self._trades(bid, ask, bid_lots, ask_lots, busy * np.sqrt(wildness), wildness)

    def _normal(self, count: int) -> FloatArray:
        return self._random.standard_normal(count)

    def _wildness(self, ages: FloatArray, steps: FloatArray) -> FloatArray:
        slow = relax(self._wild_slow, ages, _WILD_SLOW_S, _stationary(steps, _WILD_SLOW_S, _WILD_SLOW_SD) * self._normal(len(ages)))
        quick = relax(self._wild_quick, ages, _WILD_QUICK_S, _stationary(steps, _WILD_QUICK_S, _WILD_QUICK_SD) * self._normal(len(ages)))
        if len(ages):
            self._wild_slow, self._wild_quick = float(slow[-1]), float(quick[-1])
        return np.exp(slow + quick - _WILD_SLOW_SD**2 - _WILD_QUICK_SD**2)  # so that the mean of its square is 1

    def _middle(self, ages: FloatArray, steps: FloatArray, wildness: FloatArray) -> FloatArray:
        profile = self.profile
        fat = self._random.standard_t(_TAIL, len(ages)) * np.sqrt((_TAIL - 2) / _TAIL)
        slow = relax(self._slow, ages, _DRAWN_BACK_S, profile.volatility * wildness * np.sqrt(steps) * fat)
        shocks = _stationary(steps, profile.swing_s, profile.swing) * np.sqrt(wildness) * self._normal(len(ages))
        swing = relax(self._swing, ages, profile.swing_s, shocks)
        if len(ages):
            self._slow, self._swing = float(slow[-1]), float(swing[-1])
        return profile.price * np.exp(slow + swing)

    def _quote(self, middle_ticks: FloatArray, wildness: FloatArray) -> tuple[Int64Array, Int64Array]:
        mean = self.profile.spread_ticks * wildness
        spread = 1 + self._random.poisson(mean * self._random.gamma(2.0, 0.5, len(mean)))
        bid = np.maximum(np.floor(middle_ticks - (spread - 1) / 2).astype(np.int64), 1)
        return bid, bid + spread

    def _quote_sizes(self, ages: FloatArray, steps: FloatArray) -> tuple[Int64Array, Int64Array]:
        spread = _stationary(steps, _QUOTE_SIZE_S, _QUOTE_SIZE_SD)
        bid = relax(self._bid_size, ages, _QUOTE_SIZE_S, spread * self._normal(len(ages)))
        ask = relax(self._ask_size, ages, _QUOTE_SIZE_S, spread * self._normal(len(ages)))
        if len(ages):
            self._bid_size, self._ask_size = float(bid[-1]), float(ask[-1])
        median = self.profile.quote_lots
        return 1 + np.floor(median * np.exp(bid)).astype(np.int64), 1 + np.floor(median * np.exp(ask)).astype(np.int64)

    def _trades(
        self, bid: Int64Array, ask: Int64Array, bid_lots: Int64Array, ask_lots: Int64Array, busy: FloatArray, wildness: FloatArray
    ) -> QuoteBlock:
        count = len(bid)
        trade = self._random.random(count) < _TRADE_SHARE
        turns = np.cumsum(self._random.random(count) < _TURNS)
        side = np.where(turns % 2 == 0, self._side, -self._side)
        if count:
            self._side = int(side[-1])
        # At a price limit one side is empty: whoever trades meets the other.
        side = np.where(ask_lots == 0, -1, np.where(bid_lots == 0, 1, side))
        sizes = self.profile.trade_lots * busy * np.exp(_TRADE_SIZE_SD * self._normal(count))
        lots = np.minimum(1 + np.floor(sizes), 2_000 * self.profile.trade_lots).astype(np.int64)
        return QuoteBlock(
            bid=bid,
            ask=ask,
            bid_lots=bid_lots,
            ask_lots=ask_lots,
            trade=trade,
            price=np.where(side > 0, ask, bid),
            lots=lots,
            side=side,
            wildness=wildness,
        )


def _stationary(steps: FloatArray, lasting_s: float, deviation: float) -> FloatArray:
    # The deviation of the shock after a step, so that the path itself has `deviation` at all times.
    spread: FloatArray = deviation * np.sqrt(-np.expm1(-2 * steps / lasting_s))
    return spread


def _limit(bid: Int64Array, ask: Int64Array, bid_lots: Int64Array, ask_lots: Int64Array, bounds: tuple[int, int]) -> None:
    # Beyond a limit nobody may quote: only the side that wants more of it is left, at the limit itself.
    low, high = bounds
    above, below = bid >= high, ask <= low
    np.clip(bid, low, high, out=bid)
    np.clip(ask, low, high, out=ask)
    ask_lots[above] = 0
    bid_lots[below] = 0
