"""A replay is the run: the strategies of a recorded session do again what they did, and a journal that was changed is found out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.backtest.verify import Verification, verify
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, GcgQuantError, JournalError
from gcg_quant.events import (
    AccountEvent,
    CancelRequest,
    Fill,
    OrderEvent,
    OrderRequest,
    PositionEvent,
    RiskVerdict,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    TimerEvent,
    World,
)

from .conftest import call
from .recorded import FILES, NAMES, Session, change, copy_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Verification]:
    """Return a recorded session and what its verification has found, played once more where a busy machine spoiled the first: it came to no
    end within its time, or a bar that a strategy read from the store is not on the journal.
    """
    try:
        session = Session(tmp_path_factory.mktemp("verify"))
        found = verify(session.path)
        if not any("stored 1s bars" in one.why for one in found.strategies):
            return session, found
    except TimeoutError as error:
        print(error)
    session = Session(tmp_path_factory.mktemp("verify"))
    return session, verify(session.path)


@pytest.fixture(scope="module")
def session(played: tuple[Session, Verification]) -> Session:
    """Return the recorded session."""
    return played[0]


@pytest.fixture(scope="module")
def verified(played: tuple[Session, Verification]) -> Verification:
    """Return what its verification has found."""
    return played[1]


def read(bus: Path, *kinds: Any) -> list[Any]:
    """Return the events of some classes."""
    with EventBus(bus, create=False, read_only=True) as opened, opened.reader(start="begin", events=kinds) as reader:
        return list(reader)


def test_every_strategy_does_again_what_it_did(session: Session, verified: Verification) -> None:
    """Timers, signals, Backtrader classes, a guest, one that breaks; stopped, started, changed and killed: the same, byte for byte."""
    assert [(one.name, one.difference, one.why) for one in verified.strategies] == [(name, None, "") for name in NAMES]
    assert verified.same
    assert verified.sentence().endswith("the same, byte for byte.")
    assert not verified.note
    found = {one.name: one for one in verified.strategies}
    assert all(one.lives == 2 and one.inputs > 0 for one in found.values())
    published = read(session.path, OrderRequest, CancelRequest, SignalEvent)
    for name, one in found.items():
        assert one.outputs >= sum(event.strategy == name for event in published)
    assert len(read(session.path, TimerEvent)) > 10
    assert sum(one.outputs for one in found.values()) > len(published)


def test_session_had_what_is_to_be_done_again(session: Session) -> None:
    """The session is no easy one: each strategy traded in both lives, one failed, one was refused a parameter."""
    states = read(session.path, StrategyStatusEvent)
    assert {one.strategy for one in states if one.state == "failed"} == {"breaking"}
    assert {one.strategy for one in states if one.state == "stopped"} == {"guest"}
    assert all(set(one.code) >= {Path(one.file).name} for one in states if one.file)
    assert all(set(one.code) == {"clockwork.py", "steps.py"} for one in states if one.strategy == "clockwork")
    traded = {one.strategy for one in read(session.path, OrderRequest)}
    assert traded >= {"grid", "clockwork", "counting", "pair", "guest"}
    assert any(one.strategy == "counting" for one in read(session.path, CancelRequest))


def test_trading_engine_does_again_what_it_did(session: Session, verified: Verification) -> None:
    """The account is given the recorded requests and market: verdicts, commands, fills, positions and cash are the same, byte for byte."""
    (engine,) = verified.engines
    assert (engine.name, engine.kind, engine.lives, engine.difference, engine.why) == ("trading-paper", "trading", 1, None, "")
    published = read(session.path, RiskVerdict, OrderEvent, Fill, PositionEvent, AccountEvent)
    assert len({type(one) for one in published}) == 5
    assert engine.outputs > len(published)


@pytest.mark.no_fold("it changes a copy")
def test_changed_fill_is_found_and_named(session: Session, tmp_path: Path) -> None:
    """Another price of a recorded fill is not what the paper gateway makes of the market; the strategies see it, too."""
    bus = copy_of(session.path, tmp_path / "bus")
    fill = read(bus, Fill)[2]
    change(bus, fill, "price", fill.price + 5.0)
    (engine,) = verify(bus).engines
    assert engine.difference is not None
    assert engine.difference.event is not None
    assert (engine.difference.event.id, engine.difference.field) == (fill.id, "price")
    assert engine.difference.input is not None


def test_verification_writes_nothing(session: Session, verified: Verification) -> None:
    """The bus folder is as it was: no page and no note has changed. (In `*.state` readers have their places while they are there.)"""

    def content() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in session.path.rglob("*") if path.is_file() and path.suffix != ".state"}

    before = content()
    assert verify(session.path, ["clockwork"]).same
    assert content() == before


@pytest.mark.no_fold("it changes a copy")
def test_changed_price_is_found_and_named(session: Session, tmp_path: Path) -> None:
    """Another price in one recorded order: the order, the field and both values are named, and the tick that led to it."""
    bus = copy_of(session.path, tmp_path / "bus")
    request = [one for one in read(bus, OrderRequest) if one.strategy == "guest"][3]
    change(bus, request, "price", request.price + 1.0)
    found = verify(bus)
    assert not found.same
    guest = next(one for one in found.strategies if one.name == "guest")
    difference = guest.difference
    assert difference is not None
    assert (difference.kind, difference.type, difference.field) == ("changed", "OrderRequest", "price")
    assert (difference.recorded, difference.found) == (repr(request.price + 1.0), repr(request.price))
    assert difference.event is not None
    assert difference.event.id == request.id
    assert difference.input is not None
    assert (difference.input.id, difference.input.type) == (request.cause, "Tick")
    assert [one.name for one in found.strategies if not one.same] == ["guest"]
    shown = call(session.home, "replay", "verify", str(bus))
    assert shown.returncode == 1
    assert f"error: guest: OrderRequest market {request.id & ((1 << 60) - 1):,}: price was {request.price + 1.0!r}" in shown.stderr


@pytest.mark.no_fold("it changes a copy")
def test_changed_quantity_of_a_backtrader_order_is_found(session: Session, tmp_path: Path) -> None:
    """Another quantity in an order of a Backtrader class is named, too."""
    bus = copy_of(session.path, tmp_path / "bus")
    request = [one for one in read(bus, OrderRequest) if one.strategy == "counting"][1]
    change(bus, request, "quantity", 3.0)
    difference = verify(bus, ["counting"]).strategies[0].difference
    assert difference is not None
    assert (difference.field, difference.recorded, difference.found) == ("quantity", "3.0", repr(request.quantity))


@pytest.mark.no_fold("it changes a copy")
def test_changed_market_leads_to_other_orders(session: Session, tmp_path: Path) -> None:
    """Another price in one recorded tick, on which the guest gave an order: its price is found to be another one."""
    bus = copy_of(session.path, tmp_path / "bus")
    request = [one for one in read(bus, OrderRequest) if one.strategy == "guest"][-1]
    tick = next(one for one in read(bus, Tick) if one.id == request.cause)
    change(bus, tick, "last_price", tick.last_price * 2)
    difference = verify(bus, ["guest"]).strategies[0].difference
    assert difference is not None
    assert (difference.type, difference.field) == ("OrderRequest", "price")
    assert difference.event is not None
    assert difference.event.id == request.id


def test_edited_file_is_named(session: Session, tmp_path: Path) -> None:
    """A file that is not what ran is named with both hashes, and a copy of what ran can be given in its place; so are modules beside it."""
    edited = tmp_path / "guest.py"
    edited.write_text(FILES["guest.py"].replace("% 15", "% 16"))
    (found,) = verify(session.path, ["guest"], [edited]).strategies
    assert not found.same
    assert f"The file {edited} of the strategy 'guest' has changed since it ran (SHA-256 " in found.why
    copy = tmp_path / "another_name.py"
    there = session.folder / "strategies" / "guest.py"
    moved = there.rename(copy)
    try:
        (found,) = verify(session.path, ["guest"]).strategies
        assert found.why == f"The file {there} of the strategy 'guest' is not there any more: name a copy of it."
        assert verify(session.path, ["guest"], [moved]).same
    finally:
        moved.rename(there)
    beside = session.folder / "strategies" / "steps.py"
    beside.write_text("def next_step(turns):\n    return turns + 2\n")
    try:
        (found,) = verify(session.path, ["clockwork"]).strategies
        assert found.why == f"The module {beside}, which the strategy's file imports, has changed since it ran."
    finally:
        beside.write_text(FILES["steps.py"])


def test_failure_reads_the_same_from_a_copied_file(session: Session, tmp_path: Path) -> None:
    """What a strategy's error said of file and line is compared as if the file still lay there."""
    (tmp_path / "breaking.py").write_text(FILES["breaking.py"])
    assert verify(session.path, ["breaking"], [tmp_path / "breaking.py"]).same


