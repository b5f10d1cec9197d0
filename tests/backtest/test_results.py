"""The measures: what ResultAnalyzer adds to Backtrader's own analyzers, and the package's face."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

import gcg_quant.backtest
from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed, Measures, ResultAnalyzer
from gcg_quant.backtest.results.performance import longest_fall_days, monthly_returns


class Plan(bt.Strategy):
    """Buys and sells at given bars."""

    params = (("plan", ()),)

    def next(self) -> None:
        """Follow the plan: the size to hold after this bar's order."""
        for at, size in self.p.plan:
            if at == len(self):
                self.order_target_size(target=size)


def run(bars: Any, plan: Any, commission: float = 0.0, **options: Any) -> Any:
    """Run the plan and return its ResultAnalyzer."""
    cerebro = EventDrivenCerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", period="1d", bars=bars), name="X")
    cerebro.broker.setcommission(commission=commission)
    cerebro.addstrategy(Plan, plan=plan)
    cerebro.addanalyzer(ResultAnalyzer, _name="result", **options)
    return cerebro.run()[0].analyzers.result


def test_trades_and_measures_of_a_plan_made_by_hand(kit: ModuleType) -> None:
    """One winning long and one losing short trade, computed by hand."""
    bars = kit.make_bars([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0], "1d")
    result = run(bars, [(1, 10), (3, 0), (4, -10), (6, 0)])
    measures: Measures = result.get_analysis()
    # bought at 100 (bar 2 opens there), sold at 102; sold short at 103, bought back at 105
    assert [(row.size, row.entry_price, row.net_profit, row.bars) for row in result.trades] == [
        (10.0, 100.0, 20.0, 2),
        (-10.0, 103.0, -20.0, 2),
    ]
    assert (measures.trades, measures.won, measures.lost, measures.open_trades) == (2, 1, 1, 0)
    assert (measures.win_rate, measures.profit_factor, measures.net_profit) == (0.5, 1.0, 0.0)
    assert measures.exposure == 4 / 8
    assert measures.end_value == measures.start_value == 10_000.0
    assert measures.max_drawdown_money == 20.0
    assert result.trades[0].entry_ns == int(bars["start_ns"][1])


def test_commission_is_counted(kit: ModuleType) -> None:
    """Commission lowers the net profit of a trade and is summed."""
    result = run(kit.make_bars([100.0] * 6, "1d"), [(1, 10), (3, 0)], commission=0.001)
    measures = result.get_analysis()
    assert measures.commission == pytest.approx(2.0)
    assert measures.net_profit == pytest.approx(-2.0)
    assert measures.end_value == pytest.approx(9_998.0)
    assert (measures.won, measures.lost, measures.win_rate, measures.profit_factor) == (0, 1, 0.0, 0.0)


def test_open_trade_is_no_closed_one(kit: ModuleType) -> None:
    """A position at the end counts as open."""
    measures = run(kit.make_bars([100.0, 101.0, 102.0], "1d"), [(1, 1)]).get_analysis()
    assert (measures.trades, measures.open_trades, measures.win_rate) == (0, 1, None)


def test_growth_and_volatility(kit: ModuleType) -> None:
    """CAGR counts calendar years, volatility is that of daily returns times the root of the days a year."""
    closes = 100.0 * 1.001 ** np.arange(731)
    result = run(kit.make_bars(closes, "1d", spread=0.0), [(1, 100)], periods_per_year=365.0)
    measures = result.get_analysis()
    years = 730 / 365.25
    assert measures.cagr == pytest.approx((measures.end_value / 10_000.0) ** (1 / years) - 1)
    values = np.array(result.values)
    returns = values[1:] / values[:-1] - 1
    assert measures.volatility == pytest.approx(float(np.std(np.append(0.0, returns), ddof=1)) * math.sqrt(365.0))
    assert measures.sharpe is not None
    assert measures.sharpe > 10


def test_growth_of_an_hour_is_no_yearly_rate(kit: ModuleType) -> None:
    """Where a rate would overflow there is none."""
    bars = kit.make_bars([100.0, 100.0, 100.0, 5000.0, 5000.0], "1m")
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=bars))
    cerebro.addstrategy(Plan, plan=[(1, 90)])
    cerebro.addanalyzer(ResultAnalyzer, _name="result")
    assert cerebro.run()[0].analyzers.result.get_analysis().cagr is None


