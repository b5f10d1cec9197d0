"""Inverse contracts, paid in coins: money, margin and fees against plain fractions, risk in coins, and what cannot hold them says so."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import isnan, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant._native import Account
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, InstrumentError
from gcg_quant.events import AccountEvent, Fill, OrderEvent, OrderRequest, OrderType, PositionEvent, Side, Tick, World
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.accounts.accounts import Accounts, is_margined
from gcg_quant.strategy_engine.accounts.audit import audit
from gcg_quant.strategy_engine.accounts.currencies import CurrencyRates
from gcg_quant.strategy_engine.strategy.portfolio import PositionView

NOW = 1_790_000_000_000_000_000
COIN = Instrument(
    symbol="BTC/USD:BTC",
    venue="V",
    kind="future",
    currency="BTC",
    tick_size=0.1,
    lot_size=1.0,
    multiplier=100.0,
    margin_rate=0.1,
    taker_fee=0.0005,
    inverse=True,
)
STEP = st.tuples(st.sampled_from([Side.BUY, Side.SELL]), st.integers(1, 5000), st.integers(1, 2_000_000))


@given(st.lists(STEP, min_size=1, max_size=30), st.integers(1, 2_000_000))
@settings(max_examples=100)
def test_money_is_that_of_plain_fractions(steps: list[tuple[Side, int, int]], last_ticks: int) -> None:
    """Equity is what was begun with, less fees, plus contracts over the price of each fill, less what is left over the last price."""
    accounts, native = Accounts("main", "BTC", 10.0), Account(0, 10.0)
    ratios = {name: Fraction(repr(getattr(COIN, f"{name}_size"))).as_integer_ratio() for name in ("tick", "lot")}
    fields = {name: getattr(COIN, name) for name in COIN.__struct_fields__}
    native.set_terms(1, {**fields, "tick_ratio": ratios["tick"], "lot_ratio": ratios["lot"], "margined": is_margined(COIN)})
    equity, scale, fees, held = Fraction(10), Fraction(10), Fraction(0), 0
    for number, (side, lots, ticks) in enumerate(steps):
        price, sign = COIN.price(ticks), 1 if side == Side.BUY else -1
        worth = Fraction(lots * 100) / (Fraction(ticks) / 10)
        fee = COIN.fee(float(lots), price, sell=side == Side.SELL)
        fees += worth * Fraction("0.0005")
        equity += sign * worth
        scale += worth
        held += sign * lots
        fill = {"symbol": COIN.symbol, "venue": "V", "strategy": "s", "trade_id": str(number), "side": side, "fee_currency": "BTC"}
        accounts.settle(Fill(**fill, quantity=float(lots), price=price, fee=fee, trading_day=20240105), 1, COIN)
        native.settle(strategy=1, instrument=1, side=side, lots=lots, ticks=ticks, trading_day=20240105)
    accounts.mark(1, COIN.price(last_ticks))
    native.mark(1, COIN.price(last_ticks))
    left = Fraction(held * 100) / (Fraction(last_ticks) / 10)
    close: dict[str, Any] = {"rel": 1e-9, "abs": float(scale + abs(left)) * 1e-12}
    assert accounts.equity("BTC") == pytest.approx(float(equity - fees - left), **close)
    assert accounts.margin("BTC") == pytest.approx(float(abs(left) / 10), **close)
    assert accounts.in_currency("BTC").fees == pytest.approx(float(fees), **close)
    assert (native.equity(), native.margin(), native.fees()) == (accounts.equity("BTC"), accounts.margin("BTC"), accounts.money["BTC"].fees)
    if not held:
        assert accounts.in_currency("BTC").realised == pytest.approx(float(equity - 10), **close)
        assert accounts.in_currency("BTC").ledger == pytest.approx(accounts.in_currency("BTC").cash, **close)


def test_formulas_by_hand() -> None:
    """1,000 contracts of 100 dollars from 50,000 to 40,000 lose half a coin, as the venues' pages count; linear ones are as they were."""
    assert COIN.profit(1000.0, 50_000.0, 40_000.0) == pytest.approx(-0.5)
    assert COIN.profit(-1000.0, 50_000.0, 40_000.0) == pytest.approx(0.5)
    assert COIN.value(-1000.0, 50_000.0) == 2.0
    assert COIN.average(1.0, 50_000.0, 1.0, 25_000.0) == pytest.approx(100_000 / 3)
    assert isnan(COIN.value(1.0, 0.0))
    assert isnan(COIN.profit(1.0, 50_000.0, 0.0))
    linear = Instrument(symbol="X", venue="V", kind="future", multiplier=10.0)
    assert (linear.profit(-2.0, 5.0, 4.0), linear.value(-2.0, 5.0), linear.average(1.0, 4.0, 3.0, 8.0)) == (20.0, 100.0, 7.0)
    assert (linear.paid(2.0, 5.0), linear.paid(-2.0, 5.0), COIN.paid(1000.0, 50_000.0)) == (100.0, -100.0, -2.0)


