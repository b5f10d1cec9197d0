"""The stored history of a process: a database of its own connection, closed with the process."""

from __future__ import annotations

from typing import Any

from gcg_quant.clock import from_iso
from gcg_quant.enumerations import BarBasis
from gcg_quant.history import RecordArray
from gcg_quant.settings import Settings

from ...data_storage.reading.history import DatabaseHistory
from ...data_storage.sql.database import Database

__all__ = ["HistoryBeforeReplay", "StoredHistory"]


class StoredHistory(DatabaseHistory):
    """A `DatabaseHistory` that owns its database."""

    def __init__(self, settings: Settings) -> None:
        self._own = Database(settings.database.url, home=settings.home, patient=True)
        super().__init__(self._own)

    def close(self) -> None:
        """Close the database."""
        self._own.close()


class HistoryBeforeReplay(StoredHistory):
    """What is stored from before a replay: nobody may see of a symbol that is played what has not been played yet."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._begin_ns: dict[str, int] = {}
        for one in settings.replay.data:
            begin_ns = from_iso(one.start, "UTC") if one.start else 0
            self._begin_ns[one.symbol] = min(begin_ns, self._begin_ns.get(one.symbol, begin_ns))

    def bars(self, symbol: str, period: str, *, end_ns: int | None = None, basis: BarBasis = BarBasis.LAST, **others: Any) -> RecordArray:
        """Return bars that end before the replay begins; see `History`."""
        return super().bars(symbol, period, end_ns=self._until(symbol, end_ns), basis=basis, **others)

    def ticks(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return ticks from before the replay; see `History`."""
        return super().ticks(symbol, end_ns=self._until(symbol, end_ns), **others)

    def trades(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return trades from before the replay; see `History`."""
        return super().trades(symbol, end_ns=self._until(symbol, end_ns), **others)

    def depth(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return order books from before the replay; see `DatabaseHistory`."""
        return super().depth(symbol, end_ns=self._until(symbol, end_ns), **others)

    def book_deltas(self, symbol: str, *, end_ns: int | None = None, **others: Any) -> RecordArray:
        """Return order book changes from before the replay; see `DatabaseHistory`."""
        return super().book_deltas(symbol, end_ns=self._until(symbol, end_ns), **others)

    def _now_ns(self, symbol: str) -> int | None:
        return self._until(symbol, None)

    def _until(self, symbol: str, end_ns: int | None) -> int | None:
        before = self._begin_ns.get(symbol, self._begin_ns.get(symbol.rpartition("@")[0]))
        if before is None:
            return end_ns
        return before if end_ns is None else min(before, end_ns)
