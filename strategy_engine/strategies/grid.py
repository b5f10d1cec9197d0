"""A grid: limit orders at even steps below and above a centre; each fill is followed by the opposite order one step away.

Trades what goes up and down without going away, one symbol; the rule is folklore of currency and coin traders. Lines are evenly far apart
("arithmetic") or each the same percentage from the next ("geometric"). Needs ticks, or bars where there are none, and resting limit orders.
"""

from __future__ import annotations

from math import floor, isnan, log, nan

from gcg_quant.events import Bar, OrderEvent, OrderStatus, Side, Tick
from gcg_quant.strategy_engine import Parameter, Strategy

__all__ = ["Grid"]

_TAG = "grid:"


class Grid(Strategy):
    """Buys each step down and sells each step up, within `levels` steps of a centre that follows the market.

    The lines are numbered from -levels to +levels. One line is empty: that of the centre at first, that of the last fill afterwards.
    Below the empty line stand buys, above it sells, so that a buy that fills is followed by a sell one step higher. When the price leaves
    the grid, all is cancelled and a new one begins around the price. After a start the orders of an earlier life are cancelled first;
    the position is kept, and counts against the inventory.
    """

    symbols = ("BTC/USDT",)

    period = Parameter("1m", doc="length of the bars that stand in where the instrument shows no ticks")
    spacing = Parameter("arithmetic", choices=("arithmetic", "geometric"), doc="lines the same amount apart, or the same percentage")
    step_percent = Parameter(0.05, low=0.001, high=20, doc="distance of the lines, in percent of the centre; one tick at least")
    levels = Parameter(3, low=1, high=50, doc="lines on each side")
    quantity = Parameter(0.01, low=1e-9, doc="quantity of each order; rounded to lots, one lot at least")
    max_inventory = Parameter(5, low=1, high=1000, doc="most orders' worth held, long or short, working orders included")
    short = Parameter(True, doc="sell what is not held (off for spot venues); never of a T+1 instrument")
    retry_seconds = Parameter(5.0, low=0, doc="pause after an order was refused")

    _centre: float
    _step: float
    _size: float
    _empty: int  # the line that holds no order
    _cell: int  # the line below the price
    _paused_until_ns: int
    _to_do: bool  # something has changed since the orders were last arranged

    def on_start(self) -> None:
        """Begin with an empty book."""
        self._centre = self._step = nan
        self._empty = self._cell = self._paused_until_ns = 0
        self._to_do = True
        self.cancel_all()

    def on_parameters(self, changed: object) -> None:
        """Lay the grid anew."""
        self.on_start()

    def on_tick(self, tick: Tick) -> None:
        """Move with the quote; one of one side without a last price says nothing."""
        price = (tick.bid_price + tick.ask_price) / 2
        self._move(tick.last_price if isnan(price) else price)

    def on_bar(self, bar: Bar) -> None:
        """Move with the close where there are no ticks."""
        if self.tick() is None:
            self._move(bar.close)

    def on_order(self, order: OrderEvent) -> None:
        """Note which line was filled; pause after a refusal."""
        if isnan(self._centre) or not order.tag.startswith(_TAG):
            return
        if order.status == OrderStatus.FILLED:
            self._empty = int(order.tag.removeprefix(_TAG))
        elif order.status in (OrderStatus.REJECTED, OrderStatus.FAILED):
            self._paused_until_ns = self.now_ns + int(self.retry_seconds * 1e9)
        self._to_do = True

    def _move(self, price: float) -> None:
        if not price > 0:
            return
        if isnan(self._centre) and not self.orders:  # else the old grid is still being cancelled
            terms = self.instrument()
            self._centre, self._step = price, max(price * self.step_percent / 100, terms.tick_size)
            self._size = max(terms.round_quantity(self.quantity), terms.min_quantity, terms.lot_size)
        if isnan(self._centre):
            return
        ratio = 1 + self._step / self._centre
        lines = (price - self._centre) / self._step if self.spacing == "arithmetic" else log(price / self._centre) / log(ratio)
        if abs(lines) > self.levels + 0.5:
            self.on_start()
        elif (self._to_do or floor(lines) != self._cell) and self.now_ns >= self._paused_until_ns:
            self._cell, self._to_do = floor(lines), False
            self._arrange(price)

    # Bring the orders in line with the lines: take away what stands on the wrong side, add what is missing, nearest first.
    def _arrange(self, price: float) -> None:
        standing = {order.tag: order for order in self.orders}
        for distance in range(2 * self.levels + 1):
            for line, side in ((self._empty - distance, Side.BUY), (self._empty + distance, Side.SELL)):
                order = standing.get(f"{_TAG}{line}")
                if order is not None and (order.side != side or not distance):
                    self.cancel(order.client_id)
                elif order is None and distance and abs(line) <= self.levels:
                    self._place(line, side, price)

    def _place(self, line: int, side: Side, price: float) -> None:
        buys, terms = side == Side.BUY, self.instrument()
        at = self._centre * (1 + self._step / self._centre) ** line
        if self.spacing == "arithmetic":
            at = self._centre + line * self._step
        at = terms.round_price(at, "down" if buys else "up")
        if at <= 0 or ((at >= price) if buys else (at <= price)):
            return  # the market is there already: the order would not rest
        working = sum(order.remaining for order in self.orders if order.side == side)
        held, most = self.position.quantity if buys else -self.position.quantity, self.max_inventory * self._size
        if not buys and (terms.t_plus_one or not self.short):
            held, most = 0.0, self.sellable()
        if held + working + self._size <= most * (1 + 1e-9):
            (self.buy if buys else self.sell)(self._size, at, tag=f"{_TAG}{line}")
