"""A recorded journal's market data on a backtest's own bus, laid down between the orders it led to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.events import Bar, BookDelta, Depth, Record, Tick, TradeTick

from ..history.bars import basis_of_rows

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["JournalTape"]

MARKET = (Tick, TradeTick, Depth, BookDelta, Bar)
BATCH = 2_000


class JournalTape:
    """Publishes what a journal tells of some symbols, in its own order, as far as the run has come. One thread.

    A run has come as far as the bar that its strategy sees: all that the journal holds up to that bar, ticks and books included, is what
    a paper gateway would have seen. History that was filled in is left out, as a paper gateway passes it over.

    Args:
        bus: the run's own bus.
        recorded: the journal.
        places: (symbol, venue) of each feed.
        period: of the bars that the strategy sees.
        owned: the journal is closed with the tape.
    """

    def __init__(self, bus: EventBus, recorded: EventBus, places: Sequence[tuple[str, str]], period: str, *, owned: bool = False) -> None:
        self._bus = bus
        self._owned = recorded if owned else None
        names = [f"{symbol}@{venue}" if venue else symbol for symbol, venue in places]
        self._ends, self._ids = _seen_bars(recorded, names, period)
        self._reader = recorded.reader(start="begin", events=MARKET, symbols=names, backfill=False)
        self._events = self._read()
        self._next: Record | None = next(self._events, None)
        self.last_id = 0

    def forward(self, time_ns: int | None = None) -> None:
        """Publish what the journal holds up to its last bar that ends at `time_ns` or before (None: all that is left)."""
        before = None
        if time_ns is not None:
            count = int(np.searchsorted(self._ends, time_ns, side="right"))
            if not count:
                return
            before = int(self._ids[count - 1])
        batch: list[Record] = []
        while self._next is not None and (before is None or self._next.id <= before):
            batch.append(self._next)
            self._next = next(self._events, None)
            if len(batch) == BATCH:
                self._publish(batch)
                batch = []
        if batch:
            self._publish(batch)

    def close(self) -> None:
        """Leave the journal."""
        self._reader.close()
        if self._owned is not None:
            self._owned.close()

    def _publish(self, batch: list[Record]) -> None:
        self.last_id = self._bus.publish_many(batch, cause=0)[-1]

    def _read(self) -> Iterator[Record]:
        while events := self._reader.read_many(BATCH, 0.0):
            yield from events  # type: ignore[misc]  # market data only


# Where each bar that a feed shows was published, by its end; of two with one start the first counts, as for the feed. The ids are made
# to rise: a run that has come to a bar has also come to what was published before an earlier one.
def _seen_bars(recorded: EventBus, names: Sequence[str], period: str) -> tuple[Any, Any]:
    ends: list[Any] = []
    ids: list[Any] = []
    for name in names:
        with recorded.reader(start="begin", events=[Bar], symbols=[name], backfill=False) as reader:
            parts = [reader.read_array(Bar)]
            while len(parts[-1]):
                parts.append(reader.read_array(Bar))
        rows = np.concatenate(parts)
        rows = rows[rows["period"] == period.encode()]
        rows = rows[rows["basis"] == int(basis_of_rows(rows))]
        _, first = np.unique(rows["start_ns"], return_index=True)
        ends.append(rows["event_ns"][first])
        ids.append(rows["id"][first])
    end, number = np.concatenate(ends), np.concatenate(ids)
    order = np.argsort(end, kind="stable")
    return end[order], np.maximum.accumulate(number[order])
