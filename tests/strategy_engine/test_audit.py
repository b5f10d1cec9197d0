"""The audit of a journal: what an engine wrote adds up, and any number that was changed is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import AuditError
from gcg_quant.events import (
    AccountEvent,
    Event,
    Fill,
    GatewayStatus,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    Side,
    Tick,
    World,
)
from gcg_quant.instruments import preset
from gcg_quant.pruning import prune
from gcg_quant.strategy_engine import PaperGateway, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.accounts.audit import audit

NOW = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
Wait = Callable[..., None]
TERMS = (preset("crypto", "BTC/USDT", "SIM"), preset("cn_future", "rb2501", "SIM"), preset("cn_stock", "600519", "SIM", t_plus_one=False))
NOTHING: dict[str, Any] = {"realised_pnl": 0.0, "unrealised_pnl": 0.0, "fees": 0.0}
LOTS = {"BTC/USDT": 1.0, "rb2501": 2.0, "600519": 200.0}


def tick(symbol: str, second: int, price: float) -> Tick:
    """Return a tick with a spread of one."""
    return Tick(
        symbol=symbol,
        venue="SIM",
        event_ns=NOW + second * SECOND,
        last_price=price,
        bid_price=price,
        bid_size=1000.0,
        ask_price=price + 1,
        ask_size=1000.0,
    )


def order(symbol: str, client_id: str, side: Side, quantity: float) -> OrderRequest:
    """Return a market order."""
    return OrderRequest(
        symbol=symbol,
        venue="SIM",
        event_ns=NOW,
        account="paper",
        strategy="s",
        client_id=client_id,
        side=side,
        quantity=quantity,
        order_type=OrderType.MARKET,
    )


def scene() -> list[Event]:
    """Return prices and orders of a paid, a margined and a legged instrument: in, further in, out, round."""
    events: list[Event] = [tick(symbol, 0, 100.0) for symbol in LOTS]
    steps = ((Side.BUY, 1), (Side.BUY, 2), (Side.SELL, 1), (Side.SELL, 2), (Side.SELL, 1), (Side.BUY, 2))
    for second, (side, lots) in enumerate(steps, start=1):
        for symbol, quantity in LOTS.items():
            events += [tick(symbol, 2 * second, 100.0 + 3 * second), order(symbol, f"{symbol}{second}", side, quantity * lots)]
    return [*events, *(tick(symbol, 99_999 + more, 120.0 + more) for more in (0, 2) for symbol in LOTS)]  # on the next day


def world(path: Path) -> EventBus:
    """Return a bus that knows the instruments."""
    bus = EventBus(path, world=World.PAPER, source="test", page_mb=0.25, sync="none")
    for terms in TERMS:
        bus.instruments.add(terms)
    return bus


@pytest.fixture
def played(tmp_path: Path, wait_until: Wait) -> list[Any]:
    """Return the market lane of a bus on which an engine has played the scene."""
    with world(tmp_path / "played") as bus:
        for event in scene():
            bus.publish(event, cause=0)
        engine = TradingEngine(TradingConfig(cash=5e6), None, PaperGateway())
        engine.start(bus)
        wait_until(lambda: engine.state == "running" and engine.health().lag == 0, "the engine's end")
        assert engine.stop()
        (account,) = audit(bus)
        assert (account.account, account.fills, account.orders) == ("paper", 18, 18)
        assert account.positions == 2 + 2  # the legs of the future are two
        with bus.reader(start="begin") as reader:
            return [event for event in reader if event.id >> 60 == 1]


def copied(path: Path, events: list[Any], change: Callable[[Any], Any]) -> EventBus:
    """Return a bus with the same market lane, but for what `change` makes of an event (None leaves it out)."""
    bus = world(path)
    for event in events:
        changed = change(event)
        if changed is not None:
            bus.publish(changed, cause=event.cause, source=event.source)
    return bus


def test_copy_of_a_journal_adds_up(tmp_path: Path, played: list[Any]) -> None:
    """The audit reads nothing but events and instruments."""
    with copied(tmp_path / "copy", played, lambda event: event) as bus:
        (account,) = audit(bus)
        counted = (OrderCommand, OrderEvent, PositionEvent, AccountEvent)
        assert account.compared >= sum(isinstance(event, counted) for event in played)
        assert "18 fills" in account.sentence()


MONEY = ("cash", "equity", "margin", "available", "realised_pnl", "unrealised_pnl", "fees")
HELD = ("quantity", "today", "yesterday", "average_price", "realised_pnl", "unrealised_pnl", "fees", "margin")


@pytest.mark.no_fold("its events are changed on purpose")
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((AccountEvent, name) for name in MONEY),
        *((PositionEvent, name) for name in HELD),
        (OrderEvent, "filled_quantity"),
        (OrderEvent, "average_price"),
        (Fill, "price"),
        (Fill, "fee"),
    ],
)
def test_changed_number_is_found(tmp_path: Path, played: list[Any], kind: type[Event], name: str) -> None:
    """One float, moved by its last bit in one event, is an error that names event, field and both values; so is a fill moved by more."""
    chosen = [event.id for event in played if isinstance(event, kind) and abs(getattr(event, name)) > 0.0][-2]

    def change(event: Any) -> Any:
        if event.id != chosen:
            return event
        value = getattr(event, name)
        # A sum may be too coarse for a fill's last bit: of a fill a thousandth is changed.
        return event.replace(**{name: value + (abs(value) or 1.0) * (1e-3 if kind is Fill else 3e-16)})

    with copied(tmp_path / "changed", played, change) as bus, pytest.raises(AuditError) as caught:
        audit(bus)
    if kind is not Fill:
        assert f"{kind.__name__} {chosen & ((1 << 60) - 1)}" in caught.value.message
        assert f"{name} is " in caught.value.message
    assert "and the fold has" in caught.value.message


@pytest.mark.no_fold("a fill is left out on purpose")
def test_lost_and_doubled_fills_are_found(tmp_path: Path, played: list[Any]) -> None:
    """A fill that is missing, or there twice, is found at the first event that knew better."""
    chosen = [event.id for event in played if isinstance(event, Fill)][7]
    with (
        copied(tmp_path / "lost", played, lambda event: None if event.id == chosen else event) as bus,
        pytest.raises(AuditError, match="filled_quantity"),
    ):
        audit(bus)
    with copied(tmp_path / "twice", played, lambda event: event) as bus:
        again = next(event for event in played if event.id == chosen)
        bus.publish(again, cause=again.cause, source=again.source)
        with pytest.raises(AuditError, match="counts twice"):
            audit(bus)


@pytest.mark.no_fold("an event is made up on purpose")
def test_position_without_a_fill_and_state_after_the_end_are_found(tmp_path: Path, played: list[Any]) -> None:
    """A position that nobody has bought, and an order that comes back to life, are errors."""
    position = next(event for event in played if isinstance(event, PositionEvent))
    filled = next(event for event in played if isinstance(event, OrderEvent) and event.status == OrderStatus.FILLED)
    for made_up, sentence in (
        (position.replace(strategy="ghost"), "no fill has made it"),
        (filled.replace(status=OrderStatus.ACCEPTED), "status is 'ACCEPTED' and the fold has 'FILLED'"),
    ):
        with copied(tmp_path / sentence[:6], played, lambda event: event) as bus:
            bus.publish(made_up, cause=position.cause, source=position.source)
            with pytest.raises(AuditError, match=sentence):
                audit(bus)


@pytest.mark.no_fold("its first page is removed on purpose")
def test_journal_without_its_beginning_is_no_proof(tmp_path: Path, played: list[Any]) -> None:
    """Where old pages are gone nothing can be added up, and the audit says so."""
    with copied(tmp_path / "old", played, lambda event: event) as bus:
        bus.publish_many([tick("BTC/USDT", 100_100, 120.0)] * 2000, cause=0)
        path = bus.path
        assert prune(path, keep_bytes=300_000).removed
        with pytest.raises(AuditError, match=r"The market lane of .* begins at event \d+: what was before is unknown"):
            audit(bus)


@pytest.mark.no_fold("the terms are changed on purpose")
def test_changed_terms_are_named_as_a_possible_reason(tmp_path: Path, played: list[Any]) -> None:
    """A journal does not tell the terms of before; whoever audits one hears of it."""
    with copied(tmp_path / "terms", played, lambda event: event) as bus:
        bus.instruments.add(preset("cn_future", "rb2501", "SIM", multiplier=20.0))
        with pytest.raises(AuditError, match="terms were changed on this bus"):
            audit(bus)


def test_bus_on_which_nobody_traded_has_no_account(bus: EventBus) -> None:
    """Fills that no engine has written are nobody's account."""
    bus.publish(Fill(symbol="BTC/USDT", venue="SIM", price=1.0, quantity=1.0, side=Side.BUY))
    assert audit(bus) == []


def test_an_opening_told_before_the_gateways_first_word_counts(tmp_path: Path) -> None:
    """Where the market was there before the engine, the account opens before its gateway speaks: the fold opens with the same cash."""
    with EventBus(tmp_path / "bus", world=World.LIVE, source="trading-a", page_mb=1, sync="none") as bus:
        bus.publish(AccountEvent(account="a", currency="USDT", cash=1000.0, equity=1000.0, margin=0.0, available=1000.0, **NOTHING))
        bus.publish(GatewayStatus(gateway="x", account="a", status="connecting"))
        bus.publish(AccountEvent(account="a", currency="USDT", cash=1000.0, equity=1000.0, margin=0.0, available=1000.0, **NOTHING))
        assert [one.compared for one in audit(bus)] == [2]
