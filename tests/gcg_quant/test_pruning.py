"""Removing old pages: what goes, what stays, and who is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane, LogEvent, Tick
from gcg_quant.pruning import prune

PAGE = 16_384


def _fill(bus: EventBus, first: int, count: int) -> None:
    bus.publish_many([Tick(symbol="A", venue="SIM", event_ns=number, last_price=float(number)) for number in range(first, first + count)])


@pytest.fixture
def small(tmp_path: Path) -> Iterator[EventBus]:
    """Return a bus with pages of 16 KB that holds 1,000 ticks."""
    with EventBus(tmp_path / "bus", source="test", page_mb=PAGE / 2**20, sync="none") as bus:
        for first in range(0, 1000, 20):
            _fill(bus, first, 20)
        yield bus


def test_report_says_what_went(small: EventBus) -> None:
    """Pages older than the moment go, oldest first; the rest is readable; a dry run says the same and removes nothing."""
    asked = prune(small.path, before_ns=now_ns(), dry_run=True)
    assert len(list((small.path / "market").glob("*.page"))) > len(asked.removed) > 3
    report = prune(small.path, before_ns=now_ns())
    assert report.removed == asked.removed
    assert report.bytes_before - report.bytes_after == len(report.removed) * PAGE
    assert [page.first_seq for page in report.removed] == [1, *(page.end_seq for page in report.removed[:-1])]
    with small.reader(start="begin", events=[Tick]) as reader:
        assert [event.seq for event in reader] == list(range(report.removed[-1].end_seq, 1001))
    assert all(page["damage"] == "" for page in journal_check.verify(small.path))
    text = " ".join(report.sentences())
    assert f"market: {len(report.removed)} pages" in text
    assert "would" in " ".join(asked.sentences())


def test_size_counts_all_lanes(small: EventBus) -> None:
    """`keep_bytes` bounds the bus as a whole: the oldest pages of any lane go."""
    for number in range(500):
        small.publish(LogEvent(level="info", component="x", message=f"{number}" * 20))
    keep = (len(list(small.path.glob("*/*.page"))) - 5) * PAGE
    report = prune(small.path, keep_bytes=keep)
    assert len(report.removed) >= 5  # more, when the keeper has prepared pages meanwhile
    assert {page.lane for page in report.removed} == {Lane.MARKET}
    assert report.bytes_after == report.bytes_before - len(report.removed) * PAGE == keep


def test_durable_reader_and_floor_are_named(small: EventBus) -> None:
    """What somebody needs stays, and the report names him, the lane and the seq."""
    reader = small.reader("recorder", durable=True, start="begin", events=[Tick])
    reader.read_many(600)
    reader.commit()
    report = prune(small.path, before_ns=now_ns(), floors={"snapshot of trading": 300})
    assert report.removed[-1].end_seq <= 300
    assert [(hold.name, hold.lane, hold.seq) for hold in report.held] == [
        ("snapshot of trading", Lane.MARKET, 300),
        ("recorder", Lane.MARKET, 601),
    ]
    assert "recorder needs the market lane from seq 601 on" in " ".join(report.sentences())
    assert prune(small.path, before_ns=now_ns()).removed[-1].end_seq <= 601


def test_silent_reader_is_named_and_not_waited_for(small: EventBus) -> None:
    """A durable reader that lives is waited for, however silent; one that is gone for longer than `silence_s` is only named."""
    reader = small.reader("page", durable=True, start="begin")
    assert prune(small.path, before_ns=now_ns(), silence_s=0).removed == ()
    reader.close()
    assert prune(small.path, before_ns=now_ns()).removed == ()
    report = prune(small.path, before_ns=now_ns(), silence_s=0)
    assert list(report.silent) == ["page"]
    assert report.removed
    assert "page is gone and silent since" in " ".join(report.sentences())


def test_views_of_a_pruned_page_stay_right(small: EventBus) -> None:
    """An array on a page holds its values after reader and bus are closed and the page's file is removed."""
    with small.reader(start="begin") as reader:
        batches = reader.read_batches(Tick, 100_000)
    small.close()
    report = prune(small.path, before_ns=now_ns())
    assert report.removed
    assert not (small.path / "market" / "0000000001.page").exists()
    values = np.concatenate([batch.records["last_price"] for batch in batches])
    np.testing.assert_array_equal(values, np.arange(1000.0))


def test_wrong_arguments_are_sentences(tmp_path: Path, small: EventBus) -> None:
    """No bus, or a size that makes no sense."""
    with pytest.raises(JournalError, match="There is no bus in"):
        prune(tmp_path, keep_bytes=0)
    with pytest.raises(JournalError, match="keep_bytes is -1"):
        prune(small.path, keep_bytes=-1)
