"""The broker of a fast run: Backtrader's matching on the bars that can fill an order, its value when somebody asks for it.

The broker object stays; its class is another one for the run. What is written anew here is what runs for each order. The rules of matching
(`_try_exec_limit` and so on), of brackets and of OCO groups are Backtrader's own methods.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.comminfo import CommInfoBase

from ..preset_broker import PresetBroker
from .checks import checks
from .execution import executing
from .native import FastAccount, fast_check_submitted, fast_clone_order, fast_match, fast_place
from .orders import BUY, SELL, make_order
from .positions import LazyPositions
from .shares import is_paid_in_full
from .stock import overridden

__all__ = ["FastBroker"]

BackBroker = bt.brokers.BackBroker
MARKET, LIMIT = bt.Order.Market, bt.Order.Limit
STOPS, WITH_LIMIT = (bt.Order.Stop, bt.Order.StopTrail), (bt.Order.StopLimit, bt.Order.StopTrailLimit)
FORMULAS = (
    "getvaluesize", "getvalue", "get_margin", "get_leverage", "profitandloss", "cashadjust", "get_credit_interest", "_get_credit_interest",
)  # fmt: skip
WORTHS = ("_value", "_fundval", "_valuemkt", "_valuelever", "_valuemktlever", "_leverage", "_unrealized")


class FastBroker:
    """Puts a BackBroker into a fast run and takes it out again.

    Args:
        broker: a `BackBroker`, a `PresetBroker`, or an `EventDrivenBroker` with stock matching.
        prices: the lines (datetime, open, high, low, close) of each data.
        clocks: the clock of each data.
    """

    def __init__(self, broker: Any, prices: dict[Any, tuple[Any, ...]], clocks: dict[Any, Any]) -> None:
        self.broker = broker
        self._stock = type(broker)
        self._standard: set[type] = set()
        stock_value = self._stock._get_value
        self.account = FastAccount(
            broker, prices, self._standard, lambda: stock_value(broker), lambda *a, **k: self._stock.get_value(broker, *a, **k)
        )
        self._positions = LazyPositions(broker, self.account, clocks)
        self._began = self._careful = self._matching = False

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
        worths = {}
        try:
            worths = {name: self.account.worth(at) for at, name in enumerate(WORTHS)}
            self._positions.write()
            self._pass_over()
        finally:
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
            self._positions.write()
        self.account.quiet = quiet
        strange = self.broker.p.filler is not None or len(self._standard) < len({type(one) for one in schemes})
        self.account.eager = self._careful or strange

    def be_prompt(self) -> None:
        """Work a bar's value out at once, because the feeds move on before anybody could ask."""
        self._careful = self.account.eager = True

    def be_plain(self) -> None:
        """Match every bar as Backtrader does."""
        self._careful = self.account.eager = True
        self.account.quiet = False

    def adopt(self, data: Any, position: Any) -> None:
        """Give a position that somebody looks at for the first time its class for the run."""
        if self.account.quiet:
            self._positions.adopt(data, position)

    def stand(self, still: bool) -> None:
        """Show the positions as the last bar's matching left them while the feeds stand at the next one."""
        self._positions.stand(still)

    def be_careful(self, within: bool = False) -> None:
        """Do every bar as Backtrader does from now on: user code is about to write into a feed, and the past must not follow.

        `within`: the broker has failed within a bar; the clocks stand at the bar before.
        """
        self.account.refresh()
        self._positions.write(within=within, matching=self._matching)
        self._pass_over()
        self.be_plain()

    def _pass_over(self) -> None:
        if self.account.quiet and isinstance(self.broker, PresetBroker):
            self.broker.pass_over()

    # --- the methods of the other class --------------------------------------------------------------------------------------

    def _methods(self) -> dict[str, Any]:
        broker, account, stock = self.broker, self.account, self._stock
        mirror: Any = getattr(broker, "_mirror", None)
        notifications, room, positions = broker.notifs, self, self._positions
        checked = issubclass(stock, PresetBroker)

        def notify(self: Any, order: Any) -> None:
            notifications.append(fast_clone_order(order))
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
            if checked:  # what must not trade is refused on the way
                self._ocoize(order, oco)
                return self.submit(order, check=check)
            return fast_place(self, order, oco, check)

        def check_submitted(self: Any) -> None:
            fast_check_submitted(self, is_paid_in_full)

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
            room._matching = True
            fast_match(account, self, positions, None if checked else is_paid_in_full)
            room._matching = False
            if self._cash_addition:
                stock._get_value(self)
            else:
                account.mark()

        def add_cash(self: Any, cash: Any) -> None:
            account.refresh()
            stock.add_cash(self, cash)

        def get_worth(self: Any, datas: Any = None, lever: bool = False) -> Any:
            if datas or lever or self._cash_addition:
                account.refresh()
                return stock._get_value(self, datas=datas, lever=lever)
            account.mark()
            return None  # nobody but Backtrader's next() comes here, and it does not look

        def check_group(self: Any, order: Any) -> None:
            ref, leaders = order.ref, self._ocos
            leader = leaders.get(leaders[ref])
            if self._ocol.get(leader) == [ref]:  # the group of an order by itself
                del self._ocol[leader]
            else:
                stock._ococheck(self, order)

        def try_order(self: Any, order: Any) -> None:
            # Where a bar is built up while it is seen, its ticks are not what its lines show: that is for Backtrader's own.
            if not account.quiet:
                BackBroker._try_exec(self, order)
                return
            kind, data, created = order.exectype, order.p.data, order.created
            if kind == MARKET:
                try_market(self, order, data)
            elif kind == LIMIT or (order.triggered and kind in WITH_LIMIT):
                limit = created.price if kind == LIMIT else created.pricelimit
                self._try_exec_limit(order, data.open[0], data.high[0], data.low[0], limit)
            elif kind in STOPS:
                self._try_exec_stop(order, data.open[0], data.high[0], data.low[0], created.price, data.close[0])
            elif kind in WITH_LIMIT:
                prices = data.open[0], data.high[0], data.low[0], data.close[0]
                self._try_exec_stoplimit(order, *prices, created.price, created.pricelimit)
            else:
                BackBroker._try_exec(self, order)

        def try_market(self: Any, order: Any, data: Any) -> None:
            if self.p.coc and order.info.get("coc", True):
                self._try_exec_market(order, data.open[0], data.high[0], data.low[0])
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
            "notify": account.tell if mirror is None else notify,
            "check_submitted": check_submitted,
            "buy": buy,
            "sell": sell,
            "next": following,
            "_get_value": get_worth,
            "add_cash": add_cash,
            "_try_exec": try_order,
            "_ococheck": check_group,
            "_execute": executing(account, positions),
            "setcommission": set_commission,
            "addcommissioninfo": add_scheme,
            "set_filler": set_filler,
            "get_value": account.get_value,
            "getvalue": account.get_value,
            "fundvalue": _worth(account, WORTHS.index("_fundval")),
        }
        names.update((name, _worth(account, at)) for at, name in enumerate(WORTHS))
        return {**names, **checks(stock, account, names)} if checked else names


def _worth(account: Any, at: int) -> property:
    return property(lambda self: account.worth(at), lambda self, value: account.set_worth(at, value))
