"""The stored history of a process: a database of its own connection, closed with the process."""

from __future__ import annotations

from typing import Any

from gcg_quant.clock import from_iso
from gcg_quant.enumerations import BarBasis
from gcg_quant.history import RecordArray
from gcg_quant.replay_mark import played_ns, replay_mark_path
from gcg_quant.settings import Settings

from ...data_storage.reading.history import DatabaseHistory
from ...data_storage.sql.database import Database

__all__ = ["PlayedHistory", "StoredHistory"]

_NEVER = (1 << 63) - 1


class StoredHistory(DatabaseHistory):
    """A `DatabaseHistory` that owns its database."""

    def __init__(self, settings: Settings) -> None:
        self._own = Database(settings.database.url, home=settings.home, patient=True)
        super().__init__(self._own)

    def close(self) -> None:
        """Close the database."""
        self._own.close()


class PlayedHistory(StoredHistory):
    """What is stored from before a replay and what it has played since: nobody may see of a symbol what has not been played yet."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._mark = replay_mark_path(settings.bus_path)
        self._ranges: dict[str, tuple[int, int]] = {}  # by symbol: where its replay begins and ends
        for one in settings.replay.data:
            begin_ns = from_iso(one.start, "UTC") if one.start else 0
            end_ns = from_iso(one.end, "UTC") if one.end else _NEVER
            begin, end = self._ranges.get(one.symbol, (begin_ns, end_ns))
            self._ranges[one.symbol] = min(begin, begin_ns), max(end, end_ns)

    def bars(self, symbol: str, period: str, *, end_ns: int | None = None, basis: BarBasis = BarBasis.LAST, **others: Any) -> RecordArray:
        """Return bars that end before the replay begins, and those that it has played; see `History`."""
        return super().bars(symbol, period, end_ns=self._until(symbol, end_ns), basis=basis, **others)

    def ticks(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return ticks from before the replay and those played; see `History`."""
        return super().ticks(symbol, end_ns=self._until(symbol, end_ns), **others)

    def trades(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return trades from before the replay and those played; see `History`."""
        return super().trades(symbol, end_ns=self._until(symbol, end_ns), **others)

    def depth(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return order books from before the replay and those played; see `DatabaseHistory`."""
        return super().depth(symbol, end_ns=self._until(symbol, end_ns), **others)

    def book_deltas(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return order book changes from before the replay and those played; see `DatabaseHistory`."""
        return super().book_deltas(symbol, end_ns=self._until(symbol, end_ns), **others)

    def _now_ns(self, symbol: str) -> int | None:
        return self._until(symbol, None)

    def _until(self, symbol: str, end_ns: int | None) -> int | None:
        found = self._ranges.get(symbol) or self._ranges.get(symbol.rpartition("@")[0])
        if found is None:
            return end_ns
        begin, end = found
        until = max(begin, min(played_ns(self._mark), end))
        return until if end_ns is None else min(until, end_ns)
