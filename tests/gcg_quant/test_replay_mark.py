"""How far a replay has played, as other processes see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gcg_quant.replay_mark import ReplayMark, played_ns, replay_mark_path

KEEPER = """
import sys
from pathlib import Path
from gcg_quant.replay_mark import ReplayMark
mark = ReplayMark(Path(sys.argv[1]))
mark.put(77)
print("ready", flush=True)
sys.stdin.read()
"""


def test_mark_counts_as_long_as_its_replay_goes_on(tmp_path: Path) -> None:
    """Nothing before the first moment; what was put last; nothing once it is given up, and nothing of the run before."""
    path = replay_mark_path(tmp_path)
    assert played_ns(path) == 0
    with ReplayMark(path) as mark:
        assert played_ns(path) == 0
        mark.put(5)
        mark.put(1 << 60)
        assert played_ns(path) == 1 << 60
    assert played_ns(path) == 0
    with ReplayMark(path):
        assert played_ns(path) == 0


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_mark_of_a_process_that_is_gone_counts_for_nothing(tmp_path: Path, end: str) -> None:
    """Killed or ended: the next run of the same home begins before its replay."""
    path = replay_mark_path(tmp_path)
    with subprocess.Popen([sys.executable, "-c", KEEPER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "ready\n"
        assert played_ns(path) == 77
        if end == "kill":
            keeper.kill()
    assert played_ns(path) == 0
