"""What Binance's streams say, message by message: trades, changes of the book, best quotes, and snapshots asked for beside them.

A recorded line is the recorder's clock in ns (or us) since 1970, a space and the message as it came: of a combined stream
(`{"stream": ..., "data": {...}}`), of a single one, or a REST snapshot (`{"lastUpdateId": ..., "bids": ..., "asks": ...}`).
The fields are those of Binance's documentation of its spot and futures streams.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

__all__ = ["BestQuote", "BookUpdate", "Message", "Snapshot", "Trade", "clock_lag", "read_message"]

NS_PER_MS = 1_000_000
_NS_DIGITS, _US_DIGITS = 19, 16

Level: TypeAlias = tuple[float, float]  # price, size


class Trade(msgspec.Struct, frozen=True):
    """One trade; `buyer_rested`: the buyer's order was in the book, and the seller took it."""

    line: int
    symbol: str
    local_ns: int
    event_ns: int
    number: int
    price: float
    size: float
    buyer_rested: bool


class BookUpdate(msgspec.Struct, frozen=True):
    """New sizes of price levels, 0: the level is gone; `first_id` to `last_id` are the changes that it sums up."""

    line: int
    symbol: str
    local_ns: int
    event_ns: int
    first_id: int
    last_id: int
    previous_id: int  # the last_id of the update before, if the stream tells it, else -1
    bids: list[Level]
    asks: list[Level]

    def follows(self, last_id: int) -> bool:
        """Return whether nothing is missing between a book as of `last_id` and this."""
        return self.previous_id == last_id or self.first_id <= last_id + 1


class BestQuote(msgspec.Struct, frozen=True):
    """The best bid and ask; spot streams tell no time (-1)."""

    line: int
    symbol: str
    local_ns: int
    event_ns: int
    number: int
    bid: Level
    ask: Level


class Snapshot(msgspec.Struct, frozen=True):
    """The whole book as of `last_id`; it tells neither symbol nor time."""

    line: int
    local_ns: int
    last_id: int
    bids: list[Level]
    asks: list[Level]


Message: TypeAlias = Trade | BookUpdate | BestQuote | Snapshot


class _Raw(msgspec.Struct):
    data: _Raw | None = None
    stream: str = ""
    e: str = ""
    E: int = -1
    T: int = -1
    s: str = ""
    t: int = -1
    p: str = ""
    q: str = ""
    m: bool = False
    U: int = -1
    u: int = -1
    pu: int = -1
    b: str | list[tuple[str, str]] = ""
    a: str | list[tuple[str, str]] | int = ""
    B: str = ""
    A: str = ""
    last_update_id: int = msgspec.field(default=-1, name="lastUpdateId")
    bids: list[tuple[str, str]] = []
    asks: list[tuple[str, str]] = []


_decoder = msgspec.json.Decoder(_Raw)


def read_message(line: bytes, number: int = 0) -> Message | None:
    """Return what a line says, or None for messages of other streams. `number` is that of the line in its file.

    Raises:
        ValueError: it is no such line, or a number in it is none.
    """
    stamp, _, text = line.partition(b" ")
    if not stamp.isdigit() or len(stamp) not in (_NS_DIGITS, _US_DIGITS):
        raise ValueError("the line does not begin with the receive time in ns or us since 1970")
    local_ns = int(stamp) * (1 if len(stamp) == _NS_DIGITS else 1000)
    try:
        raw = _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise ValueError(f"the message cannot be read: {error}") from error
    raw = raw.data or raw
    if raw.last_update_id >= 0 and not raw.e:
        return Snapshot(number, local_ns, raw.last_update_id, _levels(raw.bids), _levels(raw.asks))
    event_ns = (raw.T if raw.T >= 0 else raw.E) * NS_PER_MS
    if raw.e == "trade":
        return Trade(number, raw.s, local_ns, event_ns, raw.t, float(raw.p), float(raw.q), raw.m)
    if raw.e == "depthUpdate" and isinstance(raw.b, list) and isinstance(raw.a, list):
        return BookUpdate(number, raw.s, local_ns, event_ns, raw.U, raw.u, raw.pu, _levels(raw.b), _levels(raw.a))
    if raw.e in ("", "bookTicker") and isinstance(raw.b, str) and isinstance(raw.a, str) and raw.b and raw.a:
        bid, ask = (float(raw.b), float(raw.B)), (float(raw.a), float(raw.A))
        return BestQuote(number, raw.s, local_ns, max(event_ns, -1), raw.u, bid, ask)
    return None


def clock_lag(messages: Iterable[Message]) -> int:
    """Return by how many ns the recorder's clock must be set forward so that nothing is received before it happened; 0 if it need not."""
    lag = 0
    for message in messages:
        if not isinstance(message, Snapshot) and message.event_ns >= 0:
            lag = max(lag, message.event_ns - message.local_ns)
    return lag


def _levels(levels: list[tuple[str, str]]) -> list[Level]:
    return [(float(price), float(size)) for price, size in levels]
