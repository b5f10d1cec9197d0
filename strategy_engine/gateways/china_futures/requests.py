"""Our commands as the counter's requests: pure functions. The letters are those of ThostFtdcUserApiDataType.h."""

from __future__ import annotations

from math import isnan
from typing import Any

from gcg_quant.errors import OrderError
from gcg_quant.events import Offset, OrderCommand, OrderType, Side, TimeInForce

__all__ = ["HEDGES", "action_fields", "insert_fields"]

HEDGES = {"speculation": "1", "arbitrage": "2", "hedge": "3"}
_DIRECTIONS = {Side.BUY: "0", Side.SELL: "1"}
_OFFSETS = {Offset.OPEN: "0", Offset.CLOSE: "1", Offset.CLOSE_TODAY: "3", Offset.CLOSE_YESTERDAY: "4"}
_ANY_PRICE, _LIMIT_PRICE = "1", "2"
_AT_ONCE, _TODAY = "1", "3"  # TimeCondition: IOC, GFD
_ANY_VOLUME, _ALL_VOLUME = "1", "3"  # VolumeCondition: AV, CV
_DELETE = "0"
_NO_MARKET_ORDERS = ("SHFE", "INE")
_APART = ("SHFE", "INE")  # whose orders say whether they close today's lots


def insert_fields(command: OrderCommand, exchange: str, lots: int, hedge: str = "1") -> dict[str, Any]:
    """Return the fields of a CThostFtdcInputOrderField that a command makes, its identity and account left out.

    A limit order works until its trading day ends (GFD), with IOC or FOK at once or not at all; a market order at once.

    Raises:
        OrderError: the exchange has no such order.
    """
    if command.side not in _DIRECTIONS:
        raise OrderError(f"an order to {exchange} needs a side", client_id=command.client_id)
    if command.offset not in _OFFSETS:
        text = f"an order to {exchange} says whether it opens or closes: give {command.symbol} an offset"
        raise OrderError(text, client_id=command.client_id)
    market = command.order_type == OrderType.MARKET
    if market and exchange in _NO_MARKET_ORDERS:
        raise OrderError(
            f"{exchange} takes no market orders: send a limit order at the other side's price, or at the day's limit, as IOC",
            client_id=command.client_id,
        )
    if not market and (command.order_type != OrderType.LIMIT or isnan(command.price)):
        raise OrderError(f"{exchange} takes limit orders with a price, found {command.order_type.name}", client_id=command.client_id)
    at_once = market or command.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    offset = command.offset
    if offset == Offset.CLOSE_YESTERDAY and exchange not in _APART:
        offset = Offset.CLOSE  # the oldest lots are closed first there, and nothing else can be said
    return {
        "InstrumentID": command.symbol,
        "ExchangeID": exchange,
        "Direction": _DIRECTIONS[command.side],
        "CombOffsetFlag": _OFFSETS[offset],
        "CombHedgeFlag": hedge,
        "OrderPriceType": _ANY_PRICE if market else _LIMIT_PRICE,
        "LimitPrice": 0.0 if market else command.price,
        "VolumeTotalOriginal": lots,
        "TimeCondition": _AT_ONCE if at_once else _TODAY,
        "VolumeCondition": _ALL_VOLUME if command.time_in_force == TimeInForce.FOK else _ANY_VOLUME,
        "MinVolume": 1,
        "ContingentCondition": "1",
        "ForceCloseReason": "0",
        "IsAutoSuspend": 0,
        "UserForceClose": 0,
    }


def action_fields(front: int, session: int, reference: str, symbol: str, exchange: str, system_id: str) -> dict[str, Any]:
    """Return the fields of a CThostFtdcInputOrderActionField that cancels an order; what the exchange calls it may not be known yet."""
    named = {"OrderSysID": system_id} if system_id else {}
    known = {"FrontID": front, "SessionID": session, "OrderRef": reference, "InstrumentID": symbol, "ExchangeID": exchange}
    return {**known, **named, "ActionFlag": _DELETE}
