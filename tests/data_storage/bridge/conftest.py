"""Fixtures of the bridge tests: one redis-server a module, and hosts: a bus each, with what sends from it and receives onto it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.crossing import USUAL
from gcg_quant.data_storage.bridge import BridgeReceiver, BridgeSender, RedisBridge
from gcg_quant.events import AlertEvent, ColdEvent, Event, EventFlag, Record, World

from ..redis_server import RedisServer


class Host:
    """A machine with a bus of its own."""

    def __init__(self, path: Path, server: RedisServer, world: World = World.PAPER, page_mb: float = 1) -> None:
        self.server = server
        self.bus = EventBus(path, world=world, source=path.name, page_mb=page_mb, sync="none")
        self.parts: list[Component] = []

    def send(self, name: str, *, types: Iterable[Any] = USUAL, url: str = "", **options: Any) -> BridgeSender:
        """Start sending under a name."""
        sender = BridgeSender(RedisBridge(name, url or self.server.url), types=types, **options)
        return self._start(sender)

    def receive(self, name: str, *, types: Iterable[Any] = USUAL, url: str = "", **options: Any) -> BridgeReceiver:
        """Start receiving under a name."""
        receiver = BridgeReceiver(RedisBridge(name, url or self.server.url), types=types, **options)
        return self._start(receiver)

    def _start(self, part: Any) -> Any:
        self.parts.append(part)
        part.start(self.bus)
        return part

    def stop(self, part: Component) -> None:
        """Stop one of them."""
        self.parts.remove(part)
        assert part.stop()

    def close(self) -> None:
        """Stop all."""
        for part in self.parts:
            part.stop()
        self.bus.close()

    def events(self, *types: Any, bridged: bool | None = None) -> list[Event]:
        """Return what is on the bus, of the usual types; only what came over a bridge, or only the rest."""
        with self.bus.reader(start="begin", events=types or USUAL) as reader:
            found = list(reader)
        return [one for one in found if bridged is None or came(one) is bridged]

    def alerts(self) -> list[str]:
        """Return what a person was told."""
        return [event.message for event in self.events(AlertEvent) if isinstance(event, AlertEvent)]


def came(event: Event) -> bool:
    """Return whether an event came over a bridge."""
    return bool(event.flags & EventFlag.BRIDGED) if isinstance(event, Record) else "@" in event.source


def content(event: Event) -> tuple[Any, ...]:
    """Return all of an event that a bridge keeps, byte for byte but for the instrument's number."""
    if isinstance(event, ColdEvent):
        return (type(event).__name__, repr(event.__class__(**{name: getattr(event, name) for name in plain(event)})))
    payload = bytearray(memoryview(event))
    struct.pack_into("<I", payload, 16, 0)
    return type(event).__name__, event.symbol, event.venue, bytes(payload), event.flags & EventFlag.BACKFILL


def plain(event: ColdEvent) -> list[str]:
    """Return the names of a cold event's own fields."""
    return [name for name in event.__struct_fields__ if name not in ("id", "time_ns", "cause", "source")]


MakeHost = Callable[..., Host]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a running redis-server."""
    with RedisServer(tmp_path_factory.mktemp("redis"), tcp=True) as running:
        yield running


@pytest.fixture
def make_host(tmp_path: Path, server: RedisServer) -> Iterator[MakeHost]:
    """Return a function that makes hosts by name, on an empty Redis."""
    server.ask("FLUSHALL")
    made: list[Host] = []

    def make(name: str, world: World = World.PAPER, page_mb: float = 1) -> Host:
        made.append(Host(tmp_path / name, server, world, page_mb))
        return made[-1]

    yield make
    for host in made:
        host.close()
