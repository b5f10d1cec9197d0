"""Funding that an exchange pays and charges: each payment once, with its sign, in position, cash and journal, also what was missed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.process import FakeVenue

from gcg_quant.bus import EventBus
from gcg_quant.events import FundingPayment, PositionEvent, Side
from gcg_quant.strategy_engine.accounts.audit import audit

from .floor import Floor

SYMBOL = "BTC/USDT:USDT"
BUY, SELL = Side.BUY, Side.SELL


class Pit:
    """A fake exchange that keeps a state file, and an account that trades its contract there."""

    def __init__(self, exchange: str, folder: Path) -> None:
        self.fake = FakeVenue(exchange, "--step-ms", "0", "--balance", "USDT=1000000", "--state", str(folder / "venue.state"))
        self.quiet()
        self.floor = Floor(folder, exchange, "swap", self.fake.port, 1_000_000.0)
        self.size = 1.0 if exchange == "binance" else 100.0  # one coin
        self.start()

    def quiet(self) -> None:
        """Put the market around 60,000."""
        self.fake.do("wake", symbols=[SYMBOL])
        self.fake.do("move", symbol=SYMBOL, price=60000)

    def start(self) -> None:
        """Trade; at OKX, whose streams do not tell of funding, it is looked for often."""
        self.floor.start(poll_s=60.0 if self.fake.name == "binance" else 0.1)
        self.floor.wait_connected()

    def stop(self) -> None:
        """Trade no more."""
        assert self.floor.engine is not None
        assert self.floor.engine.stop(10.0)

    def trade(self, side: Side, strategy: str = "s", coins: float = 1.0) -> None:
        """Let a market order fill."""
        self.floor.wait_for(self.floor.order(side, coins * self.size, strategy=strategy), "FILLED")

    def payments(self) -> list[FundingPayment]:
        """Return what was booked."""
        with self.floor.bus.reader(start="begin", events=[FundingPayment]) as reader:
            return [one for one in reader if isinstance(one, FundingPayment)]

    def wait(self, count: int) -> list[FundingPayment]:
        """Wait until so many payments are booked, and return them."""
        self.floor.wait(lambda: len(self.payments()) >= count, f"{count} payments, found {len(self.payments())}")
        return self.payments()

    def check(self) -> None:
        """Compare the cash with the exchange's, and the journal with itself; nobody was called."""
        assert self.floor.engine is not None
        cash = self.floor.engine.desk.books.accounts.money["USDT"].cash
        assert cash == pytest.approx(float(self.fake.state["accounts"]["fake-key"]["total"]["USDT"]), abs=1e-6)
        with EventBus(self.floor.bus.path, source="audit") as bus:
            audit(bus)
        assert [one for one in self.floor.alerts() if "halted" in one] == []


@pytest.fixture(params=["binance", "okx"])
def pit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pit]:
    """Yield a pit that is connected, and check its books at the end."""
    made = Pit(request.param, tmp_path)
    try:
        yield made
        made.check()
    finally:
        made.floor.close()
        made.fake.kill()


def test_longs_pay_and_shorts_are_paid_as_the_venue_says(pit: Pit) -> None:
    """The venue's sum is split by what the strategies held then, not by what they trade afterwards; what is told twice counts once."""
    pit.trade(BUY, "long", 3.0)
    pit.trade(SELL, "short", 1.0)
    time.sleep(0.002)  # the exchange counts in milliseconds
    pit.fake.do("fund", symbol=SYMBOL, rate="0.0001", times=2, late_ms=600)
    pit.trade(BUY, "late", 1.0)
    pit.trade(SELL, "long", 3.0)
    (one,) = pit.wait(1)
    mark = pit.fake.state["markets"][SYMBOL]
    assert one.payment_id
    parts = {strategy: amount for strategy, _, _, amount in one.payments}
    assert parts["long"] == pytest.approx(-18.0, rel=0.01), mark
    assert parts["short"] == pytest.approx(6.0, rel=0.01)
    assert set(parts) == {"long", "short"}
    told = {event.strategy: event.realised_pnl for event in _positions(pit) if event.cause == one.id}
    assert told["short"] == parts["short"]
    pit.fake.do("fund", symbol=SYMBOL, rate="0.0001", times=0)  # nobody is told, and nothing but the short one and "late" is there: net 0
    pit.trade(BUY, "more", 1.0)
    pit.fake.do("fund", symbol=SYMBOL, rate="-0.001")
    again = pit.wait(2)[1]
    assert {strategy: round(amount) for strategy, _, _, amount in again.payments} == {"short": -60, "late": 60, "more": 60}
    # The exchange knows one position: what it realises is what the strategies do only when all are flat.
    for side, strategy in ((BUY, "short"), (SELL, "late"), (SELL, "more")):
        pit.trade(side, strategy)


def test_what_was_paid_while_nobody_was_there_is_found(pit: Pit) -> None:
    """A restart asks for what was missed, books it at its time, and books nothing again, also when the exchange itself was killed."""
    pit.trade(BUY)
    pit.fake.do("fund", symbol=SYMBOL, rate="0.0001")
    pit.wait(1)
    pit.stop()
    pit.fake.do("fund", symbol=SYMBOL, rate="0.0002")
    pit.fake.do("fund", symbol=SYMBOL, rate="-0.0005")
    pit.start()
    found = [round(one.payments[0][3]) for one in pit.wait(3)]
    assert found == [-6, -12, 30]
    pit.fake.kill()
    pit.fake.start()
    pit.quiet()
    pit.floor.wait(lambda: any("connected again" in one for one in pit.floor.alerts()), "the next connection")
    pit.floor.wait_connected()
    pit.trade(BUY)
    pit.stop()
    pit.start()
    assert [round(one.payments[0][3]) for one in pit.payments()] == [-6, -12, 30]


def test_a_message_that_got_lost_is_made_up_for(pit: Pit) -> None:
    """The stream tells nothing, and the connection ends: the next one asks."""
    pit.trade(SELL)
    pit.fake.do("fund", symbol=SYMBOL, rate="0.0001", times=0)
    pit.fake.do("hang_up", what="all")
    (one,) = pit.wait(1)
    assert one.payments[0][:2] == ("s", 0)
    assert one.payments[0][2] == -pit.size
    assert one.payments[0][3] == pytest.approx(6.0, rel=0.01)


def _positions(pit: Pit) -> list[PositionEvent]:
    with pit.floor.bus.reader(start="begin", events=[PositionEvent]) as reader:
        return [one for one in reader if isinstance(one, PositionEvent)]
