"""Make format-1.tar.gz: a small journal of frame format 1 for later versions to read, and expected.json, what it holds.

Run once (python tests/golden/make_format_1.py); the file is kept as it is for as long as format 1 is read. expected.json comes from what
was published, not from reading it back; only the times do.
"""

from __future__ import annotations

import json
import struct
import tarfile
import tempfile
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.events import HOT_RECORDS, Lane, LogEvent, Record, SignalEvent, StrategyControlEvent, SystemEvent, Tick, World, from_array
from gcg_quant.instruments import Instrument
from gcg_quant.schema import schema

HERE = Path(__file__).parent
_KINDS = {field["name"]: field["kind"] for record in schema()["records"] for field in record["fields"]}


def describe(event: Any) -> dict[str, Any]:
    """Return what an event says as JSON values: absent numbers are null, enumerations numbers."""
    if isinstance(event, Record):
        return {name: _plain(value) for name, value in event.to_dict().items() if name != "instrument"}
    names = [name for name in event.__struct_fields__ if name not in ("id", "time_ns", "cause", "source")]
    return {name: _plain(getattr(event, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and value != value else value


def _rows(cls: type[Record], count: int, first: int) -> np.ndarray[Any, Any]:
    # A different value in every field but enumerations.
    rows = np.zeros(count, cls.dtype)
    for place, name in enumerate(name for name in cls.dtype.names or () if name != "instrument"):
        for number in range(count):
            if cls.dtype[name].kind == "S":
                rows[name][number] = f"{name[:3]}{first + number}".encode()[: cls.dtype[name].itemsize]
            else:
                rows[name][number] = 1 if _KINDS[name] in ("enum8", "u8") else first + number + place / 4
    return rows


class _Maker:
    def __init__(self, bus: EventBus, expected: list[dict[str, Any]]) -> None:
        self.bus = bus
        self.expected = expected
        self.number = 0

    def publish(self, event: Any, source: str, cause: int = 0, backfill: bool = False) -> int:
        event_id = self.bus.publish(event, source=source, cause=cause, backfill=backfill)
        self._expect(event_id, event, source, cause, backfill)
        return event_id

    def batch(self, cls: type[Record], count: int) -> None:
        rows = _rows(cls, count, self.number)
        self.number += count
        symbols = ["BTC/USDT", "ETH/USDT"]
        rows["instrument"] = [self.bus.instruments.number(symbols[at % 2], "SIM") for at in range(count)]
        first = self.bus.publish_batch(rows, cause=3, backfill=True)
        for at in range(count):
            self._expect(first + at, from_array(rows[at : at + 1], symbols[at % 2], "SIM")[0], "maker", 3, True)

    def record(self, cls: type[Record], symbol: str, **more: Any) -> int:
        self.number += 1
        return self.publish(from_array(_rows(cls, 1, self.number), symbol, "SIM")[0], "collector", **more)

    def _expect(self, event_id: int, event: Any, source: str, cause: int, backfill: bool) -> None:
        head = {"id": event_id, "class": type(event).__name__, "source": source, "cause": cause, "flags": int(backfill)}
        self.expected.append({**head, "fields": describe(event)})


def _session(maker: _Maker, rounds: int) -> None:
    for number in range(rounds):
        for cls in HOT_RECORDS:
            cause = maker.record(cls, "BTC/USDT" if number % 2 else "沪深300", backfill=number % 3 == 0)
        maker.batch(Tick, 3)
        signal = SignalEvent(symbol="ETH/USDT", venue="SIM", strategy="cross", name="up", event_ns=number, strength=0.5)
        maker.publish(signal, "strategy 1", cause)
        control = StrategyControlEvent(action="load", file="x.py" * 400, parameters={"fast": number, "names": ["a", "ü"]}, symbols=["ES"])
        maker.publish(control, "console")
        maker.publish(SystemEvent(action="start"), "console")
        maker.publish(LogEvent(level="info", component="maker", message=f"round {number} " * 200), "maker", cause)


def _switch_off(folder: Path) -> None:
    # As a power loss leaves it: the next opening looks at everything, and begins epoch 2.
    path = folder / "bus.state"
    state = bytearray(path.read_bytes())
    state[32:80] = b"another boot".ljust(48, b"\0")
    struct.pack_into("<I", state, 80, 0)
    path.write_bytes(state)


def make(folder: Path) -> dict[str, Any]:
    """Write the bus into `folder` and return what it holds."""
    expected: list[dict[str, Any]] = []
    with EventBus(folder, world=World.BACKTEST, source="maker", page_mb=1 / 64, sync="none") as bus:
        bus.instruments.add(Instrument(symbol="BTC/USDT", venue="SIM", tick_size=0.5))
        bus.instruments.add(Instrument(symbol="ETH/USDT", venue="SIM", tick_size=0.25, description="second"))
        bus.instruments.add(Instrument(symbol="BTC/USDT", venue="SIM", tick_size=0.01, taker_fee=0.001))  # newer terms
        _session(_Maker(bus, expected), 12)
        with bus.reader("recorder", durable=True, start="begin", events=[Tick]) as reader:
            reader.read_many(3)  # within a batch
            reader.commit()
            cursor = reader.cursor
    _switch_off(folder)
    with EventBus(folder, source="maker") as bus:  # synced when it is closed: a machine that starts later trusts it
        maker = _Maker(bus, expected)
        maker.number = 1000
        _session(maker, 2)
        times = {event.id: event.time_ns for event in bus.reader(start="begin")}
        instruments = {
            f"{one.symbol}@{one.venue}": {"number": bus.instruments.number(one.symbol, one.venue), "tick_size": one.tick_size}
            for one in bus.instruments
        }
        facts = {"world": int(bus.world), "bus_id": bus.bus_id, "epoch": bus.epoch, "heads": [bus.head(lane) for lane in Lane]}
    for event in expected:
        event["time_ns"] = times[event["id"]]
    return {**facts, "instruments": instruments, "cursor": [cursor.epoch, cursor.control, cursor.market, cursor.log], "events": expected}


def main() -> None:
    """Write the file beside this script."""
    with tempfile.TemporaryDirectory() as folder:
        bus = Path(folder) / "format-1"
        facts = make(bus)
        (bus / "expected.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
        with tarfile.open(HERE / "format-1.tar.gz", "w:gz", compresslevel=9) as archive:
            archive.add(bus, "format-1", filter=_anonymous)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main()
