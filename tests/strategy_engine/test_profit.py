"""Profit goes on over restarts, and strategies, currencies and the account add up to the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import AccountEvent, Event, Fill, OrderRequest, OrderType, PositionEvent, Side, Tick, World
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import TradingConfig, TradingEngine
from gcg_quant.strategy_engine.accounts.accounts import Accounts

DAY = 86_400_000_000_000
NOW = 1_790_000_000_000_000_000 // DAY * DAY
MARKETS = {"BTC/USDT": "crypto", "AAPL": "us", "rb2501": "cn_future", "600519": "cn_stock"}
LOTS = {"BTC/USDT": 0.5, "AAPL": 10.0, "rb2501": 1.0, "600519": 100.0}
CURRENCIES = {"BTC/USDT": "USDT", "AAPL": "USD", "rb2501": "CNY", "600519": "CNY"}
Wait = Callable[..., None]


def market(chance: random.Random, number: int) -> list[Event]:
    """Return a tick and an order of one of two strategies, now and then on a later day."""
    symbol = chance.choice(list(MARKETS))
    price = 100.0 + chance.randrange(-5, 6)
    names: dict[str, Any] = {"symbol": symbol, "venue": "SIM", "event_ns": NOW + number * (DAY // 50)}
    tick = Tick(**names, last_price=price, bid_price=price, bid_size=1e4, ask_price=price + 1, ask_size=1e4)
    order = OrderRequest(
        **names,
        account="paper",
        strategy=chance.choice(["a", "b"]),
        client_id=f"k{number}",
        side=chance.choice([Side.BUY, Side.SELL]),
        quantity=LOTS[symbol] * chance.randrange(1, 4),
        order_type=OrderType.MARKET,
    )
    return [tick, order]


def run(bus: EventBus, wait_until: Wait) -> Accounts:
    """Run an engine over what there is, and return its accounts."""
    engine = TradingEngine(TradingConfig(cash=1e6))
    engine.start(bus)
    wait_until(lambda: engine.state == "running" and engine.health().lag == 0, "the engine's end")
    assert engine.stop()
    return engine.desk.books.accounts


def last_told(bus: EventBus) -> tuple[dict[Any, PositionEvent], dict[str, AccountEvent]]:
    """Return the last event of each position and of each currency."""
    positions: dict[Any, PositionEvent] = {}
    money: dict[str, AccountEvent] = {}
    with bus.reader(start="begin", events=[PositionEvent, AccountEvent]) as reader:
        for event in reader:
            if isinstance(event, PositionEvent):
                positions[event.strategy, event.symbol, event.position_side] = event
            elif isinstance(event, AccountEvent):
                money[event.currency] = event
    return positions, money


@pytest.mark.parametrize("seed", range(3))
def test_profit_goes_on_over_restarts_and_adds_up(tmp_path: Path, wait_until: Wait, seed: int) -> None:
    """Six lives are as one: each begins with the profit at which the last ended, per strategy, currency and in total."""
    chance = random.Random(seed)
    events = [event for number in range(120) for event in market(chance, number)]
    with EventBus(tmp_path / "bus", world=World.PAPER, source="test", page_mb=0.25, sync="none") as bus:
        for symbol, kind in MARKETS.items():
            bus.instruments.add(preset(kind, symbol, "SIM", calendar="24/7"))
        before: dict[str, Any] = {}
        for life in range(6):
            for event in events[life * 40 : life * 40 + 40]:
                bus.publish(event, cause=0)
            if life:  # a start that has nothing to do, to see what it begins with
                again = run_idle(bus, wait_until)
                assert {name: again.profits(name) for name in "ab"} == before
            accounts = run(bus, wait_until)
            before = {name: accounts.profits(name) for name in "ab"}
        check_sums(bus, accounts)


def run_idle(bus: EventBus, wait_until: Wait) -> Accounts:
    """Return the accounts as a fold of the journal has them, of which nothing is published."""
    engine = TradingEngine(TradingConfig(cash=1e6))
    engine._bus = bus
    fold = engine.new_fold()
    with bus.reader(start="begin") as reader:
        fold.listen(reader)
        for event in reader:
            fold.apply(event)
    return fold.desk.books.accounts


def check_sums(bus: EventBus, accounts: Accounts) -> None:
    """Positions, strategies, currencies and the account's money tell the same profit, and so do the events."""
    positions, money = last_told(bus)
    total = accounts.profits()
    assert set(total) == {"USDT", "USD", "CNY"}
    for currency, profit in total.items():
        by_strategy = [accounts.profits(name)[currency] for name in "ab" if currency in accounts.profits(name)]
        for field in ("realised", "unrealised", "fees", "margin"):
            assert getattr(profit, field) == pytest.approx(sum(getattr(one, field) for one in by_strategy), abs=1e-6)
        own = accounts.in_currency(currency)
        assert (profit.realised, profit.fees) == pytest.approx((own.realised, own.fees), abs=1e-6)
        assert profit.net == pytest.approx(accounts.equity(currency) - (1e6 if currency == "USD" else 0.0), abs=1e-3)
        told = [event for (_, symbol, _), event in positions.items() if CURRENCIES[symbol] == currency]
        assert sum(event.realised_pnl for event in told) == pytest.approx(profit.realised, abs=1e-6)
        assert sum(event.fees for event in told) == pytest.approx(money[currency].fees, abs=1e-6)
    with bus.reader(start="begin", events=[Fill]) as reader:
        assert sum(1 for _ in reader) > 80
