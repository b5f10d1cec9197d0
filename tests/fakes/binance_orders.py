"""How Binance writes orders, fills and accounts of spot.

Checked against Binance's documentation: "Trading endpoints", "Account endpoints", "User Data Streams" and "Error codes" (spot).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fakes.account import Account
from fakes.binance_shapes import price, quantity, venue_symbol
from fakes.exchange import Exchange
from fakes.orders import BUY, CANCELED, EXPIRED, FILLED, OPEN, PREVENTED, Fill, Order
from fakes.terms import Terms

Json = dict[str, Any]
NOTHING = "0.00000000"
# What a refusal of the matching is at Binance: (code, message).
REFUSALS = {
    "symbol": (-1121, "Invalid symbol."),
    "quantity": (-1013, "Filter failure: LOT_SIZE"),
    "price": (-1013, "Filter failure: PRICE_FILTER"),
    "notional": (-1013, "Filter failure: NOTIONAL"),
    "duplicate": (-2010, "Duplicate order sent."),
    "balance": (-2010, "Account has insufficient balance for requested action."),
    "post_only": (-2010, "Order would immediately match and take."),
    "empty": (-2010, "Order book liquidity is less than symbol minimum quantity."),
    "reduce_only": (-2022, "ReduceOnly Order is rejected."),
}


def status(order: Order) -> str:
    """Return the order's state in Binance's words."""
    if order.status == OPEN:
        return "PARTIALLY_FILLED" if order.filled else "NEW"
    return {FILLED: "FILLED", CANCELED: "CANCELED", EXPIRED: "EXPIRED", PREVENTED: "EXPIRED_IN_MATCH"}[order.status]


def amount(value: Decimal) -> str:
    """Return money with eight decimals."""
    return f"{value:.8f}"


def kind(order: Order) -> str:
    """Return LIMIT, LIMIT_MAKER or MARKET."""
    return "LIMIT_MAKER" if order.force == "PO" else order.kind.upper()


def force(order: Order) -> str:
    """Return the time in force."""
    return "GTC" if order.force == "PO" or order.kind == "market" else order.force


def basics(terms: Terms, order: Order) -> Json:
    """Return what all answers about an order have."""
    return {
        "symbol": venue_symbol(terms),
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": price(terms, order.ticks),
        "origQty": quantity(terms, order.lots),
        "executedQty": quantity(terms, order.filled),
        "origQuoteOrderQty": amount(order.quote or Decimal(0)),
        "cummulativeQuoteQty": amount(order.worth),
        "status": status(order),
        "timeInForce": force(order),
        "type": kind(order),
        "side": "BUY" if order.side == BUY else "SELL",
        "workingTime": order.created_ms,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def placed(terms: Terms, order: Order, fills: list[Fill], full: str) -> Json:
    """Return the answer to a new order: ACK, RESULT or FULL."""
    whole = {**basics(terms, order), "transactTime": order.created_ms}
    if full == "ACK":
        return {name: whole[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")}
    if full == "FULL":
        whole["fills"] = [
            {
                "price": price(terms, fill.ticks),
                "qty": quantity(terms, fill.lots),
                "commission": amount(fill.fee),
                "commissionAsset": fill.fee_currency,
                "tradeId": fill.trade_id,
            }
            for fill in fills
        ]
    return whole


def asked(terms: Terms, order: Order) -> Json:
    """Return the answer to a question for an order."""
    more = {"stopPrice": NOTHING, "icebergQty": NOTHING, "time": order.created_ms, "updateTime": order.updated_ms, "isWorking": True}
    return {**basics(terms, order), **more}


def canceled(terms: Terms, order: Order, cancel_id: str) -> Json:
    """Return the answer to a cancellation; the order's own id is `origClientOrderId` in it."""
    return {**basics(terms, order), "clientOrderId": cancel_id, "origClientOrderId": order.client_id, "transactTime": order.updated_ms}


def my_trade(terms: Terms, fill: Fill) -> Json:
    """Return an item of myTrades."""
    return {
        "symbol": venue_symbol(terms),
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": price(terms, fill.ticks),
        "qty": quantity(terms, fill.lots),
        "quoteQty": amount(terms.notional(fill.ticks, fill.lots)),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": fill.time_ms,
        "isBuyer": fill.side == BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def account_status(exchange: Exchange, account: Account, omit_zero: bool) -> Json:
    """Return the answer of account."""
    currencies = {name for market in exchange.markets.values() if not market.terms.swap for name in (market.terms.base, market.terms.quote)}
    known = sorted(currencies | set(account.total))
    balances = [
        {"asset": name, "free": amount(account.free(name)), "locked": amount(account.locked.get(name, Decimal(0)))} for name in known
    ]
    rates = {"maker": "0.00100000", "taker": "0.00100000", "buyer": NOTHING, "seller": NOTHING}
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates,
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.changed_ms,
        "accountType": "SPOT",
        "balances": [one for one in balances if not omit_zero or Decimal(one["free"]) or Decimal(one["locked"])],
        "permissions": ["SPOT"],
        "uid": 354937868,
    }


def execution_report(terms: Terms, order: Order, fill: Fill | None, what: str, now_ms: int, cancel_id: str = "") -> Json:
    """Return the `executionReport` event of a change."""
    execution = {"new": "NEW", "fill": "TRADE", CANCELED: "CANCELED", "amended": "REPLACED", PREVENTED: "EXPIRED"}.get(what, "EXPIRED")
    last_worth = terms.notional(fill.ticks, fill.lots) if fill else Decimal(0)
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": venue_symbol(terms),
        "c": cancel_id if what == CANCELED and cancel_id else order.client_id,
        "S": "BUY" if order.side == BUY else "SELL",
        "o": kind(order),
        "f": force(order),
        "q": quantity(terms, order.lots),
        "p": price(terms, order.ticks),
        "P": NOTHING,
        "F": NOTHING,
        "g": -1,
        "C": order.client_id if what == CANCELED else "",
        "x": execution,
        "X": "NEW" if what == "new" else status(order),
        "r": "NONE",
        "i": order.id,
        "l": quantity(terms, fill.lots if fill else 0),
        "z": quantity(terms, 0 if what == "new" else order.filled),
        "L": price(terms, fill.ticks if fill else 0),
        "n": amount(fill.fee) if fill else "0",
        "N": fill.fee_currency if fill else None,
        "T": order.updated_ms,
        "t": fill.trade_id if fill else -1,
        "I": 2 * order.id + (fill.trade_id if fill else 0),
        "w": order.is_open and order.kind == "limit",
        "m": bool(fill and fill.maker),
        "M": fill is not None,
        "O": order.created_ms,
        "Z": amount(order.worth),
        "Y": amount(last_worth),
        "Q": amount(order.quote or Decimal(0)),
        "W": order.created_ms,
        "V": "EXPIRE_MAKER",
    }


def account_position(account: Account, currencies: set[str], now_ms: int) -> Json:
    """Return the `outboundAccountPosition` event."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": account.changed_ms,
        "B": [
            {"a": name, "f": amount(account.free(name)), "l": amount(account.locked.get(name, Decimal(0)))} for name in sorted(currencies)
        ],
    }
