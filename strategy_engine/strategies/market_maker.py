"""A market maker: a bid and an ask about the fair price of the book, moved against what it holds.

Trades the spread of a liquid instrument with book snapshots (`on_depth`; crypto, futures). The fair price is the quote weighted by the
sizes on the other side (S. Stoikov, "The Micro-Price", 2018); holding a position, both quotes are moved by a part of their distance, so
that the position is more likely to go than to grow (after M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book",
2008). Needs a maker's fee below the edge; orders are post-only.
"""

from __future__ import annotations

from gcg_quant.events import Depth, GapEvent, GatewayStatus, OrderEvent, OrderFlag, OrderStatus, Side, TimerEvent
from gcg_quant.strategy_engine import OrderView, Parameter, Strategy

__all__ = ["MarketMaker"]


class MarketMaker(Strategy):
    """One order a side at most, tagged "bid" and "ask"; all that it needs to know is in its open orders and its position.

    Without a whole book - one side empty, both crossed, a gap, a lost connection, silence - it has no quotes. A quote that must move is
    cancelled, and sent anew once it is gone, so that it never stands twice.
    """

    symbols = ("BTC/USDT",)

    quantity = Parameter(0.01, low=1e-9, doc="quantity of each quote; rounded to lots, one lot at least")
    edge_percent = Parameter(0.02, low=0, high=10, doc="distance of each quote from the fair price, in percent")
    skew = Parameter(0.5, low=0, high=2, doc="part of the edge by which a full inventory moves both quotes")
    max_inventory = Parameter(5, low=1, high=1000, doc="most quotes' worth held, long or short")
    requote_ticks = Parameter(2, low=1, high=10_000, doc="a quote fewer ticks off than this stays, and keeps its place in the queue")
    short = Parameter(True, doc="sell what is not held (off for spot venues); never of a T+1 instrument")
    stale_seconds = Parameter(5.0, low=0.1, high=3600, doc="without a book for so long the quotes are taken away")
    retry_seconds = Parameter(1.0, low=0, high=3600, doc="pause after an order was refused")

    _seen_ns: int  # when the last whole book came
    _paused_until_ns: int

    def on_start(self) -> None:
        """Quotes of an earlier life are taken up at the first book; watch for silence."""
        self._seen_ns, self._paused_until_ns = self.now_ns, 0
        self.set_timer("silence", self.stale_seconds)

    def on_parameters(self, changed: object) -> None:
        """Quote anew with the next book."""
        self.cancel_all()
        self.set_timer("silence", self.stale_seconds)

    def on_depth(self, depth: Depth) -> None:
        """Bring both quotes to where they should be."""
        best = depth.bid_prices[0], depth.ask_prices[0], depth.bid_sizes[0], depth.ask_sizes[0]
        if not (best[0] < best[1] and best[2] > 0 and best[3] > 0):  # NaN: nobody is there
            self.cancel_all()
            return
        self._seen_ns = self.now_ns
        if self.now_ns < self._paused_until_ns:
            return
        terms = self.instrument()
        size = max(terms.round_quantity(self.quantity), terms.min_quantity, terms.lot_size)
        bid, ask, room = *self._prices(best, size), self.max_inventory * size * (1 + 1e-9)
        held = self.position.quantity
        may_sell = held + room if self.short and not terms.t_plus_one else self.sellable() * (1 + 1e-9)
        self._quote("bid", Side.BUY, bid if bid > 0 and held + size <= room else None, size)
        self._quote("ask", Side.SELL, ask if size <= may_sell else None, size)

    def on_order(self, order: OrderEvent) -> None:
        """Pause after a refusal: the market moved into a quote, or a limit was met."""
        if order.status in (OrderStatus.REJECTED, OrderStatus.FAILED):
            self._paused_until_ns = self.now_ns + int(self.retry_seconds * 1e9)

    def on_timer(self, timer: TimerEvent) -> None:
        """Take the quotes away when the book has been silent."""
        if self.now_ns - self._seen_ns >= self.stale_seconds * 1e9:
            self.cancel_all()

    def on_gap(self, gap: GapEvent) -> None:
        """Do not quote on a book that has changed unseen."""
        self.cancel_all()

    def on_disconnect(self, event: GatewayStatus | GapEvent) -> None:
        """Do not leave quotes to themselves."""
        self.cancel_all()

    def _prices(self, best: tuple[float, float, float, float], size: float) -> tuple[float, float]:
        bid, ask, bid_size, ask_size = best
        terms = self.instrument()
        fair = (bid * ask_size + ask * bid_size) / (bid_size + ask_size)
        edge = fair * self.edge_percent / 100
        middle = fair - edge * self.skew * self.position.quantity / (self.max_inventory * size)
        # Never at the other side's price: a post-only order there would be refused.
        lower = min(terms.round_price(middle - edge, "down"), terms.round_price(ask - terms.tick_size))
        upper = max(terms.round_price(middle + edge, "up"), terms.round_price(bid + terms.tick_size))
        return lower, upper

    def _quote(self, tag: str, side: Side, price: float | None, size: float) -> None:
        standing: OrderView | None = next((order for order in self.orders if order.tag == tag), None)
        if standing is None:
            if price is not None:
                (self.buy if side == Side.BUY else self.sell)(size, price, tag=tag, flags=OrderFlag.POST_ONLY)
        elif price is None or abs(standing.price - price) > (self.requote_ticks - 0.5) * self.instrument().tick_size:
            self.cancel(standing.client_id)
