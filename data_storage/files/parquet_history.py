"""History from a folder of Parquet files: what an export wrote, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import StorageError
from gcg_quant.events import Bar, BookDelta, Depth, MarketDataEvent, Record, Tick, TradeTick
from gcg_quant.history import MemoryHistory
from gcg_quant.periods import period_ns

from ..reading.bar_query import one_for_each_start
from ..reading.rows import limited, plain
from ..schema.models import RECORD_TABLES
from .parquet import names_in, record_of
from .parquet_rows import picked, read_rows
from .partitions import part_files

if TYPE_CHECKING:
    from gcg_quant.history import RecordArray

__all__ = ["ParquetHistory"]

_BY_TABLE = {table.name: record for record, table in RECORD_TABLES.items()}
_ORDER = ("time_ns", "seq")  # which of two bars of one start was published last


class ParquetHistory(MemoryHistory):
    """A `gcg_quant.history.History` over the files below a folder: by symbol and day, month or year, or one for each table.

    The folder is looked through once, here; the files are read as they are asked for, and only the part that is asked for. As from the
    database, one bar is returned for each start. Bars come of the periods that are there; none are put together. What the files do not
    say, `add_instrument` and `add_actions` do. Any thread may ask.

    Raises:
        StorageError: it is no folder, or no market data is in it.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise StorageError(f"{folder} is not a folder.", path=str(folder))
        # (record, symbol, venue, period, basis) -> (file, first time, end), by time; None: all times
        self._files: dict[tuple[Any, ...], list[tuple[Path, int | None, int | None]]] = {}
        for part in part_files(self.folder):
            record = _BY_TABLE.get(part.table)
            if record is not None:
                key = (record, part.symbol, part.venue, part.period, part.number)
                self._files.setdefault(key, []).append((part.path, part.first_ns, part.end_ns))
        for path in sorted(self.folder.glob("*.parquet")):
            record = record_of(path)
            if issubclass(record, MarketDataEvent):
                for names in names_in(path, record):
                    self._files.setdefault((record, *names), []).append((path, None, None))
        if not self._files:
            raise StorageError(f"{folder} holds no exported market data.", path=str(folder))

    def symbols(self) -> list[tuple[str, str]]:
        """Return every (symbol, venue) that the files hold, sorted."""
        return sorted({(symbol, venue) for _, symbol, venue, *_ in self._files})

    def periods(self, symbol: str, venue: str | None = None, basis: BarBasis = BarBasis.LAST) -> list[str]:
        """Return the periods that there are bars of, shortest first. Raises InstrumentError for an unknown symbol."""
        place = self._place(symbol, venue)
        found = {key[3] for key in self._files if key[0] is Bar and key[1:3] == place and key[4] == int(basis)}
        return sorted(found, key=period_ns)

    def bars(
        self,
        symbol: str,
        period: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        basis: BarBasis = BarBasis.LAST,
        oldest: bool = False,
    ) -> RecordArray:
        """Return the bars that start at or after `start_ns` and end at or before `end_ns`; see History.

        Raises:
            InstrumentError: the files hold nothing of the symbol, or of several venues. EventError: `period` is none.
            StorageError: a file cannot be read any more.
        """
        period_ns(period)
        key = (Bar, *self._place(symbol, venue), period, int(basis))
        rows = self._read(key, start_ns, end_ns, limit, oldest)
        if len(rows) > 1 and bool((rows["start_ns"][1:] == rows["start_ns"][:-1]).any()):
            # Several sources made the same bars: then it matters when each was published.
            rows = plain(one_for_each_start(self._read(key, start_ns, end_ns, None, oldest, _ORDER)), Bar)
        return limited(rows, limit, oldest)

    def ticks(self, symbol: str, **asked: Any) -> RecordArray:
        """Return the ticks from `start_ns` up to and including `end_ns`; see History."""
        return self._records(Tick, symbol, **asked)

    def trades(self, symbol: str, **asked: Any) -> RecordArray:
        """Return the trades from `start_ns` up to and including `end_ns`; see History."""
        return self._records(TradeTick, symbol, **asked)

    def depth(self, symbol: str, **asked: Any) -> RecordArray:
        """Return the order book snapshots from `start_ns` up to and including `end_ns`, in order."""
        return self._records(Depth, symbol, **asked)

    def book_deltas(self, symbol: str, **asked: Any) -> RecordArray:
        """Return the order book changes from `start_ns` up to and including `end_ns`, in order."""
        return self._records(BookDelta, symbol, **asked)

    def _records(
        self,
        record: type[Record],
        symbol: str,
        *,
        venue: str | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> RecordArray:
        key = (record, *self._place(symbol, venue), "", 0)
        return limited(self._read(key, start_ns, None if end_ns is None else end_ns + 1, limit, oldest), limit, oldest)

    def _read(
        self, key: tuple[Any, ...], start_ns: int | None, end_ns: int | None, limit: int | None, oldest: bool, extra: tuple[str, ...] = ()
    ) -> RecordArray:
        record, forward = key[0], limit is None or oldest
        paths = list(self._candidates(key, start_ns, end_ns, forward))
        rows = np.empty(0, record.dtype)
        if limit is None or len(paths) < 2:
            rows = _rows_of([path for path, _ in paths], key, start_ns, end_ns, extra)
        else:
            # From the end that is asked for, and no further than the limit needs.
            found: list[RecordArray] = []
            for path, of_all_times in paths:
                found.append(_rows_of([path], key, start_ns, end_ns, extra))
                if not of_all_times and sum(map(len, found)) >= limit:
                    break
            whole = [part.view(f"V{part.dtype.itemsize}") for part in (found if forward else found[::-1])]  # with their unused bytes
            rows = np.concatenate(whole).view(found[0].dtype)
        return _sorted(rows, "start_ns" if record is Bar else "event_ns")

    def _candidates(self, key: tuple[Any, ...], start_ns: int | None, end_ns: int | None, forward: bool) -> Iterator[tuple[Path, bool]]:
        files = self._files.get(key, [])
        for path, first_ns, file_end_ns in files if forward else files[::-1]:
            before = end_ns is not None and first_ns is not None and first_ns >= end_ns
            after = start_ns is not None and file_end_ns is not None and file_end_ns <= start_ns
            if not before and not after:
                yield path, first_ns is None


def _rows_of(paths: list[Path], key: tuple[Any, ...], start_ns: int | None, end_ns: int | None, extra: tuple[str, ...]) -> RecordArray:
    record, symbol, venue, period, basis = key
    equal: dict[str, Any] = {"symbol": symbol, "venue": venue} | ({"period": period, "basis": basis} if record is Bar else {})
    rows = read_rows(paths, record, equal, start_ns=start_ns, end_ns=end_ns, extra=extra)
    if record is Bar and end_ns is not None and len(rows) and int(rows["event_ns"].max()) > end_ns:
        return picked(rows, rows["event_ns"] <= end_ns)
    return rows


def _sorted(rows: RecordArray, time_column: str) -> RecordArray:
    # Files of exports are; those of a journal are in the order of publication.
    times = rows[time_column]
    if len(rows) < 2 or bool((times[1:] >= times[:-1]).all()):
        return rows
    return picked(rows, np.argsort(times, kind="stable"))
