"""The simulated exchange: market data of six markets out of nothing, for demonstrations and tests.

Everything comes from a seed: the same seed, instruments and rates give the same records, byte for byte. In real time the moment of the
start is added to all times; as fast as possible, time is simulated and the records are always the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np

from gcg_quant.clock import NS_PER_SECOND, now_ns
from gcg_quant.component import event_handler
from gcg_quant.errors import ComponentError, InstrumentError
from gcg_quant.events import Applied, Bar, ConfigChangeEvent, World
from gcg_quant.sections import SimulatedSettings

from ..base import BaseCollector
from ..blank import RecordArray, joined, picked
from ..outage import last_ticks
from .opening import Opening
from .pacing import Pacer
from .profiles import PROFILES, profile_of
from .tape import SESSION, Block, Tape

__all__ = ["SimulatedExchange"]

_START_NS = 1_704_153_600 * NS_PER_SECOND  # 2 January 2024, 00:00 UTC, a Tuesday: where simulated time begins if it is not the wall clock's
_WINDOW_S = 0.005
_LONGEST_WAIT_S = 0.05
_RATE_KEY = "simulated.ticks_per_second"


class SimulatedExchange(BaseCollector):
    """A venue that invents its prices.

    Args:
        name: of the component.
        venue: of the instruments.
        symbols: what it trades; those of `PROFILES` have a character of their own, others get a plain one.
        seed: of all prices.
        ticks_per_second: of all instruments together, 1 to 10,000 (in real time).
        history_minutes: one-minute bars that are filled in before the start, as BACKFILL.
        depth_every: ticks of an instrument between two books of 10 levels; 0 = none.
        trades: publish single trades as well.
        calendar: "24/7", or "real" for each market's own sessions.
        real_time: pace by the clock, else as fast as possible.
        start_ns: where simulated time begins if not in real time.
        stop_after_s: simulated seconds after which it falls silent and sets `finished`; None = never.
        clock: for `real_time`, returns nanoseconds that never decrease.
        wall: the wall clock at the start.

    Raises:
        ComponentError: a number makes no sense, or there are no symbols. InstrumentError: a symbol is too long.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("collector", "simulated")

    def __init__(
        self,
        name: str = "simulated",
        *,
        venue: str = "SIM",
        symbols: Sequence[str] = tuple(PROFILES),
        seed: int = 1,
        ticks_per_second: float = 100.0,
        history_minutes: int = 480,
        depth_every: int = 10,
        trades: bool = False,
        calendar: Literal["24/7", "real"] = "24/7",
        real_time: bool = True,
        start_ns: int = _START_NS,
        stop_after_s: float | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = now_ns,
    ) -> None:
        super().__init__(name, venue)
        if not symbols or ticks_per_second <= 0 or history_minutes < 0 or depth_every < 0:
            raise ComponentError(
                f"{name}: expected symbols, ticks_per_second above 0, history_minutes and depth_every of 0 or more, found {list(symbols)}, "
                f"{ticks_per_second}, {history_minutes}, {depth_every}.",
                name=name,
            )
        self._symbols = tuple(dict.fromkeys(symbols))
        for symbol in self._symbols:
            profile_of(symbol).instrument(venue, around_the_clock=True)  # a symbol that no instrument can have is refused here
        self._seed, self._rate = seed, ticks_per_second
        self._history_minutes, self._depth_every, self._trades = history_minutes, depth_every, trades
        self._around_the_clock, self._real_time = calendar == "24/7", real_time
        self._start_ns = start_ns
        self._stop_ns = None if stop_after_s is None else round(stop_after_s * NS_PER_SECOND)
        self._clock, self._wall = clock, wall
        self._tape: Tape | None = None
        self._pacer: Pacer | None = None
        self._block: Block | None = None
        self._ahead: Block | None = None
        self._cursor = 0
        self._reported_s = 0.0
        self.finished = threading.Event()

    @classmethod
    def from_settings(cls, settings: SimulatedSettings, *, name: str = "simulated") -> SimulatedExchange:
        """Return the exchange that the section [simulated] describes, in real time."""
        return cls(
            name,
            symbols=settings.symbols,
            seed=settings.seed,
            ticks_per_second=settings.ticks_per_second,
            history_minutes=settings.history_minutes,
            depth_every=settings.depth_every,
            trades=settings.trades,
            calendar=settings.calendar,
        )

    # ---- its life

    def on_start(self) -> None:
        """Register the instruments, fill in the past, and begin."""
        self._pacer = None
        if self._real_time:
            # Both clocks are read together: what the opening takes is made up for by the first ticks.
            wall = self._wall()
            ahead_ns = 0 if self._around_the_clock else wall % NS_PER_SECOND
            self._start_ns = wall - ahead_ns
            self._pacer = Pacer(self._clock, ahead_ns=ahead_ns)
        self._block = self._ahead = None
        self._cursor = 0
        self.finished.clear()
        self.symbols.clear()
        self._tape = Tape(
            seed=self._seed,
            ticks_per_second=self._rate,
            start_ns=self._start_ns,
            depth_every=self._depth_every,
            trades=self._trades,
        )
        self._open(self._wanted())
        if self._real_time and self.bus.world in (World.LIVE, World.PAPER):
            self._tell_outage()

    def _wanted(self) -> list[str]:
        # What was asked of it while it ran still holds when it is started again.
        wishes = self.wished()
        symbols = [symbol for symbol in self._symbols if wishes.get(symbol, True)]
        return symbols + [
            symbol for symbol, wanted in wishes.items() if wanted and symbol not in self._symbols and _can_be(symbol, self.venue)
        ]

    def _tell_outage(self) -> None:
        # Started again in the middle of a run: nobody has seen the market since the last tick.
        for symbol, last_ns in last_ticks(self.bus, self.name, self._started_ns).items():
            if symbol in self.symbols and last_ns < self._start_ns:
                self.publish_gap(symbol, "disconnect", last_ns, self._start_ns, detail=f"{self.name} was started again")

    def _open(self, symbols: Sequence[str]) -> None:
        tape = self._running_tape()
        opening = Opening(
            venue=self.venue,
            seed=self._seed,
            start_ns=self._start_ns,
            elapsed_ns=tape.elapsed_ns,
            history_minutes=self._history_minutes,
            ticks_per_second=self._rate,
            around_the_clock=self._around_the_clock,
            total_activity=sum(profile_of(symbol).activity for symbol in {*self.symbols, *symbols}),
        )
        past: list[RecordArray] = []
        for symbol in symbols:
            market, bars = opening.market(symbol, self.bus.instruments, self.history if self._real_time else None)
            tape.add(market)
            past.append(bars)
            self.symbols.add(symbol)
        bars = joined(Bar, past)
        if len(bars):
            self.publish_array(picked(bars, np.argsort(bars["event_ns"], kind="stable")), backfill=True)

    def _running_tape(self) -> Tape:
        if self._tape is None:
            raise ComponentError(f"{self.name} has not been started: call start(bus) first.", name=self.name)
        return self._tape

    # ---- the loop

    def read_batch(self) -> int:
        """Publish what is due, and handle what is asked of the exchange; return how many events that were."""
        count = self.handle_waiting(0.0)
        if not self.stopping:
            self._advance()
        return count

    def _advance(self) -> None:
        if self.finished.is_set():
            self._stopping.wait(_LONGEST_WAIT_S)
        elif self._pacer is None:
            self._publish_block()
        else:
            self._publish_due(self._pacer)
            self._stopping.wait(self._pause_s(self._pacer))

    def _publish_block(self) -> None:
        # As fast as possible: a block at a time, over the hours when everything is closed.
        tape = self._running_tape()
        tape.skip_closed()
        self._publish_until(tape.elapsed_ns + 1 if self._block is None else int(self._block.end_ns))

    def _publish_due(self, pacer: Pacer) -> None:
        before_ns, granted_ns = pacer.lost_ns, pacer.granted_ns
        due_ns = pacer.due()
        if pacer.lost_ns - before_ns >= NS_PER_SECOND:
            begin_ns, end_ns = (self._start_ns + lost_ns + granted_ns for lost_ns in (before_ns, pacer.lost_ns))
            for symbol in sorted(self.symbols):
                self.publish_gap(symbol, "held_up", begin_ns, end_ns, detail=f"{self.name} was held up")
        self._publish_until(due_ns)
        lost_s = pacer.lost_ns / NS_PER_SECOND
        if lost_s >= self._reported_s + 1:
            self.log(f"{self.name} was held up and has skipped {lost_s - self._reported_s:.1f} s.", level="warning")
            self._reported_s = lost_s

    def _publish_until(self, due_ns: int) -> None:
        limit_ns = due_ns if self._stop_ns is None else min(due_ns, self._stop_ns - 1)
        while not self.stopping:
            block = self._block = self._block or self._next_block()
            stop = int(np.searchsorted(block.times, limit_ns, "right"))
            self._publish_entries(block, self._cursor, stop)
            self._cursor = stop
            if block.end_ns > limit_ns:
                break
            self._block, self._cursor = None, 0
        if self._stop_ns is not None and due_ns >= self._stop_ns:
            self.finished.set()
            self.log(f"{self.name} has come to its end after {self._stop_ns / NS_PER_SECOND:g} s.")

    def _next_block(self) -> Block:
        block, self._ahead = self._ahead, None
        return block or self._running_tape().next_block()

    def _publish_entries(self, block: Block, first: int, last: int) -> None:
        # Runs of one kind go out as one batch each, so that all stays in the order of its time.
        if first >= last:
            return
        origin_ns = self._start_ns + (0 if self._pacer is None else self._pacer.lost_ns)
        kinds = block.kinds[first:last]
        cuts = [0, *(np.flatnonzero(kinds[1:] != kinds[:-1]) + 1).tolist(), last - first]
        for begin, end in pairwise(cuts):
            rows = block.rows[first + begin : first + end]
            kind = int(kinds[begin])
            if kind == SESSION:
                for row in rows.tolist():
                    self.publish(block.sessions[row])
                continue
            records = picked(block.records[kind], slice(rows[0], rows[-1] + 1))
            records["event_ns"] += origin_ns
            records["recv_ns"] += origin_ns
            self.publish_array(records)

    def _pause_s(self, pacer: Pacer) -> float:
        # Single ticks at low rates, a few milliseconds' worth at high ones; the next block is made while there is nothing to do.
        if self._ahead is None:
            self._ahead = self._running_tape().next_block()
        if self._rate * _WINDOW_S >= 1:
            return _WINDOW_S
        block = self._block
        following = block.times[self._cursor] if block is not None and self._cursor < len(block.times) else self._ahead.begin_ns
        return min(pacer.wait_s(int(following)), _LONGEST_WAIT_S)

    # ---- what is asked of it

    def on_subscribe(self, symbol: str) -> str:
        """Add an instrument to the market from the next block on; any symbol can be invented."""
        if symbol in self.symbols:
            return f"{symbol} is traded already"
        self._open([symbol])
        return f"{symbol} is traded from now on"

    def on_unsubscribe(self, symbol: str) -> str:
        """Take an instrument out of the market."""
        if symbol not in self.symbols:
            raise ComponentError(f"{self.name} does not trade {symbol!r}.", symbol=symbol)
        self._running_tape().remove(symbol)
        return f"{symbol} is no longer traded"

    @event_handler(ConfigChangeEvent)
    def handle_settings(self, event: ConfigChangeEvent) -> None:
        """Take over a new rate of ticks from the next block on."""
        if _RATE_KEY not in event.changes:
            return
        rate = float(event.changes[_RATE_KEY])
        ok = rate > 0
        if ok:
            self._rate = self._running_tape().ticks_per_second = rate
        detail = f"{rate:g} ticks per second" if ok else f"the rate must be above 0, found {rate:g}"
        self.publish(Applied(control=event.id, component=self.name, ok=ok, detail=detail))


def _can_be(symbol: str, venue: str) -> bool:
    try:
        profile_of(symbol).instrument(venue, around_the_clock=True)
    except InstrumentError:
        return False
    return True
