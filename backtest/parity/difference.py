"""One difference between two runs, and the event that it begins with."""

from __future__ import annotations

from typing import Literal

import msgspec

from gcg_quant.clock import to_iso
from gcg_quant.events import Bar, Event, Fill, Lane, OrderEvent, OrderRequest, RiskVerdict, Side, StrategyStatusEvent, Tick, TradeTick

__all__ = ["Difference", "FirstEvent", "Kind", "described", "first_event"]

Kind = Literal["price", "timing", "partial", "rejected"]

_SEQ = (1 << 60) - 1


class FirstEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of one run's journal: `run` is "a" or "b"; `lane` and `seq` find it with `journal tail`."""

    run: str
    lane: str
    seq: int
    type: str
    time_ns: int
    text: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What differs in an order: its price, its timing, how much of it was filled, or that only one run's venue would have it.

    `follows` is the number of the earlier order whose difference led to this one, None if it begins here. `explained` is False where no
    earlier event differs: then `first` is the order's own request.
    """

    kind: Kind
    text: str
    first: FirstEvent
    follows: int | None = None
    explained: bool = True


def first_event(run: str, event: Event, text: str = "") -> FirstEvent:
    """Return an event of run "a" or "b" in words."""
    return FirstEvent(
        run=run,
        lane=Lane(event.id >> 60).name.lower() if event.id else "",
        seq=event.id & _SEQ,
        type=type(event).__name__,
        time_ns=getattr(event, "event_ns", 0) or event.time_ns,
        text=text or described(event),
    )


def described(event: Event) -> str:
    """Return an event in a few words."""
    if isinstance(event, Bar):
        return f"{event.period} bar {event.open:g} {event.high:g} {event.low:g} {event.close:g} from {_moment(event.start_ns)}"
    if isinstance(event, Tick):
        sizes = f", sizes {event.bid_size:g}/{event.ask_size:g}"
        return f"tick {event.last_price:g}, {event.bid_price:g}/{event.ask_price:g}{sizes} at {_moment(event.event_ns)}"
    if isinstance(event, TradeTick):
        return f"trade of {event.size:g} at {event.price:g}, {_moment(event.event_ns)}"
    if isinstance(event, RiskVerdict):
        return f"risk: {event.message}"
    if isinstance(event, OrderEvent):
        return f"order {event.status.name.lower()}" + (f": {event.reason}" if event.reason else "")
    if isinstance(event, Fill):
        return f"fill of {event.quantity:g} at {event.price:g}, {_moment(event.event_ns)}"
    if isinstance(event, OrderRequest):
        side = "buy" if event.side == Side.BUY else "sell"
        return f"request to {side} {event.quantity:g} at {_moment(event.event_ns)}"
    if isinstance(event, StrategyStatusEvent):
        return f"the strategy was {event.state}" + (f": {event.error}" if event.error else "")
    return f"{type(event).__name__} at {_moment(getattr(event, 'event_ns', 0) or event.time_ns)}"


def _moment(time_ns: int) -> str:
    return to_iso(time_ns)[:23].replace("T", " ")
