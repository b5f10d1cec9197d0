"""Copying a slice of a bus into a new one, and saving what is whole of a damaged one.

Events keep seq, id, time, cause, flags and bytes, so lineage stays valid. The copy has a bus id of its own; the instrument and source
tables come along, readers' cursors do not. Where the source is damaged, a frame in the copy says how many records were lost: readers pass
over it, and `journal verify` names it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from gcg_quant import _native
from gcg_quant.events import Lane, World

__all__ = ["CopiedLane", "CopyHole", "CopyReport", "copy_journal"]

_FIRST, _LAST = -(2**63), 2**63 - 1


class CopiedLane(msgspec.Struct, frozen=True):
    """What was copied of one lane: records `first_seq` to `end_seq` - 1 (0 and 0: nothing), without the `lost` ones."""

    frames: int
    records: int
    bytes: int
    lost: int
    first_seq: int
    end_seq: int


class CopyHole(msgspec.Struct, frozen=True):
    """Records that were not whole; `place` names file, offset, seq and reason. `records` is 0 where nobody knows how many."""

    lane: Lane
    place: str
    seq: int
    records: int


class CopyReport(msgspec.Struct, frozen=True):
    """What was copied, lane by lane; what could not be; and sentences about `bus.meta` and the tables where these had to be put right."""

    lanes: dict[Lane, CopiedLane]
    holes: tuple[CopyHole, ...]
    repairs: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """How many records were copied."""
        return sum(lane.records for lane in self.lanes.values())

    def sentences(self) -> list[str]:
        """Return what people want to know, one sentence a fact."""
        found = []
        for lane, part in self.lanes.items():
            seqs = f", seq {part.first_seq} to {part.end_seq - 1}" if part.records else ""
            found.append(f"{lane.name.lower()}: {part.records:,} events ({part.bytes / 10**6:,.1f} MB){seqs}.")
        return found + [f"{text}." for text in (*(hole.place for hole in self.holes), *self.repairs)]


def copy_journal(
    source: str | Path, target: str | Path, *, from_ns: int | None = None, to_ns: int | None = None, world: World | None = None
) -> CopyReport:
    """Copy the bus in folder `source`, as far as it goes now, to the new folder `target`; return what was copied and what was lost.

    Nothing of the source is changed, and others may write to it meanwhile. The target appears once it is whole and on the disk.

    Args:
        from_ns: only events published at this time or later.
        to_ns: only events published before this time.
        world: what the copy is for (such as World.REPLAY); None keeps the source's.

    Raises:
        JournalError: `source` holds no bus, or `target` exists. JournalFullError: no room; nothing is left behind.
    """
    lanes, holes, repairs = _native.copy(
        str(source),
        str(target),
        _FIRST if from_ns is None else from_ns,
        _LAST if to_ns is None else to_ns,
        0 if world is None else int(world),
    )
    return CopyReport(
        lanes={lane: CopiedLane(*numbers) for lane, numbers in zip(Lane, lanes, strict=True)},
        holes=tuple(CopyHole(Lane(lane), place, seq, records) for lane, place, seq, records in holes),
        repairs=tuple(repairs),
    )
