"""Orders of every kind, on one feed of few different prices over several days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import backtrader as bt

from ..bars import coarse_bars
from ..sides import FAST, Setup, Side
from ..watching import Plain, Watching, note, trading

__all__ = ["SETUPS", "brackets", "limits", "market", "mixed", "one_cancels_other", "scene", "targets", "trails"]

COUNT = 100


def scene(
    strategy: type,
    prepare: Callable[[Any], None] = lambda cerebro: None,
    count: int = COUNT,
    period: str = "30m",
    **params: Any,
) -> Callable[[Side], Any]:
    """Return what builds one feed, a strategy and whatever `prepare` adds; `params` are the cerebro's."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(**params)
        cerebro.adddata(side.feed(coarse_bars(count, period=period)))
        prepare(cerebro)
        cerebro.addstrategy(strategy)
        return cerebro

    return build


def market(strategy: Any, count: int) -> None:
    """Buy and sell at the market, more than is held now and then."""
    strategy.buy(size=1 + count % 3) if count % 2 else strategy.sell(size=1 + count % 4)


def limits(strategy: Any, count: int) -> None:
    """Limit and stop orders of all kinds around the price, some with an end."""
    close = strategy.data.close[0]
    moment = strategy.data.datetime.datetime() + timedelta(hours=3)
    valid = [None, timedelta(hours=1), timedelta(hours=9), bt.Order.DAY, moment, 0, 0.25][count % 7]
    kind = count % 6
    if kind == 0:
        strategy.buy(exectype=bt.Order.Limit, price=close - 0.5, valid=valid)
    elif kind == 1:
        strategy.sell(exectype=bt.Order.Stop, price=close - 0.5, valid=valid)
    elif kind == 2:
        strategy.buy(exectype=bt.Order.StopLimit, price=close + 0.25, plimit=close + 0.5, valid=valid)
    elif kind == 3:
        strategy.sell(exectype=bt.Order.Limit, price=close + 0.75, valid=valid, tradeid=count % 2)
    elif kind == 4:
        strategy.sell(exectype=bt.Order.StopLimit, price=close - 0.25, plimit=close, valid=valid)
    else:
        strategy.buy(exectype=bt.Order.Stop, price=close + 0.5, valid=valid)


def trails(strategy: Any, count: int) -> None:
    """Trailing stops by amount and percent, with and without a limit, on both sides."""
    close = strategy.data.close[0]
    kind = count % 4
    if kind == 0:
        strategy.buy(exectype=bt.Order.StopTrail, trailamount=0.5)
    elif kind == 1:
        strategy.sell(exectype=bt.Order.StopTrail, trailpercent=0.005, price=close - 1.0)
    elif kind == 2:
        strategy.buy(exectype=bt.Order.StopTrailLimit, price=close, plimit=close + 0.25, trailpercent=0.004)
    else:
        strategy.sell(exectype=bt.Order.StopTrailLimit, price=close, plimit=close - 0.5, trailamount=0.75)


def at_close(strategy: Any, count: int) -> None:
    """Orders for the end of the session."""
    strategy.buy(exectype=bt.Order.Close, size=2) if count % 2 else strategy.sell(exectype=bt.Order.Close)


def brackets(strategy: Any, count: int) -> None:
    """Brackets on both sides, one cancelled now and then."""
    close = strategy.data.close[0]
    if count % 5 == 4:
        for order in list(strategy.broker.get_orders_open())[:1]:
            strategy.cancel(order)
    elif count % 2:
        strategy.buy_bracket(price=close - 0.25, stopprice=close - 1.0, limitprice=close + 0.75)
    else:
        strategy.sell_bracket(exectype=bt.Order.Market, stopprice=close + 1.0, limitprice=close - 0.75, valid=timedelta(hours=20))


def trailing_brackets(strategy: Any, count: int) -> None:
    """Brackets whose stop trails, and one made by hand with transmit."""
    close = strategy.data.close[0]
    if count % 2:
        strategy.buy_bracket(exectype=bt.Order.Market, stopexec=bt.Order.StopTrail, stopargs={"trailamount": 0.5}, limitprice=close + 1.0)
    else:
        parent = strategy.sell(exectype=bt.Order.Limit, price=close + 0.25, transmit=False, size=2)
        strategy.buy(exectype=bt.Order.Stop, price=close + 1.0, parent=parent, transmit=False, size=2)
        strategy.buy(exectype=bt.Order.Limit, price=close - 0.5, parent=parent, transmit=True, size=2)


def one_cancels_other(strategy: Any, count: int) -> None:
    """OCO groups of three."""
    close = strategy.data.close[0]
    first = strategy.buy(exectype=bt.Order.Limit, price=close - 0.5)
    strategy.buy(exectype=bt.Order.Stop, price=close + 0.75, oco=first, valid=timedelta(hours=5))
    strategy.sell(exectype=bt.Order.Limit, price=close + 0.5, oco=first)


