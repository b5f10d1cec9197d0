"""A journal of frame format 1, written once and kept: today's code, and a plain reader in another language's place, read all of it."""

from __future__ import annotations

import importlib.util
import json
import struct
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from gcg_quant import _native, journal_check
from gcg_quant.bus import EventBus
from gcg_quant.copying import copy_journal
from gcg_quant.errors import JournalVersionError
from gcg_quant.events import Lane, Tick, World

pytestmark = pytest.mark.no_fold("its events are made up, and add up to nothing")

ROOT = Path(__file__).resolve().parents[2]


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = _module(ROOT / "tests/golden/make_format_1.py")
plain = _module(ROOT / "tests/gcg_quant/plain_reader.py")


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """Return a fresh copy of the kept journal, as any machine but the one that wrote it sees it."""
    with tarfile.open(ROOT / "tests/golden/format-1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    _started_anew(tmp_path / "format-1")
    return tmp_path / "format-1"


def _started_anew(folder: Path, clean: bool = True) -> None:
    state = bytearray((folder / "bus.state").read_bytes())
    assert struct.unpack_from("<I", state, 80) == (1,)
    state[32:80] = b"another boot".ljust(48, b"\0")
    struct.pack_into("<I", state, 80, clean)
    (folder / "bus.state").write_bytes(state)


@pytest.fixture
def expected(golden: Path) -> dict[str, Any]:
    """Return what the kept journal holds."""
    facts: dict[str, Any] = json.loads((golden / "expected.json").read_text())
    return facts


def test_todays_code_reads_every_event_of_format_1(golden: Path, expected: dict[str, Any]) -> None:
    """Every event comes back with id, time, cause, source, flags and each field it had; what was added since has its default."""
    with EventBus(golden, create=False, read_only=True) as bus:
        assert (int(bus.world), bus.bus_id, bus.epoch) == (World.BACKTEST, expected["bus_id"], 2)
        assert bus.epoch_reports() == []
        assert [bus.head(lane) for lane in Lane] == expected["heads"]
        found = {event.id: event for event in bus.reader(start="begin")}
    assert len(found) == len(expected["events"])
    for one in expected["events"]:
        event: Any = found[one["id"]]
        flags = getattr(event, "flags", one["flags"])
        assert (type(event).__name__, event.time_ns, event.cause, event.source, flags) == (
            one["class"],
            one["time_ns"],
            one["cause"],
            one["source"],
            one["flags"],
        )
        fields = maker.describe(event)
        assert {name: fields[name] for name in one["fields"]} == one["fields"]
    assert {record["name"] for record in _native.record_schema()} <= {one["class"] for one in expected["events"]}


def test_todays_code_goes_on_in_a_bus_of_format_1(golden: Path, expected: dict[str, Any]) -> None:
    """Tables and the durable cursor are what they were, pages are whole, and the next event gets the next seq."""
    assert all(page["damage"] == "" for page in journal_check.verify(golden))
    assert all(len(list((golden / lane.name.lower()).glob("*.page"))) >= 3 for lane in Lane)
    epochs = journal_check.survey(golden)[Lane.MARKET].epochs
    assert [epoch.number for epoch in epochs] == [1, 2]
    with EventBus(golden, create=False, source="today") as bus:
        terms = {f"{one.symbol}@{one.venue}": one.tick_size for one in bus.instruments}
        assert terms == {name: facts["tick_size"] for name, facts in expected["instruments"].items()}
        assert {name: bus.instruments.number(*name.split("@")) for name in terms} == {
            name: facts["number"] for name, facts in expected["instruments"].items()
        }
        with bus.reader("recorder", durable=True, events=[Tick]) as reader:
            assert [reader.cursor.control, reader.cursor.market, reader.cursor.log] == expected["cursor"][1:]
            (left,) = reader.read_many(1)
            assert left.seq == expected["cursor"][2]  # in the middle of a batch
        head = expected["heads"][Lane.MARKET]
        assert bus.publish(Tick(symbol="BTC/USDT", venue="SIM")) & 0xFFFF_FFFF == head
    assert all(page["damage"] == "" for page in journal_check.verify(golden))


def test_today_recovers_a_bus_of_format_1_after_a_power_loss(golden: Path, expected: dict[str, Any]) -> None:
    """Its lanes are walked from their marks, a new epoch begins, and no event is missing."""
    _started_anew(golden, clean=False)
    with EventBus(golden, create=False, read_only=True) as bus:
        assert bus.epoch == 3
        reports = bus.epoch_reports()
        assert len(reports) == 3
        assert not any("were cut" in report for report in reports)
        assert len(list(bus.reader(start="begin"))) == len(expected["events"])


def test_another_format_is_refused_with_both_versions(golden: Path) -> None:
    """A bus of a later format is not touched; the sentence names its version and ours."""
    meta = bytearray((golden / "bus.meta").read_bytes())
    meta[8] = 9
    meta[48:52] = plain.crc32c(meta[:48]).to_bytes(4, "little")
    (golden / "bus.meta").write_bytes(meta)
    with pytest.raises(JournalVersionError, match="frame format 9, this program reads format 1"):
        EventBus(golden, create=False)
    with pytest.raises(JournalVersionError, match="frame format 9"):
        journal_check.verify(golden)


def test_plain_reader_is_short() -> None:
    """The model for other languages stays something to read over a coffee."""
    assert len((ROOT / "tests/gcg_quant/plain_reader.py").read_text().splitlines()) <= 60


def _agree(folder: Path) -> int:
    # Whether the plain reader finds what the native one finds; returns how many records.
    with EventBus(folder, create=False, read_only=True) as bus:
        native = {event.id: event for event in bus.reader(start="begin")}
        count = 0
        for lane in Lane:
            for seq, time_ns, cause, flags, source, name, fields in plain.records(folder, lane.name.lower()):
                event: Any = native[int(lane) << 60 | seq]
                count += 1
                assert (type(event).__name__, event.time_ns, event.cause, event.source) == (name, time_ns, cause, bus.source_name(source))
                if isinstance(fields, bytes):
                    assert msgspec.msgpack.decode(fields) == msgspec.msgpack.decode(msgspec.msgpack.encode(_bare(event)))
                    continue
                assert event.flags == flags
                assert bus.instruments.name(fields.pop("instrument")[0]) == (event.symbol, event.venue)
                for field, values in fields.items():
                    value = getattr(event, field)
                    text = isinstance(value, str)
                    assert repr([values[0].rstrip(b"\0").decode()] if text else list(values)) == repr(_numbers(value)), (name, field)
        assert count == len(native)
    return count


def _bare(event: Any) -> Any:
    return msgspec.structs.replace(event, id=0, time_ns=0, cause=0, source="")


def _numbers(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value]
    return [float(one) if isinstance(one, float) else int(one) for one in (value if isinstance(value, tuple) else (value,))]


def test_plain_reader_agrees_with_the_native_one(golden: Path, expected: dict[str, Any]) -> None:
    """All lanes, page turns, batches, an epoch's begin: sixty lines from the documentation alone find the same."""
    assert _agree(golden) == len(expected["events"])


def test_plain_reader_passes_over_what_was_lost(golden: Path, expected: dict[str, Any], tmp_path: Path) -> None:
    """In a copy that was saved from damage both readers go on behind the hole."""
    (golden / "market" / "0000000002.page").unlink()
    report = copy_journal(golden, tmp_path / "saved")
    assert report.holes
    assert _agree(tmp_path / "saved") == len(expected["events"]) - sum(hole.records for hole in report.holes)


def test_plain_reader_notices_any_flipped_byte(golden: Path) -> None:
    """Headers, frames and markers are all covered by a checksum."""
    path = golden / "market" / "0000000001.page"
    whole = path.read_bytes()
    (length,) = struct.unpack_from("<I", whole, 128)
    for offset in (0, 8, 17, 33, 57, 65, 73, 81, 85, 128, 132, 136, 150, 170, 176, 128 + length - 1):
        damaged = bytearray(whole)
        damaged[offset] ^= 4
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"0000000001\.page"):
            list(plain.frames(golden / "market"))
