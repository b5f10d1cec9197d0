"""The benchmark of live collectors works: a quick run prints each row, with a figure."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_crypto_streams_are_measured() -> None:
    """Rates and the peer stand in a table, with the names that the README has."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    command = [sys.executable, "benchmarks/collectors.py", "--quick", "--only", "parsing", "--only", "binance", "--markdown"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("|").split("|") for line in done.stdout.splitlines() if re.match(r"\| [^*|]", line)]
    assert len(rows) in (6, 8)  # without and with cryptofeed
    assert [name for name, figure, _ in rows if not re.search(r"\d", figure)] == []
    readme = {line.split("|")[1].strip() for line in (ROOT / "README.md").read_text().splitlines() if line[:1] == "|"}
    assert {name.strip() for name, _, _ in rows} - readme == set()
