"""The ticks or trades of a symbol as one array: from the store, from a journal, and from both without gap or duplicate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.clock import to_iso
from gcg_quant.errors import BacktestError, InstrumentError, nearest
from gcg_quant.events import Record, Tick, TradeTick

from .lookback import look_back

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = ["check_ticks", "ticks_before", "ticks_from_history", "ticks_from_journal"]

Ticks = NDArray[Any]  # of Tick.dtype or TradeTick.dtype
Kind = type[Record] | None  # Tick or TradeTick; None: trades, where there are any


def ticks_from_history(
    history: History,
    symbol: str,
    kind: Kind,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
) -> Ticks:
    """Return the stored trades of a symbol (or its ticks), in order; `limit` is the newest N.

    Raises:
        BacktestError: none are stored in that range. InstrumentError: nothing is stored of the symbol, or of several venues.
    """
    rows = _stored(history, symbol, kind, venue=venue, start_ns=start_ns, end_ns=end_ns, limit=limit)
    if not len(rows):
        raise BacktestError(
            f"There are no stored {_words(kind)} of {symbol} in that range: check symbol and dates, or import some.", symbol=symbol
        )
    return check_ticks(rows, symbol)


def ticks_from_journal(
    bus: EventBus,
    symbol: str,
    kind: Kind,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
) -> Ticks:
    """Return the trades of a symbol (or its ticks) that a journal holds, filled-in history included, in the order of time.

    Raises:
        BacktestError: it holds none in that range.
    """
    name = f"{symbol}@{venue}" if venue else symbol
    rows = np.empty(0, Tick.dtype)
    for one in (TradeTick, Tick) if kind is None else (kind,):
        with bus.reader(start="begin", events=[one], symbols=[name]) as reader:
            parts = [reader.read_array(one)]
            while len(parts[-1]):
                parts.append(reader.read_array(one))
        rows = _in_order(np.concatenate(parts), one)
        if start_ns is not None:
            rows = rows[rows["event_ns"] >= start_ns]
        if end_ns is not None:
            rows = rows[rows["event_ns"] <= end_ns]
        if len(rows):
            return rows[-limit:] if limit else rows
    known = sorted({instrument.symbol for instrument in bus.instruments})
    hint = nearest(symbol, known) if symbol not in known else ""
    raise BacktestError(f"The journal {bus.path} holds no {_words(kind)} of {symbol} in that range.{hint}", symbol=symbol)


def ticks_before(
    bus: EventBus,
    before_id: int,
    history: History | None,
    symbol: str,
    kind: Kind,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    limit: int | None = None,
) -> Ticks:
    """Return the trades of a symbol (or its ticks) up to the event `before_id`, in order. There may be none.

    Without `limit` and history the journal is read to its beginning. The store is behind the bus by what its recorder has not yet written,
    so its end is completed from the journal. Several ticks may have one time: of the journal's as many are left out as are stored.
    """
    asked: Any = {"venue": venue, "start_ns": start_ns, "limit": limit}
    stored = np.empty(0, Tick.dtype)
    if history is not None:
        try:
            stored = _stored(history, symbol, kind, **asked)
            if len(stored) and limit is not None and stored["event_ns"][0] == stored["event_ns"][-1]:  # perhaps not all of that time
                stored = _stored(history, symbol, kind, venue=venue, start_ns=int(stored["event_ns"][-1]), limit=None)
        except InstrumentError:  # nothing of it has been stored yet: the journal may hold some
            pass
    if len(stored):
        kind = TradeTick if "price" in (stored.dtype.names or ()) else Tick
    last_ns = int(stored["event_ns"][-1]) if len(stored) else None

    def enough(rows: Ticks) -> bool:
        if last_ns is not None:
            return len(rows) > 0 and int(rows["event_ns"].min()) < last_ns
        return limit is not None and len(rows) >= limit

    recorded = np.empty(0, Tick.dtype)
    for one in (TradeTick, Tick) if kind is None else (kind,):
        recorded = _in_order(look_back(bus, one, before_id, enough, [f"{symbol}@{venue}" if venue else symbol]), one)
        if len(recorded):
            break
    if last_ns is not None:
        first = int(np.searchsorted(recorded["event_ns"], last_ns, "left"))
        of_last = int(np.searchsorted(recorded["event_ns"], last_ns, "right")) - first
        recorded = recorded[first + min(of_last, int((stored["event_ns"] == last_ns).sum())) :]
    rows = _joined(stored, recorded) if len(stored) and len(recorded) else stored if len(stored) else recorded
    if start_ns is not None:
        rows = rows[rows["event_ns"] >= start_ns]
    return check_ticks(rows if limit is None else rows[max(0, len(rows) - limit) :], symbol)


def check_ticks(rows: Ticks, symbol: str) -> Ticks:
    """Return ticks or trades if their times never fall; else raise BacktestError naming the first bad one."""
    steps = np.flatnonzero(np.diff(rows["event_ns"]) < 0)
    if len(steps):
        at = int(rows["event_ns"][steps[0] + 1])
        raise BacktestError(f"The ticks of {symbol} hold {to_iso(at)} out of order: sort them by time.", event_ns=at)
    return rows


def _stored(history: History, symbol: str, kind: Kind, **asked: Any) -> Ticks:
    rows = np.asarray(history.trades(symbol, **asked)) if kind is not Tick else np.empty(0, Tick.dtype)
    return rows if len(rows) or kind is TradeTick else np.asarray(history.ticks(symbol, **asked))


# By time, of equal times as they are numbered, else as they were published.
def _in_order(rows: Ticks, kind: type[Record]) -> Ticks:
    order = np.lexsort((rows["id"], rows["ordinal"], rows["event_ns"]))
    found = np.zeros(len(rows), kind.dtype)
    for name in kind.dtype.names or ():
        found[name] = rows[name][order]
    found["instrument"] = 0
    return found


def _joined(stored: Ticks, recorded: Ticks) -> Ticks:
    rows = np.zeros(len(stored) + len(recorded), recorded.dtype)  # NumPy's own concatenation loses the padding of the dtype
    rows[: len(stored)], rows[len(stored) :] = stored, recorded
    return rows


def _words(kind: Kind) -> str:
    return "trades or ticks" if kind is None else "trades" if kind is TradeTick else "ticks"
