"""How Binance writes orders, fills, positions and accounts of USD-M futures.

Checked against Binance's documentation of USD-M futures: "New Order", "Query Order", "Account Trade List", "Account Information V3",
"Position Information V3", "Event: Order Update", "Event: Balance and Position Update", "Get Income History", "Error Codes"; and against
ccxt 4.5.90, which reads it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fakes.account import ZERO, Account, Payment, Position
from fakes.binance_orders import amount, status
from fakes.binance_shapes import price, quantity, venue_symbol
from fakes.exchange import Exchange
from fakes.market import Market
from fakes.okx_orders import margin, profit
from fakes.orders import BUY, CANCELED, Fill, Order
from fakes.terms import Terms

Json = dict[str, Any]
REFUSALS = {
    "symbol": (-1121, "Invalid symbol."),
    "quantity": (-4003, "Quantity less than or equal to zero."),
    "price": (-4001, "Price less than 0."),
    "notional": (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
    "duplicate": (-4116, "ClientOrderId is duplicated."),
    "balance": (-2019, "Margin is insufficient."),
    "post_only": (-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."),
    "empty": (-2010, "NEW_ORDER_REJECTED"),
    "reduce_only": (-2022, "ReduceOnly Order is rejected."),
}


def force(order: Order) -> str:
    """Return the time in force; GTX is post-only."""
    return "GTX" if order.force == "PO" else "GTC" if order.kind == "market" else order.force


def average(terms: Terms, order: Order) -> str:
    """Return the average price of what is filled."""
    return f"{order.worth / terms.contract / terms.quantity(order.filled):.5f}" if order.filled else "0.00"


def order_item(terms: Terms, order: Order) -> Json:
    """Return an order as all endpoints do."""
    return {
        "orderId": order.id,
        "symbol": venue_symbol(terms),
        "status": status(order),
        "clientOrderId": order.client_id,
        "price": price(terms, order.ticks),
        "avgPrice": average(terms, order),
        "origQty": quantity(terms, order.lots),
        "executedQty": quantity(terms, order.filled),
        "cumQty": quantity(terms, order.filled),
        "cumQuote": f"{order.worth:.5f}",
        "timeInForce": force(order),
        "type": order.kind.upper(),
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": "BUY" if order.side == BUY else "SELL",
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.kind.upper(),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def my_trade(terms: Terms, fill: Fill) -> Json:
    """Return an item of userTrades."""
    return {
        "symbol": venue_symbol(terms),
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": "BUY" if fill.side == BUY else "SELL",
        "price": price(terms, fill.ticks),
        "qty": quantity(terms, fill.lots),
        "realizedPnl": amount(fill.pnl),
        "quoteQty": amount(terms.notional(fill.ticks, fill.lots)),
        "commission": amount(fill.fee),
        "commissionAsset": fill.fee_currency,
        "time": fill.time_ms,
        "buyer": fill.side == BUY,
        "maker": fill.maker,
        "positionSide": "BOTH",
    }


def position_item(market: Market, account: Account, position: Position) -> Json:
    """Return a position: what account and positionRisk have together."""
    terms, bound = market.terms, amount(margin(market, account, position))
    upl = amount(profit(market, position))
    return {
        "symbol": venue_symbol(terms),
        "positionSide": "BOTH",
        "positionAmt": quantity(terms, position.lots),
        "entryPrice": f"{position.average:.8f}",
        "breakEvenPrice": f"{position.average:.8f}",
        "markPrice": price(terms, market.mark),
        "unRealizedProfit": upl,
        "unrealizedProfit": upl,
        "liquidationPrice": "0",
        "leverage": str(account.leverage),
        "marginType": "cross",
        "isolated": False,
        "isolatedMargin": "0",
        "isolatedWallet": "0",
        "notional": amount(terms.notional(market.mark, position.lots)),
        "marginAsset": terms.quote,
        "initialMargin": bound,
        "positionInitialMargin": bound,
        "openOrderInitialMargin": "0",
        "maintMargin": amount(margin(market, account, position) / 10),
        "adl": 1,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": position.changed_ms,
    }


def standing(exchange: Exchange, account: Account) -> list[tuple[Market, Position]]:
    """Return the open positions."""
    return [(exchange.markets[symbol], position) for symbol, position in account.positions.items() if position.lots]


def account_item(exchange: Exchange, account: Account) -> Json:
    """Return the account with its assets and positions. Spot and futures have one wallet here."""
    open_now = standing(exchange, account)
    assets = []
    for currency in sorted({market.terms.quote for market in exchange.markets.values() if market.terms.swap}):
        mine = [(market, position) for market, position in open_now if market.terms.quote == currency]
        wallet, locked = account.total.get(currency, ZERO), account.locked.get(currency, ZERO)
        upl = sum((profit(market, position) for market, position in mine), ZERO)
        bound = sum((margin(market, account, position) for market, position in mine), ZERO)
        assets.append(
            {
                "asset": currency,
                "walletBalance": amount(wallet),
                "unrealizedProfit": amount(upl),
                "marginBalance": amount(wallet + upl),
                "maintMargin": amount(bound / 10),
                "initialMargin": amount(bound + locked),
                "positionInitialMargin": amount(bound),
                "openOrderInitialMargin": amount(locked),
                "crossWalletBalance": amount(wallet),
                "crossUnPnl": amount(upl),
                "availableBalance": amount(wallet + upl - bound - locked),
                "maxWithdrawAmount": amount(wallet - bound - locked),
                "marginAvailable": True,
                "updateTime": account.changed_ms or exchange.founded_ms,
            }
        )
    first: Json = next((one for one in assets if one["asset"] == "USDT"), {})
    names = (
        *("initialMargin", "maintMargin", "walletBalance", "unrealizedProfit", "marginBalance"),
        *("positionInitialMargin", "openOrderInitialMargin", "crossWalletBalance", "crossUnPnl"),
    )
    totals = {f"total{name[0].upper()}{name[1:]}": first.get(name, "0") for name in names}
    rest = {name: first.get(name, "0") for name in ("availableBalance", "maxWithdrawAmount")}
    positions = [position_item(market, account, position) for market, position in open_now]
    flags = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "multiAssetsMargin": False, "updateTime": 0}
    return {**flags, **totals, **rest, "assets": assets, "positions": positions}


def order_event(terms: Terms, order: Order, fill: Fill | None, what: str, now_ms: int) -> Json:
    """Return the event ORDER_TRADE_UPDATE of a change."""
    execution = {"new": "NEW", "fill": "TRADE", CANCELED: "CANCELED", "amended": "AMENDMENT"}.get(what, "EXPIRED")
    paid = {"N": fill.fee_currency, "n": amount(fill.fee)} if fill else {}
    item = {
        "s": venue_symbol(terms),
        "c": order.client_id,
        "S": "BUY" if order.side == BUY else "SELL",
        "o": order.kind.upper(),
        "f": force(order),
        "q": quantity(terms, order.lots),
        "p": price(terms, order.ticks),
        "ap": "0" if what == "new" else average(terms, order),
        "sp": "0",
        "x": execution,
        "X": "NEW" if what == "new" else status(order),
        "i": order.id,
        "l": quantity(terms, fill.lots if fill else 0),
        "z": quantity(terms, 0 if what == "new" else order.filled),
        "L": price(terms, fill.ticks if fill else 0),
        **paid,
        "T": order.updated_ms,
        "t": fill.trade_id if fill else 0,
        "b": "0",
        "a": "0",
        "m": bool(fill and fill.maker),
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": order.kind.upper(),
        "ps": "BOTH",
        "cp": False,
        "rp": amount(fill.pnl if fill else Decimal(0)),
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": order.updated_ms, "o": item}


def account_event(exchange: Exchange, account: Account, symbol: str) -> Json:
    """Return the event ACCOUNT_UPDATE after a fill."""
    market, now = exchange.markets[symbol], exchange.now_ms()
    position = account.positions.get(symbol) or Position()
    terms = market.terms
    wallet = amount(account.total.get(terms.quote, ZERO))
    held = {
        "s": venue_symbol(terms),
        "pa": quantity(terms, position.lots),
        "ep": f"{position.average:.8f}",
        "bep": f"{position.average:.8f}",
        "cr": amount(position.pnl),
        "up": amount(profit(market, position)),
        "mt": "cross",
        "iw": "0",
        "ps": "BOTH",
        "ma": terms.quote,
    }
    update = {"m": "ORDER", "B": [{"a": terms.quote, "wb": wallet, "cw": wallet, "bc": "0"}], "P": [held]}
    return {"e": "ACCOUNT_UPDATE", "E": now, "T": now, "a": update}


def income_item(terms: Terms, payment: Payment) -> Json:
    """Return an item of the income history."""
    return {
        "symbol": venue_symbol(terms),
        "incomeType": "FUNDING_FEE",
        "income": amount(payment.amount),
        "asset": payment.currency,
        "time": payment.time_ms,
        "info": "FUNDING_FEE",
        "tranId": payment.number,
        "tradeId": "",
    }


def payment_event(account: Account, payment: Payment) -> Json:
    """Return the event ACCOUNT_UPDATE of a crossed position's funding: it names the asset, and neither position nor id."""
    wallet = amount(account.total.get(payment.currency, ZERO))
    paid = {"a": payment.currency, "wb": wallet, "cw": wallet, "bc": amount(payment.amount)}
    return {"e": "ACCOUNT_UPDATE", "E": payment.time_ms, "T": payment.time_ms, "a": {"m": "FUNDING_FEE", "B": [paid], "P": []}}
