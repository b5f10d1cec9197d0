"""The store that a backtest reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["open_store"]


@contextlib.contextmanager
def open_store(home: Path, database_url: str = "") -> Iterator[History]:
    """Open the database of a home folder for reading and yield its History.

    Raises:
        StorageError: there is none yet, or it cannot be read.
    """
    from ...data_storage.reading.history import DatabaseHistory
    from ...data_storage.sql.database import Database  # sqlalchemy takes its time to import

    with Database(database_url, home=home, read_only=True) as database:
        yield DatabaseHistory(database)
