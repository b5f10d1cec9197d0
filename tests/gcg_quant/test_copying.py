"""Copying a slice of a bus: ids, names and lineage stay; of a damaged journal, what is whole."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.copying import copy_journal
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane, LogEvent, OrderRequest, Tick, World


def test_slice_keeps_ids_causes_and_names(bus: EventBus, tmp_path: Path) -> None:
    """A slice in another world has the events of its time with their ids, causes, sources, symbols and venues."""
    for number in range(100):
        tick = bus.publish(Tick(symbol="BTC/USDT", venue="SIM", event_ns=number, last_price=float(number)), source="feed")
        bus.publish(OrderRequest(symbol="ETH/USDT", venue="SIM", quantity=1.0, account="a"), cause=tick, source="strategy")
    bus.publish(LogEvent(level="info", component="x", message="end"))
    events = list(bus.reader(start="begin"))
    start, end = events[50].time_ns, events[150].time_ns
    report = copy_journal(bus.path, tmp_path / "slice", from_ns=start, to_ns=end, world=World.REPLAY)
    assert report.records == 100
    assert report.lanes[Lane.MARKET].first_seq == 51
    assert "market: 100 events" in report.sentences()[1]
    with EventBus(tmp_path / "slice", create=False, read_only=True) as copy:
        assert copy.world == World.REPLAY
        assert copy.bus_id != bus.bus_id
        assert copy.epoch_reports() == []
        found = list(copy.reader(start="begin"))
    assert found == events[50:150]
    for left, right in zip(found, events[50:150], strict=True):
        assert (left.id, left.time_ns, left.cause, left.source) == (right.id, right.time_ns, right.cause, right.source)


def test_copy_beside_a_writer_is_a_prefix(tmp_path: Path) -> None:
    """While somebody publishes, a copy ends at a head of that moment, and has no gap."""
    stop = threading.Event()
    with EventBus(tmp_path / "bus", page_mb=1 / 16, sync="none") as bus:
        ticks = [Tick(symbol="A", venue="SIM", event_ns=1)] * 50
        bus.publish_many(ticks)

        def publish() -> None:
            while not stop.wait(0.001):  # at full speed it would outrun the copies, and fill the disk
                bus.publish_many(ticks)

        thread = threading.Thread(target=publish)
        thread.start()
        try:
            for number in range(3):
                before = bus.head(Lane.MARKET)
                report = copy_journal(bus.path, tmp_path / f"copy{number}")
                after = bus.head(Lane.MARKET)
                assert before <= report.lanes[Lane.MARKET].end_seq <= after
                assert report.holes == ()
                with EventBus(tmp_path / f"copy{number}", read_only=True) as copy:
                    assert [event.seq for event in copy.reader(start="begin")] == list(range(1, report.lanes[Lane.MARKET].end_seq))
        finally:
            stop.set()
            thread.join()


def test_readers_pass_over_what_was_lost(tmp_path: Path) -> None:
    """A copy of a damaged journal reads on behind the hole, and `verify` names it as lost, not as damage."""
    with EventBus(tmp_path / "bus", page_mb=1 / 64, sync="none") as bus:
        for number in range(200):
            bus.publish(Tick(symbol="A", venue="SIM", event_ns=number))
    (tmp_path / "bus" / "market" / "0000000002.page").unlink()
    report = copy_journal(tmp_path / "bus", tmp_path / "saved")
    (hole,) = report.holes
    assert "the page after it is missing" in hole.place
    with EventBus(tmp_path / "saved", page_mb=1 / 64) as saved:
        events = list(saved.reader(start="begin"))
        assert len(events) == 200 - hole.records
        assert saved.publish(Tick(symbol="A", venue="SIM", event_ns=1)) & 0xFFFF == 201
    pages = journal_check.verify(tmp_path / "saved")
    assert next(place for page in pages for place in page["lost"]).endswith(f"{hole.records} records lost here")
    assert not any(page["damage"] for page in pages)


def test_copy_onto_a_bus_is_refused(bus: EventBus, tmp_path: Path) -> None:
    """The target must be a new folder."""
    with pytest.raises(JournalError, match="exists already: name a new folder"):
        copy_journal(bus.path, bus.path)
    with pytest.raises(JournalError, match="There is no bus in"):
        copy_journal(tmp_path, tmp_path / "copy")
