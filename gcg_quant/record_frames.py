"""Arrays of records as pandas frames, with a time index in the zone asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcg_quant.clock import zone_of

if TYPE_CHECKING:
    import pandas as pd

    from gcg_quant.history import RecordArray

__all__ = ["frame_of"]


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
