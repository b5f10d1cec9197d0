"""Binance's signed calls of USD-M futures: one-way positions, cross margin, no conditional orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakes import binance_contracts as shapes
from fakes.account import Account
from fakes.binance_names import NamedCalls, Params
from fakes.binance_private import Signed, decimal, new_id
from fakes.binance_rest import BadCall
from fakes.binance_shapes import venue_symbol
from fakes.market import Market
from fakes.orders import BUY, SELL, Order, Refused

if TYPE_CHECKING:
    from fakes.binance_front import BinanceFront

FORCES = {"GTC": "GTC", "IOC": "IOC", "FOK": "FOK", "GTX": "PO"}


class FuturesCalls(NamedCalls):
    """Does what an account asks for; whoever calls was found out before."""

    swaps = True

    def __init__(self, front: BinanceFront) -> None:
        super().__init__(front)
        config = {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "dualSidePosition": False}
        self.by_rest: dict[tuple[str, str], Signed] = {
            ("GET", "account"): lambda account, params: shapes.account_item(front.exchange, account),
            ("GET", "balance"): self.balance,
            ("GET", "accountConfig"): lambda account, params: {**config, "multiAssetsMargin": False, "tradeGroupId": -1, "updateTime": 0},
            ("GET", "symbolConfig"): self.symbol_config,
            ("GET", "positionSide/dual"): lambda account, params: {"dualSidePosition": False},
            ("POST", "positionSide/dual"): self.one_way,
            ("POST", "marginType"): lambda account, params: {"code": 200, "msg": "success"},
            ("POST", "leverage"): self.leverage,
            ("GET", "leverageBracket"): self.brackets,
            ("GET", "commissionRate"): self.commission,
            ("GET", "positionRisk"): self.positions,
            ("GET", "income"): self.income,
            ("POST", "order"): self.place,
            ("PUT", "order"): self.amend,
            ("DELETE", "order"): self.cancel,
            ("GET", "order"): self.order,
            ("GET", "openOrder"): self.order,
            ("GET", "openOrders"): self.open_orders,
            ("DELETE", "allOpenOrders"): self.cancel_all,
            ("GET", "allOrders"): self.all_orders,
            ("GET", "userTrades"): self.my_trades,
        }

    # Orders

    def place(self, account: Account, params: Params) -> Any:
        """Take an order; only RESULT waits for what becomes of it."""
        market = self._market(params)
        order = self._order_of(market, params)
        try:
            self._front.exchange.place(account, order)
        except Refused as refused:
            raise BadCall(*shapes.REFUSALS[refused.reason]) from None
        item = shapes.order_item(market.terms, order)
        if params.get("newOrderRespType", "ACK") == "ACK":
            item.update(status="NEW", executedQty="0", cumQty="0", cumQuote="0", avgPrice="0.00")
        return item

    def amend(self, account: Account, params: Params) -> Any:
        """Change an order's size and price."""
        market = self._market(params)
        order = self._find(account, params, -2013, "Order does not exist.")
        if not order.is_open:
            raise BadCall(-2013, "Order does not exist.")
        lots, ticks = self._lots(market, params), self._ticks(market, params)
        if (lots, ticks) == (order.lots, order.ticks):
            raise BadCall(-5027, "No need to modify the order.")
        try:
            self._front.exchange.amend(order, lots, ticks)
        except Refused as refused:
            raise BadCall(*shapes.REFUSALS[refused.reason]) from None
        return shapes.order_item(market.terms, order)

    def cancel(self, account: Account, params: Params) -> Any:
        """Take an order out."""
        market = self._market(params)
        order = self._find(account, params, -2011, "Unknown order sent.")
        if not order.is_open:
            raise BadCall(-2011, "Unknown order sent.")
        self._front.exchange.cancel(order)
        return shapes.order_item(market.terms, order)

    def cancel_all(self, account: Account, params: Params) -> Any:
        """Take all orders of an instrument out."""
        for order in self._front.exchange.of(account, self._market(params).terms.symbol, only_open=True):
            self._front.exchange.cancel(order)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def order(self, account: Account, params: Params) -> Any:
        """Return an order."""
        return shapes.order_item(self._market(params).terms, self._find(account, params, -2013, "Order does not exist."))

    def open_orders(self, account: Account, params: Params) -> Any:
        """Return the open orders, of an instrument or all."""
        symbol = self._market(params).terms.symbol if "symbol" in params else None
        return self._items([one for one in self._front.exchange.of(account, symbol, only_open=True) if ":" in one.symbol])

    def all_orders(self, account: Account, params: Params) -> Any:
        """Return an instrument's orders, from a number or a time on, or the last ones."""
        found = self._front.exchange.of(account, self._market(params).terms.symbol)
        limit, first, start = int(params.get("limit", 500)), int(params.get("orderId", 0)), int(params.get("startTime", 0))
        found = [order for order in found if order.id >= first and start <= order.created_ms <= int(params.get("endTime", 1 << 62))]
        return self._items(found[:limit] if first or start else found[-limit:])

    def my_trades(self, account: Account, params: Params) -> Any:
        """Return the account's fills of an instrument."""
        market = self._market(params)
        limit, first, start = int(params.get("limit", 500)), int(params.get("fromId", -1)), int(params.get("startTime", 0))
        end, order_id = int(params.get("endTime", 1 << 62)), int(params.get("orderId", -1))
        found = [fill for fill in account.fills if fill.symbol == market.terms.symbol and start <= fill.time_ms <= end]
        found = [fill for fill in found if fill.trade_id >= first and order_id in (-1, fill.order_id)]
        return [shapes.my_trade(market.terms, fill) for fill in (found[:limit] if first >= 0 or start else found[-limit:])]

    # The account

    def balance(self, account: Account, params: Params) -> Any:
        """Return the assets alone."""
        return [{**one, "balance": one["walletBalance"]} for one in shapes.account_item(self._front.exchange, account)["assets"]]

    def positions(self, account: Account, params: Params) -> Any:
        """Return the open positions."""
        found = [shapes.position_item(market, account, one) for market, one in shapes.standing(self._front.exchange, account)]
        return [one for one in found if params.get("symbol") in (None, one["symbol"])]

    def income(self, account: Account, params: Params) -> Any:
        """Return what was paid for funding, the oldest first; of the last seven days where no time is given. There is no other income."""
        now = self._front.exchange.now_ms()
        start, end = int(params.get("startTime", now - 7 * 86_400_000)), int(params.get("endTime", 1 << 62))
        found = [one for one in account.payments if start <= one.time_ms <= end and one.listed_ms <= now]
        items = [shapes.income_item(self._front.exchange.markets[one.symbol].terms, one) for one in found]
        items = [one for one in items if params.get("symbol") in (None, one["symbol"])]
        return items[: min(1000, int(params.get("limit", 100)))] if params.get("incomeType") in (None, "FUNDING_FEE") else []

    def symbol_config(self, account: Account, params: Params) -> Any:
        """Return margin type and leverage of each instrument."""
        rest = {"marginType": "CROSSED", "isAutoAddMargin": False, "leverage": account.leverage, "maxNotionalValue": "1000000"}
        return [{"symbol": name, **rest} for name in self._names(params)]

    def leverage(self, account: Account, params: Params) -> Any:
        """Set the leverage, of all instruments at once."""
        account.leverage = int(params["leverage"])
        return {"symbol": params["symbol"], "leverage": account.leverage, "maxNotionalValue": "1000000"}

    def one_way(self, account: Account, params: Params) -> Any:
        """Positions are one-way and stay so."""
        if str(params.get("dualSidePosition")).lower() == "false":
            raise BadCall(-4059, "No need to change position side.")
        raise BadCall(-4068, "Position side cannot be changed if there exists position.")

    def brackets(self, account: Account, params: Params) -> Any:
        """Return one bracket for each instrument."""
        one = {"bracket": 1, "initialLeverage": 125, "notionalCap": 50_000_000, "notionalFloor": 0, "maintMarginRatio": 0.004, "cum": 0.0}
        return [{"symbol": name, "brackets": [one]} for name in self._names(params)]

    def commission(self, account: Account, params: Params) -> Any:
        """Return the commissions of an instrument."""
        terms = self._market(params).terms
        return {"symbol": params["symbol"], "makerCommissionRate": str(terms.maker), "takerCommissionRate": str(terms.taker)}

    def _names(self, params: Params) -> list[str]:
        markets = self._front.exchange.markets.values()
        names = [venue_symbol(market.terms) for market in markets if market.terms.swap]
        return [name for name in names if params.get("symbol") in (None, name)]

    def _items(self, orders: list[Order]) -> list[Any]:
        return [shapes.order_item(self._front.exchange.markets[order.symbol].terms, order) for order in orders]

    @staticmethod
    def _lots(market: Market, params: Params) -> int:
        lots = market.terms.lots(decimal(params, "quantity"))
        if lots is None:
            raise BadCall(-1111, "Precision is over the maximum defined for this asset.")
        return lots

    @staticmethod
    def _ticks(market: Market, params: Params) -> int:
        ticks = market.terms.ticks(decimal(params, "price"))
        if ticks is None:
            raise BadCall(-4014, "Price not increased by tick size.")
        return ticks

    def _order_of(self, market: Market, params: Params) -> Order:
        # Reads the parameters of a new order.
        if params.get("side") not in ("BUY", "SELL"):
            raise BadCall(-1117, "Invalid side.")
        if params.get("type") not in ("LIMIT", "MARKET"):
            raise BadCall(-1116, "Invalid orderType.")
        if params.get("positionSide", "BOTH") != "BOTH":
            raise BadCall(-4061, "Order's position side does not match user's setting.")
        at_market = params["type"] == "MARKET"
        force = FORCES.get(params.get("timeInForce", "IOC" if at_market else ""))
        if force is None:
            raise BadCall(-1115, "Invalid timeInForce.")
        order = Order(0, "", market.terms.symbol, BUY if params["side"] == "BUY" else SELL, "market" if at_market else "limit", 0)
        order.force, order.client_id = force, params.get("newClientOrderId") or new_id()
        order.reduce_only = str(params.get("reduceOnly", "")).lower() == "true"
        order.lots = self._lots(market, params)
        if not at_market:
            order.ticks = self._ticks(market, params)
        return order
