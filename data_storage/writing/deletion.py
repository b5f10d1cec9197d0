"""Deleting stored market data: what is asked for, what it comes to, and doing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, select

from gcg_quant.clock import to_iso
from gcg_quant.errors import StorageError
from gcg_quant.periods import period_ns

from ..reading.series import Series, kind_named, stored_series
from ..schema.models import buses, imports
from ..sql.names import Names
from .row_deletion import RowDeletion, rows_of_import

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Deletion", "DeletionRequest", "Doomed"]


class DeletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: of a symbol, of an import, or of an import as far as it is of a symbol; the rest narrows it down.

    Times are those of the events, for bars of their start: from `start_ns` on and before `end_ns`.

    Raises:
        StorageError: neither symbol nor import; an unknown kind; a period of what is no bar; the end is not after the start.
        EventError: `period` is none.
    """

    symbol: str = ""  # "SPY" or "SPY@NYSE"
    kind: str = ""  # one of reading.series.KINDS; "" means all
    period: str = ""  # of bars
    start_ns: int | None = None
    end_ns: int | None = None
    import_number: int = 0

    def __post_init__(self) -> None:
        if not self.symbol and not self.import_number:
            raise StorageError("Say which data: a symbol, the number of an import, or both.")
        if self.kind:
            kind_named(self.kind)
        if self.period:
            period_ns(self.period)
            if self.kind not in ("", "bars"):
                raise StorageError(f"Only bars have a period, {self.kind} have none: leave out {self.period!r}.", period=self.period)
        if self.start_ns is not None and self.end_ns is not None and self.end_ns <= self.start_ns:
            raise StorageError(
                f"The end {to_iso(self.end_ns)} is not after the start {to_iso(self.start_ns)}: no time lies between.",
                start_ns=self.start_ns,
                end_ns=self.end_ns,
            )


class Doomed(msgspec.Struct, frozen=True):
    """Rows of one series that would go, and the files that they came from (import number -> path)."""

    symbol: str
    venue: str
    what: str
    rows: int
    first_ns: int
    last_ns: int
    imports: dict[int, str]


class Deletion:
    """One deletion. One thread.

    Raises:
        InstrumentError: nothing is stored of the symbol. StorageError: no such import or period; the import still runs.
    """

    def __init__(self, database: Database, request: DeletionRequest) -> None:
        self._database = database
        self._request = request
        with database.reading() as connection:
            self._jobs = self._find(connection)

    def doomed(self) -> list[Doomed]:
        """Return what would go, by series; each of the rows is looked at."""
        with self._database.reading() as connection:
            names = Names(self._database).all(connection)
            query = select(buses.c.number, imports.c.number, imports.c.path).join(imports, imports.c.number == buses.c.import_number)
            files = {bus: (number, path) for bus, number, path in connection.execute(query)}
            found = []
            for job in self._jobs:
                rows = job.by_bus(connection)
                if rows:
                    count, first, last = sum(one[1] for one in rows), min(one[2] for one in rows), max(one[3] for one in rows)
                    brought = dict(files[bus] for bus, *_ in rows if bus in files)
                    found.append(Doomed(*names[job.series.instrument], str(job.series), count, first, last, brought))
            return found

    def run(self) -> Iterator[int]:
        """Delete; yield the number of rows of each transaction. See `RowDeletion.run`."""
        for job in self._jobs:
            yield from job.run()

    def _find(self, connection: Connection) -> list[RowDeletion]:
        asked = self._request
        number = Names(self._database).number(connection, asked.symbol) if asked.symbol else None
        if asked.import_number:
            return self._of_import(connection, number)
        every = stored_series(self._database, connection, [number] if number is not None else None)
        chosen = [series for series in every if self._is_asked(series)]
        if asked.period and not chosen:
            periods = sorted({series.period for series in every if series.period}, key=period_ns)
            there = ", ".join(periods) or "none"
            raise StorageError(f"No {asked.period} bars are stored of {asked.symbol}; its periods: {there}.", period=asked.period)
        return [RowDeletion(self._database, series, asked.start_ns, asked.end_ns) for series in chosen]

    def _of_import(self, connection: Connection, instrument: int | None) -> list[RowDeletion]:
        asked = self._request
        status = connection.scalar(select(imports.c.status).where(imports.c.number == asked.import_number))
        if status is None:
            raise StorageError(f"There is no import {asked.import_number}; `data info SYMBOL` lists them.", number=asked.import_number)
        if status == "running":
            raise StorageError(f"Import {asked.import_number} is still running: wait for it to finish.", number=asked.import_number)
        jobs = rows_of_import(self._database, connection, asked.import_number, asked.start_ns, asked.end_ns)
        return [job for job in jobs if self._is_asked(job.series) and instrument in (None, job.series.instrument)]

    def _is_asked(self, series: Series) -> bool:
        kind = "bars" if self._request.period else self._request.kind
        return (not kind or series.kind == kind) and (not self._request.period or series.period == self._request.period)
