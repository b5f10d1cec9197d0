"""The stored history of a process: a database of its own connection, closed with the process."""

from __future__ import annotations

from gcg_quant.settings import Settings

from ..data_storage.database import Database
from ..data_storage.history import DatabaseHistory

__all__ = ["StoredHistory"]


class StoredHistory(DatabaseHistory):
    """A `DatabaseHistory` that owns its database."""

    def __init__(self, settings: Settings) -> None:
        self._own = Database(settings.database.url, home=settings.home)
        super().__init__(self._own)

    def close(self) -> None:
        """Close the database."""
        self._own.close()
