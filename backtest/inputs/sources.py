"""Where a backtest's bars come from: each symbol of its spec as (symbol, venue, bars)."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.errors import BacktestError, InstrumentError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of

from ..history.bars import BarArray, bars_from_history, bars_from_journal, basis_of, check_bars
from ..history.tick_bars import bars_from_ticks
from .presets import preset_terms
from .spec import BacktestSpec

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["Source", "load_sources", "run_terms"]


NO_BARS: BarArray = np.empty(0, Bar.dtype)


class Source(NamedTuple):
    """The bars of one symbol, and its terms where the journal or the store tells them.

    `asks` are the ask bars beside bid ones, where a run matches purchases against them; empty otherwise.
    """

    symbol: str
    venue: str
    bars: BarArray
    terms: Instrument | None = None
    asks: BarArray = NO_BARS


def load_sources(spec: BacktestSpec, history: History | None, *, both_sides: bool = False) -> list[Source]:
    """Return the sources of a spec's symbols, in its order; with `both_sides` the ask bars beside bid ones, too.

    Raises:
        BacktestError: there is no store or journal, or no such bars in it. InstrumentError: an unknown symbol, or several venues.
    """
    if spec.journal:
        return _from_journal(spec, both_sides)
    if history is None:
        raise BacktestError("There is no store to take bars from: import data first, or name a journal (a bus folder).")
    found = []
    for symbol, venue in spec.places():
        place = venue if venue is not None else _only_venue(history, symbol)
        bars = _stored_bars(history, spec, symbol, place)
        asks = NO_BARS
        if both_sides and _are_bids(bars):
            asks = history.bars(symbol, spec.period, venue=place, start_ns=spec.start_ns, end_ns=spec.end_ns, basis=BarBasis.ASK)
        found.append(Source(symbol, place or "", bars, _stored_terms(history, symbol, place), asks))
    return found


# Bars of a symbol of which only ticks or trades are stored are made of these.
def _stored_bars(history: History, spec: BacktestSpec, symbol: str, venue: str | None) -> BarArray:
    asked: Any = {"venue": venue, "start_ns": spec.start_ns, "end_ns": spec.end_ns, "basis": basis_of(spec.basis)}
    try:
        return bars_from_history(history, symbol, spec.period, **asked)
    except BacktestError as error:
        if "start_ns" in error.context or symbol not in {name for name, _ in history.symbols()}:
            raise  # there are bars, and one of them is damaged; or there is nothing at all
        terms = _stored_terms(history, symbol, venue)
        calendar = None if terms is None or terms.calendar == "24/7" else Calendar(terms.calendar)
        bars = bars_from_ticks(history, symbol, spec.period, **asked, calendar=calendar)
        if not len(bars):
            raise
        return check_bars(bars, symbol, spec.period)


def _are_bids(bars: BarArray) -> bool:
    return bool(bars["basis"][0] == BarBasis.BID)


# A database keeps the instruments' terms; the History protocol asks for market data only.
def _stored_terms(history: History, symbol: str, venue: str | None) -> Instrument | None:
    ask = getattr(history, "instrument", None)
    terms: Instrument | None = ask(symbol, venue) if ask is not None else None
    return terms


def run_terms(source: Source, spec: BacktestSpec) -> Instrument:
    """Return the terms of a symbol in a run: the preset's; without one the symbol's own, with the spec's commission for fees or its own."""
    if spec.preset:
        return preset_terms(spec.preset, [source])[source.symbol, source.venue]
    terms = source.terms or preset(market_of(source.symbol), source.symbol, source.venue)
    if spec.fees == "terms":
        return terms
    return msgspec.structs.replace(
        terms, taker_fee=spec.commission, maker_fee=spec.commission, fee_per_unit=0.0, fee_per_order=0.0, min_fee=0.0, stamp_duty=0.0
    )


def _from_journal(spec: BacktestSpec, both_sides: bool) -> list[Source]:
    if not (Path(spec.journal) / "bus.meta").exists():
        raise BacktestError(f"{spec.journal} is no bus folder: name the folder that holds bus.meta.", journal=spec.journal)
    found = []
    given: dict[str, Any] = {
        "start_ns": spec.start_ns,
        "end_ns": spec.end_ns,
        "backfill": spec.matching != "native",
    }  # no venue fills from history
    with EventBus(spec.journal, create=False, read_only=True) as bus:
        for symbol, venue in spec.places():
            terms = bus.instruments.get(symbol, venue)
            bars = bars_from_journal(bus, symbol, spec.period, venue=terms.venue, basis=basis_of(spec.basis), **given)
            asks = NO_BARS
            if both_sides and _are_bids(bars):
                with contextlib.suppress(BacktestError):  # then there are bids only
                    asks = bars_from_journal(bus, symbol, spec.period, venue=terms.venue, basis=BarBasis.ASK, **given)
            found.append(Source(symbol, terms.venue, bars, terms, asks))
    return found


# None where the store shall say itself what is wrong: it knows the nearest symbol.
def _only_venue(history: History, symbol: str) -> str | None:
    venues = [venue for name, venue in history.symbols() if name == symbol]
    if len(venues) > 1:
        listed = ", ".join(f"{symbol}@{venue}" for venue in venues)
        raise InstrumentError(f"{symbol!r} is stored for several venues: say which ({listed}).", symbol=symbol)
    return venues[0] if venues else None
