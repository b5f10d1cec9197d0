"""A redis-server of a benchmark's own, on a Unix socket and without persistence."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis


@contextlib.contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[str]:
    """Run a redis-server in a folder; yield the path of its socket once it answers."""
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError("redis-server is not on the PATH: apt-get install redis-server")
    path = str(folder / "redis.sock")
    command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(path)
            yield path
        finally:
            server.terminate()


def _wait(path: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            redis.Redis(unix_socket_path=path).ping()
            return
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
