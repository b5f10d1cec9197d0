"""A connection to baostock by its own client library, with what that lacks: timeouts, an end, and errors that are told.

The library (baostock 0.9, `baostock.util.socketutil`) keeps one connection in a module, waits for answers without a timeout, spins for ever
when the server has closed it, prints what goes wrong, and takes an answer's second page that did not come for the end of the answer.
Here its socket is one of ours: with a deadline for each answer, and an error at the end of the stream, which is kept and raised after the
call.
"""

from __future__ import annotations

import contextlib
import importlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from gcg_quant.errors import CollectorError

__all__ = ["ERRORS", "HOST", "PORT", "BaostockSession", "MalformedAnswer", "Table"]

HOST, VIP_HOST, PORT = "public-api.baostock.com", "vip-api.baostock.com", 10030  # baostock.common.contants
_ANONYMOUS = ("anonymous", "123456")
_MOST_BYTES = 256 << 20  # an answer larger than that is none

# Codes of baostock.common.contants that mean something to us.
NOT_LOGGED_IN = "10001001"
ERRORS = {
    NOT_LOGGED_IN: "not logged in",
    "10001002": "wrong user or password",
    "10001004": "this version of the client is too old: pip install -U baostock",
    "10001005": "too many logins of this account",
    "10001006": "the account may not ask this",
    "10001011": "the account or address is on the black list: too many requests",
    "10001012": "the API key has a wrong format",
    "10004011": "no such code",
    "10004013": "the dates lie outside what is kept",
    "10005001": "an error of the server",
}

_LIBRARY = threading.Lock()  # the library keeps its connection in a module: one call at a time, whoever makes it


class _Call(threading.local):
    wire: _Wire | None = None  # what the library's next `connect` is to take
    said = ""  # what it made of an exception that it caught


_call = _Call()


class Table(NamedTuple):
    """An answer: rows of texts, as long as `fields` each."""

    fields: tuple[str, ...]
    rows: list[list[str]]

    def dicts(self) -> list[dict[str, str]]:
        """Return the rows by field."""
        return [dict(zip(self.fields, row, strict=True)) for row in self.rows]


class MalformedAnswer(OSError):
    """The server's bytes are no answer; the connection is given up, since nobody knows where the next one begins."""


class BaostockSession:
    """One login at one server. Any thread may ask; calls follow each other.

    Args:
        address: (host, port); None = baostock's own.
        connect_s: how long connecting and logging in may take.
        answer_s: how long the whole answer to one request may take.
        user, password: None = anonymous, as everybody.
        api_key: of an account with the server for paying users ("bs-...").
        pause: called before each request, to keep the rate.
    """

    def __init__(
        self,
        address: tuple[str, int] | None = None,
        *,
        connect_s: float = 10.0,
        answer_s: float = 60.0,
        user: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        pause: Callable[[], object] = lambda: None,
    ) -> None:
        self._address = address or (VIP_HOST if api_key else HOST, PORT)
        self._connect_s, self._answer_s = connect_s, answer_s
        self._user, self._password = user or _ANONYMOUS[0], password or _ANONYMOUS[1]
        self._api_key = api_key
        self._pause = pause
        self._wire: _Wire | None = None
        self._closed = False
        self.requests = 0
        self.logins = 0

    @property
    def connected(self) -> bool:
        """Whether there is a connection that has not failed."""
        return self._wire is not None and self._wire.failure is None

    def login(self) -> None:
        """Connect and log in.

        Raises:
            OSError: no connection, or no answer in time. CollectorError: the server refuses the account, or the library is missing.
        """
        library = _library()
        with _LIBRARY:
            self._login(library)

    def ask(self, query: str, *words: str, **named: str) -> Table:
        """Return the whole answer to one of the library's query functions, all its pages; log in (again) where that is needed.

        Raises:
            OSError: the connection failed (MalformedAnswer: it brought rubbish), the answer is not whole. CollectorError: the server
                refuses the request.
        """
        library = _library()
        with _LIBRARY:
            for attempt in range(2):
                if not self.connected:
                    self._login(library)
                code, text, table = self._called(lambda: getattr(library, query)(*words, **named))
                if code == "0":
                    return table
                if code != NOT_LOGGED_IN or attempt:
                    break
                self._drop()  # the server has forgotten us: a new login
        raise CollectorError(f"baostock refuses {query}{words}: {ERRORS.get(code, text)} ({code}).", code=code)

    def hang_up(self) -> None:
        """End the connection and what waits for it; any thread. The next request connects again."""
        wire = self._wire
        if wire is not None:
            wire.abort("hung up")

    # ---- inside, with the library's lock

    def _login(self, library: Any) -> None:
        self._drop()
        try:
            self._wire = _Wire(self._address, self._connect_s, self._answer_s)
        except OSError as error:
            host, port = self._address
            raise ConnectionError(f"baostock at {host}:{port}: {error}") from error
        sys.modules["baostock.common.context"].apiKey = self._api_key or "0"  # type: ignore[attr-defined]
        self.logins += 1
        code, text, _ = self._called(lambda: library.login(self._user, self._password))
        if code != "0":
            self._drop()
            raise CollectorError(f"baostock refuses the login: {ERRORS.get(code, text)} ({code}).", code=code)

    def _called(self, call: Callable[[], Any]) -> tuple[str, str, Table]:
        wire = self._wire
        assert wire is not None
        wire.before = self._counted
        with _lent(wire, self._user):
            try:
                answer = call()
                rows: list[list[str]] = []
                while answer is not None and answer.error_code == "0" and answer.next():
                    rows += answer.data[answer.cur_row_num :]
                    answer.cur_row_num = len(answer.data)
                code, text = (answer.error_code, answer.error_msg) if answer is not None else ("", "the library refuses the request")
                fields = tuple(answer.fields) if answer is not None else ()
            except (LookupError, ValueError, TypeError, AttributeError) as error:
                wire.abort(f"an answer that cannot be read: {error!r}")
                raise MalformedAnswer(f"baostock: {wire.failure}; {wire.head!r}") from error
            self._judge(wire, code, fields, rows)
        return code, text, Table(fields, rows)

    def _judge(self, wire: _Wire, code: str, fields: tuple[str, ...], rows: list[list[str]]) -> None:
        # What the library swallowed: an answer that broke off looks like a short one.
        if wire.failure is not None:
            raise ConnectionError(f"baostock: {wire.failure}")
        if code.startswith("10002") or _call.said:
            wire.abort(f"an answer that cannot be read: {_call.said or code}")
        elif any(not isinstance(row, list) or len(row) != len(fields) for row in rows):
            wire.abort("rows that do not fit their fields")
        if wire.failure is not None:
            raise MalformedAnswer(f"baostock: {wire.failure}; {wire.head!r}")

    def _counted(self) -> None:
        self.requests += 1
        self._pause()

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.abort("dropped")
            self._wire = None


