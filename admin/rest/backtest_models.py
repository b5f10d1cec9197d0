"""Backtests, as REST shows and takes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from .model import Model, Ns, Parameters, RunName, SymbolName

__all__ = [
    "BacktestDefaults",
    "BacktestDetail",
    "BacktestDone",
    "BacktestRequest",
    "BacktestRow",
    "Comparison",
    "Curve",
    "MeasureValues",
    "ParameterValues",
    "TradeRow",
]

State = Literal["requested", "running", "done", "failed", "cancelled"]
Moment = Annotated[str, Field(max_length=40)] | Ns


class BacktestRow(Model):
    """A backtest, on its way or kept."""

    run: str
    state: State
    progress: float = Field(description="of its bars, as a fraction", ge=0, le=1)
    file: str
    class_name: str
    symbols: list[str]
    period: str = Field(description="of the bars; ticks: a run of the tick engine")
    requested_ns: Ns
    error: str = Field(description='one sentence; "" if there is none')
    total_return: float | None = Field(alias="return", description="fraction of the cash it began with")
    sharpe: float | None = Field(description="of daily returns, annualised, over a rate of 0")
    drawdown: float | None = Field(description="the deepest, as a positive fraction of the best value before it")
    trades: int | None = Field(description="closed ones")
    parameters: dict[str, JsonValue] = Field(description="of the strategy, as they were asked for")


class BacktestDetail(BacktestRow):
    """A backtest with all that is kept of it."""

    finished_ns: Ns = Field(description="0 while it has not ended")
    results: dict[str, JsonValue] = Field(description="the measures by name: fractions, not percents; docs/backtest.md tells what each is")
    parameters: dict[str, JsonValue] = Field(description="of the strategy, its defaults included, once it has run")
    settings: dict[str, JsonValue] = Field(description="what was asked for")
    inputs: dict[str, JsonValue] = Field(description="digests of the code and the data that it used")
    monthly_returns: dict[str, float] = Field(description="fractions by month, such as 2024-03")
    notes: list[str] = Field(description="what one should know of the run, in sentences")
    kind: str = Field(description="the framework of the class")
    currency: str
    seconds: float = Field(description="how long it took", ge=0)
    report: bool = Field(description="whether there is an HTML report")


class BacktestRequest(Model):
    """A backtest to run on stored data."""

    run: RunName = Field("", description="its name; made of class and time if empty")
    file: Annotated[str, Field(min_length=1, max_length=400)] = Field(description="path or short name of a file in an allowed folder")
    class_name: Annotated[str, Field(max_length=80)] = Field("", description="which class, if the file holds several")
    symbols: Annotated[list[SymbolName], Field(min_length=1, max_length=200)] = Field(description="SPY or SPY@VENUE; each becomes a feed")
    period: Annotated[str, Field(max_length=8)] = Field("1d", description="of the bars: 1m, 1h, 1d ...")
    start: Moment | None = Field(None, description="a day such as 2015-01-01 or a time (UTC), or nanoseconds since 1970")
    end: Moment | None = Field(None, description="before which it ends")
    cash: float | None = Field(None, gt=0, le=1e15, description="at the start; null: [backtest] cash")
    commission: float | None = Field(None, ge=0, lt=1, description="fraction of a trade's value; null: [backtest] commission")
    matching: Literal["stock", "native"] = Field("stock", description="who matches orders of a Backtrader class")
    parameters: Parameters = Field({}, description="instead of the defaults")
    preset: Literal["", "auto", "cn_stock", "cn_future", "us", "hk", "crypto", "fx", "cme"] = Field("", description="terms of a market")
    slippage_ticks: int | None = Field(None, ge=0, le=1000, description="with a preset; null: 1")
    slippage: float = Field(0.0, ge=0, lt=1, description="fraction of the price, without a preset")
    stake: float | None = Field(None, gt=0, le=1e12, description="units an order takes where the strategy names no size")
    fees: Literal["commission", "terms"] = Field("commission", description="of paper matching")


class BacktestDefaults(Model):
    """What a request holds that leaves it out."""

    cash: float = Field(description="[backtest] cash")
    commission: float = Field(description="[backtest] commission: fraction of a trade's value; 0 with a preset")


class BacktestDone(Model):
    """What was done with a backtest."""

    run: str
    done: Literal["requested", "cancelled", "removed"]


class Curve(Model):
    """The account's worth over time, thinned out to what a chart can show; the lists belong together."""

    times_ms: list[int] = Field(description="milliseconds since 1970, UTC")
    equity: list[float] = Field(description="money, in the account's currency")
    drawdown: list[float] = Field(description="fraction below the best so far: 0 or negative")


class TradeRow(Model):
    """A closed trade; money is in the account's currency."""

    symbol: str
    size: float = Field(description="units; negative: short")
    entry_ns: Ns
    entry_price: float
    exit_ns: Ns
    bars: int = Field(description="how long it was held")
    profit: float = Field(description="before commission")
    commission: float
    net_profit: float


class MeasureValues(Model):
    """One measure of several runs, in their order."""

    measure: str
    values: list[JsonValue]


class ParameterValues(Model):
    """One parameter of several runs, in their order; null where a run has none of that name."""

    name: str
    values: list[JsonValue]


class Comparison(Model):
    """Runs side by side."""

    runs: list[BacktestRow]
    rows: list[MeasureValues]
    parameters: list[ParameterValues]
