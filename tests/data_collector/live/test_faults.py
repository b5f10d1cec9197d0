"""Whatever a network and a venue do, the stream goes on, and nothing is missing that is not told of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.proxy import FaultProxy

from gcg_quant.clock import now_ns
from gcg_quant.events import GapEvent, TradeTick


class Market:
    """A venue that trades all the time, behind a bad network; it keeps the times of its trades."""

    def __init__(self, venue: Any) -> None:
        self.venue = venue
        self.network = FaultProxy(venue.port)
        self.times: list[int] = []
        self.burst = 1
        self.said = b""
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._trade)
        self._thread.start()

    def _trade(self) -> None:
        while not self.ended.wait(0.005):
            found = []
            for _ in range(self.burst):
                self.times.append(max(now_ns(), self.times[-1] + 1 if self.times else 0))
                found.append({"s": "A", "i": str(self.times[-1]), "t": self.times[-1], "p": 10.0, "q": 1.0})
            said, self.said = self.said, b""
            try:
                self.venue.send(said, *found)
            except OSError:
                continue

    def close(self) -> None:
        """End all."""
        self.ended.set()
        self._thread.join()
        self.network.close()


@pytest.fixture
def market(venue: Any) -> Iterator[Market]:
    """Return a market."""
    opened = Market(venue)
    yield opened
    opened.close()


def restart(market: Market) -> None:
    """Close the venue, and let another one take its place."""
    old = market.venue
    old.close()
    market.venue = type(old)(old.port)


def garble(market: Market) -> None:
    """Send what is no message, thirty times."""
    market.said = b'{"s": "A", "t": "soon"}\n' * 10 + b"\x00\xff\xfe\n" * 10 + b"[]\n" * 10


FAULTS: dict[str, Callable[[Market], object]] = {
    "refused": lambda market: market.network.refuse(),
    "reset in the middle of a message": lambda market: market.network.reset(1237),
    "reset, and again": lambda market: market.network.reset(5003, again=True),
    "half-open": lambda market: market.network.half_open(),
    "closed": lambda market: market.network.drop(),
    "slow": lambda market: market.network.slow(4000),
    "ten times as much": lambda market: setattr(market, "burst", 10),
    "rubbish": garble,
    "restart": restart,
}
HARMLESS = ("slow", "ten times as much", "rubbish")  # nothing is lost by them


@pytest.mark.parametrize("fault", FAULTS)
def test_the_stream_goes_on_and_what_is_missing_is_told(
    fault: str, market: Market, collect: Any, published: Any, wait_until: Callable[..., Any]
) -> None:
    """After the fault trades come again, and each of the venue's trades is on the bus or in a gap."""
    silence_s = 0.3 if fault == "half-open" else 30.0  # silence is the only sign of this one
    collector = collect(market.network.port, silence_s=silence_s, wall=now_ns)
    wait_until(lambda: len(published(TradeTick)) > 20)
    FAULTS[fault](market)
    line = collector.connection
    if fault in HARMLESS:
        wait_until(lambda: len(published(TradeTick)) > 80)
    else:
        wait_until(lambda: line.sessions > 1 or not line.connected)
    market.network.open()
    market.burst = 1
    after = now_ns()
    wait_until(lambda: any(trade.event_ns > after for trade in published(TradeTick)))
    seen = [trade.event_ns for trade in published(TradeTick)]
    gaps = [(gap.start_ns, gap.end_ns) for gap in published(GapEvent)]
    missing = [ns for ns in market.times if seen[0] < ns < seen[-1] and ns not in set(seen)]
    untold = [ns for ns in missing if not any(start <= ns <= end for start, end in gaps)]
    assert untold == []
    assert len(seen) == len(set(seen))
    if fault == "rubbish":
        assert collector.faults.counts() == {"malformed": 30}
    if fault in HARMLESS:
        assert (missing, gaps, line.sessions) == ([], [], 1)


def test_a_thousand_symbols_are_asked_for_again(venue: Any, collect: Any, wait_until: Callable[..., Any]) -> None:
    """All at once, on each connection."""
    symbols = [f"S{number}" for number in range(1000)]
    collector = collect(venue.port, symbols=symbols)
    wait_until(lambda: len(venue.asked) == 1000)
    venue.cut()
    wait_until(lambda: len(venue.asked) == 2000)
    assert set(venue.asked) == set(symbols)
    assert collector.manners.status().symbols == 1000
