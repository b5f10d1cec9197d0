"""Faults on the way to a venue and of its own, Binance and OKX alike: the stream goes on, and what was missed is told.

There is no test of an expired token: public market data needs none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.process import FakeVenue
from patience import within
from rig import Rig

from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, BookDelta, Depth, EventFlag, InstrumentEvent, TradeTick

pytest.importorskip("ccxt", reason="ccxt is not installed")

FULL = "GCG_TORTURE_S" in os.environ  # as `make torture` sets it: OKX, too
SYMBOL = "BTC/USDT"
Start = Callable[..., Rig]


@pytest.fixture(scope="module", params=["binance", *(["okx"] if FULL else [])])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeVenue]:
    """Return a fake venue."""
    with FakeVenue(request.param) as venue:
        yield venue


@pytest.fixture
def rig(fake: FakeVenue, bus: EventBus) -> Iterator[Start]:
    """Return a function that makes a rig, not started."""
    made: list[Rig] = []

    def make(symbols: list[str] | None = None, **options: Any) -> Rig:
        made.append(Rig(fake.name, fake, bus, symbols or [SYMBOL], **options))
        return made[-1]

    yield make
    for one in made:
        one.__exit__()


def _trade_numbers(rig: Rig) -> list[int]:
    return [trade.venue_seq for trade in rig.of(TradeTick, symbol=SYMBOL) if not trade.flags & EventFlag.BACKFILL]


def test_refused_connections_are_tried_again(rig: Start) -> None:
    """A venue that refuses connections is tried until it answers."""
    one = rig()
    one.proxy.refuse()
    one.start()
    one.until(lambda: one.collector.connection.state == "waiting", "the first attempt fails")
    one.proxy.open()
    one.flows()


def test_reset_in_mid_message_is_a_gap(rig: Start) -> None:
    """A connection that is reset within a message is made anew; the gap reaches from the last event before to the first one after."""
    one = rig().start()
    seen = one.flows()
    one.proxy.reset(after_bytes=3000)
    (gap, *_) = one.until(lambda: one.gaps("disconnect", SYMBOL), "a gap")
    one.flows(since=seen)
    assert 0 < gap.start_ns < gap.end_ns
    if one.collector.exchange == "okx":  # whose stream leaves numbers out: nobody knows whether a trade is missing
        one.until(lambda: [told for told in one.gaps("refilled", SYMBOL) if told.detail == "trade"], "trades are filled in")
    else:
        one.until(lambda: _is_whole([trade.venue_seq for trade in one.of(TradeTick, symbol=SYMBOL)]), "all trades are there")
    one.until(lambda: one.collector.connection.sessions == 2, "it is connected again")
    assert one.faults("malformed") == 0


def _is_whole(numbers: list[int]) -> bool:
    return set(numbers) == set(range(min(numbers), max(numbers) + 1))


def test_half_open_connection_is_noticed(rig: Start) -> None:
    """A connection on which nothing comes is given up, and the silence is told."""
    one = rig(silence_s=within(1.0, 4.0), connect_s=within(2.0, 10.0)).start()
    one.flows()
    one.proxy.half_open()
    one.until(lambda: one.collector.connection.state != "connected", "it is noticed")
    one.proxy.open()
    begin = len(one.look())
    one.flows(since=begin)
    assert one.until(lambda: one.gaps("disconnect", SYMBOL) or one.gaps("silence", SYMBOL), "a gap")


def test_slow_line_loses_nothing(rig: Start) -> None:
    """On a slow line all trades arrive, later."""
    one = rig(streams=("trades", "depth", "tickers")).start()
    one.flows()
    one.proxy.slow(20_000)
    before = len(_trade_numbers(one))
    one.until(lambda: len(_trade_numbers(one)) > before + 10, "trades")
    numbers = _trade_numbers(one)
    assert numbers == sorted(set(numbers))
    assert one.gaps("sequence") == []


def test_burst_arrives_whole(rig: Start, fake: FakeVenue) -> None:
    """2,000 trades at once arrive all, in order."""
    one = rig().start()
    one.flows()
    before = len(_trade_numbers(one))
    fake.do("burst", symbol=SYMBOL, count=2000)
    one.until(lambda: len(_trade_numbers(one)) >= before + 2000, "the burst")
    numbers = _trade_numbers(one)
    assert numbers == sorted(set(numbers))
    assert one.gaps("sequence") == []
    one.flows()


def test_rubbish_is_counted(rig: Start, fake: FakeVenue) -> None:
    """What is no message of the venue's is counted (or passed over, where the venue may add it tomorrow), and the stream goes on."""
    one = rig().start()
    one.flows()
    for count, what in enumerate(("rubbish", "wrong_json"), 1):
        fake.do(what, now=True)
        one.until(lambda count=count: one.faults("malformed") >= count, "it is counted")
    fake.do("unknown", now=True)
    one.flows()
    assert one.collector.connection.sessions == 1


