"""The account in C++, beside the accounts of the trading engine and the plain fold: the same floats to the last bit."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant._native import Account
from gcg_quant.events import AccountEvent, Fill, Liquidity, Offset, PositionEvent, PositionSide, Side
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine.accounts.accounts import Accounts, is_margined
from gcg_quant.strategy_engine.accounts.plain_account import PlainAccount

STRATEGIES = ("a", "b")
CURRENCIES = ("USD", "CNY", "HKD", "JPY", "USDT", "BTC")
COIN: dict[str, Any] = {
    "venue": "SIM",
    "kind": "future",
    "currency": "BTC",
    "tick_size": 0.1,
    "lot_size": 1.0,
    "multiplier": 100.0,
    "inverse": True,
}
# Of each market, with a price about which it trades.
MARKETS = [
    (preset("fx", "EUR/USD", "SIM"), 1.1),
    (preset("fx", "USD/JPY", "SIM"), 151.3),
    (preset("cn_stock", "600519", "SSE"), 1700.0),
    (preset("cn_stock", "510300", "SSE"), 3.5),
    (preset("cn_stock", "688981", "SSE"), 61.7),
    (preset("cn_future", "rb2501", "SHFE"), 3500.0),
    (preset("cn_future", "cu2501", "SHFE"), 70_000.0),
    (preset("cn_future", "IF2412", "CFFEX"), 3900.0),
    (preset("cn_future", "T2503", "CFFEX"), 108.0),
    (preset("cn_future", "jd2501", "DCE"), 3300.0),
    (preset("cn_future", "IH2412", "CFFEX", larger_side=False, close_today_fee_per_unit=1.3), 2600.0),
    (preset("us", "AAPL", "NASDAQ"), 190.0),
    (preset("us", "ESZ4", "CME", kind="future"), 5900.0),
    (preset("hk", "00700", "HKEX", price=390.0), 390.0),
    (preset("crypto", "BTC/USDT", "SIM", maker_fee=-0.0001, fee_per_order=0.01), 65_000.0),
    (Instrument(symbol="X", venue="SIM", tick_size=0.1, lot_size=1e-5), 12.3),
    (Instrument(symbol="BTC/USD:BTC", **COIN, margin_rate=0.02, maker_fee=-0.0001, taker_fee=0.0005), 65_000.0),
    (Instrument(symbol="ETH/USD:BTC", **COIN, margin_rate=1.0, taker_fee=0.0005, close_today_fee=0.001, legs=True), 3_000.0),
]
FILL = st.tuples(
    st.just("fill"),
    st.integers(0, len(MARKETS) - 1),
    st.sampled_from(STRATEGIES),
    st.sampled_from([Side.BUY, Side.SELL]),
    st.sampled_from([Offset.NONE, Offset.OPEN, Offset.CLOSE, Offset.CLOSE_TODAY, Offset.CLOSE_YESTERDAY]),
    st.one_of(st.integers(1, 20), st.integers(1, 3_000_000)),
    st.integers(-40, 40),
    st.tuples(st.booleans(), st.booleans()),
)
MARK = st.tuples(st.just("mark"), st.integers(0, len(MARKETS) - 1), st.integers(-40, 40))
DAY = st.tuples(st.just("day"))


def terms_of(instrument: Instrument) -> dict[str, Any]:
    """Return an instrument's terms as the native account reads them."""
    return {
        **msgspec.structs.asdict(instrument),
        "tick_ratio": Fraction(repr(instrument.tick_size)).as_integer_ratio(),
        "lot_ratio": Fraction(repr(instrument.lot_size)).as_integer_ratio(),
        "margined": is_margined(instrument),
    }


def bits(values: Any) -> list[str]:
    """Return floats so that equal ones have equal bits."""
    return [float(value).hex() for value in values]


