"""A grid on the CSI 300 index future: buy a step below, sell a step above, close each rung one step back.

    python examples/hft/grid_if.py [DATA_FOLDER]

One day of CFFEX snapshots, two a second (4 January 2021). Terms, fees and margin are the usual ones of the market, which the symbol tells.
To close what was opened on the same day costs ten times the usual fee at this exchange, 1.2 points a lot: the step has to pay for that.
The step was chosen on this same day, so the profit says nothing of other days.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gcg_quant.backtest import hft
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE

DATA = Path(__file__).resolve().parents[3] / "shared/data"
FILE = "future/CFFEX_IF_tick_20210104.csv.gz"
SYMBOL = "IF2101@CFFEX"


class Grid(hft.Strategy):
    """Rests one lot on either side of a ladder of prices around an anchor; leaves and begins anew where the price leaves the ladder."""

    symbol = hft.Parameter("IF2101", doc="what to trade")
    step = hft.Parameter(8.0, low=0.2, doc="points from one rung to the next")
    rungs = hft.Parameter(4, low=1, doc="most lots held on either side")
    last_entry = hft.Parameter("14:50", doc="Shanghai time from which everything is closed")

    def init(self):
        """Begin without a ladder: the first quote of the session makes it."""
        self.anchor = None
        self.leaving = False
        hour, minute = map(int, self.last_entry.split(":"))
        self.end_ns = (hour - 8) * NS_PER_HOUR + minute * NS_PER_MINUTE  # of a day of UTC

    def on_tick(self, tick):
        """Watch whether the ladder still fits; its orders are moved by fills alone."""
        mid = (tick.bid_price + tick.ask_price) / 2
        if mid != mid:
            return  # one side is empty
        if tick.event_ns % NS_PER_DAY >= self.end_ns:
            self.leaving = True
        elif self.anchor is None:
            self.anchor = self.instrument(self.symbol).round_price(mid)
            self.place()
        elif abs(mid - self.anchor) > (self.rungs + 1) * self.step:
            self.log(f"the price has left the ladder around {self.anchor:g}")
            self.leaving = True
        if self.leaving:
            self.leave()

    def on_fill(self, fill):
        """Move both orders one rung."""
        if not self.leaving:
            self.place()

    def place(self):
        """Have one order on the next rung of either side and no others."""
        held = round(self.position(self.symbol))
        wanted = {}
        if held < self.rungs:
            wanted[hft.Side.BUY] = self.anchor - (held + 1) * self.step
        if held > -self.rungs:
            wanted[hft.Side.SELL] = self.anchor - (held - 1) * self.step
        for order in self.orders:
            if wanted.get(order.side) == order.price:
                del wanted[order.side]  # it rests there already, and keeps its place in the queue
            else:
                self.cancel(order.order_id)
        for side, price in wanted.items():
            closes = held > 0 if side == hft.Side.SELL else held < 0
            self.send_order(self.symbol, side, price, 1, offset=hft.Offset.CLOSE if closes else hft.Offset.OPEN)

    def leave(self):
        """Cancel, then close at the market; when flat, a new ladder may begin."""
        held = self.position(self.symbol)
        if self.orders:
            self.cancel_all()  # asked once more each tick until all are gone: a cancel takes its time
        elif held:
            side = hft.Side.SELL if held > 0 else hft.Side.BUY
            self.send_order(self.symbol, side, None, abs(held), offset=hft.Offset.CLOSE, tag="leave")
        else:
            self.anchor, self.leaving = None, False


def main(folder: Path = DATA) -> hft.Result:
    """Run the grid over the day, print what came of it and write the report."""
    engine = hft.Engine(cash=2_000_000, latency={"order_ms": 5, "response_ms": 5}, queue="risk_averse", sessions=True)
    engine.add_data(folder / FILE, SYMBOL, timezone="Asia/Shanghai")  # a layout that the importer knows; its times state no zone
    engine.add_strategy(Grid())
    result = engine.run()
    result.summary()
    print("Report:", result.report("grid_if.html"))
    return result


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
