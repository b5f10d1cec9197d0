"""The rows of one served model on one instrument: warmed up by what is stored and recorded, and silent where bars are missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gcg_quant.clock import to_iso
from gcg_quant.events import Bar
from gcg_quant.history import RecordArray

from .feature import Feature
from .feature_rows import FeatureRows, Row

__all__ = ["ModelFeed"]

_LATE = 2  # bars that may be missing at the seam of what is stored and what comes: quiet minutes have none


class ModelFeed:
    """Takes the closed bars of an instrument and gives the row after each, or says in `why` what it waits for. One thread.

    Bars are missing where a gap that was told of, or the time before its first bar, has swallowed some. Then there are no rows until they
    have been stored after all, or so many newer bars have come that none of the missing ones matters any more.

    Args:
        features: of the model.
        period_ns: length of the bars.
        stored: returns the bars from a moment on that end by another, from the history and the journal, oldest first.
        is_open: whether the market trades at a moment.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        period_ns: int,
        stored: Callable[[int | None, int, int | None], RecordArray],
        is_open: Callable[[int], bool],
    ) -> None:
        self.why = ""
        self._features = tuple(features)
        self._period_ns = period_ns
        self._stored = stored
        self._is_open = is_open
        self._rows = FeatureRows(self._features)
        self._gaps: list[tuple[int, int]] = []
        self._hole: tuple[int, int] | None = None
        self._behind_hole = 0  # bars since the hole
        self._begun = False

    @property
    def end_ns(self) -> int:
        """The end of its newest bar, 0 before the first."""
        return self._rows.window.end_ns

    @property
    def warming_up(self) -> bool:
        """Whether there are not enough bars yet."""
        return not self._rows.ready

    def note_gap(self, start_ns: int, end_ns: int) -> None:
        """Remember that market data is missing in between."""
        self._gaps.append((start_ns, end_ns))

    def add(self, bar: Bar) -> Row | None:
        """Take the next closed bar and return its row, or None: `why` has the reason then. One that it has already is passed over.

        Raises:
            ModelError: its prices make no sense.
        """
        if not self._begun:
            self._warm_up(bar.start_ns)
            self._begun = True
            self._look_at_seam(bar.start_ns)
        elif bar.start_ns <= self._rows.window.start_ns:
            return None
        else:
            self._look_for_hole(bar.start_ns)
        if self._hole is not None:
            self._try_to_fill(bar.start_ns)
        row = self._rows.add_bar(bar)
        self.why = "" if row is not None and self._hole is None else self._reason()
        return None if self.why else row

    # ---- inside

    def _warm_up(self, before_ns: int) -> None:
        self._rows = FeatureRows(self._features)
        needed, begin_ns = self._rows.needed, self._rows.begin_ns(before_ns)
        bars = self._stored(begin_ns, before_ns, None if begin_ns is not None else needed)
        if begin_ns is not None and len(bars) < needed:
            bars = self._stored(None, before_ns, needed)
        self._rows.add_rows(bars[np.isfinite(bars["close"])] if len(bars) else bars)

    def _look_at_seam(self, start_ns: int) -> None:
        if self._rows.count and start_ns - self.end_ns > _LATE * self._period_ns and self._is_open(self.end_ns):
            self._open_hole(self.end_ns, start_ns)

    def _look_for_hole(self, start_ns: int) -> None:
        gaps, self._gaps = self._gaps, [gap for gap in self._gaps if gap[1] > start_ns]
        if start_ns > self.end_ns and any(begin < start_ns and end > self.end_ns for begin, end in gaps):
            self._open_hole(self.end_ns, start_ns)

    def _open_hole(self, start_ns: int, end_ns: int) -> None:
        self._hole = (self._hole[0] if self._hole is not None else start_ns, end_ns)
        self._behind_hole = 0

    def _try_to_fill(self, before_ns: int) -> None:
        assert self._hole is not None
        if len(self._stored(self._hole[0], self._hole[1], None)):
            self._hole = None
            self._warm_up(before_ns)
            return
        self._behind_hole += 1
        if self._behind_hole >= self._rows.needed:
            self._hole = None

    def _reason(self) -> str:
        rows = self._rows
        if rows.count < rows.needed:
            return f"{rows.count} of {rows.needed} bars"
        if not rows.ready:
            since = rows.begin_ns(self.end_ns)
            return f"bars since {to_iso(since or 0)} are needed for the Chan elements, and there are {rows.count}"
        if self._hole is not None:
            start, end = (to_iso(moment) for moment in self._hole)
            return f"bars are missing from {start} to {end}: waiting until they are stored, or for {rows.needed} newer ones"
        return f"no value of {', '.join(rows.missing)}" if rows.missing else ""
