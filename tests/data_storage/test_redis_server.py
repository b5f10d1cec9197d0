"""The redis-server that tests use can be stopped, killed, paused and started again."""

from __future__ import annotations

from pathlib import Path

import pytest

from .redis_server import RedisServer


def test_a_server_comes_back_empty_under_the_same_url(tmp_path: Path) -> None:
    """After SIGTERM, and after a kill, it is gone; a start gives an empty one that listens where the first one did."""
    with RedisServer(tmp_path, tcp=True) as server:
        for end in (server.stop, server.kill):
            assert server.ask("SET", "a", "1") == b"+OK\r\n"
            end()
            with pytest.raises(OSError):
                server.ask("PING")
            server.start()
            assert server.ask("GET", "a") == b"$-1\r\n"
        with server.client() as client:
            assert client.ping()
            assert client.config_get("port") == {"port": str(server.port)}


def test_options_reach_the_server(tmp_path: Path) -> None:
    """A password that is asked for is one that the server knows."""
    with RedisServer(tmp_path, requirepass="s3cret") as server:
        assert server.ask("PING").startswith(b"-NOAUTH")
        with server.client() as client:
            assert client.ping()
