"""Bars from before a served model's first one: stored ones, and those that the journal has and the store not yet, or never."""

from __future__ import annotations

import numpy as np

from gcg_quant.bars import resample
from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.history import History, RecordArray
from gcg_quant.periods import period_ns

from ..strategy.bar_book import base_period
from ..strategy.bar_series import join_bars, no_bars

__all__ = ["PastBars"]

_MANY = 8  # lengths of the wanted bars that are looked through where nothing is stored: markets are closed at times
_MOST_ROWS = 10_000_000


class PastBars:
    """The past of one instrument's bars of one period and basis. One thread.

    Args:
        bus: its journal is read.
        history: the store, if there is one.
        bar: one of the instrument.
        period: of the bars.
        basis: of their prices.
        made: the periods of the bars on the bus.
        calendar: of the instrument, where its bars follow sessions.
        event_time: the journal's own times say nothing of those of its bars: it is a replay.
    """

    def __init__(
        self,
        bus: EventBus,
        history: History | None,
        bar: Bar,
        period: str,
        basis: BarBasis,
        *,
        made: tuple[str, ...],
        calendar: Calendar | None,
        event_time: bool,
    ) -> None:
        self._bus = bus
        self._history = history
        self._symbol, self._venue, self._number = bar.symbol, bar.venue, bar.instrument
        self._period = period
        self._basis = basis
        self._base = base_period(period, made)
        self._calendar = calendar
        self._event_time = event_time

    def read(self, start_ns: int | None, end_ns: int, limit: int | None) -> RecordArray:
        """Return the closed bars that start at or after `start_ns` and end by `end_ns`, oldest first; the newest `limit` of them."""
        stored = self._of_history(start_ns, end_ns, limit)
        since_ns = int(stored["event_ns"][-1]) if len(stored) else start_ns
        bars = join_bars(stored, self._of_journal(since_ns, end_ns, limit))
        return bars[len(bars) - min(limit, len(bars)) :] if limit is not None else bars

    def _of_history(self, start_ns: int | None, end_ns: int, limit: int | None) -> RecordArray:
        if self._history is None:
            return no_bars()
        ask = self._history.bars
        try:
            rows = ask(self._symbol, self._period, venue=self._venue, start_ns=start_ns, end_ns=end_ns, limit=limit, basis=self._basis)
        except InstrumentError:  # nothing is stored of it
            return no_bars()
        return join_bars(no_bars(), rows[rows["event_ns"] <= end_ns])

    def _of_journal(self, since_ns: int | None, end_ns: int, limit: int | None) -> RecordArray:
        symbol = f"{self._symbol}@{self._venue}" if self._venue else self._symbol
        with self._bus.reader(start="begin") as reader:
            reader.add_rule((Bar,), (symbol,), None, True)
            if not self._event_time:  # a bar is published when it has ended, or later
                far_ns = end_ns - _MANY * limit * period_ns(self._period) if limit else 0
                reader.seek_time(far_ns if since_ns is None else since_ns)
            found = reader.read_array(Bar, _MOST_ROWS)
        found = found[found["instrument"] == self._number]
        kept = (found["period"] == self._base.encode()) & (found["basis"] == int(self._basis)) & (found["event_ns"] <= end_ns)
        if since_ns is not None:
            kept &= found["start_ns"] >= since_ns
        rows = _plain(found[kept])
        if self._base != self._period and len(rows):
            begin_ns = int(rows["start_ns"][0])  # an interval that began before it is not whole
            rows = resample(rows, self._period, self._calendar)
            rows = rows[(rows["event_ns"] <= end_ns) & (rows["start_ns"] >= begin_ns)]
        return rows


def _plain(found: RecordArray) -> RecordArray:
    # In order, each start once: the last revision.
    found = found[np.argsort(found["start_ns"], kind="stable")]
    found = found[np.append(found["start_ns"][1:] != found["start_ns"][:-1], True)[: len(found)]]
    rows = np.zeros(len(found), Bar.dtype)
    for name in Bar.dtype.names or ():
        rows[name] = found[name]
    return rows
