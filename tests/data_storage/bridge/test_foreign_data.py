"""Whatever else stands in the stream is refused in one sentence, nothing of it comes onto the bus, and what follows arrives."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from gcg_quant.events import OrderCommand, Tick

from .conftest import Host, MakeHost
from .test_crossing_over import prices, tick

WaitFor = Callable[..., None]
HEADER = struct.Struct("<IIQqQIHHHHI")
HEADING = {"v": 1, "bus": "f" * 32, "epoch": 1, "world": 2, "lane": 1, "prev": 0, "last": 1, "sources": {"1": "x"}}


def frame(type_number: int, payload: bytes) -> bytes:
    """Return a frame of one event."""
    return HEADER.pack(48 + len(payload), 0, 1, 0, 0, 0, type_number, 1, 0, 1, 1) + payload


@pytest.fixture
def near(make_host: MakeHost) -> Host:
    """Return a host that receives."""
    host = make_host("near")
    host.receive("hk1")
    return host


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"something": b"else"}, "it is no entry of a bridge"),
        ({"h": b"{}", "f": b""}, "it is no entry of a bridge"),
        ({"h": {**HEADING, "lane": 7}, "f": b""}, "it is no entry of a bridge"),
        ({"h": {**HEADING, "v": 2, "new": 1}, "f": b""}, "newer release (protocol 2, this one knows 1): update gcg_quant on this host"),
        ({"h": {**HEADING, "prev": 5}, "f": b""}, "it goes from seq 5 to 1 of epoch 1, which makes no sense"),
        ({"h": {**HEADING, "prev": -1}, "f": b""}, "it is no entry of a bridge"),
        ({"h": {**HEADING, "last": 1 << 70}, "f": b""}, "it is no entry of a bridge"),
        ({"h": {**HEADING, "sources": {"-1": "x"}}, "f": b""}, "it is no entry of a bridge"),
        ({"h": {**HEADING, "epochs": [[2, 0]]}, "f": b""}, "it is no entry of a bridge"),
        ({"h": HEADING, "f": b"rubbish"}, "The frame at byte 0 is cut off"),
        ({"h": HEADING, "f": frame(200, b"")}, "is of type 200, which may not cross here"),
        ({"h": HEADING, "f": frame(OrderCommand.TYPE, bytes(400))}, f"is of type {OrderCommand.TYPE}, which may not cross here"),
        ({"h": {**HEADING, "sources": {}}, "f": frame(1, bytes(216))}, "names a source without a name"),
        ({"h": {**HEADING, "instruments": {"1": {"symbol": "A"}}}, "f": frame(1, bytes(216))}, "names an instrument that makes no sense"),
        ({"h": {**HEADING, "instruments": {"1": {"symbol": "", "venue": ""}}}, "f": b"x"}, "names an instrument that makes no sense"),
    ],
)
def test_a_foreign_entry_is_refused(near: Host, make_host: MakeHost, wait_for: WaitFor, fields: dict[str, Any], sentence: str) -> None:
    """A command to trade is refused like anything else that may not cross; the real sender's events arrive all the same."""
    entry = {name: json.dumps(value).encode() if isinstance(value, dict) else value for name, value in fields.items()}
    with near.server.client() as redis:
        redis.xadd("gcg:bridge:hk1:events", entry)
        redis.rpush("gcg:bridge:hk1:requests", b"rubbish")
        redis.set("gcg:bridge:hk1:sender", json.dumps({**HEADING, "host": "x", "pid": 1, "sent": {"7": -1}}))
        redis.hset("gcg:bridge:hk1:receivers", "ghost", "rubbish")
    wait_for(lambda: bool(near.alerts()))
    assert "Bridge 'hk1' refuses an entry: " in near.alerts()[0]
    assert sentence in near.alerts()[0]
    assert near.alerts()[0].endswith(".")
    assert not near.alerts()[0].endswith("..")
    far = make_host("far")
    far.send("hk1")
    far.bus.publish(tick(1.0))
    wait_for(lambda: prices(near) == [1.0])
    assert near.events(OrderCommand) == []


def test_its_own_events_do_not_come_back(near: Host, wait_for: WaitFor) -> None:
    """A bus that receives under the name that it sends under says so, and takes nothing."""
    near.send("hk1")
    near.bus.publish(tick(1.0))
    wait_for(lambda: bool(near.alerts()))
    assert "sent by this bus itself: give what this host sends and what it receives different names" in near.alerts()[0]
    assert near.events(Tick, bridged=True) == []


def test_a_key_of_another_kind_is_named(make_host: MakeHost, wait_for: WaitFor) -> None:
    """Where something else lies under the bridge's name, nothing is overwritten, and it is told."""
    far = make_host("far")
    far.server.ask("SET", "gcg:bridge:hk1:events", "mine")
    far.send("hk1")
    far.bus.publish(tick(1.0))
    wait_for(lambda: bool(far.alerts()))
    assert "holds something else under gcg:bridge:hk1: remove those keys, or give the bridge another name" in far.alerts()[0]
    assert far.server.ask("GET", "gcg:bridge:hk1:events") == b"$4\r\nmine\r\n"


def test_senseless_requests_are_passed_over(make_host: MakeHost, wait_for: WaitFor) -> None:
    """A request for what cannot be, or for another bus, stops nobody."""
    far, near = make_host("far"), make_host("near")
    near.receive("hk1")
    far.send("hk1")
    sound = {"bus": far.bus.bus_id, "epoch": 1, "lane": 1, "seq": 0}
    for change in ({"seq": -5}, {"seq": 1 << 59}, {"lane": 7}, {"lane": 0}, {"epoch": 0}, {"epoch": 99}, {"bus": "x"}, {"seq": "x"}):
        far.server.ask("RPUSH", "gcg:bridge:hk1:requests", json.dumps({**sound, **change}))
    wait_for(lambda: far.server.ask("EXISTS", "gcg:bridge:hk1:requests") == b":0\r\n")
    far.bus.publish(tick(1.0))
    wait_for(lambda: prices(near) == [1.0])
    assert far.parts[0].state == "running"
