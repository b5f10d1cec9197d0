"""Faults on the way to TWS and to Yahoo, and of their own: the stream goes on, and what was missed is told.

There is no test of an expired token: TWS holds the login. What comes nearest is a client id that is still taken after a break.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from string import ascii_uppercase
from typing import Any

import pytest
from fakes.proxy import FaultProxy
from patience import within

from gcg_quant.clock import NS_PER_SECOND, from_iso
from gcg_quant.events import GapEvent, Tick, TradeTick

FULL = "GCG_TORTURE_S" in os.environ
# 2023-11-14 14:30 UTC, half an hour before the clock of `open_market` begins: until the collector knows how far TWS's own clock is ahead of
# that one, it refuses what comes from more than a minute in the future.
START_S = 1_699_972_200


class Line:
    """A collector behind a proxy, and what it has published."""

    def __init__(self, tws: Any, proxy: FaultProxy, start: Callable[..., Any], published: Any, wait_until: Any) -> None:
        self.tws, self.proxy, self.published, self.until = tws, proxy, published, wait_until
        self._start = start
        self._next = 0

    def start(self, **given: Any) -> Any:
        """Start the collector, and return it."""
        self.collector = self._start(self.proxy.port, **given)
        return self.collector

    def flows(self) -> None:
        """Send a trade and a quote until both arrive: behind them the stream stands."""
        self._next += 10
        price = 100.0 + self._next / 10

        def arrived() -> bool:
            self.tws.do("trade", symbol="AAPL", time_s=START_S + self._next, price=price, size=1)
            self.tws.do("quote", symbol="AAPL", bid=price, ask=price + 1)
            trades, ticks = self.published(TradeTick), self.published(Tick)
            return bool(trades and ticks) and trades[-1].price == ticks[-1].bid_price == price

        self.until(arrived)

    def gap(self) -> GapEvent:
        """Wait for the first gap of a disconnection, and return it."""
        found: GapEvent = self.until(lambda: [one for one in self.published(GapEvent) if one.kind == "disconnect"])[0]
        return found


@pytest.fixture
def proxy(tws: Any) -> Iterator[FaultProxy]:
    """Return a proxy before the fake TWS."""
    with FaultProxy(tws.port) as made:
        yield made


@pytest.fixture
def line(tws: Any, proxy: FaultProxy, ib: Any, published: Any, wait_until: Any, open_market: Any) -> Line:
    """Return a line whose collector is not started yet."""
    return Line(tws, proxy, lambda port, **given: ib(port, wall=open_market, **given), published, wait_until)


def test_refused(line: Line) -> None:
    """It is tried until TWS listens."""
    line.proxy.refuse()
    collector = line.start()
    line.until(lambda: collector.connection.state == "waiting")
    line.proxy.open()
    line.flows()


def test_reset_in_mid_message(line: Line) -> None:
    """A gap from the last event to the first one after."""
    collector = line.start()
    line.flows()
    line.proxy.reset(after_bytes=25)
    line.flows()
    gap = line.gap()
    assert gap.symbol == "AAPL"
    assert 0 < gap.start_ns < gap.end_ns
    assert collector.connection.sessions >= 2


def test_half_open(line: Line) -> None:
    """TWS is asked for the time again and again: without an answer the connection is made anew."""
    collector = line.start(connect_s=0.5)
    line.flows()
    line.proxy.half_open()
    line.until(lambda: collector.connection.state != "connected")
    line.proxy.open()
    line.flows()
    line.gap()


def test_silent(line: Line) -> None:
    """The same where TWS reads and answers nothing."""
    collector = line.start(connect_s=0.5)
    line.flows()
    line.tws.do("set", silent=True)
    line.until(lambda: collector.connection.state != "connected")
    line.tws.do("set", silent=False)
    line.flows()


def test_slow(line: Line) -> None:
    """Nothing is lost on a slow line."""
    line.start()
    line.flows()
    line.proxy.slow(20_000)
    line.tws.do("trade", symbol="AAPL", time_s=START_S + 20, price=500.0, size=1, times=300)
    line.until(lambda: sum(one.price == 500.0 for one in line.published(TradeTick)) == 300)
    line.proxy.open()
    assert not line.published(GapEvent)


def test_burst(line: Line) -> None:
    """3,000 trades at once all come, in order."""
    line.start()
    line.until(lambda: ["trades", "AAPL"] in line.tws.state["subscribed"])
    line.tws.do("trade", symbol="AAPL", time_s=START_S - 3600, price=500.0, size=1, times=3000)
    line.until(lambda: len(line.published(TradeTick)) >= 3000)
    times = [one.event_ns for one in line.published(TradeTick)]
    assert times == [(START_S - 3600 + number) * NS_PER_SECOND for number in range(3000)]
    line.flows()


def test_rubbish(line: Line) -> None:
    """What cannot be read is counted; a message without an end ends the connection."""
    collector = line.start()
    line.flows()
    line.tws.do(
        "rubbish",
        texts=["", "x\0", "9999\0a\0", "1\x006\0", "1\x006\0a\0b\0c\0d\0e\0", "99\x001\x001\0", "17\x001\0", "\xff\xfe", "12\0x\0y\0"],
    )
    line.tws.do("text", symbol="AAPL", kind=59, text="rubbish")
    line.flows()
    assert collector.faults.counts()["malformed"] >= 8
    assert collector.connection.sessions == 1
    line.tws.do("rubbish", texts=["\x7fUUU" + "U" * 5_000_000], framed=False)
    line.until(lambda: collector.connection.sessions == 2)
    line.flows()


def test_restart(line: Line) -> None:
    """TWS's daily restart: the client id may be taken for a while."""
    collector = line.start()
    line.flows()
    line.tws.do("refuse_ids", numbers=[17, 18, 19, 20])
    line.tws.do("restart")
    line.until(lambda: "Client id 20 is in use" in collector.connection.reason)
    line.tws.do("refuse_ids", numbers=[])
    line.flows()
    line.gap()
    line.tws.kill()
    line.until(lambda: collector.connection.state == "waiting")
    line.tws.start()
    line.flows()


