"""The time columns of a file as UTC nanoseconds, and the rows whose time does not stand for one instant."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.clock import NS_PER_DAY

from ..zones import ABSENT_HOUR, TWICE, Int64Array, LocalZone
from .cells import BoolArray, as_text, words_of
from .import_times import TimeFormat, Times, parse_times
from .sheet import Sheet

__all__ = ["RowTimes", "parse_columns", "time_cells"]

_DAY_LETTERS = 10  # of 2021-01-04
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


def parse_columns(cells: dict[str, Any], style: TimeFormat) -> Times:
    """Return the times of a time column, or of date and time put together; quickly where they are as most files have them."""
    import pyarrow as pa

    if len(cells) == 1:
        (column,) = cells.values()
        if pa.types.is_timestamp(column.type):
            found = _typed(column)
            if found is not None:
                return found
        elif pa.types.is_string(column.type):
            return parse_times(column, style)
    elif style.name == "iso" and len(cells) == 2:
        found = _day_and_clock(cells["date"], cells["time"], style)
        if found is not None:
            return found
    return parse_times(time_cells(cells), style)


# A typed column as it is. None: there are times that nanoseconds do not hold.
def _typed(column: Any) -> Times | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        ns = np.asarray(pc.fill_null(column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()), 0), np.int64)
    except pa.ArrowInvalid:
        return None
    utc = np.full(len(ns), column.type.tz is not None)
    return Times(ns=ns, utc=utc, bad=np.asarray(column.is_null()), midnight=ns % NS_PER_DAY == 0)


# Few days, and times of the day as ISO writes them. None: some are not.
def _day_and_clock(dates: Any, clocks: Any, style: TimeFormat) -> Times | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(clocks.type):
        return None
    days, which = words_of(dates)
    if days.null_count or clocks.null_count:
        return None
    known = parse_times(days, style)
    longest = int(pc.max(pc.utf8_length(days)).as_py() or 0)
    if longest > _DAY_LETTERS or known.bad.any() or known.utc.any() or (known.ns % NS_PER_DAY).any():
        return None
    try:
        moments = pc.cast(pc.binary_join_element_wise("1970-01-01", clocks, "T"), pa.timestamp("ns"))
    except pa.ArrowInvalid:
        return None
    ns = known.ns[which] + np.asarray(moments.cast(pa.int64()), np.int64)
    nobody = np.zeros(len(ns), bool)
    return Times(ns=ns, utc=nobody, bad=nobody, midnight=ns % NS_PER_DAY == 0)


class RowTimes:
    """Reads the times of sheets in one format and zone.

    Local times that the clock skipped are refused, as are those it showed twice unless `ambiguous` says which of the two is meant.
    """

    def __init__(self, style: TimeFormat, zone: LocalZone, *, ambiguous: str = "refuse", stated: bool = False) -> None:
        """Args: `stated`: every time must state its zone, since nobody else does."""
        self._style = style
        self._stated = stated
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
        times = parse_columns({field: sheet.cells(field) for field in _FIELDS if sheet.has(field)}, self._style)
        sheet.refuse(times.bad, "the time cannot be read", *_FIELDS)
        if self._stated:
            sheet.refuse(~times.utc, "the time states no zone, and others do (see the option timezone)", *_FIELDS)
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
