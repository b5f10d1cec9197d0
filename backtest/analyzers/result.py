"""`ResultAnalyzer`: the measures of a run, made of Backtrader's own analyzers so that the numbers are theirs to the last bit."""

from __future__ import annotations

import math
from array import array
from typing import Any

import backtrader as bt
import numpy as np

from ..conversion.days import ns_from_days
from ..results.performance import DAYS_PER_YEAR, further_measures
from ..results.result import FillRow, Measures, TradeRow

__all__ = ["ResultAnalyzer", "fill_row", "refusal_of", "trade_row"]


def fill_row(order: Any, bit: Any) -> FillRow:
    """Return the row of one execution of an order."""
    return FillRow(
        symbol=str(order.data._name),
        time_ns=ns_from_days(bit.dt),
        size=float(bit.size),
        price=float(bit.price),
        commission=float(bit.comm),
    )


def trade_row(trade: Any, size: float, price: float) -> TradeRow:
    """Return the row of a closed trade that was opened with `size` at `price`."""
    return TradeRow(
        symbol=str(trade.data._name),
        size=size,
        entry_ns=ns_from_days(trade.dtopen),
        entry_price=price,
        exit_ns=ns_from_days(trade.dtclose),
        bars=int(trade.barlen),
        profit=float(trade.pnl),
        commission=float(trade.commission),
        net_profit=float(trade.pnlcomm),
    )


def refusal_of(order: Any) -> str:
    """Return why an order was refused; "" if it was not, or only because the order that it belongs to was."""
    if order.status == bt.Order.Margin:
        return "not enough cash"
    reason = str(order.info.get("reason", ""))
    if order.status != bt.Order.Rejected or (order.parent is not None and not reason):
        return ""
    return reason or "rejected by the broker"


