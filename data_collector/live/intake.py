"""What comes in from a venue, record by record: is it plausible, new and in order?"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.events import Bar, BookDelta, Depth, MarketDataEvent, Tick, TradeTick

__all__ = ["Intake", "Refused"]

_REMEMBERED_IDS = 500  # trade ids of a symbol: what a venue sends again after a reconnect; a thousand symbols are to fit into memory
_AHEAD_NS = NS_PER_MINUTE
_STEP_NS = NS_PER_SECOND  # a message that is later than this may show that a clock was set


_WHAT = {Tick: "tick", TradeTick: "trade", Depth: "depth", BookDelta: "delta"}


class Refused(Exception):
    """A record that must not be published; `kind` is what it is counted as."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind
        self.why = why


class _Stream:
    # The records of one kind (and period) of one symbol.
    __slots__ = ("ids", "latest_ns", "newest", "ordinal", "recent", "seq")

    def __init__(self) -> None:
        self.latest_ns = -1
        self.ordinal = 0
        self.seq = 0
        self.newest: Any = None
        self.ids: set[str] = set()
        self.recent: deque[str] = deque()


class Intake:
    """Checks records one by one and numbers equal times. Not thread-safe: its caller holds a lock.

    Refused are prices that are not above 0 (unless `may_be_negative` says so of the symbol), negative sizes, records without a price, books
    whose best bid is above the best ask, times that run backwards, and what came before (by trade id, the venue's number, or all values).
    A time of more than a minute after ours (and the venue's usual distance) is a clock that went wrong; one that comes back is followed.
    """

    def __init__(self, may_be_negative: Callable[[str], bool] = lambda symbol: False) -> None:
        self._streams: dict[tuple[Any, ...], _Stream] = {}
        self._may_be_negative = may_be_negative
        self._most_ahead_ns, self._ahead_ns = _AHEAD_NS, NS_PER_SECOND
        self._checks: dict[type, Callable[[Any, _Stream], None]] = {
            Tick: self._check_tick,
            Depth: self._check_depth,
            TradeTick: self._check_trade,
            Bar: self._check_bar,
            BookDelta: self._check_delta,
        }

    def admit(self, event: MarketDataEvent) -> MarketDataEvent:
        """Return the record, with the next free ordinal if another of its stream has the same time.

        Raises:
            Refused: it is not to be published. EventError: it is no market data.
        """
        kind = type(event)
        stream = self._streams.get((kind, event.symbol)) or self._stream(event)
        event_ns = event.event_ns
        if event_ns > event.recv_ns + self._most_ahead_ns and kind is not Bar:
            raise Refused("clock", f"{event.symbol}: {(event_ns - event.recv_ns) / 1e9:.1f} s ahead of our clock")
        if event_ns < stream.latest_ns:
            self._check_order(event, stream)
        self._checks[kind](event, stream)
        if event_ns != stream.latest_ns:
            stream.latest_ns = event_ns
            stream.ordinal = event.ordinal
            stream.newest = event
            return event
        stream.newest = event
        if event.ordinal:
            stream.ordinal = max(stream.ordinal, event.ordinal)
            return event
        stream.ordinal += 1
        return event.replace(ordinal=stream.ordinal)

    def set_offset(self, offset_ns: int) -> None:
        """Say how far the venue's clock is ahead of ours."""
        self._most_ahead_ns, self._ahead_ns = _AHEAD_NS + max(0, offset_ns), NS_PER_SECOND + max(0, offset_ns)

    def kinds(self, symbol: str) -> list[str]:
        """Return what has come of a symbol: "tick", "trade", "depth", "delta" and periods of bars."""
        return [_WHAT.get(key[0]) or key[2] for key in list(self._streams) if key[1] == symbol]

    def resume(self, event: MarketDataEvent) -> None:
        """Go on behind a record that was published before, by a process that is gone."""
        stream = self._stream(event)
        stream.latest_ns, stream.ordinal, stream.newest = event.event_ns, event.ordinal, event
        if isinstance(event, TradeTick) and event.trade_id:
            stream.ids.add(event.trade_id)
            stream.recent.append(event.trade_id)
        elif not isinstance(event, Bar):
            stream.seq = event.last_update_id if isinstance(event, BookDelta) else event.venue_seq

    def forget(self, symbol: str) -> None:
        """Forget a symbol that is no longer collected."""
        self._streams = {key: stream for key, stream in self._streams.items() if key[1] != symbol}

    # ---- inside

    def _stream(self, event: MarketDataEvent) -> _Stream:
        key: tuple[Any, ...] = (type(event), event.symbol)
        if isinstance(event, Bar):
            key = (Bar, event.symbol, event.period, int(event.basis))
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream()
        return stream

    def _check_order(self, event: Any, stream: _Stream) -> None:
        back_ns = stream.latest_ns - event.event_ns
        if back_ns > _STEP_NS and stream.latest_ns > event.recv_ns + self._ahead_ns:
            stream.seq = 0
            return  # the venue's clock was ahead, or ours was set back
        if type(event) is Bar and event.revision > 0:
            return  # a correction
        raise Refused("out of order", f"{event.symbol}: {back_ns / 1e9:.3f} s older than the one before")

    def _check_sequence(self, event: Any, stream: _Stream) -> None:
        seq = event.venue_seq
        if seq > 0:
            if seq == stream.seq:
                raise Refused("duplicate", f"{event.symbol}: number {seq} came before")
            if seq < stream.seq and event.event_ns <= stream.latest_ns:
                raise Refused("out of order", f"{event.symbol}: number {seq} after {stream.seq}")
            stream.seq = seq  # one that is smaller and newer: the venue has begun anew

    def _check_tick(self, tick: Tick, stream: _Stream) -> None:
        last, bid, ask = tick.last_price, tick.bid_price, tick.ask_price
        if last <= 0 or bid < 0 or ask < 0:
            self._check_negative(tick.symbol, f"last {last:g}, bid {bid:g}, ask {ask:g}")
        if bid > ask:
            raise Refused("crossed", f"{tick.symbol}: bid {bid:g} above ask {ask:g}")
        if last != last and bid != bid and ask != ask:  # NaN
            raise Refused("empty", f"{tick.symbol}: no price at all")
        if tick.volume < 0 or tick.last_size < 0 or tick.bid_size < 0 or tick.ask_size < 0:
            raise Refused("negative", f"{tick.symbol}: a negative size")
        if tick.venue_seq > 0:
            self._check_sequence(tick, stream)
        elif tick.event_ns == stream.latest_ns and _same_tick(tick, stream.newest):
            raise Refused("duplicate", f"{tick.symbol}: the same tick came before")

    def _check_depth(self, depth: Depth, stream: _Stream) -> None:
        bids, asks = depth.bid_prices, depth.ask_prices
        bid, ask = bids[0], asks[0]
        if bid > ask:
            raise Refused("crossed", f"{depth.symbol}: bid {bid:g} above ask {ask:g}")
        if bid != bid and ask != ask:
            raise Refused("empty", f"{depth.symbol}: a book without a price")
        if bid <= 0 or ask <= 0:
            self._check_negative(depth.symbol, f"bid {bid:g}, ask {ask:g}")
        levels = depth.levels or len(bids)
        if _any_negative(depth.bid_sizes[:levels]) or _any_negative(depth.ask_sizes[:levels]):
            raise Refused("negative", f"{depth.symbol}: a negative size")
        if depth.venue_seq > 0:
            self._check_sequence(depth, stream)

    def _check_trade(self, trade: TradeTick, stream: _Stream) -> None:
        price, size = trade.price, trade.size
        if price != price:
            raise Refused("empty", f"{trade.symbol}: a trade without a price")
        if price <= 0:
            self._check_negative(trade.symbol, f"price {price:g}")
        if size < 0:
            raise Refused("negative", f"{trade.symbol}: size {size:g}")
        name = trade.trade_id
        if not name:
            self._check_sequence(trade, stream)
            return
        if name in stream.ids:
            raise Refused("duplicate", f"{trade.symbol}: trade {name} came before")
        stream.ids.add(name)
        stream.recent.append(name)
        if len(stream.recent) > _REMEMBERED_IDS:
            stream.ids.discard(stream.recent.popleft())

    def _check_bar(self, bar: Bar, stream: _Stream) -> None:
        values = (bar.open, bar.high, bar.low, bar.close)
        if any(value != value for value in values):
            raise Refused("empty", f"{bar.symbol}: a bar without a price")
        if min(values) <= 0:
            self._check_negative(bar.symbol, f"lowest {min(values):g}")
        if bar.high < max(values) or bar.low > min(values):
            raise Refused("crossed", f"{bar.symbol}: high {bar.high:g}, low {bar.low:g}, open {bar.open:g}, close {bar.close:g}")
        if bar.volume < 0:
            raise Refused("negative", f"{bar.symbol}: volume {bar.volume:g}")
        if bar.event_ns == stream.latest_ns and not bar.revision and _same_bar(bar, stream.newest):
            raise Refused("duplicate", f"{bar.symbol}: the same bar came before")

    def _check_delta(self, delta: BookDelta, stream: _Stream) -> None:
        if delta.price <= 0:
            self._check_negative(delta.symbol, f"price {delta.price:g}")
        if delta.size < 0:
            raise Refused("negative", f"{delta.symbol}: size {delta.size:g}")
        number = delta.last_update_id
        if number > 0:
            if number < stream.seq and delta.event_ns <= stream.latest_ns:
                raise Refused("out of order", f"{delta.symbol}: update {number} after {stream.seq}")
            stream.seq = number

    def _check_negative(self, symbol: str, what: str) -> None:
        if not self._may_be_negative(symbol):
            raise Refused("negative", f"{symbol}: {what}")


def _any_negative(sizes: tuple[float, ...]) -> bool:
    return any(size < 0 for size in sizes)


_TICK_FIELDS = ("last_price", "last_size", "volume", "bid_price", "bid_size", "ask_price", "ask_size", "open_interest")
_BAR_FIELDS = ("open", "high", "low", "close", "volume")


def _same_tick(one: Any, other: Any) -> bool:
    return _same(one, other, _TICK_FIELDS)


def _same_bar(one: Any, other: Any) -> bool:
    return _same(one, other, _BAR_FIELDS)


def _same(one: Any, other: Any, fields: tuple[str, ...]) -> bool:
    for field in fields:
        mine, theirs = getattr(one, field), getattr(other, field)
        if mine != theirs and (mine == mine or theirs == theirs):  # NaN is as absent as NaN
            return False
    return True
