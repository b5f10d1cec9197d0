"""Faults at random for as long as GCG_SOAK_S says: no trade is missing for good, no connection, thread or memory is left behind.

GCG_SOAK_S=1800 pytest -s tests/data_collector/crypto/test_soak.py -k okx
"""

from __future__ import annotations

import random
import threading
import time

import psutil
import pytest
from fakes.process import FakeVenue
from rig import Rig
from soak import LEAK, SOAK_S, own_memory, soaking

from gcg_quant.bus import EventBus
from gcg_quant.events import EventFlag, GapEvent, TradeTick

pytestmark = soaking
SYMBOLS = ["BTC/USDT", "ETH/USDT"]
FAULTS = ("reset", "refuse", "slow", "half_open", "book", "trades", "swap", "rubbish", "drop")


class Numbers:
    """The venue's numbers of a symbol's trades, which leave none out; only those ahead of a missing one are kept."""

    def __init__(self) -> None:
        self.first = self.behind = 0  # all from `first` on and before `behind` have come
        self.ahead: set[int] = set()

    def add(self, number: int) -> None:
        """Take one."""
        if not self.behind:
            self.first = self.behind = number
        if number >= self.behind:
            self.ahead.add(number)
        while self.behind in self.ahead:
            self.ahead.discard(self.behind)
            self.behind += 1

    @property
    def missing(self) -> int:
        """How many have not come although later ones have."""
        return max(self.ahead) + 1 - self.behind - len(self.ahead) if self.ahead else 0


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_no_trade_is_missing_and_nothing_is_left_behind(bus: EventBus, exchange: str) -> None:
    """Trades that streamed and trades that were filled in are together all that Binance has numbered; nothing grows at OKX either."""
    chance, process = random.Random(1), psutil.Process()
    with FakeVenue(exchange) as fake, Rig(exchange, fake, bus, SYMBOLS, silence_s=3.0, connect_s=3.0) as one:
        one.start()
        one.flows()
        begun, told_s, middle, peak = time.monotonic(), 0.0, 0, 0
        files, threads = process.num_fds(), threading.active_count()
        numbers = {symbol: Numbers() for symbol in SYMBOLS}
        streamed = filled = holes = 0
        numbered = exchange == "binance"  # OKX puts several trades into one: its numbers have gaps, and nobody can notice one more
        faults = [one for one in FAULTS if numbered or one != "trades"]

        def count() -> int:
            nonlocal streamed, filled, holes
            for event in one.look():
                if isinstance(event, TradeTick):
                    if numbered:
                        numbers[event.symbol].add(event.venue_seq)
                    filled += bool(event.flags & EventFlag.BACKFILL)
                    streamed += not event.flags & EventFlag.BACKFILL
                elif isinstance(event, GapEvent):
                    holes += event.kind != "refilled"
            one.events.clear()
            return sum(found.missing for found in numbers.values()) if numbered else 0

        while (passed_s := time.monotonic() - begun) < SOAK_S:
            what = chance.choice(faults)
            if what == "reset":
                one.proxy.reset(after_bytes=chance.randrange(1, 20_000))
            elif what in ("book", "trades"):
                fake.do("gap", symbol="BTC/USDT", channel=what, count=2)
            elif what == "swap":
                fake.do("swap", symbol="BTC/USDT", channel="trades")
            elif what == "rubbish":
                fake.do("rubbish", now=True)
            elif what == "drop":
                one.proxy.drop()
            else:
                {"refuse": one.proxy.refuse, "slow": lambda: one.proxy.slow(50_000), "half_open": one.proxy.half_open}[what]()
                time.sleep(chance.uniform(0.5, 5.0 if what == "half_open" else 1.5))
                one.proxy.open()
            time.sleep(chance.uniform(0.5, 2.0))
            missing = count()
            memory = own_memory()
            peak = max(peak, memory)
            if not middle and passed_s > SOAK_S / 3:
                middle = memory
            if passed_s - told_s > 30:
                told_s = passed_s
                print(
                    f"{passed_s:5.0f} s: {memory / 1e6:.1f} MB, {process.num_fds()} files, {threading.active_count()} threads, "
                    f"{one.collector.connection.sessions} connections, {streamed} trades, {filled} filled in, {holes} holes told, "
                    f"{missing} missing, {one.collector.manners.refills_pending} pending",
                    flush=True,
                )
        one.proxy.open()
        one.flows()
        one.until(lambda: count() == 0 and not one.collector.manners.refills_pending, "all trades are there", 90)
        assert holes
        assert filled
        assert own_memory() < middle + LEAK
        one.until(lambda: process.num_fds() <= files + 8, "connections that broke off are closed")
        assert threading.active_count() <= threads + 3
