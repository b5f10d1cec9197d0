"""Structured arrays and frames as market data: columns named as a record's fields, those that are missing at their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gcg_quant.errors import ImportFileError, nearest
from gcg_quant.events import Bar, BookDelta, Depth, Record, Tick, TradeTick

from ..market import RowsFeed
from .order import in_order
from .wanted import Rows, Wanted, split_name

__all__ = ["frame_columns", "load_array", "load_columns"]

Column = np.ndarray[Any, Any]

# What a record cannot do without, for telling whose fields they are: any one of a group.
_NEEDED: tuple[tuple[type[Record], tuple[tuple[str, ...], ...]], ...] = (
    (Tick, (("last_price", "bid_price", "ask_price"),)),
    (TradeTick, (("price",),)),
    (BookDelta, (("price",), ("side",))),
    (Depth, (("bid_prices", "ask_prices"),)),
    (Bar, (("open",), ("high",), ("low",), ("close",))),
)
_BESIDE = ("symbol", "venue", "id", "time_ns", "cause", "source", "flags", "seq", "lane")  # of exports; no fields of a record


def load_array(rows: Rows, wanted: Wanted, *, sort: bool = False) -> list[RowsFeed]:
    """Return a structured array of one instrument as market data: as it lies if it is of a record's dtype, else copied into one.

    Raises:
        ImportFileError: no symbol is told, the fields are no record's, times go back, or none is wanted.
    """
    if rows.ndim != 1 or rows.dtype.names is None:
        raise ImportFileError(
            f"An array of market data is a row of records, such as of hft.Tick.dtype; this one is {rows.ndim}-d of {rows.dtype}."
        )
    record = next((cls for cls, _ in _NEEDED if cls.dtype == rows.dtype), None)
    if record is None:
        return load_columns({name: rows[name] for name in rows.dtype.names}, wanted, "The array", sort=sort)
    if wanted.records and record not in wanted.records:
        raise ImportFileError(f"The array holds {record.__name__} records, and {_names(wanted)} were asked for.")
    symbol, venue = _place(wanted, "The array")
    return [_feed(symbol, venue, record, rows, wanted, sort)]


def load_columns(columns: Mapping[str, Column], wanted: Wanted, source: str, *, sort: bool = False) -> list[RowsFeed]:
    """Return columns by the names of a record's fields as market data, an array for each instrument.

    Args:
        columns: equally long; `event_ns` as int64 nanoseconds or datetime64 in UTC; with `symbol` (and `venue`) they tell the instruments.
        wanted: which instruments and times.
        source: what they are, at the beginning of a sentence.
        sort: put the rows in order of time.

    Raises:
        ImportFileError: as `load_array`, or a column's values do not fit its field. InstrumentError: there is no such symbol.
    """
    fields = [name for name in columns if name not in _BESIDE]
    record = _record_of(fields, wanted, source)
    if "event_ns" not in columns:
        raise ImportFileError(f"{source} has no times: expected a column event_ns, in nanoseconds since 1970 or datetime64 in UTC.")
    if "symbol" not in columns:
        symbol, venue = _place(wanted, source)
        return [_feed(symbol, venue, record, _filled(record, columns, fields, slice(None), source), wanted, sort)]
    symbols = np.asarray(columns["symbol"], str)
    venues = np.asarray(columns["venue"], str) if "venue" in columns else np.full(len(symbols), "")
    names = np.char.add(np.char.add(symbols, "@"), venues)
    kinds, first = np.unique(names, return_index=True)
    places = [(str(symbols[row]), str(venues[row])) for row in first]
    wanted.check_names(places, source)
    feeds = []
    for position in np.argsort(first):
        if wanted.has(*places[position]):
            picked = slice(None) if len(kinds) == 1 else np.flatnonzero(names == kinds[position])
            symbol, venue = places[position]
            feeds.append(_feed(symbol, venue, record, _filled(record, columns, fields, picked, source), wanted, sort))
    return feeds


def frame_columns(frame: Any) -> dict[str, Column]:
    """Return the columns of a pandas or polars frame or a pyarrow table as arrays; an index of times is `event_ns` if there is none.

    Raises:
        ImportFileError: times of several zones in one column.
    """
    if hasattr(frame, "column_names"):  # a pyarrow table
        return {name: _plain(frame.column(name).to_pandas().to_numpy(), name) for name in frame.column_names}
    columns = {str(name): _plain(_times(frame[name], str(name)), str(name)) for name in frame.columns}
    index = getattr(frame, "index", None)
    if "event_ns" not in columns and index is not None and str(getattr(index, "dtype", "")).startswith("datetime64"):
        columns["event_ns"] = _times(index.to_series(), "the index")
    return columns


# A pandas column of times that know their zone, in UTC.
def _times(column: Any, name: str) -> Column:
    if getattr(getattr(column, "dtype", None), "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    values: Column = column.to_numpy()
    return values


def _plain(values: Column, name: str) -> Column:
    if values.dtype != object or not len(values):
        return values
    zones = {str(getattr(one, "tzinfo", "")) for one in values if hasattr(one, "tzinfo")}
    if len(zones) > 1 or (zones and zones != {"None"}):
        listed = ", ".join(sorted(zones))
        raise ImportFileError(f"Column {name} mixes zones ({listed}): make its times UTC first, pandas.to_datetime(..., utc=True).")
    return values


def _record_of(fields: list[str], wanted: Wanted, source: str) -> type[Record]:
    found = [
        record
        for record, needed in _NEEDED
        if all(any(name in fields for name in group) for group in needed)
        and set(fields) <= set(record.dtype.names or ())
        and (not wanted.records or record in wanted.records)
    ]
    if found:
        return found[0] if len(found) == 1 else max(found, key=lambda one: len(_essential(one) & set(fields)))
    if wanted.records:
        names = wanted.records[0].dtype.names or ()
        wrong = next((name for name in fields if name not in names), None)
        if wrong is not None:
            raise ImportFileError(f"{source} has a column {wrong!r}, which {wanted.records[0].__name__} does not.{nearest(wrong, names)}")
    known = ", ".join(f"{record.__name__} ({', '.join('/'.join(group) for group in needed)} ...)" for record, needed in _NEEDED)
    raise ImportFileError(f"{source} has the fields of no record: {', '.join(fields[:12])}. Expected event_ns and those of one of {known}.")


def _essential(record: type[Record]) -> set[str]:
    return {name for one, needed in _NEEDED if one is record for group in needed for name in group}


def _filled(record: type[Record], columns: Mapping[str, Column], fields: list[str], picked: Any, source: str) -> Rows:
    count = len(columns["event_ns"][picked])
    template = np.frombuffer(bytes(memoryview(record())), f"V{record.dtype.itemsize}")
    rows: Rows = np.repeat(template, count).view(record.dtype)
    for name in fields:
        try:
            rows[name] = _fitting(columns[name][picked], rows[name].dtype)
        except (ValueError, TypeError) as error:
            raise ImportFileError(f"{source}: column {name} does not hold {rows[name].dtype} values: {error}.", column=name) from error
    rows["instrument"] = 0
    return rows


def _fitting(values: Column, form: np.dtype[Any]) -> Any:
    if values.dtype.kind == "M":
        if np.isnat(values).any():
            raise ValueError(f"row {int(np.flatnonzero(np.isnat(values))[0])} has no time")
        return values.astype("M8[ns]").astype(np.int64)
    if values.dtype == object and form.kind == "f":
        return np.array([np.nan if one is None else one for one in values], form)
    if form.kind in "iu" and values.dtype.kind == "f":
        whole = values.astype(np.int64)
        if (whole != values).any():
            raise ValueError(f"row {int(np.flatnonzero(whole != values)[0])} is no whole number")
        return whole
    return values


def _place(wanted: Wanted, source: str) -> tuple[str, str]:
    if len(wanted.names) != 1:
        raise ImportFileError(f"{source} does not tell its instrument: name it, add_data(..., symbol='IF1311@CFFEX').")
    return split_name(wanted.names[0])


def _feed(symbol: str, venue: str, record: type[Record], rows: Rows, wanted: Wanted, sort: bool) -> RowsFeed:
    return RowsFeed(symbol, venue, record, wanted.part(in_order(rows, symbol, sort=sort), symbol))


def _names(wanted: Wanted) -> str:
    return ", ".join(record.__name__ for record in wanted.records)
