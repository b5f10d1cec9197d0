"""The whole life of an order at a fake exchange, through the real ccxt: what is sent, what is told, and the ledger at the end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.process import FakeVenue

from gcg_quant.events import Liquidity, OrderEvent, OrderFlag, Side, TimeInForce
from gcg_quant.strategy_engine import RiskLimits
from gcg_quant.strategy_engine.risk.limits import RiskRules

from .floor import Floor

VENUES = [("binance", "spot"), ("binance", "swap"), ("okx", "spot"), ("okx", "swap")]
BUY, SELL = Side.BUY, Side.SELL
FREE = RiskLimits(price_band=None, max_order_value=None, max_position_value=None, max_order_quantity=None, buying_power=False)


@pytest.fixture(scope="module", params=VENUES, ids="-".join)
def venue(request: pytest.FixtureRequest) -> Iterator[tuple[FakeVenue, str]]:
    """Yield a fake exchange in which nothing moves by itself, and the market that is traded."""
    exchange, market = request.param
    with FakeVenue(exchange, "--step-ms", "0", "--balance", "USDT=1000000", "--balance", "BTC=50") as made:
        yield made, market


@pytest.fixture
def floor(venue: tuple[FakeVenue, str], tmp_path: Path) -> Iterator[Floor]:
    """Yield a floor with an engine that is connected; the market is around 60,000."""
    made = new_floor(*venue, tmp_path)
    made.start(poll_s=60.0, orders_per_s=500.0)  # so that what the streams tell is not found by REST instead
    made.wait_connected()
    yield made
    left = made.position()
    if left and made.market == "swap":  # the next account begins with nothing
        made.wait_for(made.order(SELL if left > 0 else BUY, float(abs(left))), "FILLED")
    made.close()
    venue[0].do("heal")


def new_floor(fake: FakeVenue, market: str, folder: Path) -> Floor:
    """Return a floor whose account begins with what the fake holds."""
    symbol = "BTC/USDT" if market == "spot" else "BTC/USDT:USDT"
    fake.do("wake", symbols=[symbol])
    fake.do("move", symbol=symbol, price=60000)
    return Floor(folder, fake.name, market, fake.port, float(total(fake)["USDT"]))


def total(fake: FakeVenue) -> dict[str, Decimal]:
    """Return the fake's ledger."""
    return {name: Decimal(amount) for name, amount in fake.state["accounts"]["fake-key"]["total"].items()}


def check_ledger(floor: Floor, fake: FakeVenue, before: dict[str, Decimal]) -> None:
    """Compare fills, account and the fake's ledger, to the last digit that it tells."""
    after, ours = total(fake), floor.earned()
    least = Decimal("1e-8") * max(1, len(floor.fills()))  # a fee has more digits in the ledger than in the eight that are told
    for currency in {*after, *ours} if floor.market == "spot" else ():
        moved = after.get(currency, Decimal(0)) - before.get(currency, Decimal(0))
        assert abs(moved - ours.get(currency, Decimal(0))) <= least, currency
    account = floor.engine.desk.books.accounts  # type: ignore[union-attr]
    assert abs(Decimal(repr(account.money["USDT"].cash)) - after["USDT"]) <= least
    assert sum(Decimal(repr(one.quantity)) for one in account.positions.values()) == floor.position()
    if floor.market == "swap":
        held = Decimal(fake.state["accounts"]["fake-key"]["positions"].get(floor.symbol, "0"))
        assert floor.position() == held * Decimal(repr(floor.instrument.lot_size))
    assert [one for one in floor.alerts() if "halted" in one] == []


