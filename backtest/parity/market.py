"""The market as two runs saw it: the first bar that differs, and in which bar a moment lies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..history.bars import BarArray
from .run_log import RunLog

__all__ = ["BarDifference", "TwoMarkets"]

PRICES = ("open", "high", "low", "close")
CLOSE = 1e-9  # of a price: what floats lose on their way


class BarDifference(NamedTuple):
    """A bar that the runs do not have in common: `missing` is the run that lacks it ("" if both have it, with other prices)."""

    start_ns: int
    end_ns: int
    missing: str
    text: str


class TwoMarkets:
    """Compares the bars of two runs, a symbol at a time."""

    def __init__(self, a: RunLog, b: RunLog) -> None:
        self._a, self._b = a, b
        self._found: dict[tuple[str, str], list[BarDifference]] = {}

    def first_difference(self, symbol: str, begin_ns: int, end_ns: int) -> BarDifference | None:
        """Return the first bar of a symbol that differs, of those that end from `begin_ns` to `end_ns`."""
        for place in sorted({*self._a.bars, *self._b.bars}):
            if place[0] != symbol:
                continue
            if place not in self._found:
                self._found[place] = self._compare(place)
            for one in self._found[place]:
                if begin_ns <= one.end_ns <= end_ns:
                    return one
        return None

    def bar_of(self, symbol: str, at_ns: int) -> int:
        """Return the start of the bar in which a moment lies: the newest one that had begun."""
        starts = [int(rows["start_ns"][at]) for rows in self._of(symbol) if (at := _newest(rows, at_ns)) >= 0]
        return max(starts, default=at_ns)

    def _of(self, symbol: str) -> list[BarArray]:
        return [rows for run in (self._a, self._b) for place, rows in run.bars.items() if place[0] == symbol and len(rows)]

    def _compare(self, place: tuple[str, str]) -> list[BarDifference]:
        a, b = (_bars(run, place) for run in (self._a, self._b))
        if a is None or b is None or not len(a) or not len(b):
            return []
        begin, end = max(int(a["start_ns"][0]), int(b["start_ns"][0])), min(int(a["start_ns"][-1]), int(b["start_ns"][-1]))
        a, b = (one[(one["start_ns"] >= begin) & (one["start_ns"] <= end)] for one in (a, b))
        found = [_missing(row, "a") for row in b[~np.isin(b["start_ns"], a["start_ns"])]]
        found += [_missing(row, "b") for row in a[~np.isin(a["start_ns"], b["start_ns"])]]
        left, right = a[np.isin(a["start_ns"], b["start_ns"])], b[np.isin(b["start_ns"], a["start_ns"])]
        for name in PRICES:
            other = np.flatnonzero(~np.isclose(left[name], right[name], rtol=CLOSE, atol=0.0, equal_nan=True))
            found += [_changed(left[at], right[at], name) for at in other[:1]]
        return sorted(found)


def _bars(run: RunLog, place: tuple[str, str]) -> BarArray | None:
    # A run that was told of no venue has its bars under the symbol alone.
    return next((rows for known, rows in run.bars.items() if known == place or (known[0] == place[0] and "" in (known[1], place[1]))), None)


def _newest(rows: BarArray, at_ns: int) -> int:
    return int(np.searchsorted(rows["start_ns"], at_ns, side="right")) - 1


def _missing(row: np.void, run: str) -> BarDifference:
    return BarDifference(int(row["start_ns"]), int(row["event_ns"]), run, f"run {run} has no bar from then")


def _changed(left: np.void, right: np.void, name: str) -> BarDifference:
    text = f"the bar's {name} is {left[name]:g} in run a and {right[name]:g} in run b"
    return BarDifference(int(left["start_ns"]), int(left["event_ns"]), "", text)
