"""The tables of the drawer."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR
from gcg_quant.events import (
    AccountEvent,
    Applied,
    ConfigChangeEvent,
    Event,
    Fill,
    LogEvent,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    StrategyStatusEvent,
)
from gcg_quant.instruments import Instrument
from gcg_quant.kill_switch import kill_change
from gcg_quant.packing import pack_state, unpack_state
from gcg_quant.visualization.ledger import TABLES, Ledger

TEN = Instrument(symbol="X", venue="V", multiplier=10.0)


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger of instruments whose units count tenfold."""
    return Ledger(lambda symbol, venue: TEN)


def position(quantity: float, symbol: str = "X", **fields: float) -> PositionEvent:
    """Return a position of strategy s."""
    return PositionEvent(symbol=symbol, venue="V", account="a", strategy="s", quantity=quantity, **fields)  # type: ignore[arg-type]


def test_rows_are_taken_once(ledger: Ledger) -> None:
    """A changed row is told once, as it is by then; all rows stay for pages that come later."""
    for status in (OrderStatus.ACCEPTED, OrderStatus.FILLED):
        ledger.on_order(OrderEvent(symbol="X", request=1, status=status))
    assert [row["status"] for row in ledger.take()["orders"]] == ["filled"]
    assert ledger.take() == {}
    assert len(ledger.all()["orders"]) == 1
    assert set(ledger.all()) == set(TABLES)


def test_strategy_row_adds_its_positions_up(ledger: Ledger) -> None:
    """A strategy's row shows position, profit and fees of what it holds, whichever event comes first."""
    ledger.on_position(position(2, average_price=5, unrealised_pnl=3, realised_pnl=1, fees=0.5))
    ledger.on_strategy(StrategyStatusEvent(strategy="s", state="running", symbols=["X"]))
    ledger.on_fill(Fill(symbol="X", strategy="s", price=5, quantity=2))
    row = ledger.all()["strategies"][0]
    assert (row["position"], row["open"], row["realised"], row["fees"], row["fills"]) == (2, 3, 1, 0.5, 1)


def test_positions_of_several_instruments_do_not_add_up(ledger: Ledger) -> None:
    """Two instruments held at once have no common position."""
    ledger.on_strategy(StrategyStatusEvent(strategy="s", state="running"))
    ledger.on_position(position(2))
    ledger.on_position(position(-1, "Y"))
    assert ledger.all()["strategies"][0]["position"] is None


def test_open_profit_follows_the_price(ledger: Ledger) -> None:
    """Positions are valued at the last price with the instrument's multiplier; an unchanged price tells nothing."""
    ledger.on_strategy(StrategyStatusEvent(strategy="s", state="running"))
    ledger.on_position(position(-2, average_price=5))
    ledger.take()
    ledger.on_prices({"X@V": 4.0, "Y@V": 1.0})
    changed = ledger.take()
    assert changed["positions"][0]["open"] == 20.0
    assert changed["strategies"][0]["open"] == 20.0
    ledger.on_prices({"X@V": 4.0})
    assert ledger.take() == {}


def test_profit_of_today_begins_with_the_day(ledger: Ledger) -> None:
    """Today's profit counts from the last equity of the day before, else from the first one seen."""
    ledger.saw_the_beginning = False
    for hours, equity in ((20, 100.0), (21, 110.0), (25, 105.0), (26, 125.0)):
        ledger.on_account(AccountEvent(account="a", equity=equity, event_ns=20_000 * NS_PER_DAY + hours * NS_PER_HOUR))
    assert ledger.all()["accounts"][0]["today"] == 15.0


def test_books_of_currencies_stand_apart_from_their_first_trade_on(ledger: Ledger) -> None:
    """Each currency has its own profit; a new book's first event, that of its first trade, counts in full."""
    ledger.on_account(AccountEvent(account="a", currency="USD", equity=1000.0))
    ledger.on_account(AccountEvent(account="a", currency="USDT", equity=-0.5, unrealised_pnl=0.25, fees=0.75))
    assert {row["currency"]: row["today"] for row in ledger.all()["accounts"]} == {"USD": 0.0, "USDT": -0.5}