def test_what_a_strategy_sees() -> None:
    """Its view of a position counts the open profit in coins, too; without a price it has none."""
    view = PositionView("BTC/USD:BTC", "V", 1000.0, 50_000.0, last_price=40_000.0, multiplier=100.0, inverse=True)
    assert view.unrealised == pytest.approx(-0.5)
    view.last_price = nan
    assert isnan(view.unrealised)


def test_backtrader_refuses_what_it_cannot_count() -> None:
    """No commission scheme knows 1 / price."""
    from gcg_quant.backtest.conversion.comminfo import comminfo_of

    with pytest.raises(BacktestError, match="is an inverse contract.*take the linear contract"):
        comminfo_of(COIN)


def test_only_contracts_are_inverse() -> None:
    """What is paid in full has no inverse form."""
    with pytest.raises(InstrumentError, match="inverse is for contracts"):
        Instrument(symbol="X", venue="V", inverse=True)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[EventBus]:
    """Return a bus of the paper world with the contract."""
    with EventBus(tmp_path / "bus", world=World.PAPER, source="test", page_mb=0.25, sync="none") as opened:
        opened.instruments.add(COIN)
        yield opened
        audit(opened)


def test_on_paper_in_an_account_of_coins(bus: EventBus) -> None:
    """Limits and buying power are in coins: what a coin can margin passes, ten times that does not; a restart finds the same."""
    limits = RiskLimits(max_order_value=6.0, price_band=None)
    engine = TradingEngine(TradingConfig(account="paper", currency="BTC", cash=0.5), limits)
    now_ns = [NOW]

    def say(event: Any) -> None:
        bus.publish(event, cause=0)
        while engine.turn():
            pass

    def order(price: float, side: Side, lots: float) -> str:
        now_ns[0] += 1_000_000
        quotes = {"bid_price": price, "bid_size": 1e6, "ask_price": price, "ask_size": 1e6}
        place: dict[str, Any] = {"symbol": COIN.symbol, "venue": "V", "event_ns": now_ns[0]}
        say(Tick(**place, last_price=price, **quotes))
        say(OrderRequest(**place, account="paper", strategy="s", side=side, quantity=lots, order_type=OrderType.MARKET))
        say(Tick(**{**place, "event_ns": now_ns[0] + 1000}, last_price=price, **quotes))
        with bus.reader(start="begin", events=[OrderEvent]) as reader:
            return list(reader)[-1].reason

    engine.start(bus, threaded=False)
    assert order(50_000.0, Side.BUY, 1000.0) == ""  # 2 coins, of which 0.2 are tied up
    assert "max_order_value" in order(50_000.0, Side.BUY, 3001.0)
    assert "needs 0.4" in order(50_000.0, Side.BUY, 2000.0)
    assert order(60_000.0, Side.SELL, 400.0) == ""
    assert engine.stop()
    with bus.reader(start="begin", events=[PositionEvent, AccountEvent]) as reader:
        events = list(reader)
    position = [one for one in events if isinstance(one, PositionEvent)][-1]
    assert (position.quantity, position.average_price, position.currency) == (600.0, 50_000.0, "BTC")
    assert position.realised_pnl == pytest.approx(400 * 100 * (1 / 50_000 - 1 / 60_000))
    assert position.unrealised_pnl == pytest.approx(600 * 100 * (1 / 50_000 - 1 / 60_000))
    assert position.margin == pytest.approx(0.1)
    account = [one for one in events if isinstance(one, AccountEvent)][-1]
    fees = 0.0005 * (2.0 + 400 * 100 / 60_000)
    assert account.equity == pytest.approx(0.5 - fees + 1000 * 100 * (1 / 50_000 - 1 / 60_000))
    again = TradingEngine(TradingConfig(account="paper", currency="BTC", cash=0.5), limits)
    again.start(bus, threaded=False)
    assert again.desk.books.accounts.equity("BTC") == account.equity
    assert again.stop()


def test_its_price_is_the_rate_of_the_coin(bus: EventBus) -> None:
    """An account in dollars values the coins at the contract's price."""
    rates = CurrencyRates("USDT", bus.instruments, lambda number: 50_000.0)
    assert rates.rate("BTC") == 50_000.0
