"""Accounts: positions, profit and cash, equal to the last bit to a plain fold over the fills."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.events import Fill, Offset, PositionSide, Side
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine.accounts.accounts import Accounts
from gcg_quant.strategy_engine.accounts.currencies import CurrencyRates
from gcg_quant.strategy_engine.accounts.plain_account import PlainAccount
from gcg_quant.strategy_engine.accounts.position import Position

COIN = Instrument(symbol="BTC/USDT", venue="SIM", kind="crypto", currency="USDT", tick_size=0.01, lot_size=0.001)
INDEX = Instrument(
    symbol="IF2412", venue="SIM", kind="future", currency="CNY", tick_size=0.2, lot_size=1.0, multiplier=300.0, margin_rate=0.12
)
TERMS = {1: COIN, 2: INDEX}


def fill(number: int, side: Side, lots: int, ticks: int, strategy: str = "s", fee: float = 0.0, **fields: object) -> Fill:
    """Return a fill of an instrument, in whole lots and ticks."""
    one = TERMS[number]
    return Fill(
        symbol=one.symbol,
        venue=one.venue,
        strategy=strategy,
        side=side,
        quantity=one.quantity(lots),
        price=one.price(ticks),
        fee=fee,
        fee_currency=one.currency,
        **fields,
    )


@pytest.fixture
def accounts() -> Accounts:
    """Return an account of 10,000 USDT."""
    return Accounts("paper", "USDT", 10_000.0)


def test_purchase_moves_value_out_of_the_cash(accounts: Accounts) -> None:
    """A paid instrument costs its value and the fee; equity falls by the fee alone."""
    accounts.settle(fill(1, Side.BUY, 2000, 10_000, fee=0.5), 1, COIN)
    accounts.mark(1, 100.0)
    event = accounts.account_event("USDT", 5)
    assert (event.cash, event.equity, event.fees, event.margin) == (10_000 - 200 - 0.5, 9_999.5, 0.5, 200.0)
    assert event.available == 9_799.5


def test_future_moves_only_profit_and_fee(accounts: Accounts) -> None:
    """A margined instrument leaves the cash alone until it is closed, and ties up margin."""
    accounts.settle(fill(2, Side.SELL, 2, 20_000), 2, INDEX)
    accounts.mark(2, 3990.0)
    event = accounts.account_event("CNY", 5)
    assert (event.cash, event.unrealised_pnl, event.equity) == (0.0, 6000.0, 6000.0)
    assert event.margin == pytest.approx(2 * 3990 * 300 * 0.12)
    accounts.settle(fill(2, Side.BUY, 2, 19_950, fee=30.0), 2, INDEX)
    event = accounts.account_event("CNY", 6)
    assert (event.cash, event.realised_pnl, event.fees, event.equity) == (5970.0, 6000.0, 30.0, 5970.0)


def test_position_turns_round_at_the_new_price(accounts: Accounts) -> None:
    """Selling more than is held realises the profit of what was held and opens the rest at the fill's price."""
    accounts.settle(fill(1, Side.BUY, 1000, 10_000), 1, COIN)
    accounts.settle(fill(1, Side.BUY, 1000, 11_000), 1, COIN)
    (position,) = accounts.settle(fill(1, Side.SELL, 3000, 12_000), 1, COIN)
    assert (position.lots, position.average_price, position.realised) == (-1000, 120.0, 30.0)
    (position,) = accounts.settle(fill(1, Side.BUY, 1000, 13_000), 1, COIN)
    assert (position.lots, position.realised) == (0, 20.0)
    assert isnan(position.average_price)
    assert position.unrealised == 0.0


def test_strategies_hold_their_own_positions(accounts: Accounts) -> None:
    """One strategy's purchase and another's sale stay apart, and add up to nothing in total."""
    accounts.settle(fill(1, Side.BUY, 5, 10_000, "a"), 1, COIN)
    accounts.settle(fill(1, Side.SELL, 5, 10_100, "b"), 1, COIN)
    assert accounts.total(1) == 0
    assert [one.lots for one in accounts.held(1)] == [5, -5]
    assert accounts.position("a", 1) is accounts.held(1)[0]
    assert accounts.position("c", 1) is None


def test_yesterday_is_closed_first_unless_today_is_meant() -> None:
    """The parts of a position opened today and before are kept apart."""
    position = Position("s", 2, INDEX)
    position.apply(3, 4000.0, 0.0, 20261119)
    position.apply(2, 4000.0, 0.0, 20261120)
    assert (position.today_lots, position.yesterday_lots) == (2, 3)
    position.apply(-1, 4000.0, 0.0, 20261120, Offset.CLOSE_TODAY)
    assert (position.today_lots, position.yesterday_lots) == (1, 3)
    position.apply(-4, 4000.0, 0.0, 20261120)
    assert (position.lots, position.today_lots) == (0, 0)
    position.apply(-2, 4000.0, 0.0, 20261120)
    position.roll(20261121)
    assert (position.today_lots, position.yesterday_lots) == (0, 2)


