"""A model that was trained on made bars, and these bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from gcg_quant.backtest.models import TrainingRequest, train
from gcg_quant.events import Bar, BarBasis
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine.models import ModelRecord, ModelStore

HOUR_NS = 3_600_000_000_000
FEATURES = ("return(1)", "return(3)@2", "place(10)", "talib.RSI(5)", "chan.stroke(2)", "chan.pivot(2)")


class Trained(NamedTuple):
    """What was trained on what."""

    folder: Path
    record: ModelRecord
    bars: np.ndarray[Any, Any]

    @property
    def store(self) -> ModelStore:
        """The store that it lies in."""
        return ModelStore(self.folder)

    def history(self, count: int, begin: int = 0) -> MemoryHistory:
        """Return a history that has the bars from `begin` up to, but not including, `count`."""
        made = MemoryHistory()
        made.add_bars("XYZ", "SIM", self.bars[begin:count])
        return made

    def bar(self, place: int) -> Bar:
        """Return a bar as an event."""
        row = self.bars[place]
        prices = {name: float(row[name]) for name in ("open", "high", "low", "close", "volume")}
        times = {"start_ns": int(row["start_ns"]), "event_ns": int(row["event_ns"])}
        return Bar(symbol="XYZ", venue="SIM", period="1h", **prices, **times)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a small model on 1,200 hourly bars of a random walk."""
    random = np.random.default_rng(7)
    count = 1200
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.01, count)))
    rows = np.zeros(count, Bar.dtype)
    rows["start_ns"] = np.arange(1, count + 1) * HOUR_NS
    rows["event_ns"] = rows["start_ns"] + HOUR_NS
    rows["open"], rows["close"] = np.append(100.0, closes[:-1]), closes
    rows["high"] = np.maximum(rows["open"], closes) * 1.001
    rows["low"] = np.minimum(rows["open"], closes) * 0.999
    rows["volume"] = 1.0
    rows["period"], rows["basis"] = b"1h", int(BarBasis.LAST)
    history = MemoryHistory()
    history.add_bars("XYZ", "SIM", rows)
    folder = tmp_path_factory.mktemp("models")
    request = TrainingRequest(
        id="xyz", symbol="XYZ", period="1h", features=FEATURES, horizon=2, folds=2, parameters={"rounds": 20, "learning_rate": 0.2}
    )
    return Trained(folder, train(request, history, ModelStore(folder)), rows)
