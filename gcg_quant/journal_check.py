"""Looking at a bus folder's pages from outside: sizes, rates, and whether every frame is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from gcg_quant import _native
from gcg_quant.clock import NS_PER_SECOND, now_ns
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane

__all__ = ["Epoch", "LaneSurvey", "survey", "verify"]


class Epoch(msgspec.Struct, frozen=True):
    """Where an epoch begins in a lane. All but a bus's first one began with a cut after a power loss."""

    number: int
    first_seq: int
    first_ns: int


class LaneSurvey(msgspec.Struct, frozen=True):
    """One lane at a glance: records `first_seq` to `end_seq` - 1 (0 and 0: none), published from `first_ns` to `last_ns`.

    `file_bytes` are those of the page files, `used_bytes` those of the frames; `recent` records with `recent_bytes` came within the last
    `recent_s` seconds. `damage` names page headers that are not whole (`verify` looks at the frames, too).
    """

    lane: Lane
    pages: int
    file_bytes: int
    used_bytes: int
    first_seq: int
    end_seq: int
    first_ns: int
    last_ns: int
    recent: int
    recent_bytes: int
    recent_s: float
    epochs: tuple[Epoch, ...]
    damage: tuple[str, ...]

    @property
    def records(self) -> int:
        """How many there are."""
        return self.end_seq - self.first_seq

    @property
    def seconds(self) -> float:
        """From the first to the last one, s."""
        return (self.last_ns - self.first_ns) / NS_PER_SECOND


def survey(folder: str | Path, recent_s: float = 60.0) -> dict[Lane, LaneSurvey]:
    """Return each lane at a glance; the time it takes hardly grows with the journal.

    Raises:
        JournalError: the folder holds no bus.
    """
    rows = _native.survey(str(folder), now_ns() - int(recent_s * NS_PER_SECOND))
    found = {}
    for row in rows:
        fields = {**row, "epochs": tuple(Epoch(*one) for one in row["epochs"]), "damage": tuple(row["damage"])}
        lane = fields["lane"] = Lane(row["lane"])
        found[lane] = LaneSurvey(**fields, recent_s=recent_s)
    return found


def verify(folder: str | Path) -> list[dict[str, Any]]:
    """Check the checksum and number of every frame; a page's `damage` names file, offset and seq, or is "".

    `lost` has a sentence for each place where a copy of a damaged journal misses records; that is no damage.

    Raises:
        JournalError: the folder holds no bus.
    """
    if not (Path(folder) / "bus.meta").exists():
        raise JournalError(f"{folder} holds no bus: name a bus folder, such as gcg_home/bus.", path=str(folder))
    return _native.inspect(str(folder), True)
