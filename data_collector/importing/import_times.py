"""Text to time: the date and time cells of a file as exact nanoseconds.

Read without being told: ISO 8601 (`2013-10-07T04:00:00.123`, also with a blank, with slashes or dots between year, month and day, or
compact `20131007 040000`), a date alone, a zone at the end (`Z`, `+08:00`), and whole numbers since 1970 or compact dates, told apart by
their number of digits (`_DIGITS`). Everything else needs `time_format`: a pattern in the letters of `strptime` (`%d/%m/%Y %H:%M`), or
one of `s`, `ms`, `us`, `ns` for numbers since 1970. A day is never guessed from `01/02/2014`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np

from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.errors import ImportFileError

from ..zones import Int64Array

__all__ = ["TimeFormat", "Times", "find_time_format", "parse_times"]

_DATE = r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
_CLOCK = r"(?P<hour>[0-9]{2})(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
_ISO = r"^(?P<year>[0-9]{4})[-/.]?(?P<month>[0-9]{2})[-/.]?(?P<day>[0-9]{2})(?:[T ]+" + _CLOCK + r" ?" + _ZONE + r")?$"
_COMPACT = "^" + _DATE + r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?(?P<fraction>[0-9]{3})?$"
_EPOCH = r"^(?P<sign>-?)(?P<whole>[0-9]{1,19})(?:\.(?P<fraction>[0-9]{1,9}))?$"

_DIGITS = {8: "iso", 9: "s", 10: "s", 12: "compact", 13: "ms", 14: "compact", 16: "us", 17: "compact", 19: "ns"}
_MOST_DIGITS = 19
_UNITS = {"s": 9, "ms": 6, "us": 3, "ns": 0}  # the digits between the unit and a nanosecond
_DIRECTIVES = {
    "Y": r"(?P<year>[0-9]{4})",
    "y": r"(?P<short_year>[0-9]{2})",
    "m": r"(?P<month>[0-9]{1,2})",
    "b": r"(?P<month_name>[A-Za-z]{3})",
    "d": r"(?P<day>[0-9]{1,2})",
    "H": r"(?P<hour>[0-9]{1,2})",
    "M": r"(?P<minute>[0-9]{1,2})",
    "S": r"(?P<second>[0-9]{1,2})",
    "f": r"(?P<fraction>[0-9]{1,9})",
    "z": _ZONE[:-1],
    "%": "%",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_NS, _LAST_NS = -106_650 * NS_PER_DAY, 106_651 * NS_PER_DAY  # the years 1678 to 2261: what 64 bits of nanoseconds hold
_LONGEST_MONTH = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


class TimeFormat(msgspec.Struct, frozen=True):
    """How the time cells of a file read: `unit` for numbers since 1970, else the regular expression `pattern`."""

    name: str
    pattern: str
    unit: str = ""


class Times(msgspec.Struct, frozen=True):
    """Parsed times: `ns` on the clock of the file or, where `utc` is set, in UTC; `bad` marks cells that are no time, `midnight`
    those without a time of day or at 00:00.
    """

    ns: Int64Array
    utc: np.ndarray[Any, np.dtype[np.bool_]]
    bad: np.ndarray[Any, np.dtype[np.bool_]]
    midnight: np.ndarray[Any, np.dtype[np.bool_]]


def find_time_format(option: str | None, sample: str) -> TimeFormat:
    """Return the format that `option` names or, without one, that the first time cell `sample` shows.

    Raises:
        ImportFileError: the pattern holds an unknown letter, or the sample is ambiguous.
    """
    if option in _UNITS:
        return TimeFormat(name=option, pattern=_EPOCH, unit=option)
    if option is not None:
        return TimeFormat(name=option, pattern=_from_strptime(option))
    text = sample.strip()
    whole = re.match(r"^-?([0-9]+)(\.[0-9]*)?$", text)
    kind = _DIGITS.get(len(whole.group(1)), "") if whole else "iso"
    if kind in _UNITS:
        return TimeFormat(name=kind, pattern=_EPOCH, unit=kind)
    if kind == "compact":
        return TimeFormat(name="compact", pattern=_COMPACT)
    if kind == "iso" and re.match(_ISO, text):
        return TimeFormat(name="iso", pattern=_ISO)
    raise ImportFileError(
        f"The first time, {sample!r}, can be read in several ways: name its pattern with time_format, for example '%d/%m/%Y %H:%M:%S.%f', "
        "or s, ms, us or ns for a number since 1970.",
        option="time_format",
        value=sample,
    )


def _from_strptime(text: str) -> str:
    parts = []
    for index, piece in enumerate(re.split(r"%(.)", text)):
        if index % 2 == 0:
            parts.append(re.escape(piece))
        elif piece in _DIRECTIVES:
            parts.append(_DIRECTIVES[piece])
        else:
            known = " ".join("%" + letter for letter in _DIRECTIVES)
            raise ImportFileError(f"time_format {text!r} holds %{piece}, which is not one of {known}.", option="time_format", value=text)
    pattern = "^" + "".join(parts) + "$"
    if "year>" not in pattern or "month" not in pattern or "day>" not in pattern:
        raise ImportFileError(f"time_format {text!r} lacks a year, month or day.", option="time_format", value=text)
    if len(re.findall(r"\?P<(\w+)>", pattern)) != len(set(re.findall(r"\?P<(\w+)>", pattern))):
        raise ImportFileError(f"time_format {text!r} names the same part twice.", option="time_format", value=text)
    return pattern


def parse_times(cells: Any, style: TimeFormat) -> Times:
    """Return the times of a pyarrow string array; a null cell is bad."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if style.name == "iso" and not cells.null_count:
        try:  # the quick way; it knows neither zones nor compact dates, and then says so
            quick = pc.cast(cells, pa.timestamp("ns")).cast(pa.int64()).to_numpy(zero_copy_only=False)
            return _local(quick, (quick < _FIRST_NS) | (quick >= _LAST_NS))
        except pa.ArrowInvalid:
            pass
    if style.unit and not cells.null_count:
        quick = _whole_numbers(cells, style.unit)
        if quick is not None:
            return quick
    parts = pc.extract_regex(pc.utf8_trim_whitespace(cells), pattern=style.pattern)
    missing = np.asarray(pc.is_null(parts))
    if style.unit:
        return _from_epoch(parts, style.unit, missing)
    return _from_parts(_Parts(parts), missing)


