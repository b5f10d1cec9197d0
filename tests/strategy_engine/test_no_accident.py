"""Nothing trades by accident: only an order of the live bus that risk let pass reaches a live gateway's venue, by its engine."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_venue.floor import NAMES, NOW, SECOND, Floor, cancel, order, tick
from fake_venue.gateway import VENUE, FakeVenueGateway, LockstepGateway

from gcg_quant.admin.home import Home
from gcg_quant.admin.importing import import_file
from gcg_quant.backtest import BacktestEngine, BacktraderAdapter
from gcg_quant.bus import EventBus
from gcg_quant.copying import copy_journal
from gcg_quant.data_collector import ImportOptions
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.errors import ComponentError
from gcg_quant.events import (
    Applied,
    BacktestRequestEvent,
    BacktestResultEvent,
    Bar,
    CancelCommand,
    Lane,
    OrderCommand,
    OrderRequest,
    OrderType,
    RiskVerdict,
    SessionEvent,
    Side,
    StrategyControlEvent,
    World,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine import RiskLimits, StrategyManager, TradingConfig, TradingEngine

EAGER = """
import backtrader as bt


class Eager(bt.Strategy):
    def next(self):
        self.buy(size=1)
"""
OURS = """
from gcg_quant.strategy_engine import Parameter, Strategy


class Ours(Strategy):
    symbols = ("COIN",)
    period = Parameter("1m")

    def on_bar(self, bar):
        self.buy(1)

    def on_tick(self, tick):
        self.buy(1)
