"""What a strategy sees of its account: the trading engine's word before the event at hand, over restarts, in one and several currencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.errors import InstrumentError, StrategyError
from gcg_quant.events import AccountEvent, LogEvent, Tick
from gcg_quant.instruments import Instrument
from gcg_quant.packing import pack_state, unpack_state
from gcg_quant.strategy_engine import AccountView, Parameter, Session, Strategy, StrategyManager, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.strategy.account_view import AccountBook
from gcg_quant.strategy_engine.strategy.market import Market
from gcg_quant.strategy_engine.strategy.portfolio import Portfolio

BTC = {"symbol": "BTC/USDT", "venue": "SIM"}


class Host:
    """What a view needs of its host: a market and a book."""

    def __init__(self, bus: EventBus) -> None:
        self.market, self.account_book = Market(bus), AccountBook()

    def view(self, symbol: str = "BTC/USDT", account: str = "paper") -> AccountView:
        """Return the view of a strategy."""
        return AccountView(Session(self, "mine", (symbol,), Portfolio(), account))  # type: ignore[arg-type]

    def tell(self, equity: float, currency: str = "USDT", account: str = "paper", **sums: float) -> None:
        """Tell a currency's sums."""
        self.account_book.note(AccountEvent(account=account, currency=currency, equity=equity, **sums))


@pytest.fixture
def host(bus: EventBus) -> Host:
    """Return a host that knows a coin, a share and a pair of currencies."""
    bus.instruments.add(Instrument(**BTC, tick_size=0.01, lot_size=0.001, currency="USDT"))
    bus.instruments.add(Instrument(symbol="SAP", venue="XETRA", tick_size=0.01, lot_size=1.0, currency="EUR"))
    bus.instruments.add(Instrument(symbol="EUR/USD", venue="FX", tick_size=1e-5, lot_size=1.0, currency="USD"))
    return Host(bus)


def test_nothing_is_known_before_it_is_told(host: Host) -> None:
    """Every sum is NaN, never 0; the currency is the default symbol's all the same."""
    view = host.view()
    sums = ("equity", "cash", "margin", "available", "realised", "unrealised", "fees")
    assert all(isnan(getattr(view, name)) for name in sums)
    assert (view.known, view.name, view.currency, view.currencies, view.told()) == (False, "paper", "USDT", (), None)


def test_newest_word_about_its_own_account_is_shown(host: Host) -> None:
    """One view follows what is told; other accounts are not its own; nobody can write on it."""
    view = host.view()
    host.tell(900.0, cash=500.0, margin=400.0, available=500.0, realised_pnl=-90.0, unrealised_pnl=-10.0, fees=3.0)
    host.tell(7.0, account="other")
    assert (view.equity, view.cash, view.margin, view.available) == (900.0, 500.0, 400.0, 500.0)
    assert (view.realised, view.unrealised, view.fees, view.known) == (-90.0, -10.0, 3.0, True)
    host.tell(950.0, cash=500.0)
    assert (view.equity, view.cash, view.available) == (950.0, 500.0, 0.0)
    assert repr(view) == "AccountView('paper', 'USDT', equity=950.0, cash=500.0, margin=0.0, available=0.0)"
    with pytest.raises(AttributeError):
        view.equity = 1e9  # type: ignore[misc]


def test_currencies_add_up_at_the_rates_of_the_risk_check(host: Host, bus: EventBus) -> None:
    """Dollar coins count as dollars, others by the last price seen; without one the sum is not known, each currency still is."""
    host.tell(1000.0, "USD")
    host.tell(-50.0, "USDT")
    assert (host.view().equity, host.view().currency, host.view().currencies) == (950.0, "USDT", ("USD", "USDT"))
    host.tell(0.0, "EUR")
    assert host.view().equity == 950.0  # nothing needs no rate
    host.tell(100.0, "EUR")
    assert isnan(host.view().equity)
    assert isnan(host.view("SAP").equity)
    assert [host.view().told(one).equity for one in ("USD", "EUR")] == [1000.0, 100.0]  # type: ignore[union-attr]
    assert host.view().told("CNY") is None
    bus.publish(Tick(symbol="EUR/USD", venue="FX", last_price=1.25))
    with bus.reader(start="begin", events=[Tick]) as reader:
        host.market.note_tick(next(one for one in reader if isinstance(one, Tick)))
    assert host.view().equity == 1075.0
    assert (host.view("SAP").equity, host.view("SAP").currency) == (860.0, "EUR")
    assert host.view().in_currency("EUR").equity == 860.0


def test_patterns_leave_the_accounts_own_currency(host: Host) -> None:
    """Without a default symbol money is in the currency that was told first."""
    view = host.view("*USDT")
    assert (view.currency, isnan(view.equity)) == ("", True)
    host.tell(1000.0, "USD")
    host.tell(5.0, "USDT")
    assert (view.currency, view.equity) == ("USD", 1005.0)


