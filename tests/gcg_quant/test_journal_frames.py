"""Frames are read out of one bus and appended to another: what is there stays the same, what is made up is refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, EventFlag, LogEvent, OrderCommand, Record, SessionEvent, Tick
from gcg_quant.journal_check import verify
from gcg_quant.journal_frames import Frames, append_frames
from gcg_quant.reader import Lane

TYPES = (Tick.TYPE, Bar.TYPE, SessionEvent.TYPE)
HEADER = struct.Struct("<IIQqQIHHHHI")


@pytest.fixture
def far(tmp_path: Path) -> Iterator[EventBus]:
    """Return the bus that events come from."""
    with EventBus(tmp_path / "far", source="far", page_mb=0.25, sync="none") as bus:
        bus.instruments.number("unused", "X")  # so that the numbers of the two differ
        yield bus


@pytest.fixture
def near(tmp_path: Path) -> Iterator[EventBus]:
    """Return the bus that they go to."""
    with EventBus(tmp_path / "near", source="near", page_mb=0.25, sync="none") as bus:
        yield bus


def put(near: EventBus, frames: Frames, after: int = 0, instruments: dict[int, int] | None = None, mark: bytes = b"") -> tuple[int, int]:
    """Append frames of the far bus's only instrument, B, to the near one."""
    numbers = {number: near.instruments.number("B", "V") for number in frames.instruments} if instruments is None else instruments
    sources = {number: near.source_number("far@x") for number in frames.sources}
    return append_frames(
        near, frames.lane, frames.data, after=after, instruments=numbers, sources=sources, types=TYPES, wanted=TYPES, mark=mark
    )


def prices(bus: EventBus) -> list[float]:
    """Return the last prices of all ticks on a bus."""
    with bus.reader(start="begin", events=[Tick]) as reader:
        return [tick.last_price for tick in reader if isinstance(tick, Tick)]


def fill(bus: EventBus, ticks: int) -> None:
    """Publish ticks one by one, in a batch, and cold events between them."""
    for at in range(ticks):
        bus.publish(Tick(symbol="B", venue="V", event_ns=at, last_price=float(at)))
    bus.publish(SessionEvent(venue="V", phase="open", event_ns=1))
    rows = np.zeros(ticks, Tick.dtype)
    rows["instrument"] = bus.instruments.number("B", "V")
    rows["last_price"] = np.arange(ticks) + 1000.0
    bus.publish_batch(rows)


@pytest.mark.parametrize(("limit", "limit_bytes"), [(10_000, 1 << 20), (7, 1 << 20), (10_000, 1000)])
def test_frames_cross_in_any_portions(far: EventBus, near: EventBus, limit: int, limit_bytes: int) -> None:
    """However the events are cut into portions, also inside a batch, they arrive whole, in order, flagged and with their origin."""
    fill(far, 100)
    with far.reader(start="begin") as reader:
        while frames := reader.read_frames(limit, limit_bytes):
            put(near, frames)
    assert prices(near) == prices(far)
    with far.reader(start="begin") as theirs, near.reader(start="begin") as ours:
        for event, arrived in zip(theirs, ours, strict=True):
            assert arrived.cause <= event.id
            if isinstance(arrived, Record):
                assert (arrived.symbol, arrived.flags) == ("B", EventFlag.BRIDGED)
    assert not any(page["damage"] for page in verify(near.path))


def test_lanes_do_not_mix(far: EventBus, near: EventBus) -> None:
    """One portion is of one lane; what was taken back for the next one is not lost."""
    far.publish(LogEvent(level="info", component="c", message="m"))
    fill(far, 3)
    with far.reader(start="begin") as reader:
        portions = []
        while frames := reader.read_frames():
            portions.append((frames.lane, frames.events, frames.last_seq))
    assert portions == [(Lane.MARKET, 7, 7), (Lane.LOG, 1, 1)]


def test_a_part_that_is_there_is_left_out(far: EventBus, near: EventBus) -> None:
    """Records up to `after` are passed over, also in the middle of a batch."""
    fill(far, 10)
    with far.reader(start="begin") as reader:
        frames = reader.read_frames()
    assert frames is not None
    assert put(near, frames, after=15) == (6, 21)
    assert prices(near) == [float(at) for at in range(1004, 1010)]
    assert put(near, frames, after=21) == (0, 21)


