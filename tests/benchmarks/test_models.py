"""The benchmark of served models works: every figure is printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_figure_is_printed() -> None:
    """A quick run prints each row once, as a table."""
    command = [sys.executable, "benchmarks/models.py", "--quick", "--markdown"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert result.returncode == 0, result.stderr
    names = [line.split("|")[1].strip() for line in result.stdout.splitlines() if line.startswith("|") and "---" not in line][1:]
    parts = (
        "features of a bar (17)",
        "prediction of a row (onnxruntime)",
        "inference: features and prediction",
        "bar published to signal published",
    )
    assert names == [f"{part}, {word}" for part in parts for word in ("median", "p99")]
