"""Series: what is stored of one instrument in one table; for bars, of one period and basis.

The rows of a series lie side by side in their table's key, so all questions here go through the key, however large the table is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import StorageError, nearest
from gcg_quant.events import Bar, BookDelta, Depth, Tick, TradeTick

from ..schema.models import RECORD_TABLES, RecordTable

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["KINDS", "Series", "kind_named", "portion_end", "stored_series"]

# What a user calls the tables of market data.
KINDS: dict[str, RecordTable] = {
    "bars": RECORD_TABLES[Bar],
    "ticks": RECORD_TABLES[Tick],
    "trades": RECORD_TABLES[TradeTick],
    "depth": RECORD_TABLES[Depth],
    "book_deltas": RECORD_TABLES[BookDelta],
}


class Series(NamedTuple):
    """One series; `period` and `basis` are "" and 0 for what is no bar."""

    kind: str
    instrument: int  # the database's number
    period: str = ""
    basis: int = 0

    @property
    def table(self) -> RecordTable:
        """The table that holds it."""
        return KINDS[self.kind]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that all of its rows share, the first ones of the table's key."""
        return ("instrument", "period", "basis") if self.kind == "bars" else ("instrument",)

    @property
    def values(self) -> tuple[Any, ...]:
        """What the rows have in the columns of `key`."""
        return tuple(getattr(self, name) for name in self.key)

    def condition(self, database: Database, start_ns: int | None = None, end_ns: int | None = None) -> tuple[str, tuple[Any, ...]]:
        """Return SQL, and its values, for the rows from `start_ns` on and before `end_ns`, by their `time_column`."""
        parts = [f'"{name}" = {database.mark}' for name in self.key]
        values = list(self.values)
        for sign, bound in ((">=", start_ns), ("<", end_ns)):
            if bound is not None:
                parts.append(f'"{self.table.time_column}" {sign} {database.mark}')
                values.append(bound)
        return " AND ".join(parts), tuple(values)

    def __str__(self) -> str:
        """Return what it is, without the symbol: "ticks", "1m bars", "1h bid bars"."""
        if self.kind != "bars":
            return self.kind.replace("_", " ")
        return f"{self.period} bars" if self.basis == BarBasis.LAST else f"{self.period} {BarBasis(self.basis).name.lower()} bars"


def portion_end(connection: Connection, series: Series, condition: tuple[str, tuple[Any, ...]], rows: int) -> int | None:
    """Return the time before which the first `rows` rows lie that fit a condition; None if there are no more than that.

    Rows of one time are never divided, however many they are.
    """
    column, (where, values) = f'"{series.table.time_column}"', condition
    query = f'SELECT {column} FROM "{series.table.name}" WHERE {where} ORDER BY {column} LIMIT 1 OFFSET {{}}'
    ahead = connection.exec_driver_sql(query.format(rows), values).scalar()
    if ahead is None:
        return None
    first = connection.exec_driver_sql(query.format(0), values).scalar()
    return int(ahead) if ahead != first else int(ahead) + 1


def kind_named(name: str) -> str:
    """Return `name` if it is one of KINDS. Raises StorageError with the nearest one."""
    if name not in KINDS:
        raise StorageError(f"There is no kind of data {name!r}; expected {', '.join(KINDS)}.{nearest(name, KINDS)}", kind=name)
    return name


def stored_series(database: Database, connection: Connection, instruments: Iterable[int] | None = None) -> list[Series]:
    """Return every series that has rows, of some instruments or of all: by kind, instrument, period and basis."""
    chosen = None if instruments is None else sorted(set(instruments))
    return [one for kind in KINDS for one in _series_of(database, connection, kind, chosen)]


def _series_of(database: Database, connection: Connection, kind: str, instruments: list[int] | None) -> Iterator[Series]:
    numbers = _numbers(database, connection, kind) if instruments is None else iter(instruments)
    for number in numbers:
        first = Series(kind, number)
        if kind == "bars":
            yield from _bar_series(database, connection, first)
        elif connection.exec_driver_sql(
            f'SELECT 1 FROM "{first.table.name}" WHERE {first.condition(database)[0]} LIMIT 1', first.values
        ).first():
            yield first


# From one to the next through the key: as many steps as there are series, not rows.


def _numbers(database: Database, connection: Connection, kind: str) -> Iterator[int]:
    query = f'SELECT MIN("instrument") FROM "{KINDS[kind].name}" WHERE "instrument" > {database.mark}'
    number = connection.exec_driver_sql(query, (-1,)).scalar()
    while number is not None:
        yield int(number)
        number = connection.exec_driver_sql(query, (number,)).scalar()


def _bar_series(database: Database, connection: Connection, series: Series) -> Iterator[Series]:
    mark = database.mark
    following = f'("period", "basis") > ({mark}, {mark})'
    query = f'SELECT "period", "basis" FROM "bars" WHERE "instrument" = {mark} AND {following} ORDER BY "period", "basis" LIMIT 1'
    found = connection.exec_driver_sql(query, (series.instrument, "", -1)).first()
    while found is not None:
        yield Series("bars", series.instrument, *found)
        found = connection.exec_driver_sql(query, (series.instrument, *found)).first()
