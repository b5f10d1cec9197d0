"""`strategies test --truncate`: every strategy of ours decides the same without what comes after, and a peeking one is caught."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gcg_quant.admin.checks import CheckRow, CheckSpec
from gcg_quant.admin.checks.truncation_check import EventRuns, truncation_rows
from gcg_quant.backtest import BacktestSpec
from gcg_quant.backtest.truncation import BarRuns, Truncation, compare_cuts
from gcg_quant.events import Bar
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine.hosting.discovery import SHIPPED_FOLDER, FoundClass, discover

from .conftest import ROOT, Console, call

CHEATS = {"Peeking"}
LISTENS = {"ModelSignal"}  # to the signals of others, which are not here: it decides nothing
FOLDERS = [SHIPPED_FOLDER, ROOT / "examples/strategies"]
OURS = {
    f"{file.path.parent.parent.name}-{file.name}-{one.name}": (file.path, one)
    for file in discover(FOLDERS)
    for one in file.classes
    if one.name not in CHEATS
}
HOUR_NS = 3_600_000_000_000


def walk(seed: int, count: int = 350) -> np.ndarray:
    """Return hourly bars of a random walk, that swings enough for anybody to trade."""
    rng = np.random.default_rng(seed)
    closes = 100 + np.cumsum(rng.normal(0, 1.0, count)) + 3 * np.sin(np.arange(count) / 12)
    bars = np.zeros(count, Bar.dtype)
    bars["start_ns"] = 1_699_995_600_000_000_000 + HOUR_NS * np.arange(count)
    bars["event_ns"] = bars["start_ns"] + HOUR_NS
    bars["close"] = closes.round(2)
    bars["open"] = np.concatenate([bars["close"][:1], bars["close"][:-1]])
    bars["high"] = np.maximum(bars["open"], bars["close"]) + 0.3
    bars["low"] = np.minimum(bars["open"], bars["close"]) - 0.3
    bars["volume"], bars["period"] = 1000.0, b"1h"
    return bars


@pytest.fixture(scope="module")
def history() -> MemoryHistory:
    """Return stored bars of two instruments."""
    made = MemoryHistory()
    for seed, symbol in enumerate(("SPY", "IBM")):
        made.add_bars(symbol, "NYSE", walk(seed))
    return made


def over_bars(path: Path, found: FoundClass, history: MemoryHistory) -> Truncation:
    """Cut bars, of as many instruments as the class names."""
    symbols = ["SPY", "IBM"][: max(1, len(found.symbols))]
    spec = BacktestSpec(file=str(path), class_name=found.name, symbols=symbols, period="1h", cash=1e6)
    with BarRuns(spec, history, [path.parent]) as runs:
        return compare_cuts(runs, 3, moments=1)


def over_events(path: Path, found: FoundClass) -> Truncation:
    """Cut ticks, trades and books of the simulated exchange."""
    spec = CheckSpec(file=str(path), folders=[path.parent], class_name=found.name, seconds=40.0)
    return compare_cuts(EventRuns(spec), 3, moments=1)


@pytest.mark.parametrize("name", OURS)
def test_every_strategy_of_ours_decides_without_what_comes_after(name: str, history: MemoryHistory) -> None:
    """Over bars where it takes any, and over events, each decision is the same on data that end with it; and it decides something."""
    path, found = OURS[name]
    seen = []
    if found.kind == "backtrader" or any(one.name == "period" for one in found.parameters):
        seen.append(over_bars(path, found, history))
    if found.kind != "backtrader":
        seen.append(over_events(path, found))
    assert [one for one in seen if not one.ok] == []
    assert sum(one.decisions for one in seen) > 0 or found.name in LISTENS


def test_a_rehearsed_strategy_that_throws_dice_is_caught(tmp_path: Path) -> None:
    """Over events the rows name the event and what was decided; what it reads itself is a row of its own."""
    (tmp_path / "prices.csv").write_text("1\n")
    path = tmp_path / "dice.py"
    path.write_text(
        "import random\nfrom gcg_quant.strategy_engine import Strategy\nclass Dice(Strategy):\n    symbols = ('BTC/USDT',)\n"
        "    def on_tick(self, tick):\n        if not self.orders and self.position.is_flat:\n"
        f"            open({str(tmp_path / 'prices.csv')!r}).close()\n"
        "            self.buy(round(random.random() + 0.01, 6))\n"
    )
    spec = CheckSpec(file=str(path), folders=[tmp_path], seconds=5.0)
    rows = {row.check: row for row in truncation_rows(EventRuns(spec))}
    assert rows["look-ahead"].result == rows["own reading"].result == "FAILED"
    assert rows["look-ahead"].detail.startswith("Two runs over the same data differ: at event ")
    assert rows["own reading"].detail.startswith(f"dice.py:7 reads {tmp_path / 'prices.csv'}: no cut reaches this.")
    rows = {row.check: row for row in truncation_rows(EventRuns(spec), allowed=[tmp_path])}
    assert rows["own reading"] == CheckRow("own reading", "ok", "none")


def test_truncation_by_the_console(tmp_path: Path, console: Console, shared_data: Path) -> None:
    """The peeking example is exit code 1 and one sentence; an honest one passes; wrong options are one line."""
    said = console(
        "import", str(shared_data / "stock/SPY_daily.csv.gz"), "--timezone", "America/New_York", "--stamp", "start", cwd=tmp_path
    )
    assert said.returncode == 0, said.stderr
    options = ("--truncate", "--symbol", "SPY", "--from", "2018-01-01")
    home = tmp_path / "home"
    caught = call(home, "strategies", "test", str(ROOT / "examples/strategies/peeking.py"), *options, "--json")
    assert caught.returncode == 1
    rows = {row["check"]: row for row in json.loads(caught.stdout)}
    assert rows["look-ahead"]["result"] == "FAILED"
    assert rows["look-ahead"]["detail"].startswith("At 2018-")
    assert "it decides 'buy 1.0 SPY, order_type market'; on data that end at 2018-" in rows["look-ahead"]["detail"]
    honest = call(home, "strategies", "test", str(ROOT / "examples/strategies/sma_cross.py"), *options, "--decisions", "2")
    assert honest.returncode == 0, honest.stdout + honest.stderr
    assert "every decision is the same without what came after it" in " ".join(honest.stdout.split())
    for words, message in [
        (("sma_cross", "--truncate", "--from", "2018-01-01"), "name their --period, too"),
        (("sma_cross", "--truncate", "--period", "1d"), "--symbol is missing"),
        (("sma_cross", "--truncate", "--decisions", "0"), "neither a number from 1 nor 'all'"),
        ((str(ROOT / "examples/strategies/sma_cross.py"), "--truncate", "--symbol", "SPX"), "SPX"),
    ]:
        refused = call(home, "strategies", "test", *words)
        assert refused.returncode != 0
        assert message in refused.stderr, refused.stderr