def test_console_prints_and_json_tells_the_same(session: Session) -> None:
    """The bus of the home is the default; exit code 0 and one sentence, or JSON."""
    shown = call(session.home, "replay", "verify", cwd=session.folder)
    assert shown.returncode == 0, shown.stderr
    assert f"{', '.join(NAMES)}, trading-paper: " in shown.stdout
    told = json.loads(call(session.home, "replay", "verify", "--strategy", "clockwork", "--json", cwd=session.folder).stdout)
    assert told["same"]
    assert [one["name"] for one in told["strategies"]] == ["clockwork"]


def test_session_is_run_again_in_the_tick_engine(session: Session) -> None:
    """The guest's file trades over the session's market, in event time: the digest of its orders and fills is the same each time."""
    file = session.folder / "strategies" / "guest.py"
    words = ("replay", "rerun", str(session.path), str(file), "--symbol", "BTC/USDT")
    shown = call(session.home, *words)
    assert shown.returncode == 0, shown.stderr
    told = json.loads(call(session.home, *words, "--json").stdout)
    assert told["orders"] > 10
    assert shown.stdout.splitlines()[-1] == f"{told['orders']:,} orders, {told['fills']:,} fills, SHA-256 {told['digest']}"
    cut = json.loads(call(session.home, *words, "--json", "--to", "2020-01-01T00:00").stdout or "{}")
    assert cut.get("orders", 0) == 0


