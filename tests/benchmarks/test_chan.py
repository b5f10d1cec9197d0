"""The Chan analyzer's benchmark works: every figure is printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_figure_is_printed() -> None:
    """A quick run without peers prints each row once, with a figure, as lines of a table."""
    command = [sys.executable, "benchmarks/chan.py", "--quick", "--no-peers", "--markdown"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stderr
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in result.stdout.splitlines() if line.startswith("|")]
    assert [name for name, figure, _ in cells[2:] if figure] == [
        "50,000 bars by arrays",
        "10,000 bars one by one to a strategy in Python",
        "50,000 bars saved and restored",
        "memory and saved state, all rows kept",
        "found",
    ]
