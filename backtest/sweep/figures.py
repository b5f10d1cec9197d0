"""How a sweep's numbers are written, on the console and in the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gcg_quant.clock import NS_PER_DAY

__all__ = ["SHOWN", "figure", "report_figure", "settings_text", "shown_measures", "sign_of", "title_of"]

PERCENT = frozenset(("total_return", "cagr", "volatility", "max_drawdown", "win_rate", "exposure", "value_at_risk"))
SIGNED = frozenset(("total_return", "cagr", "value_at_risk", "net_profit", "average_trade", "best_trade", "worst_trade"))
FALLS = frozenset(("max_drawdown", "max_drawdown_percent"))  # written as losses
OF_A_YEAR = frozenset(("cagr", "calmar", "sortino", "turnover"))
MONTH_NS = 30 * NS_PER_DAY
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


def figure(name: str, value: Any, *, decimals: int = 4) -> str:
    """Return a measure as it is read: fractions in percent, money with two decimals, ratios with `decimals`, a true minus sign.

    None, a measure that has nothing to divide by, is n/a.
    """
    if value is None:
        return "n/a"
    if name in PERCENT or name == "max_drawdown_percent":
        text = f"{value * (100 if name in PERCENT else 1):,.2f} %"
    elif name in COUNTS:
        text = f"{value:,.0f}"
    elif name in MONEY:
        text = f"{value:,.2f}"
    else:
        text = f"{value:,.{decimals}f}" if abs(value) < 100 else f"{value:,.2f}"
    return text.replace("-", "−") if _is_something(text) else text.removeprefix("-")


def report_figure(name: str, value: Any) -> str:
    """Return a measure as reports write it (web/format.js): ratios with two decimals, returns with their sign, an absent one as –."""
    if value is None:
        return "–"
    text = figure(name, -value if name in FALLS and value else value, decimals=2)
    return f"+{text}" if name in SIGNED and value > 0 and _is_something(text) else text


def shown_measures(measures: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the measures that are worth showing: what less than a month would come to in a year is none of them."""
    found = dict(measures or {})
    if found.get("end_ns", MONTH_NS) - found.get("start_ns", 0) < MONTH_NS:
        found.update(dict.fromkeys(OF_A_YEAR))
    return found


def sign_of(name: str, value: Any) -> str:
    """Return "up" or "down" for a measure of which the sign says whether it is good, else ""."""
    if not value or not _is_something(report_figure(name, value)):
        return ""
    if name in FALLS:
        return "down"
    return ("up" if value > 0 else "down") if name in SIGNED else ""


def title_of(name: str) -> str:
    """Return a measure's name in words."""
    return TITLES.get(name, name.replace("_", " ").capitalize())


def settings_text(parameters: Mapping[str, Any]) -> str:
    """Return parameters as they are given on a command line."""
    return " ".join(f"{name}={value}" for name, value in parameters.items())


# What is shown as 0 has no sign.
def _is_something(text: str) -> bool:
    return any(one in text for one in "123456789")
