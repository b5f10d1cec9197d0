"""The other ways between two Python processes, each by its documented fast path with the same 96 packed bytes.

multiprocessing (Pipe, Queue), pyzmq (PUSH/PULL over ipc), iceoryx2 (publish-subscribe, nothing dropped). Redis is in `redis_peers`.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any, ClassVar

from .links import FIELDS_AT, MESSAGE, TWO_FIELDS


class _Served:
    """A link without a server."""

    waiting: ClassVar[str] = "blocking"
    messages: ClassVar[int] = 200_000
    singles: ClassVar[int] = 10_000

    @contextlib.contextmanager
    def serve(self, folder: Path) -> Iterator[None]:
        self._folder = folder
        yield

    def sender(self, end: Any) -> Any:
        return self.SENDER(end)  # type: ignore[attr-defined]

    def receiver(self, end: Any) -> Any:
        return self.RECEIVER(end)  # type: ignore[attr-defined]


class _PipeSender:
    def __init__(self, end: Connection) -> None:
        self._end = end

    def send(self) -> None:
        self._end.send_bytes(MESSAGE)

    def send_many(self, count: int) -> None:
        send = self._end.send_bytes
        for _ in itertools.repeat(None, count):
            send(MESSAGE)

    def close(self) -> None:
        self._end.close()


class _PipeReceiver:
    def __init__(self, end: Connection) -> None:
        self._end = end

    def receive(self) -> None:
        TWO_FIELDS.unpack_from(self._end.recv_bytes(), FIELDS_AT)

    def receive_many(self, count: int) -> float:
        total, receive, unpack = 0.0, self._end.recv_bytes, TWO_FIELDS.unpack_from
        for _ in itertools.repeat(None, count):
            price, size = unpack(receive(), FIELDS_AT)
            total += price + size
        return total

    def close(self) -> None:
        self._end.close()


class PipeLink(_Served):
    """multiprocessing.Pipe with send_bytes and recv_bytes."""

    name = "multiprocessing.Pipe"
    SENDER, RECEIVER = _PipeSender, _PipeReceiver

    def ends(self, context: SpawnContext, channel: str) -> tuple[Any, Any]:
        receiving, sending = context.Pipe(duplex=False)
        return sending, receiving


class _QueueSender(_PipeSender):
    def send(self) -> None:
        self._end.put(MESSAGE)  # type: ignore[attr-defined]

    def send_many(self, count: int) -> None:
        put = self._end.put  # type: ignore[attr-defined]
        for _ in itertools.repeat(None, count):
            put(MESSAGE)


class _QueueReceiver(_PipeReceiver):
    def receive(self) -> None:
        TWO_FIELDS.unpack_from(self._end.get(), FIELDS_AT)  # type: ignore[attr-defined]

    def receive_many(self, count: int) -> float:
        total, get, unpack = 0.0, self._end.get, TWO_FIELDS.unpack_from  # type: ignore[attr-defined]
        for _ in itertools.repeat(None, count):
            price, size = unpack(get(), FIELDS_AT)
            total += price + size
        return total


class QueueLink(_Served):
    """multiprocessing.Queue."""

    name = "multiprocessing.Queue"
    SENDER, RECEIVER = _QueueSender, _QueueReceiver

    def ends(self, context: SpawnContext, channel: str) -> tuple[Any, Any]:
        queue = context.Queue()
        return queue, queue


class _ZmqSender:
    def __init__(self, address: str) -> None:
        import zmq

        self._socket = zmq.Context.instance().socket(zmq.PUSH)
        self._socket.set_hwm(0)  # nothing waits for the receiver, nothing is dropped
        self._socket.connect(address)

    def send(self) -> None:
        self._socket.send(MESSAGE)

    def send_many(self, count: int) -> None:
        send = self._socket.send
        for _ in itertools.repeat(None, count):
            send(MESSAGE)

    def close(self) -> None:
        self._socket.close(linger=1000)


class _ZmqReceiver:
    def __init__(self, address: str) -> None:
        import zmq

        self._socket = zmq.Context.instance().socket(zmq.PULL)
        self._socket.set_hwm(0)
        self._socket.bind(address)

    def receive(self) -> None:
        TWO_FIELDS.unpack_from(self._socket.recv(), FIELDS_AT)

    def receive_many(self, count: int) -> float:
        total, receive, unpack = 0.0, self._socket.recv, TWO_FIELDS.unpack_from
        for _ in itertools.repeat(None, count):
            price, size = unpack(receive(), FIELDS_AT)
            total += price + size
        return total

    def close(self) -> None:
        self._socket.close(linger=0)


class ZmqLink(_Served):
    """pyzmq PUSH/PULL over ipc."""

    name = "pyzmq PUSH/PULL ipc"
    messages = 1_000_000
    SENDER, RECEIVER = _ZmqSender, _ZmqReceiver

    def ends(self, context: SpawnContext, channel: str) -> tuple[Any, Any]:
        import zmq  # noqa: F401  # says here, and not in the other process, that it is missing

        address = f"ipc://{self._folder}/{channel}"
        return address, address


class BenchTick(ctypes.Structure):
    """The message as iceoryx2 wants it: a C structure of 96 bytes."""

    _fields_ = [("event_ns", ctypes.c_int64), ("recv_ns", ctypes.c_int64), ("price", ctypes.c_double), ("size", ctypes.c_double)] + [
        (f"number{number}", ctypes.c_double) for number in range(8)
    ]


def _iceoryx_service(name: str) -> tuple[Any, Any]:
    import iceoryx2 as iox2

    iox2.set_log_level(iox2.LogLevel.Error)
    node = iox2.NodeBuilder.new().create(iox2.ServiceType.Ipc)
    service = (
        node.service_builder(iox2.ServiceName.new(name))
        .publish_subscribe(BenchTick)
        .enable_safe_overflow(False)  # a full buffer holds the publisher up, as nothing may be lost
        .subscriber_max_buffer_size(4096)
        .open_or_create()
    )
    return node, service


class _IceoryxSender:
    def __init__(self, name: str) -> None:
        import iceoryx2 as iox2

        self._node, self._service = _iceoryx_service(name)
        strategy = iox2.BackpressureStrategy.RetryUntilDelivered
        self._publisher = self._service.publisher_builder().backpressure_strategy(strategy).create()
        self._message = BenchTick.from_buffer_copy(MESSAGE)

    def send(self) -> None:
        self._publisher.send_copy(self._message)

    def send_many(self, count: int) -> None:
        send, message = self._publisher.send_copy, self._message
        for _ in itertools.repeat(None, count):
            send(message)

    def close(self) -> None:
        self._publisher.delete()


class _IceoryxReceiver:
    def __init__(self, name: str) -> None:
        self._node, self._service = _iceoryx_service(name)
        self._subscriber = self._service.subscriber_builder().buffer_size(4096).create()

    def receive(self) -> None:
        receive = self._subscriber.receive
        while (sample := receive()) is None:
            pass
        tick = sample.payload().contents
        tick.price  # noqa: B018
        tick.size  # noqa: B018

    def receive_many(self, count: int) -> float:
        total, receive = 0.0, self._subscriber.receive
        while count > 0:
            sample = receive()
            if sample is not None:
                tick = sample.payload().contents
                total += tick.price + tick.size
                count -= 1
        return total

    def close(self) -> None:
        self._subscriber.delete()


class IceoryxLink(_Served):
    """iceoryx2 publish-subscribe; the reader looks again and again, as its benchmark does."""

    name = "iceoryx2, spinning reader"
    waiting = "spinning"
    messages = 400_000
    singles = 10_000
    SENDER, RECEIVER = _IceoryxSender, _IceoryxReceiver

    def ends(self, context: SpawnContext, channel: str) -> tuple[Any, Any]:
        import iceoryx2  # noqa: F401  # says here, and not in the other process, that it is missing

        name = f"gcg_quant/{self._folder.name}/{channel}"
        return name, name
