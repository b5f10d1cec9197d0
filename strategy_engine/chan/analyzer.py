"""The Chan analyzer: bars in, merged bars, fractals, strokes, segments, pivots and points out.

native/include/gcg/chan.h is what works; docs/chan.md states the rules and shows how to use it.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gcg_quant import _native
from gcg_quant.errors import EventError, StrategyError, nearest

from .elements import DTYPES, KINDS

__all__ = ["DIVERGENCES", "VARIANTS", "ChanAnalyzer"]

Rows = npt.NDArray[np.void]

_SEPARATIONS = ("loss", "half", "strict")  # as native/include/gcg/chan_strokes.h numbers them
VARIANTS = ("old-strict", "old-half", "old-loss", "new-strict", "new-loss")
DIVERGENCES = ("area", "amplitude", "slope")  # as chan.h numbers them
_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}


class ChanAnalyzer(_native.ChanAnalyzer):
    """Chan theory on one series of bars, bar by bar. One thread; a bar costs constant time, however long the history is.

    `bar(time_ns, high, low, close)` takes the next bar and returns the flags (`Change`) of the kinds that have rows which are new or
    other. It raises EventError for a bar that cannot be (a price that is no finite number, a high below the low, a time not after the
    bar before), and nothing has changed then. Rows whose `confirmed` is a bar's number never change again; those behind them, with
    `confirmed` -1, are what the bars up to now say. `bars` is the number of bars taken, `last_ns` the time of the last one.

    `save()` returns all of it as bytes, which `restore` takes: what follows is then the same, byte for byte.
    """

    def __init__(
        self,
        variant: str = "old-strict",
        divergence: str = "area",
        ratio: float = 1.0,
        trend_pivots: int = 2,
        macd: tuple[int, int, int] = (12, 26, 9),
        keep: int | None = None,
    ) -> None:
        """Set the rules up; docs/chan.md explains each.

        Args:
            variant: of the strokes, one of VARIANTS.
            divergence: what a stroke's force is, one of DIVERGENCES: the MACD's area, the price's way, or that per bar.
            ratio: a point of the first kind needs a last stroke with less force than so much of the entering stroke's.
            trend_pivots: how many pivots in a row make the trend that ends with a point of the first kind; 1 takes any.
            macd: the two averages' and the signal's length, in bars.
            keep: how many confirmed rows of each kind to keep; None keeps all.

        Raises StrategyError for an argument that makes no sense.
        """
        if variant not in VARIANTS:
            raise StrategyError(f"A variant of strokes is one of {', '.join(VARIANTS)}, not {variant!r}.{nearest(str(variant), VARIANTS)}")
        if divergence not in DIVERGENCES:
            known = ", ".join(DIVERGENCES)
            raise StrategyError(f"divergence is one of {known}, not {divergence!r}.{nearest(str(divergence), DIVERGENCES)}")
        if keep is not None and keep < 1:
            raise StrategyError(f"keep is a number of rows, 1 or more, or None for all of them, not {keep}.")
        if len(macd) != 3:
            raise StrategyError(f"macd takes three lengths in bars, of 1 or more: (12, 26, 9), not {macd!r}.")
        age, separation = variant.split("-")
        fast, slow, signal = macd
        super().__init__(
            new_stroke=age == "new",
            separation=_SEPARATIONS.index(separation),
            force=DIVERGENCES.index(divergence),
            ratio=ratio,
            trend_pivots=trend_pivots,
            fast=fast,
            slow=slow,
            signal=signal,
            keep=keep or 0,
        )

    @classmethod
    def restore(cls, data: bytes) -> Self:
        """Return the analyzer that `save()` made these bytes of; raise StrategyError if it did not, or if they are damaged."""
        analyzer = cls()
        analyzer.load(data)
        return analyzer

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an analyzer be copied, and sent to another process."""
        return type(self).restore, (self.save(),)

    @property
    def variant(self) -> str:
        """The variant of its strokes."""
        new_stroke, separation, *_ = self.options
        return f"{'new' if new_stroke else 'old'}-{_SEPARATIONS[separation]}"

    def extend(self, times_ns: npt.ArrayLike, highs: npt.ArrayLike, lows: npt.ArrayLike, closes: npt.ArrayLike) -> int:
        """Take many bars, the same as one by one, and return the flags of them all.

        Times are int64 nanoseconds or datetime64. Raises EventError, and takes none, if one of the bars cannot be.
        """
        columns = [np.ascontiguousarray(column, np.float64) for column in (highs, lows, closes)]
        return self.extend_arrays(_times(times_ns), *columns)

    @property
    def merged(self) -> Rows:
        """Merged bars, a copy; the last one is in the making."""
        return self.since("merged", 0)

    @property
    def fractals(self) -> Rows:
        """Fractals, a copy; all are confirmed."""
        return self.since("fractal", 0)

    @property
    def strokes(self) -> Rows:
        """Strokes, a copy; the last one may still change."""
        return self.since("stroke", 0)

    @property
    def segments(self) -> Rows:
        """Segments, a copy; those with `confirmed` -1 may still change."""
        return self.since("segment", 0)

    @property
    def pivots(self) -> Rows:
        """Pivots, a copy; the one with `confirmed` -1 may still change."""
        return self.since("pivot", 0)

    @property
    def points(self) -> Rows:
        """Buy and sell points, a copy; those with `confirmed` -1 may still change."""
        return self.since("point", 0)

    def since(self, kind: str, index: int) -> Rows:
        """Return the rows of a kind (one of KINDS) from number `index` on, or from the oldest that is kept; a copy.

        What one asks for after a change: `index` is the number of those that were confirmed before (`confirmed_count`).
        """
        if index < 0:
            raise StrategyError(f"since() takes the number of a row, 0 or more, not {index}; latest() has the last one.")
        return np.frombuffer(self.rows(_number(kind), index), DTYPES[kind])

    def latest(self, kind: str) -> Any:
        """Return the last row of a kind, confirmed or not, or None if there is none."""
        rows = self.since(kind, max(self.count(kind) - 1, 0))
        return rows[0] if len(rows) else None

    def count(self, kind: str) -> int:
        """Return how many rows of a kind there are, those included that are no longer kept, and those that may still change."""
        return self.counts(_number(kind))[2]

    def confirmed_count(self, kind: str) -> int:
        """Return how many rows of a kind are confirmed, those included that are no longer kept."""
        return self.counts(_number(kind))[1]

    def first_kept(self, kind: str) -> int:
        """Return the number of the oldest row of a kind that is there: 0, unless `keep` let some go."""
        return self.counts(_number(kind))[0]


def _times(times_ns: npt.ArrayLike) -> npt.NDArray[np.int64]:
    times = np.asarray(times_ns)
    if times.dtype.kind == "M":
        times = times.astype("datetime64[ns]")
    elif times.dtype.kind not in "iu" and times.size:
        raise EventError(f"The bars' times are whole nanoseconds (int64) or datetime64, not {times.dtype}.")
    return np.ascontiguousarray(times, np.int64)


def _number(kind: str) -> int:
    number = _NUMBERS.get(kind)
    if number is None:
        raise StrategyError(f"A kind of Chan's elements is one of {', '.join(KINDS)}, not {kind!r}.{nearest(str(kind), KINDS)}")
    return number
