"""A strategy's portfolio: positions and orders folded from events."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.events import Fill, OrderEvent, OrderRequest, OrderStatus, OrderType, PositionEvent, PositionSide, RiskVerdict, Side
from gcg_quant.strategy_engine.strategy.portfolio import Portfolio

BTC = {"symbol": "BTC/USDT", "venue": "SIM"}


def fill(side: Side, quantity: float, price: float) -> Fill:
    """Return a fill of BTC."""
    return Fill(**BTC, side=side, quantity=quantity, price=price)


def test_position_moves_with_each_fill() -> None:
    """Adding averages the price, reducing keeps it, and turning over begins at the fill's price."""
    portfolio = Portfolio()
    view = portfolio.position("BTC/USDT", "SIM")
    portfolio.fill(fill(Side.BUY, 1, 100))
    portfolio.fill(fill(Side.BUY, 1, 110))
    assert (view.quantity, view.average_price) == (2, 105)
    portfolio.fill(fill(Side.SELL, 1, 120))
    assert (view.quantity, view.average_price) == (1, 105)
    portfolio.fill(fill(Side.SELL, 3, 90))
    assert (view.quantity, view.average_price) == (-2, 90)
    portfolio.fill(fill(Side.BUY, 2, 80))
    assert view.is_flat
    assert isnan(view.average_price)


def test_unrealised_profit_uses_last_price_and_multiplier() -> None:
    """A short position of a contract with a multiplier gains when the price falls."""
    view = Portfolio().position("IF2412", "SIM")
    view.apply_fill(Fill(symbol="IF2412", venue="SIM", side=Side.SELL, quantity=2, price=4000))
    view.last_price, view.multiplier = 3990.0, 300.0
    assert view.unrealised == 6000.0


@given(st.lists(st.tuples(st.sampled_from([Side.BUY, Side.SELL]), st.integers(1, 9), st.integers(50, 150)), max_size=30))
def test_fills_give_what_the_trading_engine_will_say(fills: list[tuple[Side, int, int]]) -> None:
    """The quantity is the signed sum of the fills, whatever their order, and the average lies within the prices seen."""
    portfolio = Portfolio()
    for side, quantity, price in fills:
        portfolio.fill(fill(side, quantity, price))
    view = portfolio.position("BTC/USDT", "SIM")
    assert view.quantity == sum(quantity if side == Side.BUY else -quantity for side, quantity, _ in fills)
    assert isnan(view.average_price) == view.is_flat
    if not view.is_flat:
        assert min(price for *_, price in fills) - 1e-9 <= view.average_price <= max(price for *_, price in fills) + 1e-9


def test_position_event_has_the_last_word() -> None:
    """What the trading engine says replaces what was folded from fills."""
    portfolio = Portfolio()
    portfolio.fill(fill(Side.BUY, 1, 100))
    portfolio.settle(PositionEvent(**BTC, quantity=3, average_price=101, realised_pnl=7, fees=0.5))
    view = portfolio.position("BTC/USDT", "SIM")
    assert (view.quantity, view.average_price, view.realised, view.fees) == (3, 101, 7, 0.5)


def test_long_and_short_sides_are_added_up() -> None:
    """Where both sides are held apart, the position is their sum and each side can be asked for."""
    portfolio = Portfolio()
    portfolio.settle(PositionEvent(**BTC, position_side=PositionSide.LONG, quantity=5, average_price=100))
    portfolio.settle(PositionEvent(**BTC, position_side=PositionSide.SHORT, quantity=-2, average_price=110))
    view = portfolio.position("BTC/USDT", "SIM")
    assert view.quantity == 3
    assert view.held(PositionSide.SHORT) == -2
    assert view.held(PositionSide.NET) == 0


def request(client_id: str = "a-1") -> OrderRequest:
    """Return a request to buy."""
    return OrderRequest(**BTC, client_id=client_id, side=Side.BUY, quantity=2, price=99, order_type=OrderType.LIMIT, tag="t")


def event(status: OrderStatus, client_id: str = "a-1", filled: float = 0.0) -> OrderEvent:
    """Return the event of an order's state."""
    return OrderEvent(
        **BTC,
        client_id=client_id,
        side=Side.BUY,
        quantity=2,
        price=99,
        order_type=OrderType.LIMIT,
        status=status,
        filled_quantity=filled,
        tag="t",
    )


def test_order_is_open_from_its_request_to_its_end() -> None:
    """A requested order counts as open, is kept up to date, and is gone when it is done."""
    portfolio = Portfolio()
    portfolio.requested(request())
    assert portfolio.orders["a-1"].status == OrderStatus.NEW
    portfolio.order(event(OrderStatus.PARTLY_FILLED, filled=0.5))
    assert portfolio.orders["a-1"].remaining == 1.5
    portfolio.order(event(OrderStatus.FILLED, filled=2))
    assert portfolio.orders == {}


def test_late_event_does_not_open_a_finished_order_again() -> None:
    """An acknowledgement that comes after the fill changes nothing."""
    portfolio = Portfolio()
    portfolio.order(event(OrderStatus.FILLED, filled=2))
    portfolio.order(event(OrderStatus.ACCEPTED))
    portfolio.requested(request())
    assert portfolio.orders == {}


def test_order_of_an_earlier_life_appears_with_its_event() -> None:
    """An order known only by its event, such as after a restart, is an open order."""
    portfolio = Portfolio()
    portfolio.order(event(OrderStatus.ACCEPTED))
    assert (portfolio.orders["a-1"].tag, portfolio.orders["a-1"].price, portfolio.orders["a-1"].is_buy) == ("t", 99, True)


@pytest.mark.parametrize(("passed", "of_request", "still_open"), [(1, 7, 1), (0, 7, 0), (0, 8, 1)])
def test_refused_order_is_closed(passed: int, of_request: int, still_open: int) -> None:
    """A verdict closes the order only if it refuses the order itself, not a change of it."""
    portfolio = Portfolio()
    portfolio.requested(request()).request = 7
    portfolio.verdict(RiskVerdict(**BTC, client_id="a-1", request=of_request, passed=passed))
    assert len(portfolio.orders) == still_open


def test_refused_cancellation_may_be_asked_for_again() -> None:
    """An event with a reason says that the order stays; a plain acknowledgement says nothing about the cancellation."""
    portfolio = Portfolio()
    view = portfolio.requested(request())
    view.cancel_asked = True
    portfolio.order(event(OrderStatus.ACCEPTED))
    assert view.cancel_asked
    portfolio.order(event(OrderStatus.ACCEPTED).replace(reason="too late"))
    assert not view.cancel_asked


def test_ordinals_count_per_cause() -> None:
    """Orders of one event are numbered from 1, also when another event came between."""
    portfolio = Portfolio()
    assert [portfolio.next_ordinal(cause) for cause in (7, 7, 8, 7)] == [1, 2, 1, 3]