def _local(ns: Int64Array, bad: np.ndarray[Any, np.dtype[np.bool_]]) -> Times:
    return Times(ns=ns, utc=np.zeros(len(ns), bool), bad=bad, midnight=ns % NS_PER_DAY == 0)


class _Parts:
    # The named groups of a match, as whole numbers; a group that is not there or did not match counts as `otherwise`.
    def __init__(self, matches: Any) -> None:
        self._matches = matches
        self._names = {field.name for field in matches.type}

    def text(self, name: str) -> Any:
        import pyarrow.compute as pc

        return pc.fill_null(pc.struct_field(self._matches, name), "") if name in self._names else None

    def number(self, name: str, otherwise: int = 0) -> Int64Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.text(name)
        if cells is None:
            return np.full(len(self._matches), otherwise, np.int64)
        filled = pc.if_else(pc.equal(cells, ""), str(otherwise), cells)
        return np.asarray(pc.cast(filled, pa.int64()), np.int64)

    def fraction_ns(self) -> Int64Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = self.text("fraction")
        if cells is None:
            return np.zeros(len(self._matches), np.int64)
        return np.asarray(pc.cast(pc.utf8_rpad(cells, 9, "0"), pa.int64()), np.int64)

    def __len__(self) -> int:
        return len(self._matches)

    def has(self, name: str) -> bool:
        return name in self._names


