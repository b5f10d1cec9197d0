"""Removing the oldest pages of a bus, as far as nobody needs them.

    report = prune("gcg_home/bus", before_ns=now_ns() - 7 * NS_PER_DAY, keep_bytes=20 * 10**9, floors={"trading": 4711})
    for sentence in report.sentences(): print(sentence)

Safe at any time, beside processes that write and read. The page of a lane that is written to always stays, and so does every page that a
durable reader's committed cursor or a floor still needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from gcg_quant import _native
from gcg_quant.clock import NS_PER_SECOND, to_iso
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane

__all__ = ["PruneHold", "PruneReport", "PrunedPage", "prune"]

_SILENCE_S = 86_400.0  # a durable reader that is gone is waited for so long
_NEVER = -(2**63)
_UNLIMITED = 2**64 - 1
_NO_FLOORS: Mapping[str, int | Mapping[Lane, int]] = {}


class PrunedPage(msgspec.Struct, frozen=True):
    """A page that went: records `first_seq` to `end_seq` - 1 (`first_seq` is 0 if it was damaged), from `first_ns` to `last_ns`."""

    lane: Lane
    index: int
    bytes: int
    first_seq: int
    end_seq: int
    first_ns: int
    last_ns: int


class PruneHold(msgspec.Struct, frozen=True):
    """Pages that the limits chose and that stay, because `name` needs the lane from `seq` on."""

    name: str
    lane: Lane
    seq: int
    pages: int
    bytes: int


class PruneReport(msgspec.Struct, frozen=True):
    """What went, or with `dry_run` would go; what was held back by whom; and which durable readers are not waited for any more.

    `silent` maps their names to the time they were heard of last (ns). `bytes_before` and `bytes_after` are the sizes of all page files.
    """

    removed: tuple[PrunedPage, ...]
    held: tuple[PruneHold, ...]
    silent: dict[str, int]
    bytes_before: int
    bytes_after: int
    dry_run: bool = False

    def sentences(self) -> list[str]:
        """Return what people want to know, one sentence a fact."""
        verb = "would be removed" if self.dry_run else "removed"
        found = []
        for lane in Lane:
            pages = [page for page in self.removed if page.lane == lane]
            if pages:
                size = sum(page.bytes for page in pages) / 10**6
                until = f"up to seq {pages[-1].end_seq - 1}, {to_iso(pages[-1].last_ns)}"
                found.append(f"{lane.name.lower()}: {len(pages)} pages ({size:,.1f} MB) {verb}, {until}.")
        if not found:
            found.append(f"No page {'would be removed' if self.dry_run else 'was removed'}.")
        for hold in self.held:
            place = f"{hold.lane.name.lower()} lane from seq {hold.seq} on"
            found.append(f"{hold.name} needs the {place}: {hold.pages} pages ({hold.bytes / 10**6:,.1f} MB) stay for it.")
        for name, updated_ns in self.silent.items():
            found.append(f"The durable reader {name} is gone and silent since {to_iso(updated_ns)}: it is not waited for any more.")
        found.append(f"The pages take {self.bytes_before / 10**6:,.1f} MB, {self.bytes_after / 10**6:,.1f} MB afterwards.")
        return found


def prune(
    path: str | Path,
    *,
    before_ns: int | None = None,
    keep_bytes: int | None = None,
    floors: Mapping[str, int | Mapping[Lane, int]] = _NO_FLOORS,
    silence_s: float = _SILENCE_S,
    dry_run: bool = False,
) -> PruneReport:
    """Remove the oldest pages of the bus in folder `path` and return what went and what was held back.

    Args:
        before_ns: pages whose events were all published earlier may go.
        keep_bytes: while the pages of all lanes take more, the oldest may go, whatever their age. A page that is needed counts as gone
            here: nothing younger goes in its place.
        floors: who needs the market lane, or each of several lanes, from which seq on, beside the durable readers.
        silence_s: a durable reader whose process is gone and that was silent for so many seconds is reported and not waited for.
        dry_run: remove nothing, and return what would go.

    Raises:
        JournalError: the folder holds no bus, or a file cannot be removed.
    """
    if keep_bytes is not None and keep_bytes < 0:
        raise JournalError(f"keep_bytes is {keep_bytes}: give the bytes that may stay, 0 or more.", keep_bytes=keep_bytes)
    row = _native.prune(
        str(path),
        _NEVER if before_ns is None else before_ns,
        _UNLIMITED if keep_bytes is None else keep_bytes,
        [(name, int(lane), seq) for name, needed in floors.items() for lane, seq in _by_lane(needed).items()],
        int(silence_s * NS_PER_SECOND),
        dry_run,
    )
    return PruneReport(
        removed=tuple(PrunedPage(Lane(lane), *rest) for lane, *rest in row["removed"]),
        held=tuple(PruneHold(name, Lane(lane), *rest) for name, lane, *rest in row["held"]),
        silent=dict(row["silent"]),
        bytes_before=row["bytes_before"],
        bytes_after=row["bytes_after"],
        dry_run=dry_run,
    )


def _by_lane(needed: int | Mapping[Lane, int]) -> Mapping[Lane, int]:
    return {Lane.MARKET: needed} if isinstance(needed, int) else needed
