"""The venue's process: one client at a time, and a control line for the test.

    python -m fake_venue LOG PORT [SEED]

PORT 0 picks one; the one in use is printed. It ends with its standard input. Without a SEED it only moves when a `step` says so:
deterministic. With one it runs freely: a random market, random faults, and time that passes by itself. Whatever a client has sent
before it logs in again is read before the login or never: a login ends the connections before it.
"""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from .book import Message
from .log import VenueLog

FREE_STEP_S = 0.002


class Peer:
    """A connection with what has been read of its next line."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.role = ""
        self.held = b""

    def send(self, *rows: Message) -> None:
        """Send rows; a peer that is gone hears nothing."""
        with contextlib.suppress(OSError):  # its end is read, too
            self.socket.sendall(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


class Venue:
    """Reads from all connections in turn; `faults` counts how often each fault is still to happen."""

    def __init__(self, log: Path, port: int, seed: int | None) -> None:
        self.log = VenueLog(log)
        self.book = self.log.book
        self.faults: dict[str, int] = {}
        self.chance = random.Random(seed)
        self.free = seed is not None
        self.chaos = 0.0  # how likely a fault is, each time there may be one
        self.delayed: list[tuple[float, Message]] = []
        self.price = 100
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.selector.register(self.listener, selectors.EVENT_READ, "listener")
        self.selector.register(sys.stdin, selectors.EVENT_READ, "parent")
        self.client: Peer | None = None
        self.symbols: list[str] = []

    def run(self) -> None:
        """Serve until the process ends."""
        print(self.listener.getsockname()[1], flush=True)
        due = time.monotonic()
        while True:
            for key, _ in self.selector.select(FREE_STEP_S if self.free or self.delayed else None):
                if key.data == "parent":
                    return
                if key.data == "listener":
                    connection, _address = self.listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(connection, selectors.EVENT_READ, Peer(connection))
                elif key.data.socket.fileno() >= 0:
                    self.read(key.data)
            if self.free and time.monotonic() >= due:
                due = time.monotonic() + FREE_STEP_S
                self.step_freely()
            self.send_delayed()

    # ---- connections

    def read(self, peer: Peer) -> None:
        """Read what is there, and answer each whole line."""
        try:
            data = peer.socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.hang_up(peer)
            return
        *lines, peer.held = (peer.held + data).split(b"\n")
        for line in lines:
            if peer.socket.fileno() < 0:
                return  # what it sent before it was thrown out is not read any more
            self.answer(peer, msgspec.json.decode(line))

    def hang_up(self, peer: Peer) -> None:
        """End a connection."""
        if peer.socket.fileno() >= 0:
            self.selector.unregister(peer.socket)
            peer.socket.close()
        if self.client is peer:
            self.client = None

    def answer(self, peer: Peer, message: Message) -> None:
        """Do what a message says."""
        kind = message.pop("type")
        if kind == "login":
            peer.role = message["role"]
            if peer.role == "client":
                if self.client is not None:
                    self.hang_up(self.client)
                self.client, self.delayed = peer, []
            peer.send({"type": "welcome"})
        elif kind == "do":
            self.take(peer, message)
        elif kind == "ask":
            self.tell(peer, message)
        elif kind == "fault":
            self.set_fault(message["kind"], message["count"])
            peer.send({"type": "done"})

    def take(self, peer: Peer, message: Message) -> None:
        """Take an input: write it down, apply it, report."""
        what, number = message["do"], message.pop("number", None)
        if what == "submit" and message["symbol"] not in self.symbols:
            self.symbols.append(message["symbol"])
        if what == "submit" and not message.get("foreign") and self.happens("reject"):
            message["reject"] = True
        if what == "cancel" and self.happens("fill_while_cancelling"):
            message["fill_first"] = True
        if not self.free and what == "step" and self.happens("disconnect") and self.client is not None:
            self.hang_up(self.client)
        self.die("die_before")
        reports = self.log.apply(message)
        self.die("die_after")
        self.deliver(reports)
        if number is not None:
            peer.send({"type": "answer", "number": number, "value": None})

    def tell(self, peer: Peer, message: Message) -> None:
        """Answer a question; what was delayed is told before."""
        if self.happens("silence"):
            return
        if peer is self.client:
            self.send_delayed(everything=True)
        what, value = message["what"], None
        if what == "orders":
            value = self.book.open_orders()
        elif what == "positions":
            value = self.book.positions
        elif what == "cash":
            value = self.book.cash
        elif what == "history":
            value = self.book.history(message["client_ids"])
        peer.send({"type": "answer", "number": message["number"], "value": value})

    # ---- reports and faults

    def deliver(self, reports: list[Message]) -> None:
        """Send reports to the client, as well as the faults let it."""
        for report in reports:
            order = self.book.orders.get(report["client_id"])
            if self.client is None or (order is not None and order.foreign):
                continue
            if report["kind"] == "ACCEPTED" and self.happens("lose_acknowledgement"):
                continue
            copies = 2 if self.happens("duplicate") else 1
            if self.happens("delay"):
                self.delayed.append((time.monotonic() + 0.02, report))
            elif self.client is not None:
                self.client.send(*[report] * copies)
        if self.free and reports and self.client is not None and self.happens("disconnect"):
            self.hang_up(self.client)

    def send_delayed(self, *, everything: bool = False) -> None:
        """Send the reports that have waited long enough."""
        now = time.monotonic()
        ready = [report for due, report in self.delayed if everything or due <= now]
        if ready:
            self.delayed = [one for one in self.delayed if one[1] not in ready]
            if self.client is not None:
                self.client.send(*ready)

    def set_fault(self, kind: str, count: int) -> None:
        """Let a fault happen so often from now on; "now" faults happen at once."""
        if kind == "chaos":
            self.chaos = count / 1000
        elif kind == "disconnect_now":
            if self.client is not None:
                self.hang_up(self.client)
        else:
            self.faults[kind] = count

    def die(self, kind: str) -> None:
        """Die by signal 9, if this is the input that was chosen for it."""
        self.faults[kind] = self.faults.get(kind, 0) - 1
        if self.faults[kind] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def happens(self, kind: str) -> bool:
        """Return whether a fault happens now, and count it."""
        if self.faults.get(kind, 0) > 0:
            self.faults[kind] -= 1
            return True
        return kind != "silence" and self.chaos > 0 and self.chance.random() < self.chaos

    def step_freely(self) -> None:
        """Let time pass and the market move."""
        self.price = max(50, self.price + self.chance.choice((-1, 0, 0, 1)))
        market = {one: [self.price, self.chance.randrange(1, 5), self.price + 1, self.chance.randrange(1, 5)] for one in self.symbols}
        message: dict[str, Any] = {"do": "step", "step": self.book.step + 1, "now_ns": time.time_ns(), "market": market}
        if any(one.is_open for one in self.book.orders.values()):
            self.deliver(self.log.apply(message))


def main() -> None:
    """Run a venue."""
    Venue(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None).run()
