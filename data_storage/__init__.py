"""Events into the database, and back: the recorder, history, imports, and files of records."""

from .database import Database
from .export import export_parquet
from .frames import bars_frame, ticks_frame, trades_frame
from .history import DatabaseHistory
from .imports import ImportRegistry, sha256_of
from .journal_export import export_journal
from .ledger import Ledger
from .parquet import read_parquet, write_parquet
from .recorder import Recorder

__all__ = [
    "Database",
    "DatabaseHistory",
    "ImportRegistry",
    "Ledger",
    "Recorder",
    "bars_frame",
    "export_journal",
    "export_parquet",
    "read_parquet",
    "sha256_of",
    "ticks_frame",
    "trades_frame",
    "write_parquet",
]
