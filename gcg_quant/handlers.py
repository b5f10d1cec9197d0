"""Marking methods as handlers of events, and what a component says of its health."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from gcg_quant.bus import Subscription
from gcg_quant.events import Event, event_types

__all__ = ["Health", "event_handler", "marked_handlers"]

Handler = TypeVar("Handler", bound=Callable[..., Any])


class _Marked(msgspec.Struct, frozen=True):
    types: tuple[type[Event], ...]
    symbols: frozenset[str] | None
    sources: frozenset[str] | None
    backfill: bool
    latest: bool
    batch: int
    within_s: float


class Health(msgspec.Struct, frozen=True):
    """What a component is doing: events handled, handlers that raised, time per event, and how far behind it is.

    `behind_s` is the age of the oldest event that has not been brought to where it belongs; None where there is no such place. `calls`
    counts calls of handlers by the time they took (HANDLER_BOUNDS_S).
    """

    name: str
    state: str
    lag: int
    handled: int
    errors: int
    mean_us: float
    max_us: float
    started_ns: int
    busy_s: float
    behind_s: float | None = None
    calls: tuple[int, ...] = ()


def event_handler(
    *kinds: Any,
    symbols: Iterable[str] | None = None,
    sources: Iterable[str] | None = None,
    backfill: bool = False,
    latest: bool = False,
    batch: int = 0,
    within_s: float = 0.0,
) -> Callable[[Handler], Handler]:
    """Mark a component's method as the handler of these events; `def` and `async def` both work.

    Args:
        kinds: event classes, unions (`MarketDataEvent`) or base classes.
        symbols: "BTC/USDT", "BTC/USDT@binance" or patterns; None means all.
        sources: names of publishers; None means all.
        backfill: also history that is filled in on a live bus.
        latest: only the newest event a class and symbol of those that are waiting.
        batch: lists of up to so many events instead of single ones.
        within_s: how long the first event of a list may wait for others, in seconds.
    """
    marked = _Marked(
        event_types(*kinds),
        None if symbols is None else frozenset(symbols),
        None if sources is None else frozenset(sources),
        backfill,
        latest,
        batch,
        within_s,
    )

    def mark(function: Handler) -> Handler:
        function.__gcg_handles__ = (*getattr(function, "__gcg_handles__", ()), marked)  # type: ignore[attr-defined]
        return function

    return mark


def marked_handlers(owner: object) -> list[Subscription]:
    """Return the subscriptions behind the marked methods of an object."""
    found = []
    for name in dir(type(owner)):
        for marked in getattr(getattr(type(owner), name, None), "__gcg_handles__", ()):
            found.append(Subscription(handler=getattr(owner, name), **msgspec.structs.asdict(marked)))
    return found