class Pair:
    """A native account and the Python accounts and fold, which see the same."""

    def __init__(self, chosen: list[int]) -> None:
        self.native = Account(0, 1_000_000.0)
        self.accounts = Accounts("main", "USD", 1_000_000.0)
        self.instruments = [MARKETS[number][0] for number in chosen]
        self.plain = PlainAccount("main", lambda number: self.instruments[number - 1])
        self.plain.apply(self.accounts.account_event("USD", 0))
        self.bases = [MARKETS[number][0].ticks(MARKETS[number][0].round_price(MARKETS[number][1])) for number in chosen]
        self.last: dict[int, float] = {}
        self.today = 20240105
        self.trades = 0
        for number, instrument in enumerate(self.instruments, start=1):
            self.native.set_terms(number, terms_of(instrument), CURRENCIES.index(instrument.currency))

    def day(self) -> None:
        """Begin a trading day."""
        self.today += 1

    def mark(self, place: int, away: int) -> None:
        """Show a price."""
        number = place % len(self.instruments) + 1
        self.last[number] = self.native.price(number, self.bases[number - 1] + away)
        assert self.last[number] == self.instruments[number - 1].price(self.bases[number - 1] + away)
        self.native.mark(number, self.last[number])
        self.accounts.mark(number, self.last[number])

    def fill(self, place: int, strategy: str, side: Side, offset: Offset, lots: int, away: int, kind: tuple[bool, bool]) -> None:
        """Settle a fill in all three, as the books of the desk do: fee, money, and then the last price."""
        number = place % len(self.instruments) + 1
        instrument, (maker, first) = self.instruments[number - 1], kind
        ticks = self.bases[number - 1] + away
        self.trades += 1
        fill = Fill(
            symbol=instrument.symbol,
            venue=instrument.venue,
            instrument=number,
            strategy=strategy,
            trade_id=str(self.trades),
            side=side,
            offset=offset,
            quantity=instrument.quantity(lots),
            price=instrument.price(ticks),
            fee_currency=instrument.currency,
            trading_day=self.today,
            liquidity=Liquidity.MAKER if maker else Liquidity.TAKER,
        )
        today = self.accounts.closes_today(fill, number, instrument) if instrument.legs else 0.0
        fee = instrument.fee(fill.quantity, fill.price, sell=side == Side.SELL, maker=maker, first=first, today=today)
        fill = fill.replace(fee=fee)
        before = self.accounts.in_currency(instrument.currency).realised
        self.accounts.settle(fill, number, instrument)
        if number in self.last:
            self.accounts.mark(number, self.last[number])
        self.plain.apply(fill)
        settled = self.native.settle(
            strategy=STRATEGIES.index(strategy) + 1,
            instrument=number,
            side=side,
            lots=lots,
            ticks=ticks,
            offset=offset,
            maker=maker,
            first=first,
            trading_day=self.today,
        )
        assert bits(settled[:3]) == bits([fill.price, fill.quantity, fee])
        assert before + settled[3] == self.accounts.in_currency(instrument.currency).realised

    def end(self) -> None:
        """Compare every position and every sum; the fold compares events that are made of the native account's numbers."""
        positions = list(self.accounts.positions.values())
        rows = self.native.positions()
        assert len(rows) == len(positions)
        for row, one in zip(rows, positions, strict=True):
            strategy, number, side, lots, quantity, today, day, *money = row
            assert (STRATEGIES[strategy - 1], number, side, lots, today, day) == (
                one.strategy, one.number, one.side, one.lots, one.today_lots, one.day,
            )  # fmt: skip
            last = one.last_price if one.lots else money[1]
            wanted = [one.quantity, one.average_price, last, one.value, one.unrealised, one.margin, one.realised, one.fees]
            assert bits([quantity, *money]) == bits(wanted)
            self.plain.apply(self.position_event(row))
        for place, currency in enumerate(CURRENCIES):
            money = self.accounts.in_currency(currency)
            found = [self.native.cash(place), self.native.ledger(place), self.native.realised(place), self.native.fees(place)]
            assert bits(found) == bits([money.cash, money.ledger, money.realised, money.fees])
            sums = [self.native.margin(place), self.native.unrealised(place), self.native.equity(place)]
            assert bits(sums) == bits([one(currency) for one in (self.accounts.margin, self.accounts.unrealised, self.accounts.equity)])
            self.plain.apply(self.account_event(place))
            for number, strategy in enumerate((None, *STRATEGIES)):
                profit = self.accounts.profits(strategy).get(currency)
                if profit is not None:
                    assert bits(self.native.profit(number, place)) == bits([profit.realised, profit.unrealised, profit.fees, profit.margin])
        for number, instrument in enumerate(self.instruments, start=1):
            assert self.native.net_lots(0, number) == self.accounts.total(number)
            if instrument.t_plus_one:
                assert self.native.bought(number) == self.accounts.bought[number]

    def position_event(self, row: tuple[Any, ...]) -> PositionEvent:
        """Return what a row of the native account would be told as."""
        strategy, number, side, lots, quantity, today, _, average, last, _, unrealised, margin, realised, fees = row
        instrument = self.instruments[number - 1]
        return PositionEvent(
            symbol=instrument.symbol,
            venue=instrument.venue,
            instrument=number,
            strategy=STRATEGIES[strategy - 1],
            position_side=PositionSide(side),
            quantity=quantity,
            today=instrument.quantity(today),
            yesterday=instrument.quantity(abs(lots) - today),
            frozen=0.0,
            average_price=average,
            last_price=last,
            realised_pnl=realised,
            unrealised_pnl=unrealised,
            fees=fees,
            margin=margin,
            currency=instrument.currency,
        )

    def account_event(self, place: int) -> AccountEvent:
        """Return what the native account's sums of a currency would be told as."""
        native = self.native
        return AccountEvent(
            account="main",
            currency=CURRENCIES[place],
            cash=native.cash(place),
            equity=native.equity(place),
            margin=native.margin(place),
            available=native.equity(place) - native.margin(place),
            realised_pnl=native.realised(place),
            unrealised_pnl=native.unrealised(place),
            fees=native.fees(place),
        )


