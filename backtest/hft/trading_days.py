"""The trading days of a run's instruments, as the native engine wants them told."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, day_of, day_start
from gcg_quant.errors import InstrumentError
from gcg_quant.instruments import Instrument

__all__ = ["trading_days"]

Times = np.ndarray[Any, np.dtype[np.int64]]
_LONGEST = (946_684_800_000_000_000, 2_208_988_800_000_000_000)  # 2000 to 2040


def trading_days(
    instrument: Instrument, span_ns: tuple[int, int] | None, *, sessions: bool
) -> tuple[list[int], list[int], list[int]] | None:
    """Return when trading days begin, when orders for the day end, and the days YYYYMMDD; None where both follow the UTC date.

    Days are those of `Instrument.trading_day`. An order for the day ends as on paper: with its trading day where sessions are kept, else
    at midnight of the market's zone.

    Args:
        instrument: whose.
        span_ns: the first and the last event time, None where nobody knows.
        sessions: whether nothing is matched while the market is closed.
    """
    dated = instrument.t_plus_one or instrument.legs
    calendar = _calendar(instrument) if sessions or dated else None  # one of a stock exchange takes a second to load
    if calendar is not None and sessions:
        starts, days = calendar.day_starts()
        return starts.tolist(), calendar.day_closes().tolist(), days.tolist()
    if instrument.timezone == "UTC" and calendar is None:
        return None
    midnights = _midnights(instrument.timezone, span_ns or _LONGEST)
    starts = midnights
    if calendar is not None:
        boundaries = calendar.day_starts()[0]
        starts = np.union1d(midnights, boundaries[(boundaries > midnights[0]) & (boundaries < midnights[-1])])
        days = calendar.trading_days(starts)
    elif instrument.calendar == "24/7":
        days = np.array([day_of(int(one)) for one in midnights])
    else:
        days = np.array([day_of(int(one), instrument.timezone) for one in midnights])
    return starts.tolist(), midnights[1:].tolist(), days.tolist()


def _calendar(instrument: Instrument) -> Calendar | None:
    if instrument.calendar == "24/7":
        return None
    try:
        return Calendar(instrument.calendar)
    except InstrumentError:
        return None


# From before the first moment to behind the last one.
def _midnights(zone: str, span_ns: tuple[int, int]) -> Times:
    found = [day_start(day_of(span_ns[0], zone), zone)]
    while found[-1] <= span_ns[1] + NS_PER_DAY:
        found.append(day_start(day_of(found[-1] + NS_PER_DAY + NS_PER_DAY // 2, zone), zone))
    return np.array(found, np.int64)
