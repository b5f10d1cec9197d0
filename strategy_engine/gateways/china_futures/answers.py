"""What a counter says, as reports and figures: pure functions of the structs' fields."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan

from gcg_quant.events import OrderStatus
from gcg_quant.openctp_times import EXCHANGES, event_moment
from gcg_quant.openctp_values import Fields, number, price, text

from ..base import GatewayReport, ReportKind, VenueOrder

__all__ = ["cash_of", "fill_of", "is_open", "order_reports", "positions_of", "system_name", "venue_order"]

_ALL_TRADED, _CANCELLED, _UNKNOWN = "0", "5", "a"
_ENDED = (_CANCELLED, "2", "4")  # cancelled, or no longer in the queue
_INSERT_REJECTED = "4"
_LONG, _SHORT = "2", "3"


def system_name(fields: Fields) -> str:
    """Return what an exchange calls an order, "SHFE:1001"; empty while it has not said so."""
    system_id = text(fields["OrderSysID"])
    return f"{text(fields['ExchangeID'])}:{system_id}" if system_id else ""


def is_open(fields: Fields) -> bool:
    """Return whether an order may still trade."""
    return text(fields["OrderStatus"]) not in (_ALL_TRADED, *_ENDED)


def order_reports(fields: Fields, client_id: str, recv_ns: int) -> list[GatewayReport]:
    """Return what a CThostFtdcOrderField says of an order: that its exchange has it, and how it ended. Trades are told by themselves.

    An order that has no number of its exchange yet is only with the counter, and says nothing.
    """
    found, status = [], text(fields["OrderStatus"])
    rejected = status in _ENDED and text(fields["OrderSubmitStatus"]) == _INSERT_REJECTED
    name = system_name(fields)
    if name and not rejected:
        event_ns = _moment(fields, fields["InsertDate"], fields["InsertTime"], recv_ns)
        found.append(GatewayReport(kind=ReportKind.ACCEPTED, client_id=client_id, event_ns=event_ns, venue_order_id=name))
    if status in _ENDED:
        kind = ReportKind.REJECTED if rejected else ReportKind.CANCELLED
        time = text(fields["CancelTime"]) or text(fields["UpdateTime"]) or fields["InsertTime"]
        event_ns = _moment(fields, fields["InsertDate"], time, recv_ns)
        if found:
            event_ns = max(event_ns, found[0].event_ns)
        reason = text(fields["StatusMsg"])
        found.append(GatewayReport(kind=kind, client_id=client_id, event_ns=event_ns, venue_order_id=name, reason=reason))
    return found


def fill_of(fields: Fields, client_id: str, recv_ns: int) -> GatewayReport:
    """Return what a CThostFtdcTradeField says. Its fee is not told: the instrument's schedule says it."""
    exchange = text(fields["ExchangeID"])
    day = text(fields["TradingDay"])
    return GatewayReport(
        kind=ReportKind.FILLED,
        client_id=client_id,
        event_ns=_moment(fields, fields["TradeDate"], fields["TradeTime"], recv_ns),
        venue_order_id=system_name(fields),
        trade_id=f"{exchange}:{text(fields['TradeID'])}",
        price=price(fields["Price"], zero=True),
        quantity=float(fields["Volume"]),
        fee=nan,
        trading_day=int(day) if day.isdigit() else 0,
    )


def venue_order(fields: Fields, client_id: str) -> VenueOrder:
    """Return an open order as the counter has it."""
    filled = float(fields["VolumeTraded"])
    known = bool(system_name(fields))
    return VenueOrder(
        client_id=client_id,
        venue_order_id=system_name(fields),
        symbol=text(fields["InstrumentID"]),
        venue=text(fields["ExchangeID"]),
        status=OrderStatus.PARTLY_FILLED if filled else OrderStatus.ACCEPTED if known else OrderStatus.SUBMITTING,
        quantity=float(fields["VolumeTotalOriginal"]),
        filled_quantity=filled,
        price=price(fields["LimitPrice"], zero=True),
    )


def positions_of(rows: Iterable[Fields]) -> dict[tuple[str, str], float]:
    """Return the net lots by (symbol, exchange): a counter has a row for each side, and of SHFE and INE one for each day, too."""
    net: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (text(row["InstrumentID"]), text(row["ExchangeID"]))
        sign = {_LONG: 1.0, _SHORT: -1.0}.get(text(row["PosiDirection"]), 0.0)
        net[key] = net.get(key, 0.0) + sign * float(row["Position"])
    return {key: lots for key, lots in net.items() if lots}


def cash_of(account: Iterable[Fields], positions: Iterable[Fields]) -> dict[str, float]:
    """Return the cash by currency with positions at the prices at which they were opened, as our accounts count.

    A counter settles each day: its balance holds the profit of open positions since they were opened, part of it in the price at which
    it carries them (PositionCost beside OpenCost).
    """
    open_profit = 0.0
    for row in positions:
        sign = -1.0 if text(row["PosiDirection"]) == _SHORT else 1.0
        open_profit += number(row["PositionProfit"]) + sign * (number(row["PositionCost"]) - number(row["OpenCost"]))
    cash = {text(row["CurrencyID"]) or "CNY": number(row["Balance"]) for row in account}
    if "CNY" in cash:
        cash["CNY"] -= open_profit
    return cash


def _moment(fields: Fields, date: str, time: str, recv_ns: int) -> int:
    exchange = text(fields["ExchangeID"])
    try:
        return event_moment(exchange if exchange in EXCHANGES else "SHFE", text(fields["TradingDay"]), date, time, 0, recv_ns).event_ns
    except ValueError:  # a counter that tells no time of something
        return recv_ns
