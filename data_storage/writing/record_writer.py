"""Writing hot records: each event once, and no two different ones into one row.

What happens to a row whose key is taken:

    the same event again (bus, seq and time_ns)     nothing: it is stored already
    market data, imported or filled in (BACKFILL)   already stored if a row of that key has the same content; else the next `copy`
    market data, live                               the next `copy`, whatever the content
    a bar of a running bus                          it replaces the stored one if its revision is higher, or equal and it is newer
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sqlalchemy import Connection

from gcg_quant.errors import StorageError

from ..schema.columns import Rows
from ..schema.models import EVENT_KEY, RecordTable
from ..sql.catalogue import Catalogue
from ..sql.copying import CopyInsertion
from ..sql.record_insertion import RecordInsertion
from ..sql.selection import stored_dtype
from .settlement import Settlement

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Outcome", "RecordWriter", "record_insertion"]

_SEQ_BITS = (1 << 60) - 1
_NAMED_OTHERWISE = ("instrument", "source", "bus", "epoch", "seq", "copy")  # than in the rows of a reader


class Outcome(NamedTuple):
    """What became of a batch: rows added, bars replaced by a correction, and rows that were stored already."""

    stored: int
    replaced: int
    already: int


class RecordWriter:
    """Writes the rows of one record class. One thread."""

    def __init__(self, database: Database, table: RecordTable, *, imported: bool = False) -> None:
        self.table = table
        self._dtype = stored_dtype(table)
        self._insertion = record_insertion(database, table)
        self._settlement = Settlement(table, imported=imported)
        self._database = database
        self._clashes = False  # the last batch had rows whose keys were taken: then the next one is looked at first

    def encode(self, connection: Connection, rows: Rows, epoch: int, catalogue: Catalogue) -> Rows:
        """Return rows as `BusReader.read_tables` gives them as rows of `stored_dtype`; market data in the order of the key.

        Rows of one key keep their order. Neighbours in the table come one after the other, whatever the order of the symbols on the bus.
        """
        found = np.zeros(len(rows), self._dtype)
        for field in self.table.columns:
            if field.name not in _NAMED_OTHERWISE:
                found[field.name] = rows[field.name]
        found["instrument"] = catalogue.instruments(connection, rows["instrument"])
        found["source"] = catalogue.sources(connection, rows["source"])
        found["bus"] = catalogue.bus_number(connection)
        found["epoch"] = epoch
        found["seq"] = rows["id"] & _SEQ_BITS
        return found if self.table.key is EVENT_KEY else _by_key(found, self.table.key)

    def write(self, connection: Connection, rows: Rows) -> Outcome:
        """Insert rows of `stored_dtype` and return what became of them."""
        if self.table.key is not EVENT_KEY:
            self._database.make_room(connection, self.table, rows[self.table.time_column])
        stored = 0 if self._clashes else self._insertion.run(connection, rows)
        replaced = 0
        if stored < len(rows):
            # From the first row on whose key is taken, each is looked at.
            fresh, corrected, replaced = self._settlement.settle(connection, rows[stored:])
            if len(fresh) and self._insertion.run(connection, fresh) < len(fresh):
                raise StorageError(f"Another program writes the same rows into {self._database.name}.", table=self.table.name, retry=True)
            self._insertion.replace(connection, corrected)
            self._clashes = len(fresh) < len(rows) - stored
            stored += len(fresh)
        return Outcome(stored, replaced, len(rows) - stored - replaced)


def record_insertion(database: Database, table: RecordTable) -> RecordInsertion | CopyInsertion:
    """Return the quickest way to put rows of `stored_dtype` into a table."""
    return (RecordInsertion if database.path is not None else CopyInsertion)(database, table)


def _by_key(rows: Rows, key: tuple[str, ...]) -> Rows:
    columns = [rows[name] for name in reversed(key) if name != "copy"]
    columns = [column for column in columns if (column != column[:1]).any()]
    if len(columns) == 1 and bool((columns[0][1:] >= columns[0][:-1]).all()):
        return rows
    return rows[np.lexsort(columns)] if columns else rows
