"""The component that makes the canonical bars of a running system from ticks and trades."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Self

import msgspec

from gcg_quant.bar_line import BarLine
from gcg_quant.bar_sections import BarsEntry, BarsSettings
from gcg_quant.bars import period_ns
from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MILLISECOND, NS_PER_MINUTE, now_ns
from gcg_quant.component import Component, event_handler
from gcg_quant.errors import EventError, GcgQuantError, InstrumentError, JournalError
from gcg_quant.events import Applied, Bar, BarBasis, BarOrigin, ConfigChangeEvent, Tick, TimerEvent, TradeTick, VolumeKind, World
from gcg_quant.instruments import Instrument
from gcg_quant.packing import STATE_ERRORS, pack_state, unpack_state
from gcg_quant.reader import BusReader
from gcg_quant.snapshots import Snapshots

__all__ = ["BarBuilder"]

_LOOK_NS = 100 * NS_PER_MILLISECOND
_MOST_REWIND_NS = 10 * NS_PER_MINUTE
_MISSED = 3  # bars that a venue which makes its own may leave out before ours take their place
_VERSION = 1  # of the state in a snapshot
_SNAPSHOT_EVENTS = 200_000
_SNAPSHOT_S, _SNAPSHOT_LEAST = 60.0, 1_000
_KEYS = ("bars.periods", "bars.symbols", "bars.grace_ms")


class BarBuilder(Component):
    """Publishes bars of the configured periods, basis LAST, of every instrument that has ticks or trades.

    Whichever kind of event brings an instrument's first price makes its bars from then on; but where ticks tell totals of the last 24 hours
    only, which say nothing about a bar, single trades take their place as soon as there are any. Currency pairs without last prices get
    bars of the mean of bid and ask (basis MID). A bar is finished by the first event after its end, or by a `TimerEvent` a little after it.
    What is filled in on a live bus (BACKFILL) makes no bars. Where a venue publishes bars of a period itself, these are the ones, and ours
    are held back.

    After a restart it goes on at its last snapshot, reads what came since, and publishes only what it had not published yet: a bar in whose
    middle it died is the bar that it would have been. Without a snapshot it reads the open intervals again, up to ten minutes back; a
    longer bar whose beginning it can no longer see is left out.

    Args:
        name: the component's name, and the source of the bars.
        periods: such as ("1s", "1m").
        symbols: further periods for some symbols.
        grace_ms: how long after its end a bar waits for late events if nothing else comes.
        revise: publish the bar before again, as its next revision, when an event of it comes late; else the event is dropped.
        timers: finish bars by our clock, too; without them a bar is finished by the next event alone, as where recorded data is played.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("bars",)

    def __init__(
        self,
        name: str = "bars",
        *,
        periods: Sequence[str] = ("1s", "1m"),
        symbols: Sequence[BarsEntry] = (),
        grace_ms: int = 200,
        revise: bool = False,
        timers: bool = True,
    ) -> None:
        super().__init__(name)
        self._periods = tuple(periods)
        self._symbols = tuple(symbols)
        self._grace_ns = grace_ms * NS_PER_MILLISECOND
        self._revise = revise
        self._timers = timers
        self._lines: dict[int, BarLine] = {}
        self._venues: dict[tuple[str, str, str, int], int] = {}  # bars that venues make, and how many of theirs are missing
        self._published: set[tuple[str, str, str, int, int]] = set()
        self._read_from_ns = 0  # by our clock, 0 if nothing is older
        self._next_look_ns = 0
        self._timer_is_out = False
        self._snapshots: Snapshots | None = None
        self._kept, self._kept_s = 1, 0.0  # the market lane's seq at the last snapshot, and when that was

    @classmethod
    def from_settings(cls, settings: BarsSettings, *, timers: bool = True) -> Self:
        """Return a builder for `[bars]`."""
        return cls(
            periods=settings.periods,
            symbols=settings.symbols,
            grace_ms=settings.grace_ms,
            revise=settings.late == "revise",
            timers=timers,
        )

    # ---- beginning and snapshots

    def open_reader(self, bus: EventBus) -> BusReader:
        """Begin behind the last snapshot, or where the open intervals began, and remember which of their bars are published already."""
        self._lines.clear()
        self._venues.clear()
        self._timer_is_out = False
        self._read_from_ns = 0
        reader = super().open_reader(bus)
        keeps = bus.world in (World.LIVE, World.PAPER)
        self._snapshots = Snapshots(bus, self.name, _VERSION, self._warn, vital=False) if keeps else None
        if not self._restore(reader):
            # Twice: the oldest interval read again may be cut, the one after it is whole, whatever the venue's clock shows.
            begin_ns = now_ns() - min(2 * max(map(period_ns, self._all_periods()), default=0), _MOST_REWIND_NS)
            reader.seek_time(begin_ns)
            self._read_from_ns = begin_ns if reader.cursor.market > 1 else 0
        self._kept, self._kept_s = reader.cursor.market, time.monotonic()
        with bus.reader(start=reader.cursor, events=[Bar], sources=[self.name]) as own:
            self._published = {_key(bar) for bar in own if isinstance(bar, Bar)}
        return reader

    def _restore(self, reader: BusReader) -> bool:
        if self._snapshots is None:
            return False
        end = reader.cursor
        for found in self._snapshots.find():
            try:
                state = unpack_state(found.state)
                lines = {number: self._line_of(number, one) for number, one in state["lines"]}
                venues = {(symbol, venue, period, basis): missing for symbol, venue, period, basis, missing in state["venues"]}
                same = found.cursor.epoch == end.epoch  # then settings that have changed since are not heard of again
                reader.seek(msgspec.structs.replace(end, market=found.cursor.market) if same else found.cursor)
            except (*STATE_ERRORS, GcgQuantError) as error:
                self._warn(f"A snapshot of {self.name} is passed over: its state cannot be used ({error!r}).")
                reader.seek(end)
                continue
            self._lines, self._venues = lines, venues
            self._snapshots.claim(found)
            return True
        return False

    def _line_of(self, number: int, state: dict[str, Any]) -> BarLine:
        terms = self.bus.instruments[number]
        line = BarLine.of_state(state, self._calendar_of(terms), revise=self._revise)
        line.keep(self._periods_of(terms.symbol, terms.venue), line.event_ns)
        return line

    def on_rest(self, idle: bool) -> None:
        """Put the bars in the making down as a snapshot if it is time, in a quiet moment if there is one."""
        unsaved = self.reader.cursor.market - self._kept
        quiet = idle and unsaved >= _SNAPSHOT_LEAST and time.monotonic() - self._kept_s >= _SNAPSHOT_S
        if quiet or unsaved >= _SNAPSHOT_EVENTS:
            self._keep("events")

    def on_end(self) -> None:
        """Leave a snapshot, so that the next start has next to nothing to read."""
        if self.reader.cursor.market > self._kept:
            self._keep("stop")

    def _keep(self, reason: str) -> None:
        cursor = self.reader.cursor
        self._kept, self._kept_s = cursor.market, time.monotonic()
        if self._snapshots is None or not self._lines:
            return
        state = {
            "lines": [(number, line.state) for number, line in self._lines.items()],
            "venues": [(*key, missing) for key, missing in self._venues.items()],
        }
        try:
            self._snapshots.write(pack_state(state), cursor, reason, lambda event: self.publish(event, cause=0))
        except (EventError, JournalError) as error:
            self._warn(f"There is no snapshot of {self.name} this time: {error}")

    def _warn(self, text: str) -> None:
        self.log(text, level="warning")

    # ---- events

    @event_handler(Tick, TradeTick)
    def on_data(self, event: Tick | TradeTick) -> None:
        """Put a tick or trade into the bars of its instrument."""
        line = self._lines.get(event.instrument) or self._new_line(event)
        if line is not None and line.rolling and isinstance(event, TradeTick):
            line = self._new_line(event, event.event_ns)
        if line is None or type(event) is not line.kind:
            return
        if line.kind is Tick and not line.rolling:
            line.rolling = isinstance(event, Tick) and event.volume_kind == VolumeKind.ROLLING_24H
        for bar in line.update(event):
            self._publish(bar)

    @event_handler(Bar)
    def on_bar(self, bar: Bar) -> None:
        """Hear that a venue makes bars of this period itself."""
        if bar.origin == BarOrigin.VENUE:
            self._venues[bar.symbol, bar.venue, bar.period, int(bar.basis)] = 0

    @event_handler(TimerEvent)
    def on_timer(self, timer: TimerEvent) -> None:
        """Finish the bars whose end is past on their venue's clock."""
        if timer.component != self.name:
            return
        self._timer_is_out = False
        for line in self._lines.values():
            for bar in line.advance(line.venue_now(timer.event_ns) - self._grace_ns):
                self._publish(bar)

    @event_handler(ConfigChangeEvent)
    def on_settings(self, event: ConfigChangeEvent) -> None:
        """Take over other periods and another grace: bars of a new period are made from the next whole one on."""
        changes = {key.removeprefix("bars."): value for key, value in event.changes.items() if key in _KEYS}
        if not changes:
            return
        try:
            known = {"periods": self._periods, "symbols": self._symbols, "grace_ms": self._grace_ns // NS_PER_MILLISECOND}
            settings = BarsSettings.model_validate({**known, **changes})
        except ValueError as error:
            self.publish(Applied(control=event.id, component=self.name, ok=False, detail=str(error)))
            return
        self._periods, self._symbols, self._grace_ns = settings.periods, settings.symbols, settings.grace_ms * NS_PER_MILLISECOND
        for number, line in self._lines.items():
            terms = self.bus.instruments[number]
            line.calendar = self._calendar_of(terms)
            line.keep(self._periods_of(terms.symbol, terms.venue), line.event_ns + 1)
        detail = f"bars of {', '.join(self._all_periods())}, {settings.grace_ms} ms of grace"
        self.publish(Applied(control=event.id, component=self.name, detail=detail))

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
        if any(line.is_due(line.venue_now(now) - self._grace_ns) for line in self._lines.values()):
            self._timer_is_out = True
            self.publish(TimerEvent(component=self.name, name="close_bars", event_ns=now))

    def _all_periods(self) -> list[str]:
        return list(dict.fromkeys([*self._periods, *(period for entry in self._symbols for period in entry.periods)]))

    def _periods_of(self, symbol: str, venue: str) -> list[str]:
        names = (symbol, f"{symbol}@{venue}")
        further = [entry.periods for entry in self._symbols if any(fnmatchcase(name, entry.symbol) for name in names)]
        return list(dict.fromkeys([*self._periods, *(period for periods in further for period in periods)]))

    def _calendar_of(self, terms: Instrument) -> Calendar | None:
        # None where the clock decides: the library of calendars takes a second to load.
        dated = any(period[-1] in "dw" for period in self._periods_of(terms.symbol, terms.venue))
        if not dated and ":" not in terms.calendar:
            return None
        try:
            return Calendar(terms.calendar)
        except InstrumentError as error:
            self._warn(f"Bars of {terms.name} are made by the clock: {error}")
            return None

    def _new_line(self, event: Tick | TradeTick, whole_from_ns: int = 0) -> BarLine | None:
        terms = self.bus.instruments[event.instrument]
        if isinstance(event, TradeTick) or event.last_price == event.last_price:
            basis = BarBasis.LAST
        elif terms.kind == "fx":
            basis = BarBasis.MID
        else:
            return None  # a quote: its trades come as events of their own
        line = self._lines[event.instrument] = BarLine(type(event), basis, self._calendar_of(terms), revise=self._revise)
        # By the venue's clock; a bar that began earlier was seen in part only.
        from_ns = event.event_ns - (event.time_ns - self._read_from_ns) if self._read_from_ns else whole_from_ns
        line.keep(self._periods_of(terms.symbol, terms.venue), from_ns)
        return line

    def _publish(self, bar: Bar) -> None:
        place = bar.symbol, bar.venue, bar.period, int(bar.basis)
        missing = self._venues.get(place)
        if missing is not None and missing < _MISSED:
            self._venues[place] = missing + 1
            return
        if self._published and _key(bar) in self._published:
            self._published.discard(_key(bar))
            return
        self.publish(bar)


def _key(bar: Bar) -> tuple[str, str, str, int, int]:
    return bar.symbol, bar.venue, bar.period, bar.start_ns, bar.revision
