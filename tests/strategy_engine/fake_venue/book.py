"""The venue's book: what it makes of its inputs. The same inputs in the same order give the same reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

BUY, SELL = 1, 2
FEE_PARTS = 1000  # each fill costs one part of so many of its value

Message = dict[str, Any]


@dataclass
class BookOrder:
    """An order as the venue has it; `state` is received, open, filled, cancelled or rejected."""

    client_id: str
    venue_order_id: str
    symbol: str
    side: int
    lots: int
    price: int | None
    state: str = "received"
    filled: int = 0
    foreign: bool = False
    reject: bool = False

    @property
    def left(self) -> int:
        """The lots not filled."""
        return self.lots - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it is in the book or on its way into it."""
        return self.state in ("received", "open")


class Book:
    """Orders wait in an inbox until the next step; a step first answers the inbox, then fills against the quotes it brings.

    Market orders and limits that reach the opposite quote are filled at the quote, up to its size, oldest first. A step that was done
    before does nothing, so that whoever does not know may ask again.
    """

    def __init__(self) -> None:
        self.orders: dict[str, BookOrder] = {}
        self.positions: dict[str, int] = {}  # lots, signed
        self.cash: dict[str, int] = {}  # ticks x lots by symbol, fees taken off
        self.now_ns = 0
        self.step = 0
        self.doubled: list[str] = []  # client ids that were sent twice
        self.reports: list[Message] = []
        self._fills = 0
        self._inbox: list[Message] = []
        self._quotes: dict[str, list[int]] = {}

    def apply(self, message: Message) -> list[Message]:
        """Take an input; return the reports that it leads to."""
        before = len(self.reports)
        getattr(self, f"_{message['do']}")(message)
        return self.reports[before:]

    # ---- inputs

    def _submit(self, message: Message) -> None:
        client_id = message["client_id"]
        if client_id in self.orders:
            self.doubled.append(client_id)
            return
        self.orders[client_id] = BookOrder(
            client_id,
            f"V{len(self.orders) + 1}",
            message["symbol"],
            message["side"],
            message["lots"],
            message["price"],
            foreign=message.get("foreign", False),
            reject=message.get("reject", False),
        )
        self._inbox.append(message)

    def _cancel(self, message: Message) -> None:
        self._inbox.append(message)

    def _modify(self, message: Message) -> None:
        self._inbox.append(message)

    def _trade(self, message: Message) -> None:
        # Somebody trades on this account by hand: nobody hears of it.
        self._settle(message["symbol"], message["side"], message["lots"], message["price"])

    def _lose(self, message: Message) -> None:
        # The venue forgets an open order, which no venue should.
        del self.orders[message["client_id"]]

    def _deposit(self, message: Message) -> None:
        self.cash[message["symbol"]] = self.cash.get(message["symbol"], 0) + message["value"]

    def _step(self, message: Message) -> None:
        if message["step"] <= self.step:
            return
        self.step = message["step"]
        self.now_ns = max(self.now_ns, message["now_ns"])
        inbox, self._inbox = self._inbox, []
        for one in inbox:
            getattr(self, f"_do_{one['do']}")(one)
        for symbol, quotes in message["market"].items():
            self._quotes[symbol] = list(quotes)
            for order in [one for one in self.orders.values() if one.symbol == symbol and one.state == "open"]:
                self._match(order)

    # ---- what the inbox holds

    def _do_submit(self, message: Message) -> None:
        order = self.orders.get(message["client_id"])
        if order is None:
            return
        if order.reject:
            order.state = "rejected"
            self._report("REJECTED", order, reason="the venue does not want it")
            return
        order.state = "open"
        self._report("ACCEPTED", order)
        self._match(order)

    def _do_cancel(self, message: Message) -> None:
        order = self.orders.get(message["client_id"])
        if order is not None and order.state == "open" and message.get("fill_first"):
            price = order.price if order.price is not None else self._quotes[order.symbol][0]
            self._fill(order, order.left, price)
        if order is None or order.state != "open":
            self._report("CANCEL_REFUSED", order, message["client_id"], reason="it is not open")
            return
        order.state = "cancelled"
        self._report("CANCELLED", order)

    def _do_modify(self, message: Message) -> None:
        order = self.orders.get(message["client_id"])
        if order is None or order.state != "open" or (message["lots"] or order.lots) <= order.filled:
            self._report("MODIFY_REFUSED", order, message["client_id"], reason="it is not open, or filled beyond that")
            return
        order.lots = message["lots"] or order.lots
        order.price = order.price if message["price"] is None else message["price"]
        self._report("MODIFIED", order)
        self._match(order)

    # ---- matching

    def _match(self, order: BookOrder) -> None:
        quotes = self._quotes.get(order.symbol)
        if quotes is None:
            return
        at = 2 if order.side == BUY else 0
        price, size = quotes[at], quotes[at + 1]
        reaches = order.price is None or (order.price >= price if order.side == BUY else order.price <= price)
        lots = min(size, order.left)
        if reaches and lots > 0:
            quotes[at + 1] -= lots
            self._fill(order, lots, price)

    def _fill(self, order: BookOrder, lots: int, price: int) -> None:
        order.filled += lots
        if not order.left:
            order.state = "filled"
        fee = self._settle(order.symbol, order.side, lots, price)
        self._fills += 1
        self._report("FILLED", order, trade_id=f"T{self._fills}", lots=lots, price=price, fee=fee)

    def _settle(self, symbol: str, side: int, lots: int, price: int) -> int:
        sign = 1 if side == BUY else -1
        fee = lots * price // FEE_PARTS
        self.positions[symbol] = self.positions.get(symbol, 0) + sign * lots
        self.cash[symbol] = self.cash.get(symbol, 0) - sign * lots * price - fee
        return fee

    def _report(self, kind: str, order: BookOrder | None, client_id: str = "", **more: Any) -> None:
        report: Message = {"type": "report", "number": len(self.reports) + 1, "kind": kind, "now_ns": self.now_ns}
        if order is None:
            report |= {"client_id": client_id, "venue_order_id": "", "lots": 0, "price": None}
        else:
            report |= {"client_id": order.client_id, "venue_order_id": order.venue_order_id, "symbol": order.symbol}
            report |= {"lots": order.lots, "price": order.price}
        self.reports.append(report | more)

    # ---- questions

    def open_orders(self) -> list[Message]:
        """Return the orders that are in the book or on their way into it."""
        return [asdict(one) for one in self.orders.values() if one.is_open]

    def history(self, client_ids: list[str]) -> list[Message]:
        """Return what became of orders, in the order in which it happened; UNKNOWN for those that never came."""
        wanted = set(client_ids)
        told = [
            one
            for one in self.reports
            if one["client_id"] in wanted and one["kind"] in ("ACCEPTED", "MODIFIED", "REJECTED", "FILLED", "CANCELLED")
        ]
        return told + [{"type": "report", "kind": "UNKNOWN", "client_id": one} for one in client_ids if one not in self.orders]
