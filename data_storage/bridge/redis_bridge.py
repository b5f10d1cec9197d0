"""One bridge's place in Redis: the stream of its entries, the receivers' requests, and who is there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gcg_quant.errors import SettingsError, StorageError

if TYPE_CHECKING:
    import redis

__all__ = ["RedisBridge"]

_TIMEOUT_S = 2.0
_SENDER_EXPIRES_S = 10
_REQUESTS_KEPT = 100

Entry = tuple[str, bytes, bytes]  # its id, heading and frames


class RedisBridge:
    """The keys `gcg:bridge:NAME:...` of one Redis; not thread-safe: sender and receiver have one each.

    Every method raises StorageError, with `retry` in its context, when Redis cannot be reached or refuses; none shows a password.

    Args:
        name: of the bridge, the same on both hosts.
        url: redis://, rediss:// or unix://.
        password: for a URL that has none.

    Raises:
        SettingsError: the URL is none.
    """

    def __init__(self, name: str, url: str, password: str = "") -> None:
        self.name = name
        self.place = _place(url)
        self._url, self._password = url, password
        self._redis: redis.Redis | None = None
        key = f"gcg:bridge:{name}"
        self._events, self._requests, self._receivers, self._sender = (
            f"{key}:{part}" for part in ("events", "requests", "receivers", "sender")
        )
        self._client()  # a URL that is none shall be told at once

    # ---- the sender's side

    def send(self, heading: bytes, frames: bytes, keep: int) -> str:
        """Append an entry, of which and of older ones `keep` stay; return its id."""
        entry: bytes = self._call("xadd", self._events, {b"h": heading, b"f": frames}, maxlen=keep, approximate=False)
        return entry.decode()

    def size(self) -> tuple[int, int]:
        """Return how many entries there are, and about how many bytes of memory they take."""
        with self._guarded():
            count, used = self._client().xlen(self._events), self._client().memory_usage(self._events, samples=16)
        return int(count or 0), int(used or 0)

    def first(self) -> str:
        """Return the id of the oldest entry, or "" if there is none."""
        found = self._call("xrange", self._events, count=1)
        return found[0][0].decode() if found else ""

    def look(self) -> tuple[list[bytes], dict[str, bytes], bytes | None]:
        """Take the requests, and return them with what the receivers say of themselves, and what the present sender does."""
        with self._guarded():
            pipe = self._client().pipeline()
            pipe.lrange(self._requests, 0, -1)
            pipe.delete(self._requests)
            pipe.hgetall(self._receivers)
            pipe.get(self._sender)
            requests, _, receivers, sender = pipe.execute()
        return requests, {name.decode(errors="replace"): value for name, value in receivers.items()}, sender

    def say_sender(self, text: bytes) -> None:
        """Say who sends; it is forgotten after some seconds."""
        self._call("set", self._sender, text, ex=_SENDER_EXPIRES_S)

    def leave_sender(self) -> None:
        """Let another host send under this name at once."""
        self._call("delete", self._sender)

    def forget_receiver(self, receiver: str) -> None:
        """Take a receiver out that is gone for good."""
        self._call("hdel", self._receivers, receiver)

    # ---- the receiver's side

    def entries(self, after: str, timeout_s: float, count: int = 64) -> list[Entry]:
        """Return entries behind one, waiting for the first; those that a bridge has not written have an empty heading."""
        found = self._call("xread", {self._events: after}, count=count, block=max(1, int(timeout_s * 1000)))
        return [(at.decode(), fields.get(b"h", b""), fields.get(b"f", b"")) for _, rows in found or () for at, fields in rows]

    def request(self, text: bytes) -> None:
        """Ask the sender for what is missing; it may never hear of it."""
        with self._guarded():
            pipe = self._client().pipeline()
            pipe.rpush(self._requests, text)
            pipe.ltrim(self._requests, -_REQUESTS_KEPT, -1)
            pipe.execute()

    def say_receiver(self, receiver: str, text: bytes) -> bytes | None:
        """Say how far a receiver is, and return what the sender says of itself."""
        with self._guarded():
            pipe = self._client().pipeline(transaction=False)
            pipe.hset(self._receivers, receiver, text)
            pipe.get(self._sender)
            found: bytes | None = pipe.execute()[1]
        return found

    def close(self) -> None:
        """Give the connection back."""
        if self._redis is not None:
            with contextlib.suppress(Exception):
                self._redis.close()
            self._redis = None

    # ---- inside

    def _client(self) -> redis.Redis:
        if self._redis is None:
            self._redis = self._connect()
        return self._redis

    def _connect(self) -> redis.Redis:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise SettingsError("A bridge needs the package redis: pip install redis.") from error
        options: dict[str, Any] = {"protocol": 2}  # answers in the same shape from every release of redis-py
        if self._password and not urlsplit(self._url).password:
            options["password"] = self._password
        try:
            # Who retries is the component: it has the journal behind it.
            return redis.Redis.from_url(
                self._url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(NoBackoff(), 0), **options
            )
        except ValueError as error:
            raise SettingsError(f"The URL of bridge {self.name!r} is none of Redis ({error}); such as redis://127.0.0.1:6379/0.") from error

    def _call(self, command: str, *arguments: Any, **options: Any) -> Any:
        with self._guarded():
            return getattr(self._client(), command)(*arguments, **options)

    @contextlib.contextmanager
    def _guarded(self) -> Any:
        import redis

        try:
            yield
        except redis.RedisError as error:
            self.close()  # whatever was half sent or half read stays behind
            raise StorageError(self._sentence(error), retry=True, bridge=self.name) from None

    def _sentence(self, error: Exception) -> str:
        from redis import exceptions as errors

        text = str(error).split("\n", 1)[0].strip().rstrip(".")
        if isinstance(error, errors.AuthenticationError) or text.startswith(("NOAUTH", "WRONGPASS")):
            what = "refuses the password, or wants one: set GCG_QUANT_BRIDGE__PASSWORD in the environment"
        elif isinstance(error, errors.OutOfMemoryError):
            what = "has no memory left: raise its maxmemory, or lower stream_mb"
        elif text.startswith("WRONGTYPE"):
            what = f"holds something else under gcg:bridge:{self.name}: remove those keys, or give the bridge another name"
        elif isinstance(error, errors.TimeoutError):
            what = f"did not answer within {_TIMEOUT_S:g} s"
        elif isinstance(error, errors.ConnectionError):
            what = "cannot be reached: start it, or correct the url"
        else:
            what = f"refuses: {text}"
        return f"Redis at {self.place} {what}."


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except ValueError:
        return "an impossible address"
