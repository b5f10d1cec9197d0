"""Folders of Parquet files by symbol and day, as Hive names them, so that pandas, Polars, DuckDB and others read them as one table.

    ticks/symbol=BTC%2FUSDT/venue=SIM/day=2026-11-27/part-0.parquet
    bars/period=1m/symbol=SPY/venue=US/year=2026/part-0.parquet              part-1, 2, 3: bars of bids, asks, mid prices

The day (month, year) is that of the event's time, of bars their start, in UTC. What the folders say is no column of the files; their
metadata say it once more, so that a file that was moved is still known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import StorageError, nearest

from ..reading.series import Series

__all__ = ["SPANS", "PartFile", "part_files", "series_folder", "span_bounds", "span_named", "span_parts"]

SPANS = {"day": "D", "month": "M", "year": "Y"}  # name of the folder's key -> NumPy's unit of time
_PART = re.compile(r"part-(\d+)\.parquet")


class PartFile(NamedTuple):
    """A file of such a folder: its table, what the folders above say, its number (of bars: the basis), and its span of time."""

    path: Path
    table: str
    symbol: str
    venue: str
    period: str
    number: int
    first_ns: int
    end_ns: int


def span_named(name: str) -> str:
    """Return `name` if it is one of SPANS. Raises StorageError."""
    if name not in SPANS:
        raise StorageError(f"Files are split by {', '.join(SPANS)}, not by {name!r}.{nearest(name, SPANS)}", by=name)
    return name


def span_bounds(by: str, ns: int) -> tuple[int, int]:
    """Return the first time of the day, month or year that `ns` lies in, and the first one of the next."""
    span = np.datetime64(ns, "ns").astype(f"datetime64[{SPANS[by]}]")
    first, end = (int(one.astype("datetime64[ns]").astype(np.int64)) for one in (span, span + 1))
    return first, end


def span_parts(by: str, times: npt.NDArray[np.int64]) -> Iterator[tuple[str, slice]]:
    """Yield the name of each span ("2026-11-27", "2026-11", "2026") and the places of its times, which ascend."""
    spans = times.astype("datetime64[ns]").astype(f"datetime64[{SPANS[by]}]")
    starts = np.flatnonzero(np.append(True, spans[1:] != spans[:-1]))
    for first, end in zip(starts.tolist(), [*starts[1:].tolist(), len(times)], strict=True):
        yield str(spans[first]), slice(first, end)


def series_folder(folder: Path, series: Series, symbol: str, venue: str) -> Path:
    """Return the folder that holds a series' days."""
    above = folder / series.table.name
    if series.period:
        above /= f"period={series.period}"
    return above / f"symbol={quote(symbol, safe='')}" / f"venue={quote(venue, safe='')}"


def part_files(folder: Path) -> list[PartFile]:
    """Return the files of such a folder, sorted by table, symbol and time; other files are left out."""
    found = [one for path in folder.rglob("part-*.parquet") if (one := _part_file(folder, path)) is not None]
    return sorted(found, key=lambda one: (one.table, one.symbol, one.venue, one.period, one.number, one.first_ns))


def _part_file(folder: Path, path: Path) -> PartFile | None:
    table, *folders, name = path.relative_to(folder).parts if len(path.relative_to(folder).parts) > 1 else ("", "")
    keys: dict[str, str] = dict(part.split("=", 1) for part in folders if "=" in part)
    number, by = _PART.fullmatch(name), next((by for by in SPANS if by in keys), None)
    if number is None or by is None or not {"symbol", "venue"} <= keys.keys():
        return None
    try:
        first_ns, end_ns = span_bounds(by, _start_of(keys[by]))
    except ValueError:
        return None
    texts: dict[str, Any] = {name: unquote(keys.get(name, "")) for name in ("symbol", "venue", "period")}
    return PartFile(path, table, **texts, number=int(number[1]), first_ns=first_ns, end_ns=end_ns)


def _start_of(text: str) -> int:
    return int(np.datetime64(text).astype("datetime64[ns]").astype(np.int64))
