"""Orders, positions, accounts and gateways as rows of plain values, as console and REST show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gcg_quant.bus import symbol_matches
from gcg_quant.events import OrderEvent

from ..views.status import account_row, fill_row, order_row, payment_rows, position_row
from ..views.system_view import SystemView

__all__ = [
    "account_rows",
    "chosen_orders",
    "fill_rows",
    "funding_rows",
    "gateway_rows",
    "order_rows",
    "position_rows",
    "position_totals",
    "strategy_profits",
]

_LEG = ("account", "symbol", "venue", "side", "currency")
_SUMS = ("quantity", "today", "yesterday", "frozen", "realised_pnl", "unrealised_pnl", "fees", "margin")


def chosen_orders(view: SystemView, *, every: bool = False, strategy: str = "", symbol: str = "", account: str = "") -> list[OrderEvent]:
    """Return the open orders, or `every` order that is kept, of a strategy, an account and a symbol.

    A symbol is "BTC/USDT", "BTC/USDT@SIM" or a pattern.
    """
    return list(_of(view.orders.values() if every else view.open_orders, strategy, symbol, account))


def order_rows(view: SystemView, *, every: bool = False, strategy: str = "", symbol: str = "", account: str = "") -> list[dict[str, Any]]:
    """Return orders as rows; see `chosen_orders`."""
    return [order_row(order) for order in chosen_orders(view, every=every, strategy=strategy, symbol=symbol, account=account)]


def fill_rows(view: SystemView, *, strategy: str = "", symbol: str = "", account: str = "") -> list[dict[str, Any]]:
    """Return the fills that are kept, the newest first."""
    return [fill_row(fill) for fill in reversed(list(_of(view.fills, strategy, symbol, account)))]


def position_rows(
    view: SystemView, *, every: bool = False, strategy: str = "", symbol: str = "", account: str = ""
) -> list[dict[str, Any]]:
    """Return the positions that are held, or `every` position that there ever was, by account, strategy, instrument and leg."""
    found = _of(view.positions.values(), strategy, symbol, account)
    return [position_row(one) for one in found if every or one.quantity]


def position_totals(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the sums of position rows over their strategies, by account, instrument and leg."""
    totals: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in _LEG)
        total = totals.setdefault(key, {**dict(zip(_LEG, key, strict=True)), **dict.fromkeys(_SUMS, 0.0), "strategies": 0})
        for name in _SUMS:
            total[name] += row[name] or 0.0  # null where no price tells
        total["strategies"] += 1
    return list(totals.values())


def account_rows(view: SystemView) -> list[dict[str, Any]]:
    """Return every account by currency, with its profit since the UTC day began."""
    return [{**account_row(one), "profit_today": view.trading.today(one)} for one in view.accounts.values()]


def funding_rows(view: SystemView) -> list[dict[str, Any]]:
    """Return what positions have paid (below 0) and were paid for funding, the newest first."""
    return [row for payment in reversed(view.payments) for row in payment_rows(payment)]


def strategy_profits(view: SystemView) -> list[dict[str, Any]]:
    """Return what each strategy has made by account and currency: realised, unrealised, fees, and the profit of all three."""
    sums: dict[tuple[str, str, str], list[float]] = {}
    for one in view.positions.values():
        total = sums.setdefault((one.account, one.strategy, one.currency), [0.0, 0.0, 0.0])
        for at, value in enumerate((one.realised_pnl, one.unrealised_pnl, one.fees)):
            total[at] += value
    return [
        {
            "account": account,
            "strategy": strategy,
            "currency": currency,
            "realised_pnl": realised,
            "unrealised_pnl": unrealised,
            "fees": fees,
            "profit": realised + unrealised - fees,
        }
        for (account, strategy, currency), (realised, unrealised, fees) in sums.items()
    ]


def gateway_rows(view: SystemView, *, running: bool = True) -> list[dict[str, Any]]:
    """Return every gateway: its state and since when, the orders that it works on, and how long its venue takes to answer.

    A gateway whose process does not run is "down", whatever it said last. Latencies are of the newest orders, from SUBMITTING to the first
    answer, in milliseconds; null before the first.
    """
    alive = {name for group in view.groups.values() if running and group["state"] == "running" for name in group.get("components", ())}
    rows = []
    for status in view.trading.gateways.values():
        delays = sorted(view.trading.delays.get(status.gateway, ()))
        rows.append(
            {
                "gateway": status.gateway,
                "account": status.account,
                "status": status.status if status.source in alive else "down",
                "since_ns": status.time_ns,
                "detail": status.detail,
                "working_orders": sum(order.gateway == status.gateway for order in view.open_orders),
                "answers": len(delays),
                "latency_p50_ms": _percentile_ms(delays, 0.5),
                "latency_p99_ms": _percentile_ms(delays, 0.99),
            }
        )
    return rows


def _of(events: Iterable[Any], strategy: str, symbol: str, account: str) -> Iterable[Any]:
    symbols = frozenset({symbol}) if symbol else None
    for event in events:
        if strategy in ("", event.strategy) and account in ("", event.account) and (symbols is None or symbol_matches(symbols, event)):
            yield event


def _percentile_ms(delays: list[int], share: float) -> float | None:
    return delays[min(int(len(delays) * share), len(delays) - 1)] / 1e6 if delays else None
