"""`Store`: the state file of a fake venue, a log of lines; what was written is there after kill -9."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec


class Store:
    """Appends `[kind, value]` lines. One process at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab")

    def lines(self) -> Iterator[tuple[str, Any]]:
        """Yield what was written, the oldest first; a torn last line is left out."""
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    kind, value = msgspec.json.decode(line)
                    yield kind, value

    def write(self, kind: str, value: object) -> None:
        """Append one line."""
        self._file.write(msgspec.json.encode([kind, value]) + b"\n")
        self._file.flush()

    def rewrite(self, lines: list[tuple[str, object]]) -> None:
        """Put these lines in the place of all."""
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        os.replace(fresh, self._path)
        self._file.close()
        self._file = self._path.open("ab")
