"""A market maker on BTCUSDT: a bid and an ask around the price, moved against what it holds.

    python examples/hft/market_making_btcusdt.py [DATA_FOLDER]

Six minutes of Binance spot (8 August 2024) as recorded: changes of the order book ten times a second, and every trade. Orders take 10 ms
to the exchange and stand behind what is displayed at their price. Binance's usual maker fee of 10 bps is several times what a fill earns
here: the fee is set to 0, that of its largest customers. In a market that falls by 0.3 % in these minutes it loses all the same, by what it
holds; "From the spread" and "From the inventory" in its report tell the two apart.
Edge, width and skew were chosen on these same minutes, so the profit says nothing of others.
"""

from __future__ import annotations

import sys
from pathlib import Path

from binance_stream import book_changes, messages, trades

from gcg_quant.backtest import hft

DATA = Path(__file__).resolve().parents[3] / "shared/data"
FILE = "crypto/BTCUSDT_binance_spot_raw_20240808.txt.gz"
SYMBOL = "BTC/USDT@BINANCE"


class MarketMaker(hft.Strategy):
    """Quotes both sides, wider when the price moves fast, lower when it is long and higher when it is short.

    The last trade is what it takes for the price: trades come as they happen, the book only ten times a second.
    """

    symbol = hft.Parameter("BTC/USDT", doc="what to trade")
    size = hft.Parameter(0.01, low=0.00001, doc="BTC of each quote")
    most = hft.Parameter(0.05, low=0.00001, doc="BTC held at most, long or short")
    edge = hft.Parameter(2.0, low=0.0, doc="USDT from the price at least")
    width = hft.Parameter(2.0, low=0.0, doc="how much wider: times what the price moves in a second")
    skew = hft.Parameter(4.0, low=0.0, doc="USDT that both quotes move when `most` is held")
    patience = hft.Parameter(0.5, low=0.0, doc="USDT that a quote may be off before it is moved: its place in the queue is worth something")

    def init(self):
        """Begin without quotes; how fast the price moves is measured each second."""
        self.price = self.past = None
        self.speed = 0.0
        self.quotes = {}  # by side: order id and price
        self.set_timer("measure", seconds=1.0)

    def on_timer(self, name):
        """Follow how fast the price moves: a mean of its steps in which 14 seconds ago counts half."""
        if self.past is not None:
            self.speed += 0.05 * (abs(self.price - self.past) - self.speed)
        self.past = self.price

    def on_trade(self, trade):
        """Take the price, and look at the quotes."""
        self.price = trade.price
        self.quote()

    def on_fill(self, fill):
        """Move at once: what is held has changed."""
        self.quote()

    def on_order(self, order):
        """Forget a quote that is done; one that would have taken is refused (post-only), and the next trade sends it anew."""
        still_open = {one.order_id for one in self.orders}
        self.quotes = {side: quote for side, quote in self.quotes.items() if quote[0] in still_open}

    def quote(self):
        """Have both quotes where they should be."""
        bid, ask = self.best_bid(self.symbol), self.best_ask(self.symbol)
        if not bid < ask or self.price is None:
            return  # a side of the book is empty
        terms, held = self.instrument(self.symbol), self.position(self.symbol)
        fair = self.price - self.skew * held / self.most
        half = self.edge + self.width * self.speed
        self.show(hft.Side.BUY, terms.round_price(min(fair - half, bid)), held < self.most)
        self.show(hft.Side.SELL, terms.round_price(max(fair + half, ask)), held > -self.most)

    def show(self, side, price, wanted):
        """Send, move or cancel the quote of one side."""
        order_id, shown = self.quotes.get(side, (None, price))
        if order_id is None:
            if wanted:
                self.quotes[side] = self.send_order(self.symbol, side, price, self.size, post_only=True), price
        elif not wanted:
            self.cancel(order_id)
        elif abs(shown - price) > self.patience:
            self.modify(order_id, price=price)
            self.quotes[side] = order_id, price


def main(folder: Path = DATA) -> hft.Result:
    """Make markets for the six minutes, print what came of it and write the report."""
    found = messages(folder / FILE)
    engine = hft.Engine(
        cash=100_000,
        latency={"order_ms": 10, "response_ms": 10, "feed_ms": 5},
        queue="risk_averse",
        fees={"maker_fee": 0.0, "taker_fee": 0.0005},
        sample_seconds=1,
    )
    engine.add_data(book_changes(found), SYMBOL)
    engine.add_data(trades(found), SYMBOL)
    engine.add_strategy(MarketMaker())
    result = engine.run()
    result.summary()
    print("Report:", result.report("market_making_btcusdt.html"))
    return result


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
