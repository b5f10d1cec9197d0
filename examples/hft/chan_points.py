"""Chan theory in the tick engine: bars are made of a day's ticks, and its buy and sell points are traded with a stop at the point.

    python examples/hft/chan_points.py [DATA_FOLDER]

The decisions are those of the shipped strategy `chan` (gcg_quant.strategy_engine.chan.calls); here they are given to a tick strategy, whose
orders meet the quotes between two bars.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gcg_quant.backtest import hft
from gcg_quant.strategy_engine.chan.calls import ChanCalls, ChanRules

DATA = Path(__file__).resolve().parents[3] / "shared/data"
QUOTES = "fx/EURUSD_oanda_tick_20140501.csv.gz"


class ChanPoints(hft.Strategy):
    """In on a buy point, out on a sell point or at the end of the point's stroke, and the other way round."""

    draws_chan = True  # the elements stand in the report

    length = hft.Parameter("1m", doc="of the bars")
    kinds = hft.Parameter("123", doc="kinds of points that count")
    trend_pivots = hft.Parameter(1, low=1, doc="pivots in a row that make a trend")
    quantity = hft.Parameter(1.0, low=0, doc="lots of each position")

    def init(self):
        """Ask for the bars; each symbol's analysis begins with its first."""
        self.bars(self.length)
        self.rules = ChanRules(kinds=self.kinds, trend_pivots=self.trend_pivots).check(self.length)
        self.calls = {}

    def on_bar(self, bar):
        """Follow the bar, and act on the points that it confirms."""
        if bar.symbol not in self.calls:
            self.calls[bar.symbol] = ChanCalls(self.rules, bar.basis)
        for call in self.calls[bar.symbol].update(bar):
            self.log(f"{call.kind} at {call.price:g}")
            self.act(bar, call)

    def act(self, bar, call):
        """Turn the position to the point's side, with a stop behind it."""
        held, buys = self.position(bar.symbol), call.side == hft.Side.BUY
        if held and (held > 0) == buys:
            return
        self.cancel_all(bar.symbol)
        stop = self.instrument(bar.symbol).round_price(call.stop, "down" if buys else "up")
        if held:
            self.send_order(bar.symbol, hft.Direction.Sell if held > 0 else hft.Direction.Buy, None, abs(held))
        if (stop < bar.close) if buys else (stop > bar.close):
            way_in, way_out = (hft.Direction.Buy, hft.Direction.Sell) if buys else (hft.Direction.Sell, hft.Direction.Buy)
            self.send_order(bar.symbol, way_in, None, self.quantity, tag=call.kind)
            self.send_order(bar.symbol, way_out, None, self.quantity, stop_price=stop, tag=call.kind)


def quotes(folder: Path = DATA) -> np.ndarray:
    """Return a day of EURUSD quotes as ticks without a last price."""
    frame = pd.read_csv(folder / QUOTES, parse_dates=["time"])
    return hft.rows(
        hft.Tick,
        event_ns=frame["time"].to_numpy().astype("datetime64[ns]").astype("int64"),
        bid_price=frame["bid"].to_numpy(),
        ask_price=frame["ask"].to_numpy(),
        bid_size=1e6,
        ask_size=1e6,
    )


def main(folder: Path = DATA) -> hft.Result:
    """Run the day, print what came of it and write the report."""
    engine = hft.Engine(cash=1_000_000, instruments={"EURUSD@OANDA": {"kind": "fx", "tick_size": 0.00001}})
    engine.add_data(quotes(folder), "EURUSD@OANDA")
    engine.add_strategy(ChanPoints())
    result = engine.run()
    print(result)
    print(result.fills.tail(6))
    print(f"Report: {result.report('chan_points.html')}")
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
