"""What `status` and `/api/v1/system/status` answer: one dictionary of plain values."""

from __future__ import annotations

from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.events import AccountEvent, Fill, FundingPayment, Lane, OrderEvent, PositionEvent, PositionSide, StrategyStatusEvent

from ..halt import halt_rows
from .system_view import SystemView

__all__ = ["account_row", "fill_row", "order_row", "payment_rows", "position_row", "strategy_row", "system_status"]


def system_status(view: SystemView, bus: EventBus) -> dict[str, Any]:
    """Return the state of the running system: bus, groups, components, readers, counts, recent problems."""
    return {
        "world": bus.world.name.lower(),
        "bus_id": bus.bus_id,
        "epoch": bus.epoch,
        "uptime_s": round((now_ns() - view.started_ns) / 1e9, 1) if view.started_ns else 0.0,
        "events": {lane.name.lower(): bus.head(lane) - 1 for lane in Lane},
        "groups": view.groups,
        "components": view.fresh_metrics(),
        "readers": [
            {"name": reader.name, "alive": reader.alive, "durable": reader.durable, "pid": reader.pid, "lag": sum(reader.lag.values())}
            for reader in bus.readers()
        ],
        "strategies": {name: status.state for name, status in view.strategies.items()},
        "open_orders": len(view.open_orders),
        "fills": view.fill_count,
        "kill_switch": view.trading.kill.facts(),
        "halts": halt_rows(view),
        "accounts": [account_row(account) for account in view.accounts.values()],
        "problems": [
            {"time_ns": problem.time_ns, "level": problem.level, "component": problem.component, "message": problem.message}
            for problem in list(view.problems)[-20:]
        ],
    }


def strategy_row(status: StrategyStatusEvent) -> dict[str, Any]:
    """Return a strategy as the interface shows it."""
    names = ("strategy", "state", "kind", "file", "class_name", "symbols", "parameters", "account", "error")
    return {name: getattr(status, name) for name in names}


def order_row(order: OrderEvent) -> dict[str, Any]:
    """Return an order as the interface shows it; absent prices are null."""
    names = ("request", "account", "strategy", "client_id", "gateway", "venue_order_id", "symbol", "venue")
    numbers = ("quantity", "filled_quantity", "price", "stop_price", "average_price")
    return {
        **_row(order, names + numbers),
        "side": order.side.name.lower(),
        "type": order.order_type.name.lower(),
        "status": order.status.name.lower(),
        "reason": order.reason,
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    """Return a fill as the interface shows it."""
    names = ("event_ns", "account", "strategy", "client_id", "symbol", "venue", "quantity", "price", "fee", "fee_currency", "trade_id")
    return {**_row(fill, names), "side": fill.side.name.lower(), "liquidity": fill.liquidity.name.lower()}


def payment_rows(payment: FundingPayment) -> list[dict[str, Any]]:
    """Return funding as the interface shows it: a row for each position that has its part in it."""
    row = _row(payment, ("due_ns", "account", "symbol", "venue", "currency", "rate", "price", "payment_id"))
    return [
        {**row, "strategy": strategy, "side": PositionSide(side).name.lower(), "quantity": quantity, "amount": amount}
        for strategy, side, quantity, amount in payment.payments
    ]


def position_row(position: PositionEvent) -> dict[str, Any]:
    """Return a position as the interface shows it; `side` is its leg ("net" where long and short are one)."""
    names = ("account", "strategy", "symbol", "venue", "quantity", "today", "yesterday", "frozen", "average_price", "last_price")
    money = ("realised_pnl", "unrealised_pnl", "fees", "margin", "currency")
    return {**_row(position, names + money), "side": position.position_side.name.lower()}


def account_row(account: AccountEvent) -> dict[str, Any]:
    """Return an account as the interface shows it."""
    return _row(account, ("account", "currency", "cash", "equity", "margin", "available", "realised_pnl", "unrealised_pnl", "fees"))


def _row(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in names}
    # NaN is no JSON: what is absent is null.
    row = {name: None if isinstance(value, float) and value != value else value for name, value in row.items()}
    row["time_ns"] = record.time_ns
    return row
