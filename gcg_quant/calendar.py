"""Trading calendars: when a market is open, and which trading day a moment belongs to.

"24/7" is always open; "FX" is the currencies' week, Sunday to Friday 17:00 in New York. Stock exchanges and CME ("XSHG", "XHKG", "XNYS",
"CMES", "24/5" ...) come from the exchange_calendars library, which is loaded when the first question is asked. China's futures exchanges
have day and night sessions: "SHFE" or, where products differ, "SHFE.au". A night session belongs to the next trading day.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from gcg_quant.clock import NS_PER_HOUR, day_of, day_start
from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.session_table import SessionTable, Times, check_name, session_table

__all__ = ["ALIGNMENTS", "Align", "Calendar"]

Align: TypeAlias = Literal["clock", "session", "day"]
ALIGNMENTS: tuple[str, ...] = get_args(Align)


class Calendar:
    """The calendar of one market; cheap to make, loaded at the first question. Any thread may ask.

    Its name may say how bars within the day are aligned, "XSHG:session" (see `gcg_quant.bar_grid`); that changes nothing else.
    Beyond the last day that is known (about a year ahead) Monday to Friday count as trading days with the last known hours.
    """

    def __init__(self, name: str = "24/7") -> None:
        """Raise InstrumentError, with the nearest known name, if there is no such calendar or alignment."""
        self.name = name
        self._market, _, align = name.partition(":")
        if align not in ("", *ALIGNMENTS):
            raise InstrumentError(
                f"The calendar {name!r} aligns bars to {align!r}; known are {', '.join(ALIGNMENTS)}.{nearest(align, ALIGNMENTS)}",
                calendar=name,
            )
        self.align: Align = align if align and self._market != "24/7" else "clock"  # type: ignore[assignment]
        check_name(self._market)

    def __repr__(self) -> str:
        return f"Calendar({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def market(self) -> str:
        """The name without the alignment."""
        return self._market

    @property
    def _table(self) -> SessionTable:
        return session_table(self._market)

    @property
    def timezone(self) -> str:
        """The market's time zone."""
        return self._table.timezone

    def is_open(self, ns: int) -> bool:
        """Return whether the market trades at this moment (the moment of the close is closed)."""
        table = self._table
        row = int(np.searchsorted(table.segment_opens, ns, "right")) - 1
        return row >= 0 and ns < int(table.segment_closes[row])

    def next_open(self, ns: int) -> int | None:
        """Return the first opening (also after a break) later than `ns`; None if the calendar knows of none."""
        return _first_after(self._table.segment_opens, ns)

    def next_close(self, ns: int) -> int | None:
        """Return the first closing (also for a break) later than `ns`; None if the calendar knows of none ("24/7")."""
        table = self._table
        return None if self._market == "24/7" else _first_after(table.segment_closes, ns)

    def day_close(self, ns: int) -> int | None:
        """Return when the first trading day that closes later than `ns` closes; None if the calendar knows of none ("24/7")."""
        return None if self._market == "24/7" else _first_after(self._table.closes, ns)

    def segments(self) -> tuple[Times, Times]:
        """Return when the market opens and closes, all that is known, in order; a break ends one segment and begins the next."""
        table = self._table
        apart = table.segment_opens[1:] > table.segment_closes[:-1]  # round the clock one day goes over into the next
        return table.segment_opens[np.append(True, apart)], table.segment_closes[np.append(apart, True)]

    def trading_day(self, ns: int) -> int:
        """Return the trading day YYYYMMDD that a moment belongs to.

        Until midnight after the close it is the day that closed, then the next one; the evening before a night session already
        belongs to the day that session belongs to. Before the calendar begins it is the local date.
        """
        table = self._table
        row = int(np.searchsorted(table.boundaries, ns, "right")) - 1
        return int(table.days[row]) if row >= 0 else day_of(ns, table.timezone)

    def trading_days(self, ns: Times) -> Times:
        """Return the trading day of each of many moments."""
        table = self._table
        rows = np.searchsorted(table.boundaries, ns, "right") - 1
        days = table.days[np.maximum(rows, 0)]
        for early in np.flatnonzero(rows < 0):
            days[early] = day_of(int(ns[early]), table.timezone)
        return days

    def day_starts(self) -> tuple[Times, Times]:
        """Return when each trading day begins, all that is known, in order, and what day YYYYMMDD it is; each lasts until the next."""
        table = self._table
        return table.boundaries, table.days

    def day_closes(self) -> Times:
        """Return when each trading day closes, all that is known, in order."""
        return self._table.closes

    def is_trading_day(self, day: int) -> bool:
        """Return whether the market trades on this day YYYYMMDD."""
        table = self._table
        row = int(np.searchsorted(table.days, day))
        return row < len(table.days) and int(table.days[row]) == day

    def sessions(self, day: int) -> list[tuple[int, int]]:
        """Return the (open, close) times of a trading day's sessions, its night session first; [] if the market is closed."""
        if self._market == "24/7":
            return [self.bounds(day)]
        if not self.is_trading_day(day):
            return []
        table = self._table
        row = int(np.searchsorted(table.days, day))
        first = int(np.searchsorted(table.segment_opens, table.opens[row], "left"))
        last = int(np.searchsorted(table.segment_opens, table.closes[row], "left"))
        return [(int(table.segment_opens[i]), int(table.segment_closes[i])) for i in range(first, last)]

    def bounds(self, day: int) -> tuple[int, int]:
        """Return when a trading day begins and ends, for daily bars: its calendar day, stretched by its night session.

        A day on which the market is closed has the bounds of its calendar day.
        """
        table = self._table
        midnight = day_start(day, table.timezone)
        next_midnight = day_start(day_of(midnight + 36 * NS_PER_HOUR, table.timezone), table.timezone)
        if not self.is_trading_day(day):
            return midnight, next_midnight
        row = int(np.searchsorted(table.days, day))
        start = min(int(table.opens[row]), midnight)
        end = max(int(table.closes[row]), next_midnight)
        if row + 1 < len(table.boundaries):
            end = min(end, int(table.boundaries[row + 1]))
        return max(start, int(table.boundaries[row])), end


def _first_after(times: Times, ns: int) -> int | None:
    row = int(np.searchsorted(times, ns, "right"))
    return int(times[row]) if row < len(times) else None
