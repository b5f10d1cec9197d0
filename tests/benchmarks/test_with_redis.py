"""The benchmark over Redis works: a quick run prints each row, with a figure."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_cache_is_measured() -> None:
    """Rates, processor time, the peer and the fill stand in a table."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on the PATH: apt-get install redis-server")
    command = [sys.executable, "benchmarks/with_redis.py", "--quick", "--only", "cache", "--markdown"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("|").split("|") for line in done.stdout.splitlines() if re.match(r"\| [^*|]", line)]
    assert len(rows) == 11
    assert [name for name, figure, _ in rows if not re.search(r"\d", figure)] == []
    docs = {
        re.sub(r"[\d.,]+", "#", line.split("|")[1].strip()) for line in (ROOT / "docs/redis.md").read_text().splitlines() if line[:1] == "|"
    }
    assert {re.sub(r"[\d.,]+", "#", name.strip()) for name, _, _ in rows} - docs == set()
