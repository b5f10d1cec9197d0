"""A redis-server of a test's own: without persistence, on a Unix socket and, where asked for, on a free loopback port.

    @pytest.fixture(scope="module")
    def server(tmp_path_factory) -> Iterator[RedisServer]:
        with RedisServer(tmp_path_factory.mktemp("redis")) as running:
            yield running

Where the program is missing the test is skipped, or fails if CI is set.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from fakes.kept_port import KeptPort

PROGRAM = "redis-server"
_START_S = 60.0  # only a failure takes that long


class RedisServer:
    """One redis-server, which can be stopped, killed and started again, as often as wanted, under the same URL.

    Args:
        folder: for the log, and for the data where options ask for any.
        tcp: also listen on a free port of 127.0.0.1: `tcp_url`.
        options: further options, `_` for `-`: `RedisServer(folder, requirepass="x", maxmemory="2mb")`.
    """

    def __init__(self, folder: Path, *, tcp: bool = False, **options: str) -> None:
        self.folder = folder
        self._kept = KeptPort() if tcp else None  # while it is dead, too
        self.port = self._kept.number if self._kept else 0
        self.options = options
        # A socket's path may have 107 bytes, which a test's folder often exceeds.
        self._short = tempfile.mkdtemp(prefix="gcg-redis-")
        self.socket = f"{self._short}/redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its Unix socket."""
        return f"unix://{self.socket}"

    @property
    def tcp_url(self) -> str:
        """The URL of its port."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process is not None, "start() it first"
        return self._process.pid

    def start(self, **options: str) -> Self:
        """Start it, empty, and return once it answers; further options hold for this start only."""
        program = shutil.which(PROGRAM)
        if program is None and os.environ.get("CI"):
            pytest.fail(f"{PROGRAM} is not on the PATH: apt-get install redis-server")
        if program is None:
            pytest.skip(f"{PROGRAM} is not on the PATH: apt-get install redis-server")
        given = {"bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": str(self.folder), **self.options, **options}
        command = [program, "--port", str(self.port), "--unixsocket", self.socket]
        for name, value in given.items():
            command += [f"--{name.replace('_', '-')}", value]
        with open(self.folder / "redis.log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()
        return self

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a hanging one go on."""
        os.kill(self.pid, signal.SIGCONT)

    def ask(self, *words: str | bytes) -> bytes:
        """Send one command and return what the server answers, as it is (`b"+PONG\\r\\n"`); for short answers."""
        parts = [word.encode() if isinstance(word, str) else word for word in words]
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(30.0)
            link.connect(self.socket)
            link.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))
            return link.recv(1 << 16)

    def client(self, **options: Any) -> Any:
        """Return a redis-py client of the Unix socket; the caller closes it."""
        import redis

        return redis.Redis(unix_socket_path=self.socket, password=self.options.get("requirepass"), **options)

    def _wait(self) -> None:
        process = self._process
        assert process is not None
        deadline = time.monotonic() + _START_S
        while True:
            try:
                if self.ask("PING")[:1] in (b"+", b"-"):  # also -NOAUTH
                    return
            except OSError:
                pass
            words = (self.folder / "redis.log").read_text(errors="replace").splitlines()[-5:]
            assert process.poll() is None, f"{PROGRAM} ended at its start: {words}"
            assert time.monotonic() < deadline, f"{PROGRAM} does not answer: {words}"
            time.sleep(0.005)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        process.wait(_START_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        if self._kept is not None:
            self._kept.close()
        shutil.rmtree(self._short, ignore_errors=True)
