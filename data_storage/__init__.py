"""Events into the database, and back: the recorder, history, imports, and files of records."""

from .files.export import export_parquet
from .files.imports import ImportRegistry, sha256_of
from .files.journal_export import export_journal
from .files.parquet import read_parquet, write_parquet
from .files.parquet_history import ParquetHistory
from .files.part_export import export_parts
from .reading.frames import bars_frame, ticks_frame, trades_frame
from .reading.gaps import Gap, find_gaps
from .reading.history import DatabaseHistory
from .reading.ledger import Ledger
from .sql.database import Database
from .writing.recorder import Recorder
from .writing.refill import refill

__all__ = [
    "Database",
    "DatabaseHistory",
    "Gap",
    "ImportRegistry",
    "Ledger",
    "ParquetHistory",
    "Recorder",
    "bars_frame",
    "export_journal",
    "export_parquet",
    "export_parts",
    "find_gaps",
    "read_parquet",
    "refill",
    "sha256_of",
    "ticks_frame",
    "trades_frame",
    "write_parquet",
]
