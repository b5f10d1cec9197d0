"""Messages between a sweep and its workers: msgpack behind four bytes of length, over pipes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

__all__ = ["FrameBuffer", "pack", "read_frames"]


def pack(message: Any) -> bytes:
    """Return the bytes of a message."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(4, "little") + body


def read_frames(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bodies that come over a stream until it is closed."""
    while len(head := stream.read(4)) == 4:
        size = int.from_bytes(head, "little")
        body = stream.read(size)
        if len(body) < size:
            return
        yield body


class FrameBuffer:
    """Collects bytes as they come, and gives out whole bodies."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies that are complete with `data`."""
        self._bytes += data
        while len(self._bytes) >= 4:
            end = 4 + int.from_bytes(self._bytes[:4], "little")
            if len(self._bytes) < end:
                return
            body = bytes(self._bytes[4:end])
            del self._bytes[:end]
            yield body
