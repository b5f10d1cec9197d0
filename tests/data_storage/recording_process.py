"""A process that makes recorders to be killed: each line on stdin starts one, whose pid is printed; killed children are waited for.

Imports are done once and every recorder is a fork, so that a kill costs milliseconds.
"""

from __future__ import annotations

import os
import sys
import time

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.data_storage.writing.recorder import Recorder


def record(bus_path: str, url: str) -> None:
    """Run a recorder with small batches until killed."""
    with EventBus(bus_path, source="recording", sync="none") as bus, Database(url) as database:
        recorder = Recorder(database, batch_rows=200, flush_ms=2)
        recorder.start(bus)
        while recorder.state in ("starting", "running"):
            time.sleep(0.005)


def main() -> None:
    """Fork a recorder for each line on stdin, once the killed one before it is gone with its locks."""
    bus_path, url = sys.argv[1:]
    child = 0
    for _ in sys.stdin:
        if child and not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
            raise SystemExit("a recorder ended before it was killed")
        child = os.fork()
        if child == 0:
            record(bus_path, url)
            os._exit(1)
        print(child, flush=True)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
