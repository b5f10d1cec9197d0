"""Chan theory on several periods at once, of one series of bars: the levels that a strategy looks at together (级别)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np

from gcg_quant.bars import BarAggregator, period_ns
from gcg_quant.calendar import Calendar
from gcg_quant.errors import EventError, StrategyError
from gcg_quant.events import Bar, BarBasis, from_array, record_rows
from gcg_quant.history import RecordArray
from gcg_quant.packing import STATE_ERRORS, pack_state, unpack_state

from .analyzer import ChanAnalyzer

__all__ = ["ChanLevels"]

_VERSION = 1
_NEVER_NS = -(1 << 63)


class ChanLevels(Mapping[str, ChanAnalyzer]):
    """One analyzer a period, each fed with the bars of its period that the bars of one base period make. One thread.

    A level sees a bar when it is complete, never one in the making, so that it says at each moment what it could know. Bars begin and
    end as everywhere in gcg_quant (`gcg_quant.bar_grid`): by the clock, or with a calendar by its trading days and sessions. A bar's
    time is its `start_ns`, by which charts show it. `levels["5m"]` is the analyzer of a period.
    """

    def __init__(self, levels: Mapping[str, Mapping[str, Any]], basis: BarBasis = BarBasis.LAST, calendar: Calendar | None = None) -> None:
        """Take {period: arguments of its ChanAnalyzer}, such as {"5m": {}, "30m": {"variant": "new-loss"}}.

        Raises StrategyError for no level or wrong arguments, EventError for a period that is none.
        """
        if not levels:
            raise StrategyError('Chan levels need a period or more: {"5m": {}, "30m": {}}.')
        self.basis = basis
        self._analyzers = {period: ChanAnalyzer(**arguments) for period, arguments in levels.items()}
        self._makers = {period: BarAggregator(period, basis, calendar) for period in levels}
        self._shortest = min(levels, key=period_ns)
        self._last_ns = _NEVER_NS

    def __getitem__(self, period: str) -> ChanAnalyzer:
        """Return the analyzer of a period."""
        return self._analyzers[period]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the periods."""
        return iter(self._analyzers)

    def __len__(self) -> int:
        """Return the number of periods."""
        return len(self._analyzers)

    def update(self, bar: Bar) -> dict[str, int]:
        """Take the next bar of the base period and return {period: flags (`Change`)} of the levels that got a bar by it.

        Raises EventError, and nothing has changed, for a bar of another basis, of a period longer than a level's, that is not after
        the one before, or whose prices cannot be.
        """
        self._check(bar, self._last_ns)
        return self._update(bar)

    def extend(self, bars: RecordArray) -> None:
        """Take many bars (an array of Bar.dtype), the same as one by one; all, or none and EventError if one of them cannot be."""
        found = record_rows(bars)
        if found is None or found[0] is not Bar:
            raise EventError("Chan levels take an array of bars (Bar.dtype).")
        events: list[Bar] = from_array(bars, "", "")
        last_ns = self._last_ns
        for bar in events:
            self._check(bar, last_ns)
            last_ns = bar.start_ns
        for bar in events:
            self._update(bar)

    def advance(self, now_ns: int) -> dict[str, int]:
        """Complete the bars that have ended by now, where the market is quiet; return what changed, as `update` does."""
        return self._take({period: maker.advance(now_ns) for period, maker in self._makers.items()})

    def save(self) -> bytes:
        """Return all that the next bar meets as bytes, which `restore` takes."""
        levels = {period: [maker.state, self._analyzers[period].save()] for period, maker in self._makers.items()}
        data = pack_state([_VERSION, int(self.basis), self._last_ns, levels])
        return zlib.crc32(data).to_bytes(4, "little") + data

    @classmethod
    def restore(cls, data: bytes, calendar: Calendar | None = None) -> Self:
        """Return the levels that `save()` made these bytes of, with the same calendar.

        Raises StrategyError for bytes that `save()` did not make, or that are damaged.
        """
        if len(data) < 4 or zlib.crc32(data[4:]).to_bytes(4, "little") != data[:4]:
            raise StrategyError("This is no saved state of Chan levels, or it is damaged: feed the bars again from the start.")
        try:
            version, basis, last_ns, levels = unpack_state(data[4:])
            if version != _VERSION:
                raise ValueError(f"it has version {version}, and this program reads version {_VERSION}")
            made = cls({period: {} for period in levels}, BarBasis(basis), calendar)
            made._last_ns = last_ns
            for period, (state, analyzer) in levels.items():
                made._makers[period].state = state
                made._analyzers[period] = ChanAnalyzer.restore(analyzer)
        except STATE_ERRORS as error:
            raise StrategyError(f"A saved state of Chan levels cannot be used: {error}; feed the bars again from the start.") from error
        return made

    def _update(self, bar: Bar) -> dict[str, int]:
        self._last_ns = bar.start_ns
        return self._take({period: maker.update(bar) for period, maker in self._makers.items()})

    def _check(self, bar: Bar, last_ns: int) -> None:
        if bar.basis != self.basis:
            raise EventError(f"These Chan levels are of {self.basis.name} prices, and the bar is of {bar.basis.name}: feed one basis.")
        if period_ns(bar.period) > period_ns(self._shortest):
            raise EventError(f"A bar of {bar.period} cannot be part of a bar of {self._shortest}: feed shorter bars.")
        if bar.start_ns <= last_ns:
            raise EventError("A bar is not after the bar before it: feed each bar once, sorted by time.", start_ns=bar.start_ns)
        if not (np.isfinite([bar.high, bar.low, bar.close]).all() and bar.high >= bar.low):
            raise EventError("A bar has a price that is no finite number, or a high below its low: leave it out, or look at its source.")

    def _take(self, finished: Mapping[str, list[Bar]]) -> dict[str, int]:
        changed: dict[str, int] = {}
        for period, bars in finished.items():
            for bar in bars:
                flags = self._analyzers[period].bar(bar.start_ns, bar.high, bar.low, bar.close)
                changed[period] = changed.get(period, 0) | flags
        return changed
