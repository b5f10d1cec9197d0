"""The chart page's benchmark works: each part prints its figures, a short run of few bars and clients."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LONG = pytest.mark.skipif("GCG_TORTURE_S" not in os.environ, reason="half a minute for 50 clients; make torture has it")
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("part", "figures"),
    [
        pytest.param("latency", ["bus to page, 1 client, p50 / p95", "bus to page, 50 clients, p50 / p95"], marks=LONG),
        ("bars", ["50,000 minutes: 1m, the newest 800", "50,000 minutes: 1d, all of it"]),
        ("indicators", ["EMA, after a tick of the newest of 1,500 bars", "nine indicators, after a tick of the newest of 1,500 bars"]),
    ],
)
def test_part_prints_its_figures(part: str, figures: list[str]) -> None:
    """Every figure is there and above nothing."""
    command = [sys.executable, "benchmarks/page.py", "--quick", "--no-peers", "--only", part]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    for figure in figures:
        assert re.search(rf"{re.escape(figure)} .*\d (ms|us)", done.stdout), (figure, done.stdout)