def test_fee_of_another_currency_is_charged_there(accounts: Accounts) -> None:
    """A fee in coins does not touch the cash of the quote currency."""
    accounts.settle(fill(1, Side.BUY, 1000, 10_000).replace(fee=0.001, fee_currency="BTC"), 1, COIN)
    assert accounts.in_currency("BTC").cash == -0.001
    assert accounts.in_currency("USDT").cash == 9_900.0


def test_position_event_shows_what_closing_orders_hold(accounts: Accounts) -> None:
    """Frozen is what orders would close, and never more than is held."""
    (position,) = accounts.settle(fill(1, Side.BUY, 1000, 10_000, trading_day=20261120), 1, COIN)
    event = accounts.position_event(position, 7, frozen_lots=1500)
    assert (event.quantity, event.frozen, event.today, event.yesterday, event.currency) == (1.0, 1.0, 1.0, 0.0, "USDT")


def fold(fills: list[tuple[int, Fill]]) -> tuple[dict[tuple[str, int], list[float]], dict[str, list[float]]]:
    """Return [quantity, average, realised, fees] by position and [cash, realised, fees] by currency, as plainly as possible."""
    positions: dict[tuple[str, int], list[float]] = {}
    money: dict[str, list[float]] = {"USDT": [10_000.0, 0.0, 0.0]}
    held: dict[tuple[str, int], int] = {}
    for number, one in fills:
        terms = TERMS[number]
        row = positions.setdefault((one.strategy, number), [0.0, 0.0, 0.0, 0.0])
        cash = money.setdefault(terms.currency, [0.0, 0.0, 0.0])
        lots = round(one.quantity / terms.lot_size)
        before = held.get((one.strategy, number), 0)
        after = before + (lots if one.side == Side.BUY else -lots)
        held[one.strategy, number] = after
        profit = 0.0
        if before == 0 or (before > 0) == (one.side == Side.BUY):
            size = abs(row[0])
            row[1] = (row[1] * size + one.price * one.quantity) / (size + one.quantity) if before else one.price
        else:
            closed = terms.quantity(min(lots, abs(before)))
            profit = (one.price - row[1]) * closed * (1.0 if before > 0 else -1.0) * terms.multiplier
            if after * before < 0:
                row[1] = one.price
        row[0] = terms.quantity(after)
        row[2] += profit
        row[3] += one.fee
        cash[0] += profit if terms.kind == "future" else -((1.0 if one.side == Side.BUY else -1.0) * one.quantity * one.price)
        cash[0] -= one.fee
        cash[1] += profit
        cash[2] += one.fee
    return positions, money


FILLS = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.sampled_from([Side.BUY, Side.SELL]),
        st.integers(1, 5000),
        st.integers(1, 2_000_000),
        st.sampled_from(["a", "b"]),
        st.floats(0, 100, allow_nan=False),
    ),
    max_size=40,
)


@settings(max_examples=examples(200), deadline=None)
@given(FILLS)
def test_accounts_equal_the_plain_fold_to_the_last_bit(rows: list[tuple[int, Side, int, int, str, float]]) -> None:
    """Whatever is filled, every float is the one that a plain fold gives."""
    accounts = Accounts("paper", "USDT", 10_000.0)
    fills = [(number, fill(number, side, lots, ticks, strategy, fee)) for number, side, lots, ticks, strategy, fee in rows]
    for number, one in fills:
        accounts.settle(one, number, TERMS[number])
    positions, money = fold(fills)
    for key, (quantity, average, realised, fees) in positions.items():
        position = accounts.positions[(*key, PositionSide.NET)]
        assert (position.quantity, position.realised, position.fees) == (quantity, realised, fees)
        assert position.average_price == average or not position.lots
    assert {name: [one.cash, one.realised, one.fees] for name, one in accounts.money.items()} == money


@settings(max_examples=examples(100), deadline=None)
@given(FILLS, st.floats(1, 1e5))
def test_equity_is_cash_at_the_start_plus_profit_less_fees(rows: list[tuple[int, Side, int, int, str, float]], price: float) -> None:
    """Whatever is held, equity moves by realised and unrealised profit and fees alone."""
    accounts = Accounts("paper", "USDT", 10_000.0)
    for number, side, lots, ticks, strategy, fee in rows:
        accounts.settle(fill(number, side, lots, ticks, strategy, fee), number, TERMS[number])
    for number in TERMS:
        accounts.mark(number, price)
    for currency, opening in (("USDT", 10_000.0), ("CNY", 0.0)):
        money = accounts.in_currency(currency)
        expected = opening + money.realised + accounts.unrealised(currency) - money.fees
        assert accounts.equity(currency) == pytest.approx(expected, abs=1e-3, rel=1e-9)


