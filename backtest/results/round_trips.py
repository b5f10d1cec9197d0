"""Closed trades from fills: from flat to flat, by symbol, as Backtrader counts them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gcg_quant.events import Fill, Side

from .result import FillRow, TradeRow

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["fill_rows", "round_trips"]


class _Trip:
    """A position from its first fill to the one that closes it, in lots so that flat is flat."""

    def __init__(self, fill: Fill, lots: int) -> None:
        self.entry = fill
        self.size = lots
        self.lots = 0
        self.paid = 0.0
        self.fees = 0.0

    def add(self, fill: Fill, lots: int, instrument: Instrument, fee: float) -> None:
        self.lots += lots
        self.paid += instrument.paid(instrument.quantity(lots), fill.price)
        self.fees += fee


def round_trips(
    fills: Iterable[Fill], terms: dict[tuple[str, str], Instrument], starts_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]
) -> tuple[list[TradeRow], int]:
    """Return the closed trades of fills in their order, and how many are still open.

    A fill that turns a position ends a trade and begins another. Times are the starts of the bars (`starts_ns`, `ends_ns`) that
    brought the fills, as a chart shows them.
    """
    open_trips: dict[tuple[str, str], _Trip] = {}
    rows: list[TradeRow] = []
    for fill in fills:
        place = (fill.symbol, fill.venue)
        instrument = terms[place]
        left = whole = instrument.lots(fill.quantity) * (1 if fill.side == Side.BUY else -1)
        while left:
            trip = open_trips.get(place)
            if trip is None:
                trip = open_trips[place] = _Trip(fill, left)
            closes = trip.lots * left < 0
            part = left if not closes or abs(left) <= abs(trip.lots) else -trip.lots
            trip.add(fill, part, instrument, fill.fee * (part / whole))
            left -= part
            if trip.lots == 0:
                rows.append(_row(trip, fill, instrument, starts_ns, ends_ns))
                del open_trips[place]
    return rows, len(open_trips)


def fill_rows(fills: Iterable[Fill], starts_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]) -> list[FillRow]:
    """Return the fills as rows, each at the start of the bar that brought it."""
    return [
        FillRow(
            symbol=fill.symbol,
            time_ns=int(starts_ns[_bar_of(fill, ends_ns)]),
            size=fill.quantity if fill.side == Side.BUY else -fill.quantity,
            price=fill.price,
            commission=fill.fee,
        )
        for fill in fills
    ]


def _bar_of(fill: Fill, ends_ns: NDArray[np.int64]) -> int:
    return min(int(np.searchsorted(ends_ns, fill.event_ns)), len(ends_ns) - 1)


def _row(trip: _Trip, last: Fill, instrument: Instrument, starts_ns: NDArray[np.int64], ends_ns: NDArray[np.int64]) -> TradeRow:
    first = trip.entry
    entry, leave = _bar_of(first, ends_ns), _bar_of(last, ends_ns)
    return TradeRow(
        symbol=first.symbol,
        size=instrument.quantity(abs(trip.size)) * (1.0 if trip.size > 0 else -1.0),
        entry_ns=int(starts_ns[entry]),
        entry_price=first.price,
        exit_ns=int(starts_ns[leave]),
        bars=leave - entry,
        profit=-trip.paid,
        commission=trip.fees,
        net_profit=-trip.paid - trip.fees,
    )
