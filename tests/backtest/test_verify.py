"""Running a recorded session again, where it is cut: killed processes, waiting coroutines, pruned pages, what no journal holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gcg_quant.backtest.verify import ReplayVerdict, verify
from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.errors import BacktestError
from gcg_quant.events import (
    Bar,
    Fill,
    LogEvent,
    OrderRequest,
    OrderType,
    Side,
    StrategyControlEvent,
    StrategyStatusEvent,
    SystemEvent,
    Tick,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument
from gcg_quant.pruning import prune
from gcg_quant.strategy_engine import StrategyManager, TradingEngine

HEAD = "import asyncio\nimport os\n\nfrom gcg_quant.strategy_engine import Strategy\n\n\n"
WAVERING = """class Wavering(Strategy):
    symbols = ("X",)
    seen = 0

    def on_tick(self, tick):
        self.seen += 1
        if self.seen % 5 == 0:
            for _ in range(int(os.environ.get("WAVERING_ORDERS", "1"))):
                self.buy(1.0, round(tick.last_price - 0.02, 2))
"""
WAITING = """class Waiting(Strategy):
    symbols = ("X",)

    async def on_tick(self, tick):
        await asyncio.sleep(0.001)
        self.log(f"{tick.last_price}")
"""
LOOKING = """class Looking(Strategy):
    symbols = ("X",)

    def on_tick(self, tick):
        self.log(f"{len(self.bars(count=5))}")
"""
SIZING = """class Sizing(Strategy):
    symbols = ("X",)

    def on_start(self):
        self.log(f"start {self.account.equity!r}")

    def on_tick(self, tick):
        self.log(f"tick {self.account.equity!r}")
        size = self.quantity_of_equity(50, tick.last_price)
        if size:
            self.order_target(size if self.position.is_flat else 0)
"""


class Floor:
    """A trading engine and a manager on one bus, driven by hand."""

    def __init__(self, bus: EventBus, folder: Path, history: MemoryHistory | None = None) -> None:
        self.bus, self.folder, self.history = bus, folder, history
        folder.mkdir()
        bus.instruments.add(Instrument(symbol="X", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0))
        self.prices = np.random.default_rng(5).normal(0.0, 0.02, 10_000).cumsum() + 100.0
        self.ticks = 0
        self.begin_engine()
        self.begin_manager()

    def begin_engine(self) -> None:
        """Start a trading engine."""
        self.engine = TradingEngine()
        self.engine.start(self.bus, threaded=False)

    def begin_manager(self) -> None:
        """Start a manager."""
        self.manager = StrategyManager([self.folder], account="paper", bar_periods=("1m",))
        self.manager.start(self.bus, self.history, threaded=False)

    def run(self, name: str, text: str) -> None:
        """Write a strategy file and let it run."""
        (self.folder / f"{name}.py").write_text(HEAD + text)
        self.bus.publish(StrategyControlEvent(action="run", file=f"{name}.py"))
        self.settle()

    def settle(self) -> None:
        """Let both handle what there is."""
        while self.engine.turn() + self.manager.turn():
            pass

    def tick(self, count: int) -> None:
        """Publish ticks that nobody has handled yet."""
        for price in self.prices[self.ticks : self.ticks + count].round(2).tolist():
            quote = {"bid_price": price - 0.01, "ask_price": price + 0.01, "bid_size": 5.0, "ask_size": 5.0}
            self.bus.publish(Tick(symbol="X", venue="SIM", event_ns=now_ns(), last_price=price, **quote))
        self.ticks += count

    def trade(self, count: int) -> None:
        """Let so many ticks pass, each handled before the next comes."""
        for _ in range(count):
            self.tick(1)
            self.settle()

    def close(self) -> None:
        """Stop both."""
        assert self.manager.stop(60.0)
        assert self.engine.stop(60.0)


@pytest.fixture
def floor(bus: EventBus, tmp_path: Path) -> Iterator[Floor]:
    """Return a floor."""
    made = Floor(bus, tmp_path / "files")
    yield made
    made.close()


def verdict(floor: Floor) -> ReplayVerdict:
    """Verify the floor's journal, which goes on, and return what there is to say of its only strategy; the account must be right."""
    found = verify(floor.bus.path)
    assert [(one.difference, one.why) for one in found.engines] == [(None, "")]
    (strategy,) = found.strategies
    return strategy


def test_killed_manager_has_not_done_what_was_to_come(floor: Floor) -> None:
    """Ticks that a killed process had not handled, and a running one has not, make no difference; what they had handled is compared."""
    floor.run("wavering", WAVERING)
    floor.trade(23)
    floor.tick(12)  # a killed process leaves them unread
    floor.manager._release()
    floor.begin_manager()
    floor.trade(17)
    floor.tick(9)
    found = verdict(floor)
    assert found.same, found
    assert (found.lives, found.inputs > 40) == (2, True)
    requests = floor.bus.reader(start="begin", events=[OrderRequest]).count()[OrderRequest]
    assert requests == 4 + 3
    assert found.outputs >= requests


def test_killed_engine_is_done_again_life_by_life(floor: Floor) -> None:
    """A trading engine that was killed with orders at work, and restarted, gives the same verdicts, orders and fills in both lives."""
    floor.run("wavering", WAVERING)
    floor.trade(40)
    floor.tick(1)
    asked = {"symbol": "X", "venue": "SIM", "account": "paper", "strategy": "hand", "event_ns": now_ns(), "side": Side.BUY}
    floor.bus.publish(OrderRequest(**asked, client_id="unanswered", quantity=2.0, order_type=OrderType.MARKET))
    floor.engine._release()
    floor.begin_engine()
    floor.trade(40)
    with floor.bus.reader(start="begin", events=[Fill]) as reader:
        assert any(one.client_id == "unanswered" for one in reader)  # type: ignore[attr-defined]
    (engine,) = verify(floor.bus.path).engines
    assert (engine.difference, engine.why, engine.lives) == (None, "", 2)
    assert engine.outputs > 100


