"""The small bus on which one of our classes lives while it runs under Backtrader."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, StrategyStatusEvent, World
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of
from gcg_quant.periods import period_ns

from .days import ns_from_days
from .facts import bounds_of, place_of
from .timeframes import period_of

if TYPE_CHECKING:
    from .bars import BarArray

__all__ = ["HostedWorld"]

VENUE = "BT"
FIELDS = ("open", "high", "low", "close", "volume")


class HostedWorld:
    """A bus, a history and instruments for the feeds of a cerebro.

    Args:
        datas: the feeds.
        instruments: the terms of their symbols, as far as they are known.
    """

    def __init__(self, datas: Sequence[Any], instruments: Sequence[Instrument]) -> None:
        folder = tempfile.mkdtemp(prefix="gcg_quant-")
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)  # also where the run was never stopped
        self.bus = EventBus(Path(folder) / "bus", world=World.BACKTEST, source="backtrader", sync="none", page_mb=1)
        self.history = MemoryHistory()
        self.periods = [_period(data) for data in datas]
        known = {one.symbol: one for one in instruments}
        self.places: list[tuple[str, str]] = []
        for data in datas:
            symbol, venue = place_of(data)
            terms = known.get(symbol) or preset(market_of(symbol), symbol, venue or VENUE)
            self.bus.instruments.add(terms)
            self.places.append((terms.symbol, terms.venue))
        self._errors = self.bus.reader(start="begin", events=[StrategyStatusEvent])

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols of the feeds, each once."""
        return tuple(dict.fromkeys(f"{symbol}@{venue}" for symbol, venue in self.places))

    def show(self, at: int, data: Any, seen: int) -> None:
        """Publish the bar that a feed shows; those that it has had before and nobody has seen become history."""
        symbol, venue = self.places[at]
        before = len(data) - 1 - seen
        if before > 0:
            self.history.add_bars(symbol, venue, self._rows(at, data, before))
        start_ns, end_ns = bounds_of(data)
        if start_ns == end_ns:  # a feed that tells one time of a bar: its start, as data files do
            end_ns = start_ns + period_ns(self.periods[at])
        prices: dict[str, Any] = {name: float(getattr(data, name)[0]) for name in FIELDS}
        self.bus.publish(
            Bar(symbol=symbol, venue=venue, period=self.periods[at], start_ns=start_ns, end_ns=end_ns, recv_ns=end_ns, **prices), cause=0
        )

    def last_error(self) -> str:
        """Return what the manager said last of a failed strategy, "" if nothing."""
        return self._told

    def close(self) -> None:
        """Remove everything."""
        if self.bus.closed:
            return
        told = [event.error for event in self._errors if isinstance(event, StrategyStatusEvent) and event.error]
        self._told = told[-1] if told else ""
        self._errors.close()
        self.bus.close()
        self._remove()

    _told = ""

    def _rows(self, at: int, data: Any, count: int) -> BarArray:
        rows = np.zeros(count, Bar.dtype)
        for name in FIELDS:
            rows[name] = [getattr(data, name)[-back] for back in range(count, 0, -1)]
        rows["open_interest"] = np.nan
        rows["start_ns"] = [ns_from_days(data.datetime[-back]) for back in range(count, 0, -1)]
        rows["event_ns"] = rows["recv_ns"] = rows["start_ns"] + period_ns(self.periods[at])
        rows["period"] = self.periods[at].encode()
        return rows


def _period(data: Any) -> str:
    own = getattr(data.p, "period", None)
    return own if isinstance(own, str) else period_of(data._timeframe, data._compression)
