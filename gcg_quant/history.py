"""History: the read-only face of stored market data, which strategies, charts and backtests ask.

`data_storage` answers from the database; `MemoryHistory` answers from arrays. Whoever asks bounds the answer by its own clock
(`end_ns`): nothing later than that is ever returned. `BoundedHistory` does so for somebody else. All of them can also be called, with times
as people write them: see `Asking`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from gcg_quant.asking import Asking
from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_ns

if TYPE_CHECKING:
    from gcg_quant.cold_events import CorporateAction

__all__ = ["History", "MemoryHistory", "RecordArray"]

RecordArray: TypeAlias = npt.NDArray[np.void]  # a structured array of some Record.dtype


@runtime_checkable
class History(Protocol):
    """What was recorded, in arrays of the records' own dtypes; `instrument` is 0 in them. Any thread may call it."""

    def symbols(self) -> list[tuple[str, str]]:
        """Return every (symbol, venue) that anything is stored of, sorted."""

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
        """Return the bars that start at or after `start_ns` and end at or before `end_ns`, sorted by `start_ns`.

        `limit` keeps the newest so many, or with `oldest` the first so many. Without a venue the symbol must be stored for one only.
        Raises InstrumentError otherwise.
        """

    def ticks(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> RecordArray:
        """Return the ticks from `start_ns` up to and including `end_ns`, in order; `limit` and `oldest` as for bars."""

    def trades(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> RecordArray:
        """Return the trades from `start_ns` up to and including `end_ns`, in order; `limit` and `oldest` as for bars."""


class MemoryHistory(Asking):
    """A History over arrays held in memory: for backtests from files, and for tests. Fill it first, then share it."""

    def __init__(self) -> None:
        self._instruments: dict[tuple[str, str], Instrument] = {}
        self._actions: dict[tuple[str, str], list[CorporateAction]] = {}
        self._bars: dict[tuple[str, str, str, BarBasis], RecordArray] = {}
        self._ticks: dict[tuple[str, str], RecordArray] = {}
        self._trades: dict[tuple[str, str], RecordArray] = {}

    def add_bars(self, symbol: str, venue: str, bars: RecordArray) -> None:
        """Add bars of one instrument, of any periods and bases; of two with the same start the one added last is kept."""
        for period in np.unique(bars["period"]):
            for basis in np.unique(bars["basis"]):
                part = bars[(bars["period"] == period) & (bars["basis"] == basis)]
                if len(part):
                    key = (symbol, venue, bytes(period).decode(), BarBasis(int(basis)))
                    self._bars[key] = _sorted_by_start(part, self._bars.get(key))

    def add_ticks(self, symbol: str, venue: str, ticks: RecordArray) -> None:
        """Add ticks of one instrument; equal times keep the order in which they were added."""
        self._ticks[symbol, venue] = _sorted_by_event(ticks, self._ticks.get((symbol, venue)))

    def add_trades(self, symbol: str, venue: str, trades: RecordArray) -> None:
        """Add trades of one instrument; equal times keep the order in which they were added."""
        self._trades[symbol, venue] = _sorted_by_event(trades, self._trades.get((symbol, venue)))

    def add_instrument(self, terms: Instrument) -> None:
        """Add an instrument's terms: its calendar, time zone and market. Without them an instrument trades round the clock, in UTC."""
        self._instruments[terms.symbol, terms.venue] = terms

    def add_actions(self, actions: Iterable[CorporateAction]) -> None:
        """Add splits, dividends and the like, of any instruments."""
        for action in actions:
            self._actions.setdefault((action.symbol, action.venue), []).append(action)

    def actions(self, symbol: str, venue: str | None = None) -> list[CorporateAction]:
        """Return the splits, dividends and the like of an instrument, in the order in which they were added."""
        return list(self._actions.get(self._place(symbol, venue), ()))

    def symbols(self) -> list[tuple[str, str]]:
        """Return every (symbol, venue) that anything is held of, sorted."""
        return sorted({(key[0], key[1]) for key in self._bars} | self._ticks.keys() | self._trades.keys())

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
        """Return the bars that start at or after `start_ns` and end at or before `end_ns`; see History."""
        period_ns(period)
        bars = self._bars.get((*self._place(symbol, venue), period, basis))
        if bars is None:
            return _empty("Bar")
        first = 0 if start_ns is None else int(np.searchsorted(bars["start_ns"], start_ns, "left"))
        last = len(bars) if end_ns is None else int(np.searchsorted(bars["event_ns"], end_ns, "right"))
        return _limited(bars[first:last], limit, oldest)

    def ticks(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> RecordArray:
        """Return the ticks from `start_ns` up to and including `end_ns`; see History."""
        found = self._ticks.get(self._place(symbol, venue))
        return _empty("Tick") if found is None else _between(found, start_ns, end_ns, limit, oldest)

    def trades(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> RecordArray:
        """Return the trades from `start_ns` up to and including `end_ns`; see History."""
        found = self._trades.get(self._place(symbol, venue))
        return _empty("TradeTick") if found is None else _between(found, start_ns, end_ns, limit, oldest)

    def _terms(self, symbol: str, venue: str | None) -> Instrument:
        place = self._place(symbol, venue)
        return self._instruments.get(place) or Instrument(symbol=place[0], venue=place[1])

    def _place(self, symbol: str, venue: str | None) -> tuple[str, str]:
        if venue is not None:
            return symbol, venue
        known = self.symbols()
        venues = [where for name, where in known if name == symbol]
        if len(venues) == 1:
            return symbol, venues[0]
        if venues:
            raise InstrumentError(f"{symbol!r} is stored for several venues; choose one of {', '.join(venues)}.", symbol=symbol)
        if (place := (symbol.rpartition("@")[0], symbol.rpartition("@")[2])) in known:
            return place
        raise InstrumentError(f"Nothing is stored of {symbol!r}.{nearest(symbol, [name for name, _ in known])}", symbol=symbol)


def _empty(record: str) -> RecordArray:
    # The records are C types: asked for late, so that this module imports without the extension.
    from gcg_quant import events

    return np.empty(0, getattr(events, record).dtype)


def _sorted_by_start(bars: RecordArray, held: RecordArray | None) -> RecordArray:
    merged = bars if held is None else np.concatenate([held, bars])
    merged = merged[np.argsort(merged["start_ns"], kind="stable")]
    last_of_its_start = np.append(merged["start_ns"][1:] != merged["start_ns"][:-1], True)
    return _without_instrument(merged[last_of_its_start])


def _sorted_by_event(rows: RecordArray, held: RecordArray | None) -> RecordArray:
    merged = rows if held is None else np.concatenate([held, rows])
    return _without_instrument(merged[np.argsort(merged["event_ns"], kind="stable")])


def _without_instrument(rows: RecordArray) -> RecordArray:
    rows["instrument"] = 0  # a number of some bus; means nothing outside it
    rows.flags.writeable = False
    return rows


def _between(rows: RecordArray, start_ns: int | None, end_ns: int | None, limit: int | None, oldest: bool) -> RecordArray:
    first = 0 if start_ns is None else int(np.searchsorted(rows["event_ns"], start_ns, "left"))
    last = len(rows) if end_ns is None else int(np.searchsorted(rows["event_ns"], end_ns, "right"))
    return _limited(rows[first:last], limit, oldest)


def _limited(rows: RecordArray, limit: int | None, oldest: bool) -> RecordArray:
    if limit is None or limit >= len(rows):
        return rows
    kept = max(limit, 0)
    return rows[:kept] if oldest else rows[len(rows) - kept :]
