"""Ticks and rates of a terminal as arrays of records."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.clock import NS_PER_MILLISECOND
from gcg_quant.events import Bar, BarBasis, BarOrigin, Tick, VolumeKind
from gcg_quant.periods import period_ns

from ..blank import RecordArray, blank
from ..ordinals import Ordinals
from .server_time import ServerTime

__all__ = ["RATES", "TIMEFRAMES", "bars_of", "rate_rows", "ticks_of"]

Array = np.ndarray[Any, np.dtype[Any]]
_HOURS, _WEEKS = 0x4000, 0x8000
# ENUM_TIMEFRAMES by our names; a month is no span of a fixed length.
TIMEFRAMES = {
    **{f"{minutes}m": minutes for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{f"{hours}h": hours | _HOURS for hours in (1, 2, 3, 4, 6, 8, 12)},
    "1d": 24 | _HOURS,
    "1w": 1 | _WEEKS,
}
# As copy_rates_range returns them ("Python Integration" of the MQL5 Reference).
RATES = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)


def rate_rows(data: bytes) -> Array:
    """Return bars as `RATES`.

    Raises:
        ValueError: the bytes are no whole number of bars.
    """
    if len(data) % RATES.itemsize:
        raise ValueError(f"{len(data)} bytes are no bars of {RATES.itemsize} bytes each: another build of MetaTrader5?")
    return np.frombuffer(data, RATES)


def ticks_of(rows: Array, number: int, recv_ns: int, clock: ServerTime, ordinals: Ordinals, now_ms: int | None = None) -> RecordArray:
    """Return ticks as records: quotes of currencies have neither a last price nor a size.

    Args:
        rows: of `TICKS`, in order of their times.
        number: of the instrument.
        recv_ns: when they came.
        clock: of the server.
        ordinals: tells equal times apart.
        now_ms: see `ServerTime.utc_ms`.
    """
    records = blank(Tick, len(rows))
    records["event_ns"] = clock.utc_ms(rows["time_msc"], now_ms) * NS_PER_MILLISECOND
    records["recv_ns"] = recv_ns
    records["instrument"] = number
    for field, name in (("bid_price", "bid"), ("ask_price", "ask"), ("last_price", "last")):
        records[field] = np.where(rows[name] == 0, np.nan, rows[name])  # 0 is the terminal's way to say that there is none
    size = np.where(rows["volume_real"] > 0, rows["volume_real"], rows["volume"].astype(np.float64))
    traded = (rows["last"] != 0) & (size > 0)
    records["last_size"] = np.where(traded, size, np.nan)
    records["volume"] = records["last_size"]
    records["volume_kind"] = np.where(traded, int(VolumeKind.SINGLE), int(VolumeKind.UNKNOWN))
    records["ordinal"] = ordinals.number(np.full(len(rows), number, np.int64), records["event_ns"])
    return records


def bars_of(rows: Array, number: int, recv_ns: int, clock: ServerTime, period: str, *, by_last: bool = False) -> RecordArray:
    """Return bars as records; those that have not ended by `recv_ns` are left out.

    A terminal's bars of currencies are those of the bid; their number of ticks is the record's `count`, their volume is unknown.

    Args:
        rows: of `RATES`.
        number: of the instrument.
        recv_ns: when they came.
        clock: of the server.
        period: a name of `TIMEFRAMES`.
        by_last: the symbol's charts are made of last prices.
    """
    length_ms = period_ns(period) // NS_PER_MILLISECOND
    starts = clock.utc_ms(rows["time"] * 1000)
    ends = clock.utc_ms(rows["time"] * 1000 + length_ms)
    ended = ends * NS_PER_MILLISECOND <= recv_ns
    rows, starts, ends = rows[ended], starts[ended], ends[ended]
    records = blank(Bar, len(rows))
    records["start_ns"], records["event_ns"] = starts * NS_PER_MILLISECOND, ends * NS_PER_MILLISECOND
    records["recv_ns"], records["instrument"] = recv_ns, number
    for field in ("open", "high", "low", "close"):
        records[field] = rows[field]
    records["count"] = rows["tick_volume"].astype(np.int64)
    records["volume"] = np.where(rows["real_volume"] > 0, rows["real_volume"].astype(np.float64), np.nan)
    records["period"] = period.encode()
    records["basis"] = int(BarBasis.LAST if by_last else BarBasis.BID)
    records["origin"] = int(BarOrigin.VENUE)
    return records
