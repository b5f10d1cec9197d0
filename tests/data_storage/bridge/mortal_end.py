"""A process that makes ends of a bridge to be killed: each line on stdin starts one, whose pid is printed.

"send BUS NAME URL" or "receive BUS NAME URL". Imports are done once and every end is a fork, so that a kill costs milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
import time

import redis  # noqa: F401  what an end needs is imported before it is forked

from gcg_quant.bus import EventBus
from gcg_quant.crossing import USUAL
from gcg_quant.data_storage.bridge import BridgeReceiver, BridgeSender, RedisBridge
from gcg_quant.events import LogEvent


def run(what: str, path: str, name: str, url: str) -> None:
    """Be one end until killed."""
    types = (*USUAL, LogEvent)
    with EventBus(path, source=what, sync="none", create=False) as bus:
        link = RedisBridge(name, url)
        end = BridgeSender(link, types=types, stream_mb=1.0) if what == "send" else BridgeReceiver(link, types=types, begin=True)
        end.start(bus)
        while end.state in ("new", "starting", "running"):
            time.sleep(0.01)


def main() -> None:
    """Fork an end for each line on stdin."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run(*line.split())
            os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
