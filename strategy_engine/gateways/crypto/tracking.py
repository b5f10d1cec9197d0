"""What is known of the orders that are at the venue: rows from streams and answers go in, each thing said once comes out.

Nothing here knows of sockets: rows are ccxt's order and trade structures, whatever way they came and in whatever order.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from math import nan
from typing import Any

from gcg_quant.clock import now_ns
from gcg_quant.events import Liquidity, OrderStatus

from ..base import GatewayReport, ReportKind, VenueOrder
from .client_ids import own_part, venue_client_id
from .venue import Venue

__all__ = ["TrackedOrder", "Tracking"]

Row = dict[str, Any]

_ENDS = {"canceled": ReportKind.CANCELLED, "expired": ReportKind.EXPIRED, "rejected": ReportKind.REJECTED, "closed": ReportKind.FILLED}
_EARLY_KEPT = 1000  # trades whose order is not known yet; others' on this account as well
_DONE_KEPT = 4096  # late messages of orders that are done
_MS = 1_000_000


@dataclass(slots=True, eq=False)
class TrackedOrder:
    """One order of ours: what the venue has said of it, and what of that was reported."""

    client_id: str
    venue_id: str  # its client id at the venue
    symbol: str
    sell: bool = False
    order_id: str = ""
    amount: Decimal = Decimal(0)
    price: float = nan
    filled: Decimal = Decimal(0)  # the sum of the trades that were reported
    told: Decimal = Decimal(0)  # what the venue says is filled
    trades: set[str] = field(default_factory=set)
    end: ReportKind | None = None
    end_ns: int = 0
    end_reason: str = ""
    acknowledged: bool = False
    done: bool = False  # its end was reported: nothing more is expected
    sent_s: float = 0.0  # monotonic time at which its request was signed last, 0 for one of before
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # its requests go out one after the other

    @property
    def is_complete(self) -> bool:
        """Whether all trades that the venue tells of are known."""
        return self.filled >= self.told


class Tracking:
    """The orders of one account at one venue. It belongs to the gateway's thread.

    Args:
        venue: the exchange's ways.
        name: the venue's name in our instruments.
        report: where reports go.
        incomplete: is told of an order whose trades are missing, so that they are fetched.
    """

    def __init__(
        self, venue: Venue, name: str, report: Callable[[GatewayReport], None], incomplete: Callable[[TrackedOrder], None]
    ) -> None:
        self.bus_id = ""
        self._venue = venue
        self._name = name
        self._report = report
        self._incomplete = incomplete
        self._orders: dict[str, TrackedOrder] = {}  # by our client id
        self._by_venue_id: dict[str, TrackedOrder] = {}
        self._by_order_id: dict[str, TrackedOrder] = {}
        self._done: deque[TrackedOrder] = deque()
        self._held: list[tuple[bool, Row]] | None = None  # whether it is a trade, and the row
        self._early: OrderedDict[tuple[str, str], Row] = OrderedDict()

    # ---- finding

    def expect(self, client_id: str, symbol: str, *, sell: bool, amount: float, price: float) -> TrackedOrder:
        """Return the order of a client id, known from now on; its terms are those that we know."""
        order = self._orders.get(client_id)
        if order is None:
            order = TrackedOrder(client_id, venue_client_id(self.bus_id, client_id), symbol, sell)
            self._orders[client_id] = self._by_venue_id[order.venue_id] = order
            order.amount, order.price = Decimal(str(amount)), price
        return order

    def get(self, client_id: str) -> TrackedOrder | None:
        """Return the order of our client id, if it is known."""
        return self._orders.get(client_id)

    def find(self, row: Row, *, order_id: str) -> TrackedOrder | None:
        """Return the order that a row speaks of, None if it is not ours."""
        own, _ = own_part(self._venue.client_id(row))
        return self._by_venue_id.get(own) or self._by_order_id.get(order_id)

    def live(self) -> list[TrackedOrder]:
        """Return the orders that are open at the venue, as far as is known, and were acknowledged."""
        return [order for order in self._orders.values() if order.acknowledged and not order.done]

    def forget(self, order: TrackedOrder) -> None:
        """Drop an order."""
        self._orders.pop(order.client_id, None)
        self._by_venue_id.pop(order.venue_id, None)
        self._by_order_id.pop(order.order_id, None)

    # ---- what the venue says

    def hold(self) -> None:
        """Keep what comes from now on, and forget what was kept before: after a break it is told together, in the venue's order."""
        self._held = []

    def release(self) -> None:
        """Take in what was kept: trades as they happened, whatever order they are of, and then what became of the orders."""
        held, self._held = self._held or [], None
        for row in sorted((row for is_trade, row in held if is_trade), key=_moment):
            self.trade(row)
        for row in (row for is_trade, row in held if not is_trade):
            self.order(row)

    def order(self, row: Row) -> TrackedOrder | None:
        """Take in an order's row, and report what is new; return the order, None if it is not ours."""
        order = self.find(row, order_id=row["id"] or "")
        if order is None:
            return None
        if self._held is not None:
            self._held.append((False, row))
            return order
        if row["id"] and not order.order_id:
            order.order_id = row["id"]
            self._by_order_id[order.order_id] = order
        event_ns = _event_ns(row, "lastUpdateTimestamp", "lastTradeTimestamp", "timestamp")
        status = row.get("status")
        if not order.acknowledged and status != "rejected" and order.order_id:
            order.acknowledged = True
            self._say(order, ReportKind.ACCEPTED, event_ns)
        if row.get("filled") is not None:
            order.told = max(order.told, Decimal(str(row["filled"])))
        if status in _ENDS and order.end is None:
            order.end, order.end_ns, order.end_reason = _ENDS[status], event_ns, _reason(row)
        for key in [key for key in self._early if key[0] == order.order_id]:
            self.trade(self._early.pop(key))
        self._end(order)
        return order

    def trade(self, row: Row) -> TrackedOrder | None:
        """Take in a trade's row, and report it if it is new; return its order, None if it is not ours or not known yet."""
        order_id, trade_id = str(row["order"] or ""), str(row["id"])
        order = self.find(row, order_id=order_id)
        if self._held is not None:
            self._held.append((True, row))
            return order
        if order is None:
            self._early[order_id, trade_id] = row
            if len(self._early) > _EARLY_KEPT:
                self._early.popitem(last=False)
            return None
        if trade_id in order.trades:
            return order
        order.trades.add(trade_id)
        amount = Decimal(str(row["amount"]))
        order.filled += amount
        fee, currency = self._venue.fee(row)
        self._report(
            GatewayReport(
                kind=ReportKind.FILLED,
                client_id=order.client_id,
                event_ns=_event_ns(row, "timestamp"),
                venue_order_id=order.order_id or order_id,
                trade_id=trade_id,
                price=float(row["price"]),
                quantity=float(amount),
                fee=fee,
                fee_currency=currency,
                liquidity={"maker": Liquidity.MAKER, "taker": Liquidity.TAKER}.get(row.get("takerOrMaker") or "", Liquidity.UNKNOWN),
            )
        )
        self._end(order)
        return order

    def refuse(self, order: TrackedOrder, reason: str) -> None:
        """Report that the venue does not want an order: nothing of it is there."""
        self._finish(order, ReportKind.REJECTED, reason)

    def fail(self, order: TrackedOrder, reason: str) -> None:
        """Report that an order never arrived, and never will."""
        self._finish(order, ReportKind.FAILED, reason)

    def say(self, order: TrackedOrder, kind: ReportKind, reason: str = "") -> None:
        """Report the answer to a change or a cancel."""
        self._say(order, kind, now_ns(), reason)

    def venue_order(self, row: Row) -> VenueOrder:
        """Return an open order as reconciliation wants it, ours with our client id."""
        order = self.find(row, order_id=row["id"])
        filled, price = float(row.get("filled") or 0.0), row.get("price")
        return VenueOrder(
            client_id=order.client_id if order is not None else self._venue.client_id(row),
            venue_order_id=row["id"],
            symbol=row["symbol"],
            venue=self._name,
            status=OrderStatus.PARTLY_FILLED if filled else OrderStatus.ACCEPTED,
            quantity=float(row["amount"]),
            filled_quantity=filled,
            price=nan if price is None or row.get("type") == "market" else float(price),
        )

    # ---- inside

    def _end(self, order: TrackedOrder) -> None:
        # An order ends when all its trades are reported: a cancel does not overtake the fills before it.
        if order.done:
            return
        if not order.is_complete:
            self._incomplete(order)
        elif order.end is not None:
            self._finish(order, order.end, order.end_reason, order.end_ns)

    def _finish(self, order: TrackedOrder, kind: ReportKind, reason: str, event_ns: int = 0) -> None:
        if order.done:
            return
        order.done = True
        self._done.append(order)
        if len(self._done) > _DONE_KEPT:
            self.forget(self._done.popleft())
        if kind != ReportKind.FILLED:  # its last trade has said so
            self._say(order, kind, event_ns or now_ns(), reason)

    def _say(self, order: TrackedOrder, kind: ReportKind, event_ns: int, reason: str = "") -> None:
        told = GatewayReport(kind=kind, client_id=order.client_id, event_ns=event_ns, venue_order_id=order.order_id, reason=reason)
        self._report(told)


def _event_ns(row: Row, *names: str) -> int:
    return next((int(row[name]) * _MS for name in names if row.get(name)), 0) or now_ns()


def _reason(row: Row) -> str:
    info = row.get("info") or {}
    told = info.get("r") if info.get("r") not in (None, "NONE", "0") else info.get("cancelSourceReason") or info.get("expiryReason")
    return str(told or "")


def _moment(row: Row) -> tuple[int, int, str]:
    # Trades of one moment are numbered.
    number = str(row["id"])
    return int(row.get("timestamp") or 0), int(number) if number.isdecimal() else 0, number
