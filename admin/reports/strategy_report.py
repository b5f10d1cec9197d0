"""Strategies as rows of plain values, with what they hold and have made, as console and REST show them."""

from __future__ import annotations

from typing import Any

from gcg_quant.errors import StrategyError, nearest
from gcg_quant.events import PositionEvent, StrategyStatusEvent

from ..views.status import strategy_row
from ..views.system_view import SystemView

__all__ = ["find_strategy", "strategy_log", "strategy_rows"]

_HELD = ("symbol", "venue", "quantity", "average_price", "last_price")


def strategy_rows(view: SystemView) -> list[dict[str, Any]]:
    """Return every loaded strategy: its state, and what it holds and has made since its first fill.

    `position` is the quantity of the one instrument that it holds (negative: short), 0.0 if it holds nothing, None if it holds several;
    `holdings` has them all. Money is in `currency`; where a strategy has traded in several currencies the sums are None and `currency` "".
    """
    positions: dict[str, list[PositionEvent]] = {}
    for one in view.positions.values():
        positions.setdefault(one.strategy, []).append(one)
    return [_row(status, positions.get(name, []), view.fill_counts.get(name, 0)) for name, status in view.strategies.items()]


def find_strategy(view: SystemView, strategy: str) -> dict[str, Any]:
    """Return the row of a strategy. Raises StrategyError naming the nearest one."""
    found = next((row for row in strategy_rows(view) if row["strategy"] == strategy), None)
    if found is None:
        raise StrategyError(f"There is no strategy {strategy!r}.{nearest(strategy, view.strategies)}", strategy=strategy)
    return found


def strategy_log(view: SystemView, strategy: str) -> list[dict[str, Any]]:
    """Return the newest log lines of a strategy, oldest first: its own, and what was said of it."""
    return [{"time_ns": one.time_ns, "level": one.level, "text": one.message} for one in view.words.get(strategy, ())]


def _row(status: StrategyStatusEvent, positions: list[PositionEvent], fills: int) -> dict[str, Any]:
    held = [one for one in positions if one.quantity]
    currencies = {one.currency for one in positions}
    one_currency = len(currencies) <= 1
    sums = {
        name: sum(getattr(one, field) for one in positions) if one_currency else None
        for name, field in (("open_pnl", "unrealised_pnl"), ("realised_pnl", "realised_pnl"), ("fees", "fees"))
    }
    return {
        **strategy_row(status),
        "position": sum(_signed(one) for one in held) if len({(one.symbol, one.venue) for one in held}) <= 1 else None,
        "holdings": [_holding(one) for one in held],
        **sums,
        "fills": fills,
        "currency": next(iter(currencies), "") if one_currency else "",
    }


def _holding(one: PositionEvent) -> dict[str, Any]:
    row = {name: getattr(one, name) for name in _HELD}
    row = {name: None if isinstance(value, float) and value != value else value for name, value in row.items()}
    return {**row, "side": one.position_side.name.lower(), "open_pnl": one.unrealised_pnl}


def _signed(one: PositionEvent) -> float:
    return -one.quantity if one.position_side.name == "SHORT" else one.quantity
