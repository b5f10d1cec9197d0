"""The names that Kungfu's strategies get by `from kungfu.wingchun.constants import *`, and what they mean here."""

from __future__ import annotations

from enum import IntEnum

from gcg_quant import events

__all__ = [
    "OFFSETS",
    "SIDES",
    "WORDS",
    "Direction",
    "Exchange",
    "HedgeFlag",
    "InstrumentType",
    "Offset",
    "OrderStatus",
    "PriceType",
    "Side",
    "Source",
    "TimeCondition",
    "VolumeCondition",
    "status_of",
    "venues_of",
]


class _Word(IntEnum):
    # Written as Kungfu's own enumerations write themselves: "Side.Buy".
    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec) if not spec or spec[-1] not in "dxXob" else format(int(self), spec)


class Exchange:
    """Exchanges; plain texts, as `quote.exchange_id` is."""

    SSE = "SSE"
    SZE = "SZE"
    BSE = "BSE"
    SHFE = "SHFE"
    DCE = "DCE"
    CZCE = "CZCE"
    CFFEX = "CFFEX"
    INE = "INE"
    GFEX = "GFEX"
    HK = "HK"
    US = "US"


class Source:
    """Kungfu's names of some counters."""

    XTP = "xtp"
    CTP = "ctp"
    SIM = "sim"
    TORA = "tora"


class InstrumentType(_Word):
    """Kinds of instruments."""

    Unknown = 0
    Stock = 1
    Future = 2
    Bond = 3
    StockOption = 4
    TechStock = 5
    Fund = 6
    Index = 7
    Repo = 8
    Crypto = 9


class PriceType(_Word):
    """How an order is priced."""

    Limit = 0
    Any = 1
    FakBest5 = 2
    ForwardBest = 3
    ReverseBest = 4
    Fak = 5
    Fok = 6
    Unknown = 7


class Side(_Word):
    """The side of an order; those beyond Buy and Sell are known by name and refused in orders."""

    Buy = 0
    Sell = 1
    Lock = 2
    Unlock = 3
    Exec = 4
    Drop = 5
    Purchase = 6
    Redemption = 7


class Offset(_Word):
    """What an order does to a position."""

    Open = 0
    Close = 1
    CloseToday = 2
    CloseYesterday = 3


class Direction(_Word):
    """The side of a position."""

    Long = 0
    Short = 1


class HedgeFlag(_Word):
    """Why a future is traded."""

    Speculation = 0
    Arbitrage = 1
    Hedge = 2
    Covered = 3


class VolumeCondition(_Word):
    """How much of an order must be filled."""

    Any = 0
    Min = 1
    All = 2


class TimeCondition(_Word):
    """How long an order works."""

    IOC = 0
    GFD = 1
    GTC = 2


class OrderStatus(_Word):
    """The states of an order."""

    Unknown = 0
    Submitted = 1
    Pending = 2
    Cancelled = 3
    Error = 4
    Filled = 5
    PartialFilledNotActive = 6
    PartialFilledActive = 7
    Lost = 8


WORDS: dict[str, type] = {
    cls.__name__: cls
    for cls in (
        Exchange,
        Source,
        InstrumentType,
        PriceType,
        Side,
        Offset,
        Direction,
        HedgeFlag,
        VolumeCondition,
        TimeCondition,
        OrderStatus,
    )
}

SIDES = {Side.Buy: events.Side.BUY, Side.Sell: events.Side.SELL}
OFFSETS = {
    Offset.Open: events.Offset.OPEN,
    Offset.Close: events.Offset.CLOSE,
    Offset.CloseToday: events.Offset.CLOSE_TODAY,
    Offset.CloseYesterday: events.Offset.CLOSE_YESTERDAY,
}

# Other names under which market data of an exchange is stored.
_VENUES = {"SSE": ("SSE", "XSHG", "SH"), "SZE": ("SZE", "SZSE", "XSHE", "SZ"), "BSE": ("BSE", "XBSE", "BJ"), "HK": ("HK", "SEHK", "XHKG")}

_OVER = {
    events.OrderStatus.FILLED: OrderStatus.Filled,
    events.OrderStatus.REJECTED: OrderStatus.Error,
    events.OrderStatus.FAILED: OrderStatus.Error,
    events.OrderStatus.NEW: OrderStatus.Submitted,
    events.OrderStatus.RISK_CHECKED: OrderStatus.Submitted,
    events.OrderStatus.SUBMITTING: OrderStatus.Submitted,
}


def status_of(order: events.OrderEvent) -> OrderStatus:
    """Return Kungfu's word for the state of an order."""
    known = _OVER.get(order.status)
    if known is not None:
        return known
    partly = order.filled_quantity > 0
    if order.status in (events.OrderStatus.CANCELLED, events.OrderStatus.EXPIRED):
        return OrderStatus.PartialFilledNotActive if partly else OrderStatus.Cancelled
    return OrderStatus.PartialFilledActive if partly else OrderStatus.Pending


def venues_of(exchange: str) -> tuple[str, ...]:
    """Return the venues at which an exchange's instruments may stand on the bus, the likeliest first."""
    return _VENUES.get(exchange, (exchange,))
