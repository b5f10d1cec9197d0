"""The base of all collectors: what they publish, what they count, and the symbols they are asked for."""

from __future__ import annotations

from typing import Any, ClassVar

from gcg_quant.component import Component, event_handler
from gcg_quant.errors import EventError, GcgQuantError
from gcg_quant.events import Applied, GapEvent, MarketDataEvent, Record, SubscribeEvent, event_types
from gcg_quant.refill import publish_refill

from .blank import RecordArray

__all__ = ["BaseCollector"]

_MARKET_DATA = event_types(MarketDataEvent)
_BY_DTYPE = {kind.dtype: kind for kind in _MARKET_DATA if issubclass(kind, Record)}


class BaseCollector(Component):
    """Brings a venue's market data onto the bus.

    Subclasses call `publish_data` (or `publish_array`), and override `on_subscribe` and `on_unsubscribe`. `counts` says how many records
    of each type it has published. All of it runs on the collector's own thread.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("collector",)

    def __init__(self, name: str, venue: str, **options: Any) -> None:
        """Args: `options`: those of Component."""
        super().__init__(name, **options)
        self.venue = venue
        self.symbols: set[str] = set()
        self.counts: dict[str, int] = {}
        self._newest: dict[tuple[type, str, str, str, int], tuple[int, int]] = {}

    # ---- for subclasses

    def on_subscribe(self, symbol: str) -> str:
        """Begin to collect a symbol and return a remark for the answer; raise a GcgQuantError if that is impossible."""
        return ""

    def on_unsubscribe(self, symbol: str) -> str:
        """End collecting a symbol and return a remark for the answer."""
        return ""

    def deals_in(self, venue: str) -> bool:
        """Return whether a subscription for this venue is meant for the collector; "" is meant for all."""
        return venue in ("", self.venue)

    def venue_of(self, symbol: str) -> str:
        """Return the venue that a symbol's events carry: the collector's own (unless overridden)."""
        return self.venue

    def wished(self) -> dict[str, bool]:
        """Return the symbols that this venue was asked for so far on this bus, as far as it is kept: True = taken on, False = given up."""
        wishes: dict[str, bool] = {}
        with self.bus.reader(start="begin", events=[SubscribeEvent]) as reader:
            for event in reader:
                if isinstance(event, SubscribeEvent) and self.deals_in(event.venue):
                    wishes[event.symbol] = event.subscribe
        return wishes

    def publish_data(self, event: MarketDataEvent, *, backfill: bool = False) -> int:
        """Publish one market data record and return its id.

        A record whose `ordinal` is 0 gets the next free one if an earlier record of its kind and instrument has the same event time.

        Raises:
            EventError: not a market data record.
        """
        if type(event) not in _MARKET_DATA:
            raise EventError(f"A collector publishes market data (Tick, Depth, BookDelta, TradeTick, Bar), found {type(event).__name__}.")
        numbered = self._numbered(event)
        self._count(type(event).__name__, 1)
        return self.publish(numbered, backfill=backfill)

    def publish_array(self, array: RecordArray, *, backfill: bool = False) -> int:
        """Publish market data records as one batch and return the id of the first; their ordinals stay as they are.

        Raises:
            EventError: the array's dtype is not that of a market data record, or it is empty.
        """
        kind = _BY_DTYPE.get(array.dtype)
        if kind is None:
            raise EventError(f"A collector publishes arrays of Tick.dtype, Bar.dtype ..., found {array.dtype}.")
        first = self.publish_batch(array, backfill=backfill)
        self._count(kind.__name__, len(array))
        return first

    def publish_gap(self, symbol: str, kind: str, start_ns: int, end_ns: int, *, detail: str = "", missing: int | None = None) -> int:
        """Tell that market data of a symbol is missing between two event times, and return the event's id.

        Strategies get it as `on_gap`; one of the kind "disconnect" also as `on_disconnect`.
        """
        gap = GapEvent(
            symbol=symbol, venue=self.venue_of(symbol), kind=kind, start_ns=start_ns, end_ns=end_ns, missing=missing, detail=detail
        )
        return self.publish(gap, cause=0)

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return all that the venue's own history has of a stretch, as arrays of records; None if it keeps none (unless overridden).

        `what` is a bar period, "tick", "trade", "depth" or "delta". Bars are those that touch the stretch.
        """
        return None

    def refill(self, symbol: str, what: str, start_ns: int, end_ns: int) -> int | None:
        """Fill in a gap from the venue's history as BACKFILL and say that it is closed; return how many rows came, None if it has none."""
        rows = self.past(symbol, what, start_ns, end_ns)
        if rows is None:
            return None
        for part in rows:
            if len(part) and part.dtype not in _BY_DTYPE:
                raise EventError(f"{self.name}: the past of {symbol} must be arrays of Tick.dtype, Bar.dtype ..., found {part.dtype}.")
        told = {"symbol": symbol, "venue": self.venue_of(symbol), "what": what}
        return publish_refill(self, self.bus.instruments, rows, **told, start_ns=start_ns, end_ns=end_ns, complete=True)

    # ---- inside

    def _count(self, kind: str, count: int) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + count

    def _numbered(self, event: MarketDataEvent) -> MarketDataEvent:
        # Bars of different periods and bases count their equal times apart.
        key = (type(event), event.symbol, event.venue, getattr(event, "period", ""), int(getattr(event, "basis", 0)))
        time_ns, newest = self._newest.get(key, (-1, -1))
        if event.event_ns != time_ns:
            self._newest[key] = (event.event_ns, event.ordinal)
            return event
        ordinal = event.ordinal or newest + 1
        self._newest[key] = (time_ns, max(ordinal, newest))
        return event if ordinal == event.ordinal else event.replace(ordinal=ordinal)

    @event_handler(SubscribeEvent)
    def handle_subscription(self, event: SubscribeEvent) -> None:
        """Take on or give up a symbol, and answer with Applied; what is meant for another venue is passed over."""
        if not self.deals_in(event.venue):
            return
        act = self.on_subscribe if event.subscribe else self.on_unsubscribe
        try:
            detail, ok = act(event.symbol), True
        except GcgQuantError as error:
            detail, ok = error.message, False
        if ok and event.subscribe:
            self.symbols.add(event.symbol)
        elif ok:
            self.symbols.discard(event.symbol)
        self.publish(Applied(control=event.id, component=self.name, ok=ok, detail=detail))
