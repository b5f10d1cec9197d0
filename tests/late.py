"""Which tests .ci/test runs once more, alone.

Only a test that deals with a browser, a venue or a whole system by the clock can be late: those that are marked so, and the rooms that
face the world. Others are never excused, nor is a journal that does not add up (an error of a fixture). All of them must pass three times
alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# The rooms whose tests talk with venues, browsers and other processes.
_FACING = ("tests/data_collector/", "tests/admin/", "tests/visualization/")
_MOST = 6


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write down what was late on a busy machine, if it is few tests and nothing else failed."""
    if hasattr(terminalreporter.config, "workerinput"):
        return  # a worker knows of its own tests only
    file, stats = os.environ.get("GCG_LATE_TESTS"), terminalreporter.stats
    failed = stats.get("failed", [])
    late = [one for one in failed if {"browser", "slow"} & set(one.keywords) or one.nodeid.startswith(_FACING)]
    if file and len(failed) == len(late) <= _MOST and "error" not in stats:
        Path(file).write_text("".join(f"{one.nodeid}\n" for one in failed))
