"""An order's execution in a fast run: Backtrader's arithmetic, operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt

from .native import FastAccount, fast_trade
from .orders import fill, moved
from .positions import LazyPositions
from .shares import is_paid_in_full

__all__ = ["executing"]

MARKET = bt.Order.Market


def executing(account: FastAccount, positions: LazyPositions) -> Callable[..., Any]:
    """Return what takes the place of a broker's `_execute`.

    Called without `ago` it only reckons what an order would cost, with a position of its own, and returns the cash that is left.
    """

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
        if real and data is asset and settings.shortcash and is_paid_in_full(scheme):
            fast_trade(account, self, positions, order, data, scheme, size, price, dtcoc or data.datetime[ago])
            return None
        if real:
            position = self.positions[data]
            before = position.price
            new_size, new_price, opened, closed = moved(position.size, before, size, price)
            pnl = scheme.profitandloss(-closed, before, price)
            cash = self.cash
            if account.quiet and position.size:  # the close of the bar before, as the broker saw it
                position.__dict__["adjbase"] = positions.last_close(data)
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
                positions.write_credit(data)
            position.update(done, price, data.datetime.datetime())
            if popped:
                closed_commission += self.d_credit.pop(data, 0.0)
            if account.quiet:
                positions.executed(data, position, bool(popped or not held))
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

    return execute
