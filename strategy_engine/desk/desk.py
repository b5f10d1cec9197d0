"""The trading desk: risk, orders, accounts and gateway of one account, calling each other directly and publishing every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan
from typing import TYPE_CHECKING

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import InstrumentError, OrderError
from gcg_quant.events import (
    AlertEvent,
    CancelRequest,
    MarketDataEvent,
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    RiskReason,
    Side,
)
from gcg_quant.instruments import Instrument

from ..gateways.base import Change, Gateway, GatewayReport, MarketGateway
from ..orders.manager import OrderManager, Publish
from ..orders.order import Order, WholeTerms, changed_terms
from ..risk.engine import Finding, RiskEngine, read_terms
from .books import Books
from .held import HeldOrders
from .offsets import check_more, choose_offset
from .reduce_only import cut_to_position, is_reduce_only
from .reports import Reports
from .venue_terms import takes_force, takes_type, venue_terms

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["Log", "TradingDesk"]

Log = Callable[[str, str, int], None]  # text, level, the id of the event it concerns

_UNKNOWN, _MARK, _NEW_DAY = 1, 2, 4  # market_signal in risk.h
_KEPT_HERE = OrderFlag.REDUCE_ONLY | OrderFlag.OCO  # flags that no gateway need know
_NO_ORDER = "there is no such order"


class TradingDesk:
    """Turns requests into verdicts, commands and fills. It belongs to the trading engine's thread; reports may come from any.

    Every request is answered, and what it led to is published, before the next event is looked at.

    Args:
        bus: its instruments are traded.
        books: accounts and risk, which see the same fills.
        gateway: where orders go; opened by the caller with `listen` as its listener.
        orders: the order manager.
        publish: how events leave.
        log: how words leave.
    """

    def __init__(self, bus: EventBus, books: Books, gateway: Gateway, orders: OrderManager, publish: Publish, log: Log) -> None:
        self.books = books
        self.orders = orders
        self.gateway = gateway
        self.risk: RiskEngine = books.risk
        self._bus, self._publish, self._log = bus, publish, log
        self._gateway_name = f"the {gateway.name} gateway"
        self._native = books.risk.native
        self._venue = gateway if isinstance(gateway, MarketGateway) else None
        self._terms: dict[int, Instrument] = {}
        self.held = HeldOrders(self)
        self.reports = Reports(books, orders, gateway.name, publish, log, self.held.ended_as, self.held.review)

    # ---- what comes in

    def market(self, event: MarketDataEvent) -> None:
        """Take in a market data record: prices, fills, marks, the change of the day."""
        signals = self._native.on_market(event)
        if signals & _UNKNOWN:
            if not event.instrument:
                return
            self.instrument(event.instrument)
            signals = self._native.on_market(event)
        if signals & _NEW_DAY:
            self.books.begin_day(event.event_ns // NS_PER_DAY, event.event_ns, event.id)
        if self._venue is not None:
            self._venue.on_market(event)
            if self.reports:
                self.drain(event.id)
        self.held.on_market(event)
        if signals & _MARK:
            self.books.mark(event.instrument, event.event_ns, event.id)

    def seed(self, event: MarketDataEvent) -> None:
        """Take in market data of before a restart: it moves prices, and nothing is published."""
        if event.instrument:
            self.instrument(event.instrument)
            self._native.on_market(event)
            self.held.seed(event)
            if self._venue is not None:
                self._venue.seed(event)

    def advance(self, now_ns: int, cause: int) -> None:
        """Let event time pass without market data: orders arrive at a simulated venue, and expire."""
        if self._venue is not None:
            self._venue.advance(now_ns)
        self.drain(cause)
        self.held.advance(now_ns, cause)

    def request(self, request: OrderRequest) -> None:
        """Check an order and, if it passes, send it; one with a client id that was used before is answered and goes nowhere."""
        if self._is_duplicate(request):
            return
        now_ns = self.now_ns(request)
        instrument = self.instrument_of(request)
        terms, whole, findings = self.read(request, instrument, now_ns)
        rules, more = self._check(request, instrument, whole, now_ns)
        findings += more
        order = self.orders.create(terms, request.id, request.instrument, instrument, whole, now_ns)
        verdict = self.risk.verdict(request, self.orders.account, order.client_id, request.id, now_ns, rules, findings)
        verdict_id = self._publish(verdict, cause=request.id)
        if findings:
            self.orders.move(order, OrderStatus.REJECTED, event_ns=now_ns, cause=verdict_id, reason=verdict.message)
            return
        self.orders.pass_risk(order)
        self.books.count(order.strategy, order.number, now_ns)
        self.held.place(order, now_ns, verdict_id)

    def read(self, request: OrderRequest, instrument: Instrument, now_ns: int) -> tuple[OrderRequest, WholeTerms, list[Finding]]:
        """Return the terms to trade on, also in whole lots and ticks, and what is wrong with them.

        Reduce-only orders are cut; where long and short are held apart, the offset is chosen or checked.
        """
        accounts, orders = self.books.accounts, self.orders
        whole, findings = read_terms(request, instrument)
        if findings or request.side == Side.NONE:
            return request, whole, findings
        if is_reduce_only(request):
            request, whole, findings = cut_to_position(request, whole, instrument, now_ns, accounts, orders)
        # An order that waits gets its offset when it is sent: what it closes may not be there yet.
        if instrument.legs and not findings and not request.parent and request.order_type in self.gateway.order_types:
            request, findings = choose_offset(request, whole.lots, instrument, now_ns, accounts, orders, nets=self.gateway.nets)
        return request, whole, findings

    def cancel(self, request: CancelRequest) -> None:
        """Have an order cancelled; what cannot be cancelled is answered with its unchanged state and the reason."""
        order = self.orders.find(request.request, request.client_id)
        if order is None:
            self._answer_unknown(request, "cancel")
        else:
            self.cancel_order(order, self.now_ns(request), request.id)

    def cancel_order(self, order: Order, now_ns: int, cause: int, reason: str = "") -> None:
        """Send a cancellation to the gateway, or say why not; a held order ends at once."""
        if order.is_final or order.status == OrderStatus.CANCELLING:
            self._refuse(order, f"cancel refused: the order is {order.status.name}", now_ns, cause)
        elif order.held:
            self.held.end(order, OrderStatus.CANCELLED, reason, now_ns, cause)
        else:
            self.gateway.cancel(self.orders.cancel(order, event_ns=now_ns, cause=cause, reason=reason))
            self.drain(cause)

    def modify(self, request: ModifyRequest) -> None:
        """Check an order's new terms as if it were a new order, and have the gateway change it; or say why not."""
        order = self.orders.find(request.request, request.client_id)
        now_ns = self.now_ns(request)
        if order is None:
            self._answer_unknown(request, "change")
            return
        now = self.reports.expected(order)
        try:
            whole = changed_terms(order, request, now)
        except (OrderError, InstrumentError) as error:
            self._refuse(order, f"change refused: {error.message}", now_ns, request.id)
            return
        left = WholeTerms(whole.lots - order.filled_lots, whole.price_ticks, None if order.triggered else whole.stop_ticks)
        open_lots = max(0, now.lots - order.filled_lots)
        rules, findings = self.risk.check(order.terms, order.number, left, now_ns, replaces_lots=open_lots)
        findings += check_more(order, whole.lots, now_ns, self.books.accounts, self.orders)
        verdict = self.risk.verdict(order.terms, self.orders.account, order.client_id, request.id, now_ns, rules, findings)
        verdict_id = self._publish(verdict, cause=request.id)
        if findings:
            self._refuse(order, f"change refused: {verdict.message}", now_ns, verdict_id)
        else:
            self.change(order, whole, request, now_ns, verdict_id)

    def change(self, order: Order, whole: WholeTerms, request: ModifyRequest, now_ns: int, cause: int) -> None:
        """Send checked new terms to the gateway, or give them to an order that is held here."""
        if order.held:
            self.held.change(order, whole, now_ns, cause)
            return
        new = [None if isnan(value) else value for value in (request.quantity, request.price, request.stop_price)]
        change = Change(request=order.request_id, client_id=order.client_id, quantity=new[0], price=new[1], stop_price=new[2])
        self._change(order, change, now_ns, cause)

    def change_lots(self, order: Order, lots: int, now_ns: int, cause: int) -> None:
        """Have a working order's whole quantity changed to what its parent and group leave it, unless that is asked for already."""
        if self.reports.expected(order).lots != lots:
            change = Change(request=order.request_id, client_id=order.client_id, quantity=order.instrument.quantity(lots))
            self._change(order, change, now_ns, cause)

    def cancel_all(self, now_ns: int, cause: int) -> int:
        """Cancel every order that is open; return how many."""
        orders = [order for order in self.orders.open_orders() if order.status != OrderStatus.CANCELLING]
        for order in orders:
            if not order.is_final and order.status != OrderStatus.CANCELLING:  # the end of one may have ended others
                self.cancel_order(order, now_ns, cause)
        return len(orders)

    def listen(self, report: GatewayReport) -> None:
        """Take in a gateway's report; from any thread. It is handled by the next `drain`."""
        self.reports.listen(report)

    def drain(self, cause: int) -> None:
        """Handle the reports that have come; `cause` is the event that made the gateway speak."""
        self.reports.drain(cause)

    # ---- sending

    def dispatch(self, order: Order, now_ns: int, cause: int, reason: str = "") -> None:
        """Write the command of an order that passed risk and is counted as open, and give it to the gateway."""
        command = self.submit(order, now_ns, cause, reason)
        try:
            self.gateway.submit(command)
        except OrderError as error:  # the gateway is sure that nothing has reached the venue
            self.books.close(order)
            self.orders.move(order, OrderStatus.FAILED, event_ns=now_ns, cause=cause, reason=error.message)
            self.held.review(order, now_ns, cause)
        else:
            self.books.rest(order)  # the venue need not wait for it; nothing is checked or reported before `drain`
        self.drain(cause)

    def submit(self, order: Order, now_ns: int, cause: int, reason: str = "") -> OrderCommand:
        """Write the command of an order in the terms that the gateway knows; after a restart, what is missing of it."""
        return self.orders.submit(order, venue_terms(order, self.gateway), event_ns=now_ns, cause=cause, reason=reason)

    def check_again(self, order: Order, now_ns: int, besides: RiskReason) -> list[Finding]:
        """Return what is wrong with sending an open order now, `besides` some reasons."""
        left = WholeTerms(order.left_lots, order.whole.price_ticks)
        self.books.refresh_rate(order.instrument.currency)
        _, findings = self.risk.check(order.terms, order.number, left, now_ns, replaces_lots=order.left_lots)
        return [finding for finding in findings if not finding.reason & besides]

    def change_again(self, request: ModifyRequest, verdict_id: int) -> None:
        """Send a change that risk let pass before a restart and that the venue never answered."""
        order = self.orders.find(request.request, request.client_id)
        if order is None:
            return
        try:
            whole = changed_terms(order, request, self.reports.expected(order))
        except (OrderError, InstrumentError) as error:
            self._refuse(order, f"change refused: {error.message}", self.now_ns(request), verdict_id)
            return
        self.change(order, whole, request, self.now_ns(request), verdict_id)

    def last_price(self, number: int) -> float:
        """Return the last price of an instrument number, NaN if there is none."""
        return self._native.last_price(number)

    def warn(self, text: str, about: int) -> None:
        """Log a warning about an event."""
        self._log(text, "warning", about)

    def alert(self, name: str, text: str, about: int) -> None:
        """Publish a critical alert about an event."""
        self._publish(AlertEvent(level="critical", component=f"trading-{self.orders.account}", name=name, message=text, about=about))

    @property
    def clock_ns(self) -> int:
        """The latest event time of the market data seen, 0 before the first."""
        return self._native.clock_ns

    def now_ns(self, event: OrderRequest | CancelRequest | ModifyRequest) -> int:
        """Return the event time at which a request is handled: never before the market that was seen."""
        event_ns, clock_ns = event.event_ns, self._native.clock_ns
        return (event_ns if event_ns > clock_ns else clock_ns) or event.time_ns

    def instrument(self, number: int) -> Instrument:
        """Return the terms of an instrument number; new ones are taken over while none of its orders and positions is open."""
        known, found = self._terms.get(number), self._bus.instruments[number]
        if found is known:
            return found
        if known is not None and (self.books.accounts.held(number) or any(self.orders.open_orders(number=number))):
            return known
        self.take_terms(number, found)
        return found

    @property
    def terms(self) -> Mapping[int, Instrument]:
        """The terms in use by instrument number."""
        return self._terms

    def take_terms(self, number: int, instrument: Instrument) -> None:
        """Trade an instrument number on these terms from now on; none of its orders and positions is open."""
        current = self._bus.instruments[number]
        self._terms[number] = terms = current if current == instrument else instrument
        self.books.set_terms(number, terms)
        if self._venue is not None:
            self._venue.set_terms(number, terms)

    def instrument_of(self, request: OrderRequest) -> Instrument:
        """Return the terms behind a request; one without a symbol gets an instrument that nobody trades."""
        if request.instrument:
            return self.instrument(request.instrument)
        return Instrument(symbol=request.symbol or "?", venue=request.venue)

    def _is_duplicate(self, request: OrderRequest) -> bool:
        if self.orders.find(request.id) is not None:
            self.orders.duplicates += 1
            return True
        if not self.orders.knows(request.client_id):
            return False
        self.orders.duplicates += 1
        order = self.orders.find(client_id=request.client_id)
        if order is not None:
            self.orders.remark(order, "duplicate request", event_ns=self.now_ns(request), cause=request.id)
        self._log(f"The client id {request.client_id!r} was used before: the request is not sent again.", "warning", request.id)
        return True

    def _check(self, request: OrderRequest, instrument: Instrument, whole: WholeTerms, now_ns: int) -> tuple[int, list[Finding]]:
        findings = [Finding(reason, float("nan"), float("nan"), text) for reason, text in self._obstacles(request, instrument)]
        if not whole.lots or (findings and any(finding.reason == RiskReason.UNKNOWN_INSTRUMENT for finding in findings)):
            if self.risk.rules.limits.kill_switch:
                findings.append(Finding(RiskReason.KILL_SWITCH, float("nan"), float("nan"), "kill switch is on"))
            return len(findings), findings
        self.books.refresh_rate(instrument.currency)
        rules, measured = self.risk.check(request, request.instrument, whole, now_ns)
        return rules, findings + measured

    def _obstacles(self, request: OrderRequest, instrument: Instrument) -> list[tuple[RiskReason, str]]:
        found: list[tuple[RiskReason, str]] = []
        gateway, name = self.gateway, self._gateway_name
        # An instrument that nobody described and that nobody trades is a symbol that somebody mistyped.
        if not request.instrument or (not instrument.kind and isnan(self._native.last_price(request.instrument))):
            found.append((RiskReason.UNKNOWN_INSTRUMENT, f"no instrument {instrument.name} is known"))
        if not gateway.connected:
            found.append((RiskReason.GATEWAY_DOWN, f"{name} is not connected"))
        if request.side == Side.NONE:
            found.append((RiskReason.UNSUPPORTED, "the order says neither buy nor sell"))
        if not takes_type(gateway, request.order_type):
            found.append((RiskReason.UNSUPPORTED, f"{name} has no {request.order_type.name} orders"))
        if not takes_force(gateway, request.time_in_force):
            found.append((RiskReason.UNSUPPORTED, f"{name} has no {request.time_in_force.name} orders"))
        if request.order_flags and (flags := OrderFlag(request.order_flags) & ~gateway.order_flags & ~_KEPT_HERE):
            found.append((RiskReason.UNSUPPORTED, f"{name} has no {'|'.join(flag.name or '?' for flag in flags)} orders"))
        if request.order_flags or request.parent:
            found += [(RiskReason.UNSUPPORTED, text) for text in self.held.obstacles(request)]
        return found

    def _change(self, order: Order, change: Change, now_ns: int, cause: int) -> None:
        self.reports.expect(order, change)
        self.gateway.modify(change, now_ns)
        self.drain(cause)

    def _refuse(self, order: Order, reason: str, now_ns: int, cause: int) -> None:
        self.orders.impossible += 1
        self.orders.remark(order, reason, event_ns=now_ns, cause=cause)
        self._log(f"Order {order.client_id}: {reason}.", "warning", cause)

    def _answer_unknown(self, request: CancelRequest | ModifyRequest, what: str) -> None:
        self.orders.impossible += 1
        now_ns = self.now_ns(request)
        answer = OrderEvent(
            symbol=request.symbol,
            venue=request.venue,
            event_ns=now_ns,
            recv_ns=now_ns,
            request=request.request,
            account=self.orders.account,
            strategy=request.strategy,
            client_id=request.client_id,
            gateway=self.gateway.name,
            status=OrderStatus.REJECTED,
            reason=f"{what} refused: {_NO_ORDER}",
        )
        self._publish(answer, cause=request.id)
        self._log(f"Order {request.client_id or request.request}: {answer.reason}.", "warning", request.id)