class _Wire:
    """What the library takes for its socket."""

    def __init__(self, address: tuple[str, int], connect_s: float, answer_s: float) -> None:
        self._socket = socket.create_connection(address, timeout=connect_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer_s = answer_s
        self._until = 0.0
        self._taken = 0
        self.failure: str | None = None
        self.head = b""  # of the last answer
        self.before: Callable[[], object] = lambda: None

    def __del__(self) -> None:
        """Who forgets to hang up leaves no connection behind."""
        if hasattr(self, "_socket"):
            self._socket.close()

    def send(self, data: bytes) -> int:
        """Send a request; its answer's time begins."""
        self.before()
        self._until, self._taken, self.head = time.monotonic() + self._answer_s, 0, b""
        try:
            self._socket.settimeout(self._answer_s)
            self._socket.sendall(data)
        except OSError as error:
            self.abort(str(error) or type(error).__name__)
            raise
        return len(data)

    def recv(self, size: int) -> bytes:
        """Return bytes of the answer; raise OSError at the end of the stream, after the deadline and for an answer without an end."""
        try:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no whole answer within {self._answer_s:g} s")
            self._socket.settimeout(left)
            data = self._socket.recv(1 << 16 if size < 1 << 16 else size)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._taken += len(data)
            if self._taken > _MOST_BYTES:
                raise ConnectionError(f"an answer of more than {_MOST_BYTES >> 20} MB")
        except OSError as error:
            self.abort(str(error) or type(error).__name__)
            raise
        if len(self.head) < 64:
            self.head += data[: 64 - len(self.head)]
        return data

    def close(self) -> None:
        """The library closes its socket after a logout."""
        self.abort("logged out")

    def abort(self, why: str) -> None:
        """End the connection; who waits in `recv` is woken. The first reason is kept."""
        self.failure = self.failure or why
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextlib.contextmanager
def _lent(wire: _Wire, user: str) -> Iterator[None]:
    # Lends the library our connection for a call; whoever else uses it in this process finds it as it was.
    context: Any = sys.modules["baostock.common.context"]
    found = {name: getattr(context, name, None) for name in ("default_socket", "user_id")}
    context.default_socket, context.user_id = wire, user
    _call.wire, _call.said = wire, ""
    try:
        yield
    finally:
        _call.wire = None
        for name, value in found.items():
            if value is None:
                context.__dict__.pop(name, None)
            else:
                setattr(context, name, value)


def _library() -> Any:
    """Return the client library: imported at the first call, made to take our sockets and to print nothing while it does."""
    try:
        library = importlib.import_module("baostock")
    except ImportError as error:
        raise CollectorError("baostock is not installed: pip install 'gcg_quant[a_shares]'.") from error
    sockets: Any = sys.modules["baostock.util.socketutil"]
    with _LIBRARY:
        if not hasattr(sockets, "_gcg_quant"):
            sockets._gcg_quant = True
            sockets.SocketUtil.instance = object.__new__(_dialler(sockets.SocketUtil))
            for name, module in list(sys.modules.items()):
                if name.startswith("baostock."):
                    module.print = _listen  # type: ignore[attr-defined]  # found before the builtin
    return library


def _dialler(plain: Any) -> Any:
    # The library asks its singleton to connect at each login: ours takes the connection that stands already.
    def connect(self: Any, api_key: str) -> None:
        if _call.wire is None:
            plain.connect(self, api_key)
        else:
            sys.modules["baostock.common.context"].default_socket = _call.wire  # type: ignore[attr-defined]

    return type("Dialler", (plain,), {"connect": connect})


def _listen(*words: object, **options: Any) -> None:
    # "login success!" and the like say nothing new; what a caught exception says, does.
    if _call.wire is None:
        print(*words, **options)
    for word in words:
        if isinstance(word, Exception):
            _call.said = _call.said or f"{type(word).__name__}: {word}"
