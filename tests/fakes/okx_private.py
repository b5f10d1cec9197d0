"""OKX's signed calls, by REST and by operations on the private websocket.

Bills checked against OKX's API guide: "Get bills details (last 7 days)" and "(last 3 months)".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from fakes import okx_orders as shapes
from fakes.account import Account
from fakes.market import Market
from fakes.okx_rest import BadCall
from fakes.okx_shapes import inst_id, inst_type
from fakes.orders import BUY, SELL, Fill, Order, Refused
from fakes.session import Answer, Request

if TYPE_CHECKING:
    from fakes.okx_front import OkxFront

Params = dict[str, Any]
Rows = list[Any]
WINDOW_MS = 30_000
FORCES = {"market": "IOC", "limit": "GTC", "post_only": "PO", "fok": "FOK", "ioc": "IOC", "optimal_limit_ioc": "IOC"}


class Failed(Exception):
    """One operation of a call that failed; the others may have succeeded."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


class PrivateCalls:
    """Does what an account asks for."""

    def __init__(self, front: OkxFront) -> None:
        self._front = front
        self.questions: dict[str, Callable[[Account, Params], Rows]] = {
            "account/balance": self.balance,
            "account/config": self.config,
            "account/positions": self.positions,
            "account/leverage-info": lambda account, params: [self._leverage(account, params)],
            "account/trade-fee": self.fees,
            "account/bills": self.bills,
            "account/bills-archive": self.bills,
            "trade/order": self.order,
            "trade/orders-pending": self.pending,
            "trade/orders-history": self.history,
            "trade/orders-history-archive": self.history,
            "trade/fills": self.fills,
            "trade/fills-history": self.fills,
        }
        # Operations: what a call does to each of its items.
        self.operations: dict[str, Callable[[Account, Params], Params]] = {
            "order": self.place,
            "cancel-order": self.cancel,
            "amend-order": self.amend,
        }
        self.batches = {"batch-orders": "order", "cancel-batch-orders": "cancel-order", "amend-batch-orders": "amend-order"}
        self.socket_batches = {"batch-orders": "order", "batch-cancel-orders": "cancel-order", "batch-amend-orders": "amend-order"}

    # Who it is

    def signed(self, request: Request) -> Account:
        """Return the account that has signed a call.

        Raises:
            BadCall: 50103 and on for what is missing, 50111 for an unknown key, 50105 for the passphrase, 50112 and 50102 for the time,
                50113 for the signature.
        """
        names = {"key": "50103", "sign": "50106", "timestamp": "50107", "passphrase": "50104"}
        found = {name: request.headers.get(f"ok-access-{name}", "") for name in names}
        for name, code in names.items():
            if not found[name]:
                raise BadCall(code, f'Request header "OK-ACCESS-{name.upper()}" cannot be empty.', 401)
        account = self._front.exchange.accounts.get(found["key"])
        if account is None:
            raise BadCall("50111", "Invalid OK-ACCESS-KEY.", 401)
        if account.passphrase != found["passphrase"]:
            raise BadCall("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
        try:
            sent = datetime.fromisoformat(found["timestamp"].replace("Z", "+00:00")).timestamp() * 1000
        except ValueError:
            raise BadCall("50112", "Invalid OK-ACCESS-TIMESTAMP.", 401) from None
        if abs(self._front.exchange.now_ms() - sent) > WINDOW_MS:
            raise BadCall("50102", "Timestamp request expired.", 401)
        query = f"?{request.raw_query}" if request.raw_query else ""
        right = signature(account.secret, f"{found['timestamp']}{request.method}{request.path}{query}{request.body.decode()}")
        if not hmac.compare_digest(right, found["sign"]):
            raise BadCall("50113", "Invalid Sign.", 401)
        return account

    def answer(self, account: Account, request: Request, name: str) -> Answer:
        """Answer a signed call."""
        if request.method == "GET":
            question = self.questions.get(name)
            if question is None:
                raise BadCall("50404", f"GET {name} is not among what this venue can", 404)
            return Answer({"code": "0", "msg": "", "data": question(account, dict(request.query))})
        try:
            params = json.loads(request.body or b"{}")
        except ValueError:
            raise BadCall("50002", "JSON syntax error", 400) from None
        if name == "account/set-leverage":
            account.leverage = int(params["lever"])
            return Answer({"code": "0", "msg": "", "data": [self._leverage(account, params)]})
        operation = name.removeprefix("trade/")
        one = self.batches.get(operation, operation)
        if one not in self.operations:
            raise BadCall("50404", f"POST {name} is not among what this venue can", 404)
        return Answer(self.operate(account, one, params if isinstance(params, list) else [params]))

    def operate(self, account: Account, operation: str, items: list[Params]) -> Params:
        """Do one operation to each item; the code is 0, 1 if all failed, 2 if some did."""
        began = self._front.exchange.now_ms() * 1000
        data, failed = [], 0
        for item in items:
            answer = {"clOrdId": str(item.get("clOrdId", "")), "ordId": str(item.get("ordId", "")), "sCode": "0", "sMsg": ""}
            if operation == "order":
                answer["tag"] = str(item.get("tag", ""))
            if operation == "amend-order":
                answer["reqId"] = str(item.get("reqId", ""))
            try:
                answer.update(self.operations[operation](account, item))
            except Failed as error:
                failed += 1
                answer.update(sCode=error.code, sMsg=error.text)
            data.append({**answer, "ts": str(self._front.exchange.now_ms())})
        code = "0" if not failed else "1" if failed == len(items) else "2"
        text = {"0": "", "1": "All operations failed", "2": "Some operations failed"}[code]
        return {"code": code, "msg": text, "data": data, "inTime": str(began), "outTime": str(self._front.exchange.now_ms() * 1000)}

    # What he does

    def place(self, account: Account, params: Params) -> Params:
        """Take an order; the answer only says that it was taken."""
        market = self._market(params)
        order = self._order_of(market, account, params)
        try:
            self._front.exchange.place(account, order)
        except Refused as refused:
            raise Failed(*shapes.REFUSALS[refused.reason]) from None
        return {"ordId": str(order.id), "clOrdId": order.client_id, "sMsg": "Order placed"}

    def cancel(self, account: Account, params: Params) -> Params:
        """Take an order out."""
        order = self._find(account, params, "51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
        self._front.exchange.cancel(order)
        return {"ordId": str(order.id), "clOrdId": order.client_id}

    def amend(self, account: Account, params: Params) -> Params:
        """Change an order's size or price."""
        order = self._find(account, params, "51503", "Order modification failed as the order has been filled, canceled or does not exist.")
        market = self._front.exchange.markets[order.symbol]
        lots, ticks = order.lots, order.ticks
        if params.get("newSz"):
            lots = steps(market.terms.lots(decimal(params, "newSz")), "51121", "Order quantity must be a multiple of the lot size.")
        if params.get("newPx"):
            ticks = steps(market.terms.ticks(decimal(params, "newPx")), "51000", "Parameter newPx error")
        order.extra["reqId"] = params.get("reqId", "")
        try:
            self._front.exchange.amend(order, lots, ticks)
        except Refused as refused:
            raise Failed(*shapes.REFUSALS[refused.reason]) from None
        return {"ordId": str(order.id), "clOrdId": order.client_id}

    # What he asks

    def balance(self, account: Account, params: Params) -> Rows:
        """Return the balances, of some currencies or all."""
        only = set(params["ccy"].split(",")) if params.get("ccy") else None
        return [shapes.balance(self._front.exchange, account, only)]

    def config(self, account: Account, params: Params) -> Rows:
        """Return how the account is set up: futures mode, net positions."""
        modes = {"acctLv": "2", "posMode": "net_mode", "autoLoan": False, "ctIsoMode": "automatic", "mgnIsoMode": "automatic"}
        who = {"uid": "446556", "mainUid": "446556", "level": "Lv1", "levelTmp": "", "label": "fake", "roleType": "0", "ip": ""}
        return [{**modes, **who, "greeksType": "PA", "perm": "read_only,trade", "enableSpotBorrow": False, "acctStpMode": "cancel_maker"}]

    def positions(self, account: Account, params: Params) -> Rows:
        """Return the open positions."""
        wanted = params.get("instId")
        found = [symbol for symbol, position in account.positions.items() if position.lots]
        items = [shapes.position_item(self._front.exchange, account, symbol) for symbol in found]
        return [item for item in items if wanted in (None, "", item["instId"])]

    def fees(self, account: Account, params: Params) -> Rows:
        """Return the fee rates."""
        spot = params.get("instType") == "SPOT"
        rates = {"maker": "-0.0008", "taker": "-0.001"} if spot else {"makerU": "-0.0002", "takerU": "-0.0005", "maker": "", "taker": ""}
        return [{"instType": params.get("instType", ""), "level": "Lv1", "ts": str(self._front.exchange.now_ms()), **rates}]

    def bills(self, account: Account, params: Params) -> Rows:
        """Return the bills of funding (type 8), the newest first; paged by billId. Other bills are not kept."""
        after, before, limit = int(params.get("after") or 1 << 62), int(params.get("before") or -1), int(params.get("limit") or 100)
        begin, end, now = int(params.get("begin") or 0), int(params.get("end") or 1 << 62), self._front.exchange.now_ms()
        rows = []
        for one in reversed(account.payments):
            terms = self._front.exchange.markets[one.symbol].terms
            wanted = (("type", "8"), ("ccy", one.currency), ("ctType", "inverse" if terms.inverse else "linear"))
            there = before < one.number < after and begin <= one.time_ms <= end and one.listed_ms <= now
            if there and fits(params, terms, "") and all(params.get(name) in (None, "", value) for name, value in wanted):
                rows.append(shapes.bill_item(terms, account, one))
        return rows[:limit]

    def order(self, account: Account, params: Params) -> Rows:
        """Return an order."""
        try:
            order = self._find(account, params, "51603", "Order does not exist", only_open=False)
        except Failed as error:
            raise BadCall(error.code, error.text) from None
        return [self._item(account, order)]

    def pending(self, account: Account, params: Params) -> Rows:
        """Return the open orders, the newest first."""
        return self._orders(account, params, self._front.exchange.of(account, only_open=True))

    def history(self, account: Account, params: Params) -> Rows:
        """Return the orders that are done, the newest first."""
        return self._orders(account, params, [one for one in self._front.exchange.of(account) if not one.is_open])

    def fills(self, account: Account, params: Params) -> Rows:
        """Return the account's fills, the newest first; paged by billId."""
        after, before, limit = int(params.get("after") or 1 << 62), int(params.get("before") or -1), int(params.get("limit") or 100)
        begin, end = int(params.get("begin") or 0), int(params.get("end") or 1 << 62)
        rows = []
        for fill in reversed(account.fills):
            terms = self._front.exchange.markets[fill.symbol].terms
            if before < fill.number < after and begin <= fill.time_ms <= end and fits(params, terms, str(fill.order_id)):
                rows.append(shapes.fill_item(terms, fill, self._front.exchange.orders[fill.order_id]))
        return rows[:limit]

    def _orders(self, account: Account, params: Params, found: list[Order]) -> Rows:
        after, before, limit = int(params.get("after") or 1 << 62), int(params.get("before") or -1), int(params.get("limit") or 100)
        begin, end = int(params.get("begin") or 0), int(params.get("end") or 1 << 62)
        rows = []
        for order in sorted(found, key=lambda one: -one.id):
            terms = self._front.exchange.markets[order.symbol].terms
            state = params.get("state") in (None, "", shapes.state(order))
            if before < order.id < after and begin <= order.created_ms <= end and state and fits(params, terms, ""):
                rows.append(self._item(account, order))
        return rows[:limit]

    def _item(self, account: Account, order: Order) -> Params:
        last: Fill | None = next((fill for fill in reversed(account.fills) if fill.order_id == order.id), None)
        return shapes.order_item(self._front.exchange.markets[order.symbol].terms, order, last)

    def _leverage(self, account: Account, params: Params) -> Params:
        return {
            "instId": params.get("instId", ""),
            "lever": str(account.leverage),
            "mgnMode": params.get("mgnMode", "cross"),
            "posSide": "net",
        }

    def _market(self, params: Params) -> Market:
        market = self._front.market_of(str(params.get("instId", "")))
        if market is None:
            raise Failed(*shapes.REFUSALS["symbol"])
        self._front.wake(market)
        return market

    def _find(self, account: Account, params: Params, code: str, text: str, only_open: bool = True) -> Order:
        if not params.get("ordId") and not params.get("clOrdId"):
            raise Failed("51000", "Either parameter ordId or clOrdId is required")
        number = params.get("ordId")
        try:
            order = self._front.exchange.find(account, int(number) if number else None, str(params.get("clOrdId", "")))
        except (Refused, ValueError):
            raise Failed(code, text) from None
        if only_open and not order.is_open:
            raise Failed(code, text)
        return order

    def _order_of(self, market: Market, account: Account, params: Params) -> Order:
        # Reads the parameters of a new order.
        terms, kind, side = market.terms, str(params.get("ordType")), str(params.get("side"))
        if kind not in FORCES:
            raise Failed("51000", "Parameter ordType error")
        if side not in ("buy", "sell"):
            raise Failed("51000", "Parameter side error")
        if params.get("tdMode") not in (("cross", "isolated") if terms.swap else ("cash",)):
            raise Failed("51000", "Parameter tdMode error")
        client_id = str(params.get("clOrdId", ""))
        if client_id and not (client_id.isascii() and client_id.isalnum() and len(client_id) <= 32):
            raise Failed("51000", "Parameter clOrdId error")
        at_market = kind in ("market", "optimal_limit_ioc")
        order = Order(0, account.key, terms.symbol, BUY if side == "buy" else SELL, "market" if at_market else "limit", 0)
        order.force, order.client_id = FORCES[kind], client_id
        order.reduce_only = params.get("reduceOnly") in (True, "true")
        order.extra = {name: params[name] for name in ("ordType", "tag", "tdMode", "tgtCcy") if name in params}
        if terms.swap:
            order.extra["lever"] = str(account.leverage)
        if at_market and not terms.swap and params.get("tgtCcy", "quote_ccy" if side == "buy" else "base_ccy") == "quote_ccy":
            order.quote = decimal(params, "sz")
        else:
            order.lots = steps(terms.lots(decimal(params, "sz")), "51121", "Order quantity must be a multiple of the lot size.")
        if not at_market:
            order.ticks = steps(terms.ticks(decimal(params, "px")), "51000", "Parameter px error")
        return order


def fits(params: Params, terms: Any, order_id: str) -> bool:
    """Return whether an item is among those that a question names."""
    wanted = (("instId", inst_id(terms)), ("instType", inst_type(terms)), ("ordId", order_id))
    return all(params.get(name) in (None, "", "ANY", value) for name, value in wanted)


def steps(found: int | None, code: str, text: str) -> int:
    """Return a whole number of steps.

    Raises:
        Failed: for one between two steps, or below one.
    """
    if found is None:
        raise Failed(code, text)
    if found <= 0:
        raise Failed(*shapes.REFUSALS["quantity"])
    return found


def decimal(params: Params, name: str) -> Decimal:
    """Return a number of the parameters.

    Raises:
        Failed: 51000 if it is missing or none.
    """
    try:
        value = Decimal(str(params.get(name, "")))
    except InvalidOperation:
        raise Failed("51000", f"Parameter {name} error") from None
    return value


def signature(secret: str, text: str) -> str:
    """Return what OKX calls the sign: HMAC SHA256, in Base64."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
