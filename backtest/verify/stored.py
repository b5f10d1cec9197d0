"""Stored history as it was: what a manager was told then is found again, in the journal or in a store, or is not there any more."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.asking import Asking
from gcg_quant.bus import current_cause
from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import Bar

from ...strategy_engine.hosting.diary import StoredRead, digest_of_bars
from ...strategy_engine.strategy.bar_book import BarQuestion
from ..history.bars import BarArray, one_a_start

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = ["JournalBars", "RecordedBars"]

_NO_BARS: BarArray = np.empty(0, Bar.dtype)


class JournalBars(Asking):
    """The bars that a journal holds, filled-in history too, as a History. Ticks and trades are not asked for here: there are none."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._found: dict[str, list[np.ndarray[Any, Any]]] = {}

    def symbols(self) -> list[tuple[str, str]]:
        """Return every (symbol, venue) of the bus."""
        return sorted((one.symbol, one.venue) for one in self._bus.instruments)

    def bars(
        self,
        symbol: str,
        period: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        basis: BarBasis = BarBasis.LAST,
        oldest: bool = False,
    ) -> BarArray:
        """Return bars; see `History`."""
        rows = one_a_start(self._read(f"{symbol}@{venue}" if venue else symbol), period, basis)
        if start_ns is not None:
            rows = rows[rows["start_ns"] >= start_ns]
        if end_ns is not None:
            rows = rows[rows["event_ns"] <= end_ns]
        if limit is not None:
            rows = rows[:limit] if oldest else rows[max(0, len(rows) - limit) :]
        return rows

    def ticks(self, symbol: str, **asked: Any) -> BarArray:
        """Return nothing."""
        return _NO_BARS

    trades = ticks

    def _read(self, name: str) -> list[np.ndarray[Any, Any]]:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = []
            with self._bus.reader(start="begin", events=[Bar], symbols=[name]) as reader:
                while len(rows := reader.read_array(Bar)):
                    found.append(rows)
        return found


class RecordedBars(Asking):
    """Answers a manager's questions as they were answered then.

    Args:
        reads: what was told, each with the id of the event that was being handled.
        sources: where the bars may still be.
        gone: is told, as a sentence, what is not there any more.
    """

    def __init__(self, reads: Iterable[tuple[int, StoredRead]], sources: Iterable[History], gone: Callable[[str], None]) -> None:
        self._reads: defaultdict[tuple[Any, ...], deque[tuple[int, StoredRead]]] = defaultdict(deque)
        for cause, read in reads:
            self._reads[read.question[:4]].append((cause, read))
        self._sources = list(sources)
        self._gone = gone

    def symbols(self) -> list[tuple[str, str]]:
        """Return what may be asked for."""
        return sorted({place for source in self._sources for place in source.symbols()})

    def bars(
        self,
        symbol: str,
        period: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        basis: BarBasis = BarBasis.LAST,
        oldest: bool = False,
    ) -> BarArray:
        """Return the bars that the same question was answered with; none where that was not written down: there were none then."""
        question = BarQuestion(symbol, venue or "", period, basis, start_ns, end_ns, limit)
        waiting = self._reads[question[:4]]
        if not waiting or waiting[0][0] != current_cause() or waiting[0][1].question != question:
            return _NO_BARS
        read = waiting.popleft()[1]
        if not read.count:
            return _NO_BARS
        for source in self._sources:
            rows = self._again(source, read)
            if rows is not None:
                return rows
        what = f"{read.count:,} stored {period} bars of {symbol}@{venue or '?'}"
        self._gone(f"{what} that it was told then are not there any more, or are others: give their store.")
        return _NO_BARS

    def ticks(self, symbol: str, **asked: Any) -> BarArray:
        """Return nothing."""
        return _NO_BARS

    trades = ticks

    def _again(self, source: History, read: StoredRead) -> BarArray | None:
        asked = read.question
        try:
            rows = source.bars(asked.symbol, asked.period, venue=asked.venue or None, start_ns=read.first_ns, basis=BarBasis(asked.basis))
        except GcgQuantError:
            return None
        rows = rows[rows["start_ns"] <= read.last_ns]
        return rows if len(rows) == read.count and digest_of_bars(rows) == read.digest else None
