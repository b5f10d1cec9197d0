"""The link between an account and a venue that lives on without it: when orders may go out, and what happened while nobody looked."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from gcg_quant.errors import GcgQuantError, OrderError
from gcg_quant.events import (
    AlertEvent,
    CancelRequest,
    ConfigChangeEvent,
    GatewayStatus,
    ModifyRequest,
    OrderCommand,
    OrderRequest,
    OrderStatus,
    RiskReason,
)

from ..gateways.base import ReportKind
from ..orders.manager import Publish
from ..orders.order import Order
from ..orders.reasons import fitted
from .desk import VenueDesk
from .halt import RESUME, Halt
from .reconciliation import Comparison, VenueState, compare, working_orders

if TYPE_CHECKING:
    from ..desk.fold import TradingFold

__all__ = ["LinkRules", "VenueLink"]

_LOOKS = 3  # looks that must find a difference before it counts: a venue's answers need not all be of one moment
_QUIET_TRIES = 10  # how often the venue is asked anew at once because reports came in between
_LOOK_NS = 1_000_000_000  # event time between two searches for orders without an answer
_REST = 10  # ... and so many times as long as the last one took: a venue that answers a question a second must not hold up trading


class LinkRules(Protocol):
    """What the link needs to know; see `TradingConfig`."""

    @property
    def account(self) -> str: ...  # noqa: D102
    @property
    def hold_ns(self) -> int: ...  # noqa: D102
    @property
    def stale_ns(self) -> int: ...  # noqa: D102
    @property
    def answer_ns(self) -> int: ...  # noqa: D102
    @property
    def cash_tolerance(self) -> float: ...  # noqa: D102


class VenueLink:
    """Watches the gateway to a real venue and reconciles the account with it after each connection. It belongs to the engine's thread.

    New orders go out only while the gateway is connected, the account is reconciled on this connection, and it is not halted. A
    difference that is still there after some looks halts the account, until a person resumes it; a restart does not lift it.

    Args:
        desk: the account's desk; its gate is set here.
        rules: what to hold, and how long.
        publish: how events leave.
        name: the engine's, for alerts.
        started_ns: when the engine was started, by the clock that stamps the journal.
    """

    def __init__(self, desk: VenueDesk, rules: LinkRules, publish: Publish, name: str, started_ns: int) -> None:
        self.halt = Halt(rules.account, desk.gateway.name, name, publish, rules.cash_tolerance)
        self._desk = desk
        self._gateway = desk.gateway
        self._rules = rules
        self._publish = publish
        self._name = name
        self._started_ns = started_ns
        self._session = 0  # the connection on which all is reconciled
        self._hopeless = 0  # a connection on which reconciling is tried no more
        self._doubts = 0
        self._alerted = False
        self._looked_ns = 0
        self._rests_until_s = 0.0
        self._held: deque[OrderRequest] = deque()
        self._checked: list[tuple[Order, int]] = []  # passed by risk before a restart, with the verdict's id
        self._strangers: frozenset[str] = frozenset()
        desk.gate = self.obstacles

    @property
    def is_up(self) -> bool:
        """Whether the gateway is connected, and all that happened before is known."""
        return self._session != 0 and self._session == self._gateway.session

    # ---- called by the engine

    def take_over(self, fold: TradingFold) -> None:
        """Go on where the journal ends: the desk's orders and accounts are the fold's."""
        self.halt.take_over(fold)
        for changes in fold.changes.values():
            for request, _ in changes:
                self._desk.expect_change(request)
        for request_id, verdict_id in fold.checked.items():
            order = self._desk.orders.find(request_id)
            if order is not None and order.status == OrderStatus.RISK_CHECKED:
                self._checked.append((order, verdict_id))
        self._tell("connecting")
        self.poll()

    def poll(self) -> None:
        """See whether the connection has changed, and do what follows; between two events."""
        session = self._gateway.session
        if session and session == self._session:
            self._look_up_overdue()
            return
        if self._session:
            self._session = 0
            self._doubts = 0
            self._tell("disconnected", self._gateway.failure)
            self._alert_down(self._gateway.failure or "the connection was made anew")
        if session and session != self._hopeless:
            self._reconcile(session)
        elif self._gateway.failure and not self._alerted:
            self._alert_down(self._gateway.failure)
        while self._held and not self.is_up and self._desk.clock_ns - self._held[0].event_ns > self._rules.hold_ns:
            self._desk.request(self._held.popleft())

    def holds(self, event: OrderRequest | CancelRequest | ModifyRequest) -> bool:
        """Return whether a request is kept until the gateway is up; if not, it is for the desk, now."""
        self.poll()
        if isinstance(event, OrderRequest):
            age_ns = self._desk.clock_ns - event.event_ns
            if self.is_up or self.halt or self._is_stale(event) or age_ns > self._rules.hold_ns or not self._rules.hold_ns:
                return False
            self._held.append(event)
            return True
        for held in list(self._held):  # whoever cancels or changes it does not want it to go out as it is
            if held.id == event.request or (held.client_id and held.client_id == event.client_id):
                self._held.remove(held)
                self._desk.request(held)
        return False

    def obstacles(self, request: OrderRequest | ModifyRequest) -> list[tuple[RiskReason, str]]:
        """Return why a request must not go out now."""
        found, session = [], self._gateway.session
        if self.halt:
            found.append((RiskReason.HALTED, f"the account is halted ({fitted(self.halt.words, 80)})"))
        if not session or session != self._session:
            why = "is not reconciled with its venue yet" if session else "is not connected"
            found.append((RiskReason.GATEWAY_DOWN, f"the {self._gateway.name} gateway {why}"))
        elif self._is_stale(request):
            seconds = self._rules.stale_ns / 1e9
            found.append((RiskReason.GATEWAY_DOWN, f"the request is older than {seconds:g} s: nobody could send it in time"))
        return found

    def resume(self, event: ConfigChangeEvent) -> None:
        """Obey a command to resume the account, if the event is one: what differs is accepted from now on."""
        if event.changes.get(RESUME) == self._rules.account and event.id > self.halt.resumed:
            self._publish(self.halt.answer(event, self._resume(event)))

    # ---- reconciling

    def _reconcile(self, session: int) -> None:
        try:
            comparison = self._compare()
        except OSError:  # GatewayError: the gateway tells why it has no connection, and makes another one
            return
        except GcgQuantError as error:  # figures that no instrument can have, and the like: nothing goes out, and a person must know
            self._hopeless = session
            self._alert_down(f"the account cannot be reconciled with its venue: {error}")
            return
        if comparison is None:
            return
        if self.halt.accepted is None:
            comparison = self.halt.accept_first(comparison, new=not self._desk.books.accounts.positions)
        if comparison.differences and not self.halt:
            self._doubts += 1
            if self._doubts < _LOOKS:
                return
            self.halt.begin(comparison)
        self._doubts = 0
        self._session = session
        if not self.halt:
            self._gateway.reconciled(session)
        self._report_strangers(comparison)
        self._tell("halted" if self.halt else "connected", self.halt.words)
        if self._alerted:
            self._alerted = False
            self._alert("info", "gateway_up", f"The {self._gateway.name} gateway of account {self._rules.account} is connected again.")
        self._go_on()

    def _compare(self) -> Comparison | None:
        # What was missed is applied first; None if reports keep coming, so that nothing can be compared with anything.
        desk, gateway = self._desk, self._gateway
        desk.reports.missing.clear()
        desk.drain(0)
        desk.adopt_terms(gateway.query_orders())
        gateway.restore(working_orders(desk.orders))
        desk.drain(0)
        if (payments := desk.books.accounts.funding) is not None:
            gateway.restore_funding(payments.since_ns or self._started_ns)
            desk.drain(0)
        for _ in range(_QUIET_TRIES):
            before = desk.reports.heard
            venue = VenueState.ask(gateway)
            desk.drain(0)
            if desk.reports.heard == before:
                never = [order.client_id for order in self._never_arrived()]
                accepted = self.halt.accepted or {}
                tolerance = self._rules.cash_tolerance
                return compare(venue, desk.books.accounts, desk.orders, accepted=accepted, unknown=never, tolerance=tolerance)
        return None

    def _resume(self, event: ConfigChangeEvent) -> str:
        account, halt = self._rules.account, self.halt
        if not halt:
            return f"Account {account} is not halted."
        if not self.is_up:
            return f"Account {account} stays halted: its gateway is not connected, so that nobody sees what is accepted."
        try:
            comparison = self._compare()
            if comparison is not None and not (unseen := halt.unseen(comparison, event)):
                for order in self._lost():
                    self._desk.end(order, ReportKind.FAILED, "given up: the venue does not have it")
                comparison = self._compare()
                unseen = "" if comparison is None else halt.unseen(comparison, event)
        except (OSError, GcgQuantError) as error:
            return f"Account {account} stays halted: {error}"
        if comparison is None:
            return f"Account {account} stays halted: reports keep coming in; try again."
        if unseen:
            return unseen
        halt.lift(comparison, event.id)
        self._gateway.reconciled(self._session)
        self._tell("connected")
        halt.announce_lift(comparison)
        self._go_on()
        return ""

    def _never_arrived(self) -> list[Order]:
        return [one for one in self._desk.reports.missing.values() if not one.is_final and not one.venue_order_id and not one.filled_lots]

    def _lost(self) -> list[Order]:
        never = {order.client_id for order in self._never_arrived()}
        return [one for name, one in self._desk.reports.missing.items() if not one.is_final and name not in never]

    def _report_strangers(self, comparison: Comparison) -> None:
        strangers = frozenset(one.client_id or one.venue_order_id for one in comparison.strangers)
        if strangers - self._strangers:
            words = ", ".join(f"{one.client_id or one.venue_order_id} ({one.quantity:g} {one.symbol})" for one in comparison.strangers)
            message = f"Orders at the venue of account {self._rules.account} are not ours and are left alone: {words}."
            self._alert("warning", "unknown_orders", message)
        self._strangers = strangers

    # ---- going on

    def _go_on(self) -> None:
        # In the order in which a life without a break would have done it.
        desk = self._desk
        for order in self._never_arrived():
            self._send_again(order)
        desk.reports.missing.clear()
        if not desk.risk.rules.limits.kill_switch:
            desk.send_changes_again()
        for order in working_orders(desk.orders):
            self._cancel_again(order)
        # Each step takes a moment in which the connection may end again: what has not gone out by then waits for the next one.
        while self._checked and self.is_up:
            order, verdict_id = self._checked.pop(0)
            now_ns = max(desk.clock_ns, order.terms.event_ns)
            if order.status != OrderStatus.RISK_CHECKED:  # cancelled meanwhile
                continue
            if self._is_too_late(order.terms):
                desk.orders.move(order, OrderStatus.FAILED, event_ns=now_ns, cause=verdict_id, reason=self._why_not())
                desk.held.review(order, now_ns, verdict_id)
            else:
                desk.held.place(order, now_ns, verdict_id)
        while self._held and self.is_up:
            desk.request(self._held.popleft())

    def _send_again(self, order: Order) -> None:
        desk, command = self._desk, order.terms
        if order.status == OrderStatus.CANCELLING:
            desk.end(order, ReportKind.CANCELLED, "it never reached the venue")
        elif self._is_too_late(command) or not isinstance(command, OrderCommand):
            desk.end(order, ReportKind.FAILED, self._why_not())
        else:
            try:
                self._gateway.submit(command)
            except OrderError as error:
                if self.is_up:
                    desk.end(order, ReportKind.FAILED, error.message)
            desk.drain(0)

    def _cancel_again(self, order: Order) -> None:
        if order.status == OrderStatus.CANCELLING:
            self._gateway.cancel(self._desk.orders.cancel(order, event_ns=order.report.event_ns, cause=0))
            self._desk.drain(0)

    def _why_not(self) -> str:
        killed = self._desk.risk.rules.limits.kill_switch
        why = "the account is halted" if self.halt else "the kill switch is on" if killed else "is too old to be sent now"
        return f"it never reached the venue, and {why}"

    def _is_too_late(self, terms: OrderRequest | OrderCommand) -> bool:
        return bool(self.halt) or self._desk.risk.rules.limits.kill_switch or self._is_stale(terms, waited=True)

    def _is_stale(self, terms: OrderRequest | OrderCommand | ModifyRequest, *, waited: bool = False) -> bool:
        # The journal's stamp tells how long nobody was there; the market's clock, for what has waited, how long the connection was away.
        age_ns = self._started_ns - terms.time_ns if terms.time_ns else 0
        if waited and terms.event_ns:
            age_ns = max(age_ns, self._desk.clock_ns - terms.event_ns)
        return age_ns > self._rules.stale_ns

    def _look_up_overdue(self) -> None:
        # An acknowledgement or an answer to a cancel can get lost without the connection breaking.
        desk = self._desk
        if desk.clock_ns - self._looked_ns < _LOOK_NS or time.monotonic() < self._rests_until_s:
            return
        self._looked_ns = desk.clock_ns
        waiting = (OrderStatus.SUBMITTING, OrderStatus.CANCELLING)
        before_ns = desk.clock_ns - self._rules.answer_ns
        late = [one for one in desk.orders.open_orders() if one.status in waiting and one.report.event_ns < before_ns]
        if not late:
            return
        desk.reports.missing.clear()
        began_s = time.monotonic()
        try:
            self._gateway.restore(late)
        except OSError:
            return
        finally:
            ended_s = time.monotonic()
            self._rests_until_s = ended_s + _REST * (ended_s - began_s)
        desk.drain(0)
        if self._lost():
            self._session = 0  # the venue has lost one: reconcile, at the next poll
            return
        for order in self._never_arrived():
            self._send_again(order)
        desk.reports.missing.clear()
        for order in late:
            self._cancel_again(order)

    # ---- telling

    def _tell(self, status: str, detail: str = "") -> None:
        self._publish(GatewayStatus(gateway=self._gateway.name, account=self._rules.account, status=status, detail=detail), cause=0)

    def _alert_down(self, why: str) -> None:
        self._alerted = True
        then = f"are held for {self._rules.hold_ns / 1e9:g} s" if self._rules.hold_ns else "are refused"
        message = f"The {self._gateway.name} gateway of account {self._rules.account} is down: {why}. New orders {then}."
        self._alert("critical", "gateway_down", message)

    def _alert(self, level: str, name: str, message: str) -> None:
        self._publish(AlertEvent(level=level, component=self._name, name=name, message=message), cause=0)