def test_market_orders_fill_by_quantity_with_fee_and_side(floor: Floor, venue: tuple[FakeVenue, str]) -> None:
    """A market buy says the quantity that it buys, and its fills name price, fee, currency and that they took."""
    before = total(venue[0])
    one = floor.order(BUY, 0.01)
    done = floor.wait_for(one, "FILLED")
    assert done.filled_quantity == 0.01
    fills = floor.fills(one)
    assert sum(fill.quantity for fill in fills) == pytest.approx(0.01)
    currency = "BTC" if floor.market == "spot" else "USDT"
    assert {(fill.fee_currency, fill.liquidity) for fill in fills} == {(currency, Liquidity.TAKER)}
    floor.wait_for(floor.order(SELL, 0.01), "FILLED")
    check_ledger(floor, venue[0], before)


def test_a_limit_order_rests_fills_in_parts_and_is_cancelled(floor: Floor, venue: tuple[FakeVenue, str]) -> None:
    """Acknowledged, filled in parts as maker, cancelled for the rest: the cancel does not overtake the fills."""
    fake, before = venue[0], total(venue[0])
    whole = 2.0 if floor.instrument.multiplier == 1 else 200.0
    one = floor.order(SELL, whole, 60_100.0)
    assert floor.wait_for(one, "ACCEPTED").venue_order_id
    fake.do("take", symbol=floor.symbol, side="buy", quantity="0")
    best = Decimal(fake.state["markets"][floor.symbol]["ask"])
    while best < 60_100:  # what stands before it
        best = Decimal(fake.do("take", symbol=floor.symbol, side="buy", quantity=str(whole / 4))["ask"])
    for share in (7, 5):
        fake.do("take", symbol=floor.symbol, side="buy", quantity=str(round(whole / share, 2)))
    floor.wait_for(one, "PARTLY_FILLED")
    floor.cancel(one)
    done = floor.wait_for(one, "CANCELLED")
    fills = floor.fills(one)
    assert done.filled_quantity == pytest.approx(sum(fill.quantity for fill in fills))
    assert 0 < done.filled_quantity < whole
    assert {fill.liquidity for fill in fills} == {Liquidity.MAKER}, fills
    check_ledger(floor, fake, before)


def test_times_in_force_and_post_only_are_the_venues_own(floor: Floor, venue: tuple[FakeVenue, str]) -> None:
    """IOC takes what is there, FOK all or nothing, post-only is refused or rests."""
    before, much = total(venue[0]), {"binance-swap": 60.0, "okx-swap": 600.0}.get(f"{floor.exchange}-{floor.market}", 6.0)
    ioc = floor.order(BUY, much, 60_020.0, time_in_force=TimeInForce.IOC)
    fok = floor.order(BUY, much, 60_020.0, time_in_force=TimeInForce.FOK)
    assert 0 < floor.wait_for(ioc, "EXPIRED", "CANCELLED").filled_quantity < much
    assert floor.wait_for(fok, "EXPIRED", "CANCELLED").filled_quantity == 0.0
    takes = floor.order(BUY, 0.01, 61_000.0, order_flags=OrderFlag.POST_ONLY)
    floor.wait_for(takes, "REJECTED", "EXPIRED", "CANCELLED")
    rests = floor.order(BUY, 0.01, 59_000.0, order_flags=OrderFlag.POST_ONLY)
    floor.wait_for(rests, "ACCEPTED")
    floor.cancel(rests)
    floor.wait_for(rests, "CANCELLED")
    check_ledger(floor, venue[0], before)


def test_what_does_not_fit_is_refused_with_a_sentence(floor: Floor) -> None:
    """Funds by the venue's words; a value below its least here, before anything is sent."""
    floor.engine.desk.risk.set_rules(RiskRules(limits=FREE))  # type: ignore[union-attr]
    dear = floor.order(BUY, 500.0 if floor.instrument.multiplier == 1 else 500_000.0, 59_000.0)
    assert "nsufficient" in floor.wait_for(dear, "REJECTED").reason
    if floor.exchange == "binance":
        small = floor.order(BUY, floor.instrument.lot_size, 10.0)
        assert "none below" in floor.wait_for(small, "FAILED").reason
    elsewhere = floor.order(BUY, 0.01, 59_000.0, symbol="DOGE/USDT")
    assert "DOGE/USDT" in floor.wait_for(elsewhere, "FAILED", "REJECTED").reason


