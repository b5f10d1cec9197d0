"""What a run of the tick engine was: instruments, strategies, capital, and what else stands in its report."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from gcg_quant.instruments import Instrument

from ..results.plot_lines import PlotLine

__all__ = ["Records", "RunArrays", "RunFacts"]

Records = NDArray[Any]  # rows of a structured dtype


class RunArrays(NamedTuple):
    """What the native engine noted, as structured arrays; all times are nanoseconds UTC."""

    fills: Records
    orders: Records
    positions: Records
    equity: Records


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A run's surroundings.

    Args:
        instruments: by their numbers in the run, from 1 on. `strategies`: likewise.
        cash: the capital at the start, in `currency`. `rates`: what a unit of another currency is worth in it.
        horizons_ns: how long after each fill the mid was noted, as the fills' `marks` have them.
        ticks: market events handled. `first_ns`: the time of the first, 0 if there was none. `seconds`: how long that took.
        name: what was run; the strategies' names if "". `parameters`, `settings`: what the report lists.
        run: the run's name. `code_sha256`: of the strategy's file.
        periods_per_year: trading days a year, to annualise by.
        notes: sentences that one should know of the run. `plots`: what its strategies drew.
        chan: how the first strategy that asks for it draws Chan theory (`pages.chan_data`); a period of "" is the chart's.
    """

    instruments: tuple[Instrument, ...]
    strategies: tuple[str, ...]
    cash: float
    currency: str = ""
    rates: Mapping[str, float] = {}
    horizons_ns: tuple[int, ...] = ()
    ticks: int = 0
    first_ns: int = 0
    seconds: float = 0.0
    name: str = ""
    parameters: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    run: str = ""
    code_sha256: str = ""
    periods_per_year: float = 252.0
    notes: tuple[str, ...] = ()
    plots: tuple[PlotLine, ...] = ()
    chan: dict[str, Any] = {}

    @property
    def title(self) -> str:
        """The name of what was run."""
        return self.name or ", ".join(self.strategies) or "no strategy"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments' symbols, with their venues where a symbol is that of several."""
        names = [one.symbol for one in self.instruments]
        return tuple(one.name if names.count(one.symbol) > 1 else one.symbol for one in self.instruments)

    def rate(self, instrument: Instrument) -> float | None:
        """Return what a unit of the instrument's currency is worth in the account's; None if nobody has said."""
        if instrument.currency in (self.currency, ""):
            return 1.0
        return self.rates.get(instrument.currency)

    def lots(self, number: int, quantities: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return quantities of an instrument in whole lots."""
        numerator, denominator = self._lot(number)
        found: NDArray[np.int64] = np.rint(quantities * denominator / numerator).astype(np.int64)
        return found

    def quantities(self, number: int, lots: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the quantities of so many lots, to the last bit those of `Instrument.quantity`."""
        numerator, denominator = self._lot(number)
        found: NDArray[np.float64] = lots * numerator / denominator
        return found

    def marks(self, fills: Records, at: int) -> NDArray[np.float64]:
        """Return the mids after the horizon of that place, one a fill; NaN where the data had ended."""
        marks: NDArray[np.float64] = fills["marks"]
        return marks if marks.ndim == 1 else marks[:, at]

    def _lot(self, number: int) -> tuple[int, int]:
        return Fraction(repr(float(self.instruments[number - 1].lot_size))).as_integer_ratio()
