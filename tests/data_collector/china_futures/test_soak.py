"""Faults at random between a collector and a futures counter: what does not come lies in a gap that is told of, and nothing is left behind.

The library's own protocol is nobody's: its structs and callbacks are the real ones, its connections are real ones to a proxy, and what is
said on them goes through memory. Counters keep no history of ticks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.china.counter import Counter
from fakes.proxy_process import FarProxy
from ledger import CAME, TOLD, Ledger
from soak import Fault, Soak, network_faults, soaking

from gcg_quant.clock import NS_PER_HOUR, NS_PER_SECOND, from_iso
from gcg_quant.events import GapEvent, Tick

pytestmark = soaking
SYMBOLS = ("rb2105", "ag2106", "m2105")
HALF_NS = NS_PER_SECOND // 2


class CounterSoak(Soak):
    """Messages twice a second and more, stamped to half a second, as exchanges do."""

    def __init__(self, counter: Counter, wall: Callable[[], int], *given: Any) -> None:
        super().__init__(*given)
        self.counter, self.wall = counter, wall
        self.ledger = Ledger()

    def send(self) -> None:
        """Push a message of each symbol, and now and then one that is none."""
        at_ns = self.wall() // HALF_NS * HALF_NS
        local = (at_ns + 8 * NS_PER_HOUR) // NS_PER_SECOND % 86_400
        clock = f"{local // 3600:02d}:{local // 60 % 60:02d}:{local % 60:02d}"
        shown = {"TradingDay": "20210107", "ActionDay": "20210106", "UpdateTime": clock, "UpdateMillisec": at_ns // 1_000_000 % 1000}
        for symbol in SYMBOLS:
            number = self.ledger.send(symbol, at_ns)
            self.counter.push(InstrumentID=symbol, LastPrice=1000.0 + number, Volume=number, BidPrice1=1.0, BidVolume1=1, **shown)
        if self.chance.random() < 0.02:
            self.counter.push(InstrumentID=SYMBOLS[0], LastPrice=-4300.0, **shown)
            self.counter.push(InstrumentID=SYMBOLS[0], LastPrice=1.0, **{**shown, "UpdateTime": ""})
            self.counter.push(InstrumentID=SYMBOLS[0], LastPrice=1.0, **{**shown, "UpdateTime": "19:00:00"})

    def take(self, event: Any) -> None:
        """Find its number."""
        if isinstance(event, Tick):
            self.ledger.take(round(event.last_price - 1000), event, backfill=False)
        elif isinstance(event, GapEvent):
            self.ledger.tell(event)

    def check(self) -> None:
        """No message is missing without a word."""
        silent = self.ledger.silent()
        assert not silent, f"{len(silent)} ticks are missing: {silent[:5]}"

    def flows(self) -> bool:
        """A message of now has come of each symbol."""
        self.counter.requests.clear()
        return all(0 <= self.ledger.newest(symbol) >= self.ledger.next(symbol) - 10 for symbol in SYMBOLS)

    def state(self) -> str:
        """Return the figures."""
        one = self.ledger
        return f"{one.sent} ticks, {one.count(CAME)} came, {one.count(TOLD)} told of, {one.gaps} gaps"


@pytest.fixture
def soak(bus: Any, counter: Counter, collect: Any) -> Iterator[CounterSoak]:
    """Return the soak of a collector behind a proxy, on an evening."""
    begin = from_iso("2021-01-06T21:05:00", "Asia/Shanghai") - time.monotonic_ns()

    def wall() -> int:
        return begin + time.monotonic_ns()

    with FarProxy(counter.port) as proxy:
        one = collect(*SYMBOLS, address=f"tcp://127.0.0.1:{proxy.port}", wall=wall, silence_s=3.0, connect_s=8.0)
        made = CounterSoak(counter, wall, bus, one, {})
        made.faults |= network_faults(proxy, made.chance)
        half_open = made.faults["half-open"]

        def be_half_open() -> None:
            half_open.begin()
            counter.half_open(True)

        def be_whole() -> None:
            counter.half_open(False)
            half_open.end()

        made.faults |= {
            "half-open": Fault(be_half_open, be_whole, 6.0),
            "slow": Fault(lambda: setattr(counter, "slow_s", 0.05), lambda: setattr(counter, "slow_s", 0.0)),
            "counter away": Fault(counter.stop, counter.start),
            "counter drops": Fault(counter.drop),
            "not ready": Fault(lambda: counter.errors.update(UserLogin=[(7, "CTP: not ready")] * 3) or counter.drop()),
            "no answer": Fault(lambda: counter.silent.add("UserLogin") or counter.drop(), counter.silent.clear, 9.0),
        }
        yield made
        one.stop()


def test_what_does_not_come_is_told_of(soak: CounterSoak) -> None:
    """Each message once and in order, or within a gap."""
    soak.run()
