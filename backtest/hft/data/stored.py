"""Stored history as market data: what a database or a folder of exports answers to the house's history protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import ImportFileError, InstrumentError
from gcg_quant.events import Bar, BookDelta, Depth, Record, Tick, TradeTick

from ..market import RowsFeed
from .order import in_order
from .wanted import Rows, Wanted, split_name

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["load_history"]

_QUESTIONS = {Tick: "ticks", TradeTick: "trades", Depth: "depth", BookDelta: "book_deltas"}


def load_history(history: History, wanted: Wanted, *, period: str = "", sort: bool = False) -> list[RowsFeed]:
    """Return what is stored of the wanted instruments: ticks, trades, order books and, with a `period`, bars.

    Raises:
        ImportFileError: nothing is wanted by name, or nothing of it is stored. InstrumentError: there is no such symbol.
    """
    if not wanted.names:
        raise ImportFileError("Which symbols of the stored history? Name them: add_data(history, symbol='IF1311').")
    feeds = []
    for name in wanted.names:
        symbol, venue = split_name(name)
        place = _venue(history, symbol, venue)
        terms = getattr(history, "instrument", None)
        found = [(record, rows) for record, rows in _answers(history, symbol, place, wanted, period) if len(rows)]
        if not found:
            raise ImportFileError(f"Nothing is stored of {name} {wanted.range_text() or 'but its name'}; for bars give a period.")
        for record, rows in found:
            own = terms(symbol, place) if terms is not None else None
            feeds.append(RowsFeed(symbol, place, record, in_order(rows, name, sort=sort), own))
    return feeds


def _venue(history: History, symbol: str, venue: str) -> str:
    places = history.symbols()
    found = [one for name, one in places if name == symbol and (not venue or one == venue)]
    if not found:
        Wanted((f"{symbol}@{venue}" if venue else symbol,)).check_names(places, "The stored history")
    if len(found) > 1:
        raise InstrumentError(f"{symbol} is stored of several venues: say which ({', '.join(f'{symbol}@{one}' for one in found)}).")
    return found[0]


def _answers(history: History, symbol: str, venue: str, wanted: Wanted, period: str) -> list[tuple[type[Record], Rows]]:
    # Its ranges hold their end, ours do not.
    last = None if wanted.end_ns is None else wanted.end_ns - 1
    asked: dict[str, Any] = {"venue": venue, "start_ns": wanted.start_ns, "end_ns": last}
    found: list[tuple[type[Record], Rows]] = []
    for record, question in _QUESTIONS.items():
        ask: Callable[..., Rows] | None = getattr(history, question, None)
        if ask is not None and (not wanted.records or record in wanted.records):
            found.append((record, ask(symbol, **asked)))
    if period and (not wanted.records or Bar in wanted.records):
        found.append((Bar, history.bars(symbol, period, **asked)))
    return found
