"""A tiny venue over loopback TCP, one JSON object a line, and the collector that reads it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from gcg_quant.data_collector.blank import RecordArray, blank
from gcg_quant.data_collector.live import ExchangeCollector
from gcg_quant.errors import CollectorError
from gcg_quant.events import Bar, TradeTick
from gcg_quant.instruments import Instrument
from gcg_quant.sections import Section, setting

_MINUTE = 60_000_000_000


class TinyVenue:
    """A server that answers {"ask": [...]} and sends what the test tells it to."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.asked: list[str] = []
        self.dropped: list[str] = []
        self.connections: list[socket.socket] = []
        self.accepted = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def send(self, *messages: dict[str, Any] | bytes) -> None:
        """Send messages on all connections."""
        data = b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in messages)
        for connection in self.connections.copy():
            connection.sendall(data)

    def trade(self, number: int, symbol: str = "A", price: float = 10.0, **more: Any) -> dict[str, Any]:
        """Return the message of a trade."""
        return {"s": symbol, "i": str(number), "t": number * 1_000_000_000, "p": price, "q": 1.0, **more}

    def cut(self) -> None:
        """Close all connections, and go on listening."""
        with self._lock:
            gone, self.connections = self.connections, []
        for connection in gone:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def close(self) -> None:
        """Close everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or a thread that accepts would keep it open
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._read, args=[connection], daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for number, line in enumerate(lines):
                if not number:  # before anybody sees what it asks for: from then on it is sent to
                    with self._lock:
                        self.connections.append(connection)
                message = json.loads(line)
                self.asked += message.get("ask", [])
                self.dropped += message.get("drop", [])
                if "ping" in message:
                    connection.sendall(b"pong\n")
        with self._lock, contextlib.suppress(ValueError):
            self.connections.remove(connection)


class TinyOptions(Section):
    """The options of the tiny venue."""

    unknown: tuple[str, ...] = setting((), "symbols that it does not have")
    speed: int = setting(1, "of nothing", ge=1)


def parse_trade(payload: bytes, recv_ns: int) -> TradeTick:
    """Return the trade of a line."""
    found = json.loads(payload)
    return TradeTick(
        symbol=found["s"], venue="tiny", event_ns=found["t"], recv_ns=recv_ns, price=found["p"], size=found["q"], trade_id=found["i"]
    )


class TinyCollector(ExchangeCollector):
    """Reads a TinyVenue at `url`, tiny://127.0.0.1:PORT."""

    Options: ClassVar[type[Section]] = TinyOptions
    options: TinyOptions
    _socket: socket.socket | None = None
    calendar = "24/7"

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        self.asked_for: list[tuple[str, int, int]] = []

    def greet(self, connection: socket.socket) -> None:
        """Log in: a test may have it hang, or refuse."""

    def dial(self) -> None:
        """Connect."""
        host, _, port = self.url.removeprefix("tiny://").partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=self.connect_s)
        self._socket.settimeout(None)
        self.greet(self._socket)
        self._socket.sendall(b'{"hello": 1}\n')

    def serve(self) -> None:
        """Read trades, and pongs."""
        assert self._socket is not None
        with self._socket.makefile("rb") as lines:
            for line in lines:
                if line == b"pong\n":
                    self.alive()
                    continue
                trade = self.parsed(parse_trade, line, self.recv_ns())
                if trade is not None:
                    self.take(trade)

    def hang_up(self) -> None:
        """Close the socket."""
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):  # it was closed by the venue
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def ask(self, symbols: Sequence[str]) -> None:
        """Subscribe."""
        self._say(ask=list(symbols))

    def drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe."""
        self._say(drop=list(symbols))

    def beat(self) -> None:
        """Ask for a pong."""
        self._say(ping=1)

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a tick size of a cent."""
        if symbol in self.options.unknown:
            raise CollectorError(f"The tiny venue has no {symbol}.")
        return Instrument(symbol=symbol, venue=self.venue, tick_size=0.01, calendar=self.calendar)

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return a bar for each minute; nothing else is kept."""
        if what != "1m":
            return None
        self.asked_for.append((symbol, start_ns, end_ns))
        starts = np.arange(start_ns - start_ns % _MINUTE, end_ns, _MINUTE)
        bars = blank(Bar, len(starts))
        bars["start_ns"], bars["event_ns"], bars["period"] = starts, starts + _MINUTE, b"1m"
        for name in ("open", "high", "low", "close", "volume"):
            bars[name] = 10.0
        return [bars]

    def _say(self, **message: Any) -> None:
        if self._socket is None:
            raise OSError("not connected")
        self._socket.sendall(json.dumps(message).encode() + b"\n")
