"""The messages of Binance's market streams: what they say, how they come, and how a recorder writes them down."""

from .message import (
    BestQuote,
    BookUpdate,
    Candle,
    DayTicker,
    FundingRate,
    Id,
    Level,
    Message,
    Milliseconds,
    Snapshot,
    StreamMessage,
    Trade,
)
from .recording import clock_lag, read_message
from .stream import parse_message

__all__ = [
    "BestQuote",
    "BookUpdate",
    "Candle",
    "DayTicker",
    "FundingRate",
    "Id",
    "Level",
    "Message",
    "Milliseconds",
    "Snapshot",
    "StreamMessage",
    "Trade",
    "clock_lag",
    "parse_message",
    "read_message",
]
