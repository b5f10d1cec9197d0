"""A strategy that hangs or brings its process down: it is named and not started again, and all others run on."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.busy_mark import BusyMark, mark_path
from gcg_quant.events import AlertEvent, Fill, LogEvent, OrderEvent, OrderStatus, StrategyStatusEvent, SystemEvent

from .conftest import System, call

CONFIG = """
[system]
hang_s = 8
[system.groups]
market = ["collectors", "bars", "trading"]
strategies = ["strategies"]
[simulated]
enabled = true
[strategies]
folders = ["{folder}"]
[[strategies.load]]
file = "grid"
id = "grid-btc"
symbols = ["BTC/USDT"]
[[strategies.load]]
file = "culprit"
"""

HANGS = """
from gcg_quant.strategy_engine import Strategy

class Culprit(Strategy):
    symbols = ("BTC/USDT",)
    def on_start(self):
        self.seen = 0
    def on_tick(self, tick):
        self.seen += 1
        if self.seen == 1:
            self.buy(0.001, self.instrument().round_price(tick.last_price * 0.95))
        if self.seen > 20:
            {how}
"""

DIES_AT_ONCE = """
import os
from gcg_quant.strategy_engine import Strategy

class Culprit(Strategy):
    symbols = ("BTC/USDT",)
    def on_start(self):
        os._exit(3)
"""


def events(home: Path, *kinds: Any) -> list[Any]:
    """Return the events of some classes."""
    with EventBus(home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=kinds) as reader:
        return list(reader)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "why", "seconds"),
    [
        # The worst that can hang: a call that keeps the interpreter's lock. No thread of the process gets a turn, and nobody is kept busy.
        ("__import__('ctypes').PyDLL(None).sleep(600)", "on_tick: it did not come back within 8 s, and the process was killed", 90),
        ("__import__('os')._exit(3)", "on_tick: the process ended in it (exit code 3)", 60),
    ],
)
def test_strategy_that_takes_its_process_along_is_not_started_again(tmp_path: Path, how: str, why: str, seconds: int) -> None:
    """Its group is started again without it; it is reported by name, its open order is cancelled, the other strategy trades on."""
    home, folder = tmp_path / "home", tmp_path / "strategies"
    folder.mkdir()
    (folder / "culprit.py").write_text(HANGS.format(how=how))
    config = tmp_path / "gcg_quant.toml"
    config.write_text(CONFIG.format(folder=folder))
    system = System(home, "--config", str(config))
    try:
        system.wait_for_line(f"strategy culprit is stopped: {why}", timeout_s=seconds)
        deadline = time.monotonic() + 60

        def states() -> list[str]:
            return [event.state for event in events(home, StrategyStatusEvent) if event.strategy == "grid-btc"]

        while states().count("running") < 2:
            assert time.monotonic() < deadline, f"the other strategy did not come back: {states()}"
            time.sleep(0.1)
        while OrderStatus.CANCELLED not in [one.status for one in events(home, OrderEvent) if one.strategy == "culprit"]:
            assert time.monotonic() < deadline, "its order was not cancelled"
            time.sleep(0.1)
        listed = call(home, "strategies", "list", "--config", str(config)).stdout
        _, _, output = system.stop(signal.SIGINT)
    finally:
        system.close()
    assert output.count("is started again") == 1
    told = [event for event in events(home, StrategyStatusEvent) if event.strategy == "culprit"]
    assert [event.state for event in told].count("running") == 1
    assert (told[-1].state, told[-1].error) == ("failed", why)
    assert why in " ".join(listed.split())
    (named,) = [event for event in events(home, SystemEvent) if event.action == "strategy_hung"]
    assert (named.component, named.detail) == ("culprit", why)
    assert [event.level for event in events(home, AlertEvent) if event.name == "strategy_hung"] == ["critical"]
    assert not [event for event in events(home, LogEvent) if event.component == "strategies" and event.level == "error"]


@pytest.mark.slow
def test_strategy_that_ends_its_process_at_the_start_does_not_end_the_system(tmp_path: Path) -> None:
    """The system starts without it and says so; a mark that a killed run has left behind blames nobody."""
    home, folder = tmp_path / "home", tmp_path / "strategies"
    folder.mkdir()
    (folder / "culprit.py").write_text(DIES_AT_ONCE)
    config = tmp_path / "gcg_quant.toml"
    config.write_text(CONFIG.format(folder=folder))
    (home / "bus").mkdir(parents=True)
    mark_path(home / "bus").write_bytes((1).to_bytes(8, sys.byteorder) + BusyMark.entry_of("grid-btc", "on_tick"))
    system = System(home, "--config", str(config))
    try:
        system.wait_for_line("strategy culprit is stopped: on_start: the process ended in it (exit code 3)", timeout_s=60)
        deadline = time.monotonic() + 60
        while not any(event.strategy == "grid-btc" for event in events(home, Fill)):
            assert time.monotonic() < deadline, "the other strategy does not trade"
            time.sleep(0.1)
        _, _, output = system.stop(signal.SIGINT)
    finally:
        system.close()
    assert output.count("is started again") == 1
    assert [event.component for event in events(home, SystemEvent) if event.action == "strategy_hung"] == ["culprit"]
