"""Silence by the session calendar, memory, processor time and clock steps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gcg_quant.admin.monitoring.machine import ClockWatch, free_bytes, process_use
from gcg_quant.admin.monitoring.silence import Silence
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND, from_iso, now_ns
from gcg_quant.events import Tick
from gcg_quant.instruments import Instrument


def silent_s(bus: EventBus, at: str, *, heard_ago_s: float) -> float:
    """Return the venue's silence at a moment in Shanghai, when a Shanghai share was heard so long ago."""
    bus.instruments.add(Instrument(symbol="600519", venue="SSE", tick_size=0.01, lot_size=100, kind="stock", calendar="XSHG"))
    watch = Silence(bus, now_ns())
    bus.publish(Tick(symbol="600519", venue="SSE", event_ns=now_ns(), last_price=1.0))
    watch.listen()
    moment = from_iso(at, "Asia/Shanghai")
    watch._last["600519", "SSE"] = moment - round(heard_ago_s * NS_PER_SECOND)
    (reading,) = watch.readings(moment, 60.0, None)
    watch.close()
    return reading.value


@pytest.mark.parametrize(
    ("at", "heard_ago_s", "expected"),
    [
        ("2024-03-05 10:00:00", 90.0, 90.0),  # a Tuesday, open
        ("2024-03-05 09:30:40", 66_000.0, 40.0),  # the night before it does not count
        ("2024-03-05 13:00:10", 5_420.0, 10.0),  # nor does the break at noon
        ("2024-03-05 12:00:00", 1_900.0, 0.0),  # the break
        ("2024-03-05 21:00:00", 21_700.0, 0.0),  # night
        ("2024-03-02 10:00:00", 70_000.0, 0.0),  # a Saturday
        ("2024-02-12 10:00:00", 400_000.0, 0.0),  # the Spring Festival
    ],
)
def test_silence_counts_within_the_session_alone(bus: EventBus, at: str, heard_ago_s: float, expected: float) -> None:
    """Silence at night, at noon, at a weekend and on a holiday is no fault; the first second of a session begins it anew."""
    assert silent_s(bus, at, heard_ago_s=heard_ago_s) == pytest.approx(expected)


def test_one_lively_instrument_speaks_for_its_venue(bus: EventBus) -> None:
    """The venue is as silent as its newest instrument; single ones are watched on request."""
    watch = Silence(bus, now_ns())
    for symbol in ("A/USD", "B/USD"):
        bus.publish(Tick(symbol=symbol, venue="X", event_ns=now_ns(), last_price=1.0))
    watch.listen()
    now = now_ns()
    watch._last["A/USD", "X"] = now - NS_PER_DAY
    (venue,) = watch.readings(now, 60.0, None)
    assert venue.crossed is False
    crossed = {(one.component, one.name) for one in watch.readings(now, 60.0, 600.0) if one.crossed}
    assert crossed == {("A/USD@X", "silence")}


def test_history_that_is_filled_in_breaks_no_silence(bus: EventBus) -> None:
    """What is flagged as the past says nothing of the source."""
    watch = Silence(bus, now_ns())
    bus.publish(Tick(symbol="A/USD", venue="X", event_ns=now_ns(), last_price=1.0), backfill=True)
    watch.listen()
    assert list(watch.readings(now_ns(), 60.0, None)) == []


def test_our_own_process_takes_memory_and_time() -> None:
    """Of a process that is gone nothing is told."""
    (use,) = process_use([os.getpid(), 2**22 + 1]).values()
    assert 5e6 < use.memory_bytes < 1e11
    assert use.cpu_s > 0


def test_a_system_that_does_not_tell_is_passed_over(tmp_path: Path) -> None:
    """Without /proc there are no figures, and no error; nor of a folder that is not there."""
    assert process_use([1], tmp_path) == {}
    assert free_bytes(tmp_path / "nothing") is None
    assert (free_bytes(tmp_path) or 0) > 0


def test_a_step_of_the_clock_is_seen_once() -> None:
    """Both ways; time that passes is no step."""
    wall, steady = [10**18], [5]
    clock = ClockWatch(lambda: wall[0], lambda: steady[0])
    for passed_s, stepped_s, seen_ms in ((1, 0, 0), (1, 2, 2000), (1, 0, 0), (5, -0.75, -750)):
        steady[0] += passed_s * NS_PER_SECOND
        wall[0] += round((passed_s + stepped_s) * NS_PER_SECOND)
        assert clock.step_ms() == pytest.approx(seen_ms)
