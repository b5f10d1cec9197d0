"""Faults that a collector must outlive, and what it tells of them."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from patience import within
from tiny import TinyCollector, TinyVenue, parse_trade

from gcg_quant.backoff import Backoff
from gcg_quant.clock import now_ns
from gcg_quant.data_collector.blank import blank
from gcg_quant.errors import CollectorError
from gcg_quant.events import Bar, CollectorStatusEvent, GapEvent, LogEvent, SystemEvent, TradeTick

SECOND = 1_000_000_000


def trades(bus: Any, numbers: list[int], symbol: str = "A") -> np.ndarray[Any, Any]:
    """Return trades of the tiny venue as an array."""
    rows = blank(TradeTick, len(numbers))
    rows["instrument"] = bus.instruments.number(symbol, "tiny")
    rows["event_ns"] = np.array(numbers) * SECOND
    rows["price"], rows["size"] = 10.0, 1.0
    return rows


def test_a_hole_is_filled_in_from_the_venues_history(venue: Any, collect: Any, bus: Any, published: Any, wait_until: Any) -> None:
    """After a break the trades between come as BACKFILL, and the gap is told to be closed; the venue may fail to answer at first."""
    asked: list[tuple[str, str, int, int]] = []

    def past(symbol: str, what: str, start_ns: int, end_ns: int) -> list[np.ndarray[Any, Any]]:
        asked.append((symbol, what, start_ns, end_ns))
        if len(asked) == 1:
            raise OSError("busy")
        return [trades(bus, [2, 3, 4])]

    collector = collect(venue.port, past=past)
    collector.manners._refills.settles_ns = 0
    wait_until(lambda: venue.asked == ["A"])
    venue.send(venue.trade(1))
    wait_until(lambda: published(TradeTick))
    venue.cut()
    wait_until(lambda: venue.asked == ["A", "A"])
    venue.send(venue.trade(5))
    gaps = wait_until(lambda: found if len(found := published(GapEvent)) == 2 else None)
    assert [(gap.kind, gap.start_ns, gap.end_ns, gap.detail) for gap in gaps] == [
        ("disconnect", SECOND, 5 * SECOND, "the venue closed the connection"),
        ("refilled", SECOND, 5 * SECOND, "trade"),
    ]
    assert asked == [("A", "trade", SECOND, 5 * SECOND)] * 2
    assert [(one.event_ns // SECOND, one.flags) for one in published(TradeTick)] == [(1, 0), (5, 0), (2, 1), (3, 1), (4, 1)]
    assert collector.manners.refills_pending == 0


def test_a_dial_that_hangs_is_hung_up(bus: Any, collect: Any, wait_until: Any) -> None:
    """A server that accepts and never answers keeps nobody for longer than `connect_s`."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        entered = threading.Event()
        collector = collect(silent.getsockname()[1], connect_s=0.2, greet=lambda connection: (entered.set(), connection.recv(1)))
        assert entered.wait(10.0)
        wait_until(lambda: collector.connection.reason == "no connection within 0.2 s")
        assert collector.state == "running"


def test_a_dial_that_nothing_ends_is_left_behind(venue: Any, collect: Any, wait_until: Any) -> None:
    """A library that hangs for good costs a thread, not the collector; when it comes back it does nothing."""
    release, hanging = threading.Event(), [True]

    def hang(connection: socket.socket) -> None:
        if hanging:
            hanging.clear()
            release.wait(30.0)

    collector = collect(venue.port, connect_s=0.5, greet=hang)
    wait_until(lambda: collector.connection.connected)
    assert collector.faults.counts() == {"stuck": 1}
    release.set()
    wait_until(
        lambda: not [one for one in threading.enumerate() if one.name == "tiny-connection" and collector.connection._thread is not one]
    )
    assert collector.connection.connected
    assert collector.connection.sessions == 1