def mixed(strategy: Any, count: int) -> None:
    """Whole prices, dear orders, brackets without their parent, two of a group met by one bar, limits that wait behind their stops."""
    close, kind = strategy.data.close[0], count % 7
    if kind == 0:
        strategy.kept = strategy.buy_bracket(price=int(close) - 2, stopprice=int(close) - 4, limitprice=int(close) + 1, size=2)
    elif kind == 1:
        strategy.cancel(strategy.kept[0])
        strategy.sell(exectype=bt.Order.StopTrailLimit, price=int(close), plimit=int(close) + 3, trailamount=1, size=2)
    elif kind == 2:
        first = strategy.buy(exectype=bt.Order.Limit, price=close + 0.5, size=3)
        strategy.sell(exectype=bt.Order.Stop, price=close + 0.25, oco=first, size=2)
        strategy.sell(exectype=bt.Order.Limit, price=close - 0.25, oco=first)
    elif kind == 3:
        strategy.buy(exectype=bt.Order.StopTrailLimit, price=close, plimit=close - 0.75, trailpercent=0.003, valid=timedelta(hours=6))
        strategy.buy(exectype=bt.Order.StopLimit, price=close, plimit=close - 0.5, size=40)
    elif kind == 4:
        strategy.sell(exectype=bt.Order.StopLimit, price=int(close), plimit=close + 0.5, valid=timedelta(hours=2))
        strategy.buy(exectype=bt.Order.Close, size=2)
    elif kind == 5:
        strategy.buy(size=count)
        strategy.sell_bracket(exectype=bt.Order.Stop, price=close, stopprice=close + 0.5, limitprice=close - 0.5, valid=0.0)
    else:
        strategy.close()


def targets(strategy: Any, count: int) -> None:
    """Order to targets of size, value and percent, on each feed in turn."""
    data = strategy.datas[count % len(strategy.datas)]
    kind = count % 4
    if kind == 0:
        strategy.order_target_size(data, count % 5 - 2)
    elif kind == 1:
        strategy.order_target_percent(data, 0.1 * (count % 7) - 0.2)
    elif kind == 2:
        strategy.order_target_value(data, 500.0 * (count % 3))
    else:
        strategy.close(data)


def changing_mind(strategy: Any, count: int) -> None:
    """Give orders and take them back at once, later and twice; write into an order's info."""
    close = strategy.data.close[0]
    order = strategy.buy(exectype=bt.Order.Limit, price=close - 0.25, note="kept")
    order.addinfo(count=count, more=[1.5])
    if count % 3 == 0:
        strategy.cancel(order)
    strategy.kept = [*getattr(strategy, "kept", [])[-3:], order]
    if count % 3 == 1:
        note("cancelled", [strategy.broker.cancel(one) for one in strategy.kept])
    note("open", len(strategy.broker.get_orders_open()), [one.ref for one in strategy.broker.get_orders_open(safe=True)])


class Reacting(Watching):
    """Gives its next order from within the notification of the last, and from notify_trade."""

    def act(self, bar: int) -> None:
        if bar % 20 == 1:
            self.buy(size=2)

    def notify_order(self, order: Any) -> None:
        super().notify_order(order)
        if order.status == order.Completed and order.isbuy():
            self.sell(exectype=bt.Order.Limit, price=order.executed.price + 0.5, size=order.executed.size)

    def notify_trade(self, trade: Any) -> None:
        super().notify_trade(trade)
        if trade.isclosed and trade.ref % 3 == 0:
            self.sell()


class Crossing(Plain):
    """The strategy everybody writes first."""

    params = (("fast", 4), ("slow", 11))

    def __init__(self) -> None:
        self.fast, self.slow = bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow)
        self.cross = bt.ind.CrossOver(self.fast, self.slow)

    def act(self, bar: int) -> None:
        note("cross", self.cross[0], self.fast[0], self.slow[-1], self.cross > 0)
        if not self.position and self.cross > 0:
            self.buy()
        elif self.position and self.cross < 0:
            self.close()


SETUPS = [
    Setup("crossing", scene(Crossing), FAST, told=True),
    Setup("crossing without observers", scene(Crossing, stdstats=False), FAST),
    Setup("market orders", scene(trading(market)), FAST, told=True),
    Setup("market orders unwatched", scene(trading(market, base=Plain), stdstats=False), FAST),
    Setup("limits and stops", scene(trading(limits, every=3)), FAST, told=True),
    Setup("limits and stops unwatched", scene(trading(limits, every=3, base=Plain), stdstats=False), FAST),
    Setup("trailing stops", scene(trading(trails)), FAST, told=True),
    Setup("orders at the close", scene(trading(at_close)), FAST),
    Setup("brackets", scene(trading(brackets)), FAST, told=True),
    Setup("trailing brackets", scene(trading(trailing_brackets, base=Plain), stdstats=False), FAST),
    Setup("one cancels others", scene(trading(one_cancels_other, every=7)), FAST, told=True),
    Setup("mixed orders", scene(trading(mixed, every=2)), FAST, told=True),
    Setup("targets", scene(trading(targets, every=3)), FAST),
    Setup("changing one's mind", scene(trading(changing_mind, every=4)), FAST),
    Setup("orders out of notifications", scene(Reacting), FAST),
    Setup("an order every bar", scene(trading(market, every=1, base=Plain), stdstats=False, count=120), FAST),
]
