"""The event bus: publishing, reading, filters, batches, cursors."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torture import FULL

from gcg_quant.bus import Cursor, EventBus, current_cause, handling
from gcg_quant.errors import CursorError, EventError, JournalBusyError, JournalError
from gcg_quant.events import (
    HOT_RECORDS,
    Bar,
    EventFlag,
    Fill,
    Lane,
    LogEvent,
    MarketDataEvent,
    SignalEvent,
    StrategyControlEvent,
    SystemEvent,
    Tick,
    TradeTick,
    World,
    event_types,
    from_array,
)


def _tick(number: int, symbol: str = "BTC/USDT", venue: str = "SIM") -> Tick:
    return Tick(symbol=symbol, venue=venue, event_ns=number, last_price=float(number))


def test_published_record_is_read_back(bus: EventBus) -> None:
    """A record comes back equal, with its id, cause, source and time."""
    reader = bus.reader(start="begin")
    event_id = bus.publish(_tick(1), cause=77, source="collector")
    found = reader.read()
    assert found == _tick(1)
    assert (found.id, found.cause, found.source, found.lane if hasattr(found, "lane") else 1) == (event_id, 77, "collector", 1)
    assert found.time_ns > 1_700_000_000 * 10**9
    assert reader.read() is None


def test_published_cold_event_is_read_back(bus: EventBus) -> None:
    """A cold event comes back equal but for what the bus fills in."""
    reader = bus.reader(start="begin")
    event = StrategyControlEvent(action="load", file="x.py", parameters={"fast": 3, "names": ["a", "b"]}, symbols=["ES"])
    event_id = bus.publish(event)
    found = reader.read()
    assert isinstance(found, StrategyControlEvent)
    assert (found.action, found.file, found.parameters, found.symbols) == ("load", "x.py", {"fast": 3, "names": ["a", "b"]}, ["ES"])
    assert (found.id, found.source) == (event_id, "test")


def test_republished_cold_event_gets_its_own_id(bus: EventBus) -> None:
    """What the bus filled in is not carried over into another event."""
    reader = bus.reader(start="begin")
    bus.publish(SystemEvent(action="start"))
    first = reader.read()
    assert isinstance(first, SystemEvent)
    second_id = bus.publish(first)
    second = reader.read()
    assert second is not None
    assert second.id == second_id != first.id


def test_control_comes_before_market_before_log(bus: EventBus) -> None:
    """A reader drains the control lane first, then market, then log."""
    bus.publish(LogEvent(level="info", component="x", message="last"))
    bus.publish(_tick(1))
    bus.publish(SystemEvent(action="first"))
    kinds = [type(event) for event in bus.reader(start="begin")]
    assert kinds == [SystemEvent, Tick, LogEvent]


def test_seq_is_contiguous_within_a_lane(bus: EventBus) -> None:
    """Ids of one lane count up by one, over single events and batches."""
    ids = [bus.publish(_tick(number)) for number in range(5)]
    batch = np.zeros(3, Tick.dtype)
    batch["instrument"] = bus.instruments.number("BTC/USDT", "SIM")
    first = bus.publish_batch(batch)
    assert [*ids, first] == list(range(ids[0], ids[0] + 6))
    assert bus.publish(_tick(9)) == first + 3


def test_batch_is_read_one_by_one_and_as_views(bus: EventBus) -> None:
    """Single-event readers see the records of a batch one by one; views see the page itself."""
    rows = np.zeros(4, Bar.dtype)
    rows["instrument"] = [bus.instruments.number(name, "SIM") for name in ("A", "B", "A", "B")]
    rows["close"] = [1.0, 2.0, 3.0, 4.0]
    rows["period"] = b"1m"
    first = bus.publish_batch(rows, backfill=True)
    events = bus.reader(start="begin").read_many()
    assert [(event.id, event.symbol, event.close, event.period) for event in events] == [
        (first, "A", 1.0, "1m"),
        (first + 1, "B", 2.0, "1m"),
        (first + 2, "A", 3.0, "1m"),
        (first + 3, "B", 4.0, "1m"),
    ]
    assert all(event.flags & EventFlag.BACKFILL for event in events)
    (view,) = bus.reader(start="begin").read_batches(Bar)
    assert view.first_id == first
    np.testing.assert_array_equal(view.records, rows)
    assert not view.records.flags.writeable


def test_batch_in_another_layout_is_taken(bus: EventBus) -> None:
    """NumPy packs the fields of concatenated arrays and leaves anything in the padding; the journal holds neither."""
    rows = np.zeros(3, Bar.dtype)
    rows["close"] = [1.0, 2.0, 3.0]
    packed = np.concatenate([rows, rows])
    dirty = np.frombuffer(b"\xff" * Bar.dtype.itemsize, Bar.dtype).copy()
    for name in Bar.dtype.names or ():
        dirty[name] = rows[name][:1]
    bus.publish_batch(packed)
    bus.publish_batch(dirty)
    events = bus.reader(start="begin").read_many()
    assert [event.close for event in events] == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0]
    assert events[0] == events[6] == from_array(dirty, "", "")[0]
    with pytest.raises(EventError, match="dtype"):
        bus.publish_batch(np.zeros(3))


def test_views_outlive_reader_and_bus(tmp_path: Path) -> None:
    """An array on the pages stays right after the reader and the bus are closed."""
    bus = EventBus(tmp_path / "bus", page_mb=1, sync="none")
    for number in range(50):
        bus.publish(_tick(number))
    reader = bus.reader(start="begin")
    (view,) = reader.read_batches(Tick)
    reader.close()
    bus.close()
    np.testing.assert_array_equal(view.records["last_price"], np.arange(50.0))


def test_symbol_filter_of_a_mixed_batch(bus: EventBus) -> None:
    """A symbol filter looks at every record of a batch that mixes instruments."""
    rows = np.zeros(4, Tick.dtype)
    rows["instrument"] = [bus.instruments.number(name, "SIM") for name in ("A", "B", "A", "B")]
    bus.publish_batch(rows)
    assert [event.symbol for event in bus.reader(start="begin", symbols={"B"})] == ["B", "B"]


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ({"BTC/USDT"}, ["BTC/USDT@SIM", "BTC/USDT@X"]),
        ({"BTC/USDT@X"}, ["BTC/USDT@X"]),
        ({"*USDT"}, ["BTC/USDT@SIM", "BTC/USDT@X", "ETH/USDT@SIM"]),
        ({"E*@SIM", "SPY"}, ["ETH/USDT@SIM", "SPY@SIM"]),
        (set(), []),
    ],
)
def test_symbol_filters(bus: EventBus, symbols: set[str], expected: list[str]) -> None:
    """Symbols are matched alone, with their venue, or by patterns."""
    for name, venue in (("BTC/USDT", "SIM"), ("BTC/USDT", "X"), ("ETH/USDT", "SIM"), ("SPY", "SIM")):
        bus.publish(_tick(1, name, venue))
    found = [f"{event.symbol}@{event.venue}" for event in bus.reader(start="begin", symbols=symbols)]
    assert found == expected


def test_type_source_and_backfill_filters(bus: EventBus) -> None:
    """A reader sees only the types and sources it asked for, and backfill only if it asks."""
    bus.publish(_tick(1), source="a")
    bus.publish(_tick(2), source="b")
    bus.publish(_tick(3), source="a", backfill=True)
    bus.publish(TradeTick(symbol="X", price=1.0), source="a")
    live = bus.reader(start="begin", events=[Tick], sources={"a"}, backfill=False)
    assert [event.event_ns for event in live] == [1]
    every = bus.reader(start="begin", events=[MarketDataEvent])
    assert len(list(every)) == 4


def test_event_types_expands_unions_and_bases() -> None:
    """Classes, unions and base classes name concrete event classes."""
    assert event_types(Tick) == (Tick,)
    assert len(event_types(MarketDataEvent)) == 5
    assert SignalEvent in event_types(object)


def test_cause_is_the_event_being_handled(bus: EventBus) -> None:
    """Without an explicit cause an event is caused by the one being handled on this thread."""
    with handling(42):
        assert current_cause() == 42
        bus.publish(_tick(1))
        bus.publish(_tick(2), cause=7)
    bus.publish(_tick(3))
    assert [event.cause for event in bus.reader(start="begin")] == [42, 7, 0]


def test_publish_many_is_one_row_of_ids(bus: EventBus) -> None:
    """Events published together have consecutive ids."""
    ids = bus.publish_many([_tick(number) for number in range(10)])
    assert ids == list(range(ids[0], ids[0] + 10))
    assert [event.event_ns for event in bus.reader(start="begin")] == list(range(10))


def test_read_tables_groups_by_class(bus: EventBus) -> None:
    """Columns hold every record of a class with its id, and cold events come as events."""
    ids = [bus.publish(_tick(number)) for number in range(3)]
    bus.publish(Fill(symbol="X", price=2.0))
    bus.publish(SystemEvent(action="start"))
    tables, cold = bus.reader(start="begin").read_tables()
    assert list(tables[Tick]["id"]) == ids
    assert list(tables[Tick]["last_price"]) == [0.0, 1.0, 2.0]
    assert list(tables[Fill]["price"]) == [2.0]
    assert [type(event) for event in cold] == [SystemEvent]


def test_read_run_ends_with_an_event_of_another_class(bus: EventBus) -> None:
    """A run of one class comes as rows with their ids, single or out of a batch, and what ends it as an event; nothing is read twice."""
    rows = np.zeros(3, Tick.dtype)
    rows["event_ns"] = [10, 11, 12]
    first = bus.publish_batch(rows)
    second = bus.publish(_tick(13))
    fill = bus.publish(Fill(symbol="X", price=2.0))
    last = bus.publish(_tick(14))
    reader = bus.reader(start="begin")
    assert [row["id"] for row in reader.read_run(Tick, 2)[0]] == [first, first + 1]
    found, event = reader.read_run(Tick)
    assert (found["id"].tolist(), found["event_ns"].tolist()) == ([first + 2, second], [12, 13])
    assert isinstance(event, Fill)
    assert event.id == fill
    assert reader.lag_in(Lane.MARKET) == 1
    found, event = reader.read_run(Tick)
    assert (found["id"].tolist(), event) == ([last], None)
    assert len(reader.read_run(Tick)[0]) == 0


def test_cursor_in_the_middle_of_a_batch(bus: EventBus) -> None:
    """A cursor that lies within a batch frame goes on at its very record."""
    rows = np.zeros(10, Tick.dtype)
    rows["event_ns"] = np.arange(10)
    bus.publish_batch(rows)
    reader = bus.reader(start="begin")
    assert [event.event_ns for event in reader.read_many(4)] == [0, 1, 2, 3]
    again = bus.reader(start=reader.cursor)
    assert [event.event_ns for event in again] == [4, 5, 6, 7, 8, 9]


def test_durable_reader_goes_on_after_its_last_commit(bus: EventBus) -> None:
    """A durable reader starts behind what it committed, also within a batch."""
    rows = np.zeros(5, Tick.dtype)
    rows["event_ns"] = np.arange(5)
    bus.publish_batch(rows)
    with bus.reader("recorder", durable=True, start="begin") as reader:
        assert len(reader.read_many(2)) == 2
        reader.commit()
        assert len(reader.read_many(1)) == 1  # read, and not committed
    with bus.reader("recorder", durable=True, start="begin") as reader:
        assert [event.event_ns for event in reader] == [2, 3, 4]


def test_two_living_readers_of_one_durable_name_are_refused(bus: EventBus) -> None:
    """A durable name belongs to one living reader."""
    with bus.reader("recorder", durable=True), pytest.raises(JournalBusyError, match="recorder"):
        bus.reader("recorder", durable=True)


def test_lag_of_a_named_reader_is_visible(bus: EventBus) -> None:
    """Everybody sees how far a named reader is behind."""
    with bus.reader("slow", start="begin") as reader:
        for number in range(5):
            bus.publish(_tick(number))
        assert reader.lag == 5
        (status,) = [one for one in bus.readers() if one.name == "slow"]
        assert status.lag[Lane.MARKET] == 5
        assert status.alive


def test_cursor_of_another_bus_is_refused(bus: EventBus) -> None:
    """A cursor names its bus; another bus refuses it with a sentence."""
    with pytest.raises(CursorError, match="is bus .*: start the reader from its begin or its end"):
        bus.reader(start=Cursor("0" * 32, 1))


def test_cursor_beyond_the_end_is_refused(bus: EventBus) -> None:
    """A cursor beyond the head stops its reader with a sentence."""
    with pytest.raises(CursorError):
        bus.reader(start=Cursor(bus.bus_id, bus.epoch, market=1000))


def test_world_must_agree(tmp_path: Path) -> None:
    """A bus is one world; opening it as another is refused."""
    EventBus(tmp_path / "bus", world=World.PAPER).close()
    with pytest.raises(JournalError, match="is a paper world, not a live one"):
        EventBus(tmp_path / "bus", world=World.LIVE)


def test_missing_bus_is_refused_when_not_to_be_created(tmp_path: Path) -> None:
    """A folder without a bus is an error that names it."""
    with pytest.raises(JournalError, match="nothing-here"):
        EventBus(tmp_path / "nothing-here", create=False)


def test_closed_bus_is_a_sentence(tmp_path: Path) -> None:
    """Publishing on a closed bus says so."""
    bus = EventBus(tmp_path / "bus")
    bus.close()
    with pytest.raises(JournalError, match="closed"):
        bus.publish(_tick(1))


@pytest.mark.parametrize("thing", [None, "text", {"symbol": "X"}, object()])
def test_what_is_no_event_is_refused(bus: EventBus, thing: Any) -> None:
    """Only events can be published."""
    with pytest.raises(EventError, match=r"publish\(\) takes events"):
        bus.publish(thing)


def test_batch_with_an_unknown_instrument_is_refused(bus: EventBus) -> None:
    """A batch whose instrument number the bus does not know is refused, naming the row."""
    rows = np.zeros(2, Tick.dtype)
    rows["instrument"] = [0, 999]
    with pytest.raises(EventError, match="Row 1 of the batch names instrument 999"):
        bus.publish_batch(rows)


def test_subscription_on_the_buss_own_thread(bus: EventBus) -> None:
    """subscribe() calls the handler for what comes after it, unsubscribe() ends that."""
    seen: list[float] = []
    arrived = threading.Event()

    def handler(tick: Tick) -> None:
        seen.append(tick.last_price)
        arrived.set()

    bus.publish(_tick(1))
    subscription = bus.subscribe(Tick, handler, symbols={"BTC/USDT"})
    bus.publish(_tick(2, "OTHER"))
    bus.publish(_tick(3))
    assert arrived.wait(30)
    bus.unsubscribe(subscription)
    bus.publish(_tick(4))
    assert seen == [3.0]


def test_seek_time_and_id(bus: EventBus) -> None:
    """A reader goes to the first event at or after a time, or to an id."""
    ids = [bus.publish(_tick(number)) for number in range(100)]
    times = [event.time_ns for event in bus.reader(start="begin")]
    reader = bus.reader()
    reader.seek_time(times[60])
    found = reader.read()
    assert found is not None
    assert found.time_ns == times[60]
    reader.seek_id(ids[42])
    found = reader.read()
    assert isinstance(found, Tick)
    assert found.event_ns == 42


def test_events_survive_reopening_and_page_turns(tmp_path: Path) -> None:
    """Events over several pages are all there when the bus is opened again."""
    with EventBus(tmp_path / "bus", page_mb=0.0625, sync="none") as bus:
        for number in range(3000):
            bus.publish(_tick(number))
    with EventBus(tmp_path / "bus") as bus:
        assert [event.event_ns for event in bus.reader(start="begin")] == list(range(3000))
    assert len(list((tmp_path / "bus" / "market").glob("*.page"))) > 5


def _produce(path: str, name: str, count: int) -> None:
    with EventBus(path, source=name) as bus:
        for number in range(count):
            bus.publish(_tick(number, symbol=name))


def test_producers_in_several_processes(tmp_path: Path) -> None:
    """Events of several producer processes arrive whole, each producer's in order."""
    path = tmp_path / "bus"
    count = 3000
    with EventBus(path, page_mb=0.25, sync="none") as bus:
        context = multiprocessing.get_context("spawn")
        producers = [context.Process(target=_produce, args=(str(path), f"P{number}", count)) for number in range(3)]
        reader = bus.reader(start="begin")
        for process in producers:
            process.start()
        seen: dict[str, list[int]] = {}
        while sum(map(len, seen.values())) < 3 * count:
            events = reader.read_many(timeout_s=60)
            assert events, "no event within 60 s"
            for event in events:
                seen.setdefault(event.source, []).append(event.event_ns)
        for process in producers:
            process.join()
            assert process.exitcode == 0
    assert seen == {f"P{number}": list(range(count)) for number in range(3)}


