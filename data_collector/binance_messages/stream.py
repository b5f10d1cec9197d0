"""Reading the messages of Binance's streams, as they come: one type a stream, so that the decoder makes numbers of the texts and passes
over what nobody reads.

A message is one of a combined stream (`{"stream": ..., "data": {...}}`), of a single one, or a REST snapshot (`{"lastUpdateId": ...,
"bids": ..., "asks": ...}`). The fields are those of Binance's documentation of its spot streams ("WebSocket Streams") and of its USD-M
futures ("Websocket Market Streams").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from .message import BestQuote, BookUpdate, Candle, DayTicker, FundingRate, Id, Level, Milliseconds, Snapshot, StreamMessage, Trade

__all__ = ["parse_message"]

NS_PER_MS = 1_000_000
_STREAM = b'{"stream":"'


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
