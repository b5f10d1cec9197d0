"""Gaps in stored data: found by the market's sessions and by what collectors tell, refilled once, and closed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, from_iso, to_iso
from gcg_quant.data_collector.base import BaseCollector
from gcg_quant.data_storage import Database, DatabaseHistory, Recorder
from gcg_quant.data_storage.reading.gaps import Gap, find_gaps
from gcg_quant.data_storage.writing.refill import refill
from gcg_quant.errors import EventError, InstrumentError
from gcg_quant.events import Bar, BarOrigin, GapEvent, Tick, World
from gcg_quant.history import MemoryHistory, RecordArray
from gcg_quant.instruments import Instrument

SHANGHAI = "Asia/Shanghai"
MONDAY = from_iso("2021-01-04T00:00+08:00")
IF = Instrument(symbol="IF", venue="CFFEX", calendar="CFFEX", timezone=SHANGHAI)


def minutes(*times: tuple[str, str], origin: BarOrigin = BarOrigin.AGGREGATED) -> RecordArray:
    """Return one-minute bars from each beginning up to its end, Shanghai's time."""
    starts = [np.arange(from_iso(a, SHANGHAI), from_iso(b, SHANGHAI), NS_PER_MINUTE) for a, b in times]
    bars = np.zeros(sum(map(len, starts)), Bar.dtype)
    bars["start_ns"] = np.concatenate(starts)
    bars["event_ns"] = bars["start_ns"] + NS_PER_MINUTE
    bars["period"], bars["origin"], bars["close"] = b"1m", origin, 1
    return bars


def publish(bus: EventBus, rows: RecordArray, terms: Instrument = IF, *, backfill: bool = False) -> None:
    """Publish rows of an instrument."""
    rows = rows.copy()
    rows["instrument"] = bus.instruments.add(terms)
    bus.publish_batch(rows, backfill=backfill)


def told(gaps: list[Gap]) -> list[tuple[str, str, str, int | None]]:
    """Return the gaps as reason, beginning, end (Shanghai's day and minute) and expected rows."""
    return [(gap.reason, to_iso(gap.start_ns, SHANGHAI)[8:16], to_iso(gap.end_ns, SHANGHAI)[8:16], gap.rows_expected) for gap in gaps]


DAY = (("2021-01-04 09:30", "2021-01-04 11:30"), ("2021-01-04 13:00", "2021-01-04 15:00"))


