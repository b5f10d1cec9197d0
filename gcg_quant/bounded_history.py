"""A history that knows what time it is for its caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from gcg_quant.asking import Asking
from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import EventError

if TYPE_CHECKING:
    from gcg_quant.cold_events import CorporateAction
    from gcg_quant.history import History, RecordArray
    from gcg_quant.instruments import Instrument

__all__ = ["BoundedHistory"]


class BoundedHistory(Asking):
    """A `History` whose answers end at a clock: whatever is asked of it, nothing later than `clock()` comes back.

    For whoever must not see the future though the store has it: a backtest, a replay, a check.

    Args:
        history: what is bounded.
        clock: returns the caller's time in nanoseconds; it is asked once a question.
    """

    def __init__(self, history: History, clock: Callable[[], int]) -> None:
        self._history = history
        self._clock = clock

    def symbols(self) -> list[tuple[str, str]]:
        """Return every (symbol, venue) that anything is stored of, sorted; also what has begun later."""
        return self._history.symbols()

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
    ) -> RecordArray:
        """Return bars that end at or before the clock; see `History`."""
        asked: dict[str, Any] = {"venue": venue, "start_ns": start_ns, "end_ns": self._until(end_ns), "limit": limit}
        return self._history.bars(symbol, period, basis=basis, oldest=oldest, **asked)

    def ticks(self, symbol: str, *, end_ns: int | None = None, **asked: Any) -> RecordArray:
        """Return ticks up to the clock; see `History`."""
        return self._history.ticks(symbol, end_ns=self._until(end_ns), **asked)

    def trades(self, symbol: str, *, end_ns: int | None = None, **asked: Any) -> RecordArray:
        """Return trades up to the clock; see `History`."""
        return self._history.trades(symbol, end_ns=self._until(end_ns), **asked)

    def depth(self, symbol: str, *, end_ns: int | None = None, **asked: Any) -> RecordArray:
        """Return order book snapshots up to the clock, from a history that keeps any."""
        return self._other("depth")(symbol, end_ns=self._until(end_ns), **asked)

    def book_deltas(self, symbol: str, *, end_ns: int | None = None, **asked: Any) -> RecordArray:
        """Return order book changes up to the clock, from a history that keeps any."""
        return self._other("book_deltas")(symbol, end_ns=self._until(end_ns), **asked)

    def actions(self, symbol: str, venue: str | None = None) -> list[CorporateAction]:
        """Return the splits, dividends and the like of an instrument; who adjusts prices leaves out those of days to come."""
        ask = getattr(self._history, "actions", None)
        return [] if ask is None else cast("list[CorporateAction]", ask(symbol, venue))

    def _terms(self, symbol: str, venue: str | None) -> Instrument:
        from gcg_quant.instruments import Instrument

        if isinstance(self._history, Asking):
            return self._history._terms(symbol, venue)
        return Instrument(symbol=symbol, venue=venue or "")

    def _now_ns(self, symbol: str) -> int | None:
        return self._clock()

    def _other(self, name: str) -> Callable[..., RecordArray]:
        ask = getattr(self._history, name, None)
        if ask is None:
            raise EventError(f"This history keeps no {name.replace('_', ' ')}.", kind=name)
        return cast("Callable[..., RecordArray]", ask)

    def _until(self, end_ns: int | None) -> int:
        now_ns = self._clock()
        return now_ns if end_ns is None else min(end_ns, now_ns)
