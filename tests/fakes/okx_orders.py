"""How OKX writes orders, fills, balances and positions.

Checked against OKX's API guide: "Get order details", "WS / Order channel", "Get transaction details", "Get balance", "WS / Account
channel", "Get positions", "Get bills details", "Error Code"; and against the messages that ccxt 4.5.90 quotes where it reads them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fakes.account import ZERO, Account, Payment, Position, gain
from fakes.exchange import Exchange
from fakes.market import Market
from fakes.okx_shapes import inst_id, inst_type, plain, price, quantity
from fakes.orders import BUY, CANCELED, EXPIRED, FILLED, OPEN, PREVENTED, Fill, Order
from fakes.terms import Terms

Json = dict[str, Any]


def words(text: str) -> list[str]:
    """Return the words of a text: long lists of field names are read more easily so."""
    return text.split()


# What a refusal of the matching is at OKX: (code, message).
REFUSALS = {
    "symbol": ("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."),
    "quantity": ("51020", "Your order should meet or exceed the minimum order amount."),
    "price": ("51116", "Order price or trigger price exceeds the limit."),
    "notional": ("51020", "Your order should meet or exceed the minimum order amount."),
    "duplicate": ("51016", "Client order ID already exists."),
    "balance": ("51008", "Order failed. Insufficient balance in account."),
    "empty": ("51006", "Order price is not within the price limit."),
    "reduce_only": ("51169", "Order failed because you don't have any positions in this direction to reduce or close."),
}
ORDER_BLANKS = words(
    """
    algoClOrdId algoId attachAlgoClOrdId ccy pxType pxUsd pxVol quickMgnType slOrdPx slTriggerPx slTriggerPxType source
    stpId tpOrdPx tpTriggerPx tpTriggerPxType
    """
)
BALANCE_BLANKS = words(
    """
    accAvgPx clSpotInUseAmt maxSpotInUseAmt mgnRatio notionalLever openAvgPx spotBal spotUpl spotUplRatio totalPnl
    """
)
BALANCE_ZEROS = words(
    """
    borrowFroz crossLiab fixedBal interest isoEq isoLiab isoUpl liab maxLoan spotIsoBal stgyEq twap uplLiab imr mmr
    """
)
BILL_BLANKS = words(
    """
    clOrdId earnAmt earnApr execType fillFwdPx fillIdxPx fillMarkPx fillMarkVol fillPxUsd fillPxVol fillTime from interest notes ordId tag
    to tradeId
    """
)
POSITION_BLANKS = words(
    """
    baseBal baseBorrowed baseInterest bizRefId bizRefType deltaBS deltaPA gammaBS gammaPA liab liabCcy optVal quoteBal
    """
)


def state(order: Order) -> str:
    """Return the order's state in OKX's words."""
    if order.status == OPEN:
        return "partially_filled" if order.filled else "live"
    return "filled" if order.status == FILLED else "canceled"


def cancel_source(order: Order) -> str:
    """Return why an order was cancelled, as a number; empty if it was not."""
    if order.status == EXPIRED:
        return {"FOK": "13", "PO": "31"}.get(order.force, "14")
    return {CANCELED: "1", PREVENTED: "32"}.get(order.status, "")


def order_type(order: Order) -> str:
    """Return market, limit, post_only, ioc or fok."""
    known = {"PO": "post_only", "IOC": "ioc", "FOK": "fok"}
    return str(order.extra.get("ordType") or known.get(order.force, order.kind))


def average(terms: Terms, order: Order) -> str:
    """Return the average price of what is filled."""
    if not order.filled:
        return ""
    units = terms.quantity(order.filled) * terms.contract
    return plain(round(units / order.worth if terms.inverse else order.worth / units, 8))


def order_item(terms: Terms, order: Order, fill: Fill | None) -> Json:
    """Return an order as the endpoints do; `fill` is its last one."""
    swap = terms.swap
    paid = order.fee_currency or (terms.settle if swap else terms.quote if order.side != BUY else terms.base)
    size = plain(order.quote) if order.quote is not None else quantity(terms, order.lots)
    return {
        **dict.fromkeys(ORDER_BLANKS, ""),
        "accFillSz": quantity(terms, order.filled),
        "attachAlgoOrds": [],
        "avgPx": average(terms, order),
        "cTime": str(order.created_ms),
        "cancelSource": cancel_source(order),
        "cancelSourceReason": "",
        "category": "normal",
        "clOrdId": order.client_id,
        "fee": plain(-order.fee),
        "feeCcy": paid,
        "fillPx": price(terms, fill.ticks) if fill else "",
        "fillSz": quantity(terms, fill.lots) if fill else "0",
        "fillTime": str(fill.time_ms) if fill else "",
        "instId": inst_id(terms),
        "instType": inst_type(terms),
        "isTpLimit": "false",
        "lever": str(order.extra.get("lever", "")),
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": str(order.id),
        "ordType": order_type(order),
        "pnl": plain(order.pnl),
        "posSide": "net" if swap else "",
        "px": price(terms, order.ticks) if order.ticks else "",
        "rebate": "0",
        "rebateCcy": terms.base if paid == terms.quote else terms.quote,
        "reduceOnly": "true" if order.reduce_only else "false",
        "side": "buy" if order.side == BUY else "sell",
        "state": state(order),
        "stpMode": "cancel_maker",
        "sz": size,
        "tag": str(order.extra.get("tag", "")),
        "tdMode": str(order.extra.get("tdMode", "cross" if swap else "cash")),
        "tgtCcy": str(order.extra.get("tgtCcy", "")),
        "tradeId": str(fill.trade_id) if fill else "",
        "tradeQuoteCcy": terms.quote,
        "uTime": str(order.updated_ms),
    }


def order_event(terms: Terms, order: Order, fill: Fill | None, what: str, now_ms: int) -> Json:
    """Return an order as the channel `orders` does."""
    worth = terms.notional(order.ticks or (fill.ticks if fill else 0), order.lots)
    amended = what == "amended"
    return {
        **order_item(terms, order, fill),
        "amendResult": "0" if amended else "",
        "amendSource": "1" if amended else "",
        "code": "0",
        "msg": "",
        "execType": ("M" if fill.maker else "T") if fill else "",
        "fillFee": plain(-fill.fee) if fill else "0",
        "fillFeeCcy": fill.fee_currency if fill else "",
        "fillFwdPx": "",
        "fillMarkPx": "",
        "fillMarkVol": "",
        "fillNotionalUsd": plain(terms.notional(fill.ticks, fill.lots)) if fill else "",
        "fillPnl": plain(fill.pnl) if fill else "0",
        "fillPxUsd": "",
        "fillPxVol": "",
        "lastPx": price(terms, fill.ticks) if fill else "",
        "notionalUsd": plain(worth),
        "reqId": str(order.extra.get("reqId", "")) if amended else "",
    }


def fill_item(terms: Terms, fill: Fill, order: Order) -> Json:
    """Return an item of fills and fills-history."""
    names = ("fillFwdPx", "fillIdxPx", "fillMarkPx", "fillMarkVol", "fillPxUsd", "fillPxVol")
    return {
        **dict.fromkeys(names, ""),
        "billId": str(fill.number),
        "clOrdId": order.client_id,
        "execType": "M" if fill.maker else "T",
        "fee": plain(-fill.fee),
        "feeCcy": fill.fee_currency,
        "feeRate": plain(-(terms.maker if fill.maker else terms.taker)),
        "fillPnl": plain(fill.pnl),
        "fillPx": price(terms, fill.ticks),
        "fillSz": quantity(terms, fill.lots),
        "fillTime": str(fill.time_ms),
        "instId": inst_id(terms),
        "instType": inst_type(terms),
        "ordId": str(fill.order_id),
        "posSide": "net",
        "side": "buy" if fill.side == BUY else "sell",
        "subType": "1" if fill.side == BUY else "2",
        "tag": str(order.extra.get("tag", "")),
        "tradeId": str(fill.trade_id),
        "tradeQuoteCcy": terms.quote,
        "ts": str(fill.time_ms),
    }


def profit(market: Market, position: Position) -> Decimal:
    """Return what a position would realise now."""
    terms = market.terms
    if not position.lots:
        return ZERO
    return gain(terms, position.average, terms.price(market.mark)) * terms.quantity(position.lots) * terms.contract


def margin(market: Market, account: Account, position: Position) -> Decimal:
    """Return what a position binds."""
    return market.terms.notional(market.mark, abs(position.lots)) / account.leverage


def balance(exchange: Exchange, account: Account, only: set[str] | None = None) -> Json:
    """Return the one item of endpoint and channel of the account."""
    now = str(exchange.now_ms())
    details, equity = [], ZERO
    for currency in sorted(only if only is not None else account.total):
        total = account.total.get(currency, ZERO)
        standing = [(exchange.markets[symbol], one) for symbol, one in account.positions.items() if symbol.endswith(f":{currency}")]
        upl = sum((profit(market, one) for market, one in standing), ZERO)
        bound = sum((margin(market, account, one) for market, one in standing), ZERO)
        locked = account.locked.get(currency, ZERO)
        pair = exchange.markets.get(f"{currency}/USDT")
        rate = Decimal(1) if currency == "USDT" else pair.terms.price(pair.mark) if pair else ZERO
        equity += (total + upl) * rate
        details.append(
            {
                **dict.fromkeys(BALANCE_BLANKS, ""),
                **dict.fromkeys(BALANCE_ZEROS, "0"),
                "availBal": plain(total - locked - bound),
                "availEq": plain(total + upl - locked - bound),
                "cashBal": plain(total),
                "ccy": currency,
                "coinUsdPrice": plain(rate),
                "disEq": plain(round((total + upl) * rate, 8)),
                "eq": plain(total + upl),
                "eqUsd": plain(round((total + upl) * rate, 8)),
                "frozenBal": plain(locked + bound),
                "ordFrozen": plain(locked),
                "uTime": str(account.changed_ms or exchange.founded_ms),
                "upl": plain(upl),
            }
        )
    names = ("adjEq", "availEq", "borrowFroz", "imr", "isoEq", "mgnRatio", "mmr", "notionalUsd", "ordFroz", "upl")
    return {**dict.fromkeys(names, ""), "isoEq": "0", "totalEq": plain(round(equity, 8)), "uTime": now, "details": details}


def position_item(exchange: Exchange, account: Account, symbol: str) -> Json:
    """Return a position of endpoint and channel."""
    market, position = exchange.markets[symbol], account.positions.get(symbol) or Position()
    terms, open_now = market.terms, position.lots != 0
    upl = profit(market, position)
    bound = margin(market, account, position)
    return {
        **dict.fromkeys(POSITION_BLANKS, ""),
        "adl": "1",
        "availPos": quantity(terms, position.lots) if open_now else "",
        "avgPx": plain(position.average) if open_now else "",
        "bePx": plain(position.average) if open_now else "",
        "cTime": str(position.changed_ms),
        "ccy": terms.settle,
        "closeOrderAlgo": [],
        "fee": "0",
        "fundingFee": "0",
        "idxPx": price(terms, market.mark),
        "imr": plain(bound) if open_now else "",
        "instId": inst_id(terms),
        "instType": inst_type(terms),
        "interest": "",
        "last": price(terms, market.last),
        "lever": str(account.leverage),
        "liqPenalty": "0",
        "liqPx": "",
        "margin": "",
        "markPx": price(terms, market.mark),
        "mgnMode": "cross",
        "mgnRatio": "100" if open_now else "",
        "mmr": plain(bound / 10) if open_now else "",
        "notionalUsd": plain(terms.notional(market.mark, abs(position.lots))) if open_now else "",
        "pnl": plain(position.pnl),
        "pos": quantity(terms, position.lots),
        "posCcy": "",
        "posId": str(1_752_810_569_801_498_626 + sum(map(ord, symbol))),
        "posSide": "net",
        "realizedPnl": plain(position.pnl),
        "settledPnl": "",
        "tradeId": str(market.trade_id),
        "uTime": str(position.changed_ms),
        "upl": plain(upl) if open_now else "",
        "uplLastPx": plain(upl) if open_now else "",
        "uplRatio": plain(round(upl / bound, 8)) if bound else "",
        "usdPx": "1",
    }


def bill_item(terms: Terms, account: Account, payment: Payment) -> Json:
    """Return the bill of a crossed position's funding: type 8, 173 an expense and 174 an income."""
    return {
        **dict.fromkeys(BILL_BLANKS, ""),
        "bal": plain(account.total.get(payment.currency, ZERO)),
        "balChg": plain(payment.amount),
        "billId": str(payment.number),
        "ccy": payment.currency,
        "fee": "0",
        "instId": inst_id(terms),
        "instType": inst_type(terms),
        "mgnMode": "cross",
        "pnl": plain(payment.amount),
        "posBal": "0",
        "posBalChg": "0",
        "px": "",
        "subType": "173" if payment.amount < 0 else "174",
        "sz": quantity(terms, abs(payment.lots)),
        "ts": str(payment.time_ms),
        "type": "8",
    }
