"""What a manager leaves behind while its strategies are busy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.busy_mark import busy_with, mark_path
from gcg_quant.events import LogEvent, Tick
from gcg_quant.strategy_engine import StrategyManager

SOURCE = """
import asyncio
from gcg_quant.busy_mark import busy_with
PATH = {path!r}
def look():
    return busy_with(__import__("pathlib").Path(PATH))[:2]
AT_LOAD = look()
class Mine(Strategy):
    symbols = ("BTC/USDT",)
    def on_start(self):
        self.log(f"{{AT_LOAD}} {{look()}}")
    async def on_tick(self, tick):
        before = look()
        await asyncio.sleep(0.01)
        self.log(f"{{before}} {{look()}}")
    def on_bar(self, bar): ...
"""


def test_mark_tells_what_runs_at_every_moment(
    bus: EventBus,
    start_manager: Callable[..., StrategyManager],
    command: Callable[..., Any],
    write_file: Callable[[str, str], Path],
    journal: Callable[..., list[Any]],
    wait_until: Callable[..., None],
) -> None:
    """It names the file that is being loaded, the callback, and the coroutine in each of its steps; not one that only waits."""
    path = mark_path(bus.path)
    write_file("mine.py", SOURCE.format(path=str(path)))
    start_manager()
    assert command("run", "mine", file="mine").ok
    assert busy_with(path) is None
    bus.publish(Tick(symbol="BTC/USDT", venue="SIM", last_price=1.0))
    wait_until(lambda: len([event for event in journal(LogEvent) if event.component == "mine"]) == 2, "the end of the coroutine")
    said = [event.message for event in journal(LogEvent) if event.component == "mine"]
    assert said == ["('mine', 'load') ('mine', 'on_start')", "('mine', 'on_tick') ('mine', 'on_tick')"]
    wait_until(lambda: busy_with(path) is None, "nobody")
