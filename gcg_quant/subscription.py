"""What a handler wants of a bus."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import Any

import msgspec

from gcg_quant.errors import EventError
from gcg_quant.events import Event, EventFlag, Record

__all__ = ["Subscription", "symbol_matches"]


def symbol_matches(symbols: frozenset[str], event: Event) -> bool:
    """Return whether an event passes a symbol filter as readers apply it; an event without a symbol does."""
    symbol = getattr(event, "symbol", "")
    if not symbol:
        return True
    full = f"{symbol}@{event.venue}"  # type: ignore[union-attr]
    if symbol in symbols or full in symbols:
        return True
    return any(fnmatch.fnmatchcase(symbol, pattern) or fnmatch.fnmatchcase(full, pattern) for pattern in symbols)


class Subscription(msgspec.Struct, frozen=True, eq=False):
    """A handler and the events it wants, and how: one by one, in lists of up to `batch`, or only the `latest`.

    With `latest` the handler gets the newest event a class and symbol of those that are waiting: who is slow misses states, and is never
    late. With `batch` > 0 it gets lists; the first event of a list waits at most `within_s` seconds for others.
    """

    types: tuple[type[Event], ...]
    handler: Callable[[Any], Any]
    symbols: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    backfill: bool = False
    latest: bool = False
    batch: int = 0
    within_s: float = 0.0

    def __post_init__(self) -> None:
        """Raise EventError if the options exclude each other."""
        if self.latest and self.batch:
            raise EventError("A handler takes batches or only the latest, not both: leave out latest=True or batch=N.")
        if self.batch < 0 or self.within_s < 0 or (self.within_s > 0 and not self.batch):
            raise EventError(
                f"within_s needs batch=N with N > 0, and neither is negative; found batch={self.batch}, within_s={self.within_s}."
            )

    def route(self) -> tuple[Any, ...]:
        """Return what `_native.Reader.set_routes` takes."""
        return (
            self,
            [cls.TYPE for cls in self.types],
            None if self.symbols is None else sorted(self.symbols),
            None if self.sources is None else sorted(self.sources),
            self.backfill,
            self.handler,
            "latest" if self.latest else "batch" if self.batch else "single",
            self.batch,
            self.within_s,
        )

    def wants(self, event: Event) -> bool:
        """Return whether an event of its types is one for its handler."""
        if not self.backfill and isinstance(event, Record) and event.flags & EventFlag.BACKFILL:
            return False
        if self.sources is not None and event.source not in self.sources:
            return False
        return self.symbols is None or symbol_matches(self.symbols, event)
