"""The tick engine's benchmark works: every figure is printed, and a peer that fails does not stop it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIGURES = [
    "hft, on_tick",
    "hft, on_ticks (batches)",
    r"hft, 500 orders, \d+ filled",
    "BTCUSDT",
    "equal work over an array of 10 MiB, itself included",
    r"bare loop over journals of 0.05 / 0.2 M ticks \(.*\)",
    "CSV ticks, hft.Engine.add_data",
    "CSV ticks, most memory while loading",
]


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark to its end."""
    command = [sys.executable, "benchmarks/hft.py", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=200, check=False)


def test_every_figure_is_printed() -> None:
    """A quick run without peers prints each row once, in tables of their own."""
    result = run("--quick", "--no-peers", "--markdown")
    assert result.returncode == 0, result.stderr
    rows = [line for line in result.stdout.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows if "---" not in line]
    names = [name for name, figure, _ in cells if figure != "measured"]
    assert len(names) == len(FIGURES)
    assert [name for name, expected in zip(names, FIGURES, strict=True) if not re.fullmatch(expected, name) and name != expected] == []
    assert len(cells) - len(names) == result.stdout.count("|---|---|---|") == 5
    traded = next(name for name in names if name.startswith("hft, 500 orders"))
    assert int(re.search(r"(\d+) filled", traded)[1]) > 300  # type: ignore[index]


def test_a_peer_that_cannot_run_says_why(tmp_path: Path) -> None:
    """What is measured in a process of its own comes back as an outcome, or as the reason why there is none."""
    done = run("--child", "ours", "work", "2000", "2")
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["ticks"], told["orders"], len(told["seconds"]), told["rss_mib"] > 50) == (2000, 20, 2, True)
    (tmp_path / "nautilus_trader.py").write_text("raise ImportError('nautilus_trader is broken')\n")
    done = run("--child", "nautilus", "bare", "300", "1", PYTHONPATH=str(tmp_path))
    assert json.loads(done.stdout.splitlines()[-1]) == {"error": "ImportError: nautilus_trader is broken"}


def test_an_unknown_part_is_refused() -> None:
    """The message names the parts that there are."""
    result = run("--only", "nonsense")
    assert result.returncode == 2
    assert "bare" in result.stderr
