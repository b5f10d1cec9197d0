"""What becomes of orders at the fake counter: first it knows them, then the exchange; trades come when the test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .api import FakeApi
from .holdings import Holdings

if TYPE_CHECKING:
    from .counter import Counter

UNKNOWN, QUEUEING, PARTLY, ALL, CANCELLED = "a", "3", "1", "0", "5"
SUBMITTED, ACCEPTED, INSERT_REJECTED = "0", "3", "4"


class Trading:
    """Orders and trades of the day, in memory.

    Attributes:
        orders: fields of CThostFtdcOrderField, by (front, session, reference).
        trades: fields of CThostFtdcTradeField.
        holdings: what the trades have left; its rows are the answer to who asks for positions.
        positions, account: rows that the queries are answered with; these positions instead, if there are any.
        clock: the exchange's time of day.
        lose: how many orders get lost on the way from now on.
        deaf: whether the exchange gives no answer: orders stay with the counter.
    """

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.orders: dict[tuple[int, int, str], dict[str, Any]] = {}
        self.trades: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.account: list[dict[str, Any]] = []
        self.lose = 0
        self.deaf = False
        self.refuse_at_exchange = ""
        self.mute = False  # nothing is reported; queries tell
        self.holdings = Holdings()
        self.clock = "09:35:00"
        self._system_ids = 1000

    # ---- requests

    def OrderInsert(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        """Take an order."""
        if self.lose:
            self.lose -= 1
            return
        if not info.ErrorID:
            info = self.counter.info(api, *self.holdings.refusal(fields, self.open_orders()))
        if info.ErrorID:
            api.call("OnRspOrderInsert", self.counter.struct(api, "CThostFtdcInputOrderField", **fields), info, number, True)
            return
        key = (7, api.session, fields["OrderRef"])
        shared = ("BrokerID", "InvestorID", "OrderRef", "UserID", "OrderPriceType", "Direction", "CombOffsetFlag", "CombHedgeFlag")
        more = ("LimitPrice", "VolumeTotalOriginal", "TimeCondition", "VolumeCondition", "MinVolume", "InstrumentID", "ExchangeID")
        order = {name: fields[name] for name in (*shared, *more)}
        order |= {"FrontID": 7, "SessionID": api.session, "VolumeTraded": 0, "VolumeTotal": fields["VolumeTotalOriginal"]}
        order |= {"OrderStatus": UNKNOWN, "OrderSubmitStatus": SUBMITTED, "OrderSysID": "", "TradingDay": self.counter.trading_day}
        order |= {"InsertDate": self.counter.trading_day, "InsertTime": self.clock, "StatusMsg": "submitted"}
        self.orders[key] = order
        self.tell(order)
        if self.refuse_at_exchange:
            order |= {"OrderStatus": CANCELLED, "OrderSubmitStatus": INSERT_REJECTED, "StatusMsg": self.refuse_at_exchange}
            error = self.counter.info(api, 36, self.refuse_at_exchange)
            api.call("OnErrRtnOrderInsert", self.counter.struct(api, "CThostFtdcInputOrderField", **fields), error)
            self.tell(order)
        elif not self.deaf:
            self.accept(key)

    def OrderAction(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        """Take a cancellation."""
        order = self.orders.get((fields["FrontID"], fields["SessionID"], fields["OrderRef"]))
        if order is None or order["OrderStatus"] in (ALL, CANCELLED):
            info = self.counter.info(api, 26, "the order cannot be cancelled")
        if info.ErrorID:
            api.call("OnRspOrderAction", self.counter.struct(api, "CThostFtdcInputOrderActionField", **fields), info, number, True)
            return
        assert order is not None
        order |= {"OrderStatus": CANCELLED, "StatusMsg": "cancelled", "CancelTime": self.clock}
        self.tell(order)

    def QryOrder(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        """Answer with the orders."""
        self.counter.answer(api, "OnRspQryOrder", "CThostFtdcOrderField", list(self.orders.values()), number, info)

    def QryTrade(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        """Answer with the trades."""
        self.counter.answer(api, "OnRspQryTrade", "CThostFtdcTradeField", self.trades, number, info)

    def QryInvestorPosition(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        """Answer with the positions."""
        self.counter.answer(
            api, "OnRspQryInvestorPosition", "CThostFtdcInvestorPositionField", self.positions or self.holdings.rows(), number, info
        )

    def QryTradingAccount(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        """Answer with the account."""
        self.counter.answer(api, "OnRspQryTradingAccount", "CThostFtdcTradingAccountField", self.account, number, info)

    # ---- what the exchange does

    def open_orders(self) -> list[dict[str, Any]]:
        """Return the orders that may still trade."""
        return [one for one in self.orders.values() if one["OrderStatus"] not in (ALL, CANCELLED)]

    def next_day(self, trading_day: str) -> None:
        """Let the trading day end at the counter: orders and trades are gone, the lots are yesterday's."""
        self.counter.trading_day = trading_day
        self.orders, self.trades = {}, []
        self.holdings.next_day()

    def accept(self, key: tuple[int, int, str]) -> None:
        """Let the exchange take an order."""
        self._system_ids += 1
        order = self.orders[key]
        order |= {"OrderSysID": f"{self._system_ids:>12}", "OrderStatus": QUEUEING, "OrderSubmitStatus": ACCEPTED, "StatusMsg": "queueing"}
        self.tell(order)

    def trade(
        self, lots: int, price: float, *, order: dict[str, Any] | None = None, trade_first: bool = False, twice: bool = False
    ) -> None:
        """Let an order (the newest one if None) trade."""
        found = order if order is not None else list(self.orders.values())[-1]
        found["VolumeTraded"] += lots
        found["VolumeTotal"] -= lots
        found["OrderStatus"] = PARTLY if found["VolumeTotal"] else ALL
        shared = ("BrokerID", "InvestorID", "OrderRef", "UserID", "Direction", "ExchangeID", "OrderSysID", "InstrumentID", "TradingDay")
        trade = {name: found[name] for name in shared}
        trade |= {"TradeID": f"{len(self.trades) + 1:>12}", "OffsetFlag": found["CombOffsetFlag"], "HedgeFlag": "1", "Price": price}
        trade |= {"Volume": lots, "TradeDate": self.counter.trading_day, "TradeTime": self.clock}
        self.trades.append(trade)
        self.holdings.apply(trade)
        if trade_first:
            self.tell_trade(trade)
        self.tell(found)
        for _ in range(0 if trade_first else 2 if twice else 1):
            self.tell_trade(trade)
        if twice:
            self.tell(found)

    def tell(self, order: dict[str, Any]) -> None:
        """Report an order to all sessions of the user."""
        for api in [] if self.mute else self.counter.apis("trader"):
            api.call("OnRtnOrder", self.counter.struct(api, "CThostFtdcOrderField", **order))

    def tell_trade(self, trade: dict[str, Any]) -> None:
        """Report a trade to all sessions of the user."""
        for api in [] if self.mute else self.counter.apis("trader"):
            api.call("OnRtnTrade", self.counter.struct(api, "CThostFtdcTradeField", **trade))
