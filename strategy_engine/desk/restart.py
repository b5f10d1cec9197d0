"""Going on after a restart: what was left half done is finished, what was never answered is answered, nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.events import OrderStatus

from ..orders.order import Order
from .fold import Request, TradingFold

if TYPE_CHECKING:
    from ..venue.link import VenueLink
    from .desk import TradingDesk

__all__ = ["finish"]


def finish(fold: TradingFold, desk: TradingDesk, start: int, handle: Callable[[Request], None], link: VenueLink | None = None) -> None:
    """Bring the desk from what the journal says to where a running engine would be.

    Args:
        fold: what the journal says; its orders and accounts are the desk's.
        desk: the desk; its gateway is open and knows where the market stood.
        start: the first event (its id) that the engine will read next; earlier requests are answered here.
        handle: answers a request.
        link: reconciles with a venue that has lived on without us, now or as soon as it is connected.
    """
    desk.books.resume(fold.base_of_day)
    for strategy, number, event_ns in fold.recent:
        desk.books.count(strategy, number, event_ns)
    _report_missing(fold, desk)
    working = [order for order in desk.orders.open_orders() if order.status not in (OrderStatus.NEW, OrderStatus.RISK_CHECKED)]
    for order in working:
        desk.books.open_again(order)
    _book_missing(fold, desk)
    _begin_day(desk)
    working = [order for order in working if not order.held]
    for order in working:
        if order.status == OrderStatus.SUBMITTING:
            desk.submit(order, order.report.event_ns, 0)
    if link is not None:
        link.take_over(fold)
        desk.held.resume()
    else:
        _put_to_work(desk, working)
        desk.held.resume()
        _send_checked(fold, desk)
    for request_id in sorted(fold.pending):
        if request_id < start:
            handle(fold.pending[request_id])


def _report_missing(fold: TradingFold, desk: TradingDesk) -> None:
    # A fill or a verdict is published first, and what follows from it after it: the rest of the last one may be missing.
    for order, verdict in fold.refused.values():
        desk.orders.move(order, OrderStatus.REJECTED, event_ns=verdict.event_ns, cause=verdict.id, reason=verdict.message)
    for fill in fold.unreported.values():
        found = desk.orders.find(fill.request, fill.client_id)
        if found is not None:
            desk.orders.report_fill(found, event_ns=fill.event_ns, cause=fill.id)


def _book_missing(fold: TradingFold, desk: TradingDesk) -> None:
    # Positions come after the open orders are counted: they tell what those tie up.
    for key, fill in fold.unposted.items():
        position = desk.books.accounts.position(*key)
        if position is not None:
            desk.books.publish_position(position, fill.event_ns, fill.id)
    for currency, fill in fold.unbooked.items():
        desk.books.publish_account(currency, fill.event_ns, fill.id)


def _begin_day(desk: TradingDesk) -> None:
    # The market that was seen again may be of a later day than the last account event.
    if desk.clock_ns:
        desk.books.begin_day(desk.clock_ns // NS_PER_DAY, desk.clock_ns, 0)


def _send_checked(fold: TradingFold, desk: TradingDesk) -> None:
    killed = desk.risk.rules.limits.kill_switch  # it may have gone on since risk let something pass
    for request_id, verdict_id in fold.checked.items():
        checked = desk.orders.find(request_id)
        if checked is None or checked.status != OrderStatus.RISK_CHECKED:
            continue
        now_ns = max(desk.clock_ns, checked.terms.event_ns)
        if killed:
            desk.orders.move(checked, OrderStatus.CANCELLED, event_ns=now_ns, cause=verdict_id, reason="kill switch is on")
        else:
            desk.held.place(checked, now_ns, verdict_id)
    for changes in [] if killed else fold.changes.values():
        for request, verdict_id in changes:
            desk.change_again(request, verdict_id)


def _put_to_work(desk: TradingDesk, working: list[Order]) -> None:
    cancelling = [order for order in working if order.status == OrderStatus.CANCELLING]
    desk.gateway.restore(working)
    desk.drain(0)
    for order in cancelling:
        if order.status == OrderStatus.CANCELLING:
            desk.gateway.cancel(desk.orders.cancel(order, event_ns=order.report.event_ns, cause=0))
            desk.drain(0)
