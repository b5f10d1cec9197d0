"""Two runs of one strategy side by side: every difference is classified and comes with the first event that led to it."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gcg_quant.admin.console import main
from gcg_quant.backtest import BacktestEngine, BacktestSpec
from gcg_quant.backtest.parity import Comparison, compare, read_run
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError
from gcg_quant.events import OrderRequest, StrategyControlEvent, World

from .paper_system import Paper

# Long above the level, flat below it.
LEVEL = """
import backtrader as bt


class Level(bt.Strategy):
    params = (("level", 100.0), ("size", 5))

    def next(self):
        above = self.data.close[0] > self.p.level
        if above and not self.position:
            self.buy(size=self.p.size)
        elif not above and self.position:
            self.close()
"""


class Runs:
    """Backtests of LEVEL over some bars."""

    def __init__(self, kit: ModuleType, folder: Path) -> None:
        self.kit, self.home, self.strategies = kit, folder / "home", folder / "files"
        self.strategies.mkdir()
        (self.strategies / "level.py").write_text(LEVEL)
        waves = 100.0 + 2.0 * np.sin(np.arange(60) / 4.0) + 0.3
        self.bars = kit.make_bars(waves.round(2), "1s")

    def run(self, name: str, bars: Any = None, **options: Any) -> str:
        """Run one backtest and return its name."""
        history = self.kit.stored(self.bars if bars is None else bars)
        spec = BacktestSpec(file="level", symbols=["X@SIM"], period="1s", cash=100_000.0, run=name, **{"matching": "native", **options})
        BacktestEngine(self.home, folders=[self.strategies], store=history).run(spec)
        return name

    def compare(self, a: str, b: str) -> Comparison:
        """Compare two runs."""
        return compare(read_run(a, self.home), read_run(b, self.home))


@pytest.fixture
def runs(kit: ModuleType, tmp_path: Path) -> Runs:
    """Return the backtests of a test."""
    return Runs(kit, tmp_path)


def kinds(found: Comparison) -> list[tuple[str, ...]]:
    """Return the kinds of each order's differences."""
    return [tuple(difference.kind for difference in one.differences) for one in found.pairs]


def test_stock_and_native_matching_of_market_orders_are_the_same(runs: Runs) -> None:
    """Over bars whose prices are whole ticks both fill market orders at the next open."""
    found = runs.compare(runs.run("stock", matching="stock"), runs.run("native"))
    assert len(found.pairs) == len(found.a.orders) == 5
    assert not found.differing


def test_changed_bar_is_the_first_event_of_all_that_follows(runs: Runs) -> None:
    """A bar with another close makes an order of its own; that order is explained by the bar, and the next by that order."""
    other = runs.bars.copy()
    other["close"][18] += 5.0  # far below the level it would have stayed flat
    other["high"][18] += 5.0
    found = runs.compare(runs.run("plain"), runs.run("other", other))
    assert [kind for kind in kinds(found) if kind] == [("price",), ("price",)]
    bought, sold = found.differing
    assert bought.pair.a is None
    assert (bought.differences[0].first.type, bought.differences[0].first.run) == ("Bar", "b")
    assert bought.differences[0].first.text.startswith(("the bar's close is ", "the bar's high is "))
    assert bought.differences[0].first.time_ns == int(other["event_ns"][18])
    assert sold.differences[0].follows == bought.number
    assert not found.unexplained


def test_missing_bar_is_timing(runs: Runs) -> None:
    """Without the bar that shows the crossing the order is given a bar later."""
    above = int(np.flatnonzero(np.diff((runs.bars["close"] > 100.0).astype(int)) == 1)[0]) + 1
    found = runs.compare(runs.run("plain"), runs.run("gap", np.delete(runs.bars, above)))
    (first, *_) = found.differing
    assert first.differences[0].kind == "timing"
    assert first.differences[0].first.text == "run b has no bar from then"
    assert first.differences[0].first.time_ns == int(runs.bars["event_ns"][above])
    assert not found.unexplained


def test_other_parameters_are_named(runs: Runs) -> None:
    """Orders that only another parameter explains say so."""
    found = runs.compare(runs.run("plain"), runs.run("higher", parameters={"level": 101.5}))
    assert found.differing
    assert "level is 100.0 in run a and 101.5 in run b" in found.differing[0].differences[0].text
    assert not found.unexplained


def test_refused_order_is_rejected_with_the_verdict(runs: Runs) -> None:
    """What risk refuses in one run is named by its verdict, and the orders that are missing for it follow it."""
    found = runs.compare(runs.run("free"), runs.run("bound", paper={"risk": {"max_order_quantity": 4}}))
    refused = [one for one in found.differing if one.pair.b is not None and one.pair.b.refused and one.pair.a is not None]
    assert refused
    assert refused[0].differences[0].kind == "rejected"
    assert refused[0].differences[0].first.type == "RiskVerdict"
    assert "quantity" in refused[0].differences[0].text
    assert found.count("rejected") == len(found.differing)
    follows = {difference.follows for one in found.differing for difference in one.differences}
    assert follows == {None, *(one.number for one in refused)}
    assert not found.unexplained


