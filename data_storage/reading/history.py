"""History from the database: range queries that return NumPy arrays of the records' own dtypes, or events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.asking import Asking
from gcg_quant.calendar import Calendar
from gcg_quant.enumerations import BarBasis
from gcg_quant.events import Bar, BookDelta, CorporateAction, Depth, MarketDataEvent, Record, Tick, TradeTick
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_ns

from ..schema.models import MARKET_KEY, RECORD_TABLES
from ..sql.names import Names
from ..sql.selection import Selection
from .bar_query import BarQuery
from .coarse_query import CoarseQuery
from .ledger import Ledger
from .stream import EventStream
from .tick_query import TickQuery

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gcg_quant.history import RecordArray

    from ..sql.database import Database

__all__ = ["DatabaseHistory"]

_ORDER = MARKET_KEY[1:]


class DatabaseHistory(Asking):
    """A `gcg_quant.history.History` over a database. Any thread may ask; each question sees one consistent state.

    Where several sources made the same bar, one with prices wins over one without (an open interest file), then the venue's own over
    one of ours, then the highest revision, then the one published last.
    A symbol may also be written "SYMBOL@VENUE". `history("SPY", "1d", start="2013-10-07", count=500)` asks in words: see `Asking`.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._names = Names(database)

    def symbols(self) -> list[tuple[str, str]]:
        """Return every (symbol, venue) that market data is stored of, sorted."""
        with self.database.reading() as connection:
            return self._names.with_rows(connection)

    def instrument(self, symbol: str, venue: str | None = None) -> Instrument:
        """Return an instrument with its terms as stored. Raises InstrumentError if it is unknown."""
        with self.database.reading() as connection:
            return self._names.instrument(connection, self._names.number(connection, symbol, venue))

    def number(self, connection: Connection, symbol: str, venue: str | None = None) -> int:
        """Return the database's number of an instrument, inside an open transaction. Raises InstrumentError if it is unknown."""
        return self._names.number(connection, symbol, venue)

    def periods(self, symbol: str, venue: str | None = None, basis: BarBasis = BarBasis.LAST) -> list[str]:
        """Return the periods that bars are stored of, shortest first. Raises InstrumentError for an unknown symbol."""
        with self.database.reading() as connection:
            return BarQuery(self.database, connection, self._names.number(connection, symbol, venue), basis).periods()

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
        """Return the bars that start at or after `start_ns` and end at or before `end_ns`, sorted by `start_ns`, one for each start.

        A period that is not stored is put together from the longest stored one that divides it; where there is none, on any basis, from
        trades or else ticks. Bars put together follow the instrument's calendar, and an unfinished last one is left out. `limit` keeps the
        newest so many, or with `oldest` the first.

        Raises:
            InstrumentError: nothing is stored of the symbol, or of several venues. EventError: `period` is no period.
        """
        period_ns(period)
        with self.database.reading() as connection:
            number = self._names.number(connection, symbol, venue)
            query = BarQuery(self.database, connection, number, basis)
            source = query.source_of(period)
            if source == period:
                return query.stored(period, start_ns, end_ns, limit, oldest)
            name = self._names.instrument(connection, number).calendar
            calendar = None if name == "24/7" else Calendar(name)
            if source is not None:
                return query.made(period, source, calendar, start_ns, end_ns, limit, oldest)
            if any(BarQuery(self.database, connection, number, one).source_of(period) for one in BarBasis):
                return np.empty(0, Bar.dtype)
            return TickQuery(self.database, connection, number, basis, calendar).bars(period, start_ns, end_ns, limit, oldest)

    def coarse_bars(
        self, symbol: str, period: str, of: str, *, venue: str | None = None, basis: BarBasis = BarBasis.LAST, start_ns: int | None = None
    ) -> RecordArray | None:
        """Return bars of `period`, by the clock, that the database puts together of the stored ones of the period `of`: for overviews.

        They have prices, the volume, and in `count` how many stored bars each is made of; the last one may be unfinished. None: a bar is
        stored more than once (of several sources), and only `bars` chooses between them. Raises InstrumentError if nothing is stored.
        """
        with self.database.reading() as connection:
            number = self._names.number(connection, symbol, venue)
            return CoarseQuery(self.database, connection, number, of, basis).bars(period, start_ns)

    def count_bars(
        self, symbol: str, period: str, *, venue: str | None = None, basis: BarBasis = BarBasis.LAST, end_ns: int | None = None
    ) -> int:
        """Return how many bars with prices are stored that start before `end_ns`. Raises InstrumentError if nothing is stored."""
        with self.database.reading() as connection:
            number = self._names.number(connection, symbol, venue)
            return CoarseQuery(self.database, connection, number, period, basis).count(end_ns)

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
        return self._records(Tick, symbol, venue, start_ns, end_ns, limit, oldest)

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
        return self._records(TradeTick, symbol, venue, start_ns, end_ns, limit, oldest)

    def depth(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> RecordArray:
        """Return the order book snapshots from `start_ns` up to and including `end_ns`, in order."""
        return self._records(Depth, symbol, venue, start_ns, end_ns, limit, oldest)

    def book_deltas(
        self,
        symbol: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> RecordArray:
        """Return the order book changes from `start_ns` up to and including `end_ns`, in order."""
        return self._records(BookDelta, symbol, venue, start_ns, end_ns, limit, oldest)

    def events(
        self,
        symbols: Iterable[str] | None = None,
        *,
        kinds: Any = MarketDataEvent,
        start_ns: int | None = None,
        end_ns: int | None = None,
        periods: Iterable[str] | None = None,
    ) -> Iterator[Record]:
        """Return stored market events of several symbols (None: all) as one stream, ordered by (event_ns, ordinal).

        Rows are read as they are needed; `periods` chooses bars. Raises InstrumentError if nothing is stored of a symbol.
        """
        with self.database.reading() as connection:
            names = self._names.all(connection)
            chosen = list(names) if symbols is None else [self._names.number(connection, symbol) for symbol in symbols]
        wanted = {number: names[number] for number in chosen}
        return iter(EventStream(self.database, wanted, kinds, start_ns, end_ns, periods))

    def actions(self, symbol: str, venue: str | None = None) -> list[CorporateAction]:
        """Return the splits, dividends and the like of an instrument, as they were published."""
        return Ledger(self.database).corporate_actions(symbol, venue=venue)

    def _terms(self, symbol: str, venue: str | None) -> Instrument:
        return self.instrument(symbol, venue)

    def _records(
        self,
        kind: type[Record],
        symbol: str,
        venue: str | None,
        start_ns: int | None,
        end_ns: int | None,
        limit: int | None,
        oldest: bool,
    ) -> RecordArray:
        with self.database.reading() as connection:
            selection = Selection(self.database, RECORD_TABLES[kind])
            selection.where("instrument", "=", self._names.number(connection, symbol, venue))
            selection.where("event_ns", ">=", start_ns).where("event_ns", "<=", end_ns)
            return selection.rows(connection, _ORDER, limit=limit, newest=limit is not None and not oldest)
