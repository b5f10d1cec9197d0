"""The stored history of a system that plays a part of it: what has been played is the past, and the rest is not to be seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.admin.console import main
from gcg_quant.admin.running.parts import open_history
from gcg_quant.admin.running.stored_history import PlayedHistory
from gcg_quant.clock import NS_PER_HOUR, from_iso
from gcg_quant.history import History
from gcg_quant.replay_mark import Played, ReplayMark, replay_mark_path
from gcg_quant.settings import Settings

BEGIN = from_iso("2026-11-23")
NAMES = (f"replay {number:9}".encode() for number in itertools.count())  # each of another replay


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which two days of hours of A and of B are stored."""
    work = tmp_path_factory.mktemp("played")
    for symbol in ("A", "B"):
        rows = [f"2026-11-{23 + at // 24}T{at % 24:02}:00:00,{at},{at},{at},{at},{ord(symbol)}" for at in range(1, 48)]
        (work / f"{symbol}_hour.csv").write_text("\n".join(["time,open,high,low,close,volume", *rows]))
        words = ["--home", str(work / "home"), "import", str(work / f"{symbol}_hour.csv"), "--timezone", "UTC", "--stamp", "start"]
        with pytest.raises(SystemExit) as end:
            main([*words, "--market", "us"])
        assert not end.value.code
    return work / "home"


def settings_of(home: Path, *played: dict[str, str]) -> Settings:
    """Return the settings of a system that plays these."""
    (home / "bus").mkdir(exist_ok=True)
    return Settings.model_validate({"system": {"home": str(home)}, "replay": {"data": list(played)}})


@pytest.fixture
def history(home: Path) -> Iterator[PlayedHistory]:
    """Return what is seen while A is played from 10:00 to 20:00."""
    opened = PlayedHistory(settings_of(home, {"symbol": "A", "period": "1h", "start": "2026-11-23T10:00", "end": "2026-11-23T20:00"}))
    yield opened
    opened.close()


def last_hour(history: History, symbol: str, **asked: Any) -> int:
    """Return the hour in which the last bar ends."""
    return int(history.bars(symbol, "1h", **asked)["event_ns"][-1] - BEGIN) // NS_PER_HOUR


def test_nothing_is_seen_that_has_not_been_played(home: Path, history: PlayedHistory) -> None:
    """Before the replay, while it goes on, at its end (what is stored behind it stays unseen), and after it."""
    assert last_hour(history, "A") == 10
    with ReplayMark(replay_mark_path(home / "bus"), next(NAMES)) as mark:
        assert last_hour(history, "A") == 10
        mark.put(Played(BEGIN + 15 * NS_PER_HOUR))
        assert last_hour(history, "A") == 15
        assert last_hour(history, "A", end_ns=BEGIN + 12 * NS_PER_HOUR) == 12
        assert list(history.bars("A", "4h")["close"]) == [3, 7, 11]  # the one from 12:00 on is not over
        mark.put(Played(BEGIN + 40 * NS_PER_HOUR))  # of another symbol that goes on
        assert last_hour(history, "A") == 20
        assert last_hour(history, "B") == 48
    assert last_hour(history, "A") == 10


def test_a_system_that_plays_has_such_a_history(home: Path) -> None:
    """The processes with strategies and pages open it; of several parts of a symbol the widest counts."""
    parts = [
        {"symbol": "A", "period": "1h", "start": "2026-11-23T10:00", "end": "2026-11-23T12:00"},
        {"symbol": "A", "period": "1h", "start": "2026-11-23T14:00"},
    ]
    history = open_history(["web"], settings_of(home, *parts))
    assert isinstance(history, PlayedHistory)
    with ReplayMark(replay_mark_path(home / "bus"), next(NAMES)) as mark:
        mark.put(Played(BEGIN + 30 * NS_PER_HOUR))
        assert last_hour(history, "A") == 30
    history.close()
