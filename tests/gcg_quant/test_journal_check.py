"""A bus folder at a glance."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gcg_quant import _native, journal_check
from gcg_quant.bus import EventBus
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane, LogEvent, Tick


def test_survey_counts_what_a_walk_counts(tmp_path: Path) -> None:
    """Records, times and recent records agree with reading everything; pages that are prepared ahead count as files."""
    with EventBus(tmp_path / "bus", page_mb=1 / 64, sync="none") as bus:
        for number in range(500):
            bus.publish(Tick(symbol="A", venue="SIM", event_ns=number))
        bus.publish(LogEvent(level="info", component="x", message="end"))
        times = [event.time_ns for event in bus.reader(start="begin", events=[Tick])]
        for middle in (0, 1, 77, 250, 499):
            recent = _native.survey(str(bus.path), times[middle])[Lane.MARKET]["recent"]
            assert recent == sum(time_ns >= times[middle] for time_ns in times)
        # A page may be prepared between two looks: the survey counts when the folder was the same before and after it.
        pages: list[Path] = []
        deadline = time.monotonic() + 10
        while True:
            before = pages
            lanes = journal_check.survey(bus.path, recent_s=3600)
            pages = sorted((bus.path / "market").glob("*.page"))
            if pages == before or time.monotonic() > deadline:
                break
        market = lanes[Lane.MARKET]
        assert (market.records, market.recent) == (500, 500)
        assert (market.first_ns, market.last_ns) == (times[0], times[-1])
        assert market.pages == len(pages)
        assert market.file_bytes == sum(path.stat().st_size for path in pages)
        assert 500 * 264 <= market.used_bytes <= market.file_bytes
        assert market.recent_bytes == market.used_bytes
        assert (lanes[Lane.CONTROL].records, lanes[Lane.LOG].records) == (0, 1)
        assert [epoch.number for epoch in market.epochs] == [1]
        assert journal_check.survey(bus.path, recent_s=-3600)[Lane.MARKET].recent == 0


def test_survey_names_a_damaged_header_and_no_bus(tmp_path: Path) -> None:
    """A page whose header is not whole is named; a folder without a bus is a sentence."""
    with EventBus(tmp_path / "bus", page_mb=1 / 64, sync="none") as bus:
        for number in range(200):
            bus.publish(Tick(symbol="A", venue="SIM", event_ns=number))
    page = tmp_path / "bus" / "market" / "0000000002.page"
    data = bytearray(page.read_bytes())
    data[20] ^= 1
    page.write_bytes(data)
    market = journal_check.survey(tmp_path / "bus")[Lane.MARKET]
    assert len(market.damage) == 1
    assert "0000000002.page offset 0" in market.damage[0]
    with pytest.raises(JournalError, match="There is no bus in"):
        journal_check.survey(tmp_path)
