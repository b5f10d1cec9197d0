"""API objects as the library has them: they call back on a thread of their own, connect by TCP and connect again, and take structs back."""

from __future__ import annotations

import contextlib
import queue
import select
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcg_quant.openctp_library import Library, Role
from gcg_quant.openctp_values import copied

if TYPE_CHECKING:
    from .counter import Counter

NETWORK_READ_FAILED = 0x1001


class FakeApi:
    """One API object. A request is answered by its counter; `ReqQryOrder` and the like are `request("QryOrder", ...)`."""

    def __init__(self, library: FakeLibrary, role: Role) -> None:
        self.library = library
        self.role = role
        self.counter = library.counter
        self.spi: Any = None
        self.addresses: list[tuple[str, int]] = []
        self.connected = False
        self.logged_in = False
        self.symbols: set[str] = set()
        self.topics: list[int] = []
        self.session = 0
        self.dead = False  # its connection is half-open: nothing is heard on it any more
        self._socket: socket.socket | None = None
        self._jobs: queue.SimpleQueue[tuple[float, str, tuple[Any, ...]]] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-counter-api", daemon=True)

    # ---- what the library's objects have

    def RegisterSpi(self, spi: Any) -> None:  # noqa: N802
        """Take the callbacks."""
        self.spi = spi

    def RegisterFront(self, address: str) -> None:  # noqa: N802
        """Take a front."""
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        self.addresses.append((host, int(port)))

    def SubscribePrivateTopic(self, mode: int) -> None:  # noqa: N802
        """Take the resume mode."""
        self.topics.append(mode)

    SubscribePublicTopic = SubscribePrivateTopic

    def Init(self) -> None:  # noqa: N802
        """Begin to connect."""
        self._thread.start()

    def Release(self) -> None:  # noqa: N802
        """End."""
        self._ended.set()

    def SubscribeMarketData(self, symbols: list[bytes], count: int) -> int:  # noqa: N802
        """Subscribe."""
        assert len(symbols) == count
        return self.counter.subscribe(self, [symbol.decode() for symbol in symbols])

    def UnSubscribeMarketData(self, symbols: list[bytes], count: int) -> int:  # noqa: N802
        """Unsubscribe."""
        self.symbols -= {symbol.decode() for symbol in symbols}
        return 0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("Req"):
            raise AttributeError(name)

        def request(struct: Any, number: int) -> int:
            return self.counter.request(self, name.removeprefix("Req"), copied(struct) or {}, number)

        return request

    # ---- for the counter

    def call(self, name: str, *arguments: Any) -> None:
        """Call back with these arguments, in order, while the connection stands; structs are spoilt afterwards."""
        if self.dead:
            return
        self._jobs.put((time.monotonic() + self.counter.slow_s, name, arguments))

    def drop(self) -> None:
        """End the connection from the front's side."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    # ---- inside

    def _run(self) -> None:
        turn = 0
        while not self._ended.is_set():
            address = self.addresses[turn % len(self.addresses)]
            turn += 1
            try:
                self._socket = socket.create_connection(address, 1.0)
            except OSError:
                self._ended.wait(0.02)
                continue
            while not self._jobs.empty():
                self._jobs.get()
            self.connected, self.dead = True, self.counter.halved
            self._invoke("OnFrontConnected", ())
            while not self._ended.is_set() and not self._is_cut():
                with contextlib.suppress(queue.Empty):
                    due_s, name, arguments = self._jobs.get(timeout=0.002)
                    self._ended.wait(max(0.0, due_s - time.monotonic()))
                    self._invoke(name, arguments)
            self.connected = self.logged_in = False
            self.symbols.clear()
            self._socket.close()
            if not self._ended.is_set():
                self._invoke("OnFrontDisconnected", (NETWORK_READ_FAILED,))
                self._ended.wait(0.01)

    def _is_cut(self) -> bool:
        assert self._socket is not None
        try:
            readable = select.select([self._socket], [], [], 0)[0]
            return bool(readable) and self._socket.recv(4096) == b""
        except OSError:
            return True

    def deliver(self, name: str, *arguments: Any) -> None:
        """Call back at once, on the caller's thread."""
        self._invoke(name, arguments)

    def _invoke(self, name: str, arguments: tuple[Any, ...]) -> None:
        spi = self.spi
        if spi is not None:
            getattr(spi, name)(*arguments)
        for one in arguments:
            if one is not None and not isinstance(one, int):
                spoil(one)


class FakeLibrary(Library):
    """The real library's structs and callback classes, with API objects of a fake counter."""

    def __init__(self, real: Library, counter: Counter) -> None:
        super().__init__(real.kind, real.market, real.trader)
        self.counter = counter
        counter.library = self
        self.apis: list[FakeApi] = []

    def api(self, role: Role, folder: Path, fronts: tuple[str, ...], *, production: bool = True) -> tuple[Any, bool]:
        """Return a new fake."""
        assert folder.is_dir()
        made = FakeApi(self, role)
        self.apis.append(made)
        return made, False

    def listen(self, api: Any, spi: Any) -> None:
        """Register the callbacks."""
        api.RegisterSpi(spi)

    def let_go(self, api: Any, role: Role, folder: Path, fronts: tuple[str, ...]) -> None:
        """End it."""
        api.RegisterSpi(None)
        api.Release()


def spoil(struct: Any) -> None:
    """Overwrite a struct, as the library's memory is after a callback: who kept it sees rubbish."""
    for name in copied(struct) or ():
        try:
            setattr(struct, name, "~")
        except TypeError:
            setattr(struct, name, -77)
