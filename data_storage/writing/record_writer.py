"""Writing hot records: each event once, and no two different ones into one row.

What happens to a row whose key is taken:

    the same event again (bus, seq and time_ns)     nothing: it is stored already
    market data, imported or filled in (BACKFILL)   already stored if a row of that key has the same content; else the next `copy`
    market data, live                               the next `copy`, whatever the content
    a bar of a running bus                          it replaces the stored one if its revision is higher, or equal and it is newer
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from gcg_quant.events import EventFlag

from ..schema.columns import Rows, column_values
from ..schema.models import BAR_KEY, EVENT_KEY, PROVENANCE, RecordTable
from ..sql.catalogue import Catalogue
from ..sql.insertion import Insertion, quoted

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Encoded", "Outcome", "RecordWriter"]

_SEQ_BITS = (1 << 60) - 1
_IDENTITY = ("copy", "bus", "seq", "time_ns")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows as columns of Python values, ready for the driver."""

    values: dict[str, list[Any]]
    count: int


class Outcome(NamedTuple):
    """What became of a batch: rows added, bars replaced by a correction, and rows that were stored already."""

    stored: int
    replaced: int
    already: int


class RecordWriter:
    """Writes the rows of one record class. One thread."""

    def __init__(self, database: Database, table: RecordTable, *, imported: bool = False) -> None:
        self.table = table
        self._imported = imported
        names = [field.name for field in table.columns]
        self._insertion = Insertion(database, table.name, names, table.key)
        self._content = tuple(name for name in (field.name for field in table.fields) if name not in table.key and name != "recv_ns")
        self._mark = database.mark
        key = " AND ".join(f'"{name}" = {database.mark}' for name in table.key if name != "copy")
        revision = '"revision"' if table.key is BAR_KEY else "0"
        self._find = (
            f'SELECT {quoted(_IDENTITY)}, (SELECT import_number FROM buses WHERE number = "bus"), {revision}, {quoted(self._content)} '
            f'FROM "{table.name}" WHERE {key} ORDER BY "copy"'
        )

    def encode(self, connection: Connection, rows: Rows, epoch: int, catalogue: Catalogue) -> Encoded:
        """Return the columns of rows as `BusReader.read_tables` gives them."""
        count = len(rows)
        values = {field.name: column_values(rows, field) for field in self.table.fields if field.name != "instrument"}
        values["instrument"] = catalogue.instruments(connection, rows["instrument"]).tolist()
        values["bus"] = [catalogue.bus_number(connection)] * count
        values["epoch"] = [epoch] * count
        values["seq"] = (rows["id"] & _SEQ_BITS).tolist()
        values["source"] = catalogue.sources(connection, rows["source"]).tolist()
        values |= {field.name: column_values(rows, field) for field in PROVENANCE if field.name in ("time_ns", "cause", "flags")}
        values["copy"] = [0] * count
        return Encoded(values, count)

    def write(self, connection: Connection, rows: Encoded) -> Outcome:
        """Insert the rows and return what became of them."""
        stored = self._insertion.run(connection, rows.values, rows.count)
        replaced = 0
        if stored < rows.count and self.table.key is not EVENT_KEY:
            for index in range(rows.count):
                outcome = self._settle(connection, {name: column[index] for name, column in rows.values.items()})
                stored += outcome.stored
                replaced += outcome.replaced
        return Outcome(stored, replaced, rows.count - stored - replaced)

    def _settle(self, connection: Connection, row: dict[str, Any]) -> Outcome:
        # The row may be in the table (put there a moment ago, or delivered twice), or its key belongs to another one.
        key = tuple(row[name] for name in self.table.key if name != "copy")
        held = connection.exec_driver_sql(self._find, key).fetchall()
        if any((bus, seq, time_ns) == (row["bus"], row["seq"], row["time_ns"]) for _, bus, seq, time_ns, *_ in held):
            return Outcome(0, 0, 0)
        content = tuple(row[name] for name in self._content)
        if self._is_history(row):
            # An import never meets itself: two identical rows of one file are two rows.
            others = held if not self._imported else [one for one in held if one[1] != row["bus"]]
            if any(tuple(one[6:]) == content for one in others):
                return Outcome(0, 0, 1)
        if self.table.key is BAR_KEY and not self._imported:
            for copy, _, seq, time_ns, import_number, revision, *_ in held:
                if import_number == 0:
                    return self._correct(connection, row, copy, (revision, time_ns, seq))
        row["copy"] = 1 + max(one[0] for one in held)
        self._insertion.run(connection, {name: [value] for name, value in row.items()}, 1)
        return Outcome(1, 0, 0)

    def _correct(self, connection: Connection, row: dict[str, Any], copy: int, stored: tuple[int, int, int]) -> Outcome:
        if (row["revision"], row["time_ns"], row["seq"]) <= stored:
            return Outcome(0, 0, 1)
        row["copy"] = copy
        changed = [name for name in row if name not in self.table.key]
        changes = ", ".join(f'"{name}" = {self._mark}' for name in changed)
        key = " AND ".join(f'"{name}" = {self._mark}' for name in self.table.key)
        values = (*(row[name] for name in changed), *(row[name] for name in self.table.key))
        connection.exec_driver_sql(f'UPDATE "{self.table.name}" SET {changes} WHERE {key}', values)
        return Outcome(0, 1, 0)

    def _is_history(self, row: dict[str, Any]) -> bool:
        return self._imported or bool(row["flags"] & EventFlag.BACKFILL)