def _from_parts(parts: _Parts, missing: np.ndarray[Any, np.dtype[np.bool_]]) -> Times:
    year, month, day = parts.number("year", 1970), parts.number("month", 1), parts.number("day", 1)
    if parts.has("short_year"):
        short = parts.number("short_year")
        year = short + np.where(short < 69, 2000, 1900)  # as POSIX reads two digits
    if parts.has("month_name"):
        month = _month_numbers(parts.text("month_name"))
    hour, minute, second = parts.number("hour"), parts.number("minute"), parts.number("second")
    days = _days_since_epoch(year, month, day)
    bad = missing | (days == _NO_DAY) | (hour > 23) | (minute > 59) | (second > 59) | (year < 1678) | (year > 2261)
    days[bad] = 0
    ns = days * NS_PER_DAY + ((hour * 60 + minute) * 60 + second) * NS_PER_SECOND + parts.fraction_ns()
    utc, offset = _zone_offsets(parts)
    bad |= np.abs(offset) > 18 * 60
    return Times(ns=ns - offset * NS_PER_MINUTE, utc=utc, bad=bad, midnight=ns % NS_PER_DAY == 0)


_NO_DAY = np.iinfo(np.int64).min


def _days_since_epoch(year: Int64Array, month: Int64Array, day: Int64Array) -> Int64Array:
    # The civil calendar in whole numbers: years begin in March, so that the leap day is the last of its year.
    legal = (month >= 1) & (month <= 12) & (day >= 1)
    legal &= day <= _LONGEST_MONTH[np.where(legal, month, 0)]
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    legal &= ~((month == 2) & (day == 29) & ~leap)
    shifted = year - (month <= 2)
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return np.where(legal, era * 146_097 + day_of_era - 719_468, _NO_DAY)


def _month_numbers(names: Any) -> Int64Array:
    known = {name: number for number, name in enumerate(_MONTHS, 1)}
    return np.array([known.get(name.lower(), 0) for name in names.to_pylist()], np.int64)


def _zone_offsets(parts: _Parts) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], Int64Array]:
    # Minutes east of Greenwich, and whether the cell states them.
    if not parts.has("zone"):
        return np.zeros(len(parts), bool), np.zeros(len(parts), np.int64)
    zones, index = np.unique(np.asarray(parts.text("zone"), dtype=str), return_inverse=True)
    minutes = [0 if zone in ("", "Z") else (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1) for zone in zones]
    return (zones != "")[index], np.array(minutes, np.int64)[index]


def _whole_numbers(cells: Any, unit: str) -> Times | None:
    # Whole numbers that are certain to fit; None leaves it to the careful way.
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        numbers = np.asarray(pc.cast(cells, pa.int64()), np.int64)
    except pa.ArrowInvalid:
        return None
    factor = 10 ** _UNITS[unit]
    limit = np.iinfo(np.int64).max // factor
    if len(numbers) and (
        int(numbers.max()) > limit or int(numbers.min()) < -limit or int(pc.max(pc.utf8_length(cells)).as_py()) > _MOST_DIGITS
    ):
        return None
    ns = numbers * factor
    return Times(ns=ns, utc=np.ones(len(ns), bool), bad=np.zeros(len(ns), bool), midnight=ns % NS_PER_DAY == 0)


def _from_epoch(matches: Any, unit: str, missing: np.ndarray[Any, np.dtype[np.bool_]]) -> Times:
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = _Parts(matches)
    digits = _UNITS[unit]
    # In decimal text: whole and fraction side by side, so that no digit passes through a float.
    fraction = parts.text("fraction")
    too_fine = np.asarray(pc.greater(pc.utf8_length(pc.utf8_rtrim(fraction, "0")), digits))
    padded = pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 9, "0"), 0, digits) if digits else pc.utf8_slice_codeunits(fraction, 0, 0)
    joined = pc.binary_join_element_wise(parts.text("whole"), padded, "")
    bad = missing | too_fine | np.asarray(pc.greater(pc.utf8_length(pc.utf8_ltrim(joined, "0")), 19))
    good = np.flatnonzero(~bad)
    numbers = np.asarray(pc.cast(joined.take(good), pa.uint64()), np.uint64)  # 19 digits fit
    over = numbers > np.uint64(np.iinfo(np.int64).max)
    ns = np.zeros(len(parts), np.int64)
    ns[good] = np.where(over, np.uint64(0), numbers).astype(np.int64)
    bad[good[over]] = True
    ns = np.where(np.asarray(pc.equal(parts.text("sign"), "-")), -ns, ns)
    return Times(ns=ns, utc=np.ones(len(ns), bool), bad=bad, midnight=ns % NS_PER_DAY == 0)