def _append_raw(bus: EventBus, payload: bytes) -> None:
    # A record as another version of this program would have written it.
    bus.native.publish_cold(int(Lane.MARKET), Tick.TYPE, payload, bus.instruments.number("X", "V"), 0, 0, 0)


def test_record_of_an_older_version_is_filled_with_defaults(bus: EventBus) -> None:
    """A shorter record reads with the defaults of the fields it does not have."""
    whole = bytes(memoryview(Tick(symbol="X", event_ns=5, last_price=2.0, exchange="NYSE", condition="@")))
    _append_raw(bus, whole[:40])
    found = bus.reader(start="begin").read()
    assert isinstance(found, Tick)
    assert (found.symbol, found.event_ns, found.last_price, found.venue_seq, found.exchange) == ("X", 5, 2.0, -1, "")
    assert found.volume != found.volume  # NaN: absent


def test_record_of_a_newer_version_is_cut(bus: EventBus) -> None:
    """A longer record reads without the fields that this version does not know."""
    tick = Tick(symbol="X", venue="V", event_ns=5, last_price=2.0, condition="@")
    _append_raw(bus, bytes(memoryview(tick)) + b"new field")
    found = bus.reader(start="begin").read()
    assert found == tick
    (table,) = bus.reader(start="begin").read_tables()[0].values()
    assert table["last_price"][0] == 2.0


