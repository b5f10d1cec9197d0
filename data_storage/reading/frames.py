"""Pandas frames of stored market data, with a time index in the zone asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.enumerations import BarBasis
from gcg_quant.record_frames import frame_of

if TYPE_CHECKING:
    import pandas as pd

    from gcg_quant.history import History

__all__ = ["bars_frame", "ticks_frame", "trades_frame"]


def bars_frame(
    history: History,
    symbol: str,
    period: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    basis: BarBasis = BarBasis.LAST,
    zone: str = "UTC",
) -> pd.DataFrame:
    """Return bars as a frame indexed by their start; `end_ns`, open, high, low, close, volume and the other fields are columns.

    Raises:
        InstrumentError: nothing is stored of the symbol. EventError: no such period or time zone.
    """
    bars = history.bars(symbol, period, venue=venue, start_ns=start_ns, end_ns=end_ns, limit=limit, basis=basis)
    frame = frame_of(bars, index="start_ns", zone=zone)
    return frame.rename(columns={"event_ns": "end_ns"})


def ticks_frame(
    history: History,
    symbol: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    zone: str = "UTC",
) -> pd.DataFrame:
    """Return ticks as a frame indexed by the venue's time. Raises InstrumentError if nothing is stored of the symbol."""
    return frame_of(history.ticks(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns, limit=limit), zone=zone)


def trades_frame(
    history: History,
    symbol: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    zone: str = "UTC",
) -> pd.DataFrame:
    """Return trades as a frame indexed by the venue's time. Raises InstrumentError if nothing is stored of the symbol."""
    return frame_of(history.trades(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns, limit=limit), zone=zone)
