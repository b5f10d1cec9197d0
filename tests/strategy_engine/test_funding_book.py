"""What a venue paid for funding: split by what was held then, known again after a restart, and checked by the audit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import AuditError
from gcg_quant.events import Fill, FundingPayment, Side
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine.accounts.accounts import Accounts
from gcg_quant.strategy_engine.accounts.funding_book import FundingBook
from gcg_quant.strategy_engine.accounts.plain_account import PlainAccount

SECOND = 1_000_000_000
NOON = 1_790_000_000 * SECOND
SWAP = Instrument(symbol="BTC/USDT:USDT", venue="V", kind="future", currency="USDT", tick_size=0.1, lot_size=1.0, margin_rate=0.1)


def account() -> Accounts:
    """Return an account whose venue tells what it pays."""
    made = Accounts("a", "USDT", 1000.0)
    made.funding = FundingBook()
    return made


def trade(accounts: Accounts, strategy: str, quantity: float, event_ns: int) -> Fill:
    """Settle a fill of a signed quantity."""
    terms: dict[str, Any] = {"symbol": SWAP.symbol, "venue": "V", "account": "a", "strategy": strategy, "price": 100.0, "fee": 0.0}
    terms |= {"side": Side.BUY if quantity > 0 else Side.SELL, "trade_id": f"{strategy}{event_ns}", "client_id": "c", "instrument": 1}
    fill = Fill(**terms, quantity=abs(quantity), event_ns=event_ns)
    accounts.settle(fill, 1, SWAP)
    return fill


def split(accounts: Accounts, amount: float, due_ns: int) -> dict[str, tuple[int, float]]:
    """Return lots and part by strategy."""
    assert accounts.funding is not None
    return {one.strategy: (lots, part) for one, lots, part in accounts.funding.split(amount, due_ns, accounts.positions.values())}


def pay(number: str, due_ns: int, *payments: tuple[str, int, float, float]) -> FundingPayment:
    """Return a payment of a venue."""
    nothing = float("nan")
    terms: dict[str, Any] = {"symbol": SWAP.symbol, "venue": "V", "account": "a", "rate": nothing, "price": nothing, "currency": "USDT"}
    return FundingPayment(**terms, event_ns=due_ns, due_ns=due_ns, payments=list(payments), payment_id=number)


def test_it_is_split_by_what_was_held_then() -> None:
    """Fills after it do not count, except within a minute where nobody held any; where nobody ever did, it is nobody's."""
    accounts = account()
    trade(accounts, "a", 3.0, NOON)
    trade(accounts, "b", -1.0, NOON + SECOND)
    trade(accounts, "a", -3.0, NOON + 200 * SECOND)
    trade(accounts, "c", 5.0, NOON + 201 * SECOND)
    assert split(accounts, -4.0, NOON + 100 * SECOND) == {"a": (3, -6.0), "b": (-1, 2.0)}
    assert split(accounts, -4.0, NOON + 300 * SECOND) == {"b": (-1, 1.0), "c": (5, -5.0)}
    assert split(accounts, -3.0, NOON - 30 * SECOND) == {"a": (3, -4.5), "b": (-1, 1.5)}
    assert split(accounts, -3.0, NOON - 3600 * SECOND) == {}
    trade(accounts, "b", 1.0, NOON + 400 * SECOND)
    trade(accounts, "b", -5.0, NOON + 401 * SECOND)
    assert split(accounts, 2.0, NOON + 500 * SECOND) == {"b": (-5, 1.0), "c": (5, 1.0)}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-5, 5).filter(bool)), min_size=1, max_size=20), st.integers(0, 20))
def test_the_parts_are_the_sum(trades: list[tuple[str, int]], moment: int) -> None:
    """Whatever was traded before and after, the parts add up to what the venue has told, and what was held is what a plain sum says."""
    accounts = account()
    for place, (strategy, lots) in enumerate(trades):
        trade(accounts, strategy, float(lots), NOON + 100 * place * SECOND)
    due_ns = NOON + 100 * moment * SECOND + 1
    parts = split(accounts, -7.0, due_ns)
    held: dict[str, int] = {}
    for strategy, lots in trades[: moment + 1]:
        held[strategy] = held.get(strategy, 0) + lots
    if any(held.values()):
        assert {one: lots for one, (lots, _) in parts.items()} == {one: lots for one, lots in held.items() if lots}
    if parts:
        assert sum(part for _, part in parts.values()) == pytest.approx(-7.0)


def test_it_goes_on_where_it_was() -> None:
    """What was put down is taken up: ids, fills, and from when on payments may be missing."""
    accounts = account()
    assert accounts.funding is not None
    assert accounts.funding.since_ns == 0
    trade(accounts, "a", 3.0, NOON)
    assert accounts.funding.since_ns == NOON - NS_PER_DAY
    for day in range(5):
        accounts.fund(pay(f"p{day}", NOON + day * NS_PER_DAY, ("a", 0, 3.0, -1.0)), 1)
    again = FundingBook()
    again.load(accounts.funding.rows())
    assert again.rows() == accounts.funding.rows()
    assert again.since_ns == NOON + 3 * NS_PER_DAY
    assert [again.knows(f"p{day}") for day in range(5)] == [False, False, True, True, True]
    assert accounts.money["USDT"].cash == 995.0
    accounts.funding = again
    assert split(accounts, 1.0, NOON + 1) == {"a": (3, 1.0)}


@pytest.mark.parametrize(
    ("payments", "words"),
    [
        ([("p", ("a", 0, 2.0, -2.0)), ("p", ("a", 0, 2.0, -2.0))], "the payment p counts twice"),
        ([("p", ("x", 0, 2.0, -2.0))], "x never had a position in it"),
        ([("p", ("a", 0, 2.0, -2.0), ("b", 0, -1.0, 5.0))], "parts by quantity"),
    ],
)
def test_the_audit_sees_what_cannot_be(payments: list[Any], words: str) -> None:
    """A payment that counts twice, is of nobody, or is split in another way than by what was held."""
    accounts, plain = account(), PlainAccount("a", lambda number: SWAP)
    for strategy, quantity in (("a", 2.0), ("b", -1.0)):
        plain.apply(trade(accounts, strategy, quantity, NOON))
    *before, (last, *parts) = payments
    for number, *rest in before:
        plain.apply(pay(number, NOON, *rest))
    with pytest.raises(AuditError, match=words):
        plain.apply(pay(last, NOON, *parts))
