"""A worker process of a sweep: takes combinations from its standard input, gives rows to its standard output.

    python -m gcg_quant.backtest.sweep.worker FOLDER

Ends at once when its standard input is closed, also in the middle of a run: whoever started it is gone, or wants nothing more.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from gcg_quant.errors import GcgQuantError

from .frames import pack, read_frames
from .runner import SweepRunner

__all__ = ["Task", "main"]


class Task(msgspec.Struct, frozen=True):
    """One combination and its place in the plan."""

    number: int
    parameters: dict[str, Any]


def main() -> int:
    """Work until the input ends; return the exit code."""
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    # A file object of our own: the interpreter waits for the lock of sys.stdin when it ends, and the thread holds that for good.
    threading.Thread(target=_receive, args=(os.fdopen(0, "rb", closefd=False), tasks), daemon=True).start()
    answers = _private_output()
    try:
        runner = SweepRunner(Path(sys.argv[1]), keep_bus=True)
    except GcgQuantError as error:
        print(error, file=sys.stderr)
        return 1
    answers.write(pack(None))  # ready
    while True:
        answers.flush()
        task = tasks.get()
        answers.write(pack(runner.run(task.number, task.parameters)))


def _receive(stream: BinaryIO, tasks: queue.SimpleQueue[Task]) -> None:
    for body in read_frames(stream):
        tasks.put(msgspec.msgpack.decode(body, type=Task))
    os._exit(0)


# What a strategy prints must not come between the rows: it goes where errors go, into the worker's log.
def _private_output() -> BinaryIO:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    sys.exit(main())
