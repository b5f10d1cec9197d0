"""What the journal says of one account: orders, positions and cash as they were, and what was left half done.

Reading changes nothing and publishes nothing. A killed engine may have stopped between any two of its events, so the fold also
finds the one step whose last events are missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND
from gcg_quant.errors import OrderError
from gcg_quant.events import (
    AccountEvent,
    Applied,
    CancelCommand,
    CancelRequest,
    Event,
    Fill,
    Funding,
    FundingPayment,
    GatewayStatus,
    Lane,
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    PositionEvent,
    PositionSide,
    RiskVerdict,
)

from ..orders.order import Order
from ..orders.reasons import MODIFIED
from ..orders.states import FINAL_STATES
from .state import dump_trading, load_trading

if TYPE_CHECKING:
    from gcg_quant.reader import BusReader

    from .desk import TradingDesk

__all__ = ["OWN_EVENTS", "REQUESTS", "TradingFold"]

REQUESTS = (OrderRequest, CancelRequest, ModifyRequest)
OWN_EVENTS = (
    RiskVerdict,
    OrderEvent,
    OrderCommand,
    CancelCommand,
    Fill,
    FundingPayment,
    PositionEvent,
    AccountEvent,
    Applied,
    GatewayStatus,
)
_CHAIN = 256  # own events whose causes are followed back to what the engine had read

Request = OrderRequest | CancelRequest | ModifyRequest


@dataclass(slots=True)
class TradingFold:
    """Reads an engine's own events and the requests to it, in the order of the journal, into the desk's orders and accounts.

    Attributes:
        pending: requests that were never answered, by id.
        refused: orders that risk refused and that no OrderEvent has closed yet, with the verdict.
        checked: the verdict's id by request, for orders that risk let pass.
        changes: changes of orders that risk let pass and the venue has not answered, each with its verdict's id, by the order's request.
        refusing: the last verdict (its id) that refused a change.
        unreported: fills whose OrderEvent is missing, by the order's request.
        unposted: fills and funding whose PositionEvent is missing, by (strategy, instrument number, side).
        unbooked: fills and funding whose AccountEvent is missing, by currency.
        base_of_day: each currency's first AccountEvent of the newest day.
        day: that day, counted from 1970.
        opened: whether an AccountEvent has told the opening cash.
        recent: orders that risk let pass within the last second: strategy, instrument number, event_ns.
        roots: own events by id, with what the engine had read that led to them.
        kill_switch: as it was last applied; None if it never was.
        halt: how the account differs from its venue, which nobody has accepted; empty if it trades.
        accepted: by how much the venue may be above us, by the names of `Difference`; None if there was never a venue.
        resumed: the newest command (its id) that lifted a halt.
        last_input: the newest event (by id) that the engine read and that led to something.
        last_time_ns: when the engine published last.
    """

    desk: TradingDesk
    source: str
    is_ours: Callable[[str], bool]
    pending: dict[int, Request] = field(default_factory=dict)
    refused: dict[int, tuple[Order, RiskVerdict]] = field(default_factory=dict)
    checked: dict[int, int] = field(default_factory=dict)
    changes: dict[int, list[tuple[ModifyRequest, int]]] = field(default_factory=dict)
    refusing: int = 0
    unreported: dict[int, Fill] = field(default_factory=dict)
    unposted: dict[tuple[str, int, PositionSide], Fill | FundingPayment] = field(default_factory=dict)
    unbooked: dict[str, Fill | FundingPayment] = field(default_factory=dict)
    base_of_day: dict[str, AccountEvent] = field(default_factory=dict)
    kill_switch: bool | None = None
    halt: str = ""
    accepted: dict[str, float] | None = None
    resumed: int = 0
    last_input: int = 0
    last_time_ns: int = 0
    day: int = -1
    opened: bool = False
    recent: deque[tuple[str, int, int]] = field(default_factory=deque)
    roots: dict[int, int] = field(default_factory=dict)
    _steps: dict[type, Callable[..., None]] = field(default_factory=dict)

    VERSION: ClassVar[int] = 2
    VITAL: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Say which event is folded by what."""
        self._steps = {
            RiskVerdict: self._verdict,
            OrderEvent: self._order,
            OrderCommand: self._command,
            CancelCommand: self._cancel_command,
            Fill: self._fill,
            FundingPayment: self._funded,
            PositionEvent: self._position,
            AccountEvent: self._account,
            Applied: self._applied,
        }

    def listen(self, reader: BusReader) -> None:
        """Let a reader pass the requests and the engine's own events."""
        reader.add_rule(REQUESTS, None, None, False)
        reader.add_rule(OWN_EVENTS, None, [self.source], False)
        reader.add_rule((Funding,), None, None, False)

    def apply(self, event: Event) -> None:
        """Fold the next event of the market lane."""
        if isinstance(event, REQUESTS):
            if self.is_ours(event.account):
                self.pending[event.id] = event
        elif isinstance(event, Funding):
            self.desk.funding.note(event)
        elif event.source == self.source:
            if isinstance(event, GatewayStatus):  # it follows from no event, and does not tell how far the engine had come
                self._status(event)
                return
            self._follow(event)
            self._steps[type(event)](event)

    def dump(self) -> Any:
        """Return the whole state; see `trading_state`."""
        return dump_trading(self)

    def load(self, state: Any) -> None:
        """Take over a state that `dump` returned, into a new desk."""
        load_trading(self, state)

    def _follow(self, event: Event) -> None:
        # An event of ours was caused by another one of ours, and so on back to what we had read from the bus.
        root = self.roots.get(event.cause, event.cause)
        self.roots[event.id] = root
        if len(self.roots) > _CHAIN:
            del self.roots[next(iter(self.roots))]
        if root >> 60 == Lane.MARKET:
            self.last_input = max(self.last_input, root)
        self.last_time_ns = event.time_ns

    def _find(self, event: OrderEvent | OrderCommand | CancelCommand | Fill) -> Order | None:
        return self.desk.orders.find(event.request, event.client_id)

    def _verdict(self, event: RiskVerdict) -> None:
        request = self.pending.pop(event.request, None)
        if isinstance(request, ModifyRequest):
            order = self.desk.orders.find(request.request, request.client_id)
            if event.passed and order is not None:
                self.changes.setdefault(order.request_id, []).append((request, event.id))
            elif not event.passed:
                self.refusing = event.id
            return
        if not isinstance(request, OrderRequest):
            return
        desk = self.desk
        instrument = desk.terms.of(request)
        terms, whole, _ = desk.read(request, instrument, event.event_ns)
        try:
            order = desk.orders.create(terms, request.id, request.instrument, instrument, whole, event.event_ns)
        except OrderError:
            return
        if event.passed:
            desk.orders.pass_risk(order)
            self.checked[request.id] = event.id
            self._count(request.strategy, request.instrument, event.event_ns)
        else:
            self.refused[request.id] = (order, event)

    def _count(self, strategy: str, number: int, event_ns: int) -> None:
        self.recent.append((strategy, number, event_ns))
        while self.recent[0][2] <= event_ns - NS_PER_SECOND:
            self.recent.popleft()

    def _order(self, event: OrderEvent) -> None:
        asked = self.pending.pop(event.cause, None)
        self.refused.pop(event.request, None)
        self.unreported.pop(event.request, None)
        order = self._find(event)
        if order is None:
            return
        self._answer_changes(order, event, asked)
        self.desk.orders.restore(order, event)
        terms, decided = order.terms, (event.offset, event.position_side)
        if isinstance(terms, OrderRequest) and (terms.offset, terms.position_side) != decided:  # when the order was sent
            order.terms = terms.replace(offset=event.offset, position_side=event.position_side)
        if order.status != OrderStatus.RISK_CHECKED:
            self.checked.pop(order.request_id, None)

    def _answer_changes(self, order: Order, event: OrderEvent, asked: Request | None) -> None:
        waiting = self.changes.get(order.request_id)
        if waiting is None:
            return
        if event.status in FINAL_STATES:
            waiting.clear()
        elif event.reason == MODIFIED:
            waiting.pop(0)
        elif event.reason.startswith("change refused") and asked is None and event.cause != self.refusing:
            # By the venue, in the order in which it was asked; or by us, after a restart: then the cause names the one.
            waiting.pop(next((place for place, (_, verdict) in enumerate(waiting) if verdict == event.cause), 0))
        if not waiting:
            del self.changes[order.request_id]

    def _command(self, event: OrderCommand) -> None:
        order = self._find(event)
        if order is not None:
            self.desk.orders.commanded(order, event)

    def _cancel_command(self, event: CancelCommand) -> None:
        self.pending.pop(event.cause, None)
        order = self._find(event)
        if order is not None:
            order.cancel_commanded = True

    def _fill(self, event: Fill) -> None:
        desk = self.desk
        instrument = desk.terms.get(event.instrument)
        order = self._find(event)
        if order is not None and desk.orders.is_new_trade(order, event.trade_id):
            order.add_fill(instrument.lots(event.quantity), event.price)
            self.unreported[order.request_id] = event
        desk.funding.pass_by(event.instrument, event.event_ns)
        for position in desk.books.accounts.settle(event, event.instrument, instrument):
            self.unposted[event.strategy, event.instrument, position.side] = event
        self.unbooked[instrument.currency] = event
        if event.fee_currency:
            self.unbooked[event.fee_currency] = event

    def _funded(self, event: FundingPayment) -> None:
        desk = self.desk
        number = desk.funding.number(event.symbol, event.venue)
        for position in desk.books.accounts.fund(event, number):
            self.unposted[position.strategy, number, position.side] = event
        self.unbooked[event.currency] = event
        desk.funding.paid(number, event)

    def _position(self, event: PositionEvent) -> None:
        self.unposted.pop((event.strategy, event.instrument, event.position_side), None)
        position = self.desk.books.accounts.position(event.strategy, event.instrument, event.position_side)
        if position is not None:
            position.last_price = event.last_price
            if position.instrument.quantity(position.today_lots) != event.today:  # a price of the next day has made it yesterday's
                position.roll(position.instrument.trading_day(event.event_ns))

    def _account(self, event: AccountEvent) -> None:
        self.unbooked.pop(event.currency, None)
        accounts = self.desk.books.accounts
        if event.currency == accounts.currency and not self.opened:
            # The account was opened with this; what the settings say today does not change money of the past.
            money = accounts.in_currency(event.currency)
            money.ledger += event.cash - money.cash
            money.cash = event.cash
        self.opened = self.opened or event.currency == accounts.currency
        day = event.event_ns // NS_PER_DAY
        if day > self.day:
            self.day = day
            self.base_of_day.clear()
        self.base_of_day.setdefault(event.currency, event)

    def _status(self, event: GatewayStatus) -> None:
        if event.status == "halted":
            self.halt = event.detail
        elif event.status == "accepted":
            self.accepted = dict(event.differences)
            self.resumed = max(self.resumed, event.cause)
            if event.cause:  # a person's command; the first connection of an account lifts nothing
                self.halt = ""

    def _applied(self, event: Applied) -> None:
        if not event.ok:
            return
        try:
            changes = msgspec.json.decode(event.detail or "{}", type=dict[str, object])
        except msgspec.DecodeError:
            return  # another component's words
        if isinstance(changes.get("risk.kill_switch"), bool):
            self.kill_switch = bool(changes["risk.kill_switch"])
