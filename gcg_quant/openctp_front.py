"""A connection to the fronts of a futures counter: the library's API object, and its callbacks as messages in order.

The library calls back on threads of its own, connects and connects again by itself, and chooses among the fronts. So an object lives as
long as it is needed: the messages of each connection carry its number, and those of an earlier one are dropped. To end a connection that is
open but dead, it is cut from below (the library has no call for that): it notices, and connects anew.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gcg_quant.errors import CollectorError, GatewayError, SettingsError
from gcg_quant.openctp_callbacks import Message, forwarding, guarded
from gcg_quant.openctp_errors import disconnect_words, return_words
from gcg_quant.openctp_library import Library, Role
from gcg_quant.openctp_values import Fields

__all__ = ["Front", "flow_folder", "front_addresses"]

_FLOW_CONTROL = (-2, -3)
_RETRY_S = 0.25
RESUME = 1  # THOST_TERT_RESUME: the private messages from where the .con files end


class Front:
    """One API object and its messages. `wait`, `receive` and `close` are for one thread; `send`, `cut` and the state are for any.

    Args:
        library: see `load_library`.
        role: "market" or "trader".
        addresses: "tcp://host:port", one or more; the library goes from one to the next.
        folder: where the library keeps its .con files; of this connection alone.
        names: the callbacks that are wanted.
        hot: callbacks by name that get the struct itself, on the library's thread, and must copy what they need of it.
        production: whether it is a production counter; False for one of the certification systems (CTP).
        failed: is told of an exception in a hot callback: the name and the exception.
    """

    def __init__(
        self,
        library: Library,
        role: Role,
        addresses: Sequence[str],
        folder: Path,
        names: Sequence[str],
        *,
        hot: Mapping[str, Callable[[Any], None]] | None = None,
        production: bool = True,
        failed: Callable[[str, Exception], None] = lambda name, error: None,
    ) -> None:
        self.library = library
        self.role: Role = role
        self.addresses = tuple(addresses)
        self.folder = folder
        self.connection = 0  # the number of the connection that stands; 0 while none does
        self.failure = ""  # why there is none
        self.ended = False  # `close` was called
        self._names = (*names, "OnRspError")
        self._hot = dict(hot or {})
        self._production = production
        self._failed = failed
        self._api: Any = None
        self._connections = 0
        self._used = 0  # the connection that the last `wait` returned
        self._state = threading.Condition()
        self._messages: queue.SimpleQueue[tuple[int, Message]] = queue.SimpleQueue()
        self._requests = 0
        self._sending = threading.Lock()
        self._closed = threading.Event()

    # ---- the connection

    def wait(self, timeout_s: float) -> int:
        """Return the number of a connection to a front, made by then; messages of earlier ones are gone.

        Raises:
            GatewayError: no front can be reached.
        """
        if self.ended:
            raise GatewayError("the connection was given up")
        self._closed.clear()
        if self._api is None:
            self._open()
        with self._state:
            self._state.wait_for(lambda: self.connection or self._closed.is_set(), timeout_s)
            if not self.connection:
                where = " or ".join(self.addresses)
                raise GatewayError(f"no front answers at {where}{f': {self.failure}' if self.failure else ''}")
            self._used = self.connection
            return self._used

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """Return the next message of the connection that stands, None if none comes within `timeout_s`.

        Raises:
            GatewayError: the connection has ended; the message says why.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                connection, message = self._messages.get(timeout=left)
            except queue.Empty:
                return None
            if connection != self._used:
                continue
            if message.name == "OnFrontDisconnected":
                raise GatewayError(message.words)
            return message

    def cut(self, why: str = "it was hung up") -> None:
        """End the connection from below, and whatever waits for it or is half made; the library makes a new one by itself, if need be
        to another front. One that was made since is left alone."""
        self._closed.set()
        with self._state:
            newer = self.connection > self._used
            self._state.notify_all()
        if newer:
            return
        self._disconnected(why)
        peers = _peers(self.addresses)
        for descriptor in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                found = socket.socket(fileno=int(descriptor))
                try:
                    if found.getpeername()[:2] in peers:
                        found.shutdown(socket.SHUT_RDWR)
                finally:
                    found.detach()

    def close(self) -> None:
        """Let the API object go, for good."""
        self.ended = True
        self._closed.set()
        api, self._api = self._api, None
        if api is not None:
            self.library.let_go(api, self.role, self.folder, self.addresses)
            self._disconnected("it was closed")

    # ---- requests

    def struct(self, name: str, **values: Any) -> Any:
        """Return a request's struct with these fields; text too long for its field is a SettingsError."""
        made = getattr(self.library.module(self.role), name)()
        for field, value in values.items():
            try:
                setattr(made, field, value)
            except TypeError as error:
                shown = "its value" if "Password" in field or "Auth" in field else repr(value)
                raise SettingsError(f"{field} of {name} cannot be {shown}: too long, or of another kind.", field=field) from error
        return made

    def send(self, method: str, struct: Any, *, patience_s: float = 0.0, number: int = 0) -> int:
        """Send a request by `method(struct, number)` and return its number; one that flow control refuses is sent again for a while.

        Raises:
            GatewayError: it was not sent.
        """
        deadline = time.monotonic() + patience_s
        request = number or self.next_request()
        while True:
            code = self._call(method, struct, request)
            if code == 0:
                return request
            if code not in _FLOW_CONTROL or time.monotonic() >= deadline or self._closed.is_set():
                raise GatewayError(f"{method}: {return_words(code)}")
            self._closed.wait(_RETRY_S)

    def subscribe(self, method: str, symbols: Sequence[str]) -> None:
        """Call SubscribeMarketData or UnSubscribeMarketData. Raises GatewayError."""
        code = self._call(method, [symbol.encode() for symbol in symbols], len(symbols))
        if code:
            raise GatewayError(f"{method}: {return_words(code)}")

    def next_request(self) -> int:
        """Return a number for a request."""
        with self._sending:
            self._requests += 1
            return self._requests

    def expect(self, name: str, request: int, timeout_s: float, others: Callable[[Message], None] = lambda message: None) -> list[Fields]:
        """Wait for the whole answer to a request and return its structs; other messages go to `others`.

        Raises:
            GatewayError: the connection ended, or no answer came. CollectorError: the counter refuses; its `context` has the error number.
        """
        rows: list[Fields] = []
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.receive(max(0.0, deadline - time.monotonic()))
            if message is None:
                raise GatewayError(f"the counter did not answer {name.removeprefix('OnRsp')} within {timeout_s:g} s")
            if message.name not in (name, "OnRspError") or message.request != request:
                others(message)
                continue
            if message.error:
                raise CollectorError(f"{name.removeprefix('OnRsp')}: {message.words}", error=message.error)
            if message.fields is not None:
                rows.append(message.fields)
            if message.last:
                return rows

    # ---- inside

    def _open(self) -> None:
        self._api, connecting = self.library.api(self.role, self.folder, self.addresses, production=self._production)
        self.library.listen(self._api, self._callbacks())
        if connecting:
            self.cut("an earlier connection was still there")
            self._closed.clear()
            return
        if self.role == "trader":
            self._api.SubscribePrivateTopic(RESUME)
            self._api.SubscribePublicTopic(RESUME)
        for address in self.addresses:
            self._api.RegisterFront(address)
        self._api.Init()

    def _call(self, method: str, *arguments: Any) -> int:
        api = self._api
        if api is None or not self.connection:
            return -1
        return int(getattr(api, method)(*arguments))

    def _callbacks(self) -> Any:
        methods: dict[str, Any] = {name: forwarding(name, self._put) for name in self._names}
        methods |= {name: guarded(name, act, self._failed) for name, act in self._hot.items()}
        methods["OnFrontConnected"] = lambda spi: self._connected()
        methods["OnFrontDisconnected"] = lambda spi, reason: self._disconnected(disconnect_words(reason))
        return type("Callbacks", (self.library.spi(self.role),), methods)()

    def _put(self, message: Message) -> None:
        self._messages.put((self.connection, message))

    def _connected(self) -> None:
        with self._state:
            self._connections += 1
            self.connection, self.failure = self._connections, ""
            self._state.notify_all()

    def _disconnected(self, why: str) -> None:
        with self._state:
            ended, self.connection, self.failure = self.connection, 0, why
            self._state.notify_all()
        if ended:
            self._messages.put((ended, Message("OnFrontDisconnected", words=why)))


def flow_folder(home: Path, kind: str, name: str, role: Role) -> Path:
    """Return the folder for a connection's .con files, made for its owner alone."""
    folder = home / "openctp" / kind / name / role
    folder.mkdir(parents=True, exist_ok=True)
    for part in (home / "openctp", folder.parent.parent, folder.parent, folder):
        part.chmod(0o700)
    return folder


def front_addresses(texts: Sequence[str], what: str) -> tuple[str, ...]:
    """Return front addresses, checked.

    Raises:
        ValueError: there is none, or one is not "tcp://host:port".
    """
    if not texts:
        raise ValueError(f'{what} must name at least one front, such as "tcp://180.168.146.187:10211"')
    for text in texts:
        scheme, _, rest = text.partition("://")
        host, _, port = rest.rpartition(":")
        if scheme not in ("tcp", "ssl") or not host or not port.isdigit() or not 0 < int(port) < 65_536:
            raise ValueError(f'{what} must be "tcp://host:port", found {text!r}')
    return tuple(texts)


def _peers(addresses: Sequence[str]) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    for address in addresses:
        host, _, port = address.partition("://")[2].rpartition(":")
        with contextlib.suppress(OSError):
            found |= {(str(one[4][0]), int(port)) for one in socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)}
    return found
