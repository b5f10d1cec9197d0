"""A collector of a real venue: what it does whatever the venue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gcg_quant.events import Applied, GapEvent, LogEvent, SubscribeEvent, TradeTick

Wait = Callable[..., Any]


def test_trades_reach_the_bus_with_both_times(venue: Any, collect: Any, published: Any, wait_until: Wait) -> None:
    """The venue's time and ours, under the collector's name."""
    collector = collect(venue.port)
    wait_until(lambda: venue.asked == ["A"])
    venue.send(venue.trade(1), venue.trade(2))
    trades = wait_until(lambda: found if len(found := published(TradeTick)) == 2 else None)
    assert [(one.symbol, one.venue, one.event_ns, one.source) for one in trades] == [
        ("A", "tiny", 1_000_000_000, "tiny"),
        ("A", "tiny", 2_000_000_000, "tiny"),
    ]
    assert all(one.recv_ns > 0 for one in trades)
    assert collector.bus.instruments.get("A", "tiny").tick_size == 0.01


def test_after_a_break_it_subscribes_again_and_tells_what_it_missed(venue: Any, collect: Any, published: Any, wait_until: Wait) -> None:
    """One gap a symbol, from the last event before to the first one after, ahead of that event."""
    collect(venue.port)
    wait_until(lambda: venue.asked == ["A"])
    venue.send(venue.trade(1))
    wait_until(lambda: published(TradeTick))
    venue.cut()
    wait_until(lambda: venue.asked == ["A", "A"])
    venue.send(venue.trade(5))
    wait_until(lambda: len(published(TradeTick)) == 2)
    (gap,) = published(GapEvent)
    assert (gap.symbol, gap.venue, gap.kind, gap.start_ns, gap.end_ns) == ("A", "tiny", "disconnect", 1_000_000_000, 5_000_000_000)
    assert gap.id < published(TradeTick)[1].id


def test_rubbish_is_counted_and_the_stream_goes_on(venue: Any, collect: Any, published: Any, wait_until: Wait) -> None:
    """What cannot be parsed, makes no sense or came before is counted by kind, and said with its head."""
    collector = collect(venue.port)
    wait_until(lambda: venue.asked)
    venue.send(
        b'{"s": "A"\n', venue.trade(2), venue.trade(2), venue.trade(1), venue.trade(3, price=-1.0), venue.trade(4, price=float("nan"))
    )
    venue.send(venue.trade(5))
    wait_until(lambda: len(published(TradeTick)) == 2)
    assert collector.faults.counts() == {"malformed": 1, "duplicate": 1, "out of order": 1, "negative": 1, "empty": 1}
    (line,) = [one for one in published(LogEvent) if one.message.startswith("malformed")]
    assert line.detail == '{"s": "A"\\n'


def test_symbols_come_and_go_while_it_runs(venue: Any, collect: Any, published: Any, wait_until: Wait) -> None:
    """A SubscribeEvent is answered; what the venue does not have is refused with its sentence."""
    from tiny import TinyOptions

    collector = collect(venue.port, options=TinyOptions(unknown=("X",)))
    wait_until(lambda: collector.connection.connected)
    bus = collector.bus
    bus.publish(SubscribeEvent(symbol="B", venue="tiny"))
    bus.publish(SubscribeEvent(symbol="X", venue="tiny"))
    bus.publish(SubscribeEvent(symbol="A", venue="tiny", subscribe=False))
    answers = wait_until(lambda: found if len(found := published(Applied)) == 3 else None)
    assert [(one.ok, one.detail) for one in answers] == [
        (True, "B is collected from now on"),
        (False, "The tiny venue has no X."),
        (True, "A is no longer collected"),
    ]
    wait_until(lambda: (venue.asked, venue.dropped) == (["A", "B"], ["A"]))
    venue.cut()
    wait_until(lambda: venue.asked == ["A", "B", "B"])


def test_silence_ends_the_connection_and_a_pong_is_a_sign_of_life(venue: Any, collect: Any, published: Any, wait_until: Wait) -> None:
    """A socket that is open but dead is made anew."""
    collector = collect(venue.port, silence_s=0.3)
    wait_until(lambda: venue.accepted >= 2)
    assert collector.faults.counts()["silence"] >= 1


def test_a_port_where_nobody_listens_is_dialled_again(venue: Any, collect: Any, wait_until: Wait) -> None:
    """Refused connections are waited for with backoff, and the first that stands is used."""
    port = venue.port
    venue.close()
    collector = collect(port)
    wait_until(lambda: collector.connection.state == "waiting" and "refused" in collector.connection.reason)
    again = type(venue)(port)
    try:
        wait_until(lambda: again.asked == ["A"])
    finally:
        again.close()


@pytest.mark.parametrize("stop", [True, False])
def test_it_stops_whether_or_not_it_is_connected(venue: Any, collect: Any, wait_until: Wait, stop: bool) -> None:
    """Stopping hangs up."""
    if stop:
        venue.close()
    collector = collect(venue.port)
    wait_until(lambda: collector.connection.state in ("waiting", "connected"))
    assert collector.stop()