class ResultAnalyzer(bt.Analyzer):  # type: ignore[misc]
    """Collects a run's value bar by bar and its trades, and works out the measures at the end.

    Inside are `bt.analyzers.SharpeRatio`, `DrawDown`, `TradeAnalyzer` and `TimeReturn` (not `Returns`: it raises at the end of a run
    whose yearly rate overflows, or that lost everything). Two Sharpe ratios are given, each
    with its terms: of daily returns, annualised by the square root of `periods_per_year`, over a risk-free rate of 0; and with
    Backtrader's defaults (yearly returns, risk-free rate 1 %).

    Params:
        periods_per_year: trading days a year (252; 365 for markets that never close).
    """

    params = (("periods_per_year", 252.0),)

    def __init__(self) -> None:
        days = {"timeframe": bt.TimeFrame.Days, "compression": 1}
        self.sharpe = bt.analyzers.SharpeRatio(**days, riskfreerate=0.0, annualize=True, factor=self.p.periods_per_year, convertrate=True)
        self.sharpe_yearly = bt.analyzers.SharpeRatio()
        self.drawdown = bt.analyzers.DrawDown()
        self.trade_analyzer = bt.analyzers.TradeAnalyzer()
        self.daily = bt.analyzers.TimeReturn(**days)
        self.times = array("d")
        self.values = array("d")
        self.trades: list[TradeRow] = []
        self.fills: list[FillRow] = []
        self.traded = 0.0
        self.invested = 0
        self.refused: dict[str, int] = {}
        self._filled: dict[int, int] = {}
        self._opened: dict[int, tuple[float, float]] = {}

    def start(self) -> None:
        """Note the value at the start (called by Backtrader)."""
        self.start_value = float(self.strategy.broker.getvalue())

    def next(self) -> None:
        """Note a bar's value (called by Backtrader, from the first bar on)."""
        strategy = self.strategy
        self.times.append(strategy.lines.datetime[0])
        self.values.append(strategy.broker.getvalue())
        positions = strategy.broker.positions
        self.invested += any(position.size for position in positions.values())

    def notify_order(self, order: Any) -> None:
        """Note what was filled of an order since the last time (called by Backtrader)."""
        bits = list(order.executed.exbits)
        told = self._filled.get(order.ref, 0)
        multiplier = self.strategy.broker.getcommissioninfo(order.data).p.mult
        for bit in bits[told:]:
            self.fills.append(fill_row(order, bit))
            self.traded += abs(bit.size) * bit.price * multiplier
        reason = refusal_of(order)
        if reason:
            self.refused[reason] = self.refused.get(reason, 0) + 1
        if order.alive():
            self._filled[order.ref] = len(bits)
        else:
            self._filled.pop(order.ref, None)

    def notify_trade(self, trade: Any) -> None:
        """Note a trade that was closed (called by Backtrader)."""
        if trade.justopened:
            self._opened[trade.ref] = (float(trade.size), float(trade.price))
        if not trade.isclosed:
            return
        size, price = self._opened.pop(trade.ref, (0.0, float(trade.price)))
        self.trades.append(trade_row(trade, size, price))

    def stop(self) -> None:
        """Work out the measures (called by Backtrader at the end)."""
        self.rets = self._measures()

    def get_analysis(self) -> Measures:
        """Return the measures."""
        measures: Measures = self.rets
        return measures

    def _measures(self) -> Measures:
        end_value = self.values[-1] if self.values else self.start_value
        counted = _counts(self.trade_analyzer.get_analysis())
        won = sum(row.net_profit for row in self.trades if row.net_profit > 0)
        lost = -sum(row.net_profit for row in self.trades if row.net_profit < 0)
        falls = self.drawdown.get_analysis().max
        bars = len(self.values)
        cagr = self._cagr(end_value)
        return Measures(
            start_ns=ns_from_days(self.times[0]) if bars else 0,
            end_ns=ns_from_days(self.times[-1]) if bars else 0,
            bars=bars,
            start_value=self.start_value,
            end_value=end_value,
            total_return=end_value / self.start_value - 1.0 if self.start_value else None,
            cagr=cagr,
            volatility=self._volatility(),
            sharpe=self.sharpe.get_analysis()["sharperatio"],
            sharpe_yearly=self.sharpe_yearly.get_analysis()["sharperatio"],
            max_drawdown=float(falls.drawdown) / 100.0,
            max_drawdown_percent=float(falls.drawdown),
            max_drawdown_money=float(falls.moneydown),
            max_drawdown_bars=int(falls.len),
            trades=counted["closed"],
            open_trades=counted["open"],
            won=counted["won"],
            lost=counted["lost"],
            win_rate=counted["won"] / counted["closed"] if counted["closed"] else None,
            profit_factor=won / lost if lost else None,
            net_profit=sum(row.net_profit for row in self.trades),
            commission=sum(row.commission for row in self.trades),
            exposure=self.invested / bars if bars else 0.0,
            periods_per_year=float(self.p.periods_per_year),
            **further_measures(
                np.array([ns_from_days(days) for days in self.times], dtype=np.int64),
                np.array(self.values),
                list(self.daily.get_analysis().values()),
                self.trades,
                traded=self.traded,
                cagr=cagr,
                max_drawdown=float(falls.drawdown) / 100.0,
                periods_per_year=float(self.p.periods_per_year),
            ),
        )

    def _cagr(self, end_value: float) -> float | None:
        days = self.times[-1] - self.times[0] if self.times else 0.0
        if days <= 0 or self.start_value <= 0 or end_value <= 0:
            return None
        try:
            return float((end_value / self.start_value) ** (DAYS_PER_YEAR / days) - 1.0)
        except OverflowError:  # a good hour, extrapolated to a year
            return None

    def _volatility(self) -> float | None:
        returns = list(self.daily.get_analysis().values())
        if len(returns) < 2:
            return None
        mean = math.fsum(returns) / len(returns)
        variance = math.fsum((one - mean) ** 2 for one in returns) / (len(returns) - 1)
        return math.sqrt(variance * self.p.periods_per_year)


# The trade analyzer makes its entries as trades come: without any there is hardly a key.
def _counts(found: Any) -> dict[str, int]:
    total, won, lost = found.get("total", {}), found.get("won", {}), found.get("lost", {})
    return {
        "closed": int(total.get("closed", 0)),
        "open": int(total.get("open", 0)),
        "won": int(won.get("total", 0)),
        "lost": int(lost.get("total", 0)),
    }
