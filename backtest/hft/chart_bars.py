"""The bars of a run's price chart, made of what was replayed: trades, else ticks, bars, depths, or the changes of a book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gcg_quant.bar_arrays import aggregate, resample
from gcg_quant.events import Bar, BookAction, BookDelta, Depth, Record, Side, Tick, TradeTick
from gcg_quant.instruments import Instrument
from gcg_quant.periods import PERIODS

from ..history.bars import PREFERENCE, BarArray, join_bars
from ..inputs.sources import NO_BARS, Source
from .facts import Records

__all__ = ["KINDS", "MOST_BARS", "array_bars", "bars_of_kind", "chart_period", "chart_sources"]

MOST_BARS = 20_000  # more than a chart can show, and few enough to load at once
KINDS: tuple[type[Record], ...] = (TradeTick, Tick, Bar, Depth, BookDelta)  # the first that there is makes the bars


def chart_period(span_ns: int) -> str:
    """Return the shortest period of which a run of this length has no more than MOST_BARS bars; "1w" for the longest."""
    return next((name for name, length in PERIODS.items() if span_ns <= length * MOST_BARS), "1w")


def chart_sources(
    data: Mapping[int, Sequence[Records]], instruments: Sequence[Instrument], symbols: Sequence[str], period: str
) -> list[Source]:
    """Return the bars of each instrument.

    Args:
        data: arrays of records by the instruments' numbers in the run (from 1 on), each in order of time.
        instruments: by number. `symbols`: what the report calls them.
        period: of the bars.
    """
    bars = [array_bars(data.get(number, ()), period) for number in range(1, len(instruments) + 1)]
    return [Source(symbol, one.venue, rows, one) for symbol, one, rows in zip(symbols, instruments, bars, strict=True)]


def array_bars(parts: Sequence[Records], period: str) -> BarArray:
    """Return the bars of an instrument's arrays: of the first of KINDS among them."""
    for kind in KINDS:
        rows = [part for part in parts if len(part) and _is(part, kind)]
        if rows:
            bars = bars_of_kind(rows[0] if len(rows) == 1 else _merged(rows), kind, period)
            if len(bars):
                return bars
    return NO_BARS


def bars_of_kind(rows: Records, kind: type[Record], period: str) -> BarArray:
    """Return the bars of rows of one kind of record and one instrument, in order of time."""
    bars: BarArray = _MAKERS[kind](rows, period)
    return bars


def _is(rows: Records, kind: type[Record]) -> bool:
    return set(kind.dtype.names or ()) <= set(rows.dtype.names or ())


def _merged(parts: Sequence[Records]) -> Records:
    joined = np.concatenate(parts)
    return joined[np.argsort(joined["event_ns"], kind="stable")]


def _of_ticks(rows: Records, period: str) -> BarArray:
    for basis in PREFERENCE:
        bars = aggregate(_plain(rows, TradeTick if _is(rows, TradeTick) else Tick), period, basis)
        if len(bars):
            return join_bars([bars])
    return NO_BARS


def _of_bars(rows: Records, period: str) -> BarArray:
    rows = _plain(rows, Bar)
    longest = max(PERIODS.get(bytes(one).decode(), 0) for one in np.unique(rows["period"]))
    return rows if PERIODS[period] <= longest else join_bars([resample(rows, period)])


def _of_depths(rows: Records, period: str) -> BarArray:
    return _of_ticks(_quotes(rows["event_ns"], rows["bid_prices"][:, 0], rows["ask_prices"][:, 0]), period)


# The mid once a bar: to keep every best price would take a book's work a change, and a chart shows no more.
def _of_deltas(rows: Records, period: str) -> BarArray:
    length = PERIODS[period]
    books: dict[int, dict[float, float]] = {int(Side.BUY): {}, int(Side.SELL): {}}
    bids, asks = books.values()
    found: list[tuple[int, float, float]] = []
    upto, last_ns = int(rows["event_ns"][0]) // length * length + length, 0
    snapshot_ns = -1
    columns = (rows[name].tolist() for name in ("event_ns", "price", "size", "side", "action"))
    for at_ns, price, size, side, action in zip(*columns, strict=True):
        if at_ns >= upto:
            if bids and asks:
                found.append((last_ns, max(bids), min(asks)))
            upto = at_ns // length * length + length
        snapshot = action == BookAction.SNAPSHOT
        if action == BookAction.CLEAR or (snapshot and at_ns != snapshot_ns):
            for book in [books[side]] if side in books and not snapshot else books.values():
                book.clear()
        last_ns, snapshot_ns = at_ns, at_ns if snapshot else snapshot_ns
        if action == BookAction.CLEAR:
            continue
        if action == BookAction.DELETE or not size:
            books[side].pop(price, None)
        else:
            books[side][price] = size
    if bids and asks:
        found.append((last_ns, max(bids), min(asks)))
    times, bid, ask = (np.array(column) for column in zip(*found, strict=True)) if found else (np.empty(0),) * 3
    return _of_ticks(_quotes(times.astype(np.int64), bid, ask), period)


def _quotes(times_ns: Records, bid: Records, ask: Records) -> Records:
    rows = np.zeros(len(times_ns), Tick.dtype)
    rows["event_ns"], rows["bid_price"], rows["ask_price"], rows["last_price"] = times_ns, bid, ask, np.nan
    return rows


# Rows as the record has them: those of a journal have the event's header before, and several instruments' numbers mean nothing here.
def _plain(rows: Records, kind: type[Record]) -> Records:
    if rows.dtype == kind.dtype and not (rows["instrument"] != rows["instrument"][0]).any():
        return rows
    plain = np.zeros(len(rows), kind.dtype)
    for name in kind.dtype.names or ():
        plain[name] = rows[name]
    plain["instrument"] = 0
    return plain


_MAKERS: dict[type[Record], Any] = {TradeTick: _of_ticks, Tick: _of_ticks, Bar: _of_bars, Depth: _of_depths, BookDelta: _of_deltas}
