"""The exchange behind the fakes: whatever clients and the crowd do, books and accounts add up."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from fakes.account import Account
from fakes.book import Book
from fakes.exchange import Exchange
from fakes.market import Market
from fakes.orders import BUY, FILLED, SELL, Order, Refused
from fakes.terms import spot, swap

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"


def made(seed: int) -> tuple[Exchange, list[Account]]:
    """Return an exchange with two accounts."""
    exchange = Exchange([spot("BTC", "USDT", "0.1", "0.001", "60000"), swap("BTC", "USDT", "0.1", "1", "60000", "0.001")], str(seed))
    accounts = [Account(name, "", "", {"USDT": Decimal(200_000), "BTC": Decimal(3)}) for name in ("a", "b")]
    exchange.accounts = {one.key: one for one in accounts}
    return exchange, accounts


def anything(dice: random.Random, exchange: Exchange, accounts: list[Account]) -> None:
    """Do one thing that a client or the crowd could do."""
    account, symbol = dice.choice(accounts), dice.choice((SPOT, SWAP))
    market = exchange.markets[symbol]
    chance = dice.random()
    mine = exchange.of(account, symbol, only_open=True)
    try:
        if chance < 0.45:
            kind = dice.choice(("limit", "limit", "limit", "market"))
            order = Order(0, "", symbol, dice.choice((BUY, SELL)), kind, dice.randint(1, 3000))
            order.force = dice.choice(("GTC", "GTC", "IOC", "FOK", "PO")) if kind == "limit" else "IOC"
            order.ticks = max(1, market.mark + dice.randint(-300, 300)) if kind == "limit" else 0
            order.reduce_only = symbol == SWAP and dice.random() < 0.2
            if kind == "market" and symbol == SPOT and dice.random() < 0.3:
                order.lots, order.quote = 0, Decimal(dice.randint(10, 5000))
            exchange.place(account, order)
        elif chance < 0.55 and mine:
            exchange.cancel(dice.choice(mine))
        elif chance < 0.65 and mine:
            order = dice.choice(mine)
            exchange.amend(order, order.lots + dice.randint(-200, 200), order.ticks + dice.randint(-50, 50) * dice.randint(0, 1))
        elif chance < 0.7:
            market.sweep(market.mark + dice.randint(-200, 200))
            exchange.settle(market)
        else:
            exchange.step(market, dice.randint(1, 5))
    except Refused:
        pass


def check(exchange: Exchange, accounts: list[Account]) -> None:
    """Compare books, holds, fills and balances with each other."""
    for market in exchange.markets.values():
        check_book(exchange, market)
    for account in accounts:
        held: dict[str, Decimal] = {}
        for order in exchange.of(account, only_open=True):
            terms = exchange.markets[order.symbol].terms
            currency = terms.quote if terms.swap or order.side == BUY else terms.base
            held[currency] = held.get(currency, Decimal(0)) + order.hold
        for currency in ("USDT", "BTC"):
            assert abs(account.locked.get(currency, Decimal(0)) - held.get(currency, Decimal(0))) < Decimal("1e-9")
        worth = {"USDT": Decimal(200_000), "BTC": Decimal(3)}
        for fill in account.fills:
            terms = exchange.markets[fill.symbol].terms
            worth[fill.fee_currency] -= fill.fee
            if terms.swap:
                worth["USDT"] += fill.pnl
            else:
                worth["USDT"] -= fill.side * terms.notional(fill.ticks, fill.lots)
                worth["BTC"] += fill.side * terms.quantity(fill.lots)
        for currency, amount in worth.items():
            assert abs(account.total[currency] - amount) < Decimal("1e-9")
        assert account.total["BTC"] >= 0
        stands = account.positions[SWAP].lots if SWAP in account.positions else 0
        assert stands == sum(fill.side * fill.lots for fill in account.fills if fill.symbol == SWAP)
        for order in exchange.of(account):
            done = [fill for fill in account.fills if fill.order_id == order.id]
            assert order.filled == sum(fill.lots for fill in done) <= order.lots
            assert (order.status == FILLED) == (order.filled == order.lots)
            assert order.is_open or order.hold == 0


def check_book(exchange: Exchange, market: Market) -> None:
    """Look whether the book is uncrossed and holds each open order once."""
    book = market.book
    bid, ask = book.best(BUY), book.best(SELL)
    assert bid is None or ask is None or bid < ask
    for side in (BUY, SELL):
        standing = {order.id: lots for order, lots in book.clients(side, 1 if side == BUY else 1 << 60)}
        wanted = {
            order.id: order.left
            for orders in exchange.open.values()
            for order in orders.values()
            if order.symbol == market.terms.symbol and order.side == side
        }
        assert standing == wanted


@pytest.mark.parametrize("seed", range(4))
def test_books_and_accounts_add_up(seed: int) -> None:
    """After each of a few hundred random acts all sums are right, and no order is lost or done twice."""
    dice = random.Random(seed)
    exchange, accounts = made(seed)
    for market in exchange.markets.values():
        market.wake()
    for number in range(500):
        anything(dice, exchange, accounts)
        if number % 5 == 0:
            check(exchange, accounts)
    check(exchange, accounts)
    assert sum(len(account.fills) for account in accounts) > 20


def test_the_same_seed_does_the_same() -> None:
    """Trades of two crowds with one seed are equal, those of another seed are not."""
    found = []
    for seed in ("1", "1", "2"):
        market = Market(spot("BTC", "USDT", "0.1", "0.001", "60000"), seed, 0)
        market.wake()
        for _ in range(200):
            market.step(0)
        found.append([(trade.ticks, trade.lots, trade.side) for trade in market.trades])
    assert found[0] == found[1] != found[2]


def test_an_order_never_meets_its_owner() -> None:
    """Who would trade with himself loses the order that stood there, and takes from the others, first come first served."""
    book = Book()
    own, other = (Order(number, name, SPOT, SELL, "limit", 5, 100) for number, name in ((1, "a"), (2, "b")))
    for lots, order in ((3, None), (5, own), (5, other)):
        book.add(SELL, 100, lots, order)
    assert book.available(BUY, 100, "a") == 8
    assert list(book.take(BUY, 6, 100, "a")) == [(100, 3, None), (100, 0, own), (100, 3, other)]
    assert book.lots(SELL, 100) == 2
