"""Redis between two Python processes, over a Unix socket of a server of our own: streams and pub/sub, singly and pipelined."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any, ClassVar

import redis

from .links import FIELDS_AT, MESSAGE, TWO_FIELDS
from .redis_server import redis_server

PIPELINE = 200


class _StreamSender:
    def __init__(self, end: tuple[str, str], pipeline: int) -> None:
        path, self._channel = end
        self._redis = redis.Redis(unix_socket_path=path)
        self._pipeline = pipeline

    def _put(self, to: Any) -> None:
        to.xadd(self._channel, {b"m": MESSAGE})

    def send(self) -> None:
        self._put(self._redis)

    def send_many(self, count: int) -> None:
        if self._pipeline == 1:
            for _ in range(count):
                self._put(self._redis)
            return
        for begin in range(0, count, self._pipeline):
            with self._redis.pipeline(transaction=False) as pipe:
                for _ in range(min(self._pipeline, count - begin)):
                    self._put(pipe)
                pipe.execute()

    def close(self) -> None:
        self._redis.close()


class _PubSubSender(_StreamSender):
    def _put(self, to: Any) -> None:
        to.publish(self._channel, MESSAGE)


class _StreamReceiver:
    def __init__(self, end: tuple[str, str]) -> None:
        path, self._channel = end
        self._redis = redis.Redis(unix_socket_path=path)
        self._last: bytes = b"0"

    def _read(self, count: int) -> list[bytes]:
        while not (found := self._redis.xread({self._channel: self._last}, count=count, block=1000)):
            pass
        rows = found[0][1] if isinstance(found, list) else next(iter(found.values()))[0]
        self._last = rows[-1][0]
        return [fields[b"m"] for _, fields in rows]

    def receive(self) -> None:
        TWO_FIELDS.unpack_from(self._read(1)[0], FIELDS_AT)

    def receive_many(self, count: int) -> float:
        total, unpack = 0.0, TWO_FIELDS.unpack_from
        while count > 0:
            messages = self._read(1000)
            for message in messages:
                price, size = unpack(message, FIELDS_AT)
                total += price + size
            count -= len(messages)
        return total

    def close(self) -> None:
        self._redis.close()


class _PubSubReceiver(_StreamReceiver):
    def __init__(self, end: tuple[str, str]) -> None:
        super().__init__(end)
        self._subscription = self._redis.pubsub(ignore_subscribe_messages=True)
        self._subscription.subscribe(self._channel)
        self._subscription.get_message(timeout=1.0)  # the confirmation

    def _read(self, count: int) -> list[bytes]:
        while (message := self._subscription.get_message(timeout=1.0)) is None:
            pass
        return [message["data"]]


class _RedisLink:
    """A server of our own without persistence, on a Unix socket."""

    name: ClassVar[str]
    waiting: ClassVar[str] = "blocking"
    messages: ClassVar[int] = 20_000
    singles: ClassVar[int] = 5_000
    pipeline: ClassVar[int] = 1
    SENDER: ClassVar[type[_StreamSender]] = _StreamSender
    RECEIVER: ClassVar[type[_StreamReceiver]] = _StreamReceiver

    @contextlib.contextmanager
    def serve(self, folder: Path) -> Iterator[None]:
        # A subscriber that lags is not cut off.
        with redis_server(folder, "--client-output-buffer-limit", "pubsub", "0", "0", "0") as self._path:
            yield

    def ends(self, context: SpawnContext, channel: str) -> tuple[Any, Any]:
        return (self._path, channel), (self._path, channel)

    def sender(self, end: Any) -> _StreamSender:
        return self.SENDER(end, self.pipeline)

    def receiver(self, end: Any) -> _StreamReceiver:
        return self.RECEIVER(end)


class RedisStreamLink(_RedisLink):
    """XADD per message, XREAD with BLOCK."""

    name = "Redis Streams, XADD per message"


class RedisPipelinedStreamLink(RedisStreamLink):
    """XADD in pipelines of 200; a single message needs no pipeline, so there is no latency of its own."""

    name = f"Redis Streams, XADD in pipelines of {PIPELINE}"
    messages = 100_000
    singles = 0
    pipeline = PIPELINE


class RedisPubSubLink(_RedisLink):
    """PUBLISH per message."""

    name = "Redis pub/sub, PUBLISH per message"
    SENDER, RECEIVER = _PubSubSender, _PubSubReceiver


class RedisPipelinedPubSubLink(RedisPubSubLink):
    """PUBLISH in pipelines of 200."""

    name = f"Redis pub/sub, PUBLISH in pipelines of {PIPELINE}"
    messages = 100_000
    singles = 0
    pipeline = PIPELINE
