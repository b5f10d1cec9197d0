"""What is asked of an exchange for orders of ours, on the connection of today."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from decimal import Decimal
from math import isnan
from typing import Any

from gcg_quant.errors import GatewayError, OrderError

from ..base import Change, ReportKind
from .connection import Connection
from .failures import Outcome, outcome_of, said
from .terms import check_numbers
from .tracking import TrackedOrder, Tracking
from .venue import Row, Venue

__all__ = ["VenueDesk"]

_GRACE_S = 0.25  # before trades that an order's row tells of are fetched: as a rule the stream brings them at once
_TRIES = 8
_FIRST_LOOK_S = 0.1  # after a request without an answer; doubled with each look
_OPEN_PAGE = 100  # OKX tells of so many open orders at once


class VenueDesk:
    """Sends, looks up and completes. It belongs to the gateway's thread, `begin` to each new connection.

    Args:
        tracking: the orders.
        venue: the exchange's ways.
        window_s: how long after it was signed a request may still arrive.
    """

    def __init__(self, tracking: Tracking, venue: Venue, window_s: float) -> None:
        self._tracking = tracking
        self._venue = venue
        self._window_s = window_s
        self._connection: Connection | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._completing: set[TrackedOrder] = set()

    def begin(self, connection: Connection) -> None:
        """Use a new connection from now on."""
        self._connection = connection
        self._tracking.hold()  # until all that was missed is known
        self._tasks.clear()
        self._completing.clear()

    def keep(self, task: asyncio.Future[Any]) -> None:
        """Hold a task until it is done; one that fails ends the connection."""
        self._tasks.add(task)
        task.add_done_callback(self._done)

    # ---- one order

    async def send(self, order: TrackedOrder, arguments: tuple[Any, ...]) -> None:
        """Send an order; what becomes of it is reported."""
        async with order.lock:
            try:
                row = await self.connection.call("create_order", *arguments, kind="order", before=lambda: _sign(order))
            except Exception as error:
                outcome = outcome_of(error)
                if outcome in (Outcome.REFUSED, Outcome.MISSING, Outcome.BUSY, Outcome.CLOCK, Outcome.KEY):
                    self._tracking.refuse(order, said(error))
                else:  # no answer, or one that the order was there before: it is looked up, never sent again blindly
                    await self._resolve(order, said(error))
            else:
                self._take(order, row)

    async def cancel(self, order: TrackedOrder) -> None:
        """Have an order cancelled; what becomes of it is reported."""
        async with order.lock:
            if order.done:
                return
            try:
                row = await self.connection.call("cancel_order", None, order.symbol, {"clientOrderId": order.venue_id}, kind="cancel")
            except Exception as error:
                await self._after_refusal(order, error, ReportKind.CANCEL_REFUSED)
            else:
                if row.get("status"):
                    self._take(order, row)

    async def change(self, order: TrackedOrder, change: Change) -> None:
        """Have an order changed; the answer is reported."""
        async with order.lock:
            market = self.connection.exchange.market(order.symbol)
            quantity = float(order.amount) if change.quantity is None else change.quantity
            price = order.price if change.price is None else change.price
            try:
                if not self._venue.can_change:
                    raise OrderError(f"{self._venue.name} changes no {self._venue.options.market} orders: cancel it and send another one")
                quantity, exact_price = check_numbers(market, quantity, None if isnan(price) else price)
            except OrderError as error:
                self._tracking.say(order, ReportKind.MODIFY_REFUSED, error.message.rstrip("."))
                return
            arguments = (order.order_id, order.symbol, "limit", "sell" if order.sell else "buy", quantity, exact_price)
            try:
                await self.connection.call("edit_order", *arguments, {"clientOrderId": order.venue_id}, kind="order")
                await self._confirm(order, quantity, exact_price, "")
            except GatewayError:
                raise
            except Exception as error:
                outcome = outcome_of(error)
                if outcome is Outcome.UNKNOWN:
                    await self._confirm(order, quantity, exact_price, said(error))
                else:
                    await self._after_refusal(order, error, ReportKind.MODIFY_REFUSED)

    async def settle_open(self, orders: Collection[TrackedOrder]) -> set[str]:
        """Report how those of some orders stand that are open at the venue, by one question; return their client ids."""
        found = set()
        for row in await self.open_rows():
            order = self._tracking.find(row, order_id=row["id"])
            if order is not None and order in orders:
                async with order.lock:
                    order.done = False
                    await self._finish(order, row)
                found.add(order.client_id)
        return found

    async def look_up(self, order: TrackedOrder, acknowledged: bool, since_s: float, began_s: float) -> float:
        """Report what became of an order, or UNKNOWN; return 0, or how long to wait before the venue's "unknown" is final, s.

        Args:
            order: the order.
            acknowledged: whether the venue has acknowledged it once.
            since_s: when it was last heard of, s since the epoch.
            began_s: when this process began, monotonic: requests of an earlier one were signed before.
        """
        async with order.lock:
            row = await self._fetch(order)
            if row is not None:
                order.done = False
                await self._finish(order, row)
                return 0.0
            if left_s := self._in_doubt_s(order, began_s):
                return left_s
            if acknowledged and time.time() - since_s > self._venue.forgets_s:
                self._tracking.say(order, ReportKind.CANCELLED, f"{self._venue.name} has forgotten it, as it does with cancelled orders")
            else:
                self._tracking.say(order, ReportKind.UNKNOWN)
            return 0.0

    async def release(self) -> None:
        """Report what was kept, in the venue's order."""
        self._tracking.release()

    def complete(self, order: TrackedOrder) -> None:
        """Fetch the trades of an order that it lacks, if the stream does not bring them in a moment."""
        if order not in self._completing and self._connection is not None:
            self._completing.add(order)
            self.keep(asyncio.ensure_future(self._complete(order, _GRACE_S)))

    async def poll(self) -> None:
        """Find out by REST what became of the orders that are open as far as is known."""
        self._tracking.release()  # an account that cannot be reconciled has its fills all the same
        live = self._tracking.live()
        rows = {row["id"]: row for row in await self.open_rows()} if live else {}
        for order in live:
            row = rows.get(order.order_id) or (None if order.done else await self._fetch(order))
            if row is not None:
                await self._finish(order, row)

    async def open_rows(self) -> list[Row]:
        """Return ccxt's rows of the open orders, ours and others'."""
        found: dict[str, Row] = {}
        after: Row = {}
        while True:
            page = await self.connection.ask("fetch_open_orders", None, None, None, self._venue.open_params | after)
            found |= {row["id"]: row for row in page}
            if self._venue.name != "okx" or len(page) < _OPEN_PAGE:
                return list(found.values())
            after = {"after": min(page, key=lambda row: int(row["id"]))["id"]}

    @property
    def connection(self) -> Connection:
        """The connection of today. Raises GatewayError if there is none."""
        if self._connection is None:
            raise GatewayError("There is no connection.")
        return self._connection

    # ---- inside

    def _take(self, order: TrackedOrder, row: Row) -> None:
        # Answers do not all name the order that they speak of.
        row["clientOrderId"] = order.venue_id
        self._tracking.order(row)

    async def _finish(self, order: TrackedOrder, row: Row) -> None:
        # The trades first, so that an end does not stand before them.
        if not order.is_complete or Decimal(str(row.get("filled") or 0)) > order.filled:
            await self._fetch_trades(order, str(row["id"]))
        self._take(order, row)

    async def _fetch(self, order: TrackedOrder) -> Row | None:
        # The venue's row of an order, or None if it surely has none.
        try:
            row: Row = await self.connection.call("fetch_order", None, order.symbol, {"clientOrderId": order.venue_id})
            return row
        except Exception as error:
            if outcome_of(error) is Outcome.MISSING:
                return None
            if isinstance(error, GatewayError):
                raise
            raise GatewayError(f"{self._venue.name} does not answer fetch_order: {said(error)}.") from error

    async def _fetch_trades(self, order: TrackedOrder, order_id: str) -> None:
        try:
            rows = await self.connection.trades(order.symbol, order_id)
        except Exception as error:
            raise GatewayError(f"{self._venue.name} does not tell the trades of an order: {said(error)}.") from error
        for row in rows:
            row["clientOrderId"] = order.venue_id
            self._tracking.trade(row)

    async def _complete(self, order: TrackedOrder, wait_s: float) -> None:
        try:
            for _ in range(_TRIES):
                await asyncio.sleep(wait_s)
                if order.is_complete:
                    return
                await self._fetch_trades(order, order.order_id)
                wait_s *= 2
            if not order.is_complete:
                told = f"{order.told} of {order.client_id} as filled, and trades of {order.filled}"
                raise GatewayError(f"{self._venue.name} tells of {told}.")
        finally:
            self._completing.discard(order)

    def _in_doubt_s(self, order: TrackedOrder, began_s: float = 0.0) -> float:
        # How long the request may still be on its way.
        return max(0.0, (order.sent_s or began_s) + self._window_s - time.monotonic())

    async def _resolve(self, order: TrackedOrder, why: str) -> None:
        wait_s = _FIRST_LOOK_S
        while True:
            await asyncio.sleep(wait_s)
            left_s = self._in_doubt_s(order)
            row = await self._fetch(order)
            if row is not None:
                await self._finish(order, row)
                return
            if not left_s:
                self._tracking.fail(order, f"it never reached {self._venue.name}: {why}")
                return
            wait_s = min(wait_s * 2, left_s + 0.01, 1.0)

    async def _confirm(self, order: TrackedOrder, quantity: float, price: float | None, why: str) -> None:
        # A change is done when the order shows it; OKX answers before it has decided.
        for attempt in range(_TRIES):
            row = await self._fetch(order)
            if row is not None and float(row["amount"]) == quantity and (price is None or float(row["price"]) == price):
                order.amount, order.price = Decimal(str(quantity)), order.price if price is None else price
                self._tracking.say(order, ReportKind.MODIFIED)
                await self._finish(order, row)
                return
            if row is None or row["status"] != "open":
                break
            await asyncio.sleep(_FIRST_LOOK_S * (attempt + 1))
        self._tracking.say(order, ReportKind.MODIFY_REFUSED, why or "the venue did not make it")
        if row is not None:
            await self._finish(order, row)

    async def _after_refusal(self, order: TrackedOrder, error: Exception, kind: ReportKind) -> None:
        # Of an order that is done already its end is the answer; of one that works on, the refusal.
        row = await self._fetch(order)
        if row is not None:
            await self._finish(order, row)
        if outcome_of(error) is Outcome.UNKNOWN and kind == ReportKind.CANCEL_REFUSED and not order.done and order.end is None:
            return  # nobody knows: the engine looks it up, and asks again
        if not order.done and order.end is None:
            self._tracking.say(order, kind, said(error))

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._connection is not None:
            self._connection.end(str(error))


def _sign(order: TrackedOrder) -> None:
    order.sent_s = time.monotonic()
