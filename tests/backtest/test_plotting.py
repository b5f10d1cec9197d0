"""Backtrader's plots without a display."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PLOT = """
import os, sys
for name in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"):
    os.environ.pop(name, None)
import backtrader as bt, numpy as np
from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.events import Bar


class Cross(bt.Strategy):
    def __init__(self):
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=5), bt.ind.SMA(period=20))

    def next(self):
        if not self.position and self.cross > 0:
            self.buy()
        elif self.position and self.cross < 0:
            self.close()


day = 86_400_000_000_000
bars = np.zeros(300, Bar.dtype)
bars["start_ns"] = 1_700_000_000_000_000_000 // day * day + day * np.arange(300)
bars["event_ns"] = bars["start_ns"] + day
closes = 100 + 10 * np.sin(np.arange(300) / 15)
for name, add in (("open", 0.0), ("high", 1.0), ("low", -1.0), ("close", 0.5)):
    bars[name] = closes + add
bars["volume"] = 1000
bars["period"] = b"1d"
cerebro = EventDrivenCerebro()
cerebro.adddata(EventDrivenDataFeed(dataname="X", period="1d", bars=bars))
cerebro.addstrategy(Cross)
cerebro.run()
figures = cerebro.plot(style="candle")
figures[0][0].savefig(sys.argv[1], dpi=60)
import matplotlib
print(matplotlib.get_backend(), len(figures[0][0].axes))
matplotlib.use("svg", force=True)
cerebro.plot()
print(matplotlib.get_backend())
"""


def test_plot_works_without_a_display(tmp_path: Path) -> None:
    """cerebro.plot() draws price, volume, observers and indicators into a PNG, warns of nothing, and keeps the user's backend."""
    pytest.importorskip("matplotlib")
    file = tmp_path / "plot.png"
    ignored = ["-W", "error::UserWarning"]
    done = subprocess.run([sys.executable, *ignored, "-c", PLOT, str(file)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    backend, axes, kept = done.stdout.split()
    assert (backend.lower(), kept.lower()) == ("agg", "svg")
    assert int(axes) >= 5
    picture = file.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000