def test_breaks_nights_and_weekends_are_no_gaps(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Two full days on both sides of a night, and one behind a weekend, lack nothing."""
    days = [
        (f"{day} {a}", f"{day} {b}")
        for day in ("2021-01-07", "2021-01-08", "2021-01-11")
        for a, b in (("09:30", "11:30"), ("13:00", "15:00"))
    ]
    publish(bus, minutes(*days))
    store_bus(bus, database)
    assert find_gaps(DatabaseHistory(database), "IF", "1m") == []
    assert find_gaps(DatabaseHistory(database), "IF", "1m", "2021-01-07", "2021-01-11") == []


def test_holes_within_sessions_and_whole_sessions_are_told_apart(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Eleven missing minutes are a gap, nine are none; a missing afternoon and the day behind it are three sessions."""
    publish(
        bus,
        minutes(
            ("2021-01-04 09:30", "2021-01-04 10:00"),
            ("2021-01-04 10:11", "2021-01-04 10:30"),
            ("2021-01-04 10:39", "2021-01-04 11:25"),
            ("2021-01-06 09:40", "2021-01-06 11:30"),
        ),
    )
    store_bus(bus, database)
    history = DatabaseHistory(database)
    gaps = find_gaps(history, "IF", "1m")
    assert told(gaps) == [
        ("silent", "04T10:00", "04T10:11", 11),
        ("sessions", "04T11:25", "06T09:40", 5 + 120 + 240 + 10),
    ]
    assert [gap.text for gap in gaps] == ["no rows for 11 minutes of session", "no rows for 375 minutes of session, 3 whole sessions"]
    assert [gap.sessions for gap in gaps] == [0, 3]
    assert told(find_gaps(history, "IF", "1m", min_gap_ns=9 * NS_PER_MINUTE))[1] == ("silent", "04T10:30", "04T10:39", 9)
    assert told(find_gaps(history, "IF", "1m", min_gap_ns=NS_PER_HOUR)) == told(gaps[1:])
    assert told(find_gaps(history, "IF", "1m", end="2021-01-06"))[-1] == ("sessions", "06T13:00", "06T15:00", 120)
    assert told(find_gaps(history, "IF", "1m", "2021-01-04 08:00", "2021-01-04 10:05")) == []
    assert told(find_gaps(history, "IF", "5m")) == told(gaps)  # they are made of minutes
    assert find_gaps(history, "IF") == gaps
    assert told(find_gaps(history, "IF", "tick", "2021-01-04", "2021-01-04")) == [("sessions", "04T09:30", "04T15:00", None)]
    assert find_gaps(history, "IF", "tick") == []


def test_days_round_the_clock(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Of daily bars without a market's calendar, two missing days are two missing bars."""
    bars = np.zeros(6, Bar.dtype)
    bars["start_ns"] = MONDAY - MONDAY % NS_PER_DAY + np.array([0, 1, 2, 5, 6, 7]) * NS_PER_DAY
    bars["event_ns"], bars["period"], bars["close"] = bars["start_ns"] + NS_PER_DAY, b"1d", 1
    publish(bus, bars, Instrument(symbol="BTC", venue="X"))
    store_bus(bus, database)
    (gap,) = find_gaps(DatabaseHistory(database), "BTC", "1d")
    assert (gap.rows_expected, gap.sessions, gap.end_ns - gap.start_ns) == (2, 2, 2 * NS_PER_DAY)


def test_pauses_between_ticks_count_in_session_time(bus: EventBus, database: Database, store_bus: Any) -> None:
    """From eight minutes before the break to eight behind it are sixteen; the order of arrival does not matter."""
    ticks = np.zeros(4, Tick.dtype)
    ticks["event_ns"] = [from_iso(f"2021-01-04 {at}", SHANGHAI) for at in ("13:08", "11:22", "11:20", "13:17")]
    publish(bus, ticks)
    store_bus(bus, database)
    assert told(find_gaps(DatabaseHistory(database), "IF", "tick")) == [("silent", "04T11:22", "04T13:08", None)]


def test_a_recorded_gap_stays_until_it_is_filled_in(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Our own bars of a minute in which data was missing fill nothing in; the venue's do, and so do an import's."""
    publish(bus, minutes(*DAY))
    start = from_iso("2021-01-04 10:00:20", SHANGHAI)
    gap = {"symbol": "IF", "venue": "CFFEX", "kind": "disconnect", "start_ns": start, "end_ns": start + 90 * NS_PER_SECOND}
    bus.publish(GapEvent(**gap))
    bus.publish(GapEvent(**gap))  # told twice
    night = from_iso("2021-01-04 20:00", SHANGHAI)
    bus.publish(GapEvent(**{**gap, "start_ns": night, "end_ns": night + NS_PER_HOUR}))  # nothing was traded
    store_bus(bus, database)
    history = DatabaseHistory(database)
    (found,) = find_gaps(history, "IF", "1m")
    assert (found.reason, found.start_ns, found.end_ns, found.rows_expected, found.text) == (
        "recorded",
        start,
        start + 90 * NS_PER_SECOND,
        2,
        "recorded: disconnect",
    )
    publish(bus, minutes(("2021-01-04 10:00", "2021-01-04 10:01"), origin=BarOrigin.VENUE))
    store_bus(bus, database)
    assert find_gaps(history, "IF", "1m") == []  # what is left of it is shorter than a gap, and the venue's minute was seen
    assert [one.detail for one in find_gaps(history, "IF", "1m", min_gap_ns=NS_PER_SECOND)] == ["disconnect"]


def test_an_imported_file_fills_in_a_gap(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """Ticks of an import cover the gap from the first to the last of them."""
    ticks = np.zeros(240, Tick.dtype)
    ticks["event_ns"] = from_iso("2021-01-04 13:00", SHANGHAI) + np.arange(240) * 30 * NS_PER_SECOND
    start, end = int(ticks["event_ns"][100]), int(ticks["event_ns"][160])
    publish(bus, ticks[(ticks["event_ns"] <= start) | (ticks["event_ns"] >= end)])
    bus.publish(GapEvent(symbol="IF", venue="CFFEX", kind="held_up", start_ns=start, end_ns=end))
    store_bus(bus, database)
    history = DatabaseHistory(database)
    assert [(one.reason, one.detail) for one in find_gaps(history, "IF", "tick")] == [("recorded", "held_up")]
    file = make_bus("file", World.IMPORT)
    publish(file, ticks)
    store_bus(file, database, import_number=1)
    assert find_gaps(history, "IF", "tick") == []
    assert len(history.ticks("IF")) == 240


@pytest.fixture
def recorded(bus: EventBus, database: Database) -> Any:
    """Return a function that has a real recorder store all that is on the bus."""

    def record() -> None:
        recorder = Recorder(database, flush_ms=1)
        recorder.start(bus)
        assert recorder.stop()

    return record


def test_a_history_refills_what_is_missing_once(bus: EventBus, database: Database, recorded: Any) -> None:
    """The gaps' bars come from another history as BACKFILL; doing it again stores nothing, and nothing is missing any more."""
    whole = minutes(*DAY)
    source = MemoryHistory()
    source.add_bars("IF", "other", whole.copy())
    publish(bus, np.concatenate([whole[:60], whole[100:]]).astype(Bar.dtype))
    bus.publish(GapEvent(symbol="IF", venue="CFFEX", kind="disconnect", start_ns=MONDAY, end_ns=int(whole["event_ns"][120])))
    recorded()
    history = DatabaseHistory(database)
    gaps = find_gaps(history, "IF", "1m")
    assert [gap.reason for gap in gaps] == ["recorded"]
    with pytest.raises(EventError, match="keeps no depth"):
        refill(bus, find_gaps(history, "IF", "depth", "2021-01-04", "2021-01-04"), source, venue="other")
    for _ in range(2):
        assert refill(bus, gaps, source, venue="other") == 120 + 1
        recorded()
        assert find_gaps(history, "IF", "1m") == []
        assert history.bars("IF", "1m")["start_ns"].tolist() == whole["start_ns"].tolist()
    assert database.counts()["bars"] == 240


class Venue(BaseCollector):
    """A collector whose venue keeps its ticks."""

    def __init__(self, ticks: RecordArray) -> None:
        super().__init__("venue", "CFFEX")
        self.ticks = ticks

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return the ticks of the stretch; it keeps nothing else."""
        if what != "tick":
            return None
        return [self.ticks[(self.ticks["event_ns"] >= start_ns) & (self.ticks["event_ns"] <= end_ns)]]


def test_a_collector_refills_and_closes_a_gap(bus: EventBus, database: Database, recorded: Any) -> None:
    """What its venue has is published as BACKFILL; where the venue has nothing, the gap is closed all the same."""
    ticks = np.zeros(60, Tick.dtype)
    ticks["event_ns"] = from_iso("2021-01-04 09:30", SHANGHAI) + np.arange(60) * 60 * NS_PER_SECOND
    publish(bus, np.concatenate([ticks[:10], ticks[40:]]).astype(Tick.dtype))
    quiet = int(ticks["event_ns"][-1])
    for start, end in ((int(ticks["event_ns"][9]), int(ticks["event_ns"][40])), (quiet, quiet + NS_PER_HOUR)):
        bus.publish(GapEvent(symbol="IF", venue="CFFEX", kind="disconnect", start_ns=start, end_ns=end))
    recorded()
    history = DatabaseHistory(database)
    asked = ("IF", "tick", "2021-01-04 09:30", "2021-01-04 11:30")
    gaps = find_gaps(history, *asked)
    assert [gap.reason for gap in gaps] == ["recorded", "recorded"]
    collector = Venue(ticks)
    collector.start(bus, threaded=False)
    assert [collector.refill("IF", gap.what, gap.start_ns, gap.end_ns) for gap in gaps] == [32, 1]
    assert collector.refill("IF", "1m", MONDAY, MONDAY + 1) is None
    collector.stop()
    recorded()
    assert find_gaps(history, *asked) == []
    assert history.ticks("IF")["event_ns"].tolist() == ticks["event_ns"].tolist()
    collector = Venue(np.zeros(3, Bar.dtype)[["start_ns", "event_ns"]])
    collector.start(bus, threaded=False)
    with pytest.raises(EventError, match="the past of IF must be arrays of Tick.dtype"):
        collector.refill("IF", "tick", 0, 1)
    collector.stop()


def test_bad_questions_get_a_sentence(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Unknown symbols and periods, ranges that are none."""
    publish(bus, minutes(*DAY))
    store_bus(bus, database)
    history = DatabaseHistory(database)
    with pytest.raises(InstrumentError, match="Nothing is stored of 'IH'"):
        find_gaps(history, "IH", "1m")
    with pytest.raises(EventError, match="'1x' is not a bar period"):
        find_gaps(history, "IF", "1x")
    with pytest.raises(EventError, match="is not before end"):
        find_gaps(history, "IF", "1m", "2021-01-05", "2021-01-04")
    with pytest.raises(EventError, match="min_gap_ns must be above 0"):
        find_gaps(history, "IF", "1m", min_gap_ns=0)
