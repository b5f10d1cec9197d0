"""Funding of perpetual contracts on paper: the right sign, once at each time, after restarts as well, and in coins where those are paid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import AccountEvent, Funding, FundingPayment, OrderRequest, OrderType, PositionEvent, Side, Tick, World
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import RiskLimits, TradingConfig
from gcg_quant.strategy_engine.accounts.audit import audit

from .mortal import Killed, Mortal

HOUR = 3_600_000_000_000
NOW = 1_790_000_000_000_000_000 // (8 * HOUR) * 8 * HOUR
SWAP = Instrument(symbol="BTC/USDT:USDT", venue="V", kind="future", currency="USDT", tick_size=0.1, lot_size=0.001, margin_rate=0.1)
COINS: dict[str, Any] = {"currency": "BTC", "tick_size": 0.1, "lot_size": 1.0, "multiplier": 100.0, "inverse": True}
COIN = Instrument(symbol="BTC/USD:BTC", venue="V", kind="future", margin_rate=0.1, **COINS)
LIMITS = RiskLimits(price_band=None, self_trade=False, buying_power=False)


class Pit:
    """A bus with both contracts and an engine that is driven by hand."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self.now_ns = NOW
        self.engine: Mortal | None = None
        for one in (SWAP, COIN):
            bus.instruments.add(one)

    def start(self) -> None:
        """Trade; anew if it did before."""
        if self.engine is not None:
            assert self.engine.stop()
        self.engine = Mortal(TradingConfig(account="paper", currency="USDT", cash=100_000.0), LIMITS)
        self.engine.start(self.bus, threaded=False)

    def turn(self) -> None:
        """Let the engine handle what is there."""
        while self.engine is not None and self.engine.turn():
            pass

    def tick(self, later_ns: int = 1_000_000, of: Instrument = SWAP, price: float = 50_000.0) -> None:
        """Let time pass, with a price on both sides."""
        self.now_ns += later_ns
        quotes = {"bid_price": price, "bid_size": 1e6, "ask_price": price, "ask_size": 1e6}
        self.bus.publish(Tick(symbol=of.symbol, venue="V", event_ns=self.now_ns, last_price=price, **quotes), cause=0)
        self.turn()

    def trade(self, side: Side, quantity: float, of: Instrument = SWAP, strategy: str = "s", price: float = 50_000.0) -> None:
        """Let a market order fill."""
        self.tick(of=of, price=price)
        terms: dict[str, Any] = {"symbol": of.symbol, "venue": "V", "side": side, "quantity": quantity, "order_type": OrderType.MARKET}
        self.bus.publish(OrderRequest(**terms, account="paper", strategy=strategy, event_ns=self.now_ns), cause=0)
        self.turn()
        self.tick(of=of, price=price)

    def rate(self, rate: float, next_ns: int, mark: float | None = None, of: Instrument = SWAP) -> None:
        """Tell a rate."""
        self.bus.publish(Funding(symbol=of.symbol, venue="V", event_ns=self.now_ns, rate=rate, next_ns=next_ns, mark_price=mark), cause=0)
        self.turn()

    def read(self, kind: Any) -> list[Any]:
        """Return all events of a kind."""
        with self.bus.reader(start="begin", events=[kind]) as reader:
            return list(reader)

    def payments(self) -> list[Any]:
        """Return what was paid: the time after NOW in hours, and the payments."""
        return [((one.due_ns - NOW) // HOUR, *one.payments) for one in self.read(FundingPayment)]

    def cash(self, currency: str = "USDT") -> float:
        """Return the newest cash."""
        return [one.cash for one in self.read(AccountEvent) if one.currency == currency][-1]


@pytest.fixture
def pit(tmp_path: Path) -> Iterator[Pit]:
    """Return a pit whose journal adds up at the end."""
    with EventBus(tmp_path / "bus", world=World.PAPER, source="test", page_mb=0.25, sync="none") as bus:
        made = Pit(bus)
        made.start()
        yield made
        assert made.engine is not None
        assert made.engine.stop()
        audit(bus)


def test_long_pays_short_at_the_mark_price(pit: Pit) -> None:
    """The rate that was told last counts, at the mark price or the last one; each position has its part, in its profit and in the cash."""
    pit.trade(Side.BUY, 2.0, strategy="long")
    pit.trade(Side.SELL, 1.0, strategy="short")
    pit.rate(0.5, NOW + 8 * HOUR)
    pit.rate(0.0001, NOW + 8 * HOUR, mark=60_000.0)
    before = pit.cash()
    pit.tick(7 * HOUR)
    assert pit.payments() == []
    pit.tick(HOUR)
    pit.tick(HOUR)
    assert pit.payments() == [(8, ("long", 0, 2.0, -12.0), ("short", 0, -1.0, 6.0))]
    assert pit.cash() == before - 6.0
    told = {one.strategy: one.realised_pnl for one in pit.read(PositionEvent)}
    assert told == {"long": -12.0, "short": 6.0}
    pit.rate(-0.001, NOW + 16 * HOUR)
    pit.tick(8 * HOUR, price=40_000.0)  # at the price before it
    assert pit.payments()[1] == (16, ("long", 0, 2.0, 100.0), ("short", 0, -1.0, -50.0))


def test_who_holds_nothing_then_pays_nothing(pit: Pit) -> None:
    """A position that is closed before, or opened after, has no part in it; a rate of a time that is over changes nothing."""
    pit.trade(Side.BUY, 1.0)
    pit.rate(0.001, NOW + 8 * HOUR)
    pit.trade(Side.SELL, 1.0)
    pit.tick(9 * HOUR)
    pit.trade(Side.BUY, 1.0)
    pit.rate(0.001, NOW + 8 * HOUR)
    pit.rate(0.001, 0)
    pit.start()
    pit.tick(HOUR)
    assert pit.payments() == []


def test_inverse_contracts_pay_in_coins(pit: Pit) -> None:
    """1,000 contracts of 100 dollars are worth two coins at 50,000."""
    pit.trade(Side.SELL, 1000.0, of=COIN)
    pit.rate(0.001, NOW + 8 * HOUR, of=COIN)
    pit.tick(9 * HOUR, of=COIN)
    assert pit.payments() == [(8, ("s", 0, -1000.0, 0.002))]
    assert pit.cash("BTC") == pytest.approx(0.002)


@pytest.mark.parametrize("before", [True, False])
def test_a_restart_pays_once_and_forgets_none(pit: Pit, before: bool) -> None:
    """What was due while nobody was there is paid after the start, at its time; what was paid is not paid again."""
    pit.trade(Side.BUY, 1.0)
    pit.rate(0.001, NOW + 8 * HOUR, mark=50_000.0)
    if before:
        pit.tick(9 * HOUR)
    assert pit.engine is not None
    assert pit.engine.stop()
    pit.engine, pit.now_ns = None, NOW + 9 * HOUR
    pit.rate(0.002, NOW + 16 * HOUR, mark=50_000.0)
    pit.tick(HOUR)
    pit.tick(8 * HOUR)
    for _ in range(2):
        pit.start()
        pit.tick()
    assert pit.payments() == [(8, ("s", 0, 1.0, -50.0)), (16, ("s", 0, 1.0, -100.0))]
    assert pit.cash() == 100_000.0 - 150.0


@pytest.mark.parametrize("life", range(4))
def test_a_kill_in_the_middle_of_a_payment(pit: Pit, life: int) -> None:
    """Whichever of its events is missing, the next start brings it: all positions have paid once, and told so."""
    pit.trade(Side.BUY, 2.0, strategy="long")
    pit.trade(Side.SELL, 1.0, strategy="short")
    pit.rate(0.001, NOW + 8 * HOUR, mark=50_000.0)
    assert pit.engine is not None
    pit.engine.life = life
    with pytest.raises(Killed):
        pit.tick(9 * HOUR)
    pit.engine.life = -1
    pit.start()
    pit.tick()
    assert pit.payments() == [(8, ("long", 0, 2.0, -100.0), ("short", 0, -1.0, 50.0))]
    assert {one.strategy: one.realised_pnl for one in pit.read(PositionEvent)} == {"long": -100.0, "short": 50.0}
    assert pit.cash() == 100_000.0 - 50.0
