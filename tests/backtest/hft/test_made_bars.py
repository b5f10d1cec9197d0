"""Bars in the tick engine: made of ticks or trades, or those of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tick_kit import NOON, SECOND, TERMS, empty_rows, make_ticks, walk

from gcg_quant.backtest import hft
from gcg_quant.bars import BarAggregator
from gcg_quant.errors import EventError, StrategyError
from gcg_quant.events import from_array


class Hears(hft.Strategy):
    """Notes the bars that it is told of."""

    periods = ("10s",)

    def init(self) -> None:
        """Ask for another period."""
        self.heard: list[Any] = []
        self.bars("1m")

    def on_bar(self, bar: hft.Bar) -> None:
        """Note a bar."""
        self.heard.append((bar.period, bar.start_ns, bar.event_ns, bar.open, bar.high, bar.low, bar.close, self.now))


def test_bars_of_ticks_are_those_of_the_aggregator(make_engine: Any) -> None:
    """Both the declared period and the one that init asks for come when they close, with the numbers of the bars on paper."""
    rows = walk(300)
    hears = Hears()
    make_engine(hears, data={"ABC@SIM": rows}).run()
    expected = []
    for period in ("10s", "1m"):
        maker = BarAggregator(period)
        for tick in from_array(rows, "ABC", "SIM"):
            expected += [(bar.period, bar.start_ns, bar.event_ns, bar.open, bar.high, bar.low, bar.close) for bar in maker.update(tick)]
    heard = [one[:-1] for one in hears.heard]
    assert len(expected) > 30
    assert set(expected) <= set(heard)
    assert {one[0] for one in heard} == {"10s", "1m"}
    assert all(now == bar_end for _, _, bar_end, *_, now in hears.heard)


def test_bars_of_the_data_come_as_they_are(make_engine: Any) -> None:
    """Without periods a strategy gets all bars of the data, with some only those."""
    bars = empty_rows(hft.Bar, 4)
    bars["start_ns"] = NOON + np.arange(4) * 60 * SECOND
    bars["event_ns"] = bars["start_ns"] + 60 * SECOND
    bars["open"] = bars["high"] = bars["low"] = bars["close"] = 100.0
    bars["period"] = [b"1m", b"5m", b"1m", b"1m"]

    class All(hft.Strategy):
        def init(self) -> None:
            self.heard: list[str] = []

        def on_bar(self, bar: hft.Bar) -> None:
            self.heard.append(bar.period)

    class Some(All):
        periods = ("5m",)

    everything, some = All(), Some()
    make_engine(everything, some, data={"ABC@SIM": bars}).run()
    assert everything.heard == ["1m", "5m", "1m", "1m"]
    assert some.heard == ["5m"]


def test_bars_that_cannot_be_made_are_told(make_engine: Any) -> None:
    """A period that is none, and an instrument of which there are only books."""

    class Wrong(Hears):
        periods = ("10x",)

    with pytest.raises(EventError, match="10x"):
        make_engine(Wrong(), data={"ABC@SIM": make_ticks([1.0])}).run()
    deltas = empty_rows(hft.BookDelta, 1)
    deltas["event_ns"], deltas["price"], deltas["size"], deltas["side"], deltas["is_last"] = NOON, 99.5, 6.0, hft.Side.BUY, 1
    engine = hft.Engine(instruments={"ABC": TERMS})
    engine.add_data(deltas, "ABC@SIM")
    engine.add_strategy(Hears())
    with pytest.raises(StrategyError, match="Hears wants bars of 10s, and the data of ABC@SIM have neither ticks nor trades"):
        engine.run()
