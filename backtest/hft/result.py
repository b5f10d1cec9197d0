"""`hft.Result`: what a run of the tick engine gave, as frames, arrays, measures, tables and a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.enumerations import Side
from gcg_quant.errors import BacktestError, ComponentError
from gcg_quant.periods import period_ns

from ..inputs.sources import Source
from ..inputs.spec import BacktestSpec
from ..making.measures import MakerMeasures
from ..results.curve import measure
from ..results.result import REPORT, BacktestResult, FillRow, Measures, TradeRow, notebook_frame, refusal_notes
from .chart_bars import chart_period, chart_sources
from .facts import RunArrays, RunFacts
from .frames import equity_frame, fills_frame, orders_frame, positions_frame, span_name, why_refused
from .making import has_maker_fills, maker_measures
from .trips import round_trips

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Result"]

Bars = Callable[[str], Sequence[Source]]


class Result:
    """The outcome of `Engine.run()`.

    `fills`, `orders`, `positions`, `equity` and `trades` are pandas frames by UTC time; `arrays` has the first four as NumPy structured
    arrays, which the frames' numbers are views of. In a notebook the result shows its report; `summary()` prints the tables, and
    `report(path)` writes the report as one HTML file that needs no network. All is worked out when it is first asked for.

    Args:
        arrays: what the native engine noted; `facts`: the run's surroundings.
        bars: returns the bars of the price chart for a period such as "1s"; without it the report has no candles.
    """

    def __init__(self, arrays: RunArrays, facts: RunFacts, bars: Bars | None = None) -> None:
        self.arrays = arrays
        self.facts = facts
        self._bars = bars

    def __repr__(self) -> str:
        rows = self.arrays
        counts = f"{self.facts.ticks:,} ticks, {len(rows.orders):,} orders, {len(rows.fills):,} fills"
        return f"<Result {self.facts.title} on {', '.join(self.facts.symbols)}: {counts}, net {self.net_profit:,.2f}>"

    @cached_property
    def fills(self) -> pd.DataFrame:
        """A row a fill; see `frames.fills_frame`."""
        return fills_frame(self.arrays.fills, self.facts)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """A row an order; see `frames.orders_frame`."""
        return orders_frame(self.arrays.orders, self.facts)

    @cached_property
    def positions(self) -> pd.DataFrame:
        """A row a position and sample of the account's value."""
        return positions_frame(self.arrays.positions, self.facts)

    @cached_property
    def equity(self) -> pd.DataFrame:
        """A row a sample of the account: equity, cash and margin."""
        return equity_frame(self.arrays.equity)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """A row a closed trade, from flat to flat, by the time of its last fill; size is the largest reached; money is the account's."""
        import pandas as pd  # half a second, and only wanted here

        rows = [(row.symbol, row.size, row.entry_ns, row.entry_price, row.profit, row.commission, row.net_profit) for row in self._trips[0]]
        names = ["symbol", "size", "entry", "entry_price", "profit", "commission", "net_profit"]
        index = pd.DatetimeIndex(np.array([row.exit_ns for row in self._trips[0]], "M8[ns]"), name="exit").tz_localize("UTC")
        found = pd.DataFrame(rows, columns=names, index=index)
        found["entry"] = pd.to_datetime(found["entry"].astype(np.int64), utc=True)
        return found

    @property
    def net_profit(self) -> float:
        """What the account gained, fees paid and open positions at their last prices, in its currency."""
        equity = self.arrays.equity["equity"]
        return float(equity[-1]) - self.facts.cash if len(equity) else 0.0

    @cached_property
    def measures(self) -> Measures:
        """The measures that every backtest has; `bars` counts the samples of the account."""
        rows, facts = self.arrays, self.facts
        trades, still_open = self._trips
        held = rows.positions["event_ns"][rows.positions["quantity"] != 0.0]
        return measure(
            facts.cash,
            np.ascontiguousarray(rows.equity["event_ns"]),
            np.ascontiguousarray(rows.equity["equity"]),
            trades,
            open_trades=still_open,
            invested_bars=int(np.isin(rows.equity["event_ns"], held).sum()),
            traded=self.maker_measures[0].turnover or 0.0,
            periods_per_year=facts.periods_per_year,
        )

    @cached_property
    def maker_measures(self) -> list[MakerMeasures]:
        """The market makers' measures: of the whole run (its `symbol` is ""), then of each symbol that was traded."""
        return maker_measures(self.arrays, self.facts)

    @cached_property
    def making(self) -> pd.DataFrame:
        """The market makers' measures as a frame: a row a measure, a column "total" and one a symbol."""
        import pandas as pd

        columns: dict[str, dict[str, Any]] = {}
        for one in self.maker_measures:
            found = one.to_dict()
            name = found.pop("symbol") or "total"
            for horizon in found.pop("horizons"):
                span = span_name(horizon.pop("horizon_ns"))
                found.update({f"{measure}_{span}": value for measure, value in horizon.items()})
            columns[name] = found
        return pd.DataFrame(columns, dtype=object)  # counts stay whole beside what is absent

    def summary(self, trades: int = 10) -> None:
        """Print the measures, the market makers' measures if resting orders were filled, and the newest `trades` trades."""
        from ..report import print_report  # rich is heavy, and only wanted here

        print_report(self.backtest, trades=trades)

    def report(self, path: Path | str) -> Path:
        """Write the HTML report to a file and return its path.

        Raises:
            BacktestError: the file cannot be written. ComponentError: the package lightweight-charts is not installed.
        """
        target = Path(path).expanduser()
        try:
            target.write_text(self.page, encoding="utf-8")
        except OSError as error:
            raise BacktestError(f"The report cannot be written to {target}: {error.strerror or error}.", file=str(target)) from error
        return target

    def save(self, folder: Path | str) -> Path:
        """Write the run into a folder, as any backtest is kept, and return it: result.json, values, trades and fills as CSV, report.html.

        `arrays.npz` holds the arrays besides (`numpy.load` reads it). What is there is overwritten.

        Raises:
            BacktestError: a file cannot be written. ComponentError: the package lightweight-charts is not installed.
        """
        target = Path(folder).expanduser()
        try:
            target.mkdir(parents=True, exist_ok=True)
            self.backtest.save(target)
            np.savez_compressed(target / "arrays.npz", **self.arrays._asdict())
        except OSError as error:
            raise BacktestError(f"The run cannot be saved in {target}: {error.strerror or error}.", folder=str(target)) from error
        self.report(target / REPORT)
        return target

    @cached_property
    def page(self) -> str:
        """The HTML report."""
        from ..pages.html_report import report_html

        return report_html(self.backtest, self.sources)

    def _repr_html_(self) -> str | None:
        try:
            return notebook_frame(self.page)
        except ComponentError:  # without the chart library the notebook shows the text
            return None

    @cached_property
    def sources(self) -> list[Source]:
        """The bars of the price chart, one source an instrument."""
        if self._bars is not None:
            return list(self._bars(self._period))
        return chart_sources({}, self.facts.instruments, self.facts.symbols, self._period)

    @cached_property
    def backtest(self) -> BacktestResult:
        """The run as the result that every backtest has, for what works with those."""
        facts, rows = self.facts, self.arrays
        spec = BacktestSpec(file="", symbols=list(facts.symbols), period=self._period, cash=facts.cash, run=facts.run)
        return BacktestResult(
            run=facts.run,
            spec=spec,
            strategy=facts.title,
            kind="hft",
            parameters=facts.parameters,
            measures=self.measures,
            trades=self._trips[0],
            values=list(zip(rows.equity["event_ns"].tolist(), rows.equity["equity"].tolist(), strict=True)),
            fills=self._fill_rows(),
            notes=[*facts.notes, *self._chan_notes, *refusal_notes(dict(why_refused(rows.orders)))],
            timezone=facts.instruments[0].timezone if facts.instruments else "UTC",
            currency=facts.currency,
            code_sha256=facts.code_sha256,
            seconds=facts.seconds,
            ticks=facts.ticks,
            first_ns=facts.first_ns,
            settings=facts.settings,
            plots=list(facts.plots),
            chan=self._chan,
            making=self.maker_measures if has_maker_fills(rows.fills) else [],
        )

    @cached_property
    def _trips(self) -> tuple[list[TradeRow], int]:
        return round_trips(self.arrays.fills, self.facts, self.arrays.equity["event_ns"])

    @property
    def _period(self) -> str:
        times = self.arrays.equity["event_ns"]
        return chart_period(int(times[-1] - times[0]) if len(times) else 0)

    @property
    def _chan(self) -> dict[str, Any]:
        found = {**self.facts.chan, "period": self.facts.chan["period"] or self._period} if self.facts.chan else {}
        return found if found and period_ns(found["period"]) >= period_ns(self._period) else {}

    @property
    def _chan_notes(self) -> list[str]:
        if not self.facts.chan or self._chan:
            return []
        wanted = self.facts.chan["period"]
        return [f"Chan elements of {wanted} bars are not drawn: the chart of so long a run has bars of {self._period}."]

    def _fill_rows(self) -> list[FillRow]:
        fills, symbols = self.arrays.fills, self.facts.symbols
        signed = np.where(fills["side"] == Side.BUY, 1.0, -1.0) * fills["quantity"]
        columns = (fills["number"], fills["event_ns"], signed, fills["price"], fills["fee"])
        return [
            FillRow(symbol=symbols[number - 1], time_ns=time_ns, size=size, price=price, commission=fee)
            for number, time_ns, size, price, fee in zip(*(column.tolist() for column in columns), strict=True)
        ]
