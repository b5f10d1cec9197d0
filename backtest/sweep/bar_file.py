"""The bars of a sweep as files that every worker maps: one copy in memory, however many workers there are."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from gcg_quant.errors import BacktestError
from gcg_quant.events import Bar
from gcg_quant.instruments import Instrument

from ..history.bars import BarArray
from ..inputs.run_inputs import DataRange
from ..inputs.sources import NO_BARS, Source

__all__ = ["SharedSource", "map_sources", "remove_sources", "store_sources"]


class SharedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A `Source` of which the arrays lie in files of the sweep's folder."""

    symbol: str
    venue: str
    terms: Instrument | None
    bars: int
    asks: int
    data: DataRange


def store_sources(folder: Path, sources: list[Source]) -> list[SharedSource]:
    """Write the bars of each source into `folder` and return what is needed to map them again."""
    found = []
    for number, source in enumerate(sources):
        for side, rows in (("bars", source.bars), ("asks", source.asks)):
            if len(rows):
                np.ascontiguousarray(rows, dtype=Bar.dtype).tofile(_file(folder, side, number))
        found.append(
            SharedSource(
                symbol=source.symbol,
                venue=source.venue,
                terms=source.terms,
                bars=len(source.bars),
                asks=len(source.asks),
                data=DataRange.of(source),
            )
        )
    return found


def map_sources(folder: Path, shared: list[SharedSource]) -> list[Source]:
    """Return the sources, their arrays mapped read-only from the files.

    Raises:
        BacktestError: a file is gone or has not the size that was written.
    """
    return [
        Source(one.symbol, one.venue, _map(folder, "bars", number, one.bars), one.terms, _map(folder, "asks", number, one.asks))
        for number, one in enumerate(shared)
    ]


def remove_sources(folder: Path) -> None:
    """Remove the files of bars: the sweep is done, and the store still has them."""
    for path in (*folder.glob("bars-*.bin"), *folder.glob("asks-*.bin")):
        path.unlink(missing_ok=True)


def _map(folder: Path, side: str, number: int, count: int) -> BarArray:
    if not count:
        return NO_BARS
    path = _file(folder, side, number)
    size = path.stat().st_size if path.exists() else 0
    if size != count * Bar.dtype.itemsize:
        raise BacktestError(
            f"The bars of the sweep are damaged: {path} has {size:,} bytes, not {count * Bar.dtype.itemsize:,}. Begin a new sweep.",
            path=str(path),
        )
    return np.asarray(np.memmap(path, dtype=Bar.dtype, mode="r", shape=(count,)))


def _file(folder: Path, side: str, number: int) -> Path:
    return folder / f"{side}-{number}.bin"