def test_measures_equal_those_of_quantstats_and_backtrader(shared_data: Path, kit: ModuleType) -> None:
    """Each measure that quantstats or an analyzer of Backtrader has is theirs, on the days of SPY."""
    stats = pytest.importorskip("quantstats.stats")
    _, bars = kit.read_daily(shared_data / "stock" / "SPY_daily.csv.gz")
    cerebro = EventDrivenCerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname="SPY", period="1d", bars=bars), name="SPY")
    cerebro.broker.setcommission(commission=0.0002)
    cerebro.addsizer(bt.sizers.FixedSize, stake=50)
    cerebro.addstrategy(kit.Cross)
    cerebro.addanalyzer(ResultAnalyzer, _name="result")
    cerebro.addanalyzer(bt.analyzers.SQN, _name="sqn")
    cerebro.addanalyzer(bt.analyzers.Transactions, _name="transactions")
    cerebro.addanalyzer(bt.analyzers.TimeReturn, timeframe=bt.TimeFrame.Months, _name="months")
    analyzers = cerebro.run()[0].analyzers
    ours: Measures = analyzers.result.get_analysis()
    returns = pd.Series(analyzers.result.daily.get_analysis())
    returns.index = pd.to_datetime(returns.index)
    assert len(returns) > 5_000
    assert ours.sortino == pytest.approx(stats.sortino(returns), rel=1e-12)
    assert ours.volatility == pytest.approx(stats.volatility(returns), rel=1e-12)
    assert ours.value_at_risk == pytest.approx(stats.value_at_risk(returns), rel=1e-12)
    # Backtrader divides by n where quantstats divides by n - 1
    assert ours.sharpe == pytest.approx(stats.sharpe(returns) * math.sqrt(len(returns) / (len(returns) - 1)), rel=1e-12)
    assert ours.max_drawdown == pytest.approx(-stats.max_drawdown(returns), rel=1e-12)
    assert ours.total_return == pytest.approx(stats.comp(returns), rel=1e-9)
    assert ours.cagr is not None
    assert ours.calmar == pytest.approx(ours.cagr / -stats.max_drawdown(returns), rel=1e-12)
    years = (ours.end_ns - ours.start_ns) / 86_400e9 / 365.25
    assert ours.cagr == pytest.approx((1.0 + stats.comp(returns)) ** (1.0 / years) - 1.0, rel=1e-9)  # quantstats counts 252 days a year
    assert ours.sqn == pytest.approx(analyzers.sqn.get_analysis().sqn, rel=1e-12)
    found = analyzers.transactions.get_analysis()
    traded = sum(abs(row[4]) for rows in found.values() for row in rows)
    assert ours.turnover == pytest.approx(traded / np.mean(analyzers.result.values) / years, rel=1e-12)
    assert len(analyzers.result.fills) == sum(len(rows) for rows in found.values()) > 150
    values = [(int(at), value) for at, value in zip(bars["start_ns"], analyzers.result.values)]
    months = {(when.year, when.month): value for when, value in analyzers.months.get_analysis().items()}
    assert monthly_returns(ours.start_value, values, "America/New_York") == pytest.approx(months, rel=1e-12)


def test_months_end_at_midnight_of_the_venue() -> None:
    """A day that begins in Shanghai on the first of a month belongs to that month, although UTC has the last of the month before."""
    values = [(int(datetime(2024, 1, day, 16, tzinfo=UTC).timestamp()) * 10**9, 100.0 + day) for day in (29, 30, 31)]
    assert monthly_returns(100.0, values, "Asia/Shanghai") == {(2024, 1): pytest.approx(0.3), (2024, 2): pytest.approx(131 / 130 - 1)}
    assert list(monthly_returns(100.0, values, "UTC")) == [(2024, 1)]
    assert monthly_returns(100.0, []) == {}


def test_longest_fall_counts_days_from_the_peak() -> None:
    """A fall lasts from its peak to the last bar below it, also one that has not ended."""
    days = np.arange(6) * 86_400_000_000_000
    assert longest_fall_days(days, np.array([100.0, 90.0, 95.0, 101.0, 100.0, 99.0])) == 2.0
    assert longest_fall_days(days, np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])) == 0.0
    assert longest_fall_days(days, np.array([5.0, 4.0, 3.0, 2.0, 1.0, 4.9])) == 5.0


def test_package_shows_what_it_says() -> None:
    """Every name of __all__ can be had, and no other."""
    for name in gcg_quant.backtest.__all__:
        assert getattr(gcg_quant.backtest, name) is not None
    assert gcg_quant.backtest.__all__ == sorted(gcg_quant.backtest.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        gcg_quant.backtest.Nothing  # noqa: B018


def test_engine_costs_a_live_process_no_backtrader() -> None:
    """Importing the component and the adapter imports neither Backtrader nor pandas."""
    import subprocess
    import sys

    code = "import sys, gcg_quant.backtest.engine, gcg_quant.backtest.adapters\n"
    code += "print([name for name in ('backtrader', 'pandas') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_month_that_began_with_nothing_has_no_return() -> None:
    """An account that has lost everything has months without a return, which JSON and the report can carry."""
    month = 32 * 86_400_000_000_000
    assert monthly_returns(100.0, [(0, 0.0), (month, 50.0), (2 * month, 75.0)]) == {(1970, 1): -1.0, (1970, 3): 0.5}
