"""Backtrader's indicators, and ta-lib's by Backtrader's names, over plain bars: for strategies of our own."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from gcg_quant.errors import BacktestError, nearest

from ..feed import EventDrivenDataFeed
from ..history.bars import BarArray, check_bars

__all__ = ["indicator"]


def indicator(kind: Any, bars: BarArray, line: str = "", **parameters: Any) -> NDArray[np.float64]:
    """Return an indicator's line over bars: one value a bar, NaN before its minimum period.

        from gcg_quant.backtest.indicators import indicator
        strength = indicator(bt.ind.RSI, self.bars(count=200), period=14)[-1]
        upper = indicator(bt.talib.BBANDS, self.bars(count=200), "upperband", timeperiod=20)[-1]

    The numbers are those that the indicator shows in a backtest that begins with the same bars.

    Args:
        kind: a class of `bt.ind`, `bt.talib` (ta-lib), or one of your own. Of `bt.talib` those that
            take one line get the close; the others get open, high, low and close as far as they ask for them.
        bars: as `Strategy.bars` returns them.
        line: which line; "" is the first.
        parameters: the indicator's.

    Raises:
        BacktestError: it has no such line, or the bars are not in order.
    """
    if not len(bars):
        return np.empty(0)
    period = bytes(bars["period"][0]).decode()
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname="bars", period=period, bars=check_bars(bars, "a strategy", period)))
    cerebro.addstrategy(_Shown, kind=kind, parameters=parameters)
    (shown,) = cerebro.run(runonce=False)  # the other way fails on fewer bars than an indicator needs
    names = shown.made.getlinealiases()
    if line and line not in names:
        known = ", ".join(names)
        raise BacktestError(f"{kind.__name__} has no line {line!r} (its lines: {known}).{nearest(line, names)}", line=line)
    values = np.array(getattr(shown.made.lines, line or names[0]).array, dtype=np.float64)
    return values[: len(bars)] if len(values) else np.full(len(bars), np.nan)


class _Shown(bt.Strategy):  # type: ignore[misc]
    params = (("kind", None), ("parameters", None))

    def __init__(self) -> None:
        inputs = self._inputs(self.p.kind)
        self.made = self.p.kind(*inputs, **self.p.parameters)

    # Those of ta-lib name their inputs ("high", "low", "close" ...), or take as many lines as they say.
    def _inputs(self, kind: Any) -> list[Any]:
        wanted = getattr(getattr(kind, "_tabstract", None), "input_names", None)
        if not wanted:
            return [self.data]
        found: list[Any] = []
        for value in wanted.values():
            found += [getattr(self.data, name) for name in ([value] if isinstance(value, str) else value)]
        return found
