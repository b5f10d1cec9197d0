"""The tick engine over a session's journal: the same orders and fills from run to run, and others for another market."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gcg_quant.backtest.hft import rerun
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, JournalError, SettingsError, StrategyError
from gcg_quant.events import Tick
from gcg_quant.instruments import Instrument

QUOTING = """
import hft_backtest as hft


class Quoting(hft.Strategy):
    every = 7

    def init(self):
        self.seen = 0

    def on_tick(self, tick):
        self.seen += 1
        if self.seen % self.every == 0:
            side = hft.Direction.Buy if self.seen % (2 * self.every) else hft.Direction.Sell
            self.send_order(tick.symbol, side, round(tick.last_price, 2), 2)
"""
PRINT = """
import sys
from gcg_quant.backtest.hft import rerun
print(rerun(sys.argv[1], [sys.argv[2]]).digest)
"""


def record(bus: EventBus, seed: int = 3) -> None:
    """Publish a thousand ticks of a walk."""
    bus.instruments.add(Instrument(symbol="X", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0))
    walk = np.random.default_rng(seed).normal(0.0, 0.02, 1000).cumsum() + 100.0
    for number, price in enumerate(walk.round(2).tolist()):
        quote = {"bid_price": price - 0.01, "ask_price": price + 0.01, "bid_size": 5.0, "ask_size": 5.0}
        bus.publish(Tick(symbol="X", venue="SIM", event_ns=(1 + number) * 10**8, last_price=price, **quote))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a strategy file."""
    path = tmp_path / "quoting.py"
    path.write_text(QUOTING)
    return path


def test_digest_is_the_same_from_run_to_run(bus: EventBus, file: Path) -> None:
    """In this process and in another one, with another seed of its hashes."""
    record(bus)
    first, second = rerun(bus.path, [file]), rerun(bus.path, [file])
    assert len(first.result.arrays.orders) == 1000 // 7
    assert len(first.result.arrays.fills) > 20
    assert first.digest == second.digest
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    other = subprocess.run(
        [sys.executable, "-c", PRINT, str(bus.path), str(file)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert other.stdout.strip() == first.digest, other.stderr


def test_digest_is_another_for_another_market_file_or_setting(bus: EventBus, file: Path, tmp_path: Path) -> None:
    """Other ticks, latencies, times or strategies give another digest."""
    record(bus)
    other = tmp_path / "other.py"
    other.write_text(QUOTING.replace("every = 7", "every = 9"))
    with EventBus(tmp_path / "market", page_mb=1, sync="none") as market:
        record(market, seed=4)
    digests = {
        rerun(bus.path, [file]).digest,
        rerun(bus.path, [other]).digest,
        rerun(bus.path, [file], latency={"order_ms": 250}).digest,
        rerun(bus.path, [file], end=50 * 10**9).digest,
        rerun(tmp_path / "market", [file]).digest,
    }
    assert len(digests) == 5


def test_bad_input_is_a_sentence(bus: EventBus, file: Path, tmp_path: Path) -> None:
    """No bus, no file, no strategy in it, a setting that is none."""
    record(bus)
    with pytest.raises(JournalError, match=r"There is no bus in .*: name the bus folder of a session"):
        rerun(tmp_path, [file])
    with pytest.raises(BacktestError, match="There is nothing to run: name a strategy file"):
        rerun(bus.path, [])
    with pytest.raises(StrategyError, match=r"nowhere\.py"):
        rerun(bus.path, [tmp_path / "nowhere.py"])
    empty = tmp_path / "empty.py"
    empty.write_text("import hft_backtest\n")
    with pytest.raises(StrategyError, match=r"empty\.py"):
        rerun(bus.path, [empty])
    with pytest.raises(SettingsError, match="latency"):
        rerun(bus.path, [file], latencies={})
