"""What the database holds: a list of every series at once, and one instrument in full."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from sqlalchemy import Connection, func, select

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.instruments import Instrument

from ..schema.columns import Rows
from ..schema.models import COLD_TABLES, buses, imports, sources
from ..sql.names import Names
from ..sql.selection import Selection
from .row_counts import RowCount, count_quickly, ends
from .series import Series, stored_series

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Account", "Holding", "Holdings", "ImportedRows"]

_SAMPLED_ROWS = 200
_GAPS = next(table.table for event, table in COLD_TABLES.items() if event.__name__ == "GapEvent")


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One series as it is stored. `bytes` is an estimate: the mean of some rows, without indexes and free pages."""

    symbol: str
    venue: str
    kind: str
    period: str = ""
    basis: str = ""
    rows: int
    exact: bool  # `rows` was counted, not estimated
    first_ns: int
    last_ns: int  # of bars: when the last one starts
    sources: list[str]
    bytes: int


class ImportedRows(msgspec.Struct, frozen=True):
    """What an import brought of an instrument; `status` is "running", "done" or "partial" (some of its rows were deleted)."""

    number: int
    path: str
    status: str
    started_ns: int
    rows: int


class Account(msgspec.Struct, frozen=True):
    """One instrument: its terms, its series counted, rows by UTC day and kind of series, imports, and announced gaps."""

    instrument: Instrument
    holdings: list[Holding]
    days: dict[str, dict[int, int]]  # "1m bars" -> day as a number such as 20261127 -> rows
    imports: list[ImportedRows]
    gaps: int


