"""The picture: the newest event of everything, the last bars of every series, and what of it has not been sent yet."""

from __future__ import annotations

import bisect
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

from gcg_quant.events import AccountEvent, Bar, Event, OrderEvent, OrderStatus, PositionEvent, StrategyStatusEvent
from gcg_quant.packing import pack_event
from gcg_quant.reader import BusReader

from .layout import SHAPES, name_of, series_of

__all__ = ["Picture", "Series", "StateBook", "Stored"]

_DONE = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED})
_start = attrgetter("start_ns")
_content = attrgetter(*(name for name in Bar.dtype.names or () if name not in ("recv_ns", "instrument", "ordinal")))


class Series:
    """The last bars of one instrument, period and basis, by their starts; of two with the same start the one that came last.

    `sent` is (start_ns, revision) of the newest bar in the stream; `whole` says that the stream has to be written anew, because a bar
    came that stands before its end.
    """

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.sent = (-1, -1)
        self.whole = False

    def take(self, bar: Bar, most: int) -> bool:
        """Take a bar in, and return whether it is the newest one now."""
        at = len(self.bars)
        if at and bar.start_ns <= self.bars[-1].start_ns:
            at = bisect.bisect_left(self.bars, bar.start_ns, key=_start)
            if self.bars[at].start_ns == bar.start_ns:
                if _same(self.bars[at], bar) or bar.revision < self.bars[at].revision:
                    return False
                self.bars[at] = bar
                self._note(bar)
                return at == len(self.bars) - 1
            if at == 0 and len(self.bars) >= most:
                return False  # older than all that are kept
        self.bars.insert(at, bar)
        self._note(bar)
        if len(self.bars) > max(most, 1):
            del self.bars[: len(self.bars) - max(most, 1)]
        return self.bars[-1] is bar

    def unsent(self) -> list[Bar]:
        """Return the bars behind the end of the stream, or all of them if it is to be written anew."""
        if self.whole:
            return list(self.bars)
        at = len(self.bars)
        while at and _place(self.bars[at - 1]) > self.sent:
            at -= 1
        return self.bars[at:]

    def mark_sent(self) -> None:
        """Note that the stream holds all of these bars."""
        self.whole = False
        self.sent = _place(self.bars[-1])

    def _note(self, bar: Bar) -> None:
        if _place(bar) <= self.sent:
            self.whole = True


class Stored(NamedTuple):
    """A hash as Redis holds it: which fields it lacks, and when it goes (monotonic seconds)."""

    absent: int
    expires_at: float


class Picture:
    """Entries by kind and name, and the series of bars. One thread.

    Args:
        bars: how many bars a series holds.
    """

    def __init__(self, bars: int) -> None:
        self.most_bars = bars
        self.entries: dict[tuple[str, str], Any] = {}
        self.series: dict[str, Series] = {}
        self.dirty: dict[tuple[str, str], None] = {}  # in the order in which they changed
        self.new_bars: dict[str, None] = {}
        self.stored: dict[tuple[str, str], Stored] = {}  # the hashes that Redis holds

    def take(self, kind: str, event: Any) -> None:
        """Take the newest event of a kind in."""
        key = (kind, name_of(kind, event))
        self.entries[key] = event
        self.dirty[key] = None

    def take_bar(self, bar: Bar) -> None:
        """Take a bar in; one that stands before the newest of its series changes the stream alone."""
        name = f"{series_of(bar.period, bar.basis)}:{bar.symbol}@{bar.venue}"
        series = self.series.get(name)
        if series is None:
            series = self.series[name] = Series()
        if series.take(bar, self.most_bars):
            self.take("bar", bar)
        self.new_bars[name] = None

    def forget_sent(self) -> None:
        """Take it that nothing was sent."""
        for series in self.series.values():
            series.whole = True
        self.stored.clear()
        self.dirty = dict.fromkeys(self.entries)
        self.new_bars = dict.fromkeys(self.series)

    def shorten(self, bars: int) -> None:
        """Keep so many bars in a series from now on; a series that held fewer grows with the bars that come."""
        self.most_bars = bars
        for series in self.series.values():
            del series.bars[: -max(bars, 1)]


class StateBook:
    """A fold of what has no age: positions, accounts, strategies and open orders. See `gcg_quant.stateful.Fold`."""

    VERSION: ClassVar[int] = 1
    VITAL: ClassVar[bool] = False
    EVENTS: ClassVar[tuple[type[Event], ...]] = (PositionEvent, AccountEvent, StrategyStatusEvent, OrderEvent)

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], Any] = {}
        self.changed: dict[tuple[str, str], None] = {}

    def listen(self, reader: BusReader) -> None:
        """Let a reader pass these events."""
        reader.add_rule(self.EVENTS, None, None, True)

    def apply(self, event: Event) -> None:
        """Take one event in."""
        kind = _KIND_OF.get(type(event))
        if kind is None:
            return
        key = (kind, name_of(kind, event))
        if isinstance(event, OrderEvent):
            if not event.request:
                return  # it answers a request about an order that nobody knows
            over = event.status in _DONE
        else:
            over = isinstance(event, StrategyStatusEvent) and event.state == "unloaded"
        if not over:
            self.events[key] = event
        elif self.events.pop(key, None) is None:
            return
        self.changed[key] = None

    def dump(self) -> Any:
        """Return the events, packed."""
        return [pack_event(event) for event in self.events.values()]

    def load(self, state: Any) -> None:
        """Take over what `dump` returned."""
        for event in state:
            self.apply(event)

    def tell(self, picture: Picture) -> None:
        """Put what has changed since the last call into the picture."""
        for kind, name in self.changed:
            event = self.events.get((kind, name))
            if event is not None:
                picture.take(kind, event)
            elif picture.entries.pop((kind, name), None) is not None:
                picture.dirty[kind, name] = None
        self.changed.clear()


_KIND_OF: dict[type, str] = {SHAPES[kind].cls: kind for kind in ("position", "account", "strategy", "order")}


def _place(bar: Bar) -> tuple[int, int]:
    return bar.start_ns, bar.revision


def _same(one: Bar, other: Bar) -> bool:
    # A bar that is filled in again has another id, and another time at which it came.
    return all(a == b or (a != a and b != b) for a, b in zip(_content(one), _content(other), strict=True))
