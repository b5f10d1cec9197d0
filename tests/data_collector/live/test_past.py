"""Back-fill: the venue's own history at the start, in pieces, and only what is not there yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.clock import NS_PER_HOUR, NS_PER_MINUTE, now_ns
from gcg_quant.data_collector.live.backfill import pieces
from gcg_quant.events import Bar, CollectorStatusEvent


def test_history_is_filled_in_at_the_start_and_not_again(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """Bars come as BACKFILL; a collector that is started again asks for what has come since alone."""
    first = collect(venue.port, history_ns=NS_PER_HOUR)
    wait_until(lambda: first.manners.status().history == 1.0)
    bars = published(Bar)
    assert 59 <= len(bars) <= 61
    assert {(bar.flags, bar.symbol, bar.period) for bar in bars} == {(1, "A", "1m")}
    first.stop()
    assert published(CollectorStatusEvent)[-1].history == 1.0
    second = collect(venue.port, history_ns=NS_PER_HOUR)
    wait_until(lambda: second.connection.connected and second.manners.status().history in (None, 1.0))
    assert len(published(Bar)) <= len(bars) + 2
    for _, start_ns, _ in second.asked_for:
        assert start_ns >= bars[-1].end_ns


def test_a_history_that_does_not_answer_is_asked_again(venue: Any, collect: Any, published: Any, wait_until: Any) -> None:
    """From the piece on that failed, while live data comes."""
    from tiny import TinyCollector

    failures = iter([OSError("busy")])
    collector = collect(venue.port, history_ns=NS_PER_HOUR, symbols=[])
    wait_until(lambda: collector.connection.connected)
    real = TinyCollector.past

    def past(*words: Any) -> Any:
        for failure in failures:
            raise failure
        return real(collector, *words)

    collector.past = past
    collector.manners.subscribe("A")
    wait_until(lambda: collector.manners.status().history == 1.0)
    assert collector.faults.counts() == {"history": 1}
    assert len(published(Bar)) >= 59


@pytest.mark.parametrize("what", ["1m", "1d", "trade"])
def test_pieces_cover_what_is_missing_and_nothing_else(what: str) -> None:
    """Whole bars that are over, without what is known and without what the market slept through."""
    now = now_ns()
    begin = now - 72 * NS_PER_HOUR
    known = [(begin + NS_PER_HOUR, begin + 30 * NS_PER_HOUR)] if what != "1d" else []
    found = list(pieces(["A"], [what], begin, now, known=lambda symbol, what: known, traded=lambda symbol, start, end: True))
    assert all(one.end_ns <= now for one in found)
    covered = sum(one.end_ns - one.start_ns for one in found)
    slack = {"1m": 2 * NS_PER_MINUTE, "1d": 48 * NS_PER_HOUR, "trade": 0}[what]
    expected = 72 * NS_PER_HOUR - sum(end - start for start, end in known)
    assert expected - slack <= covered <= expected + slack
    assert list(pieces(["A"], [what], begin, now, known=lambda symbol, what: [], traded=lambda symbol, start, end: False)) == []


def test_a_killed_backfill_goes_on_where_it_was(venue: Any, collect: Any, bus: Any, published: Any, wait_until: Any) -> None:
    """kill -9 in the middle: at most the piece of that moment is asked for again."""
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), str(bus.path), str(venue.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        asked = [int(child.stdout.readline().split()[0]) for _ in range(6)]
        child.kill()
    collector = collect(venue.port, history_ns=10 * 24 * NS_PER_HOUR)
    wait_until(lambda: collector.manners.status().history == 1.0)
    assert min(start for _, start, _ in collector.asked_for) >= asked[-2]
    starts = [bar.start_ns for bar in published(Bar)]
    assert len(set(starts)) >= 10 * 24 * 60 - 1
    assert len(starts) - len(set(starts)) <= 1000
