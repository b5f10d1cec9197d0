"""The result of a backtest: measures, trades, the value bar by bar, and what would be needed to run it again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec

from gcg_quant.clock import to_iso

from .spec import BacktestSpec

__all__ = ["BacktestResult", "FillRow", "Measures", "TradeRow"]


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A closed trade. `size` is what it was opened with (negative: short); money is in the account's currency."""

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
    first symbol's.

    `fast_reason` says why a Backtrader class did not run on the fast path; "" if it did, and for other classes.
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
    timezone: str = "UTC"
    currency: str = ""
    code_sha256: str = ""
    seconds: float = 0.0
    fast_reason: str = ""

    def to_json(self) -> str:
        """Return everything but the value curve as JSON text."""
        found = msgspec.to_builtins(self)
        del found["values"]
        return json.dumps(found, indent=2, allow_nan=False, default=str)

    def save(self, folder: Path) -> None:
        """Write `result.json`, `trades.csv` and `values.csv` into a run's folder."""
        (folder / "result.json").write_text(self.to_json() + "\n", encoding="utf-8")
        with (folder / "values.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(("time", "value"))
            rows.writerows((to_iso(time_ns), repr(value)) for time_ns, value in self.values)
        with (folder / "trades.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(TradeRow.__struct_fields__)
            rows.writerows(msgspec.structs.astuple(trade) for trade in self.trades)

    def show(self) -> None:
        """Print the result as a table on the console (or in a notebook)."""
        from .report import print_report  # rich is heavy, and only wanted here

        print_report(self)
