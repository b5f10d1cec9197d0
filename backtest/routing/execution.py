"""A fill of the engine as the execution of a Backtrader order: position, cost, fees and profit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from gcg_quant.errors import InstrumentError
from gcg_quant.events import Fill, Side

from ..conversion.days import one_day_from_ns

if TYPE_CHECKING:
    from gcg_quant.instrument_table import InstrumentTable

__all__ = ["FILLED_TOLERANCE", "execute"]

FILLED_TOLERANCE = 1e-9


def execute(broker: Any, order: Any, fill: Fill, instruments: InstrumentTable) -> None:
    """Book a fill on the broker's position and the order, as Backtrader's own broker does; the order's state stays as it is."""
    data = order.data
    comminfo = broker.getcommissioninfo(data)
    position = broker.positions[data]
    price_before = position.price
    size = fill.quantity if fill.side == Side.BUY else -fill.quantity
    days = one_day_from_ns(fill.event_ns)
    # In whole lots, since 1.0 - 0.3 - 0.7 is not 0 in floats, and a strategy that asks `if not self.position` would be wrong.
    psize = _whole(instruments, fill, position.size + size)
    _, pprice, opened, closed = position.update(psize - position.size, fill.price, bt.num2date(days))
    position.size = psize
    if closed and not psize:
        closed = _whole_trade(order, closed)
    closed_fee = fill.fee * min(1.0, abs(closed / size))
    order.execute(
        days,
        size,
        fill.price,
        closed,
        comminfo.getvaluesize(-closed, price_before) if closed else 0.0,
        closed_fee,
        opened,
        comminfo.getvaluesize(opened, fill.price) if opened else 0.0,
        fill.fee - closed_fee,
        comminfo.margin,
        comminfo.profitandloss(-closed, price_before, fill.price) if closed else 0.0,
        psize,
        pprice,
    )
    order.addcomminfo(comminfo)


def _whole(instruments: InstrumentTable, fill: Fill, size: float) -> float:
    try:
        return instruments.get(fill.symbol, fill.venue).round_quantity(size, "nearest")
    except InstrumentError:
        return size


# What closes the whole position closes the whole trade, too, also where the trade's own sum of floats is a bit off.
def _whole_trade(order: Any, closed: float) -> float:
    trades = order.owner._trades[order.data][order.tradeid] if order.owner is not None else []
    if trades and abs(trades[-1].size + closed) < FILLED_TOLERANCE:
        return float(-trades[-1].size)
    return closed
