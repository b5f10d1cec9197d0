"""Messages of Binance's streams as a recorder has written them, one a line: its clock, a space, and the message as it came.

The clock is in ns (or us) since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable

from .message import Candle, DayTicker, FundingRate, Message, Snapshot, Trade
from .stream import parse_message

__all__ = ["clock_lag", "read_message"]

_NS_DIGITS, _US_DIGITS = 19, 16


def read_message(line: bytes, number: int = 0) -> Message | None:
    """Return what a recorded line says, or None for messages that are not of the four kinds a recording is imported of.

    `number` is that of the line in its file.

    Raises:
        ValueError: it is no such line, or a number in it is none.
    """
    stamp, _, text = line.partition(b" ")
    if not stamp.isdigit() or len(stamp) not in (_NS_DIGITS, _US_DIGITS):
        raise ValueError("the line does not begin with the receive time in ns or us since 1970")
    local_ns = int(stamp) * (1 if len(stamp) == _NS_DIGITS else 1000)
    message = parse_message(text, local_ns, number)
    if isinstance(message, (DayTicker, Candle, FundingRate)) or (isinstance(message, Trade) and b'"aggTrade"' in text):
        return None  # summaries of what trades and quotes say one by one
    return message


def clock_lag(messages: Iterable[Message]) -> int:
    """Return by how many ns the recorder's clock must be set forward so that nothing is received before it happened; 0 if it need not."""
    lag = 0
    for message in messages:
        if not isinstance(message, Snapshot) and message.event_ns >= 0:
            lag = max(lag, message.event_ns - message.local_ns)
    return lag
