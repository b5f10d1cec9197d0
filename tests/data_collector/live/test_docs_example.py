"""The collector that docs/collectors.md shows is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.events import TradeTick

PAGE = Path(__file__).parents[3] / "docs" / "collectors.md"


def test_the_example_collects(bus: EventBus, venue: Any, published: Any, wait_until: Callable[..., Any]) -> None:
    """It connects, reads, and comes back after a break."""
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(code, names)
    collector = names["MyCollector"]("mine", symbols=["A"], url=f"tcp://127.0.0.1:{venue.port}", backoff=Backoff(0.01, 0.1))
    collector.start(bus)
    try:
        for number in (1, 2):
            wait_until(lambda: venue.connections)
            venue.send(venue.trade(number))
            wait_until(lambda number=number: len(published(TradeTick)) == number)
            venue.cut()
    finally:
        assert collector.stop()
