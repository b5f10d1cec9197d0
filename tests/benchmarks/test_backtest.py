"""The backtests' benchmark works: every figure is printed, stock and ours trade alike, and a peer that fails does not stop it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [
    "SMA 10/30, observers on",
    "SMA 10/30, observers off",
    "20 indicators",
    "brackets, stops, trailing, OCO",
    "TradeAnalyzer, DrawDown, Returns",
    "ten analyzers",
    "10 feeds of 50,000 bars",
    "five strategies",
    "resampled to 15 minutes",
    "replayed as 15 minutes",
    "futures-like commissions",
    "interest on what is held",
    "live, from the bus to the broker",
]
FIGURES = [
    *(f"{pair}, {what}" for pair in PAIRS for what in ("stock Backtrader", "ours", "ours beside stock", "orders, value and cash")),
    "its memory beside stock's",
    "live, the whole chain",
    "live, from the bus to the feed alone",
    "SMA 10/30 on 0.002 / 0.005 / 0.02 M bars",
    "memory a bar, the user's frame included",
]


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark to its end."""
    command = [sys.executable, "benchmarks/backtest.py", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=200, check=False)


def test_every_figure_is_printed_and_stock_and_ours_trade_alike() -> None:
    """A quick run without peers prints each row once, as lines of a table, and in no pair do orders, value or cash differ."""
    result = run("--quick", "--no-peers", "--markdown")
    assert result.returncode == 0, result.stderr
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in result.stdout.splitlines() if re.match(r"\| [^*|]", line)]
    assert sorted(name for name, _, _ in cells) == sorted(FIGURES)
    assert [name for name, figure, target in cells if not re.search(r"\d", figure + target) and "identical" not in figure] == []
    alike = [figure for name, figure, _ in cells if name.endswith("orders, value and cash")]
    assert alike == ["identical"] * len(PAIRS)
    assert all(re.match(r"[1-9][\d,]* orders", target) for name, _, target in cells if name.endswith(", ours"))


def test_a_process_of_its_own_tells_its_outcome(tmp_path: Path) -> None:
    """What is measured in a process of its own comes back with its memory; what cannot run there says why."""
    done = run("--child", "stock", "off", "300")
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["bars"], told["orders"] > 0, told["rss_mib"] > 50) == (300, True, True)
    (tmp_path / "backtesting.py").write_text("raise ImportError('backtesting is broken')\n")
    done = run("--child", "backtesting", "off", "300", PYTHONPATH=str(tmp_path))
    assert json.loads(done.stdout.splitlines()[-1]) == {"error": "ImportError: backtesting is broken"}


def test_an_unknown_part_is_refused() -> None:
    """The message names the parts that there are."""
    result = run("--only", "nonsense")
    assert result.returncode == 2
    assert "crossover" in result.stderr
