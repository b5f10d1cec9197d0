"""Closed trades from an array of fills: those of `results.round_trips`, all at once, with the largest size that each reached."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gcg_quant.events import Side

from ..results.result import TradeRow
from .facts import Records, RunFacts

__all__ = ["round_trips"]


def round_trips(fills: Records, facts: RunFacts, samples_ns: NDArray[np.int64]) -> tuple[list[TradeRow], int]:
    """Return the closed trades of fills, in the order in which they closed, and how many are still open.

    A trade goes from flat to flat, by strategy and symbol; a fill that turns a position ends one and begins another. `size` is the
    largest that it reached, negative for a short one. Times are those of the fills; `bars` counts the samples of the account
    (`samples_ns`) between them. Money is in the account's currency where its rate is known, else in the instrument's.
    """
    found: list[tuple[int, TradeRow]] = []
    still_open = 0
    keys = fills["strategy"].astype(np.uint64) << np.uint64(32) | fills["number"]
    for key in np.unique(keys).tolist():
        rows = np.flatnonzero(keys == key)
        closed, is_open = _of_one(fills[rows], rows, facts, int(key) & 0xFFFFFFFF, samples_ns)
        found += closed
        still_open += is_open
    found.sort(key=lambda one: one[0])
    return [row for _, row in found], still_open


def _of_one(
    fills: Records, places: NDArray[np.intp], facts: RunFacts, number: int, samples_ns: NDArray[np.int64]
) -> tuple[list[tuple[int, TradeRow]], bool]:
    instrument = facts.instruments[number - 1]
    lots = facts.lots(number, fills["quantity"]) * np.where(fills["side"] == Side.BUY, 1, -1)
    after = np.cumsum(lots)
    before = after - lots
    # A fill that turns the position is two: what closes, and what opens.
    turns = np.sign(before) * np.sign(after) < 0
    of_fill = np.repeat(np.arange(len(lots)), np.where(turns, 2, 1))
    parts = lots[of_fill]
    second = np.flatnonzero(np.append(False, of_fill[1:] == of_fill[:-1]))
    parts[second - 1], parts[second] = -before[of_fill[second]], after[of_fill[second]]
    ends = np.cumsum(parts) == 0
    trip = np.cumsum(ends) - ends
    whole = lots[of_fill]
    quantity = facts.quantities(number, np.abs(parts))
    # bincount adds in order, as one trade after the other would; reduceat adds pairwise and differs in the last bit.
    price = fills["price"][of_fill]
    worth = -quantity * instrument.multiplier / price if instrument.inverse else quantity * price * instrument.multiplier
    paid = np.bincount(trip, weights=worth * np.sign(parts))  # as Instrument.paid
    fees = np.bincount(trip, weights=fills["fee"][of_fill] * (parts / whole))
    rate = facts.rate(instrument)
    rate = 1.0 if rate is None else rate
    firsts = np.flatnonzero(np.append(True, ends[:-1]))
    lasts = np.flatnonzero(ends)
    largest = np.maximum.reduceat(np.abs(np.cumsum(parts)), firsts) * np.sign(parts[firsts])
    entered, left = of_fill[firsts[: len(lasts)]], of_fill[lasts]
    times = fills["event_ns"]
    bars = np.searchsorted(samples_ns, times[left]) - np.searchsorted(samples_ns, times[entered])
    symbol = facts.symbols[number - 1]
    rows = zip(
        places[left].tolist(),
        largest.tolist(),
        times[entered].tolist(),
        fills["price"][entered].tolist(),
        times[left].tolist(),
        bars.tolist(),
        paid.tolist(),
        fees.tolist(),
        strict=False,
    )
    made = [
        (
            place,
            TradeRow(
                symbol=symbol,
                size=instrument.quantity(size),
                entry_ns=entry_ns,
                entry_price=price,
                exit_ns=exit_ns,
                bars=held,
                profit=-cost * rate,
                commission=fee * rate,
                net_profit=(-cost - fee) * rate,
            ),
        )
        for place, size, entry_ns, price, exit_ns, held, cost, fee in rows
    ]
    return made, bool(len(parts) and not ends[-1])
