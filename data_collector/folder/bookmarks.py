"""Bookmarks: what a reader knew at some position of a file, so that a start reads on from there and not from the file's beginning."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

import msgspec

from ..importing.conversion import SeriesState
from .positions import fingerprint

__all__ = ["Bookmark", "Bookmarks"]


class Bookmark(msgspec.Struct, frozen=True):
    """What a reader of a file knew behind its first `offset` bytes, which are `lines` lines; `mark` tells that they are still the same."""

    offset: int
    lines: int
    mark: str
    options: str  # what the file was read with
    states: list[SeriesState]


class Bookmarks:
    """The bookmarks of a collector's files, by their path in the folder.

    They save time and nothing else: one that is lost, damaged, or of another file or other options counts as none.

    Args:
        path: of the file that they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of: dict[str, Bookmark] = {}
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            self._of = msgspec.json.decode(path.read_bytes(), type=dict[str, Bookmark])

    def find(self, name: str, file: BinaryIO, offset: int, options: str) -> Bookmark | None:
        """Return the bookmark of a file that has been read up to `offset`, or None."""
        found = self._of.get(name)
        if found is None or found.offset > offset or found.options != options or fingerprint(file, found.offset) != found.mark:
            return None
        return found

    def offset(self, name: str) -> int:
        """Return where the bookmark of a file is; 0 if it has none."""
        found = self._of.get(name)
        return found.offset if found is not None else 0

    def put(self, name: str, bookmark: Bookmark) -> None:
        """Take another one in place of a file's; `save` writes it down."""
        self._of[name] = bookmark

    def move(self, name: str, other: str) -> None:
        """Take note that a file has another name."""
        if name in self._of:
            self._of[other] = self._of.pop(name)

    def save(self, names: set[str]) -> None:
        """Write down those of these files."""
        self._of = {name: one for name, one in self._of.items() if name in names}
        fresh = self._path.with_suffix(".new")
        fresh.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.encode(self._of))
        fresh.replace(self._path)