class Holdings:
    """The market data of a database. Any thread; each question sees one consistent state."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = Names(database)

    def every(self, pattern: str = "") -> list[Holding]:
        """Return every series, sorted by symbol, in milliseconds for each whatever its size: long ones are estimated (`exact` is false),
        and `sources` are those of the first and the last rows.

        Args:
            pattern: "BTC/USDT", "BTC/USDT@SIM" or a pattern such as "*USDT"; "" means all.

        Raises:
            InstrumentError: nothing is stored that fits, with the nearest symbol.
        """
        with self._database.reading() as connection:
            every = stored_series(self._database, connection)
            names = self._names.all(connection)
            chosen = [series for series in every if _fits(pattern, *names[series.instrument])]
            if not chosen and pattern:
                known = sorted({names[series.instrument][0] for series in every})
                raise InstrumentError(f"Nothing is stored of {pattern!r}.{nearest(pattern, known)}", symbol=pattern)
            counts = count_quickly(self._database, connection, every)
            texts = self._sources(connection)
            found = [self._holding(connection, series, names, counts[series], texts) for series in chosen]
        return sorted(found, key=lambda one: (one.symbol, one.venue))

    def of(self, symbol: str, venue: str | None = None) -> Account:
        """Return all that is stored of one instrument, exactly; every row is looked at.

        Raises:
            InstrumentError: nothing is stored of it, or of several venues.
        """
        with self._database.reading() as connection:
            number = self._names.number(connection, symbol, venue)
            names = self._names.all(connection)
            texts = self._sources(connection)
            holdings: list[Holding] = []
            days: dict[str, dict[int, int]] = {}
            by_bus: dict[int, int] = {}
            for series in stored_series(self._database, connection, [number]):
                rows = self._by_day(connection, series)
                counted = RowCount(sum(one[3] for one in rows), exact=True)
                names_of = sorted({texts.get(source, "") for _, _, source, _ in rows})
                made = self._holding(connection, series, names, counted, texts)
                holdings.append(msgspec.structs.replace(made, sources=names_of))
                days[str(series)] = _by_date(rows)
                for _, bus, _, count in rows:
                    by_bus[bus] = by_bus.get(bus, 0) + count
            gaps = connection.scalar(select(func.count()).select_from(_GAPS).where(_GAPS.c.instrument == number))
            return Account(self._names.instrument(connection, number), holdings, days, _imports(connection, by_bus), int(gaps or 0))

    def _holding(
        self, connection: Connection, series: Series, names: dict[int, tuple[str, str]], count: RowCount, texts: dict[int, str]
    ) -> Holding:
        first_ns, last_ns = ends(self._database, connection, series)
        samples = [self._sample(connection, series, newest) for newest in (False, True)]
        symbol, venue = names[series.instrument]
        return Holding(
            symbol=symbol,
            venue=venue,
            kind=series.kind,
            period=series.period,
            basis=BarBasis(series.basis).name.lower() if series.kind == "bars" else "",
            rows=count.rows,
            exact=count.exact,
            first_ns=first_ns,
            last_ns=last_ns,
            sources=sorted({texts.get(source, "") for rows in samples for source in np.unique(rows["source"]).tolist()}),
            bytes=round(count.rows * sum(map(_mean_bytes, samples)) / len(samples)),
        )

    def _sample(self, connection: Connection, series: Series, newest: bool) -> Rows:
        selection = Selection(self._database, series.table, everything=True)
        for column, value in zip(series.key, series.values, strict=True):
            selection.where(column, "=", value)
        return selection.rows(connection, (series.table.time_column,), limit=_SAMPLED_ROWS, newest=newest)

    def _by_day(self, connection: Connection, series: Series) -> list[tuple[int, int, int, int]]:
        # (day since the epoch, bus, source, rows)
        where, values = series.condition(self._database)
        column = f'"{series.table.time_column}" / {NS_PER_DAY}'
        query = f'SELECT {column}, "bus", "source", COUNT(*) FROM "{series.table.name}" WHERE {where} GROUP BY {column}, "bus", "source"'
        return [(int(day), int(bus), int(source), int(rows)) for day, bus, source, rows in connection.exec_driver_sql(query, values)]

    def _sources(self, connection: Connection) -> dict[int, str]:
        return {row.number: row.name for row in connection.execute(select(sources.c.number, sources.c.name))}


def _fits(pattern: str, symbol: str, venue: str) -> bool:
    return not pattern or any(fnmatch.fnmatchcase(name, pattern) for name in (symbol, f"{symbol}@{venue}"))


def _by_date(rows: list[tuple[int, int, int, int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for day, _, _, count in sorted(rows):
        date = int(np.datetime64(day, "D").astype(str).replace("-", ""))
        found[date] = found.get(date, 0) + count
    return found


def _imports(connection: Connection, by_bus: dict[int, int]) -> list[ImportedRows]:
    rows: dict[int, int] = {}
    for bus, number in connection.execute(select(buses.c.number, buses.c.import_number).where(buses.c.number.in_(list(by_bus)))):
        if number:
            rows[number] = rows.get(number, 0) + by_bus[bus]
    columns = imports.c
    query = select(columns.number, columns.path, columns.status, columns.started_ns).where(columns.number.in_(list(rows)))
    return [ImportedRows(*row, rows[row.number]) for row in connection.execute(query.order_by(columns.number))]


def _mean_bytes(rows: Rows) -> float:
    # As SQLite stores them: small numbers in few bytes, nothing for an absent price, and a byte a column to say what it is.
    total: Any = 0
    for name in rows.dtype.names or ():
        values = rows[name]
        if values.ndim == 2:
            total += values.dtype.itemsize * ((~np.isnan(values)) if values.dtype.kind == "f" else (values != -1)).sum(axis=1)
        elif values.dtype.kind == "S":
            total += np.char.str_len(values)
        elif values.dtype.kind == "f":
            total += np.where(np.isnan(values), 0, 8)
        else:
            sizes = values.astype(np.int64)
            total += np.select(
                [(sizes == 0) | (sizes == 1), abs(sizes) < 1 << 7, abs(sizes) < 1 << 15, abs(sizes) < 1 << 31], [0, 1, 2, 4], 8
            )
    return float(np.mean(total)) + 1 + len(rows.dtype.names or ())
