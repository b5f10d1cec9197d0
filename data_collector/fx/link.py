"""The way to a terminal: in this process (Windows), or over rpyc to the machine that has it."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import ipaddress
import socket
import threading
from typing import Any, Protocol
from urllib.parse import urlsplit

from gcg_quant.errors import CollectorError

from . import terminal as terminal_module
from .terminal import Terminal

__all__ = ["Link", "LocalLink", "RpycLink", "link_to"]

_PORT = 18812  # of rpyc's classic servers
_METHODS = ("open", "state", "symbols", "infos", "watch", "poll", "ticks", "rates")
_NO_MODULE = "has no package MetaTrader5: pip install MetaTrader5 into the Python that runs the server (Windows or Wine)."


class Link(Protocol):
    """Calls the methods of a `Terminal`."""

    def connect(self, timeout_s: float) -> None:
        """Get ready for calls. Raises OSError, or CollectorError."""

    def call(self, method: str, *terms: Any, timeout_s: float) -> Any:
        """Call a method and return what it returns; any thread. Raises OSError, or CollectorError for what the terminal's side raises."""

    def close(self) -> None:
        """End what runs; any thread; waits for nothing."""


def link_to(url: str, *, trust_network: bool = False) -> Link:
    """Return the way to an address: "rpyc://host:port", or "" for this machine's terminal, and elsewhere for rpyc on loopback.

    Raises:
        CollectorError: the address makes no sense, or is on the open network.
    """
    if not url:
        try:
            importlib.import_module("MetaTrader5")
        except ImportError:
            url = f"rpyc://127.0.0.1:{_PORT}"
        else:
            return LocalLink()
    parts = urlsplit(url)
    try:
        port = parts.port or _PORT
    except ValueError:
        port = 0
    if parts.scheme != "rpyc" or not parts.hostname or not port:
        raise CollectorError(f"A terminal's address is such as 'rpyc://127.0.0.1:{_PORT}', found {url!r}.")
    if not trust_network and not _is_loopback(parts.hostname):
        raise CollectorError(
            f"rpyc lets whoever reaches {parts.hostname}:{port} run any code there, and sends the password in clear. Lay a tunnel "
            f"(ssh -N -L {port}:127.0.0.1:{port} {parts.hostname}) and take rpyc://127.0.0.1:{port}, or set the option trust_network."
        )
    return RpycLink(parts.hostname, port)


class LocalLink:
    """A terminal on this machine."""

    def __init__(self) -> None:
        self._terminal: Terminal | None = None
        self._lock = threading.Lock()  # the package MetaTrader5 is not made for several threads

    def connect(self, timeout_s: float) -> None:
        """Load the package MetaTrader5."""
        self._terminal = Terminal(importlib.import_module("MetaTrader5"))

    def call(self, method: str, *terms: Any, timeout_s: float) -> Any:
        """Call a method."""
        terminal = self._terminal
        if terminal is None:
            raise OSError("there is no connection to the terminal")
        with self._lock:
            return getattr(terminal, method)(*terms)

    def close(self) -> None:
        """Forget the terminal, which goes on running."""
        self._terminal = None


class RpycLink:
    """A terminal behind a classic server of rpyc, as siliconmetatrader5 and mt5linux start it; each call is one round trip.

    The server can be told anything, and can tell us nothing: what it sends is data, none of our objects is open to it.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._socket: socket.socket | None = None
        self._connection: Any = None
        self._calls: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def _place(self) -> str:
        return f"the rpyc server at {self._host}:{self._port}"

    def connect(self, timeout_s: float) -> None:
        """Connect and send `Terminal` over."""
        try:
            import rpyc
        except ImportError as error:
            raise CollectorError("A terminal on another machine needs rpyc: pip install 'gcg_quant[fx]'.") from error
        opened = socket.create_connection((self._host, self._port), timeout_s)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = opened
        config = {"sync_request_timeout": timeout_s}
        with self._translated("connecting"):
            stream = rpyc.SocketStream(opened)
            self._connection = rpyc.connect_stream(stream, rpyc.core.service.MasterService, config)
            self._connection.execute(inspect.getsource(terminal_module))
            try:
                made = self._connection.eval("Terminal(__import__('MetaTrader5'))")
            except ImportError:
                raise CollectorError(f"T{self._place[1:]} {_NO_MODULE}") from None
            self._calls = {method: rpyc.async_(getattr(made, method)) for method in _METHODS}

    def call(self, method: str, *terms: Any, timeout_s: float) -> Any:
        """Call a method."""
        with self._lock, self._translated(method):
            call = self._calls.get(method)
            if call is None:
                raise OSError("there is no connection to the terminal")
            answer = call(*terms)
            answer.set_expiry(timeout_s)
            return answer.value

    def close(self) -> None:
        """Close the connection."""
        opened, self._socket = self._socket, None
        if opened is None:
            return
        self._calls = {}
        with contextlib.suppress(OSError):
            opened.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            opened.close()

    @contextlib.contextmanager
    def _translated(self, what: str) -> Any:
        # rpyc's errors, and those of the other side, as ours.
        try:
            yield
        except CollectorError:
            raise
        except EOFError:
            raise OSError(f"{self._place} closed the connection") from None
        except TimeoutError:
            raise OSError(f"{self._place} did not answer in time ({what})") from None
        except OSError as error:
            raise OSError(f"{self._place}: {error.strerror or _first_line(error)}") from None
        except Exception as error:  # whatever was raised there, or rubbish on the way
            if self._socket is None:
                raise OSError(f"the connection to {self._place} was closed") from None
            if not hasattr(error, "_remote_tb"):
                said = f"{type(error).__name__}: {_first_line(error)}"
                raise OSError(f"{self._place} does not speak rpyc 6 ({said}); version 5 differs: pip install 'rpyc>=6' there") from None
            raise CollectorError(f"T{self._place[1:]} failed ({what}): {type(error).__name__}: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    # rpyc appends the other side's traceback.
    return (str(error).strip().splitlines() or [""])[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
