"""The trading desk: risk, orders, accounts and gateway of one account, calling each other directly and publishing every step."""

from __future__ import annotations

from math import isnan, nan
from typing import TYPE_CHECKING

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import InstrumentError, OrderError
from gcg_quant.events import (
    AlertEvent,
    CancelRequest,
    MarketDataEvent,
    ModifyRequest,
    OrderCommand,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    RiskReason,
    Side,
    TimeInForce,
)
from gcg_quant.instruments import Instrument

from ..gateways.base import Change, Gateway, GatewayReport, MarketGateway
from ..orders.manager import OrderManager, Publish
from ..orders.order import Order, WholeTerms, changed_terms
from ..risk.engine import Finding, RiskEngine, read_terms
from .answers import Answers, Log
from .books import Books
from .funding import FundingDue
from .held import HeldOrders
from .offsets import check_more, choose_offset
from .reduce_only import check_larger, cut_to_position, is_reduce_only
from .reports import Reports
from .terms_in_use import TermsInUse
from .venue_terms import takes_force, takes_type, venue_terms

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["TradingDesk"]

_UNKNOWN, _MARK, _NEW_DAY = 1, 2, 4  # market_signal in risk.h
_GTD = TimeInForce.GTD
_KEPT_HERE = OrderFlag.REDUCE_ONLY | OrderFlag.OCO  # flags that no gateway need know


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

    Attributes:
        terms: the instruments, on the terms that they are traded on.
    """

    def __init__(self, bus: EventBus, books: Books, gateway: Gateway, orders: OrderManager, publish: Publish, log: Log) -> None:
        self.books = books
        self.orders = orders
        self.gateway = gateway
        self.risk: RiskEngine = books.risk
        self._publish, self._log = publish, log
        self._gateway_name = f"the {gateway.name} gateway"
        self._native = books.risk.native
        self._currency = books.accounts.currency
        self._venue = gateway if isinstance(gateway, MarketGateway) else None
        self.terms = TermsInUse(bus, books, orders, self._venue)
        self.answers = Answers(orders, publish, log)
        self._types = frozenset(one for one in OrderType if takes_type(gateway, one))
        self._forces = frozenset(one for one in TimeInForce if takes_force(gateway, one))
        self.held = HeldOrders(self)
        self.funding = FundingDue(books, publish, bus.instruments.number)
        self.funding.enabled = self._venue is not None
        self.reports = Reports(books, orders, gateway.name, publish, log, self.held.ended_as, self.held.review)

    # ---- what comes in

    def market(self, event: MarketDataEvent) -> None:
        """Take in a market data record: prices, fills, marks, the change of the day."""
        if self.funding.next_ns <= event.event_ns:
            self.funding.advance(event.event_ns, event.id)
        signals = self._native.on_market(event)
        if signals & _UNKNOWN:
            if not event.instrument:
                return
            self.terms.get(event.instrument)
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
            self.terms.get(event.instrument)
            self._native.on_market(event)
            self.held.seed(event)
            if self._venue is not None:
                self._venue.seed(event)

    def advance(self, now_ns: int, cause: int) -> None:
        """Let event time pass without market data: funding is due, orders arrive at a simulated venue, and expire."""
        self.funding.advance(now_ns, cause)
        if self._venue is not None:
            self._venue.advance(now_ns)
        self.drain(cause)
        self.held.advance(now_ns, cause)

    def request(self, request: OrderRequest) -> None:
        """Check an order and, if it passes, send it; one with a client id that was used before is answered and goes nowhere."""
        if self.orders.is_used(request.id, request.client_id):
            self.answers.duplicate(request, self.now_ns(request))
            return
        now_ns = self.now_ns(request)
        instrument = self.terms.of(request)
        terms, whole, findings = self.read(request, instrument, now_ns)
        rules, more = self._check(request, instrument, whole, now_ns)
        if more:
            findings = [*findings, *more]
        orders, request_id = self.orders, request.id
        order = orders.create(terms, request_id, request.instrument, instrument, whole, now_ns)
        verdict = self.risk.verdict(request, orders.account, order.client_id, request_id, now_ns, rules, findings)
        verdict_id = self._publish(verdict, cause=request_id)
        if findings:
            orders.move(order, OrderStatus.REJECTED, event_ns=now_ns, cause=verdict_id, reason=verdict.message)
            return
        orders.pass_risk(order)
        self.books.count(order.strategy, order.number, now_ns)
        self.held.place(order, now_ns, verdict_id)

    def read(self, request: OrderRequest, instrument: Instrument, now_ns: int) -> tuple[OrderRequest, WholeTerms, list[Finding]]:
        """Return the terms to trade on, also in whole lots and ticks, and what is wrong with them.

        Reduce-only orders are cut; where long and short are held apart, the offset is chosen or checked.
        """
        whole, findings = read_terms(request, instrument)
        if findings or not (instrument.legs or request.order_flags) or request.side == Side.NONE:
            return request, whole, findings
        accounts, orders = self.books.accounts, self.orders
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
            self.answers.unknown(request, "cancel", self.now_ns(request))
        else:
            self.cancel_order(order, self.now_ns(request), request.id)

    def cancel_order(self, order: Order, now_ns: int, cause: int, reason: str = "") -> None:
        """Send a cancellation to the gateway, or say why not; a held order ends at once."""
        if order.is_final or order.status == OrderStatus.CANCELLING:
            self.answers.refuse(order, f"cancel refused: the order is {order.status.name}", now_ns, cause)
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
            self.answers.unknown(request, "change", now_ns)
            return
        now = self.reports.expected(order)
        try:
            whole = changed_terms(order, request, now)
        except (OrderError, InstrumentError) as error:
            self.answers.refuse(order, f"change refused: {error.message}", now_ns, request.id)
            return
        left = WholeTerms(whole.lots - order.filled_lots, whole.price_ticks, None if order.triggered else whole.stop_ticks)
        open_lots = max(0, now.lots - order.filled_lots)
        sides = self.books.measure(order.terms, order.number, order.instrument, left.lots, order)
        self.books.refresh_rate(order.instrument.currency)
        rules, findings = self.risk.check(order.terms, order.number, left, now_ns, replaces_lots=open_lots, sides=sides)
        findings += check_more(order, whole.lots, now_ns, self.books.accounts, self.orders)
        findings += check_larger(order, whole.lots, self.books.accounts, self.orders)
        verdict = self.risk.verdict(order.terms, self.orders.account, order.client_id, request.id, now_ns, rules, findings)
        verdict_id = self._publish(verdict, cause=request.id)
        if findings:
            self.answers.refuse(order, f"change refused: {verdict.message}", now_ns, verdict_id)
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
        gateway = self.gateway
        command = self.orders.submit(order, venue_terms(order, gateway), event_ns=now_ns, cause=cause, reason=reason)
        try:
            gateway.submit(command)
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
        sides = self.books.measure(order.terms, order.number, order.instrument, left.lots, order)
        _, findings = self.risk.check(order.terms, order.number, left, now_ns, replaces_lots=order.left_lots, sides=sides)
        return [finding for finding in findings if not finding.reason & besides]

    def change_again(self, request: ModifyRequest, verdict_id: int) -> None:
        """Send a change that risk let pass before a restart and that the venue never answered."""
        order = self.orders.find(request.request, request.client_id)
        if order is None:
            return
        try:
            whole = changed_terms(order, request, self.reports.expected(order))
        except (OrderError, InstrumentError) as error:
            self.answers.refuse(order, f"change refused: {error.message}", self.now_ns(request), verdict_id)
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

    def _check(self, request: OrderRequest, instrument: Instrument, whole: WholeTerms, now_ns: int) -> tuple[int, list[Finding]]:
        obstacles = self._obstacles(request, instrument)
        findings = [Finding(reason, nan, nan, text) for reason, text in obstacles] if obstacles else []
        if not whole.lots or (findings and any(finding.reason == RiskReason.UNKNOWN_INSTRUMENT for finding in findings)):
            if self.risk.rules.limits.kill_switch:
                findings.append(Finding(RiskReason.KILL_SWITCH, nan, nan, "kill switch is on"))
            return len(findings), findings
        if instrument.currency != self._currency:
            self.books.refresh_rate(instrument.currency)
        sides = self.books.measure(request, request.instrument, instrument, whole.lots) if instrument.legs else None
        rules, measured = self.risk.check(request, request.instrument, whole, now_ns, sides=sides)
        return rules, [*findings, *measured] if findings else measured

    def _obstacles(self, request: OrderRequest, instrument: Instrument) -> list[tuple[RiskReason, str]]:
        kind, force, flags = request.order_type, request.time_in_force, request.order_flags
        plain = instrument.kind and request.instrument and request.side and not flags and not request.parent
        if plain and kind in self._types and force in self._forces and force != _GTD and self.gateway.connected:
            return []
        found: list[tuple[RiskReason, str]] = []
        gateway, name = self.gateway, self._gateway_name
        # An instrument that nobody described and that nobody trades is a symbol that somebody mistyped.
        if not request.instrument or (not instrument.kind and isnan(self._native.last_price(request.instrument))):
            found.append((RiskReason.UNKNOWN_INSTRUMENT, f"no instrument {instrument.name} is known"))
        if not gateway.connected:
            found.append((RiskReason.GATEWAY_DOWN, f"{name} is not connected"))
        if request.side == Side.NONE:
            found.append((RiskReason.UNSUPPORTED, "the order says neither buy nor sell"))
        if kind not in self._types:
            found.append((RiskReason.UNSUPPORTED, f"{name} has no {kind.name} orders"))
        if force not in self._forces:
            found.append((RiskReason.UNSUPPORTED, f"{name} has no {force.name} orders"))
        if force == _GTD and request.expire_ns < 0:
            found.append((RiskReason.UNSUPPORTED, "a GTD order needs the time at which it ends (expire_ns)"))
        if flags and (unknown := OrderFlag(flags) & ~gateway.order_flags & ~_KEPT_HERE):
            found.append((RiskReason.UNSUPPORTED, f"{name} has no {'|'.join(flag.name or '?' for flag in unknown)} orders"))
        if flags or request.parent:
            found += [(RiskReason.UNSUPPORTED, text) for text in self.held.obstacles(request)]
        return found

    def _change(self, order: Order, change: Change, now_ns: int, cause: int) -> None:
        self.reports.expect(order, change)
        self.gateway.modify(change, now_ns)
        self.drain(cause)
