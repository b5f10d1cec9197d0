"""How long the crypto gateway needs from an order request on the bus to the request on the venue's socket, and to the acknowledgement.

A regression means that every order reaches the exchange later. The venue is the fake Binance (tests/fakes) on loopback, with a proxy before
it that notes when the order's first bytes arrive; risk, journal, ccxt's signing and aiohttp are between. It does not show a network, nor a
strategy's own time: `benchmarks/system.py` has that.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"

ORDERS = 200
PAUSE_S = 0.02


class Ear:
    """A proxy that notes when each POST of an order arrives."""

    def __init__(self, port: int) -> None:
        self.arrived: list[int] = []
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            venue = socket.create_connection(("127.0.0.1", self._port))
            for end in (client, venue):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(client, venue, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(venue, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if up and data.startswith(b"POST /api/v3/order"):
                    self.arrived.append(time.time_ns())
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def main() -> None:
    """Send orders one by one, and print medians and 99th percentiles."""
    sys.path[:0] = [str(TESTS), str(TESTS / "strategy_engine")]
    from crypto.floor import Floor  # type: ignore[import-not-found]
    from fakes.process import FakeVenue

    from gcg_quant.events import Side

    with FakeVenue("binance", "--step-ms", "0", "--balance", "USDT=10000000") as fake, tempfile.TemporaryDirectory() as folder:
        fake.do("wake", symbols=["BTC/USDT"])
        fake.do("move", symbol="BTC/USDT", price=60000)
        ear = Ear(fake.port)
        floor = Floor(Path(folder), "binance", "spot", ear.port, 10_000_000.0)
        floor.start(orders_per_s=1000.0)
        floor.wait_connected()
        wire, answered = [], []
        for _ in range(ORDERS):
            begin = time.time_ns()
            name = floor.order(Side.BUY, 0.001, 59_000.0)
            accepted = floor.wait_for(name, "ACCEPTED")
            wire.append((ear.arrived[-1] - begin) / 1e6)
            answered.append((accepted.time_ns - begin) / 1e6)
            time.sleep(PAUSE_S)
        for what, found in (("request to the venue's socket", wire), ("request to ACCEPTED on the bus", answered)):
            found.sort()
            print(f"{what}: median {statistics.median(found):.2f} ms, p99 {found[int(len(found) * 0.99)]:.2f} ms, {ORDERS} orders")
        floor.close()


if __name__ == "__main__":
    main()
