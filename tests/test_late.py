"""What .ci/test runs once more: at most six tests that may have been late, and nothing where anything else has failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SLOW = "import pytest\npytestmark = pytest.mark.slow\n"


def run(folder: Path, files: dict[str, str], *words: str) -> tuple[str, list[str]]:
    """Run these files with more words for pytest, and return the last line and the tests that are to be run again."""
    for name, text in files.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    words = ("-p", "tests.late", "-q", "--import-mode", "importlib", "tests", *words)
    environment = {**os.environ, "GCG_LATE_TESTS": str(folder / "late"), "PYTHONPATH": str(ROOT)}
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    told = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    late = folder / "late"
    return told.stdout.splitlines()[-1], late.read_text().splitlines() if late.exists() else []


def failing(count: int, head: str = "") -> str:
    """Return a file in which so many tests fail and one passes."""
    return head + "".join(f"def test_{number}(): assert False\n" for number in range(count)) + "def test_well(): pass\n"


@pytest.mark.parametrize(
    ("files", "failed", "again"),
    [
        ({"admin/test_a.py": failing(4), "gcg_quant/test_b.py": failing(2, SLOW), "gcg_quant/test_c.py": failing(0)}, 6, 6),
        ({"admin/test_a.py": failing(4), "visualization/test_b.py": failing(3)}, 7, 0),
        ({"admin/test_a.py": failing(1), "gcg_quant/test_b.py": failing(1), "gcg_quant/test_c.py": failing(0)}, 2, 0),
        ({"admin/test_a.py": failing(0), "gcg_quant/test_b.py": failing(0)}, 0, 0),
        ({"admin/test_a.py": failing(1) + "import pytest\n@pytest.fixture\ndef audit():\n    assert 0\ndef test_x(audit): pass\n"}, 1, 0),
    ],
    ids=["six", "seven", "another-room", "none", "an-error"],
)
def test_few_that_were_late_are_run_again(tmp_path: Path, files: dict[str, str], failed: int, again: int) -> None:
    """Six are run again; of seven, where something else failed, or where a fixture did, none."""
    last, late = run(tmp_path, files, "-p", "no:xdist")
    assert (f"{failed} failed" in last) == bool(failed), last
    assert len(late) == again


def test_all_processes_count_together(tmp_path: Path) -> None:
    """If each one wrote down its own, three of seven would be run again and the others excused."""
    files = {"admin/test_a.py": failing(4), "visualization/test_b.py": failing(3)}
    last, late = run(tmp_path, files, "-n", "2", "--dist", "loadfile")
    assert "7 failed" in last
    assert late == []
