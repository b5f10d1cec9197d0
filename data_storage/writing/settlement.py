"""What becomes of rows whose keys may be taken: decided in memory, for a whole batch, by the rules of `record_writer`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from gcg_quant.events import EventFlag

from ..schema.columns import Rows, column_values
from ..schema.models import BAR_KEY, EVENT_KEY, RecordTable, buses
from ..sql.held_rows import HeldRows

__all__ = ["Settled", "Settlement"]

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.intp]


class Settled(NamedTuple):
    """The rows to insert and those to put in the place of a stored one (both with their `copy`), and how many corrections there were."""

    fresh: Rows
    corrected: Rows
    replaced: int


@dataclass(slots=True)
class _Place:
    # A row of one key: a stored one, or (`index` of the batch) one that is to be stored.
    copy: int
    event: tuple[int, int, int]  # bus, seq, time_ns
    running: bool  # from a bus, not from an import
    worth: tuple[int, int, int]  # revision, time_ns, seq
    content: tuple[Any, ...]
    stored: bool
    index: int = -1


class Settlement:
    """Decides about batches of one record class. It writes nothing, and whoever writes holds the database's only write lock."""

    def __init__(self, table: RecordTable, *, imported: bool) -> None:
        self._table = table
        self._imported = imported
        self._held = HeldRows(table)
        self._key = tuple(name for name in table.key if name != "copy")
        self._content = tuple(field for field in table.fields if field.name not in table.key and field.name != "recv_ns")

    def settle(self, connection: Connection, rows: Rows) -> Settled:
        """Return what is to be done about rows of `stored_dtype`; those of one key stand in the order of their publication."""
        held = self._held.of(connection, rows)
        mine, theirs = _groups(rows, held, self._key)
        if self._table.key is EVENT_KEY:
            return Settled(rows[~np.isin(mine, theirs)], rows[:0], 0)
        order = np.lexsort((held["copy"], theirs))
        held, theirs = held[order], theirs[order]
        begin, end = np.searchsorted(theirs, mine, "left"), np.searchsorted(theirs, mine, "right")
        known = self._known(rows, held, mine, begin, end - begin)
        crowded = np.bincount(mine)[mine] > 1
        simple = ~known & ~crowded & (begin == end)
        fresh, corrected, replaced = self._one_by_one(connection, rows, np.flatnonzero(~known & ~simple), held, mine, theirs)
        return Settled(np.concatenate([rows[simple], fresh]), corrected, replaced)

    def _known(self, rows: Rows, held: Rows, group: Numbers, begin: Numbers, count: Numbers) -> Mask:
        # The rows that are certainly stored already: the same event, or history whose content is there.
        known = np.zeros(len(rows), bool)
        row = np.repeat(np.arange(len(rows)), count)
        other = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(begin, count)
        same = np.ones(len(row), bool)
        for name in ("bus", "seq", "time_ns"):
            same &= rows[name][row] == held[name][other]
        known[row[same]] = True
        history = np.full(len(rows), self._imported) | ((rows["flags"] & EventFlag.BACKFILL) != 0)
        if self._table.key is BAR_KEY and not self._imported:
            history &= np.append(True, group[1:] != group[:-1])  # an earlier bar of the batch may correct the stored one
        wanted = history[row] & ~same
        if self._imported:
            wanted &= rows["bus"][row] != held["bus"][other]  # an import never meets itself: two identical rows of one file are two rows
        row, other = row[wanted], other[wanted]
        for field in self._content:
            equal = _equal(rows[field.name][row], held[field.name][other])
            row, other = row[equal], other[equal]
        known[row] = True
        return known

    def _one_by_one(
        self, connection: Connection, rows: Rows, left: Numbers, held: Rows, mine: Numbers, theirs: Numbers
    ) -> tuple[Rows, Rows, int]:
        if not len(left):
            return rows[:0], rows[:0], 0
        places: dict[int, list[_Place]] = {}
        near = np.flatnonzero(np.isin(theirs, mine[left]))
        running = self._running(connection, held[near])
        for group, place in zip(theirs[near].tolist(), self._places(held[near], running, stored=True), strict=True):
            places.setdefault(group, []).append(place)
        history = (self._imported or (rows["flags"][left] & EventFlag.BACKFILL) != 0) & np.ones(len(left), bool)
        candidates = self._places(rows[left], None if self._imported else set(np.unique(rows["bus"]).tolist()), stored=False)
        replaced = 0
        for group, index, past, place in zip(mine[left].tolist(), left.tolist(), history.tolist(), candidates, strict=True):
            place.index = index
            replaced += self._settle(places.setdefault(group, []), place, past)
        found = [place for group in places.values() for place in group if place.index >= 0]
        return _picked(rows, [one for one in found if not one.stored]), _picked(rows, [one for one in found if one.stored]), replaced

    def _settle(self, places: list[_Place], place: _Place, history: bool) -> int:
        # Return 1 if a stored bar was replaced.
        if any(one.event == place.event for one in places):
            return 0
        if history and any(one.content == place.content for one in places if not self._imported or one.event[0] != place.event[0]):
            return 0
        if self._table.key is BAR_KEY and not self._imported:
            for one in places:
                if one.running:
                    if place.worth <= one.worth:
                        return 0
                    one.event, one.worth, one.content, one.index = place.event, place.worth, place.content, place.index
                    return 1
        place.copy = 1 + max((one.copy for one in places), default=-1)
        places.append(place)
        return 0

    def _places(self, rows: Rows, running: set[int] | None, *, stored: bool) -> list[_Place]:
        names = ("copy", "bus", "seq", "time_ns")
        copies, numbers, seqs, times = (rows[name].tolist() for name in names)
        revisions = rows["revision"].tolist() if self._table.key is BAR_KEY else [0] * len(rows)
        contents = zip(*(column_values(rows, field) for field in self._content), strict=True)
        return [
            _Place(copy, (bus, seq, time_ns), running is not None and bus in running, (revision, time_ns, seq), content, stored)
            for copy, bus, seq, time_ns, revision, content in zip(copies, numbers, seqs, times, revisions, contents, strict=True)
        ]

    def _running(self, connection: Connection, held: Rows) -> set[int]:
        numbers = np.unique(held["bus"]).tolist()
        return set(connection.scalars(select(buses.c.number).where(buses.c.number.in_(numbers), buses.c.import_number == 0)))


def _groups(rows: Rows, held: Rows, key: tuple[str, ...]) -> tuple[Numbers, Numbers]:
    # Number the keys, in their order: of the rows, and of what is held.
    columns = [np.concatenate([rows[name], held[name]]) for name in key]
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), bool)
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    numbers = np.empty(len(order), np.intp)
    numbers[order] = np.cumsum(new)
    return numbers[: len(rows)], numbers[len(rows) :]


def _equal(values: npt.NDArray[Any], others: npt.NDArray[Any]) -> Mask:
    equal = values == others
    if values.dtype.kind == "f":
        equal |= np.isnan(values) & np.isnan(others)
    return np.asarray(equal.all(axis=1) if equal.ndim > 1 else equal)


def _picked(rows: Rows, places: list[_Place]) -> Rows:
    found = rows[[place.index for place in places]]
    found["copy"] = [place.copy for place in places]
    return found
