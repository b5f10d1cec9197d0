"""The program for a Windows machine with MetaTrader 5: the terminal's ticks arrive once each, whoever is killed."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import Tick, World

from ..redis_server import RedisServer
from .conftest import MakeHost

ROOT = Path(__file__).resolve().parents[3]
COPIES = (
    "examples/windows/mt5_bridge_client.py",
    *("data_storage/bridge/client.py", "data_storage/bridge/client_buffer.py"),
    *("data_collector/fx/terminal.py", "data_collector/fx/tick_cursor.py", "data_collector/fx/server_time.py"),
)
MIDNIGHT = datetime(2014, 5, 1)
WaitFor = Callable[..., None]
# The package MetaTrader5 of a machine that has no gcg_quant; how many ticks have happened stands in a file.
PACKAGE = """
import sys
from pathlib import Path
sys.path.append({fakes!r})
from fakes.mt5_terminal import FakeTerminal
assert not [name for name in sys.modules if name.startswith(("gcg_quant", "msgspec", "pydantic"))]
here = Path(__file__).parent

class Terminal(FakeTerminal):
    def terminal_info(self):
        self.play(int((here / "played").read_text() or 0))
        return super().terminal_info()

sys.modules[__name__] = Terminal(here / "ticks.csv")
"""


class Machine:
    """A folder as it lies on the Windows machine, and the program running in it.

    Args:
        folder: of the copies.
        url: of Redis.
    """

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir()
        self.folder = folder
        for name in COPIES:
            shutil.copy(ROOT / name, folder)
        (folder / "MetaTrader5.py").write_text(PACKAGE.format(fakes=str(ROOT / "tests")))
        moments = [MIDNIGHT + timedelta(milliseconds=at // 3 * 100) for at in range(3000)]  # three of each time
        lines = [
            f"{moment.isoformat(timespec='milliseconds')},{1 + at / 1e5:.5f},{1.1 + at / 1e5:.5f}" for at, moment in enumerate(moments)
        ]
        (folder / "ticks.csv").write_text("\n".join(["time,bid,ask", *lines]) + "\n")
        self.times = [round((moment - datetime(1970, 1, 1)).total_seconds() * 1000) * 1_000_000 for moment in moments]
        self.play(0)
        self._command = [
            *(sys.executable, "mt5_bridge_client.py", "--account", "5012345", "--server", "Fake-Demo", "--redis", url),
            *("--symbols", "EUR/USD=EURUSD", "--world", "paper", "--poll-ms", "1", "--server-time", "new_york+7"),
        ]
        self.process: subprocess.Popen[str] | None = None

    def play(self, count: int) -> None:
        """Let so many ticks have happened."""
        (self.folder / "new").write_text(str(count))
        os.replace(self.folder / "new", self.folder / "played")

    def start(self) -> None:
        """Start the program and wait until it sends."""
        words = {"GCG_QUANT_CREDENTIALS__MT5__PASSWORD": "right horse", "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(self._command, cwd=self.folder, env=os.environ | words, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()

    def kill(self) -> None:
        """Kill it by signal 9."""
        process, self.process = self.process, None
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert process.stderr is not None
            self.said += process.stderr.read()
            process.stderr.close()


@pytest.fixture
def machine(tmp_path: Path, own_redis: RedisServer) -> Iterator[Machine]:
    """Return a machine."""
    made = Machine(tmp_path / "windows", own_redis.tcp_url)
    yield made
    made.kill()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """Return a Redis that may be killed."""
    (tmp_path / "redis").mkdir()
    with RedisServer(tmp_path / "redis", tcp=True) as running:
        yield running


class Receiver:
    """The receiving end in a process of its own, on a bus that outlives it."""

    def __init__(self, path: Path, url: str) -> None:
        self._bus, self._url = path, url
        EventBus(path, world=World.PAPER, source="near", page_mb=1, sync="none").close()
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "tests.data_storage.bridge.mortal_end"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = 0

    def start(self) -> None:
        """Start it."""
        assert self._forks.stdin is not None
        assert self._forks.stdout is not None
        self._forks.stdin.write(f"receive {self._bus} mt5 {self._url}\n")
        self._forks.stdin.flush()
        self.pid = int(self._forks.stdout.readline())

    def kill(self) -> None:
        """Kill it by signal 9, and wait until it is gone: its reader's name is free then."""
        pid, self.pid = self.pid, 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL) if pid else None
            while pid:
                os.kill(pid, 0)
                time.sleep(0.001)

    def ticks(self) -> list[Any]:
        """Return what has arrived."""
        with EventBus(self._bus, source="reader", create=False) as bus, bus.reader(start="begin", events=[Tick]) as reader:
            return list(reader)

    def close(self) -> None:
        """End it."""
        self.kill()
        self._forks.kill()
        self._forks.wait()
        for pipe in (self._forks.stdin, self._forks.stdout):
            assert pipe is not None
            pipe.close()


def test_every_tick_arrives_once_whoever_is_killed(machine: Machine, own_redis: RedisServer, tmp_path: Path, wait_for: WaitFor) -> None:
    """Client, Redis (with all it holds) and receiver are killed by turns, while ticks come; those of equal times keep their order."""
    receiver = Receiver(tmp_path / "near", own_redis.tcp_url)
    try:
        receiver.start()
        machine.start()
        assert machine.said == "sends EUR/USD=EURUSD\n"
        machine.play(10)
        wait_for(lambda: len(receiver.ticks()) == 10, 60.0)
        played = 10
        for turn in range(6):
            played += 400
            machine.play(played - 200)  # in the middle of some of one time
            if turn % 3 == 0:
                machine.kill()
            elif turn % 3 == 1:
                own_redis.kill()
            else:
                receiver.kill()
            machine.play(played)
            if turn % 3 == 0:
                machine.start()
            elif turn % 3 == 1:
                own_redis.start()
            else:
                receiver.start()
        machine.play(3000)
        wait_for(lambda: len(receiver.ticks()) >= 3000, 120.0)
        ticks = receiver.ticks()
    finally:
        receiver.close()
    assert [one.event_ns for one in ticks] == machine.times
    assert [one.bid_price for one in ticks] == [round(1 + at / 1e5, 5) for at in range(3000)]
    assert [one.ordinal for one in ticks] == [at % 3 for at in range(3000)]
    assert {(one.symbol, one.venue) for one in ticks} == {("EUR/USD", "MT5")}
    machine.kill()
    assert "right horse" not in machine.said


def test_terms_come_with_the_ticks(machine: Machine, own_redis: RedisServer, make_host: MakeHost, wait_for: WaitFor) -> None:
    """The receiving host knows the tick and the lot."""
    near = make_host("near")
    near.receive("mt5", url=own_redis.tcp_url, begin=True)
    machine.start()
    machine.play(3)
    wait_for(lambda: len(near.events(Tick)) == 3, 60.0)
    terms = near.bus.instruments.get("EUR/USD", "MT5")
    assert (terms.tick_size, terms.lot_size, terms.kind, terms.calendar) == (1e-5, 1000.0, "fx", "FX")


def test_the_copies_run_with_python_3_9() -> None:
    """No syntax and no name of a later one: the package MetaTrader5 is used with old ones, too."""
    for name in COPIES:
        text = (ROOT / name).read_text()
        ast.parse(text, feature_version=(3, 9))
        assert text.count("from __future__ import annotations") == 1
        assert not re.search(r"^from datetime import .*\bUTC\b|^\s*match .*:$|strict=", text, re.MULTILINE)
