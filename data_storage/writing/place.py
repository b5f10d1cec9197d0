"""Whether the file of a database still lies where it was opened: SQLite goes on writing into one that was moved away or deleted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gcg_quant.errors import StorageError

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Place"]


class Place:
    """The file that a database was opened on; of a server there is none, and nothing is checked."""

    def __init__(self, database: Database) -> None:
        self._path = database.path if database.engine.dialect.name == "sqlite" else None
        self._opened = self._file()

    def check(self) -> None:
        """Look whether the file is there and still the same.

        Raises:
            StorageError: it is gone, and may come back (`retry`); or another file lies in its place.
        """
        found = self._file()
        if found == self._opened:
            return
        if found is None:
            text = "was moved away or deleted: put it back, or start the system again to begin a new one with what the journal holds."
        else:
            text = "was replaced by another file: start again, to go on with that one."
        raise StorageError(f"The database {self._path} {text}", path=str(self._path), retry=found is None)

    def _file(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino
