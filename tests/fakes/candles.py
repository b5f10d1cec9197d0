"""`Candles`: the bars of a market, made from its trades, and before its first day from a smooth path that ends at its first price."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

MINUTE_MS = 60_000


@dataclass
class Candle:
    """One bar; prices in ticks, quantities in lots, `worth` in ticks times lots."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    worth: int = 0
    count: int = 0
    bought: int = 0  # lots that takers bought
    bought_worth: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, other: Candle) -> None:
        """Take in the bar that follows."""
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        for name in ("lots", "worth", "count", "bought", "bought_worth"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.last_id >= 0:
            self.first_id = self.first_id if self.first_id >= 0 else other.first_id
            self.last_id = other.last_id


class Candles:
    """Minutes since the venue was founded are kept; earlier ones are computed, the same each time."""

    def __init__(self, seed: str, founded_ms: int, start_ticks: int) -> None:
        self.found(founded_ms)
        self.minutes: dict[int, Candle] = {}
        self._past: dict[tuple[int, int], Candle] = {}
        self._start = start_ticks
        self._seed = seed
        dice = random.Random(f"{seed}:path")
        periods = (7, 31, 180, 1440, 14_400)  # minutes
        sizes = (0.0004, 0.001, 0.003, 0.012, 0.05)
        self._waves = [(size, 2 * math.pi / period, dice.uniform(0, 2 * math.pi)) for size, period in zip(sizes, periods)]

    def found(self, founded_ms: int) -> None:
        """Say when the market began: what was before is computed."""
        self.founded_ms = founded_ms - founded_ms % MINUTE_MS

    def trade(self, time_ms: int, ticks: int, lots: int, side: int, trade_id: int) -> None:
        """Take in a trade; `side` is the taker's."""
        start = time_ms - time_ms % MINUTE_MS
        bought = lots if side > 0 else 0
        one = Candle(start, ticks, ticks, ticks, ticks, lots, ticks * lots, 1, bought, ticks * bought, trade_id, trade_id)
        if (candle := self.minutes.get(start)) is None:
            self.minutes[start] = one
        else:
            candle.add(one)

    def between(self, interval_ms: int, start_ms: int, end_ms: int) -> list[Candle]:
        """Return the bars that begin in [start_ms, end_ms], also those without a trade."""
        first = -(-start_ms // interval_ms) * interval_ms
        return [self.at(interval_ms, start) for start in range(first, end_ms + 1, interval_ms)]

    def at(self, interval_ms: int, start_ms: int) -> Candle:
        """Return one bar. Bars of more than four hours before the foundation are made of 48 pieces, not of minutes."""
        past = start_ms + interval_ms <= self.founded_ms
        if past and (kept := self._past.get((interval_ms, start_ms))) is not None:
            return replace(kept)
        step = MINUTE_MS
        if interval_ms > 4 * 3_600_000 and past:
            step = interval_ms // 48
        whole: Candle | None = None
        for start in range(start_ms, start_ms + max(step, interval_ms), step):
            if whole is not None and start >= self.founded_ms and start not in self.minutes:
                continue
            one = self._piece(start, step)
            if whole is None:
                whole = one
            else:
                whole.add(one)
        assert whole is not None
        if past:
            self._past[interval_ms, start_ms] = replace(whole)
        return whole

    def _piece(self, start_ms: int, step_ms: int) -> Candle:
        found = self.minutes.get(start_ms)
        if found is not None:
            return replace(found)
        if start_ms >= self.founded_ms:
            before = max((start for start in self.minutes if start < start_ms), default=None) if self.minutes else None
            close = self._start if before is None else self.minutes[before].close
            return Candle(start_ms, close, close, close, close)
        opened, closed = self._path(start_ms), self._path(start_ms + step_ms)
        dice = random.Random(f"{self._seed}:{start_ms}:{step_ms}")
        high, low = max(opened, closed), min(opened, closed)
        high, low = high + int(high * 0.0002 * dice.random()), max(1, low - int(low * 0.0002 * dice.random()))
        lots = (1 + int(dice.expovariate(1 / 400_000))) * step_ms // MINUTE_MS + 1
        bought = int(lots * dice.random())
        middle = (high + low) // 2
        return Candle(start_ms, opened, high, low, closed, lots, lots * middle, 1 + lots // 9_000, bought, bought * middle)

    def _path(self, time_ms: int) -> int:
        minute, end = time_ms / MINUTE_MS, self.founded_ms / MINUTE_MS
        log = sum(size * (math.sin(speed * minute + phase) - math.sin(speed * end + phase)) for size, speed, phase in self._waves)
        return max(1, round(self._start * math.exp(log)))
