"""Looking at a bus folder's pages from outside: sizes, and whether every frame is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gcg_quant import _native
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane

__all__ = ["by_lane", "verify"]


def by_lane(folder: str | Path) -> dict[Lane, list[dict[str, Any]]]:
    """Return each lane's pages: file, bytes, used, first_seq, frames, records, first_ns, last_ns, epoch.

    Raises:
        JournalError: the folder holds no bus.
    """
    return _sorted(_pages(folder, verify=False))


def verify(folder: str | Path) -> list[dict[str, Any]]:
    """Check the checksum and number of every frame; a page's `damage` names file, offset and seq, or is "".

    `lost` has a sentence for each place where a copy of a damaged journal misses records; that is no damage.

    Raises:
        JournalError: the folder holds no bus.
    """
    return _pages(folder, verify=True)


def _pages(folder: str | Path, *, verify: bool) -> list[dict[str, Any]]:
    if not (Path(folder) / "bus.meta").exists():
        raise JournalError(f"{folder} holds no bus: name a bus folder, such as gcg_home/bus.", path=str(folder))
    return _native.inspect(str(folder), verify)


def _sorted(pages: list[dict[str, Any]]) -> dict[Lane, list[dict[str, Any]]]:
    result: dict[Lane, list[dict[str, Any]]] = {lane: [] for lane in Lane}
    for page in pages:
        result[Lane(page["lane"])].append(page)
    return result