@settings(max_examples=examples(150))
@given(
    st.lists(st.integers(0, len(MARKETS) - 1), min_size=1, max_size=4, unique=True),
    st.lists(st.one_of(FILL, FILL, FILL, MARK, DAY), min_size=1, max_size=60),
)
def test_native_account_has_the_same_bits(chosen: list[int], steps: list[tuple[Any, ...]]) -> None:
    """Whatever is filled and marked, of whichever markets: positions, fees, cash, margin and equity are equal as bits."""
    pair = Pair(chosen)
    for what, *arguments in steps:
        getattr(pair, what)(*arguments)
    pair.end()


@settings(max_examples=examples(300))
@given(
    st.integers(-(2**63), 2**63 - 1),
    st.one_of(st.just(1), st.integers(1, 10**6), st.integers(1, 2**63 - 1)),
    st.one_of(st.sampled_from([1, 4, 100, 10**8, 10**18]), st.integers(1, 2**63 - 1)),
)
def test_prices_are_rounded_as_python_divides_integers(count: int, numerator: int, denominator: int) -> None:
    """Ticks become the float nearest to the exact quotient, also where the products do not fit 53 or 64 bits."""
    account = Account()
    terms = terms_of(MARKETS[0][0]) | {"tick_ratio": (numerator, denominator)}
    account.set_terms(1, terms)
    assert account.price(1, count) == count * numerator / denominator


def test_terms_that_do_not_fit_are_refused() -> None:
    """A tick size that is no fraction of 64 bits, or a missing term, is an error and not a wrong price."""
    account = Account()
    with pytest.raises(OverflowError):
        account.set_terms(1, terms_of(MARKETS[0][0]) | {"tick_ratio": (1, 10**30)})
    with pytest.raises(ValueError, match="fractions above 0"):
        account.set_terms(1, terms_of(MARKETS[0][0]) | {"lot_ratio": (0, 1)})
    with pytest.raises(KeyError):
        account.set_terms(1, {"tick_ratio": (1, 1)})
    with pytest.raises(KeyError):
        account.mark(1, 5.0)
    with pytest.raises(ValueError, match="no terms of instrument 1"):
        account.settle(strategy=1, instrument=1, side=1, lots=1, ticks=1)
