"""What networks and venues do wrong: no order is lost or sent twice, each fill counts once, and trading goes on."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fakes.process import FakeVenue
from fakes.proxy import FaultProxy

from gcg_quant.events import AccountEvent, OrderStatus, Side

from .floor import Floor

FULL = "GCG_TORTURE_S" in os.environ  # as `make torture` sets it
VENUES = [("binance", "spot"), *([("okx", "swap"), ("binance", "swap")] if FULL else [])]
BUY, SELL = Side.BUY, Side.SELL
KILLS = 60 if FULL else 2
ORDER = {"binance": "/order", "okx": "trade/order"}


class Stage:
    """A fake exchange behind a proxy, and a floor that trades through it."""

    def __init__(self, exchange: str, market: str, folder: Path) -> None:
        self.state_file = folder / "venue.state"
        options = ("--step-ms", "0", "--balance", "USDT=1000000", "--balance", "BTC=50", "--state", str(self.state_file))
        self.fake = FakeVenue(exchange, *options)
        self.proxy = FaultProxy(self.fake.port)
        self.symbol = "BTC/USDT" if market == "spot" else "BTC/USDT:USDT"
        self.size = 1.0 if (exchange, market) == ("okx", "swap") else 0.01
        self.quiet()
        self.before = self.total()
        self.floor = Floor(folder, exchange, market, self.proxy.port, float(self.before["USDT"]))

    def quiet(self) -> None:
        """Put the market around 60,000."""
        self.fake.do("wake", symbols=[self.symbol])
        self.fake.do("move", symbol=self.symbol, price=60000)

    def total(self) -> dict[str, Decimal]:
        """Return the fake's ledger."""
        return {name: Decimal(amount) for name, amount in self.fake.state["accounts"]["fake-key"]["total"].items()}

    @property
    def account(self) -> dict[str, Any]:
        """What the fake says of the account."""
        found: dict[str, Any] = self.fake.state["accounts"]["fake-key"]
        return found

    def rest(self, price: float = 59_000.0) -> str:
        """Return an order that rests at the venue."""
        name = self.floor.order(BUY, self.size, price)
        self.floor.wait_for(name, "ACCEPTED")
        return name

    def check(self) -> None:
        """Compare the fills with the fake's ledger, and see that nobody was called."""
        after, ours = self.total(), self.floor.earned()
        if self.floor.market == "swap":
            lots = Decimal(self.account["positions"].get(self.symbol, "0"))
            assert self.floor.position() == lots * Decimal(repr(self.floor.instrument.lot_size))
        else:
            for currency in {*after, *ours}:
                moved = after.get(currency, Decimal(0)) - self.before.get(currency, Decimal(0))
                assert moved == round(ours.get(currency, Decimal(0)), 12), currency
        assert self.account["fills"] == len(self.floor.fills())
        assert [one for one in self.floor.alerts() if "halted" in one or "unknown" in one or "cannot book" in one] == []

    def close(self) -> None:
        """End all."""
        self.floor.close()
        self.proxy.close()
        self.fake.kill()


