"""The strategy of `hft_book` as `hft.Engine` runs it: a timer, two quotes, and the engine's latencies and queue."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.backtest import hft

from .hft_book import ORDER, TICK, Market, Outcome, Terms
from .hft_runs import timed

__all__ = ["engine_run"]

SYMBOL = "BTCUSDT"
LOT = 1e-5
FIRST_LOOK_NS = 2_000_000_000
RESTS = (hft.OrderStatus.ACCEPTED, hft.OrderStatus.PARTLY_FILLED, hft.OrderStatus.SUBMITTING, hft.OrderStatus.CANCELLING)


class Quotes(hft.Strategy):
    """One bid and one ask behind the touch; what has moved is replaced when it looks."""

    def __init__(self, terms: Terms) -> None:
        super().__init__()
        self.terms = terms
        self.live: dict[hft.Side, tuple[str, float]] = {}  # the order, and the touch that it follows

    def init(self) -> None:
        """Look for the first time two seconds after the first event."""
        self.set_timer("first", seconds=(FIRST_LOOK_NS - self.terms.step_ns) / 1e9, repeat=False)

    def on_timer(self, name: str) -> None:
        """Quote anew what stands elsewhere."""
        if name == "first":
            self.set_timer("look", seconds=self.terms.step_ns / 1e9)
            return
        bid, ask = self.best_bid(SYMBOL), self.best_ask(SYMBOL)
        live = self.live
        if hft.Side.BUY not in live or live[hft.Side.BUY][1] != bid:
            self._quote(hft.Side.BUY, bid, round(bid / TICK) - self.terms.distance)
        if hft.Side.SELL not in live or live[hft.Side.SELL][1] != ask:
            self._quote(hft.Side.SELL, ask, round(ask / TICK) + self.terms.distance)

    def on_order(self, order: hft.Order) -> None:
        """Forget an order that has ended."""
        if order.status not in RESTS:
            for side, (own, _) in list(self.live.items()):
                if own == order.client_id:
                    del self.live[side]

    def _quote(self, side: hft.Side, touch: float, ticks: int) -> None:
        standing = self.live.get(side)
        if standing is not None:
            self.cancel(standing[0])
        send = self.buy if side is hft.Side.BUY else self.sell
        self.live[side] = send(SYMBOL, round(ticks * TICK, 2), round(self.terms.lots * LOT, 5), post_only=True), touch


def engine_run(market: Market, terms: Terms) -> Outcome:
    """Run the strategy; the seconds are those of a second run."""
    latency = {"order_ms": terms.entry_ns / 1e6, "response_ms": terms.response_ns / 1e6, "feed_ms": "recorded"}
    grid = {"market": "sim", "tick_size": TICK, "lot_size": LOT, "min_quantity": LOT}
    engine = hft.Engine(cash=1e9, currency="USD", latency=latency, queue=terms.queue, instruments={f"{SYMBOL}@BINANCE": grid})
    engine.add_data(market.deltas, symbol=f"{SYMBOL}@BINANCE")
    engine.add_data(market.trades, symbol=f"{SYMBOL}@BINANCE")
    engine.add_strategy(Quotes(terms))
    engine.run(progress=False)
    engine.step(0)  # begins the second run: what is made before the first event is not counted, as it is not on the other side
    seconds = timed(lambda: engine.step(len(market.deltas) + len(market.trades)))
    return Outcome(_orders(engine.result.arrays), seconds)


def _orders(arrays: Any) -> Any:
    rows = arrays.orders
    found = np.zeros(len(rows), ORDER)
    found["sent_ns"], found["side"], found["ticks"] = rows["sent_ns"], rows["side"], np.rint(rows["price"] / TICK)
    ends = {hft.OrderStatus.FILLED: 1, hft.OrderStatus.CANCELLED: 2, hft.OrderStatus.REJECTED: 3}
    for status, end in ends.items():
        found["end"][rows["status"] == status] = end
    found["filled"] = np.rint(rows["filled"] / LOT)
    places = {n: at for at, n in enumerate(rows["order"].tolist())}
    for fill in arrays.fills:  # the last one of an order stays
        at = places[int(fill["order"])]
        found["fill_ns"][at], found["fill_ticks"][at] = fill["event_ns"], round(fill["price"] / TICK)
    return found
