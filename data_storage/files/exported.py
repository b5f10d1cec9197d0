"""A folder that an export wrote: its files, if all in it are ours and whole as far as their ends tell."""

from __future__ import annotations

from pathlib import Path

from gcg_quant.errors import StorageError
from gcg_quant.events import MarketDataEvent, Record

from .parquet import record_of

__all__ = ["exported_files"]


def exported_files(folder: Path) -> list[Path]:
    """Return the Parquet files of market data below `folder`, sorted by name. Files whose names begin with "." or "_" do not count, and
    other records than market data (fills.parquet ...) are left out.

    Raises:
        StorageError: it is no folder, holds no file of an export, or anything else.
    """
    if not folder.is_dir():
        raise StorageError(f"{folder} is not a folder.", path=str(folder))
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "_")))
    records: dict[Path, type[Record]] = {}
    for path in paths:
        if path.suffix != ".parquet":
            raise StorageError(
                f"{folder} is no folder of exported files: it holds {path.relative_to(folder)}. Import such files by their names.",
                path=str(path),
            )
        records[path] = record_of(path)
    found = [path for path, record in records.items() if issubclass(record, MarketDataEvent)]
    if not found:
        raise StorageError(f"{folder} holds no exported market data.", path=str(folder))
    return found
