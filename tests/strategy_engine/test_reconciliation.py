"""Comparing an account with its venue: whatever one side has and the other has not is found, by name and amount, and nothing else."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest
from fake_venue.floor import COIN
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.events import Fill, OrderRequest, OrderStatus, Side
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine.accounts.accounts import Accounts
from gcg_quant.strategy_engine.gateways import VenueOrder
from gcg_quant.strategy_engine.orders.manager import OrderManager
from gcg_quant.strategy_engine.orders.order import WholeTerms
from gcg_quant.strategy_engine.venue.reconciliation import Comparison, VenueState, compare

OTHER = Instrument(symbol="OTHER", venue="FAKE", kind="crypto", currency="EUR", tick_size=0.01, lot_size=0.1)
BOTH = {1: COIN, 2: OTHER}


class Account:
    """Positions, cash and orders of two strategies in two instruments."""

    def __init__(self) -> None:
        self.accounts = Accounts("real", "USD", 1000.0)
        self.events: list[Any] = []
        self.orders = OrderManager("real", "fake", self._publish)

    def _publish(self, event: Any, *, cause: int | None = None) -> int:
        self.events.append(event)
        return len(self.events)

    def trade(self, number: int, lots: int, price: float, strategy: str = "s") -> None:
        """Settle a fill."""
        one = BOTH[number]
        side = Side.BUY if lots > 0 else Side.SELL
        fill = Fill(symbol=one.symbol, venue=one.venue, strategy=strategy, quantity=one.quantity(abs(lots)), price=price, side=side)
        self.accounts.settle(fill, number, one)

    def order(self, client_id: str, lots: int, status: OrderStatus = OrderStatus.ACCEPTED, filled: int = 0) -> None:
        """Have an order."""
        request = OrderRequest(symbol="COIN", venue="FAKE", client_id=client_id, quantity=float(lots))
        made = self.orders.create(request, len(client_id) * 1000 + int(client_id[1:]), 1, COIN, WholeTerms(lots))
        made.status, made.filled_lots = status, filled

    def at_venue(self) -> dict[str, Any]:
        """Return what a venue that agrees says."""
        positions: dict[tuple[str, str], float] = {}
        for (_, number, _), one in self.accounts.positions.items():
            key = (BOTH[number].symbol, "FAKE")
            positions[key] = positions.get(key, 0.0) + one.quantity
        return {"positions": positions, "cash": {name: one.cash for name, one in self.accounts.money.items()}, "orders": []}

    def compare(self, orders: Any, positions: Any, cash: Any, accepted: Any = None, unknown: Any = ()) -> Comparison:
        """Compare with what a venue says."""
        venue = VenueState(orders, positions, cash)
        return compare(venue, self.accounts, self.orders, accepted=accepted or {}, unknown=unknown, tolerance=0.01)


def told(comparison: Comparison) -> dict[str, float]:
    """Return the differences by name."""
    return {one.name: round(one.amount, 6) for one in comparison.differences}


def venue_order(client_id: str, quantity: float, filled: float = 0.0) -> VenueOrder:
    """Return an order as a venue tells it."""
    return VenueOrder(
        client_id=client_id,
        venue_order_id="V",
        symbol="COIN",
        venue="FAKE",
        status=OrderStatus.ACCEPTED,
        quantity=quantity,
        filled_quantity=filled,
    )


trades = st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(-9, 9).filter(bool), st.sampled_from(["s", "t"])), max_size=12)


@given(trades, st.integers(-5, 5), st.integers(-5, 5), st.sampled_from([-3.0, 0.0, 0.004, 2.5]), st.booleans())
def test_what_is_off_is_found_and_nothing_else(made: Any, coins: int, others: int, money: float, accept: bool) -> None:
    """Whatever the strategies hold, a venue that is off by some lots and some cash differs by exactly these; once accepted, by nothing."""
    account = Account()
    for number, lots, strategy in made:
        account.trade(number, lots, 100.0 + number, strategy)
    venue = account.at_venue()
    for symbol, amount in (("COIN", float(coins)), ("OTHER", others / 10)):
        venue["positions"][symbol, "FAKE"] = venue["positions"].get((symbol, "FAKE"), 0.0) + amount
    venue["cash"]["USD"] += money
    expected = {"COIN@FAKE": float(coins), "OTHER@FAKE": others / 10, "cash USD": money}
    expected = {name: amount for name, amount in expected.items() if abs(amount) > 0.01}
    if accept:
        assert told(account.compare(**venue, accepted=expected)) == {}
    else:
        assert told(account.compare(**venue)) == expected


def test_accepted_difference_that_changes_is_one_again() -> None:
    """What was accepted is expected: a venue that has lost it differs, too."""
    account = Account()
    accepted = {"COIN@FAKE": 7.0}
    assert told(account.compare([], {("COIN", "FAKE"): 7.0}, None, accepted)) == {}
    (gone,) = account.compare([], {}, None, accepted).differences
    assert str(gone) == "COIN@FAKE: 0 at the venue, 7 here"


def test_venue_that_keeps_no_account_is_asked_for_orders_alone() -> None:
    """None is no figure, and no difference; an empty answer is one."""
    account = Account()
    account.trade(1, 3, 100.0)
    assert told(account.compare([], None, None)) == {}
    assert told(account.compare([], {}, None)) == {"COIN@FAKE": -3.0}


@pytest.mark.parametrize("wrong", [nan, -nan])
def test_figure_that_is_no_number_is_a_difference(wrong: float) -> None:
    """NaN is equal to nothing."""
    account = Account()
    assert [one.name for one in account.compare([], {}, {"USD": wrong}).differences] == ["cash USD"]


def test_orders_are_compared_by_what_is_left() -> None:
    """Gone, filled otherwise, ended here and open there: each is named; one that nobody has, and one of others, are no differences."""
    account = Account()
    account.order("c1", 5)
    account.order("c2", 5, OrderStatus.PARTLY_FILLED, 2)
    account.order("c3", 5)
    account.order("c4", 5, OrderStatus.CANCELLED)
    account.order("c5", 5, OrderStatus.SUBMITTING)
    account.order("c6", 5, OrderStatus.RISK_CHECKED)
    at_venue = [venue_order("c1", 5.0), venue_order("c2", 5.0, 3.0), venue_order("c4", 5.0, 1.0), venue_order("x9", 2.0)]
    found = account.compare(at_venue, None, None, unknown=["c5"])
    assert told(found) == {"order c2": -1.0, "order c3": -5.0, "order c4": 4.0}
    assert [one.client_id for one in found.strangers] == ["x9"]
    assert str(found).startswith("order c2: 2 at the venue, 3 here; ")


def test_coins_of_a_spot_market_are_compared_with_its_cash() -> None:
    """What was bought is a balance of its coin there; more than half a lot apart is a difference, however wide the tolerance."""
    account = Account()
    account.trade(2, 20, 10.0)  # 2 OTHER for 20 EUR
    account.trade(1, 3, 100.0)
    cash = {"USD": account.accounts.money["USD"].cash, "EUR": -20.0, "OTH": 2.0}

    def differences(oth: float) -> dict[str, float]:
        venue = VenueState([], {("COIN", "FAKE"): 3.0}, cash | {"OTH": oth}, lambda one: "OTH" if one is OTHER else "")
        return told(compare(venue, account.accounts, account.orders, accepted={}, unknown=(), tolerance=0.5))

    assert differences(2.0) == {}
    assert differences(2.04) == {}
    assert differences(1.9) == {"cash OTH": -0.1}
    assert differences(0.0) == {"cash OTH": -2.0}
