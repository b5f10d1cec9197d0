"""`load`: whatever holds market data, as what the tick engine runs over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.errors import BacktestError, ImportFileError
from gcg_quant.events import Record
from gcg_quant.history import History

from ....data_collector.importing.binance_file import is_recording
from ..market import Feed
from ..moments import moment_ns
from .arrays import frame_columns, load_array, load_columns
from .files import load_file, load_folder, warn_of
from .journals import is_journal, load_journal
from .recordings import load_recording
from .stored import load_history
from .wanted import Wanted, kind_of

__all__ = ["load"]


def load(
    source: Any,
    symbol: str | Sequence[str] = "",
    *,
    venue: str = "",
    kind: str | type[Record] | Sequence[str | type[Record]] | None = None,
    start: Any = None,
    end: Any = None,
    timezone: str | None = None,
    sort: bool = False,
    **options: Any,
) -> list[Feed]:
    """Return the market data of a source; the engine merges them with all others by event time.

    Args:
        source: a journal (a bus folder); a CSV file (plain or gzip), a Parquet file or a folder of those, of all layouts that the importer
            knows; a recording of Binance's streams; a structured array of a record's dtype or of some of its fields; a pandas or polars
            frame or a pyarrow table with such columns; a database (its URL, "sqlite:///gcg_home/gcg_quant.db") or another `History`.
        symbol: which instruments, "IF1311" or "IF1311@CFFEX"; of what does not tell its instrument, what it is.
        venue: where it trades, if the symbol does not say.
        kind: which records: "ticks", "trades", "depth", "deltas", "bars" or their classes; of a file also what a row holds ("quotes").
        start: the first moment: nanoseconds, a datetime, a date or ISO text. By event time.
        end: the moment behind the last one.
        timezone: of times that state none, those of `start` and `end` included; else UTC for these two.
        sort: put rows whose times go back in order.
        options: of a file, those of `ImportOptions` (period, stamp, columns, time_format, volume_kind ...); of a database, `period`.

    Raises:
        ImportFileError: the source cannot be read, is of no known kind, holds nothing of what is asked for, or its times go back.
        InstrumentError: there is no such symbol. BacktestError: an option makes no sense.
    """
    names = (symbol,) if isinstance(symbol, str) else tuple(symbol)
    names = tuple(f"{name}@{venue}" if venue and "@" not in name else name for name in names if name)
    records, row_kind = _kinds(kind)
    zone = timezone or "UTC"
    start_ns = None if start is None else moment_ns(start, zone)
    end_ns = None if end is None else moment_ns(end, zone)
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise BacktestError(f"There is no time between start {start} and end {end}.", start=start, end=end)
    wanted = Wanted(names, records, start_ns, end_ns)
    if isinstance(source, np.ndarray):
        _no_options(options, "An array")
        return list(load_array(source, wanted, sort=sort))
    if isinstance(source, str) and "://" in source:
        from ....data_storage import Database, DatabaseHistory

        with Database(source, read_only=True) as database:
            return list(load_history(DatabaseHistory(database), wanted, sort=sort, **options))
    if isinstance(source, (str, Path)):
        if venue and not names:
            options["venue"] = venue
        given = {**options, **({"kind": row_kind} if row_kind else {}), **({"timezone": timezone} if timezone else {})}
        return _load_path(Path(source), wanted, sort, given)
    if isinstance(source, History):
        return list(load_history(source, wanted, sort=sort, **options))
    if hasattr(source, "columns"):
        _no_options(options, "A frame")
        return list(load_columns(frame_columns(source), wanted, "The frame", sort=sort))
    raise ImportFileError(
        f"Market data are a path, an array of records, a frame or a history, not {type(source).__name__}.", source=type(source).__name__
    )


def _load_path(path: Path, wanted: Wanted, sort: bool, options: dict[str, Any]) -> list[Feed]:
    if path.is_dir():
        if is_journal(path):
            _no_options({name: value for name, value in options.items() if name != "timezone"}, "A journal")
            return list(load_journal(path, wanted))
        return list(load_folder(path, wanted, sort=sort, **options))
    is_messages = path.is_file() and is_recording(path)
    feeds, report = (load_recording if is_messages else load_file)(path, wanted, sort=sort, **options)
    warn_of(report)
    return list(feeds)


# Record classes, and what the importer is told of a file's rows: "quotes" and the like are words of its own.
def _kinds(kind: Any) -> tuple[tuple[type[Record], ...], str | None]:
    if kind is None:
        return (), None
    if isinstance(kind, str) and kind in ("quotes", "quote_bars", "open_interest"):
        return (), kind
    kinds = (kind,) if isinstance(kind, (str, type)) else tuple(kind)
    return tuple(kind_of(one) for one in kinds), None


def _no_options(options: dict[str, Any], what: str) -> None:
    for name in options:
        raise BacktestError(f"{what} takes no option {name!r}: symbol, venue, kind, start, end, timezone and sort are all.", option=name)
