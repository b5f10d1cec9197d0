"""Market data of the database as Parquet files by symbol and day, month or year."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import StorageError
from gcg_quant.events import Record

from ..reading.series import Series, portion_end, stored_series
from ..schema.columns import Rows
from ..sql.names import Names
from ..sql.selection import Selection
from .parquet import parquet_writer
from .partitions import series_folder, span_bounds, span_named, span_parts
from .record_tables import with_constants
from .stored_rows import StoredRows

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["export_parts"]

_ROWS_AT_A_TIME = 100_000
_STALE_S = 3600.0


def export_parts(
    database: Database,
    folder: str | Path,
    by: str = "day",
    *,
    kinds: Iterable[type[Record]] | None = None,
    symbols: Iterable[str] | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    only_new: bool = False,
    progress: Callable[[int], None] | None = None,
) -> dict[Path, int]:
    """Write the stored market data into `folder`, a file for each symbol and day (see `partitions`); return the rows of each file.

    A file is written whole and then takes the place of an older one; whatever ends the export leaves no half of one under its name.

    Args:
        by: "day", "month" or "year", in UTC.
        kinds: classes of market data; None means all.
        symbols: "BTC/USDT" or "BTC/USDT@SIM"; None means all.
        start_ns, end_ns: write the days (months, years) that reach into this time, each as a whole; the end belongs to it no longer.
        only_new: of each series only the newest day that `folder` has, again, and those after it.
        progress: called with the number of rows written each time.

    Raises:
        InstrumentError: nothing is stored of a symbol. StorageError: `by` is none of the three; the folder cannot be written.
    """
    span_named(by)
    folder = Path(folder)
    names = Names(database)
    with database.reading() as connection:
        numbers = None if symbols is None else [names.number(connection, symbol) for symbol in symbols]
        every = stored_series(database, connection, numbers)
        known = names.all(connection)
    wanted = None if kinds is None else set(kinds)
    start_ns = None if start_ns is None else span_bounds(by, start_ns)[0]
    end_ns = None if end_ns is None else span_bounds(by, end_ns - 1)[1]
    written: dict[Path, int] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        for series in every:
            if wanted is None or series.table.record in wanted:
                own = series_folder(folder, series, *known[series.instrument])
                first_ns = max((one for one in (start_ns, _newest(own, by, series) if only_new else None) if one is not None), default=None)
                job = _SeriesExport(database, series, known, folder, own, by)
                written |= job.write(first_ns, end_ns, progress)
    except OSError as error:
        raise StorageError(f"The folder {folder} cannot be written: {error.strerror or error}.", path=str(folder)) from error
    return written


class _SeriesExport:
    # One series, read in portions by its key; the file of a day is open while its rows come.

    def __init__(self, database: Database, series: Series, names: dict[int, tuple[str, str]], folder: Path, own: Path, by: str) -> None:
        self._database = database
        self._series = series
        self._tables = StoredRows(database, series.table, names)
        self._names = names[series.instrument]
        self._root = folder
        self._own = own
        self._by = by

    def write(self, start_ns: int | None, end_ns: int | None, progress: Callable[[int], None] | None) -> dict[Path, int]:
        written: dict[Path, int] = {}
        file: _File | None = None
        try:
            for rows in self._portions(start_ns, end_ns):
                table = self._tables.arrow(rows)
                for span, places in span_parts(self._by, rows[self._series.table.time_column]):
                    if file is None or file.span != span:
                        if file is not None:
                            written[file.finish()] = file.rows
                        file = _File(self._root, self._own / f"{self._by}={span}" / f"part-{self._series.basis}.parquet", span)
                    file.write(self._named(table.slice(places.start, places.stop - places.start)))
                if progress is not None:
                    progress(len(rows))
            if file is not None:
                written[file.finish()] = file.rows
        finally:
            if file is not None:
                file.close()
        return written

    def _portions(self, start_ns: int | None, end_ns: int | None) -> Iterator[Rows]:
        # By time instead of by number: a range as a whole is what the database reads fastest.
        table = self._series.table
        while True:
            with self._database.reading() as connection:
                condition = self._series.condition(self._database, start_ns, end_ns)
                until_ns = portion_end(connection, self._series, condition, _ROWS_AT_A_TIME)
                selection = Selection(self._database, table, everything=True)
                for column, value in zip(self._series.key, self._series.values, strict=True):
                    selection.where(column, "=", value)
                selection.where(table.time_column, ">=", start_ns)
                selection.where(table.time_column, "<", end_ns if until_ns is None else until_ns)
                rows = selection.rows(connection, table.key[len(self._series.key) :])
            if len(rows):
                yield rows
            if until_ns is None:
                return
            start_ns = until_ns

    def _named(self, table: Any) -> Any:
        symbol, venue = self._names
        return with_constants(table, {"symbol": symbol, "venue": venue, **({"period": self._series.period} if self._series.period else {})})


class _File:
    # One day's file. It grows under a name in the uppermost folder, which no reader of the table looks at.

    def __init__(self, root: Path, path: Path, span: str) -> None:
        self.path = path
        self.span = span
        self.rows = 0
        handle, name = tempfile.mkstemp(prefix=".export-", suffix=".part", dir=root)
        os.close(handle)
        self._part = Path(name)
        self._writer: Any = None

    def write(self, table: Any) -> None:
        if self._writer is None:
            self._writer = parquet_writer(self._part, table.schema)
        self._writer.write_table(table)
        self.rows += table.num_rows

    def finish(self) -> Path:
        self._writer.close()
        self._writer = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._part.chmod(0o644)
        self._part.replace(self.path)
        return self.path

    def close(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
        self._part.unlink(missing_ok=True)


def _newest(own: Path, by: str, series: Series) -> int | None:
    # The first time of the newest span that has a file; names of one kind sort as their times do.
    files = sorted(own.glob(f"{by}=*/part-{series.basis}.parquet"))
    return next((first for path in reversed(files) if (first := _span_start(by, path.parent.name)) is not None), None)


def _span_start(by: str, name: str) -> int | None:
    import numpy as np

    try:
        return int(np.datetime64(name.split("=", 1)[1]).astype("datetime64[ns]").astype(np.int64))
    except ValueError:
        return None


def _remove_stale(folder: Path) -> None:
    # What a killed export left; one that still runs has written to its file lately.
    for path in folder.glob(".export-*.part"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()
