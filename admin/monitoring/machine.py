"""What the machine says of our processes: memory, processor time, disk space, and its clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["ClockWatch", "ProcessUse", "free_bytes", "process_use", "pss_bytes"]

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class ProcessUse(NamedTuple):
    """A process's share of memory (proportional set size: shared pages count in parts), and the processor time that it has taken."""

    memory_bytes: int
    cpu_s: float


def process_use(pids: Iterable[int], proc: Path = Path("/proc")) -> dict[int, ProcessUse]:
    """Return what each process takes; one that is gone, or whose system does not tell, is left out."""
    found = {}
    for pid in set(pids):
        try:
            found[pid] = ProcessUse(pss_bytes(proc / str(pid)), _cpu(proc / str(pid)))
        except (OSError, ValueError, IndexError):
            continue
    return found


def free_bytes(folder: Path) -> int | None:
    """Return the free space of a folder's disk, None if it cannot be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


class ClockWatch:
    """Sees the wall clock step, by a clock that does not. One thread.

    Args:
        wall_ns: the clock that may step.
        steady_ns: the one that only goes on.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, steady_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall_ns, self._steady_ns = wall_ns, steady_ns
        self._apart_ns = self._apart()

    def step_ms(self) -> float:
        """Return by how much the clock has stepped since the last call, in milliseconds: positive into the future.

        A machine that has slept steps, too. What a time server corrects slowly is no step.
        """
        apart_ns = self._apart()
        step_ns, self._apart_ns = apart_ns - self._apart_ns, apart_ns
        return step_ns / 1e6

    def _apart(self) -> int:
        # Between the two readings this thread may lose the processor, which makes the difference smaller: the best of three.
        return max(self._wall_ns() - self._steady_ns() for _ in range(3))


def pss_bytes(folder: Path) -> int:
    """Return the proportional set size of a process by its folder in /proc. Raises OSError or ValueError where no kernel tells it."""
    for line in (folder / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no Pss")


def _cpu(folder: Path) -> float:
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND
