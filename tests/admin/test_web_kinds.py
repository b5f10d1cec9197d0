"""The running system's page offers Chan theory among its indicators."""

from __future__ import annotations

import numpy as np

from gcg_quant.admin.web import web_components
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine.chan import ChanAnalyzer
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.indicators import Columns, indicator, lines_of
from gcg_quant.visualization.series.candles import Candle


def test_chan_is_an_indicator_of_the_page() -> None:
    """The web part's bridge has the kind, made with the analyzer of the strategies' room."""
    bridge = web_components(Settings())[0]
    assert isinstance(bridge, WebSocketEventBridge)
    one = indicator("CHAN", {}, None, bridge.kinds)
    prices = np.round(100 + np.random.default_rng(1).normal(0, 1, 400).cumsum(), 2).tolist()
    candles = [Candle(k * 60_000_000_000, k * 60, price, price + 1, price - 1, price, 1.0) for k, price in enumerate(prices)]
    shapes = lines_of([one], Columns.of(candles), 0, None)[one.key].shapes
    whole = ChanAnalyzer()
    for candle in candles:
        whole.bar(candle.start_ns, candle.high, candle.low, candle.close)
    assert len(shapes["strokes"].rows) == len(whole.strokes) > 10
