"""The client without gcg_quant: it sends the same records, once each, over its own death and outages of Redis."""

from __future__ import annotations

import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from gcg_quant import _native
from gcg_quant.data_storage.bridge import client as client_module
from gcg_quant.data_storage.bridge.client import _ENUMS, _TEXTS, RECORDS, BridgeClient
from gcg_quant.data_storage.bridge.client_buffer import Buffer
from gcg_quant.events import Bar, BarBasis, BarOrigin, GapEvent, Quality, Side, Tick, TradeTick, VolumeKind

from .conftest import Host, MakeHost

ROOT = Path(__file__).resolve().parents[3]
WaitFor = Callable[..., None]
SCRIPT = Path(__file__).with_name("client_process.py")
LAST = 500  # ticks of the client that is not killed


def test_layouts_are_those_of_the_records() -> None:
    """Type numbers, sizes, fields, their places and enumerations agree with the compiled records."""
    enums = {"volume_kind": VolumeKind, "quality": Quality, "aggressor": Side, "basis": BarBasis, "origin": BarOrigin}
    described = {record["name"]: record for record in _native.record_schema()}
    for name, (number, layout, fields) in RECORDS.items():
        record = described[name]
        own = [field for field in record["fields"] if field["kind"] != "reserved"]
        assert (number, layout.size, fields) == (record["type"], record["bytes"], [field["name"] for field in own])
        for at, field in enumerate(own):
            text = field["kind"] == "utf8"
            blank = [b"" if one["kind"] == "utf8" else 0 for one in own]
            blank[at] = b"\x01" if text else 1
            assert next(place for place, byte in enumerate(layout.pack(*blank)) if byte) - field["offset"] in range(field["bytes"])
            assert _TEXTS.get(field["name"]) == (field["bytes"] if text else None)
            assert (field["name"] in _ENUMS) is (field["kind"] == "enum8")
    for name, members in _ENUMS.items():
        assert members == [member.name for member in enums[name]]


def test_records_arrive_as_they_were_given(make_host: MakeHost, wait_for: WaitFor, tmp_path: Path) -> None:
    """Names, texts, enumerations and absent values arrive; equal times are counted; terms are taken over, and follow changes."""
    near = make_host("near")
    near.receive("mt5")
    near.server.ask("RPUSH", "gcg:bridge:mt5:requests", "rubbish", "[1]", "{}")  # which somebody else has left there
    near.server.ask("HSET", "gcg:bridge:mt5:receivers", "ghost", "rubbish")
    with BridgeClient("mt5", near.server.url, str(tmp_path / "client"), world="paper", source="feed") as client:
        client.instrument("EURUSD", "MT5", kind="fx", market="fx", tick_size=0.00001)
        for _ in range(2):
            client.publish("Tick", symbol="EURUSD", venue="MT5", event_ns=5, recv_ns=6, bid_price=1.1, volume_kind="day", condition="一")
        client.publish("TradeTick", symbol="BTC", venue="MT5", event_ns=7, price=1.0, size=2.0, aggressor="SELL", trade_id="x")
        client.publish("Bar", symbol="EURUSD", venue="MT5", start_ns=0, event_ns=60, period="1m", close=1.2, count=3, basis="bid")
        assert client.flush()
        wait_for(lambda: len(near.events()) == 4)
        assert client.problem == ""
    first, second, trade, bar = near.events()
    assert isinstance(first, Tick)
    assert (first.symbol, first.venue, first.event_ns, first.recv_ns, first.bid_price, first.condition) == (
        "EURUSD",
        "MT5",
        5,
        6,
        1.1,
        "一",
    )
    assert (first.volume_kind, first.source, first.ordinal) == (VolumeKind.DAY, "feed@mt5", 0)
    assert math.isnan(first.ask_price)
    assert isinstance(second, Tick)
    assert second.ordinal == 1
    assert isinstance(trade, TradeTick)
    assert (trade.price, trade.size, trade.aggressor, trade.trade_id) == (1.0, 2.0, Side.SELL, "x")
    assert isinstance(bar, Bar)
    assert (bar.start_ns, bar.end_ns, bar.period, bar.close, bar.count, bar.basis) == (0, 60, "1m", 1.2, 3, BarBasis.BID)
    assert near.bus.instruments.get("EURUSD", "MT5").tick_size == 0.00001