@pytest.fixture(params=VENUES, ids="-".join)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Yield a stage."""
    made = Stage(*request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture
def trading(stage: Stage) -> Stage:
    """Return a stage whose engine is connected."""
    stage.floor.start()
    stage.floor.wait_connected()
    return stage


def test_requests_without_an_answer_are_looked_up(trading: Stage) -> None:
    """Done and not answered: found by its client id. Neither done nor answered, or a broken gateway: FAILED, once that is sure."""
    floor, fake = trading.floor, trading.fake
    fake.do("silent", method="POST", path=ORDER[fake.name])
    one = floor.order(BUY, trading.size, 59_000.0)
    assert floor.wait_for(one, "ACCEPTED").venue_order_id
    fake.do("silent", method="POST", path=ORDER[fake.name])
    two = floor.order(BUY, trading.size)
    floor.wait_for(two, "FILLED")
    fake.do("lost", method="POST", path=ORDER[fake.name])
    three = floor.order(BUY, trading.size, 59_000.0)
    assert "it never reached" in floor.wait_for(three, "FAILED").reason
    fake.do("down", method="POST", path=ORDER[fake.name])
    four = floor.order(BUY, trading.size, 59_000.0)
    floor.wait_for(four, "FAILED")
    assert trading.account["open"] == 1
    trading.check()


def test_limits_clock_and_messages_of_the_stream(trading: Stage) -> None:
    """Too many requests wait, a clock that jumped is compared, and messages that are lost, doubled or rubbish change nothing."""
    floor, fake = trading.floor, trading.fake
    fake.do("limit", method="POST", path=ORDER[fake.name], seconds=1, count=1)
    begin = time.monotonic()
    floor.wait_for(floor.order(BUY, trading.size, 59_000.0), "ACCEPTED")
    assert time.monotonic() - begin > 0.9
    fake.do("clock", ms=-40_000)
    floor.wait_for(floor.order(BUY, trading.size, 59_000.0), "ACCEPTED")
    fake.do("clock", ms=40_000)
    floor.wait_for(floor.order(BUY, trading.size, 59_000.0), "ACCEPTED")
    fake.do("duplicate", channel="user", count=4)
    floor.wait_for(floor.order(BUY, trading.size), "FILLED")
    rests = trading.rest(59_500.0)
    fake.do("gap", channel="user", count=6)
    fake.do("move", symbol=trading.symbol, price=59_400)
    floor.wait_for(rests, "FILLED")
    fake.do("heal")
    trading.check()


@pytest.mark.parametrize("fault", ["expire", "hang_up", "reset", "half_open", "rubbish"])
def test_a_stream_that_breaks_is_made_anew_and_nothing_is_missed(trading: Stage, fault: str) -> None:
    """Whatever ends the private stream, what was filled meanwhile is found on the next connection, and orders go out again."""
    floor, fake = trading.floor, trading.fake
    filled, stays = trading.rest(59_500.0), trading.rest(58_000.0)
    session = floor.gateway.session
    if fault == "half_open":
        trading.proxy.half_open()
    elif fault == "reset":
        trading.proxy.refuse()
    elif fault == "rubbish":
        fake.do("rubbish", channel="user", count=1)
    else:
        fake.do(fault)
    fake.do("move", symbol=trading.symbol, price=59_400)
    if fault in ("half_open", "reset"):
        floor.wait(lambda: floor.gateway.session == 0, "the end of the connection")
        trading.proxy.open()
    floor.wait_for(filled, "FILLED")
    if fault != "rubbish":
        floor.wait(lambda: floor.gateway.session > session and floor.gateway.connected, "the next connection")
    assert floor.status(stays) == "ACCEPTED"
    floor.cancel(stays)
    floor.wait_for(stays, "CANCELLED")
    trading.check()


def test_the_venues_server_restarts(trading: Stage) -> None:
    """The venue dies and comes back with its books: an order waits for it, and those of before are still ours."""
    floor = trading.floor
    stays = trading.rest()
    trading.fake.kill()
    floor.wait(lambda: floor.gateway.session == 0, "the end of the connection")
    late = floor.order(BUY, trading.size)
    trading.fake.start()
    trading.quiet()
    floor.wait_for(late, "FILLED")
    floor.cancel(stays)
    floor.wait_for(stays, "CANCELLED")
    trading.check()


def test_a_wrong_key_is_told_and_not_hammered(stage: Stage) -> None:
    """The sentence names the variables to set, and the venue is asked once in half a minute."""
    keys = {"api_key": "another", "secret": "wrong", "password": "wrong"}
    stage.floor.start(keys=keys)
    stage.floor.wait(lambda: "GCG_QUANT_CREDENTIALS__" in stage.floor.gateway.failure, "the sentence")
    calls = sum(stage.fake.state["calls"].values())
    time.sleep(1.5)  # several times the backoff
    assert sum(stage.fake.state["calls"].values()) == calls
    assert "refuses the key" in stage.floor.gateway.failure
    assert "wrong" not in stage.floor.gateway.failure


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_lost_or_doubled(stage: Stage) -> None:
    """The trading process is killed with orders on their way and open; the next one goes on: no double, no loss, the ledger agrees."""
    floor, fake, chance = stage.floor, stage.fake, random.Random(4)
    names: list[str] = []
    for _ in range(KILLS):
        floor.spawn()
        floor.wait(lambda: floor.seen(AccountEvent) and all(floor.status(one) for one in names), "the restart")
        for number in range(chance.randrange(3, 12)):
            side, price = chance.choice((BUY, SELL)), 60_000 + chance.randrange(-40, 40)
            names.append(floor.order(side, stage.size, None if chance.random() < 0.3 else float(price)))
            if number % 4 == 3:
                floor.cancel(chance.choice(names))
                fake.do("move", symbol=stage.symbol, price=60_000 + chance.randrange(-50, 50))
            time.sleep(chance.uniform(0, 0.04))
        if chance.random() < 0.7:
            floor.wait(lambda: floor.status(names[-1]) != "", "an answer")
        time.sleep(chance.uniform(0, 0.1))
        floor.kill()
    floor.spawn()
    settled = (OrderStatus.NEW, OrderStatus.SUBMITTING, OrderStatus.CANCELLING, OrderStatus.RISK_CHECKED)
    floor.wait(lambda: all(floor.of(one) is not None and floor.of(one).status not in settled for one in names), "answers")  # type: ignore[union-attr]
    for name in floor.unfinished():
        floor.cancel(name)
    floor.wait(lambda: not floor.unfinished(), "all ends")
    assert stage.account["open"] == 0
    stage.check()
