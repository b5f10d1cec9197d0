"""The venue's process as a test holds it: started, killed, started again on the same port and log, and told what to do wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import msgspec

from .log import VenueRecord

FOLDER = Path(__file__).resolve().parent.parent  # what must be on the path to import `fake_venue`


class VenueProcess:
    """A venue in a process of its own. With a seed it runs freely, without one it moves by steps."""

    def __init__(self, folder: Path, seed: int | None = None) -> None:
        self.log = folder / "venue.log"
        # Bound, and so nobody else's while the venue is dead; the venue alone listens there.
        self._kept = socket.socket()
        self._kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept.bind(("127.0.0.1", 0))
        weakref.finalize(self, self._kept.close)
        self.port = int(self._kept.getsockname()[1])
        self._seed = seed
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self.start()

    def start(self) -> None:
        """Start it, also one that has died; it goes on where its log ends."""
        self.kill()
        arguments = [sys.executable, "-m", "fake_venue", str(self.log), str(self.port), *([] if self._seed is None else [str(self._seed)])]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=environment())
        assert self._process.stdout is not None
        assert int(self._process.stdout.readline()) == self.port
        self._control = socket.create_connection(("127.0.0.1", self.port), 10)
        self.say({"type": "login", "role": "control"})

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Kill it by signal 9, if it still lives, and wait for its end."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout, self._control):
            if stream is not None:
                stream.close()

    def say(self, message: dict[str, Any]) -> Any:
        """Send a message on the control line and return the answer."""
        assert self._control is not None
        self._control.sendall(msgspec.json.encode(message) + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            data = self._control.recv(1 << 16)
            assert data, "the venue has died"
            line += data
        return msgspec.json.decode(line)

    def do(self, what: str, **terms: Any) -> None:
        """Give it an input, as if another client or the venue's own people did it."""
        self.say({"type": "do", "do": what, "number": 0, **terms})

    def ask(self, what: str) -> Any:
        """Return its orders, positions or cash."""
        return self.say({"type": "ask", "what": what, "number": 0})["value"]

    def fault(self, kind: str, count: int = 1) -> None:
        """Let a fault happen so often."""
        self.say({"type": "fault", "kind": kind, "count": count})

    def record(self) -> VenueRecord:
        """Return what its log says."""
        return VenueRecord(self.log)


def environment() -> dict[str, str]:
    """Return the environment of a process that imports `fake_venue`."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(FOLDER), os.environ.get("PYTHONPATH", "")]))}
