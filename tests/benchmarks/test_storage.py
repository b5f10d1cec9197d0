"""The benchmark of storage works: ours beside the driver, and a recorder beside a process that publishes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_storing_reading_and_recording_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of row has figures above 0, and all rows that were published are there."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from measures import storage_recorder, storage_writing  # type: ignore[import-not-found]
    from measures.rows import Plan  # type: ignore[import-not-found]

    monkeypatch.setattr(storage_writing, "ROWS", 2_000)
    monkeypatch.setattr(storage_recorder, "RATE", 5_000)
    monkeypatch.setattr(storage_recorder, "missing", lambda: "not here")
    monkeypatch.setattr(storage_writing, "missing", lambda: "not here")
    plan = Plan(quick=True)
    rows = [*storage_writing.sqlite(plan), *storage_writing.again(plan), *storage_recorder.recorder(plan)]
    assert len(rows) == 3 * len(storage_writing.KINDS) + 2 + 3
    for row in rows[:-1]:
        assert re.search(r"[1-9]", row.figure), row
    assert rows[-1].figure == "not here"
