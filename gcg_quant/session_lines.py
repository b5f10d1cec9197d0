"""The sessions of a market laid end to end, as bars within the day divide them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.calendar import Align
from gcg_quant.china_hours import forget_with
from gcg_quant.session_table import Times, margins, session_table

__all__ = ["SessionLines", "session_lines"]


class SessionLines(NamedTuple):
    """One row a session: from when and until when prices belong to it, its hours, and what was traded before it, in ns since the first one.

    `base` and `top` are that count at the beginning and the end of what is divided: the session, or all of its trading day.
    """

    begins: Times
    lates: Times
    opens: Times
    closes: Times
    days: Times
    offsets: Times
    bases: Times
    tops: Times
    day_bases: Times

    def rows(self, moments: Times, ends: Times | None) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Return the row of each moment (or of bars, with their `ends`), and whether it belongs to a session at all."""
        row = np.searchsorted(self.begins, moments, "right") - 1
        inside = (row >= 0) & (moments < self.lates[np.maximum(row, 0)])
        if ends is not None:  # a bar that begins outside and goes on into the next session is that one's
            after = np.minimum(row + 1, len(self.opens) - 1)
            reaches = ~inside & (row + 1 < len(self.opens)) & (ends > self.opens[after])
            row, inside = np.where(reaches, after, row), inside | reaches
        return np.maximum(row, 0), inside


@lru_cache(maxsize=64)
def session_lines(market: str, align: Align) -> SessionLines:
    """Return the rows of a market's sessions; known ones cost nothing."""
    table = session_table(market)
    opens, closes = table.segment_opens, table.segment_closes
    begins, lates = margins(market)
    day = np.searchsorted(table.opens, opens, "right") - 1
    lengths = closes - opens
    ends = np.cumsum(lengths)
    offsets = ends - lengths
    first = np.searchsorted(day, day, "left")
    day_bases, day_tops = offsets[first], ends[np.searchsorted(day, day, "right") - 1]
    bases, tops = (day_bases, day_tops) if align == "day" else (offsets, ends)
    return SessionLines(begins, lates, opens, closes, table.days[day], offsets, bases, tops, day_bases)


forget_with(session_lines.cache_clear)
