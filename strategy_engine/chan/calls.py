"""What Chan's points say to do, bar by bar: the decisions of `ChanStrategy`, for any class that trades on them."""

from __future__ import annotations

from math import isnan, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, BarBasis, Side, from_array
from gcg_quant.periods import period_ns

from .analyzer import ChanAnalyzer
from .levels import ChanLevels

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar
    from gcg_quant.history import RecordArray

__all__ = ["STOPS", "ChanCall", "ChanCalls", "ChanRules"]

STOPS = ("stroke", "atr", "none")
_RANGE_BARS = 14  # of the average true range, as Wilder's


class ChanRules(msgspec.Struct, frozen=True, kw_only=True):
    """Which points count, and what a trade on them looks like; see `ChanStrategy`.

    Args:
        kinds: of points, some of "1", "2", "3", as one text.
        above: a longer period whose last stroke must run a point's way; "" asks none.
        stop: "stroke", "atr" or "none". `atr`: how many average true ranges away an "atr" stop is.
        variant, divergence, ratio, trend_pivots: of the analyzers.

    Raises:
        StrategyError: from `check()`, naming what makes no sense.
    """

    kinds: str = "123"
    above: str = ""
    stop: str = "stroke"
    atr: float = 3.0
    variant: str = "old-strict"
    divergence: str = "area"
    ratio: float = 1.0
    trend_pivots: int = 2

    def check(self, period: str) -> ChanRules:
        """Return the rules for bars of a period; raise StrategyError if they make no sense there."""
        if not self.kinds or set(self.kinds) - set("123"):
            raise StrategyError(f"kinds is made of the digits 1, 2 and 3, such as '23', not {self.kinds!r}.", kinds=self.kinds)
        if self.stop not in STOPS:
            raise StrategyError(f"stop is one of {', '.join(STOPS)}, not {self.stop!r}.", stop=self.stop)
        if self.above and period_ns(self.above) <= period_ns(period):
            raise StrategyError(f"above must be longer than the period {period}, not {self.above!r}.", above=self.above)
        ChanAnalyzer(**self.analyzer)
        return self

    @property
    def analyzer(self) -> dict[str, Any]:
        """The arguments of an analyzer."""
        return {name: getattr(self, name) for name in ("variant", "divergence", "ratio", "trend_pivots")}


class ChanCall(NamedTuple):
    """A point that has just been confirmed, and what it says.

    `side` is BUY or SELL, `price` the point's, `time_ns` the start of its bar, `agrees` whether the longer period does, and `stop` the
    price at which a position that is opened on it is wrong (NaN: there is none).
    """

    kind: str
    side: Side
    price: float
    time_ns: int
    agrees: bool
    stop: float


class ChanCalls:
    """Follows one series of bars and tells the points as they are confirmed, each once. One thread.

    A point is told at the bar that confirms it: what is told never changes afterwards.
    """

    def __init__(self, rules: ChanRules, basis: BarBasis = BarBasis.LAST, calendar: Calendar | None = None) -> None:
        self.rules = rules
        self.analyzer = ChanAnalyzer(**rules.analyzer)
        self._above = ChanLevels({rules.above: rules.analyzer}, basis, calendar) if rules.above else None
        self._range = self._close = nan

    def update(self, bar: Bar) -> list[ChanCall]:
        """Take the next bar and return the points that it confirms, in their order; a bar that was taken before is passed over.

        Raises EventError for a bar that cannot be, and nothing has changed.
        """
        if self.analyzer.bars and bar.start_ns <= self.analyzer.last_ns:
            return []
        known = self.analyzer.confirmed_count("point")
        self.analyzer.bar(bar.start_ns, bar.high, bar.low, bar.close)
        if self._above is not None:
            self._above.update(bar)
        reach = max(bar.high, self._close) - min(bar.low, self._close) if not isnan(self._close) else bar.high - bar.low
        self._range = reach if isnan(self._range) else self._range + (reach - self._range) / _RANGE_BARS
        self._close = bar.close
        rows = self.analyzer.since("point", known)
        return [self._call(row) for row in rows[rows["confirmed"] >= 0] if row["kind"][1:].decode() in self.rules.kinds]

    def extend(self, bars: RecordArray) -> None:
        """Take the bars of a history (an array of Bar.dtype), the same as one by one; their points are past."""
        for bar in from_array(bars, "", ""):
            self.update(bar)

    def _call(self, row: Any) -> ChanCall:
        kind = row["kind"].decode()
        side, price = (Side.BUY if kind[0] == "B" else Side.SELL), float(row["price"])
        away = self.rules.atr * self._range
        stop = {"stroke": price, "atr": self._close - away if side == Side.BUY else self._close + away, "none": nan}[self.rules.stop]
        return ChanCall(kind, side, price, int(row["time_ns"]), self._agrees(side), stop)

    def _agrees(self, side: Side) -> bool:
        if self._above is None:
            return True
        stroke = self._above[self.rules.above].latest("stroke")
        return stroke is not None and bool(stroke["up"]) == (side == Side.BUY)
