"""The manners of a collector: how it asks for symbols, watches its connection, tells of itself and fills in what it has missed.

They are the same for every venue; `ExchangeCollector` has what differs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gcg_quant.backoff import Backoff
from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.errors import CollectorError, GcgQuantError, JournalError, nearest
from gcg_quant.events import Bar, BookDelta, CollectorStatusEvent, Depth, Tick, TradeTick, World

from ..outage import last_records
from .errands import Errands
from .past import Past
from .refills import Refill, Refills
from .status import StatusTeller
from .venue_clock import ClockWatch, VenueClock

if TYPE_CHECKING:
    from .collector import ExchangeCollector

__all__ = ["Manners"]

_TURN_S = 0.05  # between two looks at deadlines and silence
_CLOCK_EVERY_S = 60.0
_STOP_S = 2.0
_SYMBOL_S = 0.1  # more time to connect for each symbol: venues limit how fast one may subscribe
_MARKET_DATA = (Tick, Depth, BookDelta, TradeTick, Bar)


class Manners:
    """What a collector does whatever its venue; `begin`, `end` and `look` on the component's thread.

    Args:
        collector: whose manners they are.
        seed: of its random waits.
    """

    def __init__(self, collector: ExchangeCollector, seed: int) -> None:
        self._one = collector
        clock, wall = collector.clock, collector.recv_ns
        self._quick = Errands(f"{collector.name}-clock", self._failed)
        self._slow = Errands(f"{collector.name}-history", self._failed)
        self._refills = Refills(self._fill, self._slow.send, lambda why: collector.fault("refill", why), wall, Backoff(seed=seed + 1))
        self._past = Past(collector, self._slow.send)
        self._clock = VenueClock(lambda: collector.venue_clock_ns(), wall)
        self._watch = ClockWatch(wall, clock)
        self._status = StatusTeller(lambda event: collector.publish(event, cause=0), clock)
        self._status_lock = threading.Lock()
        self.refused: dict[str, str] = {}  # symbols that the venue of now does not give, and why
        self._asked: set[str] = set()  # on the connection of now
        self._turn_s = self._beat_s = 0.0
        self._clock_s = float("-inf")
        self._since_ns = wall()
        self._stood_ns = 0  # when the connection of now began to stand
        self._per_s = 0.0
        self._said = ""

    # ---- beginning and end

    def begin(self) -> None:
        """Take on what is wished, look for what was missed while nobody ran, and connect."""
        one = self._one
        wishes = one.wished()
        one.symbols.clear()
        one.symbols.update(symbol for symbol in one.configured if wishes.get(symbol, True))
        one.symbols.update(symbol for symbol, wanted in wishes.items() if wanted)
        if one.bus.world in (World.LIVE, World.PAPER):
            self._find_outage()
        self._watch = ClockWatch(one.recv_ns, one.clock)
        one.connection.begin()
        self._past.begin()

    def end(self) -> None:
        """Disconnect, and tell of what is missing up to now."""
        one = self._one
        if not one.connection.end(_STOP_S):
            one.log("the connection did not end in time", level="warning")
        self._past.end()
        self._slow.end(_STOP_S)
        self._quick.end(_STOP_S)
        one.holes.cut = False
        for symbol in list(one.holes.open):
            one.close_hole(symbol, one.recv_ns())
        self._tell()

    def _find_outage(self) -> None:
        # Started again in the middle of a run: nobody has seen the market since the last event.
        one = self._one
        found = last_records(one.bus, one.name, one.recv_ns(), _MARKET_DATA)
        ticks = {record.symbol for record in found if not isinstance(record, Bar)}
        for record in found:
            symbol = record.symbol
            if isinstance(record, _MARKET_DATA) and symbol in one.symbols and not (isinstance(record, Bar) and symbol in ticks):
                last_ns = max(record.event_ns, one.holes.last_ns.get(symbol, 0))
                one.holes.last_ns[symbol] = last_ns
                one.intake.resume(record)
        one.holes.begin(sorted(one.holes.last_ns), "disconnect", f"{one.name} was started again")

    # ---- symbols

    def subscribe(self, symbol: str) -> str:
        """Take on a symbol: at once if it is connected, else when it is. Raises CollectorError: the venue refuses it."""
        one = self._one
        if symbol in one.symbols:
            return f"{symbol} is collected already"
        remark = f"{symbol} will be collected once {one.name} is connected"
        if one.connection.connected:
            one.ask_terms(symbol)
            try:
                one.ask([symbol])
                self._asked.add(symbol)
                remark = f"{symbol} is collected from now on"
            except OSError as error:
                remark += f" again: {error}"
        one.symbols.add(symbol)
        self._past.add(symbol)
        return remark

    def unsubscribe(self, symbol: str) -> str:
        """Give up a symbol. Raises CollectorError: it is not collected."""
        one = self._one
        if symbol not in one.symbols:
            raise CollectorError(f"{one.name} does not collect {symbol!r}.{nearest(symbol, one.symbols)}", symbol=symbol)
        if one.connection.connected and symbol in self._asked:
            try:
                one.drop([symbol])
            except OSError as error:
                one.fault("drop", f"{symbol}: {error}")
        self._asked.discard(symbol)
        one.holes.forget(symbol)
        return f"{symbol} is no longer collected"

    def _ask_for(self, symbols: Sequence[str]) -> None:
        # What the venue does not have is said, and hinders nothing else; it is asked for again on the next connection.
        self._asked.update(symbols)
        known = [symbol for symbol in symbols if self.is_taken(symbol, self._one.ask_terms)]
        if not known:
            return
        try:
            self._one.ask(known)
        except CollectorError:
            if len(known) == 1:
                self.is_taken(known[0], lambda symbol: self._one.ask([symbol]))
                return
            for symbol in known:
                self.is_taken(symbol, lambda symbol: self._one.ask([symbol]))

    def is_taken(self, symbol: str, act: Callable[[str], None]) -> bool:
        """Do something about a symbol, and return whether the venue did not refuse it; a refusal is a fault "symbol"."""
        try:
            act(symbol)
        except CollectorError as error:
            self.refused[symbol] = error.message
            self._one.fault("symbol", error.message)
            return False
        return True

    # ---- the connection's face

    def dial(self) -> None:
        """Connect and log in."""
        self._one.dial()

    def serve(self) -> None:
        """Read until the connection ends."""
        self._one.serve()

    def hang_up(self) -> None:
        """End dial or serve; any thread."""
        self._one.hang_up()

    def established(self) -> None:
        """Learn the terms of all symbols and ask for them."""
        self._asked = set()
        self._one.holes.cut = False
        self.refused.clear()
        symbols = sorted(self._one.symbols)
        self._one.connection.extend(_SYMBOL_S * len(symbols))
        self._ask_for(symbols)
        now = self._one.recv_ns()
        for symbol in symbols:  # a calendar may take a second to load: now, and not in the middle of the stream
            self._one.terms.traded(symbol, now, now + 1, self._one.bus.instruments)
        self._one.watchdog.begin()
        self._stood_ns = self._one.recv_ns()
        self._beat_s = self._one.clock()
        self._clock_s = float("-inf")

    def broken(self, why: str) -> None:
        """Take note that symbols miss events from now on."""
        one = self._one
        now = one.recv_ns()
        one.holes.cut = True
        for symbol in sorted(one.symbols):
            last_ns = one.holes.last_ns.get(symbol, self._stood_ns)
            if not last_ns:
                continue  # nothing has ever come
            if not one.after_close and not one.terms.traded(symbol, now, now + 1, one.bus.instruments):
                last_ns = max(last_ns, now)  # the market is closed: nothing is missed before it opens
            one.holes.begin_at(symbol, last_ns, "disconnect", why)

    def connection_changed(self) -> None:
        """Say that the connection's state is another one."""
        one = self._one
        state, reason = one.connection.state, one.connection.reason
        self._since_ns = one.recv_ns()
        try:
            if not one.connection.closing or state == "idle":
                self._tell()
            line = f"{state}{': ' + reason if reason else ''}"
            if state in ("connected", "refused", "waiting") and line != self._said:  # not each attempt
                self._said = line
                one.log(line, level="warning" if reason else "info")
        except JournalError:
            return  # the bus is gone, or full: the connection has nothing to do with it

    # ---- every now and then

    def look(self) -> None:
        """Look at deadlines, silence, clocks and what is to be filled in, at most 20 times a second."""
        one = self._one
        now = one.clock()
        if now - self._turn_s < _TURN_S:
            return
        self._turn_s = now
        if stuck := one.connection.check_deadline():
            one.fault("stuck", stuck)
        if one.connection.connected:  # else each attempt would be in vain, and there are ten
            self._refills.look()
        if step_ns := self._watch.step_ns():
            one.fault("clock", f"our clock was set {'ahead' if step_ns > 0 else 'back'} by {abs(step_ns) / NS_PER_SECOND:.3f} s")
            self._clock.offset_ns = (self._clock.offset_ns or 0) - step_ns
            one.intake.set_offset(self._clock.offset_ns)
        if one.connection.connected:
            self._look_at_connection(now)
        if self._status.is_due():
            self._per_s = self._status.rate(sum(one.counts.values()))
            self._tell()

    def _look_at_connection(self, now: float) -> None:
        one = self._one
        try:
            if missing := one.symbols - self._asked:
                self._ask_for(sorted(missing))
            if one.beat_s and now - self._beat_s >= one.beat_s:
                self._beat_s = now
                one.beat()
        except OSError as error:
            one.connection.break_off(str(error) or type(error).__name__)
            return
        if now - self._clock_s >= _CLOCK_EVERY_S:
            self._clock_s = now
            self._quick.send(self._measure_clock)
        if complaint := one.watchdog.complaint(self._was_open):
            one.watchdog.begin()  # said again if hanging up does not help
            one.fault("silence", complaint)
            one.connection.break_off(complaint)
            return
        if one.holes.open and one.recv_ns() - self._stood_ns > one.silence_s * NS_PER_SECOND:
            for symbol in list(one.holes.open):  # nothing has come of it since: what was missed ended when the connection stood again
                one.close_hole(symbol, self._stood_ns)
                one.holes.open.pop(symbol, None)

    def _was_open(self, seconds: float) -> bool:
        one = self._one
        now = one.recv_ns()
        return one.terms.any_open(one.symbols.copy(), now - round(seconds * NS_PER_SECOND), now, one.bus.instruments)

    def _is_open(self) -> bool:
        one = self._one
        now, symbols = one.recv_ns(), one.symbols.copy()
        try:
            return not symbols or one.terms.any_open(symbols, now, now, one.bus.instruments)
        except GcgQuantError:
            return True  # a calendar that nobody has closes nothing

    def _measure_clock(self) -> None:
        complaint = self._clock.measure()
        if self._clock.offset_ns is not None:
            self._one.intake.set_offset(self._clock.offset_ns)
        if complaint:
            self._one.fault("clock", complaint)

    # ---- the past

    def refill(self, symbol: str, whats: Sequence[str], start_ns: int, end_ns: int) -> None:
        """Fill in a hole from the venue's own history, as far as it keeps one."""
        for what in whats:
            self._refills.add(Refill(symbol, what, start_ns, end_ns))

    @property
    def refills_pending(self) -> int:
        """How many holes are still to be filled in."""
        return self._refills.pending

    def _fill(self, refill: Refill) -> int | None:
        return self._one.refill(refill.symbol, refill.what, refill.start_ns, refill.end_ns)

    # ---- status

    def status(self) -> CollectorStatusEvent:
        """Return how the collector is; any thread."""
        one = self._one
        return CollectorStatusEvent(
            collector=one.name,
            venue=one.venue,
            state=one.connection.state,
            since_ns=self._since_ns,
            detail=one.connection.reason,
            kind=one.kind,
            symbols=len(one.symbols),
            messages=sum(one.counts.copy().values()),
            messages_per_s=round(self._per_s, 3),
            faults=one.faults.counts(),
            reconnects=max(0, one.connection.sessions - 1),
            clock_offset_ns=self._clock.offset_ns,
            last_event_ns=max(one.holes.last_ns.copy().values(), default=0),
            history=self._past.share,
            market_open=self._is_open(),
        )

    def _tell(self) -> None:
        with self._status_lock:
            self._status.tell(self.status())

    def _failed(self, error: Exception) -> None:
        kind = "refused" if isinstance(error, GcgQuantError) else "errand"
        self._one.fault(kind, f"{type(error).__name__}: {error}")
