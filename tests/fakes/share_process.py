"""A fake server of this folder as a process: started, asked by lines of JSON, killed and started again on its port."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from fakes.kept_port import KeptPort


class FakeProcess:
    """`python -m fakes.MODULE --store FILE --port PORT`; what it is told over its standard input it answers in one line."""

    def __init__(self, module: str, store: dict[str, Any], folder: Path) -> None:
        self.module = module
        self.store = folder / f"{module}.json"
        self.store.write_text(json.dumps(store))
        self._kept = KeptPort()  # while it is dead, too
        self.port = self._kept.number
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start it, on the port that it had before."""
        words = [sys.executable, "-m", f"fakes.{self.module}", "--store", str(self.store), "--port", str(self.port)]
        self._process = subprocess.Popen(
            words, cwd=Path(__file__).resolve().parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert int(self._read()["port"]) == self.port

    def do(self, what: str, **words: Any) -> dict[str, Any]:
        """Tell it to do something, and return its answer."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **words}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def kill(self) -> None:
        """End it at once, with its connections."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None

    def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"fakes.{self.module} has ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer
