"""The base of all collectors of real venues: what they do alike, whatever the venue.

A subclass says how to `dial`, `serve`, `hang_up`, `ask` and `drop`, and gives what it has read to `take`. The base keeps the connection
(backoff with jitter, a limit on connecting, subscribing again), watches for silence by the market's calendar, checks and counts what comes,
and tells of what is missing or fills it in. docs/collectors.md has an example.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from gcg_quant.backoff import Backoff
from gcg_quant.clock import now_ns
from gcg_quant.collector_sections import CollectorEntry
from gcg_quant.credentials import Credentials
from gcg_quant.events import Event, MarketDataEvent
from gcg_quant.instruments import Instrument
from gcg_quant.sections import Section

from ..base import BaseCollector
from ..blank import RecordArray, picked
from .connection import Connection
from .faults import Faults
from .holes import Holes
from .intake import Intake, Refused
from .manners import Manners
from .options import NoOptions, checked_options
from .plausible import plausible_rows
from .terms import Terms
from .watchdog import Watchdog

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["ExchangeCollector"]

_T = TypeVar("_T")


class ExchangeCollector(BaseCollector):
    """A collector of a real venue.

    Args:
        name: of the component.
        venue: what its events carry; empty = the name.
        symbols: what it collects from the start; SubscribeEvents add and remove while it runs.
        options: the kind's own, an instance of `Options`.
        url: the venue's address if it is not the usual one.
        credentials: of the account.
        connect_s: longest time to connect and log in.
        silence_s: silence in an open market after which the connection is made anew.
        history_ns: how far back the past is filled in at the start.
        backoff: how long to wait between two attempts; one of its own if None.
        wall: our clock, nanoseconds.
        clock: seconds that never decrease.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("collector", "exchange")
    Options: ClassVar[type[Section]] = NoOptions
    needs: ClassVar[str] = ""  # the extra to install: pip install 'gcg_quant[NEEDS]'
    packages: ClassVar[tuple[str, ...]] = ()  # what must be importable for it
    secrets: ClassVar[tuple[str, ...]] = ()  # the credentials without which it cannot log in
    after_close: ClassVar[bool] = False  # its events of a day come when the market is closed again
    beat_s: ClassVar[float] = 0.0  # how often `beat` is called; 0 = never
    history_kinds: Sequence[str] = ("1m",)  # what `past` has that is filled in at the start: bar periods, "trade" ...

    def __init__(
        self,
        name: str,
        venue: str = "",
        *,
        symbols: Sequence[str] = (),
        options: Section | None = None,
        url: str = "",
        credentials: Credentials | None = None,
        connect_s: float = 10.0,
        silence_s: float = 30.0,
        history_ns: int = 0,
        backoff: Backoff | None = None,
        wall: Callable[[], int] = now_ns,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name, venue or name)
        self.kind = ""  # as the settings call it
        self.options = options if options is not None else self.Options()
        self.url = url
        self.credentials = credentials or Credentials(name, {})
        self.connect_s, self.silence_s, self.history_ns = connect_s, silence_s, history_ns
        self.recv_ns = wall  # our clock; also for event times where a venue sends none
        self.clock = self._clock = clock
        self.configured = tuple(dict.fromkeys(symbols))
        seed = zlib.crc32(name.encode())  # several connections do not come back at the same moment
        self.terms = Terms(lambda symbol: self.venue_of(symbol))
        self.faults = Faults(lambda line, detail: self.log(line, level="warning", detail=detail), clock)
        self.holes = Holes()
        self.watchdog = Watchdog(silence_s, clock)
        self.manners = Manners(self, seed)
        self.connection = Connection(name, self.manners, backoff or Backoff(seed=seed), connect_s, clock)
        self.intake = Intake(self._may_be_negative)
        self._lock = threading.Lock()
        self._publish: Callable[[Event], int] = self.publish

    @classmethod
    def from_entry(cls, entry: CollectorEntry, *, url: str = "", credentials: Credentials | None = None) -> Self:
        """Return the collector that an item of [[collectors.run]] describes.

        Raises:
            SettingsError: its options make no sense.
        """
        made = cls(
            entry.name,
            entry.venue,
            symbols=entry.symbols,
            options=cls.options_of(entry),
            url=url,
            credentials=credentials,
            connect_s=entry.connect_s,
            silence_s=entry.silence_s,
            history_ns=entry.history_ns,
        )
        made.kind = entry.kind
        return made

    @classmethod
    def options_of(cls, entry: CollectorEntry) -> Section:
        """Return an entry's options, checked. Raises SettingsError, naming the entry, the key and what was expected, or the nearest key."""
        return checked_options(cls.Options, entry)

    # ---- what a subclass says; on the connection's thread unless stated otherwise

    def dial(self) -> None:
        """Connect and log in within `connect_s`. Raises OSError (tried again soon) or CollectorError (said once, tried again late)."""
        raise NotImplementedError

    def serve(self) -> None:
        """Read until the connection ends: return, or raise OSError."""
        raise NotImplementedError

    def hang_up(self) -> None:
        """End `dial` and `serve`, and close what is open; any thread, also when nothing is open. It must not wait for anything."""
        raise NotImplementedError

    def ask(self, symbols: Sequence[str]) -> None:
        """Subscribe at the venue, on a connection that stands; also on the component's thread. Raises OSError, or CollectorError."""

    def drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe at the venue, on a connection that stands; also on the component's thread. Raises OSError."""

    def beat(self) -> None:
        """Send a heartbeat; every `beat_s` seconds on the component's thread, on a connection that stands. Raises OSError."""

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a symbol's terms as the venue states them, None if it states none; also on the component's thread.

        Raises:
            CollectorError: the venue does not have it.
        """
        return None

    def venue_clock_ns(self) -> int | None:
        """Return the venue's clock; None if it tells none. On a worker thread, every minute."""
        return None

    def discover(self) -> list[str]:
        """Return the symbols that can be subscribed, as far as the venue lists them. Any thread, on a connection that stands."""
        return []

    def venue_of(self, symbol: str) -> str:
        """Return the venue that a symbol's events carry: that of its terms if the venue has stated any, else the collector's."""
        return self.terms.stated_venue(symbol) or self.venue

    # ---- what a subclass gets; any thread

    def take(self, event: MarketDataEvent) -> MarketDataEvent | None:
        """Publish a record if it is plausible, new and in order, and return it as it was published; else count and drop it.

        Call it in the order of the venue.
        """
        if not event.recv_ns:
            event = event.replace(recv_ns=self.recv_ns())
        holes = self.holes
        with self._lock:
            self.watchdog.data_s = self.clock()
            try:
                event = self.intake.admit(event)
            except Refused as refused:
                why = refused
            else:
                symbol, event_ns = event.symbol, event.event_ns
                if holes.open:
                    self.close_hole(symbol, event_ns)
                holes.last_ns[symbol] = event_ns
                self._publish(event)
                name = type(event).__name__
                self.counts[name] = self.counts.get(name, 0) + 1
                return event
        if why.kind == "clock":
            holes.begin([event.symbol], "clock", why.why)
        self.faults.add(why.kind, why.why, event)
        return None

    def take_array(self, array: RecordArray) -> None:
        """Publish records of one kind as one batch; rows without a price, with a negative one or out of order are counted and dropped.

        Their field `instrument` holds numbers of `bus.instruments`. What came before is not noticed.
        """
        good, refused = plausible_rows(array)
        rows = array if good is None else picked(array, good)
        with self._lock:
            self.watchdog.data_s = self.clock()
            if len(rows):
                self._note_times(rows)
                self.publish_array(rows)
        for kind, count in refused.items():
            self.faults.add(kind, "rows of a batch", times=count)

    def _note_times(self, rows: RecordArray) -> None:
        numbers, times = rows["instrument"], rows["event_ns"]
        for number in {*numbers.tolist()}:
            mine = times if numbers[0] == number and len(rows) == 1 else times[numbers == number]
            symbol = self.bus.instruments.name(number)[0]
            if self.holes.open:
                self.close_hole(symbol, int(mine[0]))
            self.holes.last_ns[symbol] = int(mine[-1])

    def alive(self) -> None:
        """Take note of a sign of life that is no data: a pong, a heartbeat."""
        self.watchdog.sign_s = self.clock()

    def fault(self, kind: str, why: str, payload: Any = None) -> None:
        """Count what could not be used, and say it now and then with the payload's head; never fatal."""
        self.faults.add(kind, why, payload)

    def parsed(self, function: Callable[[Any, int], _T], payload: Any, recv_ns: int) -> _T | None:
        """Return what a pure parser makes of a message; None if it raises: that is a fault "malformed"."""
        try:
            return function(payload, recv_ns)
        except Exception as error:  # rubbish may raise anything
            self.faults.add("malformed", f"{function.__name__}: {type(error).__name__}: {error}", payload)
            return None

    def lost(self, symbol: str, what: str, start_ns: int, end_ns: int, why: str, *, detail: str = "", missing: int | None = None) -> None:
        """Tell of a hole at once, and fill it in from the venue's own history if it keeps one. Nothing is lost while the market is closed.

        Args:
            symbol: of the instrument.
            what: a bar period, "tick", "trade", "depth" or "delta"; empty = whatever came of the symbol.
            start_ns: the venue's time of the last event before.
            end_ns: ... of the first one after.
            why: "disconnect", "sequence", "slow" ...: the kind of the GapEvent.
            detail: more of it, for people.
            missing: how many messages, if the venue counts them.
        """
        if end_ns <= start_ns or not self.terms.traded(symbol, start_ns, end_ns, self.bus.instruments):
            return
        self.publish_gap(symbol, why, start_ns, end_ns, detail=detail or what, missing=missing)
        self.manners.refill(symbol, [what] if what else self.intake.kinds(symbol), start_ns, end_ns)

    def close_hole(self, symbol: str, end_ns: int) -> None:
        """Tell of a symbol's hole, if it has one: it ends now."""
        hole = self.holes.close(symbol, end_ns)
        if hole is not None:
            self.lost(symbol, "", hole.start_ns, end_ns, hole.kind, detail=hole.why)

    # ---- the component

    def on_start(self) -> None:
        """Begin to connect; what was asked of it while it ran still holds."""
        self._publish = self.bus.voice(self.name).publish
        self.manners.begin()

    def on_stop(self) -> None:
        """Disconnect, and tell of what is missing up to now."""
        self.manners.end()

    def on_rest(self, idle: bool) -> None:
        """Look at deadlines and silence every now and then."""
        self.manners.look()

    def on_subscribe(self, symbol: str) -> str:
        """Take on a symbol: at once if it is connected, else when it is."""
        return self.manners.subscribe(symbol)

    def on_unsubscribe(self, symbol: str) -> str:
        """Give up a symbol."""
        remark = self.manners.unsubscribe(symbol)
        with self._lock:
            self.intake.forget(symbol)
        return remark

    def attach(self, bus: EventBus) -> None:
        """Publish onto a bus without running: for who fills in history by hand."""
        self._bus = bus

    def missing_packages(self) -> str:
        """Return a sentence about what must be installed for this kind, or ""."""
        from importlib.util import find_spec

        missing = [name for name in self.packages if find_spec(name) is None]
        if not missing:
            return ""
        how = f"pip install 'gcg_quant[{self.needs}]'" if self.needs else f"pip install {' '.join(missing)}"
        return f"{', '.join(missing)} is not installed: {how}."

    def terms_of(self, symbol: str) -> Instrument:
        """Return the terms of a symbol: the venue's, else those of the bus's table, else its market's usual ones."""
        return self.terms.of(symbol, self.bus.instruments)

    def ask_terms(self, symbol: str) -> None:
        """Ask the venue for a symbol's terms and put them into the bus's table. Raises CollectorError: the venue does not have it."""
        try:
            stated = self.instrument(symbol)
        except OSError as error:
            self.fault("instrument", f"{symbol}: {error}")
            return
        if stated is not None:
            self.terms.state(stated, self.bus.instruments, self.publish)

    def _learn(self, symbol: str) -> None:
        self.ask_terms(symbol)

    def _does_not_refuse(self, symbol: str, act: Callable[[str], None]) -> bool:
        return self.manners.is_taken(symbol, act)

    def _may_be_negative(self, symbol: str) -> bool:
        return self.terms_of(symbol).kind == "spread"