def test_negative_numbers_are_not_published(rig: Start, fake: FakeVenue) -> None:
    """A negative price is counted and not published; a book goes on with a new snapshot."""
    one = rig(streams=("trades", "tickers", "quotes", "depth", "deltas")).start()
    one.flows()
    for count, channel in enumerate(("trades", "book", "ticker"), 1):
        fake.do("negative", symbol=SYMBOL, channel=channel)
        one.until(lambda count=count: one.faults("negative") >= count, f"it is counted: {channel}")
    one.flows()
    assert all(trade.price > 0 for trade in one.of(TradeTick))
    assert all(delta.price > 0 for delta in one.of(BookDelta))
    assert all(depth.bid_prices[0] > 0 and depth.ask_prices[0] > 0 for depth in one.of(Depth))


def test_missing_changes_of_a_book_are_told(rig: Start, fake: FakeVenue) -> None:
    """A change that was withheld is a gap, and the book begins anew."""
    one = rig().start()
    one.flows()
    fake.do("gap", symbol=SYMBOL, channel="book")
    (gap, *_) = one.until(lambda: one.gaps("sequence", SYMBOL), "a gap")
    assert gap.start_ns <= gap.end_ns
    one.flows()
    assert all(depth.bid_prices[0] < depth.ask_prices[0] for depth in one.of(Depth))


def test_crossed_swapped_and_doubled_messages(rig: Start, fake: FakeVenue) -> None:
    """No book is ever crossed, no trade comes twice or out of order."""
    one = rig().start()
    one.flows()
    for what, channel in (("crossed", "book"), ("swap", "book"), ("swap", "trades"), ("duplicate", "book"), ("duplicate", "trades")):
        fake.do(what, symbol=SYMBOL, channel=channel)
    one.until(lambda: fake.state["pending"] == [], "it has happened")
    one.flows()
    fresh = _trade_numbers(one)
    assert fresh == sorted(set(fresh))
    assert all(depth.bid_prices[0] < depth.ask_prices[0] for depth in one.of(Depth))


def test_restart_of_the_venue(rig: Start, fake: FakeVenue) -> None:
    """A venue that was killed and started again is read on, with a gap."""
    one = rig().start()
    one.flows()
    fake.kill()
    one.until(lambda: one.collector.connection.state != "connected", "it is noticed")
    fake.start()
    begin = len(one.look())
    one.flows(since=begin)
    assert one.until(lambda: one.gaps("disconnect", SYMBOL), "a gap")


def test_jump_of_the_venues_clock(rig: Start, fake: FakeVenue) -> None:
    """Whether the venue's clock jumps ahead or back, data goes on coming."""
    one = rig(streams=("trades", "tickers", "quotes", "depth")).start()
    one.flows()
    for jump_ms in (300_000, -600_000, 300_000):
        fake.do("clock", ms=jump_ms)
        one.flows()


def test_symbols_come_and_go(rig: Start) -> None:
    """A symbol that is asked for while it runs begins, with its terms; one that is given up ends; a wrong one is refused with a hint."""
    one = rig().start()
    one.flows(SYMBOL)
    one.subscribe("ETH/USDT")
    one.flows("ETH/USDT")
    (terms,) = [event.terms for event in one.of(InstrumentEvent, symbol="ETH/USDT")]
    assert terms["tick_size"] == 0.01
    one.subscribe("ETH/USDT", wanted=False)
    one.until(lambda: "ETH/USDT" not in one.collector.symbols, "it is given up")
    one.until(lambda: not any("eth" in stream.lower() for stream in one.fake.state["streams"]), "the venue is told")
    one.flows(SYMBOL)
    one.subscribe("BTX/USDT")
    one.until(lambda: any(isinstance(event, Applied) and "BTC/USDT" in event.detail for event in one.look()), "the hint")
    one.flows(SYMBOL)


def test_past_is_what_was_streamed(rig: Start) -> None:
    """REST's trades are those of the stream, number by number; its bars are whole minutes in order."""
    one = rig().start()
    one.flows()
    one.until(lambda: len(_trade_numbers(one)) > 30, "trades")
    streamed = {trade.venue_seq: (trade.event_ns, trade.price, trade.size, trade.aggressor) for trade in one.of(TradeTick)}
    begin, end = min(row[0] for row in streamed.values()), max(row[0] for row in streamed.values())
    rows = one.collector.past(SYMBOL, "trade", begin, end)
    assert rows is not None
    found = {int(row["venue_seq"]): (row["event_ns"], row["price"], row["size"], row["aggressor"]) for part in rows for row in part}
    if one.collector.exchange == "okx":  # whose stream tells of trades at one price together, under the number of the last
        assert streamed.keys() <= found.keys()
        assert sum(row[2] for row in found.values()) >= sum(row[2] for row in streamed.values()) - 1e-9
        assert {row[:2] for row in streamed.values()} <= {row[:2] for row in found.values()}
    else:
        assert streamed.items() <= found.items()
    bars = one.collector.past(SYMBOL, "1m", end - 90 * 60 * 10**9, end)
    assert bars is not None
    starts = [int(start) for part in bars for start in part["start_ns"]]
    assert len(starts) >= 89
    assert starts == list(range(starts[0], starts[-1] + 1, 60 * 10**9))
    assert one.collector.past(SYMBOL, "depth", begin, end) is None