def test_event_of_an_unknown_type_is_passed_over(bus: EventBus) -> None:
    """An event class that this version does not know does not stop a reader."""
    bus.native.publish_cold(int(Lane.MARKET), 200, b"what is this", 0, 0, 0, 0)
    bus.publish(_tick(1))
    assert [type(event) for event in bus.reader(start="begin")] == [Tick]


def test_schema_describes_every_record(bus: EventBus) -> None:
    """schema.json in the bus folder names each field's place, so that another language can read the journal."""
    schema = json.loads((bus.path / "schema.json").read_text())
    by_name = {record["name"]: record for record in schema["records"]}
    for cls in HOT_RECORDS:
        fields = {field["name"]: field["offset"] for field in by_name[cls.__name__]["fields"] if field["kind"] != "reserved"}
        described: dict[str, Any] = dict(cls.dtype.fields or {})
        assert fields == {name: described[name][1] for name in described}
    assert {cold["name"] for cold in schema["cold"]} >= {"SignalEvent", "SystemEvent", "LogEvent"}


def test_writers_killed_in_a_loop_lose_and_tear_nothing(tmp_path: Path) -> None:
    """Writers killed with -9 in a loop: no reader blocks, nothing acknowledged is lost, every event is whole."""
    path = tmp_path / "bus"
    acknowledged: dict[str, int] = {}
    with EventBus(path, page_mb=0.25, sync="none") as bus, bus.reader(start="begin") as reader:
        seen: dict[str, list[int]] = {}
        for turn in range(12 if FULL else 6):
            name = f"writer{turn}"
            writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], stdout=subprocess.PIPE, text=True)
            assert writer.stdout is not None
            for line in writer.stdout:
                acknowledged[name] = int(line)
                if acknowledged[name] >= 200 * (turn % 3 + 1):
                    writer.kill()
                    break
            acknowledged[name] = max([acknowledged[name], *(int(line) for line in writer.stdout if line.endswith("\n"))])
            writer.wait()
            writer.stdout.close()
            bus.publish(_tick(turn, symbol="after"))  # nobody waits for the dead
            for event in reader:
                assert event.last_price == float(event.event_ns)
                seen.setdefault(event.source, []).append(event.event_ns)
    for name, last in acknowledged.items():
        assert seen[name] == list(range(len(seen[name])))
        assert len(seen[name]) > last


_WRITER = """
import sys
from gcg_quant.bus import EventBus
from gcg_quant.events import Tick
bus = EventBus(sys.argv[1], source=sys.argv[2])
for number in range(100_000):
    bus.publish(Tick(symbol="K", venue="V", event_ns=number, last_price=float(number)))
    if number % 10 == 0:
        sys.stdout.write(f"{number}\\n"); sys.stdout.flush()
"""
