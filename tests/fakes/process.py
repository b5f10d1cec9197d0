"""`FakeVenue`: a fake venue's process as a test holds it: started, killed, started again on the same port, and told what to do wrong."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from fakes.kept_port import KeptPort

FOLDER = Path(__file__).resolve().parent


class FakeVenue:
    """Runs `tests/fakes/NAME.py` with these options; use it in a `with`."""

    def __init__(self, name: str, *options: str, port: int = 0) -> None:
        self.name = name
        self.options = options
        self._kept = KeptPort(port)  # while it is dead, too
        self.port = self._kept.number
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def __enter__(self) -> FakeVenue:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        self._kept.close()

    def start(self) -> None:
        """Start it, also one that was killed: then on the port that it had."""
        self.kill()
        command = [sys.executable, str(FOLDER / f"{self.name}.py"), "--port", str(self.port), "--parent", str(os.getpid()), *self.options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the fake {self.name} did not start"
        assert int(json.loads(line)["port"]) == self.port

    def kill(self) -> None:
        """Kill it by signal 9, if it lives, and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def do(self, what: str, /, **terms: Any) -> dict[str, Any]:
        """Give a command of `fakes.control` and return the answer."""
        return self._call("POST", json.dumps({"do": what, **terms}))

    @property
    def state(self) -> dict[str, Any]:
        """How it stands: sessions, streams, calls, faults, best prices, balances."""
        return self._call("GET", None)

    def _call(self, method: str, body: str | None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, "/control", body)
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, found
        return found