def test_a_change_keeps_the_order_or_is_refused(floor: Floor, venue: tuple[FakeVenue, str]) -> None:
    """Contracts and OKX change price and quantity of the same order; Binance's spot cannot, and the sentence says what to do instead."""
    before = total(venue[0])
    one = floor.order(BUY, 0.02, 59_000.0)
    number = floor.wait_for(one, "ACCEPTED").venue_order_id

    def answered(text: str) -> bool:
        return any(event.client_id == one and text in event.reason for event in floor.seen(OrderEvent))

    floor.change(one, price=58_900.0, quantity=0.03)
    if (floor.exchange, floor.market) == ("binance", "spot"):
        floor.wait(lambda: answered("changes no spot orders: cancel it and send another one"), "the refusal")
    else:
        floor.wait(lambda: answered("modified"), "the change")
        venue[0].do("silent", path="order", method="PUT" if floor.exchange == "binance" else "POST")
        floor.change(one, price=58_800.0)
        floor.wait(lambda: floor.of(one).price == 58_800.0, "the change without an answer")  # type: ignore[union-attr]
        (open_order,) = floor.gateway.query_orders()
        assert (open_order.client_id, open_order.venue_order_id) == (one, number)
        assert (open_order.price, open_order.quantity) == (58_800.0, 0.03)
    floor.cancel(one)
    floor.wait_for(one, "CANCELLED")
    check_ledger(floor, venue[0], before)


def test_a_cancel_that_crosses_the_last_fill_is_answered_by_the_fill(floor: Floor, venue: tuple[FakeVenue, str]) -> None:
    """The venue fills the order before the cancel arrives: the order is FILLED, and nothing hangs."""
    fake, before = venue[0], total(venue[0])
    one = floor.order(BUY, 0.01, 59_900.0)
    floor.wait_for(one, "ACCEPTED")
    fake.do("delay", method="DELETE" if fake.name == "binance" else "POST", path="cancel-order" if fake.name == "okx" else "order", ms=150)
    floor.cancel(one)
    fake.do("move", symbol=floor.symbol, price=59_000)
    floor.wait_for(one, "FILLED", "CANCELLED")
    floor.wait(lambda: not floor.unfinished(), "the end")
    check_ledger(floor, fake, before)


def test_two_hundred_random_orders_end_as_the_ledger_says(floor: Floor, venue: tuple[FakeVenue, str]) -> None:
    """Orders of all kinds, cancels at any moment and a market that moves: fills, positions and cash equal the fake's ledger."""
    fake, before, chance = venue[0], total(venue[0]), random.Random(9)
    names: list[str] = []
    for number in range(200):
        side = chance.choice((BUY, SELL))
        quantity = floor.instrument.round_quantity(chance.uniform(0.01, 0.05))
        price = None if chance.random() < 0.2 else floor.instrument.round_price(60_000 + chance.uniform(-150, 150))
        force = chance.choice((TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)) if price else TimeInForce.GTC
        names.append(floor.order(side, quantity, price, time_in_force=force))
        if chance.random() < 0.3:
            floor.cancel(chance.choice(names))
        if number % 10 == 9:
            fake.do("move", symbol=floor.symbol, price=round(60_000 + chance.uniform(-100, 100)))
        time.sleep(0.005)
    floor.wait(lambda: all(floor.status(name) not in ("", "SUBMITTING", "NEW") for name in names), "answers")
    for name in floor.unfinished():
        floor.cancel(name)
    floor.wait(lambda: not floor.unfinished(), "all ends")
    assert len(floor.fills()) > 50
    check_ledger(floor, fake, before)
    assert floor.gateway.query_orders() == []
