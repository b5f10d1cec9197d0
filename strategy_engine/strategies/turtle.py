"""The turtles' rules: breakouts of long channels, sized by volatility, added to on the way, with a stop two ranges away.

Trades trends of anything with bars, days at first, several symbols at once. The rules are those of C. Faith, "The Original Turtle Trading
Rules" (2003), system 2 (55 and 20 bars, every breakout taken), decided on closes instead of within the bar. N is its average range, N =
(19 N + true range) / 20, begun ten times 20 bars back. A unit risks `risk_percent` of `capital`, or of a share of the account's
equity, a range. Needs `entry` + 1 closed bars; the stop is held by the trading engine, at every gateway.
"""

from __future__ import annotations

import numpy as np

from gcg_quant.events import Bar, OrderEvent, OrderFlag, OrderStatus, OrderType, Side
from gcg_quant.strategy_engine import EquityShare, OrderView, Parameter, Strategy

__all__ = ["Turtle"]


class Turtle(EquityShare, Strategy):
    """Holds up to `units` units in the direction of a breakout, behind one stop for all of them.

    What it has to remember - units, price and N of the newest one - stands in the tag of its stop, and so is there after a restart. A
    position without a stop (it was refused, or belongs to an earlier life) gets one from its average price, and is added to no more.
    """

    symbols = ("BTC/USDT",)

    period = Parameter("1d", doc="length of the bars")
    entry = Parameter(55, low=2, high=1000, doc="bars whose extreme a close must pass to go in")
    exit = Parameter(20, low=2, high=1000, doc="bars whose opposite extreme a close must pass to go out")
    range_bars = Parameter(20, low=2, high=200, doc="bars of the average range N")
    capital = Parameter(100_000.0, low=1, doc="money that units are reckoned of, in the instrument's currency")
    risk_percent = Parameter(1.0, low=0.01, high=10, doc="percent of the capital that one N is worth to a unit")
    units = Parameter(4, low=1, high=10, doc="most units")
    add_ranges = Parameter(0.5, low=0.1, high=10, doc="N from one unit's price to the next")
    stop_ranges = Parameter(2.0, low=0.5, high=10, doc="N from the newest unit's price to the stop")
    short = Parameter(False, doc="sell breakouts below, too; never a T+1 instrument")
    _newest: dict[str, tuple[int, float, float]]  # by symbol: units, price of the newest, its N
    _leaving: set[str]

    def on_start(self) -> None:
        """Find the units again in the tags of the stops."""
        self._newest, self._leaving = {}, set()
        for order in self.orders:
            if order.tag.startswith("stop "):
                units, price, n = order.tag.split()[1:]
                self._newest[f"{order.symbol}@{order.venue}"] = int(units), float(price), float(n)

    def on_bar(self, bar: Bar) -> None:
        """Go in, add or go out on the close, and see that the stop stands."""
        symbol = f"{bar.symbol}@{bar.venue}"
        bars = self.bars(symbol, self.period, max(self.entry, self.exit, 10 * self.range_bars) + 1)
        if len(bars) <= max(self.entry, self.exit, self.range_bars):
            return
        n, held, earlier = self._n(bars), self.positions[symbol].quantity, bars[:-1]
        if held == 0:
            self._newest.pop(symbol, None)
            if bar.close > earlier["high"][-self.entry :].max():
                self._add(symbol, Side.BUY, 1, n)
            elif self.short and not self.instrument(symbol).t_plus_one and bar.close < earlier["low"][-self.entry :].min():
                self._add(symbol, Side.SELL, 1, n)
        else:
            units, price, _ = self._newest.setdefault(symbol, (self.units, self.positions[symbol].average_price, n))
            out = earlier["low"][-self.exit :].min() > bar.close if held > 0 else earlier["high"][-self.exit :].max() < bar.close
            if out:
                self._leaving.add(symbol)
            elif units < self.units and (bar.close - price) * (1 if held > 0 else -1) >= self.add_ranges * n:
                self._add(symbol, Side.BUY if held > 0 else Side.SELL, units + 1, n)
        self._protect(symbol)

    def on_order(self, order: OrderEvent) -> None:
        """Count a unit as soon as some of it is filled, and move the stop; go on when an old stop is gone."""
        symbol = f"{order.symbol}@{order.venue}"
        if order.tag.startswith("unit ") and order.filled_quantity > 0:
            _, number, n = order.tag.split()
            self._newest[symbol] = int(number), order.average_price, float(n)
        if order.status not in (OrderStatus.REJECTED, OrderStatus.FAILED):  # what was refused waits for the next bar
            self._protect(symbol)

    def _n(self, bars: np.ndarray) -> float:
        before = bars["close"][:-1]
        ranges = np.maximum(bars["high"][1:], before) - np.minimum(bars["low"][1:], before)
        n = float(ranges[: self.range_bars].mean())
        for one in ranges[self.range_bars :].tolist():
            n += (one - n) / self.range_bars
        return n

    def _add(self, symbol: str, side: Side, number: int, n: float) -> None:
        terms = self.instrument(symbol)
        working = any(order.tag.startswith("unit ") for order in self._orders_of(symbol))
        capital = self.stake(self.capital, symbol)
        size = terms.round_quantity(capital * self.risk_percent / 100 / (n * terms.multiplier)) if n > 0 and capital > 0 else 0.0
        if working or size < max(terms.min_quantity, terms.lot_size):
            return
        self.signal("unit", side, symbol=symbol, strength=number)
        (self.buy if side == Side.BUY else self.sell)(size, symbol=symbol, tag=f"unit {number} {n:.6g}")

    # One stop for all that is held (and may be sold), two are never open at once; on the way out there is none.
    def _protect(self, symbol: str) -> None:
        held = self.positions[symbol].quantity
        stops = [order for order in self._orders_of(symbol) if order.order_type == OrderType.STOP]
        wanted = 0.0 if symbol in self._leaving or symbol not in self._newest else self.sellable(symbol) if held > 0 else -held
        tag = "stop {} {:.7g} {:.6g}".format(*self._newest.get(symbol, (0, 0.0, 0.0)))
        for order in stops:
            if order.tag != tag or abs(order.remaining - wanted) > 1e-9:
                self.cancel(order.client_id)
        if stops or held == 0:
            self._leaving -= {symbol} if held == 0 else set()
        elif symbol in self._leaving:
            self.order_target(0, symbol)
        elif wanted:
            _, price, n = self._newest[symbol]
            level = self.instrument(symbol).round_price(price - self.stop_ranges * n * (1 if held > 0 else -1))
            if level > 0:
                send = self.sell if held > 0 else self.buy
                send(wanted, symbol=symbol, stop_price=level, tag=tag, flags=OrderFlag.REDUCE_ONLY)

    def _orders_of(self, symbol: str) -> list[OrderView]:
        return [order for order in self.orders if f"{order.symbol}@{order.venue}" == symbol]