def test_an_instrument_that_is_not_wanted_is_left_out(far: EventBus, near: EventBus) -> None:
    """Of a batch of two instruments the wanted one's records stay, each with its own origin."""
    rows = np.zeros(6, Tick.dtype)
    rows["instrument"] = [far.instruments.number(name, "V") for name in "BBCBCB"]
    rows["last_price"] = range(6)
    far.publish_batch(rows)
    with far.reader(start="begin") as reader:
        frames = reader.read_frames()
    assert frames is not None
    wanted, other = (far.instruments.number(name, "V") for name in "BC")
    assert put(near, frames, instruments={wanted: near.instruments.number("B", "V"), other: 0}) == (4, 6)
    with near.reader(start="begin") as reader:
        found = [(tick.last_price, tick.cause & 0xFFFF) for tick in reader if isinstance(tick, Tick)]
    assert found == [(0.0, 1), (1.0, 1), (3.0, 4), (5.0, 6)]


def test_marks_and_what_follows_are_found(far: EventBus, near: EventBus) -> None:
    """Marks are no events; a search gives them, and the origin of the last event behind each."""
    fill(far, 4)
    with far.reader(start="begin") as reader:
        first, second = reader.read_frames(3), reader.read_frames()
    assert first is not None
    assert second is not None
    put(near, first, mark=b"one")
    near.publish(Tick(symbol="B", venue="V"))
    put(near, second, mark=b"two")
    with near.reader() as reader:
        assert reader.find_bridged(Lane.MARKET, 1, "@x") == [(1, b"one", 0), (4, None, 3), (6, b"two", 0), (9, None, 9)]
    with near.reader() as reader:
        assert reader.find_bridged(Lane.MARKET, 5, "@other") == [(6, b"two", 0)]
    assert len(prices(near)) == 9


def frame(**changes: int) -> bytes:
    """Return a tick's frame with other values in its header."""
    values = {"length": 264, "crc": 0, "seq": 1, "time_ns": 0, "cause": 0, "instrument": 1, "type": 1, "source": 1, "flags": 0, "schema": 1}
    values |= {"count": 1, **changes}
    return HEADER.pack(*values.values()) + struct.pack("<qqII", 1, 2, 1, 0) + bytes(192)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"rubbish", "cut off"),
        (frame()[:100], "impossible length"),
        (frame(length=20), "impossible length"),
        (frame(type=OrderCommand.TYPE), f"type {OrderCommand.TYPE}, which may not cross"),
        (frame(type=300), "type 300, which may not cross"),
        (frame(count=0), "does not follow"),
        (frame(seq=0), "does not follow"),
        (frame(seq=5) + frame(seq=5), "at byte 264 does not follow"),
        (frame(count=5), "holds no whole records"),
        (frame(count=216), "holds no whole records"),
        (frame(source=9), "source without a name"),
        (frame(instrument=9), "instrument without a name"),
        (frame(flags=0) + frame(seq=2, type=OrderCommand.TYPE), "may not cross"),
    ],
)
def test_made_up_frames_are_refused(near: EventBus, data: bytes, what: str) -> None:
    """Nothing of a portion with a fault is written, and the fault is named."""
    with pytest.raises(EventError, match=what):
        append_frames(near, Lane.MARKET, data, after=0, instruments={1: 1}, sources={1: 1}, types=[1, 5], wanted=[1])
    assert near.head(Lane.MARKET) == 1


def test_a_cold_event_that_cannot_be_read_is_refused(near: EventBus) -> None:
    """Its payload would stop every reader."""
    data = HEADER.pack(52, 0, 1, 0, 0, 0, SessionEvent.TYPE, 1, 0, 1, 1) + b"\xc1\xc1\xc1\xc1"
    with pytest.raises(EventError, match="cannot be read"):
        append_frames(near, Lane.MARKET, data, after=0, instruments={}, sources={1: 1}, types=TYPES, wanted=TYPES)
    assert near.head(Lane.MARKET) == 1
