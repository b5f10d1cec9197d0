"""What a feed of ticks shows of the ticks or trades that come, and which of them it passes over."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.bar_arrays import prices_of
from gcg_quant.events import BarBasis, Quality, Record, Tick, TradeTick
from gcg_quant.traded import Traded

from ..conversion.days import days_from_ns, one_day_from_ns
from ..history.bars import PREFERENCE
from .bar_rows import Columns, FeedRow, Place

__all__ = ["TickRows"]

NAN = math.nan


class TickRows:
    """Takes the ticks, or else the trades, of one symbol: each is a bar of one price.

    Open, high, low and close are the price of the basis; the volume is what was traded since the tick before (a trade's size; 0 for quotes,
    and where the totals do not tell); the open interest is the tick's. Events without a price, and those that their source marked as
    suspicious, are passed over, as for bars; so is one that is older than the one before it.

    Args:
        place: of the feed.
        basis: which price of a tick; None is the first of last, mid, bid, ask that there is.
        kind: `Tick` or `TradeTick`; None is the kind of the history, without one that of the first event with a price.
        quotes: without history a tick that has no last price decides, too: the symbol has no trades.
    """

    def __init__(self, place: Place, basis: BarBasis | None, kind: type[Record] | None, *, quotes: bool) -> None:
        self.place = place
        self.basis = basis
        self.skipped = 0
        self.kind = kind  # None: not decided yet
        self._quotes = quotes
        self._last_ns = -(2**63)
        self._traded = Traded()

    @property
    def classes(self) -> tuple[type[Record], ...]:
        """Which events it asks for."""
        return (Tick, TradeTick) if self.kind is None else (self.kind,)

    def begin_with(self, rows: NDArray[Any]) -> Columns:
        """Return the columns of the history that the feed begins with: of `Tick.dtype` or `TradeTick.dtype`. Rows must be sorted."""
        if not len(rows):
            return self._columns(rows, np.empty(0), np.empty(0, np.uint64))
        self.kind = _kind_of(rows)
        if self.kind is TradeTick:
            self.basis = BarBasis.LAST
        elif self.basis is None:
            self.basis = next((one for one in PREFERENCE if np.isfinite(prices_of(rows, one)).any()), BarBasis.LAST)
        prices = prices_of(rows, self.basis)
        good = np.isfinite(prices) & (rows["quality"] == int(Quality.NORMAL))
        rows, prices = rows[good], prices[good]
        if len(rows):
            self._last_ns = int(rows["event_ns"][-1])
        return self._columns(rows, prices, np.zeros(len(rows), np.uint64))

    def take(self, event: Any) -> FeedRow | None:
        """Return what the feed shows of a tick or trade, or None if it is not for it."""
        if not self.place.fits(event.symbol, event.venue) or event.quality != Quality.NORMAL:
            return None
        if self.kind is not type(event) and not self._decided_by(event):
            return None
        price = event.price if self.kind is TradeTick else _price(event, self.basis)
        if math.isnan(price):
            return None
        now_ns = event.event_ns
        if now_ns < self._last_ns:
            self.skipped += 1
            return None
        self._last_ns = now_ns
        self.place.venue = self.place.venue or event.venue
        if self.kind is TradeTick:
            volume, interest = event.size, NAN
        else:
            volume, interest = self._volume(event.volume_kind, event.volume, event.trading_day), event.open_interest
        volume = 0.0 if math.isnan(volume) else volume
        return price, price, price, price, volume, interest, one_day_from_ns(now_ns), now_ns, now_ns, event.id

    def take_all(self, rows: NDArray[Any], name_of: Callable[[int], tuple[str, str]]) -> tuple[NDArray[np.intp], Columns]:
        """Return which rows of a bus reader are for the feed, and what it shows of them: as `take` for one after the other."""
        if self.kind is not _kind_of(rows) or self.basis is None:
            none = rows[:0]
            return np.empty(0, np.intp), self._columns(
                none, np.empty(0), none["id"]
            )  # only the other kind comes in runs before this feed has decided for one
        prices = prices_of(rows, self.basis)
        (at,) = np.nonzero(self.place.among(rows, np.isfinite(prices) & (rows["quality"] == int(Quality.NORMAL)), name_of))
        times = rows["event_ns"][at]
        before = np.maximum.accumulate(np.concatenate(([self._last_ns], times)))
        good = times >= before[:-1]
        self.skipped += int(len(good) - np.count_nonzero(good))
        self._last_ns = int(before[-1])
        at = at[good]
        chosen = rows[at]
        return at, self._columns(chosen, prices[at], chosen["id"])

    # With trades or a basis asked for by name nothing is left to decide but the kind.
    def _decided_by(self, event: Any) -> bool:
        if self.kind is not None:
            return False
        if isinstance(event, TradeTick):
            if self.basis not in (None, BarBasis.LAST):
                return False
            self.kind, self.basis = TradeTick, BarBasis.LAST
            return True
        if self.basis is None:
            choices = PREFERENCE if self._quotes else (BarBasis.LAST,)
            self.basis = next((one for one in choices if not math.isnan(_price(event, one))), None)
            if self.basis is None:
                return False
        elif math.isnan(_price(event, self.basis)):
            return False
        self.kind = Tick
        return True

    def _volume(self, kind: int, volume: float, trading_day: int) -> float:
        return self._traded.of(kind, volume, NAN, trading_day)[0] if self.basis == BarBasis.LAST else NAN

    def _columns(self, rows: NDArray[Any], prices: NDArray[np.float64], ids: NDArray[np.uint64]) -> Columns:
        times = rows["event_ns"]
        if "price" in (rows.dtype.names or ()):
            volumes, interest = np.asarray(rows["size"], np.float64), np.full(len(rows), NAN)
        else:
            fields = zip(*(rows[name].tolist() for name in ("volume_kind", "volume", "trading_day")), strict=True)
            volumes, interest = np.array([self._volume(*one) for one in fields], np.float64), rows["open_interest"]
        volumes = np.where(np.isnan(volumes), 0.0, volumes)
        return Columns((prices, prices, prices, prices, volumes, interest, days_from_ns(times)), times, times, ids)


def _price(tick: Tick, basis: BarBasis | None) -> float:
    if basis == BarBasis.LAST:
        return tick.last_price
    if basis == BarBasis.BID:
        return tick.bid_price
    return tick.ask_price if basis == BarBasis.ASK else (tick.bid_price + tick.ask_price) / 2


def _kind_of(rows: NDArray[Any]) -> type[Record]:
    return TradeTick if "price" in (rows.dtype.names or ()) else Tick
