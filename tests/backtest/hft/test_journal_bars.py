"""The price chart of a run over a journal: the same bars as over an array, however the journal is cut into pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tick_kit import TERMS, walk

from gcg_quant.backtest import hft
from gcg_quant.backtest.hft import journal_bars
from gcg_quant.bus import EventBus
from gcg_quant.events import Quality, VolumeKind


@pytest.mark.parametrize("piece", [7, 100, 10_000])
def test_a_journal_has_the_bars_of_its_array(tmp_path: Path, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices and volumes are those of the array, within the range of the run; other instruments are left out."""
    monkeypatch.setattr(journal_bars, "PIECE", piece)
    ticks = walk(500, step_ns=300_000_000)
    ticks["volume"], ticks["volume_kind"] = np.cumsum(np.arange(500) % 5), int(VolumeKind.DAY)
    ticks["quality"] = int(Quality.NORMAL)
    with EventBus(tmp_path / "bus", sync="none") as bus:
        for symbol in ("Y", "X"):
            rows = ticks.copy()
            rows["instrument"] = bus.instruments.number(symbol, "SIM")
            rows["last_price"] += 50.0 if symbol == "Y" else 0.0
            bus.publish_batch(rows)
    span = {"start": int(ticks["event_ns"][20]), "end": int(ticks["event_ns"][480]), "instruments": {"X@SIM": TERMS}}
    found = []
    for source, symbol in ((tmp_path / "bus", ""), (ticks, "X@SIM")):
        engine = hft.Engine(cash=1000.0, symbols=["X"] if not symbol else [], **span)
        engine.add_data(source, **({"symbol": symbol} if symbol else {}))
        engine.add_strategy(hft.Strategy())
        (chart,) = engine.run(progress=False).sources
        found.append(chart)
    one, other = (chart.bars for chart in found)
    assert [chart.symbol for chart in found] == ["X", "X"]
    assert len(one) > 100
    for name in ("start_ns", "event_ns", "open", "high", "low", "close", "volume"):
        assert one[name].tolist() == pytest.approx(other[name].tolist(), nan_ok=True), name