def test_order_that_no_journal_explains_is_named(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A strategy that goes by its environment gives one order more or none: the first such event is named with the tick it came on."""
    floor.run("wavering", WAVERING)
    floor.trade(30)
    assert verdict(floor).same
    monkeypatch.setenv("WAVERING_ORDERS", "2")
    added = verdict(floor).difference
    assert added is not None
    assert (added.kind, added.event, added.type) == ("changed", added.event, "OrderRequest")
    monkeypatch.setenv("WAVERING_ORDERS", "0")
    missing = verdict(floor).difference
    assert missing is not None
    assert (missing.kind, missing.type) == ("missing", "OrderRequest")
    assert missing.input is not None
    assert missing.input.type == "Tick"
    assert "did not publish OrderRequest market" in str(missing)


def test_order_after_the_last_recorded_one_is_added(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is published after the last recorded output is named if the process ended of its own accord: it had handled all."""
    monkeypatch.setenv("WAVERING_ORDERS", "0")
    floor.run("wavering", WAVERING)
    floor.trade(7)
    floor.manager.stop()
    monkeypatch.setenv("WAVERING_ORDERS", "1")
    added = verdict(floor).difference
    assert added is not None
    assert (added.kind, added.type, added.event) == ("added", "OrderRequest", None)
    assert "published a OrderRequest that is not on the journal" in str(added)
    floor.begin_manager()


def test_waiting_coroutine_is_named(floor: Floor) -> None:
    """A coroutine that waits for the machine's clock cannot be done again, and that is said."""
    floor.run("waiting", WAITING)
    floor.trade(3)
    found = verdict(floor)
    assert found.why == "A coroutine of it waited for something that is not on the journal."
    assert not found.same


def test_stored_bars_are_found_again_or_missed(bus: EventBus, tmp_path: Path) -> None:
    """Bars that a strategy was told from the store are had from a store with the same bars; without them it cannot be run again."""
    rows = np.zeros(8, Bar.dtype)
    rows["period"] = b"1m"
    rows["start_ns"] = now_ns() // 60_000_000_000 * 60_000_000_000 - np.arange(8, 0, -1) * 60_000_000_000
    rows["event_ns"] = rows["start_ns"] + 60_000_000_000
    rows["close"] = rows["open"] = rows["high"] = rows["low"] = 100.0
    history, other = MemoryHistory(), MemoryHistory()
    history.add_bars("X", "SIM", rows)
    floor = Floor(bus, tmp_path / "files", history)
    floor.run("looking", LOOKING)
    floor.trade(3)
    floor.close()
    reads = [
        one for one in bus.reader(start="begin", events=[SystemEvent]) if isinstance(one, SystemEvent) and one.action == "history_read"
    ]
    assert reads
    assert verify(bus.path, history=history).same
    lost = verify(bus.path).strategies[0]
    assert lost.why.endswith("stored 1m bars of X@SIM that it was told then are not there any more, or are others: give their store.")
    rows["close"][-1] = 101.0
    other.add_bars("X", "SIM", rows)
    assert verify(bus.path, history=other).strategies[0].why == lost.why


@pytest.mark.no_fold("it prunes what an engine has written")
def test_pruned_beginning_is_a_sentence(tmp_path: Path) -> None:
    """Where the journal begins after the strategies' process, that is said; what ran from its next beginning on is verified."""
    with EventBus(tmp_path / "bus", source="test", page_mb=1 / 16, sync="none") as bus:
        floor = Floor(bus, tmp_path / "files")
        floor.run("wavering", WAVERING)
        floor.trade(300)
        floor.close()
        assert prune(bus.path, before_ns=now_ns(), silence_s=0).removed
        with pytest.raises(BacktestError, match=r"begins at event [\d,]+, after the strategies' process had begun.* cannot be run again"):
            verify(bus.path)
        floor.begin_manager()
        for _ in range(20):
            floor.tick(1)
            floor.manager.turn()
        found = verify(bus.path, ["wavering"])
        assert found.same, found
        assert found.note.endswith("was pruned; verified is what ran from its next beginning on.")
        assert found.strategies[0].lives == 1
        assert found.strategies[0].outputs > 3
        floor.manager.stop()


def test_states_tell_the_code(floor: Floor) -> None:
    """Every state of a strategy tells the hash of its file."""
    floor.run("wavering", WAVERING)
    states = [one for one in floor.bus.reader(start="begin", events=[StrategyStatusEvent]) if isinstance(one, StrategyStatusEvent)]
    assert [set(one.code) for one in states] == [{"wavering.py"}] * 2


def test_account_is_seen_again_as_it_was(floor: Floor) -> None:
    """What a strategy does with its account's equity is done again, in each life: a restart begins with what was told before."""
    floor.run("sizing", SIZING)
    floor.trade(30)
    floor.manager.stop()
    floor.begin_manager()
    floor.trade(30)
    floor.manager._release()  # killed
    floor.begin_manager()
    floor.trade(10)
    found = verdict(floor)
    assert found.same, found
    assert found.lives == 3
    with floor.bus.reader(start="begin", events=[LogEvent]) as reader:
        said = [event.message for event in reader if isinstance(event, LogEvent) and event.component == "sizing"]
    starts = [line.split()[1] for line in said if line.startswith("start")]
    assert starts[0] == "nan"
    assert all(float(one) > 0 for one in starts[1:])
    assert len(set(said)) > 20
