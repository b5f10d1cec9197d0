"""Stored market data, played onto a paper bus as if it happened now: for strategies that shall run on recorded data without a change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from gcg_quant.busy_mark import busy_with, mark_path
from gcg_quant.clock import from_iso, to_iso
from gcg_quant.component import event_handler
from gcg_quant.errors import ComponentError, InstrumentError, SettingsError, nearest
from gcg_quant.events import Bar, Lane, MarketDataEvent, StrategyStatusEvent, Tick, World
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of
from gcg_quant.replay_mark import Played, ReplayMark, replay_mark_path

from ..base import BaseCollector
from .part import ReplayPart, merged

if TYPE_CHECKING:
    from gcg_quant.history import History
    from gcg_quant.sections import ReplaySettings

__all__ = ["ReplayCollector"]

_PATIENCE_S = 10.0
_LOOK_S = 0.0002
_LONGEST_LOOK_S = 0.004
_READY_S = 0.5


class ReplayCollector(BaseCollector):
    """Publishes stored ticks and bars in the order of their times, each moment when the one before it has been dealt with.

    The next moment comes when every reader of `followers` has read all that is on the bus and no strategy is at work, and after a bar
    `pause_ms` later. So the speed of the machine does not decide what trades, as far as that can be seen from another process.

    A replay that was cut off goes on where it was, on the same journal: nothing is played twice, and nothing is left out.

    Args:
        parts: what to play.
        history: the store.
        followers: the beginnings of the names of the readers that are waited for.
        pause_ms: after a bar.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("collector", "replay")

    def __init__(
        self,
        parts: Sequence[ReplayPart],
        history: History,
        *,
        followers: Sequence[str] = ("trading", "strategies", "models", "bars"),
        pause_ms: float = 3.0,
        name: str = "replay",
    ) -> None:
        super().__init__(name, "")
        self._parts = tuple(parts)
        self._store = history
        self._followers = tuple(followers)
        self._pause_s = pause_ms / 1e3
        self._moments: Iterator[list[MarketDataEvent]] = iter(())
        self._bar_came = False
        self._mark = Path()
        self._progress: ReplayMark | None = None
        self._before_ns = 0  # the moment that was played last
        self._begun = False
        self.finished = threading.Event()

    @classmethod
    def from_settings(cls, settings: ReplaySettings, history: History) -> ReplayCollector:
        """Return the collector that the section [replay] describes. Raises SettingsError for a day that is none."""
        parts = [ReplayPart(one.symbol, one.venue, one.period, _day(one.start, "start"), _day(one.end, "end")) for one in settings.data]
        return cls(parts, history, pause_ms=settings.pause_ms)

    # ---- its life

    def on_start(self) -> None:
        """Read what is to be played, and make its instruments known.

        Raises:
            ComponentError: the bus is not a paper one, or there is nothing to play.
        """
        if self.bus.world != World.PAPER:
            raise ComponentError(f"{self.name} plays recorded data on a paper bus, and this one is {self.bus.world.name.lower()}.")
        self._mark = mark_path(self.bus.path, "strategies")
        streams = []
        for part in self._parts:
            terms = self._terms(part)
            part.venue = terms.venue
            self.bus.instruments.add(terms)
            streams.append(part.events(self._store))
        self._progress = ReplayMark(replay_mark_path(self.bus.path), self._name_of_it(), self.bus.head(Lane.MARKET))
        self._moments = _moments(merged(streams))
        self._before_ns, self._begun = 0, False
        if (before := self._progress.before) is not None:
            self._before_ns = before.until_ns
            self._moments = self._not_played(self._moments, before)
            if before.until_ns:
                self.log(f"The replay goes on behind {to_iso(before.until_ns)}, where it was cut off.")
        self.finished.clear()

    def on_stop(self) -> None:
        """Give the mark up: nothing is being played any more."""
        if self._progress is not None:
            self._progress.close()
            self._progress = None

    @event_handler(Bar)
    def on_bar(self, bar: Bar) -> None:
        """Note that strategies have something to think about."""
        self._bar_came = True

    def read_batch(self) -> int:
        """Play one moment."""
        if self.finished.is_set():
            return self.handle_waiting(0.05)
        if not self._begun:
            self._wait_for_strategies()
        moment = next(self._moments, None)
        if moment is None:
            self._tell_played()
            self.finished.set()
            again = "" if self._begun else f" All of it was played before: to play it again, remove {self.bus.path}."
            self.log(f"The replay has ended: {sum(self.counts.values()):,} records of {len(self._parts)} symbols.{again}")
            return 0
        self._begun = True
        self._wait_for_followers()
        self._tell_played()
        for event in moment:
            self.publish_data(event)
        self._before_ns = moment[0].event_ns
        return len(moment)

    # ---- inside

    def _tell_played(self) -> None:
        # One moment behind: who deals with a moment has it from the bus, and finds in the store what was before it, no more.
        if self._progress is not None:
            self._progress.put(Played(self._before_ns, self.bus.head(Lane.MARKET)))

    def _name_of_it(self) -> bytes:
        # Not its end: a replay that is made longer goes on.
        facts = [(part.symbol, part.venue, part.period, part.start_ns) for part in self._parts]
        return blake2b(repr((self.bus.bus_id, facts)).encode(), digest_size=16).digest()

    # Of the moment that was being published when the run before was cut off, some records may be on the journal already.
    def _not_played(self, moments: Iterator[list[MarketDataEvent]], before: Played) -> Iterator[list[MarketDataEvent]]:
        with self.bus.reader(start="begin", events=[Bar, Tick]) as reader:
            begin = reader.cursor
            reader.seek(msgspec.structs.replace(begin, market=max(begin.market, min(before.market, self.bus.head(Lane.MARKET)))))
            known = {_identity(event) for event in reader}
        for moment in moments:
            if moment[0].event_ns > before.until_ns and (left := [event for event in moment if _identity(event) not in known]):
                yield left

    def _terms(self, part: ReplayPart) -> Instrument:
        known = self._store.symbols()
        venues = [venue for symbol, venue in known if symbol == part.symbol and part.venue in ("", venue)]
        if not venues:
            names = sorted({symbol for symbol, _ in known})
            message = f"Nothing is stored of {part.symbol!r}, which [[replay.data]] names.{nearest(part.symbol, names)}"
            raise InstrumentError(message, symbol=part.symbol)
        if len(venues) > 1:
            listed = ", ".join(f"{part.symbol}@{venue}" for venue in venues)
            message = f"{part.symbol!r} is stored for several venues: name one in [[replay.data]], of {listed}."
            raise InstrumentError(message, symbol=part.symbol)
        ask = getattr(self._store, "instrument", None)  # a database keeps the terms
        stored: Instrument | None = ask(part.symbol, venues[0]) if ask is not None else None
        return stored or preset(market_of(part.symbol), part.symbol, venues[0])

    # Strategies start when they know their instruments, which is now; what is played before they run they would never see.
    def _wait_for_strategies(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        begun = 0.0
        states: dict[str, str] = {}
        with self.bus.reader(start="begin", events=[StrategyStatusEvent]) as reader:
            while not self.stopping and time.monotonic() < deadline:
                states |= {event.strategy: event.state for event in reader if isinstance(event, StrategyStatusEvent)}
                ready = any(one.alive and one.name == "strategies" for one in self.bus.readers()) and "loaded" not in states.values()
                begun = (begun or time.monotonic()) if ready else 0.0
                if begun and time.monotonic() - begun > _READY_S:
                    return
                time.sleep(0.02)

    # Until all that was published has been dealt with, the bars made of it and the orders that came of them included. Who takes longer
    # than the patience is not waited for: a slow reader must not hold up the market for ever.
    def _wait_for_followers(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        look_s = _LOOK_S
        while not self.stopping and time.monotonic() < deadline:
            self.handle_waiting(0.0)
            if self._bar_came:
                self._bar_came = False
                self._rest(deadline)
            if self._caught_up() and not self._bar_came and self.reader.lag == 0:
                return
            time.sleep(look_s)
            look_s = min(2 * look_s, _LONGEST_LOOK_S)  # to look costs a few system calls

    def _rest(self, deadline: float) -> None:
        until = min(time.monotonic() + self._pause_s, deadline)
        while not self.stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))

    # A reader that has read everything may still be at it: the mark tells of a strategy that is, and looking twice of the rest.
    def _caught_up(self) -> bool:
        for _ in range(2):
            if not self._all_read() or busy_with(self._mark) is not None:
                return False
            time.sleep(_LOOK_S)
        return self._all_read()

    def _all_read(self) -> bool:
        followers = (one for one in self.bus.readers() if one.alive and one.name.startswith(self._followers))
        return all(one.lag[Lane.MARKET] == 0 for one in followers)


def _identity(event: Any) -> tuple[Any, ...]:
    return event.symbol, event.venue, event.event_ns, event.ordinal, getattr(event, "period", ""), getattr(event, "basis", None)


def _moments(events: Iterator[MarketDataEvent]) -> Iterator[list[MarketDataEvent]]:
    moment: list[MarketDataEvent] = []
    for event in events:
        if moment and event.event_ns != moment[0].event_ns:
            yield moment
            moment = []
        moment.append(event)
    if moment:
        yield moment


def _day(text: str, key: str) -> int | None:
    if not text:
        return None
    try:
        return from_iso(text, "UTC")
    except ValueError as error:
        raise SettingsError(f"replay.data: {key} must be a time such as 2021-01-04 or 2021-01-04T09:30, not {text!r}.", key=key) from error