def test_what_is_refused_is_said_once_and_tried_again_late(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """Wrong credentials do not pass by themselves: the next attempt comes after the longest wait."""

    def refuse(connection: socket.socket) -> None:
        raise CollectorError("The venue refuses the key of 'tiny'.")

    collector = collect(venue.port, greet=refuse)
    wait_until(lambda: venue.accepted >= 3)
    assert collector.connection.state in ("refused", "connecting")
    lines = [one.message for one in published(LogEvent) if "refuses" in one.message]
    assert lines == ["refused: The venue refuses the key of 'tiny'."]


def test_silence_while_the_market_is_closed_is_no_fault(venue: Any, collect: Any, wait_until: Any) -> None:
    """At night nothing comes: the connection stays, and what it missed when it broke is nothing."""
    saturday = 1_704_531_600 * SECOND  # 6 January 2024, 09:00 UTC
    began = now_ns()
    collector = collect(venue.port, silence_s=0.1, calendar="XNYS", wall=lambda: saturday + now_ns() - began)
    wait_until(lambda: collector.connection.connected)
    sign = collector.clock()
    wait_until(lambda: collector.clock() > sign + 0.5)
    assert (venue.accepted, collector.faults.counts()) == (1, {})


def test_signs_of_life_alone_are_not_enough_for_ever(venue: Any, collect: Any, wait_until: Any) -> None:
    """A venue that answers pings and has lost the subscription is connected anew, after a longer time."""
    collector = collect(venue.port, silence_s=0.1, beat_s=0.02)
    wait_until(lambda: venue.accepted >= 2)
    assert collector.faults.counts() == {"silence": 1}


def test_one_gap_tells_of_a_connection_that_comes_and_goes(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """Breaks without an event between them are one hole; one that nothing ends is told of once the connection has stood for a while."""
    collector = collect(venue.port, silence_s=within(1.0, 8.0), symbols=["A", "B"])
    wait_until(lambda: len(venue.asked) == 2)
    now = now_ns() // SECOND
    venue.send(venue.trade(now), venue.trade(now, "B"))
    wait_until(lambda: len(published(TradeTick)) == 2)
    for asked in (4, 6):
        venue.cut()
        wait_until(lambda asked=asked: len(venue.asked) == asked)
    venue.send(venue.trade(now + 5))
    (gap,) = wait_until(lambda: published(GapEvent))
    assert (gap.symbol, gap.start_ns, gap.end_ns) == ("A", now * SECOND, (now + 5) * SECOND)
    wait_until(lambda: (venue.send(b"pong\n"), len(published(GapEvent)) == 2)[1])
    assert published(GapEvent)[1].symbol == "B"
    assert collector.connection.sessions == 3


def test_a_restart_within_a_run_tells_what_was_missed(venue: Any, collect: Any, bus: Any, published: Any, wait_until: Any) -> None:
    """A collector that was killed and is started again begins with the gap since its last event."""
    bus.publish(SystemEvent(action="start"))
    first = collect(venue.port)
    wait_until(lambda: venue.asked == ["A"])
    venue.send(venue.trade(1))
    wait_until(lambda: published(TradeTick))
    first.stop()
    collect(venue.port)
    wait_until(lambda: venue.asked == ["A", "A"])
    venue.send(venue.trade(1), venue.trade(9))
    (gap,) = wait_until(lambda: published(GapEvent))
    assert (gap.kind, gap.start_ns, gap.end_ns) == ("disconnect", SECOND, 9 * SECOND)
    wait_until(lambda: len(published(TradeTick)) == 2)


def test_a_venues_clock_that_jumps_and_comes_back_is_followed(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """What is an hour ahead is counted and told of as a gap; the stream goes on once the clock is right again."""
    collector = collect(venue.port)
    wait_until(lambda: venue.asked)
    now = now_ns() // SECOND
    venue.send(venue.trade(now), venue.trade(now + 3600), venue.trade(now + 50), venue.trade(now + 2))
    wait_until(lambda: len(published(TradeTick)) == 3)
    assert [one.event_ns // SECOND - now for one in published(TradeTick)] == [0, 50, 2]
    assert collector.faults.counts() == {"clock": 1}
    (gap,) = published(GapEvent)
    assert (gap.kind, gap.start_ns, gap.end_ns) == ("clock", now * SECOND, (now + 50) * SECOND)


def test_the_clocks_are_compared(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """A venue's clock that is off is measured, warned of, and part of the status."""
    collector = collect(venue.port, venue_clock=lambda: now_ns() + 5 * SECOND)
    wait_until(lambda: collector.faults.counts() == {"clock": 1})
    offset = collector.manners.status().clock_offset_ns
    assert abs(offset - 5 * SECOND) < SECOND
    line = next(one.message for one in published(LogEvent) if one.message.startswith("clock"))
    assert "ahead of ours" in line


def test_arrays_are_checked_row_by_row(venue: Any, collect: Any, bus: Any, published: Any, wait_until: Any) -> None:
    """Rows that make no sense are left out and counted; the others are one batch."""
    collector = collect(venue.port)
    wait_until(lambda: collector.connection.connected)
    rows = trades(bus, [1, 3, 2, 4, 5])
    rows["price"][3] = np.nan
    rows["size"][4] = -1.0
    collector.take_array(rows)
    assert [one.event_ns // SECOND for one in published(TradeTick)] == [1, 3]
    assert collector.faults.counts() == {"out of order": 1, "empty": 1, "negative": 1}
    bars = blank(Bar, 1)
    bars["instrument"] = rows["instrument"][0]
    for name in ("open", "high", "low", "close"):
        bars[name] = 1.0
    bars["high"] = 0.5
    collector.take_array(bars)
    assert published(Bar) == []


def test_status_tells_of_each_change(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """From connecting to idle, with what was counted."""
    collector = collect(venue.port)
    wait_until(lambda: venue.asked)
    venue.send(venue.trade(1), b"rubbish\n")
    wait_until(lambda: collector.faults.counts())
    venue.cut()
    wait_until(lambda: len(venue.asked) == 2)
    collector.stop()
    told = published(CollectorStatusEvent)
    states = [one.state for one in told]
    assert states[:2] == ["connecting", "connected"]
    assert "waiting" in states
    last = told[-1]
    assert (last.state, last.venue, last.symbols, last.messages, last.reconnects, last.faults) == (
        "idle",
        "tiny",
        1,
        1,
        1,
        {"malformed": 1},
    )


def test_status_says_whether_a_market_is_open(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """By the calendar of its symbols, on the clock of the collector: open on a Wednesday, closed on the Sunday before."""
    for day, is_open in ((13, True), (10, False)):
        noon_ns = round(datetime(2024, 3, day, 15, tzinfo=UTC).timestamp() * 1e9)
        collector = collect(venue.port, wall=lambda noon_ns=noon_ns: noon_ns, calendar="XNYS")
        wait_until(lambda collector=collector: collector.connection.connected)
        collector.stop()
        assert published(CollectorStatusEvent)[-1].market_open is is_open


def test_a_symbol_that_came_while_it_connected_is_asked_for(venue: Any, collect: Any, wait_until: Any) -> None:
    """What is wished and was not asked for is asked for within a moment, and again on the next connection."""
    collector = collect(venue.port)
    wait_until(lambda: venue.asked == ["A"])
    collector.symbols.add("B")
    wait_until(lambda: "B" in venue.asked)
    venue.cut()
    wait_until(lambda: venue.asked == ["A", "B", "A", "B"])


def test_what_comes_late_of_a_connection_that_is_gone_closes_no_hole(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """A library may hand over what was under way; the hole goes on to the first event of the next connection."""
    collector = collect(venue.port)
    wait_until(lambda: venue.asked == ["A"] and collector.connection.connected)
    venue.send(venue.trade(1))
    wait_until(lambda: len(published(TradeTick)) == 1)
    port = venue.port
    venue.close()
    wait_until(lambda: collector.connection.state == "waiting" and collector.holes.open)
    collector.take(parse_trade(json.dumps(venue.trade(2)).encode(), 0))
    assert len(published(TradeTick)) == 2
    assert not published(GapEvent)
    again = TinyVenue(port)
    try:
        wait_until(lambda: again.asked == ["A"] and collector.connection.connected)
        again.send(again.trade(9))
        (gap,) = wait_until(lambda: published(GapEvent))
        assert (gap.start_ns, gap.end_ns) == (1_000_000_000, 9_000_000_000)
    finally:
        again.close()


def test_a_connection_that_breaks_while_it_subscribes_leaves_a_hole(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """Events come from the first subscription on: what is missed behind them is told, although the connection never stood."""
    fails: list[int] = []

    def ask(symbols: Sequence[str]) -> None:
        TinyCollector.ask(collector, symbols)
        if fails:
            collector.take(parse_trade(json.dumps(venue.trade(fails.pop())).encode(), 0))
            raise ConnectionError("broken while it subscribes")

    collector = collect(venue.port)
    wait_until(lambda: venue.asked == ["A"] and collector.connection.connected)
    venue.send(venue.trade(1))
    wait_until(lambda: len(published(TradeTick)) == 1)
    collector.ask = ask
    fails.append(5)
    venue.cut()
    wait_until(lambda: venue.asked == ["A"] * 3 and collector.connection.connected and len(venue.connections) == 1)
    venue.send(venue.trade(9))
    gaps = wait_until(lambda: found if len(found := published(GapEvent)) == 2 else None)
    assert [(gap.start_ns // 10**9, gap.end_ns // 10**9) for gap in gaps] == [(1, 5), (5, 9)]


def test_a_hole_is_not_given_up_while_there_is_no_connection(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """An outage that is longer than ten attempts take: it is filled in when the venue is back."""
    away = threading.Event()
    away.set()

    def past(symbol: str, what: str, start_ns: int, end_ns: int) -> list[np.ndarray[Any, Any]]:
        if away.is_set():
            raise OSError("nobody answers")
        return [trades(collector.bus, [2, 3])]

    collector = collect(venue.port, past=past)
    collector.manners._refills._backoff = Backoff(0.2, 0.2)
    wait_until(lambda: venue.asked == ["A"] and collector.connection.connected)
    venue.send(venue.trade(1))
    wait_until(lambda: len(published(TradeTick)) == 1)
    venue.cut()
    wait_until(lambda: venue.asked == ["A", "A"] and collector.connection.connected)
    venue.send(venue.trade(5))
    wait_until(lambda: published(GapEvent))
    port = venue.port
    venue.close()
    wait_until(lambda: not collector.connection.connected)
    end = time.monotonic() + 4
    wait_until(lambda: time.monotonic() > end)
    assert collector.manners.refills_pending == 1
    away.clear()
    again = TinyVenue(port)
    try:
        wait_until(lambda: [gap for gap in published(GapEvent) if gap.kind == "refilled"])
    finally:
        again.close()