LEGGED = {
    1: COIN,
    2: INDEX,
    3: preset("cn_future", "rb2501", "SHFE"),
    4: preset("cn_future", "IF2412", "CFFEX"),
    5: preset("cn_stock", "600519", "SSE"),
}
LEGGED_FILLS = st.lists(
    st.tuples(
        st.sampled_from(list(LEGGED)),
        st.sampled_from([Side.BUY, Side.SELL]),
        st.sampled_from(Offset),
        st.integers(1, 6),
        st.integers(1, 2_000_000),
        st.sampled_from(["a", "b"]),
        st.floats(0, 100, allow_nan=False),
        st.integers(0, 1),
    ),
    max_size=60,
)


@settings(max_examples=examples(200))
@given(LEGGED_FILLS)
def test_sides_and_days_equal_the_plain_account(rows: list[tuple[int, Side, Offset, int, int, str, float, int]]) -> None:
    """Whatever is opened, closed, turned round and carried over days, each position and each currency is what a plain fold has."""
    accounts, plain = Accounts("paper", "CNY", 10_000.0), PlainAccount("paper", LEGGED.__getitem__)
    plain.apply(accounts.account_event("CNY", 0))
    day, net = 20261116, dict.fromkeys(LEGGED, 0)
    for count, (number, side, offset, lots, ticks, strategy, fee, later) in enumerate(rows):
        day += later
        terms = LEGGED[number]
        net[number] += lots if side == Side.BUY else -lots
        names = {"symbol": terms.symbol, "venue": terms.venue, "instrument": number, "strategy": strategy, "fee_currency": terms.currency}
        one = Fill(
            **names,
            side=side,
            offset=offset,
            quantity=terms.quantity(lots),
            price=terms.price(ticks),
            fee=fee,
            trading_day=day,
            trade_id=str(count),
        )
        moved = accounts.settle(one, number, terms)
        plain.apply(one)
        for position in moved:
            plain.apply(accounts.position_event(position, 0).replace(instrument=number))
            assert (position.side == PositionSide.NET) != terms.legs
            assert position.lots * {PositionSide.LONG: 1, PositionSide.SHORT: -1, PositionSide.NET: 0}[position.side] >= 0
            assert 0 <= position.today_lots <= abs(position.lots)
        plain.apply(accounts.account_event(terms.currency, 0))
        assert accounts.total(number) == net[number]


def test_fill_may_close_one_side_and_open_the_other(accounts: Accounts) -> None:
    """A fill without an offset closes first; the fee is the closed side's, the cash moves by its profit."""
    terms = LEGGED[4]
    names = {"symbol": "IF2412", "venue": "CFFEX", "strategy": "s", "fee_currency": "CNY", "trading_day": 20261120}
    (long,) = accounts.settle(Fill(**names, side=Side.BUY, quantity=2.0, price=4000.0, fee=1.0), 4, terms)
    closed, opened = accounts.settle(Fill(**names, side=Side.SELL, quantity=5.0, price=4010.0, fee=7.0), 4, terms)
    assert closed is long
    assert (closed.lots, closed.realised, closed.fees) == (0, 6000.0, 8.0)
    assert (opened.side, opened.lots, opened.average_price, opened.fees) == (PositionSide.SHORT, -3, 4010.0, 0.0)
    assert accounts.in_currency("CNY").cash == 6000.0 - 8.0
    assert accounts.total(4) == -3


def test_part_of_a_fill_that_closes_today_is_known_before_it_is_settled(accounts: Accounts) -> None:
    """The oldest lots go first unless today's are meant; an order that opens closes nothing."""
    terms = LEGGED[3]
    names = {"symbol": "rb2501", "venue": "SHFE", "strategy": "s", "price": 3000.0}
    for lots, day in ((2.0, 20261119), (3.0, 20261120)):
        accounts.settle(Fill(**names, side=Side.BUY, quantity=lots, trading_day=day, offset=Offset.OPEN), 3, terms)

    def today(lots: float, offset: Offset, day: int = 20261120) -> float:
        return accounts.closes_today(Fill(**names, side=Side.SELL, quantity=lots, offset=offset, trading_day=day), 3, terms)

    assert [today(4.0, offset) for offset in (Offset.NONE, Offset.CLOSE_TODAY, Offset.OPEN)] == [2.0, 3.0, 0.0]
    assert today(2.0, Offset.CLOSE_YESTERDAY) == 0.0
    assert today(4.0, Offset.NONE, 20261123) == 0.0


def test_rates_come_from_pairs_and_dollar_coins_count_as_dollars(bus: object) -> None:
    """A pair is read either way round; a currency that no pair tells has no rate."""
    from gcg_quant.bus import EventBus

    assert isinstance(bus, EventBus)
    prices = {bus.instruments.number("EUR/USD", "SIM"): 1.25, bus.instruments.number("USD/JPY", "SIM"): 160.0}
    rates = CurrencyRates("USD", bus.instruments, lambda number: prices.get(number, float("nan")))
    assert [rates.rate(name) for name in ("USD", "USDT", "EUR", "JPY", "CNY")] == [1.0, 1.0, 1.25, 1 / 160.0, None]
    prices[bus.instruments.number("USD/CNY", "SIM")] = 8.0
    assert rates.rate("CNY") == 0.125
