"""Fills: what a gateway reports as traded, as the event that settles."""

from __future__ import annotations

from math import isfinite, isinf, isnan
from typing import TYPE_CHECKING

from gcg_quant.errors import InstrumentError
from gcg_quant.events import Fill

from ..gateways.base import GatewayReport
from ..orders.order import Order

if TYPE_CHECKING:
    from .books import Books

__all__ = ["fill_of", "lots_of"]


def lots_of(order: Order, report: GatewayReport) -> int:
    """Return the lots of a fill that a gateway reports.

    Raises:
        InstrumentError: they are no whole number above 0, its price is no number (of an inverse contract: not above 0), its fee is
            infinite, or it has no trade id, so that nobody could tell it from one that is reported twice.
    """
    instrument = order.instrument
    lots = instrument.lots(report.quantity)
    wrong = (
        f"its quantity {report.quantity:g} is not above 0"
        if lots <= 0
        else f"its price is {report.price:g}"
        if not isfinite(report.price) or (instrument.inverse and report.price <= 0.0)
        else f"its fee is {report.fee:g}"
        if isinf(report.fee)
        else "it has no trade id"
        if not report.trade_id
        else ""
    )
    if wrong:
        raise InstrumentError(wrong, symbol=instrument.symbol)
    return lots


def fill_of(order: Order, report: GatewayReport, account: str, gateway: str, books: Books) -> Fill:
    """Return the fill of an order that a gateway reports; what the report does not tell, the instrument's terms do.

    Args:
        order: the order, as it is before this fill.
        report: its fee NaN where the fee schedule tells it, its trading day 0 where the calendar does.
        account: the account's name.
        gateway: the gateway's name.
        books: positions, on which the fee of closing today's lots depends.
    """
    terms, instrument = order.terms, order.instrument
    fill = Fill(
        symbol=terms.symbol,
        venue=terms.venue,
        event_ns=report.event_ns,
        recv_ns=report.event_ns,
        request=order.request_id,
        account=account,
        strategy=order.strategy,
        client_id=order.client_id,
        gateway=gateway,
        venue_order_id=report.venue_order_id,
        trade_id=report.trade_id,
        price=report.price,
        quantity=report.quantity,
        fee=report.fee,
        fee_currency=report.fee_currency,
        trading_day=report.trading_day or instrument.trading_day(report.event_ns),
        side=terms.side,
        offset=terms.offset,
        position_side=terms.position_side,
        liquidity=report.liquidity,
    )
    if not isnan(report.fee):
        return fill
    return fill.replace(fee=books.fee(fill, order.number, instrument, first=order.trades == 0), fee_currency=instrument.currency)
