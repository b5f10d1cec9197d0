"""The enumerations of events and records; the numbers are stored in journals and never change their meaning."""

from __future__ import annotations

from enum import IntEnum, IntFlag

__all__ = [
    "BarBasis",
    "BarOrigin",
    "BookAction",
    "EventFlag",
    "Lane",
    "Liquidity",
    "Offset",
    "OrderFlag",
    "OrderStatus",
    "OrderType",
    "PositionSide",
    "Quality",
    "RiskReason",
    "Side",
    "TimeInForce",
    "VolumeKind",
    "World",
]


class _Number(IntEnum):
    """Numbers with names. Enum hashes the name, in Python and at each look-up; an order's way makes a dozen of those."""

    __hash__ = int.__hash__


class World(_Number):
    """What a bus is for. A real gateway refuses any world but LIVE."""

    LIVE = 1
    PAPER = 2
    BACKTEST = 3
    IMPORT = 4
    REPLAY = 5


class Lane(_Number):
    """The journals of a bus, in the order in which a reader drains them."""

    CONTROL = 0
    MARKET = 1
    LOG = 2


class EventFlag(IntFlag):
    """Flags of a frame.

    BACKFILL marks history that is filled in on a live bus. BRIDGED marks what came over a bridge from another host: its `cause` is its own
    id on the bus it came from (that of the first record, for a batch).
    """

    NONE = 0
    BACKFILL = 1
    BRIDGED = 2


class Side(_Number):
    """The side of an order, a fill, an aggressor or a book level."""

    NONE = 0
    BUY = 1
    SELL = 2


class Offset(_Number):
    """What an order does to a position, as China's futures exchanges want it told; NONE elsewhere."""

    NONE = 0
    OPEN = 1
    CLOSE = 2
    CLOSE_TODAY = 3
    CLOSE_YESTERDAY = 4


class PositionSide(_Number):
    """NET for one signed position an instrument; LONG and SHORT where both are held apart."""

    NET = 0
    LONG = 1
    SHORT = 2


class OrderType(_Number):
    """How an order is priced."""

    NONE = 0
    MARKET = 1
    LIMIT = 2
    STOP = 3
    STOP_LIMIT = 4
    TRAILING_STOP = 5
    TRAILING_STOP_LIMIT = 6


class TimeInForce(_Number):
    """How long an order works."""

    GTC = 0
    DAY = 1
    IOC = 2
    FOK = 3
    GTD = 4


class OrderFlag(IntFlag):
    """Flags of an order request (`order_flags`)."""

    NONE = 0
    POST_ONLY = 1
    REDUCE_ONLY = 2
    HIDDEN = 4
    OCO = 8


class OrderStatus(_Number):
    """The states of an order."""

    NEW = 0
    RISK_CHECKED = 1
    SUBMITTING = 2
    ACCEPTED = 3
    PARTLY_FILLED = 4
    FILLED = 5
    CANCELLING = 6
    CANCELLED = 7
    REJECTED = 8
    EXPIRED = 9
    FAILED = 10


class Liquidity(_Number):
    """Whether a fill took liquidity or made it."""

    UNKNOWN = 0
    MAKER = 1
    TAKER = 2


class VolumeKind(_Number):
    """What a tick's `volume` and `turnover` count."""

    UNKNOWN = 0
    DAY = 1
    ROLLING_24H = 2
    SINGLE = 3


class Quality(_Number):
    """Whether the source marked the record as odd."""

    NORMAL = 0
    SUSPICIOUS = 1


class BookAction(_Number):
    """What a book delta does at its price: SET replaces the size, DELETE removes the level, CLEAR empties the book."""

    SET = 0
    DELETE = 1
    CLEAR = 2
    SNAPSHOT = 3


class BarBasis(_Number):
    """Which price a bar is made of."""

    LAST = 0
    BID = 1
    ASK = 2
    MID = 3


class BarOrigin(_Number):
    """Who made the bar."""

    UNKNOWN = 0
    VENUE = 1
    AGGREGATED = 2


class RiskReason(IntFlag):
    """Why a risk check refused an order (`RiskVerdict.reasons`)."""

    NONE = 0
    ORDER_SIZE = 1 << 0
    ORDER_VALUE = 1 << 1
    POSITION_SIZE = 1 << 2
    POSITION_VALUE = 1 << 3
    DAILY_LOSS = 1 << 4
    ORDER_RATE = 1 << 5
    CONCENTRATION = 1 << 6
    OPEN_ORDERS = 1 << 7
    PRICE_BAND = 1 << 8
    SELF_TRADE = 1 << 9
    SESSION_CLOSED = 1 << 10
    BUYING_POWER = 1 << 11
    T_PLUS_ONE = 1 << 12
    KILL_SWITCH = 1 << 13
    BAD_QUANTITY = 1 << 14
    BAD_PRICE = 1 << 15
    NO_MARKET = 1 << 16
    UNKNOWN_INSTRUMENT = 1 << 17
    GATEWAY_DOWN = 1 << 18
    UNSUPPORTED = 1 << 19
    PRICE_LIMIT = 1 << 20
    HALTED = 1 << 21
