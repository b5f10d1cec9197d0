"""What Binance's streams say, message by message: trades, changes of the book, best quotes, and snapshots asked for beside them.

A message is one of a combined stream (`{"stream": ..., "data": {...}}`), of a single one, or a REST snapshot (`{"lastUpdateId": ...,
"bids": ..., "asks": ...}`). A recorded line is the recorder's clock in ns (or us) since 1970, a space and the message as it came.
The fields are those of Binance's documentation of its spot streams ("WebSocket Streams") and of its USD-M futures ("Websocket Market
Streams").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeAlias

import msgspec

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

NS_PER_MS = 1_000_000
_NS_DIGITS, _US_DIGITS = 19, 16
_STREAM = b'{"stream":"'

Level: TypeAlias = tuple[float, float]  # price, size
# What a record has room for; a number beyond it is no time and no id.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=9_000_000_000_000)]
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One trade, or one order's trades at one price together; `buyer_rested`: the buyer's order was in the book, the seller took it."""

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


class BestQuote(msgspec.Struct, frozen=True, gc=False):
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


class DayTicker(msgspec.Struct, frozen=True, gc=False):
    """A summary of the last 24 hours, of which `volume` and `turnover` are totals; futures tell no best quote (NaN)."""

    symbol: str
    local_ns: int
    event_ns: int
    last: float
    last_size: float
    bid: Level
    ask: Level
    open: float
    high: float
    low: float
    volume: float
    turnover: float


class Candle(msgspec.Struct, frozen=True, gc=False):
    """A bar that the venue makes; `finished` says whether it will change no more. `end_ns` is when the next one begins."""

    symbol: str
    local_ns: int
    period: str
    start_ns: int
    end_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    count: int
    finished: bool


class FundingRate(msgspec.Struct, frozen=True, gc=False):
    """The funding rate of a perpetual contract, when it is paid next, and the price at which it is (NaN where it is not told)."""

    symbol: str
    local_ns: int
    event_ns: int
    rate: float
    next_ns: int
    mark_price: float


Message: TypeAlias = Trade | BookUpdate | BestQuote | Snapshot
StreamMessage: TypeAlias = Message | DayTicker | Candle | FundingRate

# ---- as they come: one type a stream, so that the decoder makes numbers of the texts and passes over what nobody reads


class _Trade(msgspec.Struct, gc=False):
    s: str
    t: Id
    p: float
    q: float
    T: Milliseconds
    m: bool


class _AggregateTrade(msgspec.Struct, gc=False):
    s: str
    a: Id
    p: float
    q: float
    T: Milliseconds
    m: bool


class _Update(msgspec.Struct):
    s: str
    E: Milliseconds
    U: Id
    u: Id
    b: list[Level]
    a: list[Level]
    pu: Id = -1
    T: Milliseconds = -1


class _Quote(msgspec.Struct, gc=False):
    s: str
    u: Id
    b: float
    B: float
    a: float
    A: float
    T: Milliseconds = -1
    E: Milliseconds = -1


class _Ticker(msgspec.Struct, gc=False):
    s: str
    E: Milliseconds
    c: float
    Q: float
    o: float
    h: float
    l: float  # noqa: E741
    v: float
    q: float
    b: float = float("nan")
    B: float = float("nan")
    a: float = float("nan")
    A: float = float("nan")


class _Bar(msgspec.Struct, gc=False):
    t: Milliseconds
    T: Milliseconds
    i: str
    o: float
    h: float
    l: float  # noqa: E741
    c: float
    v: float
    q: float
    n: Id
    x: bool


class _Kline(msgspec.Struct):
    s: str
    k: _Bar


class _Mark(msgspec.Struct, gc=False):
    s: str
    E: Milliseconds
    p: float
    r: str  # empty for contracts that are delivered
    T: Milliseconds


class _Snapshot(msgspec.Struct):
    last_update_id: Id = msgspec.field(name="lastUpdateId")
    bids: list[Level]
    asks: list[Level]


def _trade(raw: _Trade, local_ns: int, line: int) -> Trade:
    return Trade(line, raw.s, local_ns, raw.T * NS_PER_MS, raw.t, raw.p, raw.q, raw.m)


def _aggregate(raw: _AggregateTrade, local_ns: int, line: int) -> Trade:
    return Trade(line, raw.s, local_ns, raw.T * NS_PER_MS, raw.a, raw.p, raw.q, raw.m)


def _update(raw: _Update, local_ns: int, line: int) -> BookUpdate:
    event_ns = (raw.T if raw.T >= 0 else raw.E) * NS_PER_MS
    return BookUpdate(line, raw.s, local_ns, event_ns, raw.U, raw.u, raw.pu, raw.b, raw.a)


def _quote(raw: _Quote, local_ns: int, line: int) -> BestQuote:
    time_ms = raw.T if raw.T >= 0 else raw.E
    return BestQuote(line, raw.s, local_ns, time_ms * NS_PER_MS if time_ms >= 0 else -1, raw.u, (raw.b, raw.B), (raw.a, raw.A))


