"""By which measure a sweep's results are ranked, and which end of it is the good one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gcg_quant.errors import BacktestError, nearest

from ..results.result import Measures

if TYPE_CHECKING:
    from .table import Row

__all__ = ["METRICS", "Metric", "metric_of"]

LESS_IS_BETTER = frozenset(
    (
        "volatility",
        "max_drawdown",
        "max_drawdown_percent",
        "max_drawdown_money",
        "max_drawdown_bars",
        "max_drawdown_days",
        "turnover",
        "lost",
        "commission",
    )
)
NO_MERIT = frozenset(
    ("start_ns", "end_ns", "bars", "start_value", "open_trades", "periods_per_year")
)  # equal for all, or neither good nor bad
METRICS = tuple(name for name in Measures.__struct_fields__ if name not in NO_MERIT)


class Metric(NamedTuple):
    """A measure by which rows are ranked."""

    name: str
    less_is_better: bool

    def of(self, row: Row) -> float | None:
        """Return the row's value; None for a failed run, or where the measure has nothing to divide by."""
        value = None if row.measures is None else row.measures.get(self.name)
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None

    def ranked(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows from best to worst, those without a value last; equal ones in the order of their numbers."""
        return sorted(rows, key=self._key)

    def better(self, row: Row, than: Row | None) -> bool:
        """Return whether `row` ranks before `than`; a row without a value never does."""
        return self.of(row) is not None and (than is None or self._key(row) < self._key(than))

    def _key(self, row: Row) -> tuple[bool, float, int]:
        value = self.of(row)
        if value is None:
            return True, 0.0, row.number
        return False, value if self.less_is_better else -value, row.number


def metric_of(name: str) -> Metric:
    """Return the metric of a measure's name; raise BacktestError naming the nearest for any other."""
    if name not in METRICS:
        raise BacktestError(f"There is no metric {name!r} (known: {', '.join(METRICS)}).{nearest(name, METRICS)}", metric=name)
    return Metric(name, name in LESS_IS_BETTER)
