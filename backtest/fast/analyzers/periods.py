"""When a period of an analyzer's time frame is over: Backtrader's answer, worked out once for all analyzers of one length.

Backtrader takes each bar's time apart for each analyzer. Within one day an analyzer of days, weeks, months or years gets the same answer
at each bar; that of a period within the day is a sum of two times.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import backtrader as bt
from backtrader.analyzer import TimeFrameAnalyzerBase

from ..stock import overridden, shadowed

__all__ = ["Periods"]

Frame = bt.TimeFrame
WHOLE_DAYS = (Frame.Days, Frame.Weeks, Frame.Months, Frame.Years)
WITHIN_DAY = {Frame.Minutes: "minutes", Frame.Seconds: "seconds"}
METHODS = ("_dt_over", "_get_dt_cmpkey", "_get_subday_cmpkey")
NEARLY_A_DAY = 0.999  # a time in a day's last microseconds is rounded into the next one
MIDNIGHT = dt.time()

Key = tuple[Any, Any]  # Backtrader's `dtcmp` and `dtkey`


class Periods:
    """The periods of one strategy's bars.

    Args:
        strategy: in a run; its line of times stands at the bar.
    """

    def __init__(self, strategy: Any) -> None:
        self._times = strategy.datetime
        self._strategy = strategy
        self._keys: dict[tuple[Any, Any], Callable[[], Key]] = {}

    def over(self, analyzer: Any) -> Callable[[], bool]:
        """Return what does as the analyzer's `_dt_over()`."""
        if overridden(type(analyzer), TimeFrameAnalyzerBase, METHODS) or shadowed(analyzer, METHODS):
            return analyzer._dt_over  # type: ignore[no-any-return]
        if analyzer.strategy is not self._strategy or analyzer.timeframe == Frame.NoTimeFrame:
            return analyzer._dt_over  # type: ignore[no-any-return]
        length = (analyzer.timeframe, analyzer.compression)
        if length not in self._keys:
            self._keys[length] = _key(self._times, analyzer)
        key = self._keys[length]

        def over() -> bool:
            now, begin = key()
            before = analyzer.dtcmp
            if before is None or now > before:
                analyzer.dtkey, analyzer.dtkey1 = begin, analyzer.dtkey
                analyzer.dtcmp, analyzer.dtcmp1 = now, before
                return True
            return False

        return over


# What returns `analyzer._get_dt_cmpkey(time of the bar)`.
def _key(times: Any, analyzer: Any) -> Callable[[], Key]:
    frame, count, plain = analyzer.timeframe, analyzer.compression, times._tz is None
    if frame in WHOLE_DAYS and plain:
        return _by_day(times, analyzer._get_dt_cmpkey)
    if frame in WITHIN_DAY and type(count) is int and count > 0:
        return _by_bar(times, _within_day(WITHIN_DAY[frame], count))
    return _by_bar(times, analyzer._get_dt_cmpkey)


def _by_bar(times: Any, split: Callable[[dt.datetime], Key]) -> Callable[[], Key]:
    last: float | None = None
    found: Key = (None, None)

    def key() -> Key:
        nonlocal last, found
        number = times[0]
        if number != last:
            found = split(times.datetime())
            last = number
        return found

    return key


def _by_day(times: Any, split: Callable[[dt.datetime], Key]) -> Callable[[], Key]:
    last: int | None = None
    found: Key = (None, None)

    def key() -> Key:
        nonlocal last, found
        number = times[0]
        day = int(number)
        late = number - day >= NEARLY_A_DAY
        if late or day != last:
            found = split(times.datetime())
            last = None if late else day
        return found

    return key


# The last unit (minute, second) of the period that a time is in.
def _within_day(unit: str, count: int) -> Callable[[dt.datetime], Key]:
    lasts: dict[int, dt.timedelta] = {}
    seconds = unit == "seconds"

    def split(time: dt.datetime) -> Key:
        point = time.hour * 60 + time.minute
        if seconds:
            point = point * 60 + time.second
        last = lasts.get(point)
        if last is None:
            last = lasts[point] = dt.timedelta(**{unit: (point // count + 1) * count - 1})
        end = dt.datetime.combine(time.date(), MIDNIGHT) + last
        return end, end

    return split
