"""Finding an instrument of the database by symbol and venue, or saying which ones are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, select

from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.instruments import Instrument

from ..schema.models import MARKET_KEY, RECORD_TABLES, instruments

if TYPE_CHECKING:
    from .database import Database

__all__ = ["Names"]


class Names:
    """The instruments of a database. Any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        markets = [table.name for table in RECORD_TABLES.values() if table.key[0] == MARKET_KEY[0]]
        has_rows = " OR ".join(f'EXISTS (SELECT 1 FROM "{name}" AS m WHERE m.instrument = instruments.number)' for name in markets)
        self._with_rows = f"SELECT symbol, venue FROM instruments WHERE {has_rows} ORDER BY symbol, venue"

    def with_rows(self, connection: Connection) -> list[tuple[str, str]]:
        """Return every (symbol, venue) that market data is stored of, sorted."""
        return [(symbol, venue) for symbol, venue in connection.exec_driver_sql(self._with_rows)]

    def number(self, connection: Connection, symbol: str, venue: str | None = None) -> int:
        """Return the number of an instrument; "SYMBOL@VENUE" works, too.

        Raises:
            InstrumentError: unknown, with the nearest known symbol; or several venues have it and none was chosen.
        """
        found = self._find(connection, symbol, venue)
        if not found and venue is None and "@" in symbol:
            symbol, venue = symbol.rsplit("@", 1)
            found = self._find(connection, symbol, venue)
        if len(found) > 1:
            # A symbol that was merely mentioned at another venue must not stand in the way of the one that has data.
            stored = {where for name, where in self.with_rows(connection) if name == symbol}
            found = {where: number for where, number in found.items() if where in stored} or found
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            venues = ", ".join(sorted(where or "''" for where in found))
            raise InstrumentError(f"{symbol!r} is stored for several venues; choose one of {venues}.", symbol=symbol)
        where = f" on {venue}" if venue else ""
        known = [name for name, _ in self.with_rows(connection)]
        raise InstrumentError(f"Nothing is stored of {symbol!r}{where}.{nearest(symbol, known)}", symbol=symbol, venue=venue)

    def all(self, connection: Connection) -> dict[int, tuple[str, str]]:
        """Return number -> (symbol, venue) of every instrument."""
        columns = instruments.c
        return {
            number: (symbol, venue) for number, symbol, venue in connection.execute(select(columns.number, columns.symbol, columns.venue))
        }

    def instrument(self, connection: Connection, number: int) -> Instrument:
        """Return an instrument with its terms as they were announced last.

        Raises:
            InstrumentError: the stored terms make no sense.
        """
        columns = instruments.c
        symbol, venue, terms = connection.execute(
            select(columns.symbol, columns.venue, columns.terms).where(columns.number == number)
        ).one()
        try:
            return msgspec.convert({"symbol": symbol, "venue": venue, **msgspec.json.decode(terms)}, Instrument)
        except msgspec.MsgspecError as error:
            raise InstrumentError(f"The stored terms of {symbol}@{venue} cannot be used: {error}.", symbol=symbol) from error

    def _find(self, connection: Connection, symbol: str, venue: str | None) -> dict[str, int]:
        query = select(instruments.c.venue, instruments.c.number).where(instruments.c.symbol == symbol)
        if venue is not None:
            query = query.where(instruments.c.venue == venue)
        return {row.venue: row.number for row in connection.execute(query)}
