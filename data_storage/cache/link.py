"""The link to Redis: one connection, one owner of a prefix, and writes that are whole or not at all.

Before each write the owner and the number of the last write are looked at; both are watched while it is carried out. So a cache that
somebody has emptied, that lost its last writes in a failover, or that another system keeps is noticed before anything is written.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable
from typing import Any, TypeAlias

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
    WatchError,
)
from redis.retry import Retry

from gcg_quant.clock import now_ns
from gcg_quant.errors import StorageError
from gcg_quant.sections import redact

from .layout import FORMAT, SHAPES, Fields, Layout

__all__ = ["OWNER_S", "CacheLink", "Command", "open_client", "sentence"]

Command: TypeAlias = tuple[Any, ...]

OWNER_S = 5.0  # an owner that says nothing for so long is gone
ALIVE_S = 10.0  # a reader sees for so long that somebody keeps the cache up to date
_TIMEOUT_S = 1.0


def open_client(url: str, timeout_s: float = _TIMEOUT_S) -> redis.Redis:
    """Return a client that answers text and repeats nothing by itself; it connects with its first command.

    Raises:
        StorageError: the URL is none of Redis.
    """
    try:
        client = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # servers before 6.0 know no other
            command_packer=_Packer(),
        )
        client.connection_pool.make_connection()  # connects to nothing, and refuses unknown options of the URL
        return client
    except (ValueError, TypeError, RedisError) as error:
        text = f"{redact(url)!r} is no URL of Redis ({_plain(error)}): expected redis://host:port/db, rediss:// or unix:///path."
        raise StorageError(text) from None


def sentence(error: Exception, url: str) -> str:
    """Return what is wrong with the Redis of a URL, and what helps; no secret is in it."""
    where = f"Redis at {redact(url)}"
    text = _plain(error)
    if isinstance(error, AuthenticationError):
        if "NOAUTH" in text or "required" in text.lower():
            return f"{where} asks for a password: set GCG_QUANT_REDIS__URL to redis://:PASSWORD@host:port/db."
        return f"{where} refuses the user or the password: set GCG_QUANT_REDIS__URL to the right ones."
    if isinstance(error, NoPermissionError):
        return f"{where} does not allow its user what the cache needs ({text}): see the commands in docs/redis.md."
    if isinstance(error, ReadOnlyError):
        return f"{where} is a read-only replica: give the URL of its primary."
    if isinstance(error, OutOfMemoryError):
        return f"{where} is out of memory: raise its maxmemory, or keep less by [redis] kinds, bars and ttl_s."
    if isinstance(error, BusyLoadingError):
        return f"{where} is loading its data from disk."
    if isinstance(error, TimeoutError):
        hint = "; if it speaks no TLS, its URL begins with redis://" if url.startswith("rediss:") else ""
        return f"{where} does not answer in time{hint}."
    if isinstance(error, ConnectionError):
        if "ssl" in text.lower() or "certificate" in text.lower():
            return f"{where} speaks no TLS that can be trusted ({text}): use redis:// for plain text, or ?ssl_ca_certs=FILE."
        return f"{where} cannot be reached ({text})."
    if isinstance(error, ResponseError) and "DB index" in text:
        return f"{where} has no such database ({text}): change the number at the end of the URL."
    return f"{where} refuses what the cache writes ({text})."


class CacheLink:
    """One connection that writes under one prefix. One thread.

    Args:
        url: of the server.
        layout: the keys.
        facts: fields of the keys `meta` and `alive` that say whose cache it is.
    """

    def __init__(self, url: str, layout: Layout, facts: dict[str, str]) -> None:
        self.url = url
        self.name = redact(url)
        self.layout = layout
        self.written = 0  # commands
        self.known = 0  # number of the write that the server carried out last; 0: the cache is not whole
        self._number = 0  # of the last write that was tried
        self._facts = facts
        self._client = open_client(url)
        self._pipe: Any = None
        self._run = secrets.token_hex(8)
        self._me = f"{self._run} {socket.gethostname()}:{os.getpid()} bus {facts.get('bus', '')}"

    @property
    def connected(self) -> bool:
        """Whether the last thing that was tried went well."""
        return self._pipe is not None

    def connect(self) -> str:
        """Connect and become the owner of the prefix; return "", or who else is the owner.

        Raises:
            StorageError: there is no Redis, or it refuses.
        """
        try:
            taken = self._client.set(self.layout.owner, self._me, nx=True, px=int(OWNER_S * 1000))
            owner = self._me if taken else str(self._client.get(self.layout.owner) or "")
        except (RedisError, OSError) as error:
            self.close()
            raise StorageError(sentence(error, self.url), retry=True) from None
        if owner != self._me:
            self.close()
            return owner.partition(" ")[2] or "somebody"
        self._pipe = self._client.pipeline(transaction=True)
        return ""

    def holds(self) -> bool:
        """Return whether the server still holds what was written last. Raises StorageError, as `connect`."""
        with _told(self):
            return self._is_whole()

    def write(self, commands: Iterable[Command], alive: dict[str, str]) -> bool:
        """Carry out all commands in one transaction, with a sign of life; return whether the cache was as the last write left it.

        If not, nothing is written: the cache has to be filled anew, which begins with `renew`.

        Raises:
            StorageError: the connection is gone, or the server refuses; whether it was written shows after the next `connect`.
        """
        with _told(self):
            if not self._is_whole():
                return False
            try:
                self._execute(commands, alive, whole=True)
            except WatchError:  # it was lost at this moment
                return False
        return True

    def renew(self, commands: Iterable[Command], alive: dict[str, str], *, last: bool) -> None:
        """As `write`, while the cache is being filled; with `last` it counts as whole from then on."""
        with _told(self):
            self._look()
            self._execute(commands, alive, whole=last)

    def stored_keys(self) -> list[str]:
        """Return the keys of every event and index under the prefix. Raises StorageError, as `write`."""
        begins = tuple(f"{self.layout.root}:{kind}:" for kind in (*SHAPES, "index"))
        with _told(self):
            return [key for key in self._client.scan_iter(match=self.layout.pattern, count=1000) if key.startswith(begins)]

    def leave(self, alive: dict[str, str]) -> None:
        """Say that nobody keeps the cache up to date any more, and give the prefix free; the cache stays. Raises StorageError."""
        with _told(self):
            self._look()
            self._pipe.multi()
            self._pipe.hset(self.layout.alive, mapping=alive)
            self._pipe.delete(self.layout.owner)
            self._pipe.execute()

    def close(self) -> None:
        """Give the connection up."""
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.watching = False  # else it would ask a server that may be gone to watch no more
            pipe.reset()
        self._client.connection_pool.disconnect()

    def _look(self) -> str:
        # Watched from here on: a change between now and the write undoes the write.
        layout, pipe = self.layout, self._pipe
        pipe.watch(layout.owner, layout.meta)
        owner = pipe.get(layout.owner)
        if owner is None:  # it was emptied, or we were silent for too long
            pipe.unwatch()
            self._client.set(layout.owner, self._me, nx=True, px=int(OWNER_S * 1000))
            pipe.watch(layout.owner, layout.meta)
            owner = pipe.get(layout.owner)
        if owner != self._me:
            raise _Taken(str(owner or "").partition(" ")[2] or "somebody")
        return str(pipe.hget(layout.meta, "write") or "")

    def _is_whole(self) -> bool:
        whole = self._look() == f"{self._run} {self.known}" and self.known > 0
        if not whole:
            self._pipe.reset()
        return whole

    def _execute(self, commands: Iterable[Command], alive: dict[str, str], *, whole: bool) -> None:
        layout, pipe = self.layout, self._pipe
        pipe.multi()
        count = 0
        for command in commands:
            pipe.execute_command(*command)
            count += 1
        self._number += 1
        facts = {**self._facts, "format": str(FORMAT), "write": f"{self._run} {self._number}" if whole else ""}
        pipe.hset(layout.meta, mapping=facts)
        pipe.hset(layout.alive, mapping={**self._facts, **alive, "time_ns": str(now_ns())})
        pipe.pexpire(layout.alive, int(ALIVE_S * 1000))
        pipe.pexpire(layout.owner, int(OWNER_S * 1000))
        pipe.execute()
        self.known = self._number if whole else 0
        self.written += count


class _Taken(Exception):
    # Another system has become the owner of the prefix.
    pass


class _told:  # noqa: N801 - reads as `with told(...)`
    # Turns what Redis raises into one sentence, and gives the connection up.
    def __init__(self, link: CacheLink) -> None:
        self._link = link

    def __enter__(self) -> None:
        if not self._link.connected:
            raise StorageError(f"Redis at {self._link.name} is not connected: call connect() first.", retry=True)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, StorageError):
            return
        if isinstance(error, _Taken | RedisError | OSError):
            self._link.close()
            if isinstance(error, _Taken):
                raise StorageError(f"The prefix {self._link.layout.root} is kept by {error}.", retry=True, owner=str(error)) from None
            if isinstance(error, WatchError):
                raise StorageError(
                    f"Redis at {self._link.name}: another program writes under {self._link.layout.root}.", retry=True
                ) from None
            raise StorageError(sentence(error, self._link.url), retry=True) from None


class _Packer:
    # Packs commands as redis-py's own does, in a third of the time, and passes on what is packed already.
    def pack(self, *arguments: Any) -> list[bytes]:
        name, *others = arguments
        count = 0
        parts: list[bytes] = []
        for word in (*(name.split() if isinstance(name, str) else (name,)), *others):
            kind = type(word)
            if kind is Fields:
                count += word.words
                parts.append(word.packed)
                continue
            text = word.encode() if kind is str else word if kind is bytes else str(word).encode()
            count += 1
            parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
        return [b"*%d\r\n" % count, *parts]


def _plain(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    # redis-py quotes the command that failed, which may be long.
    _, mark, said = text.partition("of pipeline caused error: ")
    return (said if mark else text).rstrip(".")[:200]