def test_thin_bar_is_partial_with_the_bar_that_filled_a_part(runs: Runs) -> None:
    """Stock matching fills any size; a paper gateway fills what a bar traded."""
    thin = runs.bars.copy()
    thin["volume"] = 2.0
    size = {"parameters": {"size": 500}}
    found = runs.compare(runs.run("stock", thin, matching="stock", **size), runs.run("native", thin, **size))
    first = found.differing[0]
    assert "partial" in {difference.kind for difference in first.differences}
    partial = next(difference for difference in first.differences if difference.kind == "partial")
    assert (partial.first.run, partial.first.type) == ("b", "Bar")
    assert not found.unexplained


def test_paper_session_against_its_backtests(kit: ModuleType, runs: Runs, bus: EventBus, tmp_path: Path) -> None:
    """A session on ticks equals its native backtest; stock matching differs in price, by the ticks that filled on paper."""
    paper = Paper(kit, bus, tmp_path / "strategies", {"level.py": LEVEL}, threaded=False)
    paper.load("level", size=3)
    for close in runs.bars["close"][:40].tolist():
        paper.ticks([close, close + 0.02, close], size=1e6)
    assert paper.command(StrategyControlEvent(action="stop", strategy="one"))
    for close in runs.bars["close"][40:].tolist():
        paper.market([close])
    paper.close()
    options: dict[str, Any] = {"journal": str(bus.path), "parameters": {"size": 3}, "fees": "terms"}
    native, stock = runs.run("native", **options), runs.run("stock", matching="stock", **{**options, "fees": "commission"})
    found = compare(read_run(str(bus.path), runs.home), read_run(native, runs.home))
    alone = [one for one in found.pairs if one.pair.a is None]
    assert len(found.pairs) - len(alone) >= 3
    assert all(not one.differences for one in found.pairs if one not in alone)
    assert len(alone) == 1  # after the stop
    assert alone[0].differences[0].first.type == "StrategyStatusEvent"
    assert "did not run in run a" in alone[0].differences[0].text
    other = compare(read_run(f"{bus.path}:one", runs.home), read_run(stock, runs.home))
    priced = [difference for one in other.pairs for difference in one.differences if difference.kind == "price"]
    assert len(priced) >= 3
    assert {difference.first.type for difference in priced} <= {"Tick"}
    assert not found.unexplained
    assert not other.unexplained


def test_command_prints_a_table_and_json(runs: Runs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`parity` prints the differing orders with their causes, and with --json every order; unknown runs are sentences."""
    monkeypatch.setenv("COLUMNS", "140")
    names = runs.run("plain"), runs.run("higher", parameters={"level": 101.5})

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["--home", str(runs.home), "parity", *words])
        told = capsys.readouterr()
        return int(end.value.code or 0), told.out, told.err

    code, table, _ = call(*names)
    assert code == 0
    assert "the parameter level is 100.0 in run a and 101.5 in run b" in " ".join(table.split())
    assert "orders from 2023-11-14" in table
    code, text, _ = call(*names, "--json")
    values = json.loads(text)
    assert (code, values["unexplained"], values["a"]["run"]) == (0, 0, "plain")
    assert len(values["orders"]) == values["same"] + sum(bool(one["differences"]) for one in values["orders"])
    assert values["orders"][0]["a"]["given"].startswith("2023-11-14T")
    code, _, error = call("plane", "higher")
    assert code == 1
    assert "There is no run 'plane'" in error
    assert "Did you mean 'plain'" in error


def test_journal_of_several_strategies_needs_a_name(runs: Runs, tmp_path: Path) -> None:
    """Where two strategies traded, the run says which; a wrong name is a sentence."""
    with EventBus(tmp_path / "two", world=World.PAPER) as bus:
        for strategy in ("one", "two"):
            bus.publish(OrderRequest(symbol="X", venue="SIM", strategy=strategy, account="paper", client_id=strategy, quantity=1.0))
    with pytest.raises(BacktestError, match=r"say which strategy, as .*two:ID; in that journal there are: one, two"):
        read_run(str(tmp_path / "two"), runs.home)
    with pytest.raises(BacktestError, match="there is no strategy 'tow' .*Did you mean 'two'"):
        read_run(f"{tmp_path / 'two'}:tow", runs.home)
    assert read_run(f"{tmp_path / 'two'}:two", runs.home).strategy == "two"
