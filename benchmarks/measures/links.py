"""One direction between two processes: what a transport must offer to be measured, and the bus as one."""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterator
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any, ClassVar, Protocol

from gcg_quant.bus import EventBus
from gcg_quant.reader import BusReader

from .records import trade

# A message of 96 bytes as a tick would be packed: event_ns, recv_ns, price, size, eight numbers more.
PACKED = struct.Struct("<qq10d")
MESSAGE = PACKED.pack(1, 1, 64000.0, 0.5, *(float(number) for number in range(8)))
TWO_FIELDS = struct.Struct("<2d")
FIELDS_AT = 16
assert len(MESSAGE) == 96


class Sender(Protocol):
    """The publishing end."""

    def send(self) -> None:
        """Send one message and let it go at once."""

    def send_many(self, count: int) -> None:
        """Send so many messages, one after the other, as fast as its documented way allows."""

    def close(self) -> None:
        """Give free what it holds."""


class Receiver(Protocol):
    """The reading end; each message's two fields are read."""

    def receive(self) -> None:
        """Wait for one message."""

    def receive_many(self, count: int) -> float:
        """Take so many messages and return the sum of their fields."""

    def close(self) -> None:
        """Give free what it holds."""


class Link(Protocol):
    """A transport: makes two picklable ends, each of which becomes a sender or a receiver in the process it is taken to."""

    name: ClassVar[str]
    waiting: ClassVar[str]  # "spinning" or "blocking"
    messages: ClassVar[int]  # of a throughput run
    singles: ClassVar[int]  # sent one by one for the time one way

    def serve(self, folder: Path) -> contextlib.AbstractContextManager[None]:
        """Start what both processes need."""

    def ends(self, context: SpawnContext, channel: str) -> tuple[Any, Any]:
        """Return the sending and the receiving end of a channel."""

    def sender(self, end: Any) -> Sender:
        """Return the sender of an end."""

    def receiver(self, end: Any) -> Receiver:
        """Return the receiver of an end."""


class BusSender:
    """Publishes a ready `TradeTick` (120 bytes and a header of 48) under the channel's name."""

    def __init__(self, folder: str, channel: str) -> None:
        self._bus = EventBus(folder, source=channel, sync="none")
        self._publish = self._bus.publish
        self._record = trade()

    def send(self) -> None:
        self._publish(self._record)

    def send_many(self, count: int) -> None:
        publish, record = self._publish, self._record
        for _ in itertools.repeat(None, count):
            publish(record)

    def close(self) -> None:
        self._bus.close()


class BusReceiver:
    """Reads what the channel's sender publishes."""

    def __init__(self, folder: str, channel: str, wait: str) -> None:
        self._bus = EventBus(folder, source=f"{channel}-reader", sync="none")
        self._reader: BusReader = self._bus.reader(sources={channel}, wait=wait)

    def receive(self) -> None:
        read = self._reader.read
        while (event := read(1.0)) is None:
            pass
        event.price  # type: ignore[union-attr]  # noqa: B018
        event.size  # type: ignore[union-attr]  # noqa: B018

    def receive_many(self, count: int) -> float:
        total, read_many = 0.0, self._reader.read_many
        while count > 0:
            events = read_many(1000, 1.0)
            for event in events:
                total += event.price + event.size  # type: ignore[union-attr]
            count -= len(events)
        return total

    def close(self) -> None:
        self._reader.close()
        self._bus.close()


class BusLink:
    """The bus: both directions on one bus, told apart by their source."""

    name: ClassVar[str] = "gcg_quant bus, spinning reader"
    waiting: ClassVar[str] = "spinning"
    messages: ClassVar[int] = 2_000_000
    singles: ClassVar[int] = 10_000
    wait: ClassVar[str] = "busy"

    def __init__(self) -> None:
        self._folder = ""

    @contextlib.contextmanager
    def serve(self, folder: Path) -> Iterator[None]:
        self._folder = str(folder / "bus")
        EventBus(self._folder, sync="none").close()
        yield

    def ends(self, context: SpawnContext, channel: str) -> tuple[Any, Any]:
        return (self._folder, channel), (self._folder, channel)

    def sender(self, end: Any) -> BusSender:
        return BusSender(*end)

    def receiver(self, end: Any) -> BusReceiver:
        folder, channel = end
        return BusReceiver(folder, channel, self.wait)


class BlockingBusLink(BusLink):
    """The same with a reader that sleeps on the futex."""

    name: ClassVar[str] = "gcg_quant bus, blocking reader"
    waiting: ClassVar[str] = "blocking"
    singles: ClassVar[int] = 10_000
    wait: ClassVar[str] = "adaptive"
