"""What Kungfu's and hft's strategies draw on the chart: the same points as ours."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import PlotEvent, Tick
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import StrategyManager

MAOTAI = {"symbol": "600519", "venue": "SIM"}
SECOND = 1_000_000_000
NOON = 1_700_000_000 * SECOND

KUNGFU = """
from kungfu.wingchun.constants import *

def pre_start(context):
    context.add_account("xtp", "1")
    context.subscribe("xtp", ["600519"], Exchange.SSE)

def on_quote(context, quote):
    context.plot("last", quote.last_price)
    context.plot("spread", quote.ask_price[0] - quote.bid_price[0], quote.instrument_id, Exchange.SSE, place="below")
    context.plot("nothing", float("nan"))
"""

HFT = """
from gcg_quant.backtest import hft

class Mine(hft.Strategy):
    symbols = ("600519",)

    def on_tick(self, tick):
        self.plot("last", tick.last_price)
        self.plot("spread", tick.ask_price - tick.bid_price, symbol=tick.symbol, place="below")
        self.plot("nothing", float("nan"))
"""


@pytest.mark.parametrize("source", [KUNGFU, HFT], ids=["kungfu", "hft"])
def test_guests_draw_on_the_chart(
    bus: EventBus,
    folder: Path,
    start_manager: Callable[..., StrategyManager],
    command: Callable[..., Any],
    journal: Callable[..., list[Any]],
    wait_until: Callable[..., None],
    source: str,
) -> None:
    """A point over the price and one below it for each tick, as an answer to it, of the instrument that it names; NaN draws nothing."""
    bus.instruments.add(Instrument(**MAOTAI, tick_size=0.5))
    (folder / "mine.py").write_text(textwrap.dedent(source))
    start_manager(event_time=True)  # the ticks are a second apart, however quickly they come
    assert command("run", "mine", file="mine").ok
    for number, price in enumerate((1690.0, 1691.0)):
        bus.publish(Tick(**MAOTAI, event_ns=NOON + number * SECOND, last_price=price, bid_price=price - 0.5, ask_price=price + 0.5))
    wait_until(lambda: len(journal(PlotEvent)) >= 4, "four points")
    points = journal(PlotEvent)
    assert {(point.symbol, point.venue, point.strategy) for point in points} == {("600519", "SIM", "mine")}
    assert [(point.name, point.value, point.place) for point in points] == [
        ("last", 1690.0, "price"),
        ("spread", 1.0, "below"),
        ("last", 1691.0, "price"),
        ("spread", 1.0, "below"),
    ]
    assert [point.cause for point in points] == [tick.id for tick in journal(Tick) for _ in range(2)]
