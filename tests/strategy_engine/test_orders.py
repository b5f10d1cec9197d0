"""The order manager: states, duplicates, and a stateful test of random interleavings."""

from __future__ import annotations

from itertools import pairwise
from math import isnan

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from torture import examples

from gcg_quant.errors import OrderError
from gcg_quant.events import (
    CancelCommand,
    Event,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine.orders.manager import OrderManager
from gcg_quant.strategy_engine.orders.order import Order, WholeTerms
from gcg_quant.strategy_engine.orders.reasons import fitted
from gcg_quant.strategy_engine.orders.states import FINAL_STATES, NEXT_STATES, may_follow

SHARE = Instrument(symbol="XYZ", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0)


class Published:
    """Collects what is published; ids count from 1."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event, *, cause: int | None = None) -> int:
        """Keep an event and return its number."""
        self.events.append(event)
        return len(self.events)

    def states(self) -> list[OrderStatus]:
        """Return the states that were published."""
        return [event.status for event in self.events if isinstance(event, OrderEvent)]


def request(client_id: str = "", quantity: float = 10.0, **fields: object) -> OrderRequest:
    """Return a limit order for XYZ."""
    return OrderRequest(
        symbol="XYZ",
        venue="SIM",
        strategy="s",
        client_id=client_id,
        quantity=quantity,
        price=100.0,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        **fields,
    )


@pytest.fixture
def published() -> Published:
    """Return a collector of events."""
    return Published()


@pytest.fixture
def manager(published: Published) -> OrderManager:
    """Return an order manager that publishes to the collector."""
    return OrderManager("paper", "gate", published, "0123456789abcdef")


def working(manager: OrderManager, client_id: str = "a", number: int = 1) -> Order:
    """Return an order that was submitted and accepted."""
    order = manager.create(request(client_id), number, 1, SHARE, WholeTerms(10, 10000))
    manager.pass_risk(order)
    manager.submit(order, event_ns=1)
    manager.accept(order, "V1", event_ns=2)
    return order


def test_order_goes_from_request_to_fill(manager: OrderManager, published: Published) -> None:
    """Each step is published in order, with the request's id, and the command stands before the acknowledgement."""
    order = working(manager)
    assert manager.is_new_trade(order, "t1")
    manager.fill(order, 4, 100.0, event_ns=3)
    manager.fill(order, 6, 99.5, event_ns=4)
    assert published.states() == [OrderStatus.SUBMITTING, OrderStatus.ACCEPTED, OrderStatus.PARTLY_FILLED, OrderStatus.FILLED]
    assert [type(event) for event in published.events[:3]] == [OrderEvent, OrderCommand, OrderEvent]
    last = published.events[-1]
    assert isinstance(last, OrderEvent)
    assert (last.request, last.client_id, last.venue_order_id, last.filled_quantity) == (1, "a", "V1", 10.0)
    assert last.average_price == pytest.approx(99.7)
    assert last.previous_status == OrderStatus.PARTLY_FILLED
    assert len(manager) == 0
    assert manager.find(1) is order


def test_client_id_is_made_of_bus_and_request_when_missing(manager: OrderManager) -> None:
    """A request without a client id gets one that no other request of any run can get."""
    order = manager.create(request(), (1 << 60) | 77, 1, SHARE, WholeTerms(10, 10000))
    assert order.client_id == "01234567.77"


def test_client_id_is_used_once(manager: OrderManager) -> None:
    """The same client id again is refused and counted, also when its order is done."""
    order = working(manager)
    manager.fill(order, 10, 100.0, event_ns=3)
    with pytest.raises(OrderError, match=r"client id 'a' was used before"):
        manager.create(request("a"), 2, 1, SHARE, WholeTerms(10, 10000))
    assert manager.duplicates == 1


def test_impossible_transition_raises_and_changes_nothing(manager: OrderManager, published: Published) -> None:
    """A filled order cannot be cancelled; the error names both states."""
    order = working(manager)
    manager.fill(order, 10, 100.0, event_ns=3)
    count = len(published.events)
    with pytest.raises(OrderError, match="is FILLED and cannot become CANCELLED"):
        manager.move(order, OrderStatus.CANCELLED, event_ns=4)
    assert order.status == OrderStatus.FILLED
    assert len(published.events) == count
    assert manager.impossible == 1


def test_late_acknowledgement_keeps_the_fill(manager: OrderManager, published: Published) -> None:
    """An acknowledgement that a fill has overtaken only tells the venue's number."""
    order = manager.create(request("a"), 1, 1, SHARE, WholeTerms(10, 10000))
    manager.pass_risk(order)
    manager.submit(order, event_ns=1)
    manager.fill(order, 4, 100.0, event_ns=2)
    assert manager.accept(order, "V9", event_ns=3) == 0
    assert (order.status, order.venue_order_id) == (OrderStatus.PARTLY_FILLED, "V9")
    assert manager.duplicates == 1
    assert published.states()[-1] == OrderStatus.PARTLY_FILLED


def test_fill_while_cancelling_keeps_cancelling(manager: OrderManager) -> None:
    """A partial fill does not undo the cancellation; one of all that is left fills the order."""
    order = working(manager)
    command = manager.cancel(order, event_ns=3)
    assert isinstance(command, CancelCommand)
    manager.fill(order, 4, 100.0, event_ns=4)
    assert order.status == OrderStatus.CANCELLING
    manager.fill(order, 6, 100.0, event_ns=5)
    assert order.status == OrderStatus.FILLED


def test_refused_cancel_leaves_the_order_as_it_was(manager: OrderManager, published: Published) -> None:
    """The order works on, and can be cancelled again with a command of its own."""
    order = working(manager)
    manager.cancel(order, event_ns=3)
    manager.keep(order, "cancel refused: too late", event_ns=4)
    assert order.status == OrderStatus.ACCEPTED
    manager.fill(order, 1, 100.0, event_ns=5)
    manager.cancel(order, event_ns=6)
    manager.keep(order, "cancel refused: too late", event_ns=7)
    assert order.status == OrderStatus.PARTLY_FILLED
    assert sum(isinstance(event, CancelCommand) for event in published.events) == 2


def test_order_that_is_refused_while_cancelling_is_rejected(manager: OrderManager) -> None:
    """A venue may refuse the order after its cancellation was asked for; one that has a fill was taken."""
    first, second = working(manager, "a", 1), working(manager, "b", 2)
    manager.cancel(first, event_ns=3)
    manager.move(first, OrderStatus.REJECTED, event_ns=4)
    assert first.status == OrderStatus.REJECTED
    manager.fill(second, 1, 100.0, event_ns=3)
    manager.cancel(second, event_ns=4)
    with pytest.raises(OrderError, match="is CANCELLING and cannot become REJECTED"):
        manager.move(second, OrderStatus.REJECTED, event_ns=5)


def test_held_order_is_sent_once(manager: OrderManager, published: Published) -> None:
    """It is ACCEPTED without a command, then SUBMITTING with one; an order that was sent can be neither held nor sent again."""
    order = manager.create(request("a"), 1, 1, SHARE, WholeTerms(10, 10000))
    manager.pass_risk(order)
    manager.hold(order, order.whole, "held: waits for its stop price", event_ns=1)
    assert (order.status, order.held) == (OrderStatus.ACCEPTED, True)
    assert not any(isinstance(event, OrderCommand) for event in published.events)
    manager.submit(order, event_ns=2, reason="triggered")
    manager.accept(order, "V1", event_ns=3)
    assert (order.status, order.held, order.triggered) == (OrderStatus.ACCEPTED, False, True)
    with pytest.raises(OrderError, match="cannot be held"):
        manager.hold(order, order.whole, "held: again", event_ns=4)
    with pytest.raises(OrderError, match="is ACCEPTED and cannot become SUBMITTING"):
        manager.move(order, OrderStatus.SUBMITTING, event_ns=5)
    assert manager.impossible == 2


def test_change_to_what_is_filled_fills_the_order(manager: OrderManager) -> None:
    """A venue that makes an order smaller while it fills may leave nothing of it."""
    order = working(manager)
    manager.fill(order, 4, 100.0, event_ns=3)
    manager.change(order, WholeTerms(4, 10000), event_ns=4)
    assert order.status == OrderStatus.FILLED


def test_trade_of_the_venue_counts_once(manager: OrderManager) -> None:
    """A trade id seen before is a duplicate; the same id of another order is not."""
    first, second = working(manager, "a", 1), working(manager, "b", 2)
    assert manager.is_new_trade(first, "T1")
    assert not manager.is_new_trade(first, "T1")
    assert manager.is_new_trade(second, "T1")
    assert manager.duplicates == 1


def test_late_fill_is_counted_and_the_order_stays_done(manager: OrderManager, published: Published) -> None:
    """A fill of a cancelled order is money all the same, and says so."""
    order = working(manager)
    manager.cancel(order, event_ns=3)
    manager.move(order, OrderStatus.CANCELLED, event_ns=4)
    manager.fill(order, 4, 100.0, event_ns=5)
    last = published.events[-1]
    assert isinstance(last, OrderEvent)
    assert (last.status, last.filled_quantity, last.reason) == (OrderStatus.CANCELLED, 4.0, "filled after its end")
    assert manager.late_fills == 1


def test_overfill_is_counted_and_nothing_is_left(manager: OrderManager) -> None:
    """A venue that fills too much is believed; what is left never goes below zero."""
    order = working(manager)
    manager.fill(order, 12, 100.0, event_ns=3)
    assert (manager.overfills, order.left_lots, order.status) == (1, 0, OrderStatus.FILLED)


def test_open_orders_are_found_by_strategy_and_instrument(manager: OrderManager) -> None:
    """Filters choose among the orders that are not done."""
    first, second = working(manager, "a", 1), working(manager, "b", 2)
    manager.move(second, OrderStatus.CANCELLED, event_ns=3)
    assert list(manager.open_orders()) == [first]
    assert list(manager.open_orders("s", 1)) == [first]
    assert list(manager.open_orders("other")) == []
    assert manager.find(0, "b") is second
    assert manager.find(0, "c") is None


def test_final_states_lead_nowhere() -> None:
    """Nothing follows a final state, and every other state can end."""
    assert all(not NEXT_STATES[state] for state in FINAL_STATES)
    assert set(NEXT_STATES) == set(OrderStatus)
    assert all(NEXT_STATES[state] for state in OrderStatus if state not in FINAL_STATES)


def test_long_reason_is_cut_to_the_field() -> None:
    """A text of many bytes fits the record, also if a character would be cut in half."""
    assert len(fitted("价" * 100).encode()) <= 160
    assert fitted("short") == "short"


class OrderMachine(RuleBasedStateMachine):
    """Random commands and reports, late, doubled and out of order; the state machine must hold what it promises."""

    @initialize(lots=st.integers(1, 20))
    def start(self, lots: int) -> None:
        """Take in an order that passed risk."""
        self.published = Published()
        self.manager = OrderManager("paper", "gate", self.published, "bus")
        self.order = self.manager.create(request("a", float(lots)), 1, 1, SHARE, WholeTerms(lots, 10000))
        self.manager.pass_risk(self.order)
        self.filled = 0
        self.seen: set[str] = set()
        self.clock = 0

    def _try(self, action: object, *arguments: object, **fields: object) -> None:
        before = self.order.status
        self.clock += 1
        try:
            action(*arguments, event_ns=self.clock, **fields)  # type: ignore[operator]
        except OrderError:
            assert self.order.status == before
        else:
            after = self.order.status
            assert after == before or may_follow(before, after)

    @rule()
    def submit(self) -> None:
        """Send it, again and again."""
        if self.order.status in (OrderStatus.RISK_CHECKED, OrderStatus.SUBMITTING):
            self._try(self.manager.submit, self.order)

    @rule()
    def cancel(self) -> None:
        """Ask for its cancellation at any time."""
        self._try(self.manager.cancel, self.order)

    @rule()
    def acknowledge(self) -> None:
        """The venue acknowledges, perhaps late or twice."""
        self._try(self.manager.accept, self.order, "V1")

    @rule()
    def refuse_cancel(self) -> None:
        """The venue refuses to cancel."""
        self._try(self.manager.keep, self.order, "too late")

    @rule(status=st.sampled_from(sorted(FINAL_STATES - {OrderStatus.FILLED})))
    def end(self, status: OrderStatus) -> None:
        """The venue ends it."""
        self._try(self.manager.move, self.order, status)

    @precondition(lambda self: self.order.status not in (OrderStatus.RISK_CHECKED, OrderStatus.NEW))
    @rule(trade=st.integers(1, 8), lots=st.integers(1, 6))
    def fill(self, trade: int, lots: int) -> None:
        """The venue fills, and says so once or several times."""
        trade_id = f"T{trade}"
        fresh = self.manager.is_new_trade(self.order, trade_id)
        assert fresh == (trade_id not in self.seen)
        self.seen.add(trade_id)
        if fresh:
            self.filled += lots
            self.clock += 1
            self.manager.fill(self.order, lots, 100.0, event_ns=self.clock)

    @invariant()
    def money_is_counted(self) -> None:
        """Every trade counts once, whatever the state."""
        order = self.order
        assert order.filled_lots == self.filled
        assert order.left_lots == max(0, order.whole.lots - self.filled)
        assert isnan(order.average_price) == (self.filled == 0)
        if order.status == OrderStatus.FILLED:
            assert self.filled >= order.whole.lots

    @invariant()
    def published_chain_is_possible(self) -> None:
        """What was published is a walk through the states, and one command stands for one order."""
        states = [OrderStatus.RISK_CHECKED, *self.published.states()]
        assert all(before == after or may_follow(before, after) for before, after in pairwise(states))
        assert sum(isinstance(event, OrderCommand) for event in self.published.events) <= 1
        assert (self.order in list(self.manager.open_orders())) == (not self.order.is_final)


OrderMachine.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None)
TestOrderMachine = OrderMachine.TestCase
TestOrderMachine.__doc__ = "Random interleavings find no impossible state."
