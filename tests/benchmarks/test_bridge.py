"""The benchmark of bridges works: two processes, a Redis of their own, and figures."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_a_steady_rate_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows have the names of the docs, and figures above 0."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not on the PATH: apt-get install redis-server")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from measures import bridge  # type: ignore[import-not-found]

    (tmp_path / "ends").mkdir()
    with bridge.redis_server(tmp_path) as path:
        rows = list(bridge._steady(tmp_path / "ends", path, 0.1))
    assert len(rows) == 2
    for row in rows:
        assert re.search(r"[1-9]", row.figure)
    docs = (BENCHMARKS.parent / "docs/hosts.md").read_text()
    assert rows[0].name.split(": ", 1)[1] in docs
    assert rows[1].name.split(": ", 1)[1] in docs
