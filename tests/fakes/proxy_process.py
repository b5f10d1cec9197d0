"""`FarProxy`: a `FaultProxy` in a process of its own, so that what it holds is not counted as its test's.

python -m fakes.proxy_process --target PORT      (from the folder `tests`)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from fakes.proxy import FaultProxy


class FarProxy:
    """Forwards `127.0.0.1:port` to another port, well or badly; what it is told holds when the call returns."""

    def __init__(self, target_port: int) -> None:
        words = [sys.executable, "-m", "fakes.proxy_process", "--target", str(target_port)]
        folder = Path(__file__).resolve().parent.parent
        self._process = subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._read()["port"])

    def __enter__(self) -> FarProxy:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def accepted(self) -> int:
        """How many connections there were."""
        return int(self.do("open", say=True)["accepted"])

    def do(self, what: str, **terms: Any) -> dict[str, Any]:
        """Call a method of the proxy: "open", "refuse", "reset", "half_open", "slow", "drop"; `say` calls none. Return how it stands."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **terms}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def main() -> None:
    """Do what standard input says until it ends."""
    words = argparse.ArgumentParser()
    words.add_argument("--target", type=int, required=True)
    with FaultProxy(words.parse_args().target) as proxy:
        print(json.dumps({"port": proxy.port}), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            what, say = order.pop("do"), order.pop("say", False)
            if not say:
                getattr(proxy, what)(**order)
            print(json.dumps({"accepted": proxy.accepted, "alive": proxy.alive}), flush=True)


if __name__ == "__main__":
    main()
