"""The bars of a run as one array: from stored history or from a journal, checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.clock import to_iso
from gcg_quant.errors import BacktestError, nearest
from gcg_quant.events import Bar, BarBasis
from gcg_quant.periods import period_ns

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = [
    "BarArray",
    "bars_from_history",
    "bars_from_journal",
    "basis_of",
    "basis_of_rows",
    "check_bars",
    "join_bars",
    "one_a_start",
]

BarArray = NDArray[Any]  # of Bar.dtype

PRICES = ("open", "high", "low", "close")
PREFERENCE = (BarBasis.LAST, BarBasis.MID, BarBasis.BID, BarBasis.ASK)  # a symbol's own basis is the first that it has


def basis_of(name: str) -> BarBasis | None:
    """Return the basis of a name such as "bid", or None for "auto"; raise BacktestError for any other."""
    if name == "auto":
        return None
    names = [basis.name.lower() for basis in BarBasis]
    if name not in names:
        raise BacktestError(f"basis must be 'auto' or one of {', '.join(names)}, not {name!r}.{nearest(name, names)}", basis=name)
    return BarBasis[name.upper()]


def basis_of_rows(rows: NDArray[Any]) -> BarBasis:
    """Return the first of last, mid, bid, ask that the bars `rows` have (last if they have none of them)."""
    return next((one for one in PREFERENCE if (rows["basis"] == int(one)).any()), BarBasis.LAST)


def bars_from_history(
    history: History,
    symbol: str,
    period: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    basis: BarBasis | None = None,
) -> BarArray:
    """Return the stored bars of a symbol, checked, by start time. Without a basis it is the first of last, mid, bid, ask that is stored.

    Raises:
        BacktestError: the symbol is not stored, has no such bars, or they are unsorted or hold NaN prices.
        EventError: `period` is none.
    """
    period_ns(period)
    for one in PREFERENCE if basis is None else (basis,):
        rows = history.bars(symbol, period, venue=venue, start_ns=start_ns, end_ns=end_ns, limit=limit, basis=one)
        if len(rows):
            return check_bars(np.asarray(rows), symbol, period)
    raise BacktestError(_nothing_stored(history, symbol, period, venue, basis), symbol=symbol, period=period)


def bars_from_journal(
    bus: EventBus,
    symbol: str,
    period: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    basis: BarBasis | None = None,
    backfill: bool = True,
) -> BarArray:
    """Return the bars of a symbol that a journal holds, checked, by start time; with `backfill` also history that was filled in.

    Of several bars with one start the first published counts: that is the one a strategy saw.

    Raises:
        BacktestError: as `bars_from_history`.
    """
    period_ns(period)
    parts = []
    with bus.reader(start="begin", events=[Bar], symbols=[f"{symbol}@{venue}" if venue else symbol], backfill=backfill) as reader:
        while len(found := reader.read_array(Bar)):
            parts.append(found)
    rows = one_a_start(parts, period, basis)
    if start_ns is not None:
        rows = rows[rows["start_ns"] >= start_ns]
    if end_ns is not None:
        rows = rows[rows["event_ns"] <= end_ns]
    rows = rows[-limit:] if limit else rows
    if not len(rows):
        known = sorted({instrument.symbol for instrument in bus.instruments})
        hint = nearest(symbol, known) if symbol not in known else ""
        message = f"The journal {bus.path} holds no {period} bars{_basis(basis)} of {symbol} in that range.{hint}"
        raise BacktestError(message, symbol=symbol, period=period, journal=str(bus.path))
    return check_bars(rows, symbol, period)


def one_a_start(parts: Sequence[NDArray[Any]], period: str, basis: BarBasis | None = None) -> BarArray:
    """Return the bars of a period among rows of a bus reader, as `Bar.dtype`, by start time; of equal starts the first published.

    Without a basis it is the first of last, mid, bid, ask that there is.
    """
    wanted = np.array(period.encode(), Bar.dtype["period"]).view(np.uint64)  # compared as a number: texts take longer
    chosen = [_of(part, part["period"].view(np.uint64) == wanted) for part in parts]
    if basis is None:
        kinds = {kind for part in chosen for kind in np.unique(part["basis"]).tolist()}
        basis = next((one for one in PREFERENCE if int(one) in kinds), BarBasis.LAST)
    chosen = [_of(part, part["basis"] == int(basis)) for part in chosen]
    bars = np.zeros(sum(map(len, chosen)), Bar.dtype)
    at = 0
    for part in chosen:
        _copy(part, bars[at : at + len(part)])
        at += len(part)
    bars["instrument"] = 0
    starts = bars["start_ns"]
    if not bool((starts[1:] > starts[:-1]).all()):
        _, first = np.unique(starts, return_index=True)
        bars = _bytes(bars)[first].reshape(-1).view(Bar.dtype)
    return bars


def _of(rows: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    return rows if mask.all() else rows[mask]


def _bytes(rows: NDArray[Any]) -> NDArray[np.uint8]:
    return rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)


def _copy(rows: NDArray[Any], bars: BarArray) -> None:
    # A reader's row is the event's header and then the record, field behind field: one piece, where the record has no gaps.
    fields: dict[str, Any] = dict(Bar.dtype.fields or {})
    places: dict[str, Any] = dict(rows.dtype.fields or {})
    first = places["event_ns"][1] - fields["event_ns"][1]
    if all(places[name][1] - fields[name][1] == first for name in fields) and rows.flags.c_contiguous:
        length = max(offset + part.itemsize for part, offset, *_ in fields.values())
        _bytes(bars)[:, :length] = _bytes(rows)[:, first : first + length]
    else:
        for name in fields:
            bars[name] = rows[name]


def join_bars(parts: Sequence[BarArray]) -> BarArray:
    """Return arrays of bars as one (NumPy's own concatenation loses the padding of the dtype, and the bus wants it)."""
    joined = np.zeros(sum(len(part) for part in parts), Bar.dtype)
    at = 0
    for part in parts:
        joined[at : at + len(part)] = part
        at += len(part)
    return joined


def check_bars(bars: BarArray, symbol: str, period: str) -> BarArray:
    """Return `bars` if their start times rise and their prices are finite numbers; else raise BacktestError naming the first bad one."""
    starts = bars["start_ns"]
    if not (starts[1:] > starts[:-1]).all():
        steps = np.flatnonzero(starts[1:] <= starts[:-1])
        at = int(bars["start_ns"][steps[0] + 1])
        kind = "twice" if at == int(bars["start_ns"][steps[0]]) else "out of order"
        raise BacktestError(f"The {period} bars of {symbol} hold {to_iso(at)} {kind}: sort them and keep one bar a time.", start_ns=at)
    if not all(np.isfinite(bars[name]).all() for name in PRICES):
        bad = np.flatnonzero(~np.isfinite(np.stack([bars[name] for name in PRICES])).all(axis=0))
        at = int(bars["start_ns"][bad[0]])
        message = f"The {period} bar of {symbol} at {to_iso(at)} has no price: {len(bad)} of {len(bars)} bars lack one, remove them."
        raise BacktestError(message, start_ns=at, count=len(bad))
    return bars


def _nothing_stored(history: History, symbol: str, period: str, venue: str | None, basis: BarBasis | None) -> str:
    known = history.symbols()
    names = sorted({name for name, _ in known})
    if not names:
        return f"There is no stored data at all: import some first (python -m gcg_quant import FILE), then backtest {symbol}."
    if symbol not in names:
        return f"There are no stored bars of {symbol!r}: stored are {', '.join(names[:8])}.{nearest(symbol, names)}"
    if venue and (symbol, venue) not in known:
        venues = ", ".join(sorted(place for name, place in known if name == symbol))
        return f"{symbol} is not stored for the venue {venue!r}, but for {venues}."
    return f"There are no stored {period} bars{_basis(basis)} of {symbol} in that range: check period, basis and dates."


def _basis(basis: BarBasis | None) -> str:
    return "" if basis is None else f" ({basis.name.lower()})"
