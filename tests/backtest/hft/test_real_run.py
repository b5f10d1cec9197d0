"""The measures of real runs: what the native engine notes adds up, whatever was traded and however."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tick_kit import TERMS, walk

from gcg_quant.backtest import hft
from gcg_quant.enumerations import OrderStatus

FEES = {**TERMS, "maker_fee": -0.0001, "taker_fee": 0.0004, "fee_per_unit": 0.01}


class Random(hft.Strategy):
    """Sends, changes its mind and takes, by a seed."""

    seed = hft.Parameter(1)

    def init(self) -> None:
        """Begin the numbers."""
        self.rng = np.random.default_rng(self.seed)

    def on_tick(self, tick: hft.Tick) -> None:
        """Do one of several things."""
        what = int(self.rng.integers(0, 6))
        side = hft.Side.BUY if self.rng.random() < 0.5 else hft.Side.SELL
        away = int(self.rng.integers(-1, 3)) * 0.5
        if what < 3:
            price = tick.bid_price - away if side is hft.Side.BUY else tick.ask_price + away
            self.send_order(tick.symbol, side, price, int(self.rng.integers(1, 8)), post_only=what == 0)
        elif what == 3:
            self.cancel_all(tick.symbol)
        elif what == 4:
            self.send_order(tick.symbol, side, None, int(self.rng.integers(1, 4)))


def run(seed: int, terms: dict[str, Any], **settings: Any) -> hft.Engine:
    """Return an engine that has run over two instruments."""
    engine = hft.Engine(cash=100_000.0, currency="USD", instruments={"X@SIM": terms, "Y@SIM": {**terms, "multiplier": 10.0}}, **settings)
    engine.add_data(walk(400, seed=seed), symbol="X@SIM")
    engine.add_data(walk(300, seed=seed + 1, price=50.0), symbol="Y@SIM")
    engine.add_strategy(Random(seed=seed))
    engine.add_strategy(Random(seed=seed + 100), symbols="X")
    engine.run(progress=False)
    return engine


@pytest.mark.parametrize("seed", range(6))
def test_profit_and_orders_add_up(seed: int) -> None:
    """The parts of the profit are what the account gained, to the cent; each order has one end; frames and measures agree."""
    latency = {"order_ms": 300.0 * (seed % 2), "response_ms": 100.0 * (seed % 3)}
    result = run(seed, FEES, latency=latency, horizons_seconds=(1.0, 5.0), queue=("back", "risk_averse", "proportional")[seed % 3]).result
    total, *symbols = result.maker_measures
    assert total.fills > 50
    assert total.maker_fills > 5
    assert total.net_profit == pytest.approx(result.net_profit, abs=0.005)
    assert total.net_profit == pytest.approx(sum(one.net_profit or 0.0 for one in symbols), abs=0.005)
    for one in result.maker_measures:
        assert one.sent == one.filled + one.partly + one.cancelled + one.working + one.rejected
    orders, fills = result.orders, result.fills
    assert total.sent == len(orders)
    assert total.rejected == (orders["status"] == OrderStatus.REJECTED.name).sum()
    filled = fills.groupby("order")["quantity"].sum()
    assert filled.to_dict() == orders.set_index("order")["filled"].loc[filled.index].to_dict()
    assert orders["filled"].sum() == pytest.approx(fills["quantity"].sum())
    assert (orders["queue"].dt.total_seconds() >= 0).all()
    assert result.measures.end_value == pytest.approx(100_000.0 + result.net_profit)
    assert result.positions.groupby("symbol", observed=True)["quantity"].last().shape == (2,)


def test_report_begins_with_the_first_event(capsys: pytest.CaptureFixture[str]) -> None:
    """Samples of the account begin at a whole period; the range that the report tells begins before."""
    rows = walk(400)
    rows["event_ns"] += 7_000_000_000 - rows["event_ns"][0] % 60_000_000_000  # 7 s behind a minute
    engine = hft.Engine(cash=100_000.0, currency="USD", instruments={"X@SIM": TERMS}, sample_seconds=60.0)
    engine.add_data(rows, symbol="X@SIM")
    engine.add_strategy(Random())
    engine.run(progress=False)
    result = engine.result
    assert result.measures.start_ns - result.backtest.first_ns == 53_000_000_000
    assert result.backtest.first_ns == rows["event_ns"][0]
    result.summary(trades=0)
    line = next(row for row in capsys.readouterr().out.splitlines() if row.startswith("  Ticks"))
    assert line.split()[3].endswith(":07")


def test_marks_are_the_mids_after_the_fills() -> None:
    """Each mid a while later is that of the ticks, and none where the data had ended."""
    engine = run(3, FEES, horizons_seconds=(5.0,))
    fills = engine.result.arrays.fills
    ticks = walk(400, seed=3)
    rows = fills[fills["number"] == 1]
    later = rows["event_ns"] + 5_000_000_000
    at = np.searchsorted(ticks["event_ns"], later, side="right") - 1
    mids = (ticks["bid_price"][at] + ticks["ask_price"][at]) / 2
    known = later <= ticks["event_ns"][-1]
    assert engine.result.facts.marks(rows, 0)[known].tolist() == mids[known].tolist()
    assert known.sum() > 30
