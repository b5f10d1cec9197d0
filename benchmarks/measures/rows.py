"""A figure with its target, and how figures are written and printed."""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

QUICK_DIVISOR = 20
MOST_SECONDS = 10.0


@dataclass(frozen=True)
class Row:
    """One line of the table; `met` is None where there is nothing to meet."""

    name: str
    figure: str
    target: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.met is None else "ok" if self.met else "missed"

    def plain(self) -> str:
        line = f"  {self.name:66} {self.figure:>26}"
        return f"{line}   {self.target:18} {self.verdict}".rstrip()

    def markdown(self) -> str:
        return f"| {self.name} | {self.figure} | {' '.join(part for part in (self.target, self.verdict) if part)} |"


@dataclass(frozen=True)
class Plan:
    """How long to measure, and whether beside others."""

    quick: bool = False
    peers: bool = True

    @property
    def runs(self) -> int:
        return 1 if self.quick else 5

    def count(self, full: int) -> int:
        """Return how many events to take where a full run takes `full`."""
        return max(full // QUICK_DIVISOR, 100) if self.quick else full

    def median(self, measure: Callable[[], float]) -> float:
        """Return the median of several runs: of fewer on a machine where they take long."""
        found: list[float] = []
        begin = time.monotonic()
        while len(found) < self.runs and (len(found) < 1 or time.monotonic() - begin < MOST_SECONDS):
            found.append(measure())
        return statistics.median(found)


@contextlib.contextmanager
def bus_folder() -> Iterator[Path]:
    """Return a fresh folder on the disk's file system, removed at the end: TMPDIR, else /var/tmp."""
    base = os.environ.get("TMPDIR") or ("/var/tmp" if os.path.isdir("/var/tmp") else None)
    with tempfile.TemporaryDirectory(prefix="gcg-bench-", dir=base, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def per_second(rate: float) -> str:
    """Write events a second: 12.3 M/s, 480 k/s."""
    if rate >= 1e6:
        return f"{rate / 1e6:.1f} M/s"
    return f"{rate / 1e3:.0f} k/s" if rate >= 1e4 else f"{rate:,.0f} /s"


def at_least(name: str, rate: float, target: float) -> Row:
    """Return a row for a rate that should reach `target` events a second."""
    return Row(name, per_second(rate), f">= {target / 1e6:g} M/s", rate >= target)


def times(name: str, ours: float, theirs: float, target: float) -> Row:
    """Return a row for how many times a peer's figure ours should be."""
    return Row(name, f"{ours / theirs:.1f}x", f">= {target:g}x", ours >= target * theirs)