def test_no_account_is_the_only_one_that_there_is(host: Host) -> None:
    """A strategy that names no account sees the one account; which of several is meant nobody can say."""
    view = host.view(account="")
    host.tell(1000.0)
    assert view.equity == 1000.0
    host.tell(9.0, account="other")
    assert isnan(view.equity)


def test_book_is_the_same_out_of_a_snapshot(host: Host) -> None:
    """Sums, and the order of the currencies, are those that were told."""
    host.tell(1000.0, "USD", cash=900.0)
    host.tell(5.0, "EUR")
    host.tell(7.0, "CNY", account="other")
    again = AccountBook()
    again.load(unpack_state(pack_state(host.account_book.dump())))
    assert list(again.told("paper")) == ["USD", "EUR"]
    assert (again.told("paper")["USD"].cash, again.told("other")["CNY"].equity) == (900.0, 7.0)


def test_parameter_named_account_would_hide_it() -> None:
    """Such a class is refused with the way out."""
    with pytest.raises(StrategyError, match=r"would hide Strategy\.account: give it another name"):
        type("Mine", (Strategy,), {"account": Parameter("x")})


# ---- with a manager and a trading engine

TRADER = """
class Trader(Strategy):
    symbols = ("BTC/USDT",)
    def on_start(self):
        self.log(f"start {self.account.equity!r}")
    def on_tick(self, tick):
        if self.position.is_flat and not self.orders:
            self.buy(1.0)
        self.log(f"tick {self.account.equity!r} {self.account.cash!r} {self.account.available!r}")
    def on_fill(self, fill):
        self.log(f"fill {self.account.equity!r} {self.account.cash!r} {self.account.available!r}")
"""


@pytest.fixture
def engine(bus: EventBus, wait_until: Callable[..., None]) -> Iterator[TradingEngine]:
    """Run a trading engine whose account is in dollars, which tells the account at each price."""
    bus.instruments.add(Instrument(**BTC, tick_size=0.01, lot_size=0.001, currency="USDT", taker_fee=0.001))
    made = TradingEngine(TradingConfig(account="paper", cash=100_000.0, currency="USD", mark_interval_ns=1))
    made.start(bus)
    wait_until(lambda: made.state in ("running", "failed"), "the engine's start")
    yield made
    assert made.stop()


def tick(bus: EventBus, number: int) -> None:
    """Publish the tick number `number` of a wave."""
    price = 20_000.0 + 500.0 * ((number % 7) - 3)
    bus.publish(Tick(**BTC, event_ns=now_ns(), bid_price=price, ask_price=price + 1, bid_size=9.0, ask_size=9.0, last_price=price))


def before(events: list[AccountEvent], event_id: int) -> list[str]:
    """Return equity, cash and available money before an event, as the strategy writes them."""
    newest = {one.currency: one for one in events if one.id < event_id}
    if not newest:
        return ["nan"] * 3
    return [repr(0.0 + sum(getattr(one, name) for one in newest.values())) for name in ("equity", "cash", "available")]


def test_strategy_sees_the_word_before_the_event_at_hand(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Callable[..., StrategyManager],
    command: Callable[..., Any],
    write_file: Callable[[str, str], Path],
    journal: Callable[..., list[Any]],
    wait_until: Callable[..., None],
) -> None:
    """Live, every sum that it reads is that of the journal before the event it handles; a restart begins with the last one."""

    def said(what: str) -> list[str]:
        return [one.message for one in journal(LogEvent) if one.component == "mine" and one.message.startswith(what)]

    write_file("trader.py", TRADER)
    manager = start_manager()
    assert command("run", "mine", file="trader").ok
    for number in range(40):
        tick(bus, number)
        wait_until(lambda wanted=number: len(said("tick")) > wanted, "the tick's line")
    wait_until(lambda: said("fill"), "the fill")

    events = journal(AccountEvent)
    lines = [one for one in journal(LogEvent) if one.component == "mine"]
    assert lines[0].message == "start nan"
    assert all(one.message.split()[1:] == before(events, one.about) for one in lines[1:])
    assert len(set(said("tick"))) > 5  # marked as prices move
    assert {one.currency for one in events} == {"USD", "USDT"}
    assert manager.stop()
    events = journal(AccountEvent)
    expected = before(events, events[-1].id + 1)[0]
    start_manager()
    wait_until(lambda: len(said("start")) == 2, "the strategy's second start")
    assert said("start")[-1] == f"start {expected}"
    assert expected != "100000.0"


def test_unknown_symbol_has_no_share_of_the_equity(host: Host) -> None:
    """A share is worth something in the currency of an instrument, which must be there."""
    strategy = Strategy()
    strategy.attach(Session(host, "mine", ("BTC/USDT",), Portfolio(), "paper"))  # type: ignore[arg-type]
    host.tell(1000.0, "USD")
    assert (strategy.account.equity, strategy.equity_share(25.0)) == (1000.0, 250.0)
    with pytest.raises(InstrumentError):
        strategy.equity_share(25.0, "BTC/USTD")
