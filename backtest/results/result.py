"""The result of a backtest: measures, trades, the value bar by bar, and what would be needed to run it again."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.clock import to_iso
from gcg_quant.errors import BacktestError

from ..inputs.run_inputs import RunInputs
from ..inputs.spec import BacktestSpec
from ..making.measures import MakerMeasures
from .performance import monthly_returns
from .plot_lines import PlotLine

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BacktestResult", "FillRow", "Measures", "TradeRow", "notebook_frame", "refusal_notes"]

REPORT = "report.html"
NOTEBOOK_PX = 900
MOST_NOTES = 3


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A closed trade. `size` is what it was opened with, of a run over ticks the largest that it reached (negative: short); money is in
    the account's currency.
    """

    symbol: str
    size: float
    entry_ns: int
    entry_price: float
    exit_ns: int
    bars: int
    profit: float
    commission: float
    net_profit: float


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One fill, at the time of the bar that brought it. `size` is negative for a sale."""

    symbol: str
    time_ns: int
    size: float
    price: float
    commission: float


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of a run. Fractions, not percents, unless a name says so; None where there is nothing to divide by.

    `sharpe` is of daily returns, annualised by the square root of `periods_per_year`, over a risk-free rate of 0; `sharpe_yearly` is
    Backtrader's default (yearly returns, risk-free rate 1 %). `volatility` and `sortino` are annualised like `sharpe`. `cagr` counts
    calendar years, `calmar` is `cagr` over `max_drawdown`. `value_at_risk` is the return of a day that 95 of 100 days exceed if they are
    normally distributed. `turnover` is the traded value a year over the mean value of the account. `sqn` is the system quality number.
    """

    start_ns: int
    end_ns: int
    bars: int
    start_value: float
    end_value: float
    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sharpe_yearly: float | None
    sortino: float | None
    calmar: float | None
    value_at_risk: float | None
    max_drawdown: float
    max_drawdown_percent: float
    max_drawdown_money: float
    max_drawdown_bars: int
    max_drawdown_days: float
    trades: int
    open_trades: int
    won: int
    lost: int
    win_rate: float | None
    profit_factor: float | None
    net_profit: float
    commission: float
    average_trade: float | None
    best_trade: float | None
    worst_trade: float | None
    sqn: float | None
    exposure: float
    turnover: float | None
    periods_per_year: float

    def to_dict(self) -> dict[str, Any]:
        """Return the measures by name."""
        return msgspec.structs.asdict(self)


class BacktestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one run gave. `values` is the account's worth at each bar, as (time in ns, value); `timezone` and `currency` are the
    first symbol's; `notes` say in sentences what one should know of the run, such as orders that were refused.

    `fast_reason` says why a Backtrader class did not run on the fast path; "" if it did, and for other classes.

    A run over ticks has their number in `ticks` and the time of the first in `first_ns`: its `values` are samples, which begin later, the
    spec's period is the chart's, and `settings` are listed where the spec's would be. `making` is empty but for runs with fills of resting
    orders. `plots` is what the strategy drew with `plot`, if the run has a report; `chan` how that draws Chan theory (`pages.chan_data`).
    """

    run: str
    spec: BacktestSpec
    strategy: str
    kind: str
    parameters: dict[str, Any]
    measures: Measures
    trades: list[TradeRow]
    values: list[tuple[int, float]]
    folder: str = ""
    fills: list[FillRow] = []
    notes: list[str] = []
    timezone: str = "UTC"
    currency: str = ""
    code_sha256: str = ""
    inputs: RunInputs | None = None
    seconds: float = 0.0
    fast_reason: str = ""
    ticks: int = 0
    first_ns: int = 0
    settings: dict[str, Any] = {}
    making: list[MakerMeasures] = []
    plots: list[PlotLine] = []
    chan: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<BacktestResult {self.run}: {self.strategy} on {', '.join(self.spec.symbols)}, {self.measures.trades} trades>"

    def monthly_returns(self) -> dict[tuple[int, int], float]:
        """Return {(year, month): return as a fraction}, by the months of `timezone`."""
        return monthly_returns(self.measures.start_value, self.values, self.timezone)

    def daily_returns(self) -> pd.Series[float]:
        """Return the returns of the UTC days as fractions, by naive day: what quantstats and pandas work with."""
        import pandas as pd  # half a second, and only wanted here

        days = pd.DatetimeIndex([time_ns for time_ns, _ in self.values]).floor("D")
        last = pd.Series([value for _, value in self.values], index=days).groupby(level=0).last()
        returns: pd.Series[float] = last / last.shift(fill_value=self.measures.start_value) - 1.0
        return returns

    def to_json(self) -> str:
        """Return everything but the value curve, the fills and what is drawn as JSON text, the monthly returns included."""
        found = msgspec.to_builtins(self)
        del found["values"], found["fills"], found["plots"], found["chan"]
        found["monthly_returns"] = {f"{year}-{month:02}": part for (year, month), part in self.monthly_returns().items()}
        return json.dumps(found, indent=2, allow_nan=False, default=str)

    def save(self, folder: Path) -> None:
        """Write `result.json`, `values.csv`, `trades.csv` and `fills.csv` into a run's folder."""
        (folder / "result.json").write_text(self.to_json() + "\n", encoding="utf-8")
        _write_rows(folder / "values.csv", ("time", "value"), ((to_iso(time_ns), repr(value)) for time_ns, value in self.values))
        for name, kind, rows in (("trades.csv", TradeRow, self.trades), ("fills.csv", FillRow, self.fills)):
            _write_rows(folder / name, kind.__struct_fields__, map(msgspec.structs.astuple, rows))

    def save_report(self, file: Path | str) -> Path:
        """Write the HTML report to a file and return its path.

        Raises:
            BacktestError: the run's folder holds no report, or the file cannot be written.
        """
        page, target = self.page(), Path(file).expanduser()
        if page is None:
            message = f"The run {self.run!r} has no {REPORT} in {self.folder or 'a folder'}: run it again with report=True."
            raise BacktestError(message, run=self.run)
        try:
            target.write_text(page, encoding="utf-8")
        except OSError as error:
            raise BacktestError(f"The report cannot be written to {target}: {error.strerror or error}.", file=str(target)) from error
        return target

    def show(self) -> None:
        """Print the result as a table on the console; in a notebook, show the report."""
        from ..report import show_result  # rich is heavy, and only wanted here

        show_result(self)

    def _repr_html_(self) -> str | None:
        """Return the report for a notebook, in a frame of its own; None, which lets it show the text, where there is none."""
        page = self.page()
        return None if page is None else notebook_frame(page)

    def page(self) -> str | None:
        """Return the HTML report of the run's folder; None if there is none."""
        path = Path(self.folder) / REPORT
        return path.read_text(encoding="utf-8") if self.folder and path.is_file() else None


def notebook_frame(page: str) -> str:
    """Return a report as the HTML that a notebook shows, in a frame of its own."""
    frame = f"width:100%;height:{NOTEBOOK_PX}px;border:0;border-radius:8px"
    return f'<iframe title="Backtest report" sandbox="allow-scripts allow-popups" style="{frame}" srcdoc="{html.escape(page)}"></iframe>'


def refusal_notes(refused: Mapping[str, int]) -> list[str]:
    """Return a sentence for each reason for which orders were refused, the most frequent first, of no more than a few."""
    ordered = sorted(refused.items(), key=lambda item: -item[1])
    words = (("order was" if count == 1 else "orders were", reason.rstrip("."), count) for reason, count in ordered[:MOST_NOTES])
    notes = [f"{count:,} {were} refused: {reason}." for were, reason, count in words]
    rest = sum(count for _, count in ordered[MOST_NOTES:])
    return [*notes, f"{rest:,} more were refused for other reasons."] if rest else notes


def _write_rows(path: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
