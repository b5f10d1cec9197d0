"""How a sweep's numbers are written, on the console and in the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["SHOWN", "figure", "settings_text", "title_of"]

PERCENT = frozenset(("total_return", "cagr", "volatility", "max_drawdown", "win_rate", "exposure", "value_at_risk"))
COUNTS = frozenset(("trades", "won", "lost", "open_trades", "max_drawdown_bars", "bars"))
MONEY = frozenset(("end_value", "net_profit", "commission", "max_drawdown_money", "average_trade", "best_trade", "worst_trade"))
SHOWN = ("sharpe", "total_return", "cagr", "max_drawdown", "trades", "win_rate", "profit_factor")
TITLES = {
    "sharpe": "Sharpe",
    "sharpe_yearly": "Sharpe, yearly",
    "cagr": "CAGR",
    "total_return": "Return",
    "max_drawdown": "Drawdown",
    "win_rate": "Won",
}


def figure(name: str, value: Any) -> str:
    """Return a measure as it is read: fractions in percent, money with two decimals, a true minus sign; n/a for none."""
    if value is None:
        return "n/a"
    if name in PERCENT:
        text = f"{value * 100:,.2f} %"
    elif name in COUNTS:
        text = f"{value:,.0f}"
    elif name in MONEY:
        text = f"{value:,.2f}"
    else:
        text = f"{value:,.4f}" if abs(value) < 100 else f"{value:,.2f}"
    return text.replace("-", "−")


def title_of(name: str) -> str:
    """Return a measure's name in words."""
    return TITLES.get(name, name.replace("_", " ").capitalize())


def settings_text(parameters: Mapping[str, Any]) -> str:
    """Return parameters as they are given on a command line."""
    return " ".join(f"{name}={value}" for name, value in parameters.items())
