"""Momentum on IBM: follow the price out of the range of the last half hour, with a trailing stop, and go home flat.

    python examples/hft/momentum_ibm.py [DATA_FOLDER]

Quotes and trades of all US exchanges on 8 October 2013. A row of the quotes is one side: the best bid or the best offer of all
exchanges, and which of them shows it. Bid and offer of a moment come one behind the other and are put together here, since half of a quote
is no market. To keep each exchange's newest bid and offer and take the best of them would be wrong: exchanges that fell behind are not told
about, and the book would be crossed all day.
"""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd

from gcg_quant.backtest import hft
from gcg_quant.clock import from_iso

DATA = Path(__file__).resolve().parents[3] / "shared/data"
QUOTES, TRADES = "stock/IBM_tick_quote_20131008.csv.gz", "stock/IBM_tick_trade_20131008.csv.gz"
DAY, ZONE = "2013-10-08", "America/New_York"
SYMBOL = "IBM@SMART"


class Breakout(hft.Strategy):
    """Buys above the highest and sells below the lowest minute of the last half hour; a trailing stop takes it out."""

    symbol = hft.Parameter("IBM", doc="what to trade")
    minutes = hft.Parameter(30, low=2, doc="minutes that make the range")
    shares = hft.Parameter(500, low=1, doc="shares of each position")
    trail = hft.Parameter(0.25, low=0.01, doc="USD that the stop stays behind the best price")
    widest = hft.Parameter(0.08, low=0.01, doc="USD of spread at most to enter")
    last_entry = hft.Parameter("15:30", doc="New York time from which nothing new begins")
    flat_by = hft.Parameter("15:55", doc="New York time at which everything is closed")

    periods = ("1m",)

    def init(self):
        """Begin with an empty range; the day's end is known."""
        self.highs, self.lows = deque(maxlen=self.minutes), deque(maxlen=self.minutes)
        self.entry, self.stop = None, None  # ids of the order that enters and of the stop behind it
        self.no_entry_ns, self.flat_ns = (from_iso(f"{DAY}T{at}", ZONE) for at in (self.last_entry, self.flat_by))

    def on_bar(self, bar):
        """Compare the minute's close with the range before it."""
        if self.now >= self.flat_ns:
            self.close()
        elif len(self.highs) == self.minutes and self.now < self.no_entry_ns and not self.orders and not self.position(self.symbol):
            if bar.close > max(self.highs):
                self.enter(hft.Side.BUY)
            elif bar.close < min(self.lows):
                self.enter(hft.Side.SELL)
        self.highs.append(bar.high)
        self.lows.append(bar.low)

    def enter(self, side):
        """Take what is displayed up to two cents away; what is not there at once is not wanted."""
        bid, ask = self.best_bid(self.symbol), self.best_ask(self.symbol)
        if not 0 < ask - bid <= self.widest:
            return  # crossed or wide: no market to hurry into
        price = ask + 0.02 if side == hft.Side.BUY else bid - 0.02
        price = self.instrument(self.symbol).round_price(price)
        self.entry = self.send_order(self.symbol, side, price, self.shares, time_in_force=hft.TimeInForce.IOC, tag="enter")

    def on_order(self, order):
        """Put the stop behind what was bought or sold, once the entry is done."""
        done = order.client_id == self.entry and self.entry not in {one.order_id for one in self.orders}
        if done and order.filled_quantity > 0:
            exit_side = hft.Side.SELL if order.side == hft.Side.BUY else hft.Side.BUY
            self.stop = self.send_order(self.symbol, exit_side, None, order.filled_quantity, trail_amount=self.trail, tag="stop")

    def close(self):
        """Go flat at the market, the stop first out of the way."""
        held = self.position(self.symbol)
        if self.orders:
            self.cancel_all()  # the next minute's bar comes here again
        elif held:
            self.send_order(self.symbol, hft.Side.SELL if held > 0 else hft.Side.BUY, None, abs(held), tag="close")


def best_quotes(path: Path) -> np.ndarray:
    """Return a file of one-sided quotes as ticks that have both sides, in the hours of the session."""
    table = session(path)
    for side in ("bid", "ask"):
        told = table[side] > 0
        table[[side, f"{side}_size"]] = table[[side, f"{side}_size"]].where(told).ffill()
    last = table["time"] != table["time"].shift(-1)  # of the rows of a millisecond the last: the quote is whole then
    table = table[last & (table["bid"] < table["ask"])].dropna(subset=["bid", "ask"])
    prices = {f"{side}_price": table[side] for side in ("bid", "ask")}
    return hft.rows(hft.Tick, event_ns=table["time"], **prices, bid_size=table["bid_size"], ask_size=table["ask_size"])


def lit_trades(path: Path) -> np.ndarray:
    """Return a file of trades, without those off the exchanges (D): they are reported late, and nobody could have traded with them."""
    table = session(path)
    table = table[table["exchange"] != "D"]
    return hft.rows(hft.Trade, event_ns=table["time"], price=table["price"], size=table["size"])


def session(path: Path) -> pd.DataFrame:
    """Return the rows of a file between 09:30 and 16:00 that are not marked as odd."""
    table = pd.read_csv(path)
    table["time"] = pd.to_datetime(table["time"], format="ISO8601").dt.tz_localize(ZONE)
    return table[(table["suspicious"] == 0) & table["time"].between(f"{DAY} 09:30", f"{DAY} 16:00", inclusive="left")]


def main(folder: Path = DATA) -> hft.Result:
    """Follow the day's breakouts, print what came of it and write the report."""
    engine = hft.Engine(cash=200_000, latency={"order_ms": 20, "response_ms": 20, "feed_ms": 5}, slippage_ticks=1)
    engine.add_data(best_quotes(folder / QUOTES), SYMBOL)
    engine.add_data(lit_trades(folder / TRADES), SYMBOL)
    engine.add_strategy(Breakout())
    result = engine.run()
    result.summary()
    print("Report:", result.report("momentum_ibm.html"))
    return result


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
