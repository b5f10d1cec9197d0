"""Where the market stood: of a stretch of market data, the few records that tell as much as all of them."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

from gcg_quant.events import Bar, BookDelta, Depth, MarketDataEvent, Tick, TradeTick

__all__ = ["last_of_each_kind"]

# From the first of these on bars are passed over: by the venue (1) and by risk (2).
_OUTRANKS = {Depth: 1, BookDelta: 1, Tick: 3, TradeTick: 3}


def last_of_each_kind(records: Iterable[Any]) -> list[MarketDataEvent]:
    """Return the last record of each kind and instrument, and the one with the latest clock, in the order of the journal.

    A venue without orders and a risk check are in the same state after these as after all of them. A book that is told by its
    changes is the sum of all of them: of an instrument with book deltas everything is returned from the first one on.
    """
    latest: dict[tuple[Any, ...], MarketDataEvent] = {}
    newest: MarketDataEvent | None = None
    with_deltas: set[int] = set()
    outranked: dict[int, int] = {}
    days: dict[int, int] = {}
    for record in records:
        if isinstance(record, BookDelta):
            with_deltas.add(record.instrument)
        before = outranked.get(record.instrument, 0)
        now = outranked[record.instrument] = before | _OUTRANKS.get(type(record), 0)
        # The record that begins a day drops the limits of the day before: what was told without a day after it must stay behind it.
        day = _day(record)
        begins = day > days.get(record.instrument, 0)
        if begins:
            days[record.instrument] = day
        whole = record.instrument in with_deltas or now != before or begins
        latest[(record.id,) if whole else (*_key(record), before)] = record
        if newest is None or record.event_ns > newest.event_ns:
            newest = record
    found = {record.id: record for record in latest.values()}
    if newest is not None:
        found[newest.id] = newest  # venues' clocks differ: the last record need not have the latest time
    return [found[event_id] for event_id in sorted(found)]


def _key(record: MarketDataEvent) -> tuple[Any, ...]:
    # What a later record of the same key makes worthless: one without quotes, the day's limits or the trading day leaves those of an
    # earlier one.
    if isinstance(record, Bar):
        return Bar, record.instrument, record.period, isnan(record.close)
    if isinstance(record, Tick):
        prices = record.last_price, record.bid_price, record.ask_price
        day = record.prev_close, record.prev_settlement, record.lower_limit, record.upper_limit
        return Tick, record.instrument, record.trading_day, *map(isnan, prices), *map(isnan, day)
    return type(record), record.instrument, _day(record)


def _day(record: MarketDataEvent) -> int:
    return record.trading_day if isinstance(record, Tick | TradeTick | Depth) else 0
