"""The fault proxy does each fault as a network does it, and forwards well otherwise."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from fakes.proxy import FaultProxy


class Echo:
    """A server that sends back what it gets, a thousand-fold."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.run, daemon=True)]
        self.threads[0].start()

    def run(self) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=(connection,), daemon=True))
            self.threads[-1].start()

    def serve(self, connection: socket.socket) -> None:
        """Answer one caller."""
        with connection:
            try:
                while data := connection.recv(1024):
                    connection.sendall(data * 1000)
            except OSError:
                pass


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """Yield a proxy before an echo."""
    echo = Echo()
    with FaultProxy(echo.port) as made:
        yield made
    echo.listener.shutdown(socket.SHUT_RDWR)
    echo.listener.close()
    for thread in echo.threads:
        thread.join(10)


def call(proxy: FaultProxy) -> socket.socket:
    """Return a connection through the proxy that has worked once."""
    connection = socket.create_connection(("127.0.0.1", proxy.port), 10)
    connection.sendall(b"a")
    assert read(connection, 1000) == b"a" * 1000
    return connection


def read(connection: socket.socket, count: int) -> bytes:
    """Return so many bytes, fewer at an orderly end."""
    got = b""
    while len(got) < count and (data := connection.recv(count - len(got))):
        got += data
    return got


def test_it_forwards_both_ways_and_an_orderly_end(proxy: FaultProxy) -> None:
    """What is open passes all bytes, and one end's FIN reaches the other."""
    with call(proxy) as connection:
        connection.sendall(b"bc")
        assert read(connection, 2000) == b"bc" * 1000
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert proxy.forwarded == 3000
    with call(proxy) as connection:
        proxy.drop()
        assert connection.recv(1) == b""


def test_it_refuses_on_its_port_and_opens_again(proxy: FaultProxy) -> None:
    """Refusing gives ECONNREFUSED to new callers and RST to old ones; the port is the same afterwards."""
    with call(proxy) as connection:
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), 10)
    proxy.open()
    with call(proxy) as connection:
        proxy.refuse(keep=True)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), 10)
        connection.sendall(b"b")
        assert read(connection, 1000) == b"b" * 1000


def test_it_resets_in_the_middle_of_a_message(proxy: FaultProxy) -> None:
    """So many bytes of a message pass, then comes RST; the next connection is a good one unless asked otherwise."""
    with call(proxy) as connection:
        proxy.reset(after_bytes=123)
        connection.sendall(b"b")
        assert read(connection, 123) == b"b" * 123
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    call(proxy).close()
    proxy.reset(after_bytes=10, again=True)
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
            connection.sendall(b"b")
            assert read(connection, 10) == b"b" * 10
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    proxy.open()
    call(proxy).close()


def test_half_open_is_silent_for_ever(proxy: FaultProxy) -> None:
    """Nothing passes and nothing closes, on old and new connections; what was lost so stays lost."""
    with call(proxy) as old:
        proxy.half_open()
        with socket.create_connection(("127.0.0.1", proxy.port), 10) as new:
            deadline = time.monotonic() + 10
            while proxy.alive < 2 and time.monotonic() < deadline:
                time.sleep(0.001)
            proxy.open()
            for connection in (old, new):
                connection.sendall(b"b")
                connection.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    connection.recv(1)
            call(proxy).close()


def test_slow_takes_its_time(proxy: FaultProxy) -> None:
    """A thousand bytes at 4,000 a second take a quarter of a second."""
    with call(proxy) as connection:
        proxy.slow(4000)
        start = time.monotonic()
        connection.sendall(b"b")
        assert read(connection, 1000) == b"b" * 1000
        assert time.monotonic() - start > 0.15


def test_a_venue_that_is_down_resets(proxy: FaultProxy) -> None:
    """With nobody behind it the proxy resets who comes, and goes on."""
    good, proxy.target_port = proxy.target_port, 1
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", proxy.port), 10) as connection:
        connection.recv(1)
    proxy.target_port = good
    call(proxy).close()
    assert proxy.accepted == 2
