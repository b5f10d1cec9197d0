"""One event as a step of a chain: its kind, what it says in one line, and its facts by name."""

from __future__ import annotations

from enum import Enum
from typing import Any

from gcg_quant.clock import NS_PER_MICROSECOND
from gcg_quant.events import (
    Bar,
    Event,
    Fill,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    RiskReason,
    RiskVerdict,
    SignalEvent,
    Tick,
    TradeTick,
)

__all__ = ["facts_of", "kind_of", "text_of"]

_KINDS: dict[type[Event], str] = {
    Tick: "tick",
    TradeTick: "tick",
    Bar: "bar",
    SignalEvent: "signal",
    OrderRequest: "request",
    RiskVerdict: "risk",
    OrderCommand: "command",
    OrderEvent: "order",
    Fill: "fill",
}
_FIELDS: dict[type[Event], tuple[str, ...]] = {
    Tick: ("last_price", "bid_price", "ask_price"),
    TradeTick: ("price", "size"),
    Bar: ("period", "close"),
    SignalEvent: ("strategy", "name", "direction", "strength", "price", "quantity", "text"),
    OrderRequest: ("strategy", "account", "client_id", "side", "quantity", "order_type", "price", "stop_price"),
    RiskVerdict: ("rules", "value", "limit", "message"),
    OrderCommand: ("gateway", "side", "quantity", "price"),
    OrderEvent: ("status", "gateway", "venue_order_id", "filled_quantity", "quantity", "reason"),
    Fill: ("strategy", "gateway", "side", "quantity", "price", "fee", "fee_currency", "trade_id", "liquidity"),
}


def kind_of(event: Event) -> str:
    """Return tick, bar, signal, request, risk, command, order or fill; for others the class's name."""
    return _KINDS.get(type(event), type(event).__name__)


def facts_of(event: Event) -> dict[str, Any]:
    """Return what a step's event says, by name; absent values (NaN, empty texts) are left out."""
    facts: dict[str, Any] = {}
    for name in ("symbol", "venue", *_FIELDS.get(type(event), ())):
        value = getattr(event, name, None)
        value = value.name.lower() if isinstance(value, Enum) else value
        if value not in (None, "") and value == value:
            facts[name] = value
    if isinstance(event, RiskVerdict):
        facts["ok"] = not event.reasons
        if event.check_ns > 0:  # else it was not measured
            facts["check_us"] = event.check_ns / NS_PER_MICROSECOND
        facts["reasons"] = [(reason.name or str(int(reason))).lower() for reason in RiskReason(event.reasons)]
    return facts


def text_of(event: Event, facts: dict[str, Any]) -> str:
    """Return what a step's event says in one line."""
    said = facts.get
    match event:
        case Tick():
            return f"last {_number(said('last_price'))}, bid {_number(said('bid_price'))}, ask {_number(said('ask_price'))}"
        case TradeTick():
            return f"trade of {_number(event.size)} at {_number(event.price)}"
        case Bar():
            return f"{event.period} bar closed at {_number(event.close)}"
        case SignalEvent():
            return f"{event.strategy}: {event.name} {event.text}".strip()
        case OrderRequest():
            return f"{event.strategy} asks to {said('side')} {_number(event.quantity)}, {said('order_type')}"
        case RiskVerdict():
            refused = event.message or ", ".join(facts["reasons"])
            return f"{event.rules} rules passed" if facts["ok"] else f"refused: {refused}"
        case OrderCommand():
            return f"sent to {event.gateway}"
        case OrderEvent():
            return f"{said('status')} at {event.gateway}" + (f": {event.reason}" if event.reason else "")
        case Fill():
            return f"{said('side')} {_number(event.quantity)} at {_number(event.price)}"
    return type(event).__name__


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:,.10g}"
