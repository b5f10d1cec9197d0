"""Pandas frames of stored market data, with a time index in the zone asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcg_quant.clock import zone_of
from gcg_quant.enumerations import BarBasis

if TYPE_CHECKING:
    import pandas as pd

    from gcg_quant.history import History, RecordArray

__all__ = ["bars_frame", "frame_of", "ticks_frame", "trades_frame"]


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


def frame_of(rows: RecordArray, *, index: str = "event_ns", zone: str = "UTC") -> pd.DataFrame:
    """Return an array of records as a frame; arrays of levels become one column a level (`bid_prices_1` ...)."""
    import pandas as pd

    where = zone_of(zone)
    columns: dict[str, Any] = {}
    for name in rows.dtype.names or ():
        values = rows[name]
        if values.ndim == 2:
            columns |= {f"{name}_{level + 1}": values[:, level] for level in range(values.shape[1])}
        elif values.dtype.kind == "S":
            columns[name] = [text.decode("utf-8", "backslashreplace") for text in values.tolist()]
        elif name not in (index, "instrument"):
            columns[name] = values
    times = pd.DatetimeIndex(rows[index].astype("datetime64[ns]"), tz="UTC", name="time")
    return pd.DataFrame(columns, index=times.tz_convert(where))
