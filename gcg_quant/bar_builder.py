"""The component that makes the canonical bars of a running system from ticks and trades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gcg_quant.bars import BarAggregator, period_ns
from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MILLISECOND, NS_PER_MINUTE, now_ns
from gcg_quant.component import Component, event_handler
from gcg_quant.events import Bar, BarBasis, Tick, TimerEvent, TradeTick
from gcg_quant.reader import BusReader

__all__ = ["BarBuilder"]

_LOOK_NS = 100 * NS_PER_MILLISECOND
_MOST_REWIND_NS = 10 * NS_PER_MINUTE


class _Line:
    # The bars in the making of one instrument, all from the same kind of event: ticks and trades together would count volume twice.

    def __init__(self, event: Tick | TradeTick, basis: BarBasis, periods: Sequence[str], calendar: Calendar, read_from_ns: int) -> None:
        self.kind = type(event)
        self.aggregators = [BarAggregator(period, basis, calendar) for period in periods]
        self.event_ns = event.event_ns  # the venue's clock at the last event, and ours
        self.time_ns = event.time_ns
        # By the venue's clock; a bar that began earlier was seen in part only.
        self.whole_from_ns = event.event_ns - (event.time_ns - read_from_ns) if read_from_ns else 0

    def venue_now(self, our_now_ns: int) -> int:
        # What the venue's clock shows at a time of ours. Venues' clocks differ from ours, by years when old data is replayed.
        return self.event_ns + max(0, our_now_ns - self.time_ns)


class BarBuilder(Component):
    """Publishes bars of the configured periods, basis LAST, of every instrument that has ticks or trades.

    Whichever kind of event brings an instrument's first price makes its bars from then on. Currency pairs without last prices get bars
    of the mean of bid and ask (basis MID). A bar is finished by the first event after its end, or by a `TimerEvent` a little
    after it. What is filled in on a live bus (BACKFILL) makes no bars.

    After a restart it reads the open intervals again, up to ten minutes back, and publishes only what it had not published yet; a
    longer bar whose beginning it can no longer see is left out.

    Args:
        name: the component's name, and the source of the bars.
        periods: such as ("1s", "1m").
        grace_ms: how long after its end a bar waits for late events if nothing else comes.
        timers: finish bars by our clock, too; without them a bar is finished by the next event alone, as where recorded data is played.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("bars",)

    def __init__(self, name: str = "bars", *, periods: Sequence[str] = ("1s", "1m"), grace_ms: int = 200, timers: bool = True) -> None:
        super().__init__(name)
        self._periods = tuple(periods)
        # Twice: the oldest interval read again may be cut, the one after it is whole, whatever the venue's clock shows.
        self._rewind_ns = min(2 * max(map(period_ns, periods), default=0), _MOST_REWIND_NS)
        self._grace_ns = grace_ms * NS_PER_MILLISECOND
        self._lines: dict[int, _Line] = {}
        self._published: set[tuple[str, str, str, int]] = set()
        self._read_from_ns = 0  # by our clock, 0 if nothing is older
        self._next_look_ns = 0
        self._timer_is_out = False
        self._timers = timers

    def open_reader(self, bus: EventBus) -> BusReader:
        """Begin where the open intervals began, and remember which of their bars are published already."""
        self._lines.clear()
        self._timer_is_out = False
        reader = super().open_reader(bus)
        begin_ns = now_ns() - self._rewind_ns
        with bus.reader(start="begin", events=[Bar], sources=[self.name]) as own:
            own.seek_time(begin_ns)
            self._published = {_key(bar) for bar in own if isinstance(bar, Bar)}
        reader.seek_time(begin_ns)
        self._read_from_ns = begin_ns if reader.cursor.market > 1 else 0
        return reader

    @event_handler(Tick, TradeTick)
    def on_data(self, event: Tick | TradeTick) -> None:
        """Put a tick or trade into the bars of its instrument."""
        line = self._lines.get(event.instrument) or self._new_line(event)
        if line is None or type(event) is not line.kind:
            return
        if event.event_ns >= line.event_ns:
            line.event_ns, line.time_ns = event.event_ns, event.time_ns
        for aggregator in line.aggregators:
            for bar in aggregator.update(event):
                self._publish(bar, line)

    @event_handler(TimerEvent)
    def on_timer(self, timer: TimerEvent) -> None:
        """Finish the bars whose end is past on their venue's clock."""
        if timer.component != self.name:
            return
        self._timer_is_out = False
        for line in self._lines.values():
            now = line.venue_now(timer.event_ns) - self._grace_ns
            for aggregator in line.aggregators:
                for bar in aggregator.advance(now):
                    self._publish(bar, line)

    def on_batch(self) -> None:
        """Ask for a timer if a bar is due."""
        self._look()

    def on_idle(self) -> None:
        """Ask for a timer if a bar is due."""
        self._look()

    def _look(self) -> None:
        # The clock is asked here only to know when to publish a timer; what the timer does depends on the recorded event alone.
        now = now_ns()
        if not self._timers or self._timer_is_out or now < self._next_look_ns:
            return
        self._next_look_ns = now + _LOOK_NS
        for line in self._lines.values():
            venue_now = line.venue_now(now) - self._grace_ns
            if any(0 < aggregator.end_ns <= venue_now for aggregator in line.aggregators):
                self._timer_is_out = True
                self.publish(TimerEvent(component=self.name, name="close_bars", event_ns=now))
                return

    def _new_line(self, event: Tick | TradeTick) -> _Line | None:
        if isinstance(event, TradeTick) or event.last_price == event.last_price:
            basis = BarBasis.LAST
        elif self.bus.instruments[event.instrument].kind == "fx":
            basis = BarBasis.MID
        else:
            return None  # a quote: its trades come as events of their own
        calendar = Calendar(self.bus.instruments[event.instrument].calendar) if "1d" in self._periods else Calendar()
        line = self._lines[event.instrument] = _Line(event, basis, self._periods, calendar, self._read_from_ns)
        return line

    def _publish(self, bar: Bar, line: _Line) -> None:
        if bar.start_ns < line.whole_from_ns:
            return
        if self._published and _key(bar) in self._published:
            self._published.discard(_key(bar))
            return
        self.publish(bar)


def _key(bar: Bar) -> tuple[str, str, str, int]:
    return bar.symbol, bar.venue, bar.period, bar.start_ns
