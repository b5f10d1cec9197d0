"""The numbers that rows carry for buses, sources and instruments: how a bus's own numbers become the database's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, select

from gcg_quant.events import InstrumentEvent
from gcg_quant.instruments import Instrument

from ..schema.models import buses, instruments, sources

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["Catalogue"]


class Catalogue:
    """Database numbers of one bus's instruments and sources.

    It remembers what it has looked up inside the transaction that is open; `forget()` after a rollback. One thread.
    """

    def __init__(self, bus: EventBus, import_number: int = 0) -> None:
        self._bus = bus
        self._import_number = import_number
        self.forget()

    def forget(self) -> None:
        """Drop everything remembered: the transaction that added it was rolled back."""
        self._bus_number = 0
        self._instruments = np.zeros(1, dtype=np.int64)  # by the bus's number; 0: not looked up yet
        self._sources: dict[int, int] = {}  # by the bus's number
        self._source_names: dict[str, int] = {}
        self._names: dict[tuple[str, str], int] = {}

    def bus_number(self, connection: Connection) -> int:
        """Return the database's number of the bus (and import)."""
        if self._bus_number == 0:
            values = {"bus_id": self._bus.bus_id, "import_number": self._import_number}
            self._bus_number = _number(connection, buses, values, world=self._bus.world.name.lower())
        return self._bus_number

    def instruments(self, connection: Connection, numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the database's numbers for an array of the bus's instrument numbers; 0 (none) stays 0."""
        highest = int(numbers.max(initial=0))
        if highest >= len(self._instruments):
            self._instruments = np.concatenate([self._instruments, np.zeros(highest + 64 - len(self._instruments), dtype=np.int64)])
        found: npt.NDArray[np.int64] = self._instruments[numbers]
        if not found.all():
            for number in np.unique(numbers[found == 0]).tolist():
                if number:
                    self._instruments[number] = self._add(connection, self._bus.instruments[number])
            found = self._instruments[numbers]
        return found

    def instrument(self, connection: Connection, symbol: str, venue: str) -> int:
        """Return the database's number of an instrument by name; 0 without a symbol."""
        if not symbol:
            return 0
        number = self._names.get((symbol, venue))
        if number is None:
            number = int(self.instruments(connection, np.array([self._bus.instruments.number(symbol, venue)]))[0])
            self._names[symbol, venue] = number
        return number

    def sources(self, connection: Connection, numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the database's numbers for an array of the bus's source numbers."""
        found = np.zeros(len(numbers), dtype=np.int64)
        for number in np.unique(numbers).tolist():
            if number not in self._sources:
                self._sources[number] = self.source(connection, self._bus.source_name(number))
            found[numbers == number] = self._sources[number]
        return found

    def source(self, connection: Connection, name: str) -> int:
        """Return the database's number of a publisher's name."""
        if name not in self._source_names:
            self._source_names[name] = _number(connection, sources, {"name": name})
        return self._source_names[name]

    def change_terms(self, connection: Connection, event: InstrumentEvent) -> None:
        """Store the terms that an InstrumentEvent announces: they replace those of the same name, the others stay."""
        number = self.instrument(connection, event.symbol, event.venue)
        stored = connection.scalar(select(instruments.c.terms).where(instruments.c.number == number))
        terms = {**msgspec.json.decode(stored or "{}"), **event.terms}
        terms = {name: value for name, value in terms.items() if name not in ("symbol", "venue")}
        connection.execute(instruments.update().where(instruments.c.number == number).values(terms=_json(terms)))

    def _add(self, connection: Connection, instrument: Instrument) -> int:
        values = {"symbol": instrument.symbol, "venue": instrument.venue}
        terms = _json({name: value for name, value in msgspec.to_builtins(instrument).items() if name not in values})
        number = _number(connection, instruments, values, terms=terms, bus=self.bus_number(connection))
        if terms != "{}":
            # What the live bus says now is what holds; an import only fills in what nobody has said yet.
            change = instruments.update().where(instruments.c.number == number).values(terms=terms)
            connection.execute(change.where(instruments.c.terms == "{}") if self._import_number else change)
        return number


def _number(connection: Connection, table: Table, key: dict[str, Any], **others: Any) -> int:
    # The transaction holds the only write lock, so nobody can add the row between the two statements.
    where = [table.c[name] == value for name, value in key.items()]
    number = connection.scalar(select(table.c.number).where(*where))
    if number is None:
        made = connection.execute(table.insert().values(**key, **others)).inserted_primary_key
        number = made[0] if made is not None else None
    return int(number)  # type: ignore[arg-type]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
