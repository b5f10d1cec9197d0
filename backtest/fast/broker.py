"""The broker of a fast run: Backtrader's matching on the bars that can fill an order, its value when somebody asks for it.

The broker object stays; its class is another one for the run. What is written anew here is what runs for each order. The rules of matching
(`_try_exec_limit` and so on), of brackets and of OCO groups are Backtrader's own methods.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.comminfo import CommInfoBase
from backtrader.position import Position

from .native import FastAccount
from .orders import BUY, SELL, clone_of, fill, make_order, moved
from .stock import overridden

__all__ = ["FastBroker"]

BackBroker = bt.brokers.BackBroker
MARKET = bt.Order.Market
SUBMITTED, ACCEPTED, COMPLETED = bt.Order.Submitted, bt.Order.Accepted, bt.Order.Completed
FORMULAS = ("getvaluesize", "getvalue", "get_margin", "get_leverage", "profitandloss", "cashadjust", "get_credit_interest")
WORTHS = ("_value", "_fundval", "_valuemkt", "_valuelever", "_valuemktlever", "_leverage", "_unrealized")


class FastBroker:
    """Puts a BackBroker into a fast run and takes it out again.

    Args:
        broker: a `BackBroker`, or an `EventDrivenBroker` with stock matching.
        prices: the lines (datetime, open, high, low, close) of each data.
        clocks: the clock of each data.
    """

    def __init__(self, broker: Any, prices: dict[Any, tuple[Any, ...]], clocks: dict[Any, Any]) -> None:
        self.broker = broker
        self._stock = type(broker)
        self._standard: set[type] = set()
        self._lazy: dict[Any, int] = {}  # data of a position that a bar has not been written into -> its last execution's bar
        stock_value = BackBroker._get_value
        self.account = FastAccount(
            broker, prices, self._standard, lambda: stock_value(broker), lambda *a, **k: self._stock.get_value(broker, *a, **k)
        )
        self._clocks = clocks
        self._began = False
        self._classes: dict[Any, type] = {}

    def enter(self) -> None:
        """Change the broker's class."""
        stock = self._stock  # by type's own hand: the metaclass would give the class parameters of its own
        self.broker.__class__ = type.__new__(type(stock), stock.__name__, (stock,), self._methods())
        self.look_at_schemes()
        self._began = True

    def leave(self) -> None:
        """Change the class back, with all attributes as Backtrader would have left them."""
        if type(self.broker) is self._stock:
            return
        worths = {name: self.account.worth(at) for at, name in enumerate(WORTHS)}
        self._write_positions()
        self.broker.__class__ = self._stock
        self.broker.__dict__.update(worths)

    def look_at_schemes(self) -> None:
        """Decide anew whether a bar without a fill leaves cash and positions alone, after commission schemes were set."""
        schemes = list(self.broker.comminfo.values())
        self._standard.clear()
        self._standard.update(type(one) for one in schemes if not overridden(type(one), CommInfoBase, FORMULAS))
        quiet = all(type(one) in self._standard and one._stocklike and one._creditrate == 0 for one in schemes)
        if self._began:  # what was once written bar by bar is not known to be up to date otherwise
            quiet = quiet and self.account.quiet
        if self.account.quiet and not quiet:
            self._write_positions()
        self.account.quiet = quiet
        self.account.eager = self.broker.p.filler is not None or len(self._standard) < len({type(one) for one in schemes})

    # --- positions that a bar need not touch ---------------------------------------------------------------------------------

    def be_careful(self) -> None:
        """Do every bar as Backtrader does from now on: user code is about to write into a feed, and the past must not follow."""
        self.account.refresh()
        self._write_positions()
        self.account.quiet, self.account.eager = False, True

    # Backtrader writes the bar's time and close into each position at each bar, and an interest of nothing into `d_credit`. Here they are
    # read from the data when asked, and written when the run is over; `_lazy` has the bar after which the interest begins.
    def _make_lazy(self, data: Any, position: Any, anew: bool) -> None:
        if type(position) is Position:
            if data not in self._classes:
                self._classes[data] = _lazy_position(data)
            position.__class__ = self._classes[data]
        if anew or data not in self._lazy:
            self._lazy[data] = self.account.steps

    def _write_credit(self, data: Any) -> None:
        if self._lazy.get(data, self.account.steps) < self.account.steps:
            self.broker.d_credit[data] += 0.0

    def _write_positions(self) -> None:
        broker = self.broker
        places = {data: place for place, data in enumerate(broker.positions)}
        for data, _ in sorted(self._lazy.items(), key=lambda item: (item[1], places[item[0]])):
            position = broker.positions[data]
            if position.size:
                position.__dict__["datetime"] = data.datetime.datetime()
                position.__dict__["adjbase"] = data.close[0]
                self._write_credit(data)
            if type(position) is self._classes.get(data):
                position.__class__ = Position
        self._lazy.clear()

    # --- the methods of the other class --------------------------------------------------------------------------------------

    def _methods(self) -> dict[str, Any]:
        broker, account, stock = self.broker, self.account, self._stock
        mirror = getattr(broker, "_mirror", None)
        notifications = broker.notifs

        def notify(self: Any, order: Any) -> None:
            notifications.append(clone_of(order))
            if mirror is not None:
                mirror.order_changed(order, matching=self._matching)

        def buy(
            self: Any, owner: Any, data: Any, size: Any, price: Any = None, plimit: Any = None, exectype: Any = None,
            valid: Any = None, tradeid: Any = 0, oco: Any = None, trailamount: Any = None, trailpercent: Any = None,
            parent: Any = None, transmit: Any = True, histnotify: Any = False, _checksubmit: Any = True, **kwargs: Any,
        ) -> Any:  # fmt: skip
            order = make_order(
                BUY, owner, data, size, price, plimit, exectype, valid, tradeid, trailamount, trailpercent, parent, transmit, histnotify
            )
            return place(self, order, oco, _checksubmit, kwargs)

        def sell(
            self: Any, owner: Any, data: Any, size: Any, price: Any = None, plimit: Any = None, exectype: Any = None,
            valid: Any = None, tradeid: Any = 0, oco: Any = None, trailamount: Any = None, trailpercent: Any = None,
            parent: Any = None, transmit: Any = True, histnotify: Any = False, _checksubmit: Any = True, **kwargs: Any,
        ) -> Any:  # fmt: skip
            order = make_order(
                SELL, owner, data, size, price, plimit, exectype, valid, tradeid, trailamount, trailpercent, parent, transmit, histnotify
            )
            return place(self, order, oco, _checksubmit, kwargs)

        def place(self: Any, order: Any, oco: Any, check: Any, info: dict[str, Any]) -> Any:
            if info:
                order.addinfo(**info)
            terms = order.p
            if oco is not None or terms.parent is not None or not terms.transmit or not (check and self.p.checksubmit):
                self._ocoize(order, oco)
                return self.submit(order, check=check)
            ref = order.ref  # an order by itself: its own group, its own parent
            self._ocos[ref] = ref
            self._ocol[ref].append(ref)
            self._pchildren[ref].append(order)
            order.status, order.broker, order.plen = SUBMITTED, None, len(terms.data)
            self.submitted.append(order)
            self.orders.append(order)
            self.notify(order)
            return order

        def check_submitted(self: Any) -> None:
            cash, held, waiting = self.cash, {}, self.submitted
            while waiting:
                order = waiting.popleft()
                terms = order.p
                if terms.parent is not None and self._take_children(order) is None:
                    continue
                data = terms.data
                now = self.positions[data]
                if data not in held:
                    held[data] = Position(now.size, now.price)
                cash = self._execute(order, cash=cash, position=held[data])
                if cash >= 0.0:
                    order.pannotated = None
                    order.status, order.broker, order.plen = ACCEPTED, None, len(data)
                    self.pending.append(order)
                    self.notify(order)
                    continue
                order.margin()
                self.notify(order)
                self._ococheck(order)
                self._bracketize(order, cancel=True)

        def following(self: Any) -> None:
            if mirror is None:
                match(self)
                return
            self._matching = True
            match(self)
            self._matching = False
            mirror.bar_matched(self)

        def match(self: Any) -> None:
            if not account.quiet or account.steps == 1:
                BackBroker.next(self)
                return
            while self._toactivate:
                self._toactivate.popleft().activate()
            if self.submitted and self.p.checksubmit:
                self.check_submitted()
            pending = self.pending
            pending.append(None)
            while (order := pending.popleft()) is not None:
                if order.expire():
                    self.notify(order)
                    self._ococheck(order)
                    self._bracketize(order, cancel=True)
                elif not order._active:
                    pending.append(order)
                else:
                    self._try_exec(order)
                    if order.alive():
                        pending.append(order)
                    elif order.status == COMPLETED:
                        self._bracketize(order)
            if self._cash_addition:
                BackBroker._get_value(self)
            else:
                account.mark()

        def add_cash(self: Any, cash: Any) -> None:
            account.refresh()
            stock.add_cash(self, cash)

        def get_worth(self: Any, datas: Any = None, lever: bool = False) -> Any:
            if datas or lever or self._cash_addition:
                account.refresh()
                return BackBroker._get_value(self, datas=datas, lever=lever)
            account.mark()
            return None  # nobody but Backtrader's next() comes here, and it does not look

        def try_market(self: Any, order: Any) -> None:
            data = order.p.data
            if order.exectype != MARKET or (self.p.coc and order.info.get("coc", True)):
                BackBroker._try_exec(self, order)
                return
            if not self.p.coo and data.datetime[0] <= order.created.dt:
                return
            price = data.open[0]
            if self.p.slip_open:
                price = self._slip_up(data.high[0], price) if order.isbuy() else self._slip_down(data.low[0], price)
            self._execute(order, ago=0, price=price)

        def set_commission(self: Any, *args: Any, **kwargs: Any) -> None:
            stock.setcommission(self, *args, **kwargs)
            look_at_schemes()

        def add_scheme(self: Any, *args: Any, **kwargs: Any) -> None:
            stock.addcommissioninfo(self, *args, **kwargs)
            look_at_schemes()

        def set_filler(self: Any, filler: Any) -> None:
            stock.set_filler(self, filler)
            look_at_schemes()

        look_at_schemes = self.look_at_schemes
        names: dict[str, Any] = {
            "__slots__": (),
            "__module__": stock.__module__,
            "__qualname__": stock.__qualname__,
            "__doc__": stock.__doc__,
            "notify": notify,
            "check_submitted": check_submitted,
            "buy": buy,
            "sell": sell,
            "next": following,
            "_get_value": get_worth,
            "add_cash": add_cash,
            "_try_exec": try_market,
            "_execute": self._executing(),
            "setcommission": set_commission,
            "addcommissioninfo": add_scheme,
            "set_filler": set_filler,
            "get_value": account.get_value,
            "getvalue": account.get_value,
        }
        names.update((name, _worth(account, at)) for at, name in enumerate(WORTHS))
        return names

    def _executing(self) -> Any:
        account, make_lazy, write_credit, clocks = self.account, self._make_lazy, self._write_credit, self._clocks

        def execute(
            self: Any, order: Any, ago: Any = None, price: Any = None, cash: Any = None, position: Any = None, dtcoc: Any = None
        ) -> Any:
            real = ago is not None
            if real and price is None:
                return None
            settings, asset = self.p, order.p.data
            if settings.filler is None or not real:
                size = order.executed.remsize
            else:
                size = settings.filler(order, price, ago)
                if not order.isbuy():
                    size = -size
            scheme = self.getcommissioninfo(asset)
            data, opening_scheme = asset, scheme
            if asset._compensate is not None:
                data = asset._compensate
                opening_scheme = self.getcommissioninfo(data)
            if real:
                position = self.positions[data]
                before = position.price
                new_size, new_price, opened, closed = moved(position.size, before, size, price)
                pnl = scheme.profitandloss(-closed, before, price)
                cash = self.cash
                if account.quiet and position.size:  # the close of the bar before, as the broker saw it
                    position.__dict__["adjbase"] = last_close(data)
            else:
                pnl = 0
                if settings.coo and order.exectype == MARKET:
                    price = before = asset.open[0]
                else:
                    price = before = order.created.price
                new_size, new_price, opened, closed = position.update(size, price)

            closed_value = closed_commission = 0.0
            if closed:
                closed_value = scheme.getvaluesize(-closed, before) if settings.shortcash else scheme.getoperationcost(closed, before)
                back = closed_value / scheme.get_leverage() if closed_value > 0 else closed_value
                cash += back + pnl * scheme.stocklike
                closed_commission = scheme.getcommission(closed, price)
                cash -= closed_commission
                if real:
                    cash += scheme.cashadjust(-closed, position.adjbase, price)
                    self.cash = cash

            wanted = opened
            opened_value = opened_commission = 0.0
            if opened:
                opened_value = scheme.getvaluesize(opened, price) if settings.shortcash else scheme.getoperationcost(opened, price)
                cash -= opened_value / scheme.get_leverage() if opened_value > 0 else opened_value
                opened_commission = opening_scheme.getcommission(opened, price)
                cash -= opened_commission
                if cash < 0.0:
                    opened, opened_value, opened_commission = 0, 0.0, 0.0
                elif real:
                    if abs(new_size) > abs(opened):
                        cash += scheme.cashadjust(new_size - opened, position.adjbase, price)
                    position.adjbase = price
                    self.cash = cash
            if not real:
                return cash

            done = closed + opened
            if done:
                scheme.confirmexec(done, price)
                held, popped = position.size, closed and settings.int2pnl
                if account.quiet and held and not popped:
                    write_credit(data)
                position.update(done, price, data.datetime.datetime())
                if popped:
                    closed_commission += self.d_credit.pop(data, 0.0)
                if account.quiet:
                    make_lazy(data, position, popped or not held)
                bit = (
                    dtcoc or data.datetime[ago], done, price, closed, closed_value, closed_commission,
                    opened, opened_value, opened_commission, pnl, new_size, new_price,
                )  # fmt: skip
                fill(order, bit, scheme.margin)
                order.comminfo = scheme
                self.notify(order)
                self._ococheck(order)
            if wanted and not opened:
                order.margin()
                self.notify(order)
                self._ococheck(order)
                self._bracketize(order, cancel=True)
            return None

        def last_close(data: Any) -> float:
            close: float = data.close[-1] if clocks[data].moved else data.close[0]
            return close

        return execute


def _worth(account: Any, at: int) -> property:
    return property(lambda self: account.worth(at), lambda self, value: account.set_worth(at, value))


def _lazy_position(data: Any) -> type:
    def get_time(self: Any) -> Any:
        return data.datetime.datetime() if self.size else self.__dict__["datetime"]

    def get_base(self: Any) -> Any:
        return data.close[0] if self.size else self.__dict__["adjbase"]

    def set_time(self: Any, value: Any) -> None:
        self.__dict__["datetime"] = value

    def set_base(self: Any, value: Any) -> None:
        self.__dict__["adjbase"] = value

    names = {"__slots__": (), "__module__": Position.__module__, "__qualname__": Position.__qualname__, "__doc__": Position.__doc__}
    return type("Position", (Position,), {**names, "datetime": property(get_time, set_time), "adjbase": property(get_base, set_base)})
