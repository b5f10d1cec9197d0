"""What `from gcg_quant.backtest import hft` brings along."""

from __future__ import annotations

import subprocess
import sys

from gcg_quant import events
from gcg_quant.backtest import hft

HEAVY = ("pandas", "backtrader", "pydantic", "sqlalchemy", "pyarrow", "rich", "matplotlib")


def test_import_brings_no_heavy_package() -> None:
    """Neither pandas nor Backtrader nor a database is imported before it is needed."""
    code = f"import sys\nfrom gcg_quant.backtest import hft\nprint([one for one in {HEAVY} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_records_are_those_of_the_bus() -> None:
    """A tick of the engine is the bus's Tick, and buying is the same everywhere."""
    assert (hft.Tick, hft.Trade, hft.Order, hft.Fill) == (events.Tick, events.TradeTick, events.OrderEvent, events.Fill)
    assert hft.Direction.Buy is hft.Direction.BUY
    assert hft.Direction.Buy == events.Side.BUY
    assert {events.Side.SELL: 1}[hft.Direction.Sell] == 1
