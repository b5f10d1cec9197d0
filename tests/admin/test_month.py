"""A month in seconds: what runs for long, and is restarted often, grows nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .month import MAY_GROW, Measure, grown

RESTARTS = os.environ.get("GCG_QUANT_MONTH_RESTARTS", "40")  # 10,000 in the long form
MONTH = Path(__file__).with_name("month.py")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and moves the clock by LD_PRELOAD")
@pytest.mark.timeout(3600)
def test_month_of_restarts_leaves_everything_flat() -> None:
    """Thirty days with pruning, snapshots, clock steps and restarts: the second half holds no more than the first, and nothing is lost."""
    result = subprocess.run([sys.executable, MONTH, "--restarts", RESTARTS], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", MAY_GROW)
def test_growth_is_seen(name: str) -> None:
    """The comparison names each thing that grows by a little every day, and nothing else."""
    flat = {"disk": 10**7, "memory": 4 * 10**7, "objects": 50_000, "descriptors": 10, "mappings": 300, "threads": 1}
    step = {"disk": 10**6, "memory": 10**6, "objects": 100, "descriptors": 1, "mappings": 3, "threads": 1}[name]
    days = [Measure(**flat | {name: flat[name] + day * step}) for day in range(30)]
    assert [sentence.split(":")[0] for sentence in grown(days)] == [name]
    assert grown([Measure(**flat)] * 30) == []
