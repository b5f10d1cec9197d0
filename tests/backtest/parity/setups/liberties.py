"""What users do although no manual says so: reaching into Backtrader's parts in the middle of a run."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import backtrader as bt

from ..bars import coarse_bars
from ..sides import Setup, Side
from ..watching import Plain, Watching, note, trading
from .orders import market, scene

__all__ = ["SETUPS"]


class Reaching(Plain):
    """Looks into arrays, dictionaries, classes and identities."""

    def __init__(self) -> None:
        self.average = bt.ind.SMA(period=4)
        self.kept = self.data.close
        self.seen = weakref.ref(self.data.close)

    def act(self, bar: int) -> None:
        close = self.data.close
        note(
            "same",
            close is self.kept,
            close is self.data.lines[0],
            self.seen() is close,
            self.data.lines.close is close,
            self.data0 is self.data,
        )
        note("array", close.array[close.idx], len(close.array), self.average.array[self.average.lines[0].idx], self.average.line[0])
        note("class", type(close).__name__, self.__class__.__name__, isinstance(self, Reaching), super().__doc__)
        note("has", hasattr(self.data, "close"), hasattr(self.data, "nothing"), self.average.sma[0], "average" in vars(self))
        note(
            "owner",
            self.average._owner is self,
            self.average._clock is self.data,
            self.average.data is self.data,
            close._owner is self.data,
        )
        note("hash", close in {self.kept: 1}, len({close, self.kept, self.data.open}), self.ddatas[self.data], list(self.broker.positions))
        note(
            "iterators", [type(one).__name__ for one in self._lineiterators[bt.LineIterator.IndType]], self._minperiods, self._minperstatus
        )
        note("sums", sum(close.get(size=3)), max(self.data.high.get(size=3)), sorted(self.data.low.get(size=3)), close.array[-1])
        note("copy", copy.copy(self.position).size, str(self.position), repr(self.datetime.datetime(0)), self.datetime.date())


class Writing(Plain):
    """Writes into lines, positions, brokers and parameters."""

    params = (("size", 1),)

    def __init__(self) -> None:
        self.average = bt.ind.SMA(period=4)

    def act(self, bar: int) -> None:
        if bar % 10 == 3:
            self.buy(size=self.p.size)
        if bar % 10 == 6:
            self.average.lines[0][0] = self.average[0] + 1.0
            self.p.size += 1
        if bar == 31:
            self.position.size += 2
            self.broker.cash += 10.0
        if bar == 41:
            self.broker.setcommission(commission=0.01)
            self.broker.set_slippage_fixed(0.25)
        if bar == 51:
            self.data.tick_close = 50.0
            self.close()
        if bar == 61:
            self.lines.datetime[0] = 1.0
        note("written", self.average[0], self.average[-1], self.position.size, self.broker.getvalue(), self.datetime[0])


class Shadowing(Watching):
    """Puts functions into instances, at the start and later on."""

    def start(self) -> None:
        super().start()
        following, tell = self.broker.next, self.notify_order

        def counted() -> None:
            note("the broker's next", len(self.broker.pending))
            following()

        self.broker.next = counted
        self.notify_order = lambda order: (note("shadowed"), tell(order))

    def act(self, bar: int) -> None:
        if bar == 25:
            acting = self.next
            self.next = lambda: (note("another next"), acting())
        if bar % 6 == 0:
            self.buy() if bar % 12 else self.close()


class Collecting(Plain):
    """Has its own mind about the garbage collector."""

    def act(self, bar: int) -> None:
        if bar == 20:
            note("collected", gc.isenabled())
            gc.disable()
        if bar == 40:
            gc.enable()
        if bar % 8 == 0:
            self.buy()


class Late(Plain):
    """Adds orders for brokers, analyzers and observers by hand, and copies orders."""

    def act(self, bar: int) -> None:
        if bar % 7 == 1:
            order = self.broker.buy(self, self.data, 2, exectype=bt.Order.Limit, price=self.data.close[0] - 0.25)
            twin = order.clone()
            note("twin", twin == order, twin is order, twin.ref, order.alive(), str(order) == str(twin), order.position)
        if bar % 7 == 5:
            for order in list(self.broker.pending):
                order.addinfo(seen=bar)
                order.created.price += 0.25
            self.close()
        note("orders", len(self.broker.orders), len(self._orders), [order.ref for order in self.broker.pending], self.broker.notifs)


class Fractions(Plain):
    """Sizes that are no whole numbers, are nothing, or come as other types."""

    def act(self, bar: int) -> None:
        size = [0.1, 2, 1.5, 0, True, 0.30000000000000004, None][bar % 7]
        note("given", self.buy(size=size) is None, self.sell(size=0.1 * bar) is None)
        if bar % 11 == 0:
            self.close(size=0.5)
        if bar == 100:
            note("text", str(self.buy(price=str(self.data.close[0]), exectype=bt.Order.Market).created.price))


class Coupled(Plain):
    """Lines of a longer time frame beside those of a shorter one."""

    def __init__(self) -> None:
        self.day = bt.ind.SMA(self.data1, period=2)
        self.coupled = self.day()
        self.above = self.data0.close > self.data1.close()
        self.far = bt.ind.Highest(self.data1.high(), period=3)

    def act(self, bar: int) -> None:
        note("coupled", self.coupled[0], self.above[0], self.far[0], self.day[0], len(self.day), len(self.coupled))
        if self.above[0] and not self.position:
            self.buy()


def coupled(side: Side) -> Any:
    """Days beside hours, bar by bar as couplers want it."""
    cerebro = side.cerebro(runonce=False, stdstats=False)
    cerebro.adddata(side.feed(coarse_bars(150, period="1h"), "hours"))
    cerebro.adddata(side.feed(coarse_bars(7, 2, period="1d"), "days"))
    cerebro.addstrategy(Coupled)
    return cerebro


class LastWord(bt.brokers.BackBroker):
    """A broker of the user's own."""

    def next(self) -> None:
        note("own broker", len(self.pending), self.cash)
        super().next()