def test_money_of_two_currencies_is_not_added_up(ledger: Ledger) -> None:
    """A strategy that holds positions in two currencies shows no sum."""
    ledger.on_strategy(StrategyStatusEvent(strategy="s", state="running"))
    ledger.on_position(position(2, currency="USD", realised_pnl=1))  # type: ignore[arg-type]
    ledger.on_position(position(2, "Y", currency="CNY", realised_pnl=1))  # type: ignore[arg-type]
    assert math.isnan(ledger.all()["strategies"][0]["realised"])


def test_fill_counts_once(ledger: Ledger, bus: EventBus) -> None:
    """A fill that is read twice counts once."""
    fill = Fill(symbol="X", strategy="s", price=1, quantity=1)
    ledger.on_strategy(StrategyStatusEvent(strategy="s", state="running"))
    ledger.on_fill(fill)
    ledger.on_fill(fill)
    assert ledger.all()["strategies"][0]["fills"] == 1


def test_only_the_newest_rows_are_kept(ledger: Ledger) -> None:
    """The tables do not grow without end."""
    for request in range(1, 700):
        ledger.on_order(OrderEvent(symbol="X", request=request))
    rows = ledger.all()["orders"]
    assert len(rows) == 500
    assert rows[-1]["key"] == "699"
    assert len(ledger.take()["orders"]) == 500


def test_kill_switch_is_told_when_it_changes(ledger: Ledger) -> None:
    """A change is told once; what changes nothing is no news."""
    assert ledger.take_kill() is None
    ledger.on_kill(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}, origin="file"))
    switch = ledger.take_kill()
    assert switch is not None
    assert (switch.on, switch.origin) == (True, "file")
    ledger.on_kill(Applied(control=9, component="t", detail='{"risk.kill_switch":true}'))
    assert ledger.take_kill() is None


def test_debug_lines_are_left_out(ledger: Ledger) -> None:
    """The log shows what a person should read."""
    ledger.on_log(LogEvent(level="debug", component="c", message="m"))
    assert ledger.take() == {}


def some_event(chance: random.Random, number: int) -> Event:
    """Return an event that the drawer shows."""
    name, symbol = chance.choice(["s", "t"]), chance.choice(["X", "Y"])
    makers: list[Callable[[], Event]] = [
        lambda: StrategyStatusEvent(strategy=name, state=chance.choice(["running", "stopped"]), symbols=[symbol]),
        lambda: OrderEvent(symbol=symbol, strategy=name, request=chance.randint(1, 30), status=chance.choice(list(OrderStatus))),
        lambda: Fill(symbol=symbol, strategy=name, price=5.0, quantity=float(number)),
        lambda: position(float(chance.randint(-3, 3)), symbol, average_price=5.0, realised_pnl=chance.uniform(-1, 1), fees=0.1),
        lambda: AccountEvent(account="a", currency="USD", event_ns=number * NS_PER_HOUR, equity=1000.0 + number, realised_pnl=3.0),
        lambda: LogEvent(level=chance.choice(["info", "debug"]), component="c", message=f"line {number}"),
        lambda: kill_change(chance.random() < 0.5, f"origin {number}"),
        lambda: Applied(control=chance.randint(1, 40), component="t", detail=f'{{"risk.kill_switch":{chance.choice(["true", "false"])}}}'),
    ]
    return chance.choice(makers)()


@pytest.mark.parametrize("seed", range(3))
def test_ledger_at_any_point_and_tail_are_the_whole_ledger(bus: EventBus, seed: int) -> None:
    """Put down after any event and taken up again, the drawer ends with the same rows, in the same bytes."""
    chance = random.Random(seed)
    for number in range(1, 120):
        bus.publish(some_event(chance, number))
    whole = Ledger(lambda symbol, venue: TEN)
    with bus.reader(start="begin") as reader:
        whole.listen(reader)
        events = list(reader)
    for event in events:
        whole.apply(event)
    for cut in range(0, len(events) + 1, 7):
        first, second = Ledger(lambda symbol, venue: TEN), Ledger(lambda symbol, venue: TEN)
        for event in events[:cut]:
            first.apply(event)
        second.load(unpack_state(pack_state(first.dump())))
        assert second.take() == {}, "what was known before is no news"
        for event in events[cut:]:
            second.apply(event)
        assert pack_state(second.dump()) == pack_state(whole.dump())
