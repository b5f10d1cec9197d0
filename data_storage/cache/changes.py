"""What has changed in the picture, as commands for Redis, and noting that it was sent.

A hash is set with all its fields in one command, and deleted before in the same transaction unless it holds the very same ones: whoever
reads it sees one event, whole, whatever was there before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from gcg_quant.clock import NS_PER_SECOND, now_ns

from .layout import SHAPES, Layout, entry_id
from .picture import Picture, Series, Stored

if TYPE_CHECKING:
    from gcg_quant.redis_sections import RedisSettings

    from .link import Command

__all__ = ["Changes"]

_FOR_EVER_S = 1e12
_RENEW = 0.9  # of a key's life must be left, or it is given a whole one again
_FIRST_MS = 1_000_000  # an entry's id is above 0-0: bars of 1970-01-01 00:00 and before are in no stream


class Changes:
    """Up to `most` keys that have changed, whose commands are carried out together; then comes `sent`."""

    def __init__(self, picture: Picture, layout: Layout, policy: RedisSettings, most: int = 2000) -> None:
        self._picture = picture
        self._layout = layout
        self._policy = policy
        self._ttl_s = {str(kind): life_s for kind, life_s in policy.ttl_s.items()}
        self._now_ns = now_ns()
        self._hashes = {key: picture.entries.get(key) for key in islice(picture.dirty, most)}
        self._streams = list(_up_to(picture, most))
        self._stored: dict[tuple[str, str], Stored] = {}
        self.commands: list[Command] = [*self._hash_commands(), *self._stream_commands()]

    @property
    def last(self) -> bool:
        """Whether nothing else has changed."""
        return len(self._hashes) == len(self._picture.dirty) and len(self._streams) == len(self._picture.new_bars)

    def sent(self) -> None:
        """Note that Redis has carried the commands out."""
        for key in self._hashes:
            del self._picture.dirty[key]
            self._picture.stored.pop(key, None)
        self._picture.stored.update(self._stored)
        for name in self._streams:
            series = self._picture.series[name]
            series.mark_sent()
            del self._picture.new_bars[name]

    def _hash_commands(self) -> Iterator[Command]:
        now = time.monotonic()
        for (kind, name), event in self._hashes.items():
            if kind not in self._policy.kinds:
                continue
            key, before = self._layout.hash(kind, name), self._picture.stored.get((kind, name))
            left_s = None if event is None else self._left_s(kind, event)
            if event is None or left_s is None:
                yield "DEL", key
                yield "SREM", self._layout.index(kind), name
                continue
            fields, expires_at = SHAPES[kind].packed(event), now + left_s
            if before is None or before.absent != fields.absent:
                yield "DEL", key
                yield "SADD", self._layout.index(kind), name
            elif before.expires_at > now + _RENEW * left_s:
                expires_at = before.expires_at
            yield "HSET", key, fields
            if expires_at == now + left_s and left_s < _FOR_EVER_S:
                yield "PEXPIRE", key, int(left_s * 1000)
            self._stored[kind, name] = Stored(fields.absent, expires_at)

    def _stream_commands(self) -> Iterator[Command]:
        if "bar" not in self._policy.kinds or not self._policy.bars:
            return
        for name in self._streams:
            yield from self._stream(self._layout.stream(name), self._picture.series[name])

    def _stream(self, key: str, series: Series) -> Iterator[Command]:
        left_s = self._left_s("bar", series.bars[-1])
        if series.whole or left_s is None:
            yield "DEL", key
        if left_s is None:
            return
        for bar in series.unsent():
            if bar.start_ns >= _FIRST_MS:
                yield "XADD", key, "MAXLEN", "~", self._policy.bars, entry_id(bar), SHAPES["bars"].packed(bar)
        if left_s < _FOR_EVER_S:
            yield "PEXPIRE", key, int(left_s * 1000)

    def _left_s(self, kind: str, event: Any) -> float | None:
        # How long an event may still be shown; None: its time is over, as that of an old one is when the cache is filled anew.
        life_s = self._ttl_s.get(kind)
        if life_s is None:
            return _FOR_EVER_S
        left_s = life_s - max(0, self._now_ns - event.time_ns) / NS_PER_SECOND if event.time_ns else life_s
        return left_s if left_s > 0 else None


def _up_to(picture: Picture, most: int) -> Iterator[str]:
    # Streams that have to be written anew hold hundreds of bars each: a transaction must not keep the server busy for long.
    bars = 0
    for name in picture.new_bars:
        if bars >= most:
            return
        bars += len(picture.series[name].unsent())
        yield name