def own_broker(side: Side) -> Any:
    """A broker of the user's own class."""
    cerebro = scene(trading(market))(side)
    cerebro.broker = LastWord(cash=5000.0)
    return cerebro


def own_cerebro(side: Side) -> Any:
    """A cerebro of the user's own class."""

    class Talking(side.cerebro_class):  # type: ignore[misc, name-defined]
        def _brokernotify(self) -> None:
            note("cerebro's turn")
            super()._brokernotify()

        def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
            note("cerebro hears", data, status)

    cerebro = side.cerebro(Talking)
    cerebro.adddata(side.feed(coarse_bars(80)))
    cerebro.addstrategy(trading(market))
    return cerebro


class Doubled(bt.ind.SMA):
    """An indicator derived from a stock one, with its own once()."""

    def once(self, start: int, end: int) -> None:
        super().once(start, end)
        target = self.lines[0].array
        for at in range(start, end):
            target[at] *= 2.0


class Derived(bt.ind.EMA):
    """An indicator derived from a stock one that changes nothing but its name and a default."""

    alias = ("DEM",)
    params = (("period", 7),)


class Inheriting(Plain):
    """Indicators derived from stock ones."""

    def __init__(self) -> None:
        self.found = [Doubled(period=5), Derived(), Derived(Doubled(period=3), period=4), bt.ind.SMA(Derived(), period=3)]

    def act(self, bar: int) -> None:
        note("inherited", [one[0] for one in self.found])


SETUPS = [
    Setup("reaching into lines", scene(Reaching)),
    Setup("writing into parts", scene(Writing)),
    Setup("writing into parts, few looks", scene(Writing, stdstats=False)),
    Setup("methods shadowed", scene(Shadowing)),
    Setup("the collector by hand", scene(Collecting)),
    Setup("orders by hand", scene(Late)),
    # Where the check of a new order raises, stock has not yet marked its positions with this bar's price, time and interest.
    Setup("odd sizes", scene(Fractions), leftover=r"adjbase=[^,]*|, datetime=datetime[^)]*|d_credit = .*"),
    Setup("coupled time frames", coupled),
    Setup("a broker of one's own", own_broker, ours=False),
    Setup("a cerebro of one's own", own_cerebro),
    Setup("indicators that inherit", scene(Inheriting)),
]
