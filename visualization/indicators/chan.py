"""Chan theory as an indicator: strokes, segments, pivots and points over the prices, found by an analyzer that the rooms above bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gcg_quant.chan_shapes import CHAN_PARTS, chan_shapes

from .columns import Columns, Floats
from .kind import Kind, Parameter, Parameters
from .shapes import ShapePart, Shapes

__all__ = ["ChanAnalysis", "chan_kind"]

Records: TypeAlias = npt.NDArray[Any]
_VARIANTS = ("old-strict", "old-half", "old-loss", "new-strict", "new-loss")
_DIVERGENCES = ("area", "amplitude", "slope")
_LEAD = 20_000  # as many bars as a page keeps; where reading began is forgotten after about 1,000


class ChanAnalysis(Protocol):
    """What is needed of `strategy_engine.chan.ChanAnalyzer`."""

    def bar(self, time_ns: int, high: float, low: float, close: float) -> int:
        """Take the next bar."""

    def extend(self, times_ns: Any, highs: Any, lows: Any, closes: Any) -> Any:
        """Take the next bars."""

    def since(self, kind: str, index: int) -> Records:
        """Return the elements of a kind from an index on."""

    def save(self) -> bytes:
        """Return its state."""

    @classmethod
    def restore(cls, data: bytes) -> ChanAnalysis:
        """Return an analyzer as it was when it was saved."""


def chan_kind(analyzer: Callable[..., ChanAnalysis]) -> Kind:
    """Return the indicator; `analyzer` makes a `strategy_engine.chan.ChanAnalyzer` of its options: this room must not import it."""

    def track(parameters: Parameters) -> _ChanTracker:
        options = {
            "variant": _VARIANTS[int(parameters["variant"])],
            "divergence": _DIVERGENCES[int(parameters["divergence"])],
            "trend_pivots": int(parameters["trend_pivots"]),
        }
        return _ChanTracker(lambda: analyzer(**options), [part for part in CHAN_PARTS if parameters[part]])

    return Kind(
        name="CHAN",
        title="Chan theory",
        group="Common",
        place="price",
        parameters=(
            Parameter.choice("variant", *_VARIANTS),
            Parameter.choice("divergence", *_DIVERGENCES),
            Parameter("trend_pivots", "int", 2, 1, 10),
            *(Parameter.flag(part) for part in CHAN_PARTS),
        ),
        lines={},
        compute=_no_lines,
        lead=lambda parameters: _LEAD,
        shapes=CHAN_PARTS,
        track=track,
    )


def _no_lines(columns: Columns, parameters: Parameters, source: str) -> dict[str, Floats]:
    return {}


class _ChanTracker:
    # All rows but the newest, which may still change, are analyzed once; the newest is tried on a copy. What it alone confirms is
    # not confirmed yet. Whatever the finished rows have confirmed never changes, and is told once.

    def __init__(self, make: Callable[[], ChanAnalysis], parts: list[str]) -> None:
        self._make = make
        self._finished = make()
        self._saved = b""
        self._count = 0  # rows in it
        self._settled = dict.fromkeys(parts, 0)  # how many elements have been told as confirmed
        self._told: dict[str, ShapePart] = {}

    def take(self, columns: Columns, first: int) -> Shapes:
        usable = columns.high >= columns.low  # neither NaN nor upside down, which a stored bar of a foreign file may be
        if not usable.all():
            first = int(usable[:first].sum())
            columns = Columns._make(column[usable] for column in columns)
        count = len(columns.time)
        if first < self._count:
            self._finished, self._count, self._saved = self._make(), 0, b""
            self._settled = dict.fromkeys(self._settled, 0)
        if not count:
            return {}
        if count - 1 > self._count:
            self._finished.extend(*_bars(columns.part(self._count, count - 1)))
            self._count, self._saved = count - 1, b""
        self._saved = self._saved or self._finished.save()
        whole = self._finished.restore(self._saved)
        whole.extend(*_bars(columns.part(self._count)))
        found = {}
        for part in self._settled:
            rows = self._part(part, whole, columns.time)
            if rows != self._told.get(part):
                found[part] = self._told[part] = rows
        return found

    def _part(self, part: str, whole: ChanAnalysis, times: npt.NDArray[np.int64]) -> ShapePart:
        settled = self._settled[part]
        records = whole.since(part.removesuffix("s"), max(settled - 1, 0))
        sure = (records["confirmed"] >= 0) & (records["confirmed"] < self._count)
        rows = chan_shapes(part, records, times, sure.tolist())
        self._settled[part] = max(settled - 1, 0) + int(sure.sum())
        return ShapePart(rows[0][0], rows[1:]) if settled else ShapePart(None, rows)


def _bars(columns: Columns) -> tuple[npt.NDArray[np.int64], Floats, Floats, Floats]:
    return columns.start_ns, columns.high, columns.low, columns.close