def _ticker(raw: _Ticker, local_ns: int, line: int) -> DayTicker:
    bid, ask = (raw.b, raw.B), (raw.a, raw.A)
    return DayTicker(raw.s, local_ns, raw.E * NS_PER_MS, raw.c, raw.Q, bid, ask, raw.o, raw.h, raw.l, raw.v, raw.q)


def _kline(raw: _Kline, local_ns: int, line: int) -> Candle:
    k = raw.k
    times = k.t * NS_PER_MS, (k.T + 1) * NS_PER_MS  # T is the last millisecond of the bar
    return Candle(raw.s, local_ns, k.i, *times, k.o, k.h, k.l, k.c, k.v, k.q, k.n, k.x)


def _mark(raw: _Mark, local_ns: int, line: int) -> FundingRate | None:
    if not raw.r:
        return None
    return FundingRate(raw.s, local_ns, raw.E * NS_PER_MS, float(raw.r), raw.T * NS_PER_MS, raw.p)


_Maker: TypeAlias = Callable[[Any, int, int], StreamMessage | None]

# What follows the symbol in a stream's name, and in the field "e" of its messages.
_KINDS: dict[str, tuple[type[msgspec.Struct], _Maker]] = {
    "trade": (_Trade, _trade),
    "aggTrade": (_AggregateTrade, _aggregate),
    "depth": (_Update, _update),
    "depthUpdate": (_Update, _update),
    "bookTicker": (_Quote, _quote),
    "ticker": (_Ticker, _ticker),
    "24hrTicker": (_Ticker, _ticker),
    "kline": (_Kline, _kline),
    "markPrice": (_Mark, _mark),
    "markPriceUpdate": (_Mark, _mark),
}


class _Combined(msgspec.Struct):
    data: Any


def _combined(kind: type[msgspec.Struct]) -> Callable[[bytes], Any]:
    # A message of a combined stream is decoded in one go: half the time of taking the envelope off first.
    envelope = msgspec.defstruct(f"Combined{kind.__name__}", [("data", kind)], bases=(_Combined,))
    return msgspec.json.Decoder(envelope, strict=False).decode


class _Unknown(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()
    stream: str = ""
    e: str = ""
    u: Id = -1
    b: msgspec.Raw = msgspec.Raw()
    last_update_id: Id = msgspec.field(default=-1, name="lastUpdateId")


_single = {name: (msgspec.json.Decoder(kind, strict=False).decode, make) for name, (kind, make) in _KINDS.items()}
_in_stream = {name: (_combined(kind), make) for name, (kind, make) in _KINDS.items()}
_streams: dict[bytes, tuple[Callable[[bytes], Any], _Maker] | None] = {}  # by the stream's name
_MOST_STREAMS = 20_000  # a venue that invents names must not fill the memory
_snapshot = msgspec.json.Decoder(_Snapshot, strict=False).decode
_unknown = msgspec.json.Decoder(_Unknown).decode


def parse_message(text: bytes, local_ns: int, line: int = 0) -> StreamMessage | None:
    """Return what a message says, or None for one that no record is made of, such as an answer to a subscription.

    Args:
        text: as it came.
        local_ns: when, by our clock.
        line: the number of its line in a file.

    Raises:
        ValueError: it is no message of Binance's, or a number in it is none.
    """
    try:
        if text.startswith(_STREAM):
            known = _known_stream(text[len(_STREAM) : text.index(b'"', len(_STREAM))])
            if known is not None:
                decode, make = known
                return make(decode(text).data, local_ns, line)
        return _parse_slowly(text, local_ns, line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"the message cannot be read: {error}") from error


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


def _known_stream(name: bytes) -> tuple[Callable[[bytes], Any], _Maker] | None:
    try:
        return _streams[name]
    except KeyError:
        words = name.decode("ascii", "replace").split("@")
        known = _in_stream.get(words[1].split("_")[0]) if len(words) > 1 else None
        if known is not None and len(_streams) < _MOST_STREAMS:
            _streams[name] = known
        return known


def _parse_slowly(text: bytes, local_ns: int, line: int) -> StreamMessage | None:
    outer = _unknown(text)
    if bytes(outer.data):
        text = bytes(outer.data)
        outer = _unknown(text)
    if outer.e in _single:
        decode, make = _single[outer.e]
        return make(decode(text), local_ns, line)
    if outer.last_update_id >= 0 and not outer.e:
        raw = _snapshot(text)
        return Snapshot(line, local_ns, raw.last_update_id, raw.bids, raw.asks)
    if not outer.e and outer.u >= 0 and bytes(outer.b):  # of spot's bookTicker, which does not say what it is
        decode, make = _single["bookTicker"]
        return make(decode(text), local_ns, line)
    return None
