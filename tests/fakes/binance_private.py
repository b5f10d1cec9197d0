"""Binance's signed calls of spot, by REST and by its WebSocket API: who calls is found out here, and what he wants is done."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from fakes import binance_orders as shapes
from fakes.account import Account
from fakes.binance_names import NamedCalls, Params
from fakes.binance_rest import BadCall
from fakes.market import Market
from fakes.orders import BUY, SELL, Order, Refused

if TYPE_CHECKING:
    from fakes.binance_front import BinanceFront

Signed = Callable[[Account, Params], Any]


class PrivateCalls(NamedCalls):
    """Does what an account asks for; `by_rest` and `by_socket` name the calls."""

    def __init__(self, front: BinanceFront) -> None:
        super().__init__(front)
        self.cancel_ids: dict[int, str] = {}
        self.by_rest: dict[tuple[str, str], Signed] = {
            ("GET", "account"): self.account,
            ("POST", "order"): self.place,
            ("POST", "order/test"): lambda account, params: {},
            ("DELETE", "order"): self.cancel,
            ("GET", "order"): self.order,
            ("POST", "order/cancelReplace"): self.replace,
            ("GET", "openOrders"): self.open_orders,
            ("DELETE", "openOrders"): self.cancel_all,
            ("GET", "allOrders"): self.all_orders,
            ("GET", "myTrades"): self.my_trades,
            ("GET", "rateLimit/order"): lambda account, params: [],
            ("GET", "account/commission"): self.commission,
        }
        self.by_socket: dict[str, Signed] = {
            "account.status": self.account,
            "order.place": self.place,
            "order.test": lambda account, params: {},
            "order.cancel": self.cancel,
            "order.status": self.order,
            "order.cancelReplace": self.replace,
            "openOrders.status": self.open_orders,
            "openOrders.cancelAll": self.cancel_all,
            "allOrders": self.all_orders,
            "myTrades": self.my_trades,
        }

    # Who it is

    def with_key(self, key: str | None) -> Account:
        """Return the account of a key.

        Raises:
            BadCall: -2014 without a key, -2015 for one that is not known.
        """
        if not key:
            raise BadCall(-2014, "API-key format invalid.", 401)
        account = self._front.exchange.accounts.get(key)
        if account is None:
            raise BadCall(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return account

    def signed(self, key: str | None, payload: str, params: Params) -> Account:
        """Return the account that has signed a call.

        Args:
            key: the API key.
            payload: all that was signed, without the signature.
            params: the call's parameters, with `signature`, `timestamp` and perhaps `recvWindow`.

        Raises:
            BadCall: as `with_key`; -1102 for what is missing, -1022 for a wrong signature, -1021 for a time outside of the window.
        """
        account = self.with_key(key)
        for name in ("signature", "timestamp"):
            if name not in params:
                raise BadCall(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        right = hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, params["signature"]):
            raise BadCall(-1022, "Signature for this request is not valid.")
        sent, now = int(params["timestamp"]), self._front.exchange.now_ms()
        if sent >= now + 1000:
            raise BadCall(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now - sent > min(60_000, float(params.get("recvWindow", 5000))):
            raise BadCall(-1021, "Timestamp for this request is outside of the recvWindow.")
        return account

    # What he wants

    def account(self, account: Account, params: Params) -> Any:
        """Return balances and commissions."""
        return shapes.account_status(self._front.exchange, account, str(params.get("omitZeroBalances", "")).lower() == "true")

    def commission(self, account: Account, params: Params) -> Any:
        """Return the commissions of a pair."""
        rates = {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"}
        return {"symbol": params["symbol"], "standardCommission": rates}

    def place(self, account: Account, params: Params) -> Any:
        """Take an order and return ACK, RESULT or FULL."""
        market = self._market(params)
        order = self._order_of(market, params)
        try:
            self._front.exchange.place(account, order)
        except Refused as refused:
            raise BadCall(*shapes.REFUSALS[refused.reason]) from None
        fills = [fill for fill in account.fills if fill.order_id == order.id]
        return shapes.placed(market.terms, order, fills, params.get("newOrderRespType", "FULL"))

    def cancel(self, account: Account, params: Params) -> Any:
        """Take an order out."""
        market = self._market(params)
        order = self._find(account, params, -2011, "Unknown order sent.")
        if not order.is_open or order.symbol != market.terms.symbol:
            raise BadCall(-2011, "Unknown order sent.")
        cancel_id = params.get("newClientOrderId") or new_id()
        self.cancel_ids[order.id] = cancel_id
        self._front.exchange.cancel(order)
        return shapes.canceled(market.terms, order, cancel_id)

    def cancel_all(self, account: Account, params: Params) -> Any:
        """Take all orders of a pair out."""
        market = self._market(params)
        found = self._front.exchange.of(account, market.terms.symbol, only_open=True)
        if not found:
            raise BadCall(-2011, "Unknown order sent.")
        return [self.cancel(account, {"symbol": params["symbol"], "orderId": str(order.id)}) for order in found]

    def order(self, account: Account, params: Params) -> Any:
        """Return an order."""
        market = self._market(params)
        return shapes.asked(market.terms, self._find(account, params, -2013, "Order does not exist."))

    def open_orders(self, account: Account, params: Params) -> Any:
        """Return the open orders, of a pair or all."""
        symbol = self._market(params).terms.symbol if "symbol" in params else None
        found = self._front.exchange.of(account, symbol, only_open=True)
        return [shapes.asked(self._front.exchange.markets[order.symbol].terms, order) for order in found if ":" not in order.symbol]

    def all_orders(self, account: Account, params: Params) -> Any:
        """Return a pair's orders, from a number or a time on, or the last ones."""
        market = self._market(params)
        found = self._front.exchange.of(account, market.terms.symbol)
        limit, first, start = int(params.get("limit", 500)), int(params.get("orderId", 0)), int(params.get("startTime", 0))
        end = int(params.get("endTime", 1 << 62))
        found = [order for order in found if order.id >= first and start <= order.created_ms <= end]
        return [shapes.asked(market.terms, order) for order in (found[:limit] if first or start else found[-limit:])]

    def my_trades(self, account: Account, params: Params) -> Any:
        """Return the account's fills of a pair."""
        market = self._market(params)
        limit, first, start = int(params.get("limit", 500)), int(params.get("fromId", -1)), int(params.get("startTime", 0))
        end, order_id = int(params.get("endTime", 1 << 62)), int(params.get("orderId", -1))
        found = [
            fill
            for fill in account.fills
            if fill.symbol == market.terms.symbol
            and fill.trade_id >= first
            and start <= fill.time_ms <= end
            and order_id in (-1, fill.order_id)
        ]
        return [shapes.my_trade(market.terms, fill) for fill in (found[:limit] if first >= 0 or start else found[-limit:])]

    def replace(self, account: Account, params: Params) -> Any:
        """Cancel one order and place another; the mode says whether the second is tried when the first fails."""
        results: dict[str, Any] = {}
        cancel = {"symbol": params["symbol"], "newClientOrderId": params.get("cancelNewClientOrderId", "")}
        for ours, theirs in (("orderId", "cancelOrderId"), ("origClientOrderId", "cancelOrigClientOrderId")):
            if theirs in params:
                cancel[ours] = params[theirs]
        first = self._try(results, "cancelResult", "cancelResponse", self.cancel, account, cancel)
        if not first and params.get("cancelReplaceMode") != "ALLOW_FAILURE":
            results.update(newOrderResult="NOT_ATTEMPTED", newOrderResponse=None)
            raise BadCall(-2022, "Order cancel-replace failed.", data=results)
        second = self._try(results, "newOrderResult", "newOrderResponse", self.place, account, params)
        if first != second:
            raise BadCall(-2021, "Order cancel-replace partially failed.", 409, data=results)
        if not first:
            raise BadCall(-2022, "Order cancel-replace failed.", data=results)
        return results

    @staticmethod
    def _try(results: dict[str, Any], result: str, response: str, call: Signed, account: Account, params: Params) -> bool:
        try:
            results[response] = call(account, params)
            results[result] = "SUCCESS"
        except BadCall as error:
            results[response] = {"code": error.code, "msg": error.message}
            results[result] = "FAILURE"
        return bool(results[result] == "SUCCESS")

    def _order_of(self, market: Market, params: Params) -> Order:
        # Reads the parameters of a new order.
        for name in ("side", "type"):
            if name not in params:
                raise BadCall(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        sides, kinds = {"BUY": BUY, "SELL": SELL}, ("LIMIT", "LIMIT_MAKER", "MARKET")
        if params["side"] not in sides:
            raise BadCall(-1117, "Invalid side.")
        if params["type"] not in kinds:
            raise BadCall(-1116, "Invalid orderType.")
        market_order = params["type"] == "MARKET"
        force = "PO" if params["type"] == "LIMIT_MAKER" else params.get("timeInForce", "" if params["type"] == "LIMIT" else "GTC")
        if force not in ("GTC", "IOC", "FOK", "PO"):
            code = (-1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.")
            raise BadCall(*(code if not force else (-1115, "Invalid timeInForce.")))
        order = Order(0, "", market.terms.symbol, sides[params["side"]], "market" if market_order else "limit", 0, force=force)
        order.client_id = params.get("newClientOrderId") or new_id()
        if market_order and "quoteOrderQty" in params:
            order.quote = decimal(params, "quoteOrderQty")
        else:
            order.lots = steps(market.terms.lots(decimal(params, "quantity")), "LOT_SIZE")
        if not market_order:
            order.ticks = steps(market.terms.ticks(decimal(params, "price")), "PRICE_FILTER")
        return order


def steps(found: int | None, name: str) -> int:
    """Return a whole number of steps.

    Raises:
        BadCall: -1013 with the filter's name, for one between two steps or not positive.
    """
    if found is None or found <= 0:
        raise BadCall(-1013, f"Filter failure: {name}")
    return found


def decimal(params: Params, name: str) -> Decimal:
    """Return a number of the parameters.

    Raises:
        BadCall: -1102 if it is missing, -1100 if it is none, -1111 if it has too many decimals.
    """
    text = str(params.get(name, ""))
    if not text:
        raise BadCall(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    try:
        value = Decimal(text)
    except InvalidOperation:
        legal = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
        raise BadCall(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.") from None
    if value != round(value, 8):
        raise BadCall(-1111, f"Parameter '{name}' has too much precision.")
    return value


def new_id() -> str:
    """Return an id as Binance makes them for who sends none."""
    return secrets.token_urlsafe(16)[:22]