"""


@pytest.fixture
def floor(tmp_path: Path, wait_until: Callable[..., None]) -> Iterator[Floor]:
    """Return a live account with no risk limits at all: nothing but the design keeps orders from the venue."""
    made = Floor(tmp_path, wait_until)
    made.start()
    yield made
    made.close()


def bars(count: int, first: int = 0) -> Any:
    """Return bars of COIN, a minute each."""
    rows = np.zeros(count, Bar.dtype)
    rows["start_ns"] = NOW // 60_000_000_000 * 60_000_000_000 + 60 * SECOND * (first + np.arange(count))
    rows["event_ns"] = rows["recv_ns"] = rows["start_ns"] + 60 * SECOND
    rows["open"] = rows["close"] = 100.0
    rows["high"], rows["low"], rows["volume"], rows["open_interest"], rows["period"] = 101.0, 99.0, 10.0, np.nan, b"1m"
    return rows


def check_untouched(floor: Floor) -> None:
    """No command is on the live bus, and the venue has heard of nothing."""
    floor.say(SessionEvent(venue="OTHER", phase="open", event_ns=NOW))  # this handled, all before it is
    assert floor.read(OrderCommand, CancelCommand) == []
    assert floor.venue.record().inputs == []


def run_manager(bus: EventBus, folder: Path, text: str, floor: Floor, history: Any = None) -> StrategyManager:
    """Start a manager with one running strategy, its warm-up done."""
    folder.mkdir(exist_ok=True)
    (folder / "one.py").write_text(text)
    manager = StrategyManager([folder], adapters=[BacktraderAdapter()], account="real")
    manager.start(bus, history)
    floor.wait_until(lambda: manager.state == "running", "the manager")
    control = bus.publish(StrategyControlEvent(action="run", file="one.py", strategy="one", symbols=["COIN"], parameters={"period": "1m"}))

    def answer() -> Applied | None:
        with bus.reader(start="begin", events=[Applied]) as reader:
            return next((one for one in reader if isinstance(one, Applied) and one.control == control), None)

    floor.wait_until(answer, "the strategy's start", 20.0)
    found = answer()
    assert found is not None
    assert found.ok, found.detail
    floor.wait_until(lambda: not manager._roster.get("one").strategy.warming_up, "the warm-up", 20.0)
    return manager


@pytest.mark.parametrize("text", [EAGER, OURS], ids=["backtrader", "ours"])
def test_backtest_reaches_no_venue(floor: Floor, tmp_path: Path, text: str) -> None:
    """A backtest asked for on the live bus trades in a world of its own, whatever matches its orders."""
    with EventBus(tmp_path / "recorded", world=World.PAPER, source="test", sync="none", page_mb=1) as recorded:
        rows = bars(50)
        rows["instrument"] = recorded.instruments.number("COIN", VENUE)
        recorded.publish_batch(rows)
    folder = tmp_path / "eager"
    folder.mkdir()
    (folder / "eager.py").write_text(text)
    engine = BacktestEngine(tmp_path / "home", folders=[folder])
    engine.start(floor.bus)
    journal = {"journal": str(tmp_path / "recorded")}
    floor.bus.publish(BacktestRequestEvent(run="r", file="eager.py", symbols=["COIN"], period="1m", options=journal))
    floor.wait_until(lambda: floor.read(BacktestResultEvent) and not engine._children, "the result", 60.0)
    assert engine.stop(5.0)
    (result,) = floor.read(BacktestResultEvent)
    assert result.ok, result.error
    assert result.results["bars"] == 50
    assert result.results["open_trades"] == 1
    check_untouched(floor)
    assert floor.read(OrderRequest) == []


def test_import_reaches_no_venue(floor: Floor, tmp_path: Path) -> None:
    """A file goes into the database by a bus of its own."""
    path = tmp_path / "COIN_1m.csv.gz"
    text = "time,open,high,low,close,volume\n" + "".join(f"2024-01-02T09:{minute:02}:00,1,2,0.5,1.5,10\n" for minute in range(60))
    path.write_bytes(gzip.compress(text.encode()))
    head = [floor.bus.head(lane) for lane in Lane]
    with Database("", home=tmp_path) as database:
        outcome = import_file(Home(tmp_path), database, path, ImportOptions(timezone="UTC", stamp="start", period="1m", symbol="COIN"))
    assert sum(outcome.stored.values()) == 60
    assert [floor.bus.head(lane) for lane in Lane] == head
    check_untouched(floor)


@pytest.mark.parametrize("make", [FakeVenueGateway, LockstepGateway])
def test_replay_reaches_no_venue(floor: Floor, tmp_path: Path, make: type[FakeVenueGateway]) -> None:
    """The day replayed, orders and all: nobody trades on a replay bus, and a live gateway cannot be opened there."""
    floor.venue.kill()
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")
    floor.say(order("a", 1.0, 100.0), order("b", 1.0))  # refused, and still in the journal as requests
    floor.venue.start()
    floor.wait_until(lambda: floor.status() == "connected", "the return")
    copy_journal(floor.bus.path, tmp_path / "replay", world=World.REPLAY)
    with EventBus(tmp_path / "replay", source="replay", create=False) as replay:
        with pytest.raises(ComponentError, match="does not trade on replay buses"):
            TradingEngine(TradingConfig(account="real"), None, make(floor.venue.port, {})).start(replay)
        manager = run_manager(replay, tmp_path / "strategies", OURS, floor)
        with floor.bus.reader(start="begin") as reader:
            again = [one for one in reader if type(one).__name__ in ("Tick", "OrderRequest")]
        for event in again:
            replay.publish(event, cause=0)
        with replay.reader(start="begin", events=[OrderRequest], sources=["strategies"]) as requests:
            floor.wait_until(lambda: requests.read_many(), "the strategy's order on the replay bus")
        assert manager.stop()
    check_untouched(floor)


@pytest.mark.parametrize("world", [World.BACKTEST, World.PAPER, World.IMPORT])
def test_live_gateway_opens_in_no_other_world(floor: Floor, tmp_path: Path, world: World) -> None:
    """An engine with a real gateway refuses to start before it has connected."""
    gateway = FakeVenueGateway(floor.venue.port, {})
    with EventBus(tmp_path / "other", world=world, page_mb=0.25, sync="none") as bus, pytest.raises(ComponentError):
        TradingEngine(TradingConfig(account="real"), None, gateway).start(bus)
    assert gateway.session == 0
    check_untouched(floor)


@pytest.mark.parametrize("text", [EAGER, OURS], ids=["backtrader", "ours"])
def test_warm_up_and_backfill_reach_no_venue(floor: Floor, tmp_path: Path, text: str) -> None:
    """A strategy that buys at every bar sees history, by its warm-up and as backfill on the live bus, and buys with the first live bar."""
    history = MemoryHistory()
    history.add_bars("COIN", VENUE, bars(60))
    manager = run_manager(floor.bus, tmp_path / "strategies", text, floor, history)
    late = bars(5, 60)
    late["instrument"] = floor.bus.instruments.number("COIN", VENUE)
    floor.bus.publish_batch(late, backfill=True)
    floor.bus.publish(tick(60 * 64, 100.0), backfill=True)
    floor.wait_until(lambda: manager.health().lag == 0, "the backfill")
    check_untouched(floor)
    assert floor.read(OrderRequest) == []
    live = bars(1, 70)
    live["instrument"] = late["instrument"][0]
    floor.bus.publish_batch(live)
    floor.wait_until(lambda: floor.venue.record().inputs, "the live bar's order")  # so it would have bought before, had it been asked
    assert manager.stop()
    assert [one.client_id for one in floor.read(OrderCommand)] == list(floor.venue.record().submitted())


def test_command_of_a_stranger_reaches_no_venue(floor: Floor) -> None:
    """Gateways do not read the bus: a forged command is an event like any other."""
    forged = OrderCommand(
        **NAMES, client_id="forged", request=77, gateway="fake", quantity=5.0, side=Side.BUY, order_type=OrderType.MARKET, event_ns=NOW
    )
    floor.bus.publish(forged)
    floor.bus.publish(CancelCommand(**NAMES, client_id="forged", request=77, gateway="fake", event_ns=NOW))
    floor.say(tick(1, 100.0))
    assert floor.venue.record().inputs == []


@pytest.mark.parametrize("limits", [RiskLimits(buying_power=False), RiskLimits(max_order_quantity=5.0, max_orders_per_second=3.0)])
def test_raw_requests_reach_it_only_through_the_engine(tmp_path: Path, wait_until: Callable[..., None], limits: RiskLimits) -> None:
    """With risk off and on, what is at the venue has a passed verdict and one command; what was refused has neither."""
    floor = Floor(tmp_path, wait_until, limits)
    try:
        floor.start()
        floor.say(*(order(f"r{number}", 1.0 + number, 100.0, second=number / 10) for number in range(12)))
        floor.say(order("nonsense", 1.5, 100.25), order("nobody", 1.0, 100.0).replace(account="another"), cancel("r0"))
        verdicts = {one.client_id: bool(one.passed) for one in floor.read(RiskVerdict)}
        passed = {name for name, one in verdicts.items() if one}
        assert set(verdicts) == {f"r{number}" for number in range(12)} | {"nonsense"}
        assert not verdicts["nonsense"]
        assert len(passed) == (12 if limits.max_order_quantity is None else 3)
        wait_until(lambda: set(floor.venue.record().submitted()) == passed, "the orders that passed")
        assert {one.client_id for one in floor.read(OrderCommand)} == passed
        by_id = {one.id: one for one in floor.read(RiskVerdict)}
        assert all(by_id[one.cause].passed and by_id[one.cause].client_id == one.client_id for one in floor.read(OrderCommand))
    finally:
        floor.close()
