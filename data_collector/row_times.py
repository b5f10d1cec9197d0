"""The time columns of a file as UTC nanoseconds, and the rows whose time does not stand for one instant."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.clock import NS_PER_DAY

from .cells import BoolArray, as_text
from .import_times import TimeFormat, parse_times
from .sheet import Sheet
from .zones import ABSENT_HOUR, TWICE, Int64Array, LocalZone

__all__ = ["RowTimes", "time_cells"]

_FIELDS = ("date", "time")


def time_cells(cells: dict[str, Any]) -> Any:
    """Return the text of the time column, or of date and time put together."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [_iso(cells[field]) for field in _FIELDS if field in cells]
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(parts[0], parts[1], pa.scalar("T"))


def _iso(cells: Any) -> Any:
    # A typed Parquet column as the text that the parser reads without loss.
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(cells.type):
        return as_text(cells)
    text = pc.strftime(cells.cast(pa.timestamp(cells.type.unit)), format="%Y-%m-%dT%H:%M:%S")
    return text if cells.type.tz is None else pc.binary_join_element_wise(text, "Z", "")


class RowTimes:
    """Reads the times of sheets in one format and zone.

    Local times that the clock skipped are refused, as are those it showed twice unless `ambiguous` says which of the two is meant.
    """

    def __init__(self, style: TimeFormat, zone: LocalZone, *, ambiguous: str = "refuse") -> None:
        self._style = style
        self._zone = zone
        self._ambiguous = ambiguous
        self.resolved = 0  # rows of a repeated hour that `ambiguous` decided

    def instants(self, sheet: Sheet) -> Int64Array:
        """Return the UTC time of each row."""
        local, utc = self._parse(sheet)
        return self._to_utc(sheet, local, utc, np.zeros(len(local), bool))

    def intervals(self, sheet: Sheet, length_ns: int, stamp: str) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return (start, end, local day of the start as YYYYMMDD or 0) of bars of `length_ns`, whose time is their `stamp`.

        Bars of a day and longer last whole local days: from midnight to midnight even where the clock changes in between. A
        midnight that the clock skips is the moment at which it did.
        """
        local, utc = self._parse(sheet)
        whole_days = length_ns % NS_PER_DAY == 0
        if not whole_days:
            stamped = self._to_utc(sheet, local, utc, np.zeros(len(local), bool))
            starts = stamped if stamp == "start" else stamped - length_ns
            return starts, starts + length_ns, np.zeros(len(local), np.int64)
        local = np.where(utc, self._zone.to_local(local), local)
        first = local if stamp == "start" else local - length_ns
        starts = self._to_utc(sheet, first, np.zeros(len(local), bool), first % NS_PER_DAY == 0)
        ends = self._zone.to_utc(first + length_ns)[0]
        days = np.datetime_as_string(first.astype("M8[ns]"), unit="D") if len(first) else np.zeros(0, "U10")
        return starts, ends, np.char.replace(days, "-", "").astype(np.int64)

    def _parse(self, sheet: Sheet) -> tuple[Int64Array, BoolArray]:
        cells = time_cells({field: sheet.cells(field) for field in _FIELDS if sheet.has(field)})
        times = parse_times(cells, self._style)
        sheet.refuse(times.bad, "the time cannot be read", *_FIELDS)
        return np.where(times.bad, 0, times.ns), times.utc

    def _to_utc(self, sheet: Sheet, ns: Int64Array, utc: BoolArray, boundary: BoolArray) -> Int64Array:
        # `boundary`: midnights of daily bars, which name a day and exist on every one.
        converted, kinds = self._zone.to_utc(ns, later=self._ambiguous == "later")
        local = ~utc & ~boundary
        sheet.refuse(local & (kinds == ABSENT_HOUR), f"the local time does not exist: the clocks of {self._zone.name} skipped it", *_FIELDS)
        twice = local & (kinds == TWICE) & sheet.alive
        if self._ambiguous == "refuse":
            reason = f"the local time occurred twice: the clocks of {self._zone.name} were put back (see the option ambiguous)"
            sheet.refuse(twice, reason, *_FIELDS)
        else:
            self.resolved += int(twice.sum())
        if self._ambiguous == "later" and boundary.any():
            converted = np.where(boundary, self._zone.to_utc(ns)[0], converted)
        return np.where(utc, ns, converted)
