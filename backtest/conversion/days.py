"""Times between nanoseconds (ours) and Backtrader's float days, bit for bit as Backtrader converts them itself.

Backtrader keeps a time as days since 0001-01-01 plus one, the correctly rounded sum of five terms (day, hour, minute, second,
microsecond). Dividing nanoseconds by a day's length gives another last bit for about one microsecond stamp in a hundred, so the five
terms are made here too. Nanoseconds below a microsecond are dropped, as pandas does on the way to a `datetime`.
"""

from __future__ import annotations

from math import fsum

import numpy as np
from backtrader.utils.dateintern import num2date
from numpy.typing import NDArray

from gcg_quant._native import fast_days

__all__ = ["days_from_ns", "ns_from_days", "one_day_from_ns"]

EPOCH_ORDINAL = 719_163  # datetime.date(1970, 1, 1).toordinal()
DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
SECOND_US = 1_000_000


def days_from_ns(times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return Backtrader's float days of UTC nanoseconds; each equals `bt.date2num` of the same naive UTC datetime."""
    days = np.empty(len(times_ns), np.float64)
    fast_days(np.asarray(times_ns, dtype=np.int64) // 1000, days)
    return days


def one_day_from_ns(time_ns: int) -> float:
    """Return Backtrader's float days of one UTC time in nanoseconds."""
    day, rest = divmod(time_ns // 1000, DAY_US)
    hour, rest = divmod(rest, HOUR_US)
    minute, rest = divmod(rest, MINUTE_US)
    second, micro = divmod(rest, SECOND_US)
    return fsum((float(day + EPOCH_ORDINAL), hour / 24.0, minute / 1440.0, second / 86400.0, micro / 8.64e10))


def ns_from_days(days: float) -> int:
    """Return the UTC nanoseconds of Backtrader's float days, to its own precision of about 10 microseconds."""
    moment = num2date(days)
    whole = (moment.toordinal() - EPOCH_ORDINAL) * DAY_US
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return int(whole + seconds * SECOND_US + moment.microsecond) * 1000
