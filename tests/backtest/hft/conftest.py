"""Fixtures of the tick engine's tests: engines, and rows of every kind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest import hft

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for `tick_kit`
from tick_kit import NOON, SECOND, TERMS, Rows, empty_rows, make_ticks, walk


@pytest.fixture
def make_engine() -> Any:
    """Return a function that makes an engine on ticks of ABC@SIM, with a tick size of 0.5 and no fees, or on other data by symbol."""

    def make(*strategies: hft.Strategy, data: dict[str, Rows] | None = None, **settings: Any) -> hft.Engine:
        data = {"ABC@SIM": walk(2_000)} if data is None else data
        engine = hft.Engine(instruments=dict.fromkeys(data, TERMS), **settings)
        for symbol, rows in data.items():
            engine.add_data(rows, symbol)
        for one in strategies:
            engine.add_strategy(one)
        return engine

    return make


@pytest.fixture
def every_kind() -> dict[str, Any]:
    """Return rows of every record type of one instrument, and the settings of an engine for them."""
    trades = empty_rows(hft.Trade, 3)
    trades["event_ns"] = NOON + SECOND // 2 + np.arange(3) * SECOND
    trades["price"], trades["size"] = 100.0, 1.0
    depths = empty_rows(hft.Depth, 3)
    depths["event_ns"] = trades["event_ns"] + 1
    depths["levels"] = 1
    depths["bid_prices"][:, 0], depths["ask_prices"][:, 0], depths["bid_sizes"][:, 0], depths["ask_sizes"][:, 0] = 99.5, 100.5, 5.0, 5.0
    deltas = empty_rows(hft.BookDelta, 3)
    deltas["event_ns"] = trades["event_ns"] + 2
    deltas["price"], deltas["size"], deltas["side"], deltas["is_last"] = 99.5, 6.0, hft.Side.BUY, 1
    bars = empty_rows(hft.Bar, 3)
    bars["start_ns"], bars["event_ns"] = trades["event_ns"] - SECOND // 2, trades["event_ns"] + SECOND // 4
    bars["open"] = bars["high"] = bars["low"] = bars["close"] = 100.0
    bars["period"] = b"1s"
    return {"rows": [make_ticks([100.0, 100.0, 100.0]), trades, depths, deltas, bars], "settings": {"instruments": {"ABC": TERMS}}}