@pytest.mark.no_fold("it damages a copy")
def test_bad_input_is_a_sentence(session: Session, tmp_path: Path) -> None:
    """No bus, no session, no such strategy or file, damage: one sentence each."""

    def refused(*arguments: Any) -> GcgQuantError:
        with pytest.raises((BacktestError, JournalError)) as error:
            verify(*arguments)
        return error.value

    assert refused(tmp_path).message == f"There is no bus in {tmp_path}: name the bus folder of a session, such as gcg_home/bus."
    message = refused(session.path, ["gird"]).message
    assert message == f"No strategy 'gird' has run on the bus {session.path} (these have: {', '.join(NAMES)}). Did you mean 'grid'?"
    assert refused(session.path, None, [tmp_path / "x.py"]).message == f"There is no strategy file {tmp_path / 'x.py'}."
    EventBus(tmp_path / "empty", page_mb=0.25).close()
    assert refused(tmp_path / "empty").message == f"No strategy has run on the bus {tmp_path / 'empty'}."
    EventBus(tmp_path / "old", world=World.BACKTEST, page_mb=0.25).close()
    assert "is of the world backtest: sessions (live, paper) are verified" in refused(tmp_path / "old").message
    with EventBus(tmp_path / "before", page_mb=0.25) as bus:
        bus.publish(StrategyStatusEvent(strategy="x", state="running", file="x.py"), source="strategies")
    assert "does not say where the process of the strategy 'x' began" in refused(tmp_path / "before").message
    damaged = copy_of(session.path, tmp_path / "damaged")
    request = read(damaged, OrderRequest)[2]
    page = next(one for one in (damaged / "market").glob("*.page") if bytes(memoryview(request)) in one.read_bytes())
    data = bytearray(page.read_bytes())
    data[data.find(bytes(memoryview(request))) + 3] ^= 1
    page.write_bytes(data)
    assert page.name in refused(damaged).message
