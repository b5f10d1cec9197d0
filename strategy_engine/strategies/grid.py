"""A grid: limit orders at even steps below and above a centre; each fill is followed by the opposite order one step away."""

from __future__ import annotations

from math import floor, isnan, nan

from gcg_quant.events import OrderEvent, OrderStatus, Side, Tick
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

    step_percent = Parameter(0.05, low=0.001, high=20, doc="distance of the lines, in percent of the centre; one tick at least")
    levels = Parameter(3, low=1, high=50, doc="lines on each side")
    quantity = Parameter(0.01, low=1e-9, doc="quantity of each order; rounded to lots, one lot at least")
    max_inventory = Parameter(5, low=1, high=1000, doc="most orders' worth held, long or short, working orders included")
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
        self._begin_anew()

    def on_parameters(self, changed: object) -> None:
        """Lay the grid anew."""
        self._begin_anew()

    def on_tick(self, tick: Tick) -> None:
        """Move with the price; a quote of one side without a last price says nothing."""
        price = (tick.bid_price + tick.ask_price) / 2
        if isnan(price):
            price = tick.last_price
        if isnan(price):
            return
        if isnan(self._centre):
            self._lay(price)
        elif abs(price - self._centre) > self._step * (self.levels + 0.5):
            self._begin_anew()
            return
        cell = floor((price - self._centre) / self._step) if not isnan(self._centre) else 0
        if (self._to_do or cell != self._cell) and self.now_ns >= self._paused_until_ns:
            self._cell = cell
            self._arrange(price)

    def on_order(self, order: OrderEvent) -> None:
        """Note which line was filled; pause after a refusal."""
        if isnan(self._centre) or not order.tag.startswith(_TAG):
            return
        if order.status == OrderStatus.FILLED:
            self._empty = int(order.tag.removeprefix(_TAG))
        elif order.status in (OrderStatus.REJECTED, OrderStatus.FAILED):
            self._paused_until_ns = self.now_ns + int(self.retry_seconds * 1e9)
        self._to_do = True

    def _begin_anew(self) -> None:
        self._centre = nan
        self._step = nan
        self._empty = self._cell = 0
        self._paused_until_ns = 0
        self._to_do = True
        self.cancel_all()

    def _lay(self, price: float) -> None:
        if self.orders:
            return  # the old grid is still being cancelled
        terms = self.instrument()
        self._centre = price
        self._step = max(price * self.step_percent / 100, terms.tick_size)
        self._size = max(terms.round_quantity(self.quantity), terms.min_quantity, terms.lot_size)
        self._empty, self._to_do = 0, True

    def _arrange(self, price: float) -> None:
        """Bring the orders in line with the lines: take away what stands on the wrong side, add what is missing, nearest first."""
        if isnan(self._centre):
            return
        self._to_do = False
        standing = {order.tag: order for order in self.orders}
        for distance in range(1, 2 * self.levels + 1):
            for line, side in ((self._empty - distance, Side.BUY), (self._empty + distance, Side.SELL)):
                if abs(line) > self.levels:
                    continue
                order = standing.get(f"{_TAG}{line}")
                if order is None:
                    self._place(line, side, price)
                elif order.side != side:
                    self.cancel(order.client_id)
        order = standing.get(f"{_TAG}{self._empty}")
        if order is not None:
            self.cancel(order.client_id)

    def _place(self, line: int, side: Side, price: float) -> None:
        buys = side == Side.BUY
        at = self.instrument().round_price(self._centre + line * self._step, "down" if buys else "up")
        if (at >= price) if buys else (at <= price):
            return  # the market is there already: the order would not rest
        held = self.position.quantity if buys else -self.position.quantity
        working = sum(order.remaining for order in self.orders if order.side == side)
        if held + working + self._size > self.max_inventory * self._size * (1 + 1e-9):
            return
        send = self.buy if buys else self.sell
        send(self._size, at, tag=f"{_TAG}{line}")
