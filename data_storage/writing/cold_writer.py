"""Writing cold events: one row each, dicts and lists as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection

from gcg_quant.events import ColdEvent

from ..schema.models import EVENT_KEY, ColdTable
from ..sql.catalogue import Catalogue
from ..sql.insertion import Insertion
from .record_writer import Outcome

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["ColdWriter", "Encoded"]

_SEQ_BITS = (1 << 60) - 1
_encode_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Encoded:
    """Events as columns of Python values, ready for the driver."""

    values: dict[str, list[Any]]
    count: int


class ColdWriter:
    """Writes the events of one cold class. One thread."""

    def __init__(self, database: Database, table: ColdTable) -> None:
        self.table = table
        self._insertion = Insertion(database, table.name, [column.name for column in table.table.columns], EVENT_KEY)

    def encode(self, connection: Connection, events: Sequence[ColdEvent], epoch: int, catalogue: Catalogue) -> Encoded:
        """Return the columns of events."""
        values: dict[str, list[Any]] = {
            "bus": [catalogue.bus_number(connection)] * len(events),
            "epoch": [epoch] * len(events),
            "seq": [event.id & _SEQ_BITS for event in events],
            "time_ns": [event.time_ns for event in events],
            "cause": [event.cause for event in events],
            "source": [catalogue.source(connection, event.source) for event in events],
        }
        for name, kind in self.table.columns:
            found = [getattr(event, name) for event in events]
            values[name] = [_encode_json(value).decode() for value in found] if kind == "json" else found
        if "instrument" in self.table.table.columns:
            values["instrument"] = [catalogue.instrument(connection, event.symbol, event.venue) for event in events]  # type: ignore[attr-defined]
        return Encoded(values, len(events))

    def write(self, connection: Connection, rows: Encoded) -> Outcome:
        """Insert the rows and return what became of them."""
        stored = self._insertion.run(connection, rows.values, rows.count)
        return Outcome(stored, 0, rows.count - stored)