def test_the_feed_of_the_docs_runs(make_host: MakeHost, wait_for: WaitFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's feed, with a terminal that gives two ticks, sends them."""
    near = make_host("near")
    near.receive("mt5")
    told = iter([SimpleNamespace(time_msc=at, bid=1.0 + at, ask=2.0 + at) for at in (1, 1, 2)])

    def next_tick(symbol: str) -> SimpleNamespace:
        assert symbol == "EURUSD"
        tick = next(told, None)
        if tick is None:
            raise KeyboardInterrupt
        return tick

    monkeypatch.setitem(sys.modules, "MetaTrader5", SimpleNamespace(initialize=lambda: True, symbol_info_tick=next_tick))
    monkeypatch.setitem(sys.modules, "client", client_module)
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"^```python\n(import time.*?)^```", (ROOT / "docs/hosts.md").read_text(), re.DOTALL | re.MULTILINE)[0]
    with pytest.raises(KeyboardInterrupt):
        exec(code.replace("redis://10.0.0.5:6379/0", near.server.url), {})
    wait_for(lambda: len(near.events(Tick)) == 2)
    assert [(one.event_ns, one.bid_price) for one in near.events(Tick) if isinstance(one, Tick)] == [(1_000_000, 2.0), (2_000_000, 3.0)]


