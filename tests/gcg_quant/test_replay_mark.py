"""How far a replay has played, as other processes see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gcg_quant.replay_mark import Played, ReplayMark, played_ns, replay_mark_path

NAME = b"sixteen bytes..."
KEEPER = """
import sys
from pathlib import Path
from gcg_quant.replay_mark import Played, ReplayMark
mark = ReplayMark(Path(sys.argv[1]), b"sixteen bytes...")
mark.put(Played(77, 5))
print("ready", flush=True)
sys.stdin.read()
"""


def test_mark_counts_as_long_as_its_replay_goes_on(tmp_path: Path) -> None:
    """Nothing before the first moment; what was put last; nothing once it is given up, though the same replay goes on there."""
    path = replay_mark_path(tmp_path)
    assert played_ns(path) == 0
    with ReplayMark(path, NAME, 3) as mark:
        assert (played_ns(path), mark.before) == (0, None)
        mark.put(Played(5, 9))
        mark.put(Played(1 << 60, 10))
        assert played_ns(path) == 1 << 60
    assert played_ns(path) == 0
    with ReplayMark(path, NAME) as mark:
        assert (played_ns(path), mark.before) == (1 << 60, Played(1 << 60, 10))


def test_another_replay_begins_anew(tmp_path: Path) -> None:
    """Of other data, or on another journal; also where the file holds nothing that can be read."""
    path = replay_mark_path(tmp_path)
    with ReplayMark(path, NAME) as mark:
        mark.put(Played(5, 9))
    with ReplayMark(path, NAME[::-1], 7) as mark:
        assert (played_ns(path), mark.before) == (0, None)
    with ReplayMark(path, NAME[::-1]) as mark:
        assert mark.before == Played(0, 7)
    path.write_bytes(b"short")
    with ReplayMark(path, NAME) as mark:
        assert mark.before is None


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
