"""The tick strategies and the notebook of examples/: each runs on real data, keeps to what it says of itself, and writes its report."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gcg_quant.bars import BarAggregator
from gcg_quant.events import BarBasis, from_array

FOLDER = Path(__file__).resolve().parents[2] / "examples/hft"


def example(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    """Return an example's module, in a folder for its report."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of_day(times: pd.DatetimeIndex, zone: str) -> list[str]:
    """Return local times of day."""
    return [str(one) for one in times.tz_convert(zone).strftime("%H:%M:%S")]


def test_grid_runs_as_a_script(shared_data: Path, tmp_path: Path) -> None:
    """From the command line, with the folder of the data: tables on the screen, and a report beside."""
    command = [sys.executable, str(FOLDER / "grid_if.py"), str(shared_data)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Grid(symbol=IF2101, step=" in done.stdout
    assert "Report: grid_if.html" in done.stdout
    assert "IF2101" in (tmp_path / "grid_if.html").read_text(encoding="utf-8")


def test_grid_keeps_to_its_ladder_and_goes_home_flat(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more than its rungs, resting orders alone but when it leaves, and nothing but closing from 14:50."""
    module = example("grid_if", monkeypatch, tmp_path)
    result = module.main(shared_data)
    assert len(result.fills) > 20
    assert result.fills["position"].abs().max() <= module.Grid.rungs.default
    assert result.fills["position"].iloc[-1] == 0
    assert max(of_day(result.fills.index, "Asia/Shanghai")) < "14:51:00"
    assert not result.orders["status"].astype(str).str.contains("REJECTED").any()


def test_market_maker_holds_no_more_than_it_may(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All its fills are those of resting orders, on both sides, and free of fees."""
    module = example("market_making_btcusdt", monkeypatch, tmp_path)
    result = module.main(shared_data)
    measures = result.maker_measures[0]
    assert measures.fills == measures.maker_fills > 50
    assert min(measures.buy_fills, measures.sell_fills) > 10
    assert result.fills["position"].abs().max() <= module.MarketMaker.most.default + 1e-9
    assert result.fills["fee"].abs().sum() == 0
    assert (tmp_path / "market_making_btcusdt.html").stat().st_size > 100_000


def test_momentum_is_flat_before_the_close(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It enters within the session, pays fees, and holds nothing from 15:56."""
    result = example("momentum_ibm", monkeypatch, tmp_path).main(shared_data)
    times = of_day(result.fills.index, "America/New_York")
    assert len(times) >= 4
    assert min(times) >= "10:00:00"
    assert max(times) < "15:57:00"
    assert result.fills["position"].iloc[-1] == 0
    assert result.fills["fee"].sum() > 0


def test_chan_points_are_those_of_the_day_s_bars(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hears of the points that its minutes confirm, trades on them, and a stop stands behind each position."""
    module = example("chan_points", monkeypatch, tmp_path)
    result = module.main(shared_data)
    maker, calls = BarAggregator("1m", BarBasis.MID), module.ChanCalls(module.ChanRules(trend_pivots=1), BarBasis.MID)
    bars = [bar for tick in from_array(module.quotes(shared_data), "EURUSD", "OANDA") for bar in maker.update(tick)]
    points = [(bar.event_ns, call.side) for bar in bars for call in calls.update(bar)]
    assert len(points) > 10
    entries = result.orders[result.orders["type"].astype(str).str.contains("MARKET")]
    assert {int(time.value) for time in entries.index} <= {time_ns for time_ns, _ in points}
    assert len(entries) >= 10
    assert result.orders["type"].astype(str).str.contains("STOP").sum() >= 5
