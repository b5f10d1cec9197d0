"""A collector that dies in the middle of a run: what is missing is told to strategies, in the running system."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import GapEvent, LogEvent, SystemEvent, Tick

from .conftest import System
from .test_kill_switch import wait_for

CONFIG = """
[system.groups]
market = ["collectors", "trading"]
strategies = ["strategies"]
[simulated]
enabled = true
symbols = ["BTC/USDT", "ETH/USDT"]
ticks_per_second = 40
history_minutes = 0
[strategies]
folders = ["{folder}"]
[[strategies.load]]
file = "listener"
"""

LISTENER = """
from gcg_quant.strategy_engine import Strategy

class Listener(Strategy):
    symbols = ("BTC/USDT",)
    def on_gap(self, gap):
        self.log(f"gap {gap.symbol} {gap.kind} {gap.start_ns} {gap.end_ns}")
    def on_disconnect(self, event):
        self.log(f"lost {event.symbol} {event.kind}")
"""


def events(home: Path, *kinds: Any) -> list[Any]:
    """Return the events of some classes."""
    with EventBus(home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=kinds) as reader:
        return list(reader)


@pytest.mark.slow
def test_killed_collector_tells_what_is_missing(tmp_path: Path) -> None:
    """From its last tick to its new start, a gap and a lost connection for each symbol; the first start of a run tells none."""
    home, folder = tmp_path / "home", tmp_path / "strategies"
    folder.mkdir()
    (folder / "listener.py").write_text(LISTENER)
    config = tmp_path / "gcg_quant.toml"
    config.write_text(CONFIG.format(folder=folder))
    system = System(home, "--config", str(config))
    try:
        wait_for(lambda: len({one.symbol for one in events(home, Tick)}) == 2, "ticks of both")
        started = [one for one in events(home, SystemEvent) if one.action == "group_started"]
        (collector,) = [one for one in started if "simulated" in one.data["components"]]
        assert events(home, GapEvent) == []
        os.kill(collector.data["pid"], signal.SIGKILL)
        wait_for(lambda: len(events(home, GapEvent)) == 2, "the gaps")

        def told() -> list[str]:
            return [one.message for one in events(home, LogEvent) if one.component == "listener"]

        wait_for(lambda: len(told()) == 2, "the strategy's words")
        system.stop(signal.SIGINT)
    finally:
        system.close()
    gaps = {one.symbol: one for one in events(home, GapEvent)}
    for symbol in ("BTC/USDT", "ETH/USDT"):
        gap, ticks = gaps[symbol], [one for one in events(home, Tick) if one.symbol == symbol]
        assert gap.kind == "disconnect"
        assert gap.start_ns in [one.event_ns for one in ticks]
        assert not [one for one in ticks if gap.start_ns < one.event_ns < gap.end_ns]
    gap = gaps["BTC/USDT"]
    assert told() == [f"gap BTC/USDT disconnect {gap.start_ns} {gap.end_ns}", "lost BTC/USDT disconnect"]