def test_clock(line: Line) -> None:
    """TWS's clock is told; one that jumps changes nothing."""
    collector = line.start()
    line.flows()
    before = line.until(collector.venue_clock_ns)
    line.tws.do("set", shift_s=3600)
    assert collector.venue_clock_ns() - before >= 3600 * NS_PER_SECOND
    line.flows()


def test_1000_symbols(line: Line) -> None:
    """All are looked up and subscribed, within the rate that their lines allow."""
    symbols = [f"S{number:04}" for number in range(1000)]
    line.start(symbols=symbols, options={"lines": 4000, "streams": ["quotes"]}, connect_s=60.0)
    line.until(lambda: len(line.tws.state["subscribed"]) == 1000)
    assert line.tws.state["busiest"] <= 2 * 1800 + 2  # two windows of ib_async's may lie in one of the fake's
    line.tws.do("quote", symbol="S0999", bid=1.0, ask=1.1)
    line.until(lambda: [one for one in line.published(Tick) if one.symbol == "S0999"])


@pytest.mark.parametrize("fault", ["refuse", "reset", "half_open", "restart", "slow"])
def test_yahoo(fault: str, yahoo_server: Any, yahoo: Any, wait_until: Any, shared_data: Any) -> None:
    """A page that does not come is an OSError, and comes the next time."""
    answer_s = within(1.5, 8.0) if fault in ("half_open", "slow") else 20.0  # nothing but the time tells of these
    with FaultProxy(yahoo_server.port) as proxy:
        collector = yahoo(yahoo_server.port if fault == "restart" else proxy.port, options={"answer_s": answer_s})
        wait_until(lambda: collector.connection.connected)
        start, end = from_iso("2013-01-01", "UTC"), from_iso("2014-01-01", "UTC")
        before = collector.past("SPY", "1d", start, end)
        act = {
            "refuse": proxy.refuse,
            "reset": lambda: proxy.reset(after_bytes=2000, again=True),
            "half_open": proxy.half_open,
            "restart": yahoo_server.kill,
            "slow": lambda: proxy.slow(bytes_per_s=1_000),
        }
        act[fault]()
        with pytest.raises(OSError):
            collector.past("SPY", "1d", start, end + 86_400 * NS_PER_SECOND)
        if fault == "restart":
            yahoo_server.start()
        proxy.open()
        after = collector.past("SPY", "1d", start, end + 86_400 * NS_PER_SECOND)
        assert after[0][: len(before[0])].tobytes() == before[0].tobytes() or len(after[0]) >= len(before[0])


def test_yahoo_is_asked_no_faster_than_it_allows(yahoo: Any, yahoo_server: Any, wait_until: Any, shared_data: Any) -> None:
    """Twelve pages that are wanted at once come all, at six a second."""
    collector = yahoo(options={"requests_per_s": 6.0})
    wait_until(lambda: collector.connection.connected)
    collector.past("SPY", "1d", from_iso("1999-01-01", "UTC"), from_iso("1999-02-01", "UTC"))  # splits are looked for once
    starts = [from_iso(f"{year}-01-01", "UTC") for year in range(2000, 2012)]
    begin = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda start: collector.past("SPY", "1d", start, start + 30 * 86_400 * NS_PER_SECOND), starts))
    assert all(len(parts) == 1 and len(parts[0]) > 15 for parts in found)
    assert time.monotonic() - begin > 0.9
    assert collector.faults.counts() == {}


def test_yahoo_clock(yahoo: Any, yahoo_server: Any, wait_until: Any, shared_data: Any) -> None:
    """Yahoo's clock is told; one that jumps by an hour changes no bar."""
    collector = yahoo()
    wait_until(lambda: collector.connection.connected)
    start, end = from_iso("2013-01-01", "UTC"), from_iso("2013-03-01", "UTC")
    before, bars = collector.venue_clock_ns(), collector.past("SPY", "1d", start, end)
    yahoo_server.do("set", shift_s=3600)
    assert collector.venue_clock_ns() - before >= 3599 * NS_PER_SECOND
    again = collector.past("SPY", "1d", start - 86_400 * NS_PER_SECOND, end)
    assert again[0]["close"].tolist()[-len(bars[0]) :] == bars[0]["close"].tolist()
    assert collector.connection.sessions == 1


def test_yahoo_with_many_symbols(yahoo: Any, wait_until: Any) -> None:
    """1,000 of them in torture, else twenty: connecting takes as long as asking for each, whatever `connect_s` is."""
    symbols = ["Q" + "".join(letters) for letters in islice(product(ascii_uppercase, repeat=3), 1000 if FULL else 20)]
    rate, connect_s = (100.0, 0.3) if FULL else (within(5.0, 1.0), within(0.3, 5.0))  # what is not asking takes a while on a busy machine
    collector = yahoo(symbols=symbols, options={"requests_per_s": rate}, connect_s=connect_s)
    wait_until(lambda: collector.connection.connected, 120.0)
    assert collector.connection.sessions == 1
    assert collector.faults.counts() == {}
    assert {collector.terms_of(symbol).currency for symbol in symbols} == {"USD"}
