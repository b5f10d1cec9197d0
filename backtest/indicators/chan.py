"""Chan theory as Backtrader indicators: the last stroke and the last pivot, at each bar as they are known at that bar."""

from __future__ import annotations

from math import nan
from typing import Any

import backtrader as bt

from gcg_quant.errors import BacktestError

from ...strategy_engine.chan import ChanAnalyzer, Change
from ..conversion.days import ns_from_days

__all__ = ["ChanPivot", "ChanStroke"]


class _ChanIndicator(bt.Indicator):  # type: ignore[misc]
    """An analyzer of the feed's bars; a line holds what it says at each bar, and is not changed by later ones."""

    params = (("variant", "old-strict"), ("divergence", "area"))
    plotinfo = (("subplot", False),)
    kinds = Change(0)  # which changes concern it

    def __init__(self) -> None:
        if getattr(self.data, "replaying", False):
            raise BacktestError(
                f"{type(self).__name__} takes closed bars, and a replayed feed shows bars in the making: use resampledata for it."
            )
        self.analyzer = ChanAnalyzer(variant=self.p.variant, divergence=self.p.divergence, keep=2)
        self._row: tuple[float, ...] | None = None

    def next(self) -> None:
        """Take the bar, and write what is known now."""
        data, analyzer = self.data, self.analyzer
        time_ns = ns_from_days(data.datetime[0])
        if analyzer.bar(time_ns, data.high[0], data.low[0], data.close[0]) & self.kinds or self._row is None:
            self._row = self.row()
        for line, value in zip(self.lines, self._row, strict=True):
            line[0] = value

    def row(self) -> tuple[float, ...]:
        """Return the values of the lines, in their order."""
        raise NotImplementedError


class ChanStroke(_ChanIndicator):
    """The last stroke (笔), for `bt.Strategy` classes: `stroke = ChanStroke(self.data); stroke.direction[0]`.

    Lines: `end`, the price where the last stroke ends by the bars up to now, which may still move on; `direction`, 1 up and -1 down;
    `confirmed`, the price where the last stroke ends that cannot change any more; `force` of the last stroke, by `divergence`. NaN
    before there is one. Whatever later bars say, a value stays: so a line drawn through `end` shows what one saw, not what one knew
    afterwards. It takes closed bars (no replayed feeds), the same when a run is preloaded and bar by bar.

    Params: variant, divergence (see `ChanAnalyzer`).
    """

    lines = ("end", "direction", "confirmed", "force")
    kinds = Change.STROKE

    def row(self) -> tuple[float, ...]:
        """Return the values of the lines, in their order."""
        strokes: Any = self.analyzer.since("stroke", max(self.analyzer.count("stroke") - 2, 0))
        sure = strokes[strokes["confirmed"] >= 0]
        confirmed = float(sure[-1]["end_price"]) if len(sure) else nan
        if not len(strokes):
            return nan, nan, confirmed, nan
        last = strokes[-1]
        return float(last["end_price"]), 1.0 if last["up"] else -1.0, confirmed, float(last["force"])


class ChanPivot(_ChanIndicator):
    """The last pivot (中枢), for `bt.Strategy` classes: `pivot = ChanPivot(self.data); pivot.zg[0]`.

    Lines: `zg` and `zd`, the upper and lower edge of the last pivot, `gg` and `dd`, the highest and lowest price of its strokes;
    `state`, 0 while its third stroke may still change, 1 when it is formed, 2 when it is closed. NaN before there is one. Values stay,
    whatever later bars say. It takes closed bars, as `ChanStroke` does.

    Params: variant (see `ChanAnalyzer`).
    """

    lines = ("zg", "zd", "gg", "dd", "state")
    kinds = Change.PIVOT

    def row(self) -> tuple[float, ...]:
        """Return the values of the lines, in their order."""
        last = self.analyzer.latest("pivot")
        if last is None:
            return (nan,) * 5
        state = 2.0 if last["confirmed"] >= 0 else 1.0 if last["formed"] >= 0 else 0.0
        return (*(float(last[name]) for name in ("zg", "zd", "gg", "dd")), state)
