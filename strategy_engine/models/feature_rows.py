"""Rows of features, bar by bar: the one path on which training and the served model get their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import ModelError

from .bar_window import BarWindow
from .chan_track import ChanTrack
from .feature import Feature

if TYPE_CHECKING:
    from gcg_quant.events import Bar
    from gcg_quant.history import RecordArray

__all__ = ["FeatureRows", "Row"]

Row = npt.NDArray[np.float32]


class FeatureRows:
    """Takes the closed bars of one symbol and period, and gives a row of features after each, once enough have come.

    A row is made of float32, which is what models are trained on and served with. It depends on the newest `needed` bars
    alone, and with Chan elements on those since `begin_ns`. One thread.

    Args:
        features: in the order of the row.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self.features = tuple(features)
        bases = list(dict.fromkeys(feature.base for feature in self.features))
        self._tracks = {days: ChanTrack(days) for days in sorted({base.chan_days for base in bases} - {0})}
        self._measures = [base.measure(self._tracks) for base in bases]
        self.window = BarWindow(max(measure.bars for measure in self._measures))
        self.needed = max(self._measures[bases.index(one.base)].bars + one.lag for one in self.features)
        self._depth = max(feature.lag for feature in self.features) + 1
        self._values = np.full((self._depth, len(bases)), np.nan)  # a ring: the newest row is that of the newest bar
        self._columns = np.array([bases.index(feature.base) for feature in self.features])
        self._lags = np.array([feature.lag for feature in self.features])
        self._row = np.full(len(self.features), np.nan, np.float32)

    @property
    def count(self) -> int:
        """How many bars it has taken."""
        return self.window.count

    @property
    def missing(self) -> list[str]:
        """The features that the newest row has no value of."""
        return [str(feature) for feature, value in zip(self.features, self._row, strict=True) if not np.isfinite(value)]

    @property
    def ready(self) -> bool:
        """Whether enough bars have come."""
        return self.count >= self.needed and all(track.state is not None for track in self._tracks.values())

    def begin_ns(self, before_ns: int) -> int | None:
        """Return from when on bars must be seen, besides the `needed` ones, for a row at a moment; None: those are all."""
        return min((track.begin_ns(before_ns) for track in self._tracks.values()), default=None)

    def add(self, start_ns: int, end_ns: int, prices: tuple[float, float, float, float], volume: float) -> Row | None:
        """Take the next closed bar and return its row, or None if bars or values are missing.

        Args:
            start_ns: of the bar.
            end_ns: of the bar.
            prices: open, high, low, close.
            volume: NaN where there is none.

        Raises:
            ModelError: it does not begin after the last one, or its prices are none; nothing was taken.
        """
        window = self.window
        if window.count and start_ns <= window.start_ns:
            raise ModelError(f"Bars come in order: one that starts at {start_ns} came after one that starts at {window.start_ns}.")
        high, low = prices[1], prices[2]
        if not (0 < low <= high < np.inf and low <= prices[0] <= high and low <= prices[3] <= high):
            raise ModelError(f"The bar that starts at {start_ns} has no sensible prices: open, high, low, close are {prices}.")
        window.add(start_ns, end_ns, prices, volume)
        for track in self._tracks.values():
            track.add(start_ns, high, low, prices[3])
        count = window.count
        values = self._values[count % self._depth]
        for place, measure in enumerate(self._measures):
            values[place] = measure.compute(window) if count >= measure.bars else np.nan
        self._row = self._values[(count - self._lags) % self._depth, self._columns].astype(np.float32)
        return self._row if count >= self.needed and np.isfinite(self._row).all() else None

    def add_bar(self, bar: Bar) -> Row | None:
        """Take the next closed bar, as `add`."""
        return self.add(bar.start_ns, bar.event_ns, (bar.open, bar.high, bar.low, bar.close), bar.volume)

    def add_rows(self, bars: RecordArray) -> list[Row | None]:
        """Take an array of bars, oldest first, as `add` one by one; return the row of each."""
        columns = (bars[name].tolist() for name in ("start_ns", "event_ns", "open", "high", "low", "close", "volume"))
        add = self.add
        return [add(start, end, (begin, high, low, close), volume) for start, end, begin, high, low, close, volume in zip(*columns)]
