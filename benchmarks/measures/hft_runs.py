"""One engine on one scene in a process of its own: the seconds of each of several runs, what it traded, and its largest memory.

A regression means that research takes longer. The process makes the ticks, and what a peer wants of them, before the clock starts.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from .rows import Plan

SCRIPT = Path(__file__).resolve().parents[1] / "hft.py"
LONGEST_S = 300.0
MOST_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a process found; `data_mib` is the size of the ticks and `grown_mib` what a run added to the process's memory at most."""

    ticks: int
    seconds: list[float]
    orders: int = 0
    fills: int = 0
    data_mib: float = 0.0
    grown_mib: float = 0.0
    rss_mib: float = 0.0

    @property
    def rate(self) -> float:
        return self.ticks / statistics.median(self.seconds)


class NotMeasuredError(Exception):
    """A process could not run; the text says why."""


# Who can run: imported by the process that needs it, so that nobody's memory holds another.
ENGINES = {
    "ours": ("measures.hft_ours", "ours"),
    "ours memory": ("measures.hft_ours", "memory"),
    "ours journal": ("measures.hft_ours", "journal"),
    "vnpy": ("measures.hft_peers", "vnpy"),
    "nautilus": ("measures.hft_peers", "nautilus"),
    "hftbacktest": ("measures.hft_peers", "hftbacktest"),
}


def timed(run: Callable[[], Any]) -> float:
    """Return the seconds that a call took."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def repeated(runs: int, once: Callable[[], float]) -> list[float]:
    """Return the seconds of so many runs: of fewer where they take long."""
    found: list[float] = []
    while len(found) < runs and sum(found) < MOST_SECONDS:
        found.append(once())
    return found


def peak_bytes() -> int:
    """Return the largest resident set of this process since it began, or since its peak was forgotten (getrusage has its parent's, too)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def outcome(engine: str, scene: str, ticks: int, runs: int) -> dict[str, Any]:
    """Run in this process, and return the outcome, or why there is none."""
    try:
        module, name = ENGINES[engine]
        found = dataclasses.asdict(getattr(import_module(module), name)(scene, ticks, runs))
    except Exception as error:  # whatever keeps a peer from running is told in its row
        return {"error": f"{type(error).__name__}: {error}"}
    found["rss_mib"] = peak_bytes() / 2**20
    return found


def child(engine: str, scene: str, ticks: int, runs: int) -> None:
    """Be the process of one engine: print its outcome as the last line."""
    print(json.dumps(outcome(engine, scene, ticks, runs)))


def measured(plan: Plan, engine: str, scene: str, full: int) -> Outcome:
    """Return the outcome of a process of its own; raise NotMeasuredError if there is none.

    A quick plan runs few ticks in this process: starting one takes longer than that, and its figures say nothing anyhow.
    """
    ticks = plan.count(full)
    found = outcome(engine, scene, ticks, plan.runs) if plan.quick else _elsewhere(engine, scene, ticks, plan.runs)
    if "error" in found:
        raise NotMeasuredError(found["error"])
    return Outcome(**found)


def _elsewhere(engine: str, scene: str, ticks: int, runs: int) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), "--child", engine, scene, str(ticks), str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    lines = done.stdout.splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {"error": f"the process ended with {done.returncode}: {done.stderr.strip()[-200:]}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found
