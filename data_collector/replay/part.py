"""One symbol of a replay: what is stored of it, as events in their order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import ComponentError
from gcg_quant.events import BarBasis, MarketDataEvent, from_array

from ..blank import RecordArray

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["ReplayPart", "merged"]

_TICKS = "tick"
_ROWS = 10_000  # made into events at a time


class ReplayPart:
    """One symbol of a replay: `period` of its bars, or "tick"; from `start_ns` on, up to and including `end_ns`."""

    def __init__(self, symbol: str, venue: str, period: str, start_ns: int | None, end_ns: int | None) -> None:
        self.symbol, self.venue, self.period = symbol, venue, period
        self.start_ns, self.end_ns = start_ns, end_ns

    def events(self, history: History) -> Iterator[MarketDataEvent]:
        """Return its records in order; of bid and ask bars both.

        They are read at once, and made into events as they are asked for.

        Raises:
            ComponentError: there are none. InstrumentError: an unknown symbol, or several venues.
        """
        chosen: dict[str, Any] = {"venue": self.venue or None, "start_ns": self.start_ns, "end_ns": self.end_ns}
        if self.period == _TICKS:
            stored = [history.ticks(self.symbol, **chosen)]
        else:
            stored = [history.bars(self.symbol, self.period, basis=basis, **chosen) for basis in BarBasis]
        if not any(map(len, stored)):
            raise ComponentError(
                f"There are no stored {self.period} records of {self.symbol} in that range to replay: import them first, and check the "
                "dates of [[replay.data]].",
                symbol=self.symbol,
            )
        return merged(map(self._each, stored))

    def _each(self, rows: RecordArray) -> Iterator[MarketDataEvent]:
        for at in range(0, len(rows), _ROWS):
            yield from from_array(rows[at : at + _ROWS], self.symbol, self.venue)


def merged(streams: Iterable[Iterator[MarketDataEvent]]) -> Iterator[MarketDataEvent]:
    """Return the events of several streams in the order of their times."""
    return heapq.merge(*streams, key=lambda event: event.event_ns)