@pytest.mark.slow
def test_a_killed_client_sends_everything_once(make_host: MakeHost, wait_for: WaitFor, tmp_path: Path) -> None:
    """Killed in the middle, again and again, with Redis losing its data between: the numbered ticks arrive without a hole or a double."""
    near = make_host("near")
    near.receive("mt5", begin=True)
    copies = tmp_path / "copies"
    copies.mkdir()
    for name in ("client.py", "client_buffer.py"):
        shutil.copy(Path(client_module.__file__).with_name(name), copies)
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "redis").symlink_to(Path(redis.__file__).parent)
    command = [sys.executable, "-I", "-S", str(SCRIPT), str(copies), str(packages), near.server.url, str(tmp_path / "buffer")]
    chance = random.Random(3)
    begun: list[int] = []
    for kill in range(5):
        count = LAST if kill == 4 else 1 << 30  # only the last one comes to an end by itself
        with subprocess.Popen([*command, str(count)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            begun.append(int(process.stdout.readline()))
            if kill == 0:
                wait_for(lambda: len(near.events(Tick)) > 0)
            if kill < 4:
                time.sleep(0.02 + chance.random() * 0.08)
                os.kill(process.pid, signal.SIGKILL)
            assert process.wait(60) == (0 if kill == 4 else -signal.SIGKILL)
        if kill in (1, 3):
            near.server.ask("FLUSHALL")
    total = begun[4] + LAST
    with BridgeClient("mt5", near.server.url, str(tmp_path / "buffer"), world="paper"):  # for what is asked again
        wait_for(lambda: len(near.events(Tick)) >= total, 60.0)
    assert begun[0] == 0 < begun[3]
    assert [event.event_ns - 1_000_000 for event in near.events(Tick) if isinstance(event, Tick)] == list(range(1, total + 1))


def test_a_full_buffer_drops_the_oldest_and_tells(make_host: MakeHost, wait_for: WaitFor, tmp_path: Path) -> None:
    """While Redis is away too long, the oldest files go; the receiver gets the rest and a gap."""
    near = make_host("near")
    near.receive("mt5")
    folder = str(tmp_path / "client")
    with BridgeClient("mt5", near.server.url, folder, world="paper", buffer_mb=1.0) as client:
        client.publish("Tick", symbol="A", venue="V", event_ns=1)
        wait_for(lambda: len(near.events(Tick)) == 1)
    with BridgeClient("mt5", "redis://127.0.0.1:1/0", folder, world="paper", buffer_mb=1.0) as client:
        for at in range(2, 6002):
            client.publish("Tick", symbol="A", venue="V", event_ns=at)
        assert not client.close(0.0)
    with BridgeClient("mt5", near.server.url, folder, world="paper", buffer_mb=1.0) as client:
        assert client.last == 6001
        assert client.flush()
        wait_for(lambda: any(isinstance(one, Tick) and one.event_ns == 6001 for one in near.events(Tick)))
    times = [event.event_ns for event in near.events(Tick) if isinstance(event, Tick)]
    assert 1000 < len(times) < 6001
    assert times == [1, *range(times[1], 6002)]
    assert len(near.events(GapEvent)) == 1


def test_what_a_killed_client_left_half_written_is_cut_off(tmp_path: Path) -> None:
    """A torn or damaged end of the newest file is not sent; numbers go on behind what is whole."""
    buffer = Buffer(tmp_path, 1 << 20)
    number = buffer.number({"symbol": "A", "venue": "V"})
    for _ in range(3):
        buffer.append(1, number, 0, bytes(216))
    buffer.close()
    path = next(tmp_path.glob("*.frames"))
    data = path.read_bytes()
    path.write_bytes(data[:-100] + b"x" * 50)
    again = Buffer(tmp_path, 1 << 20)
    assert again.last == 2
    assert again.number({"symbol": "A", "venue": "V"}) == number
    assert again.append(1, number, 0, bytes(216)) == 3
    frames, first, last = again.read(1 << 20)
    assert (len(frames), first, last) == (3 * 264, 1, 3)
    assert again.read(1 << 20)[0] == b""
    assert again.go_back(1) == 2
    assert again.read(300)[1:] == (2, 2)
    with pytest.raises(OSError, match="Another client uses the folder"):
        Buffer(tmp_path, 1 << 20)
    again.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"record": "Tik"}, "There is no record 'Tik'. Did you mean 'Tick'?"),
        ({"bid_prise": 1.0}, "A Tick has no field 'bid_prise'. Did you mean 'bid_price'?"),
        ({"bid_price": "x"}, "could not convert"),
        ({"exchange": "much too long"}, "exchange has room for 8 bytes"),
        ({"volume_kind": "dya"}, "volume_kind has no value 'dya'. Did you mean 'DAY'?"),
        ({"trading_day": 1 << 40}, "holds a value of the wrong kind"),
        ({"event_ns": None}, "event_ns"),
        ({"symbol": ""}, "A symbol has 1 to 80 bytes"),
    ],
)
def test_bad_input_is_one_sentence(client: BridgeClient, arguments: dict[str, Any], sentence: str) -> None:
    """It names the record and the field, and nothing is written."""
    given = {"record": "Tick", "symbol": "A", "venue": "V", "event_ns": 1, **arguments}
    if given["event_ns"] is None:
        del given["event_ns"]
    with pytest.raises(ValueError, match=sentence.replace("?", r"\?").replace("(", r"\(")):
        client.publish(given.pop("record"), **given)
    assert client.last == 0


@pytest.fixture
def client(tmp_path: Path) -> Any:
    """Return a client whose Redis is away."""
    made = BridgeClient("x", "redis://127.0.0.1:1/0", str(tmp_path / "client"))
    yield made
    made.close(0.0)


def test_two_senders_under_one_name_are_told(make_host: MakeHost, wait_for: WaitFor, tmp_path: Path) -> None:
    """A client does not send while a bus does under the same name."""
    far: Host = make_host("far")
    far.send("mt5")
    wait_for(lambda: far.server.ask("EXISTS", "gcg:bridge:mt5:sender") == b":1\r\n")
    with BridgeClient("mt5", far.server.url, str(tmp_path / "client")) as client:
        wait_for(lambda: bool(client.problem))
        assert "another bus sends under the name 'mt5'" in client.problem
    with pytest.raises(ValueError, match="world must be 'live' or 'paper', found 'demo'"):
        BridgeClient("x", "redis://r/0", world="demo")
