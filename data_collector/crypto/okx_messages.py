"""What OKX's public channels say: trades, tickers, changes of the book, candles and funding rates.

The fields are those of the "WebSocket" sections of OKX's API guide (v5), "Public data" and "Market data". Sizes of contracts are numbers
of contracts.
"""

from __future__ import annotations

import sys
from collections.abc import Container
from typing import Annotated, Any, TypeAlias

import msgspec

from gcg_quant import _native

from ..binance_messages import Candle, DayTicker, FundingRate, Id, Milliseconds, Trade
from .order_book import packed

__all__ = ["ImpossibleLevel", "OkxAnswer", "OkxBook", "OkxMessage", "parse_okx"]

_NS_PER_MS = 1_000_000
_NAN = float("nan")
_LARGEST = sys.float_info.max  # what is more is no number
_Orders: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
# OKX writes what it has not got as an empty text. A level: price, size, "0", orders.
_Level: TypeAlias = tuple[
    Annotated[float, msgspec.Meta(gt=0, le=_LARGEST)], Annotated[float, msgspec.Meta(ge=0, le=_LARGEST)], int | str, _Orders
]
_Written: TypeAlias = tuple[str, str, int | str, _Orders]


class ImpossibleLevel(ValueError):
    """A level of a book has a price that is not above 0, or a size below 0, or one of both is not finite. `symbol` is the book's."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"{symbol}: an impossible level")
        self.symbol = symbol


class OkxBook(msgspec.Struct, frozen=True):
    """A whole book (`snapshot`), or new sizes of price levels, 0: the level is gone.

    `bids` and `asks` are levels as `order_book.packed` has them, `texts` the same as they were written, if these were asked for.
    `sequence` and `previous` number the messages (-1: not told), and `checksum` is that of the book behind it (0: not told).
    """

    symbol: str
    local_ns: int
    event_ns: int
    snapshot: bool
    sequence: int
    previous: int
    checksum: int
    bids: bytes
    asks: bytes
    texts: tuple[list[_Written], list[_Written]] | None = None


class OkxAnswer(msgspec.Struct, frozen=True):
    """What OKX answers to a request: `event` is "subscribe", "unsubscribe", "error" or "notice"."""

    event: str
    channel: str
    symbol: str
    code: str
    text: str


OkxMessage: TypeAlias = Trade | DayTicker | OkxBook | Candle | FundingRate | OkxAnswer


class _Arg(msgspec.Struct):
    channel: str = ""
    symbol: str = msgspec.field(default="", name="instId")


class _Trade(msgspec.Struct, gc=False):
    instId: str  # noqa: N815
    tradeId: Id  # noqa: N815
    px: float
    sz: float
    side: str
    ts: Milliseconds


class _Ticker(msgspec.Struct, gc=False):
    instId: str  # noqa: N815
    ts: Milliseconds
    last: str = ""
    lastSz: str = ""  # noqa: N815
    askPx: str = ""  # noqa: N815
    askSz: str = ""  # noqa: N815
    bidPx: str = ""  # noqa: N815
    bidSz: str = ""  # noqa: N815
    open24h: str = ""
    high24h: str = ""
    low24h: str = ""
    volCcy24h: str = ""  # noqa: N815
    vol24h: str = ""


class _Book(msgspec.Struct, gc=False):
    asks: list[_Level]
    bids: list[_Level]
    ts: Milliseconds
    checksum: int = 0
    sequence: Id = msgspec.field(default=-1, name="seqId")
    previous: Id = msgspec.field(default=-1, name="prevSeqId")


class _Books(msgspec.Struct, gc=False):
    arg: _Arg
    data: list[_Book] = []
    action: str = ""
    event: str = ""


class _WrittenBook(msgspec.Struct):
    asks: list[_Written]
    bids: list[_Written]


class _WrittenBooks(msgspec.Struct):
    data: list[_WrittenBook]


class _Funding(msgspec.Struct):
    instId: str  # noqa: N815
    fundingRate: str  # noqa: N815
    fundingTime: Milliseconds  # noqa: N815
    ts: Milliseconds = -1


class _Envelope(msgspec.Struct):
    arg: _Arg = msgspec.field(default_factory=_Arg)
    action: str = ""
    data: msgspec.Raw = msgspec.Raw()
    event: str = ""
    code: str = ""
    msg: str = ""


_envelope = msgspec.json.Decoder(_Envelope).decode
_trades = msgspec.json.Decoder(list[_Trade], strict=False).decode
_tickers = msgspec.json.Decoder(list[_Ticker], strict=False).decode
_books = msgspec.json.Decoder(_Books, strict=False).decode
_written_books = msgspec.json.Decoder(_WrittenBooks, strict=False).decode
_fundings = msgspec.json.Decoder(list[_Funding], strict=False).decode
_candles = msgspec.json.Decoder(list[list[str]]).decode
_BOOKS = frozenset(("books", "books5", "bbo-tbt", "books-l2-tbt", "books50-l2-tbt"))
_BOOK_BEGINS = b'{"arg":{"channel":"books'  # so that most of the bytes that come are read once
_SIDES = {"buy": False, "sell": True}
PERIODS = {"1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1H", "2h": "2H", "4h": "4H", "1d": "1Dutc", "1w": "1Wutc"}
_LENGTHS_MS = {"m": 60_000, "H": 3_600_000, "D": 86_400_000, "W": 604_800_000}
_OURS = {theirs: ours for ours, theirs in PERIODS.items()} | {"1s": "1s"}


def parse_okx(text: bytes, local_ns: int, written: Container[str] = ()) -> list[OkxMessage]:
    """Return what a message says; nothing for a "pong" and for channels that no record is made of.

    Args:
        text: as it came.
        local_ns: when, by our clock.
        written: the symbols of whose books the levels are wanted as they were written, too.

    Raises:
        ImpossibleLevel: a level of a book cannot be.
        ValueError: it is no message of OKX's, or a number in it is none.
    """
    if text == b"pong":
        return []
    try:
        if text.startswith(_BOOK_BEGINS):
            if (plain := _native.read_okx_book(text, local_ns)) is not None and plain[0] not in written:
                return [OkxBook(*plain)]  # what is not plain, or wrong, is read as any JSON
            if found := _read_books(text, local_ns, written):
                return found
        outer = _envelope(text)
        if outer.event:
            return [OkxAnswer(outer.event, outer.arg.channel, outer.arg.symbol, outer.code, outer.msg)]
        if not bytes(outer.data):
            return []
        if outer.arg.channel in _BOOKS:
            return _read_books(text, local_ns, written)
        return _read(outer.arg, outer.data, local_ns)
    except (msgspec.MsgspecError, RecursionError, OverflowError) as error:
        raise ValueError(f"the message cannot be read: {error}") from error


def _read_books(text: bytes, local_ns: int, written: Container[str]) -> list[OkxMessage]:
    try:
        outer = _books(text)
    except msgspec.ValidationError:
        if not _has_impossible_level(text):
            raise
        raise ImpossibleLevel(_envelope(text).arg.symbol) from None
    symbol, snapshot = outer.arg.symbol, outer.action != "update"
    texts: list[tuple[list[_Written], list[_Written]] | None] = [None] * len(outer.data)
    if symbol in written:
        texts = [(one.bids, one.asks) for one in _written_books(text).data]
    head = symbol, local_ns
    return [
        OkxBook(*head, raw.ts * _NS_PER_MS, snapshot, raw.sequence, raw.previous, raw.checksum, _packed(raw.bids), _packed(raw.asks), one)
        for raw, one in zip(outer.data, texts, strict=True)
    ]


def _packed(levels: list[_Level]) -> bytes:
    return packed((price, size, orders) for price, size, _, orders in levels)


def _has_impossible_level(text: bytes) -> bool:
    # Whether all of it are numbers, but such as no level has.
    try:
        levels = [level for book in _written_books(text).data for level in book.bids + book.asks]
        return any(not (0 < float(level[0]) <= _LARGEST and 0 <= float(level[1]) <= _LARGEST) for level in levels)
    except (ValueError, msgspec.MsgspecError):
        return False


def _read(arg: _Arg, data: msgspec.Raw, local_ns: int) -> list[OkxMessage]:
    channel, symbol = arg.channel, arg.symbol
    if channel == "trades":
        return [Trade(0, raw.instId, local_ns, raw.ts * _NS_PER_MS, raw.tradeId, raw.px, raw.sz, _taken(raw.side)) for raw in _trades(data)]
    if channel == "tickers":
        return [_ticker(raw, local_ns) for raw in _tickers(data)]
    if channel.startswith("candle"):
        return [_candle(symbol, channel[6:], raw, local_ns) for raw in _candles(data)]
    if channel == "funding-rate":
        return [_funding(raw, local_ns) for raw in _fundings(data) if raw.fundingRate]
    return []


def _taken(side: str) -> bool:
    # `side` is the taker's: who sells takes a buyer's order that rested.
    if side not in _SIDES:
        raise ValueError(f"a trade's side is buy or sell, found {side[:20]!r}")
    return _SIDES[side]


def _ticker(raw: _Ticker, local_ns: int) -> DayTicker:
    bid, ask = (_number(raw.bidPx), _number(raw.bidSz)), (_number(raw.askPx), _number(raw.askSz))
    day = _number(raw.open24h), _number(raw.high24h), _number(raw.low24h)
    # `volCcy24h` is in the quote currency for spot and in the base currency for contracts: only the first is a turnover.
    turnover = _number(raw.volCcy24h) if raw.instId.count("-") == 1 else _NAN
    last = _number(raw.last), _number(raw.lastSz)
    return DayTicker(raw.instId, local_ns, raw.ts * _NS_PER_MS, *last, bid, ask, *day, _number(raw.vol24h), turnover)


def _candle(symbol: str, period: str, raw: list[Any], local_ns: int) -> Candle:
    if len(raw) < 9:
        raise ValueError(f"a candle has nine values, found {len(raw)}")
    ours = _OURS.get(period)
    if ours is None:
        raise ValueError(f"there are no candles of {period[:20]!r}")
    start_ms = int(raw[0])
    length_ms = 1000 if ours == "1s" else int(ours[:-1]) * _LENGTHS_MS[ours[-1].upper() if ours[-1] != "m" else "m"]
    if not 0 <= start_ms <= 9_000_000_000_000:
        raise ValueError(f"a candle's time is in ms since 1970, found {start_ms}")
    prices = (_number(raw[1]), _number(raw[2]), _number(raw[3]), _number(raw[4]))
    times = start_ms * _NS_PER_MS, (start_ms + length_ms) * _NS_PER_MS
    return Candle(symbol, local_ns, ours, *times, *prices, _number(raw[5]), _number(raw[7]), 0, raw[8] == "1")


def _funding(raw: _Funding, local_ns: int) -> FundingRate:
    event_ns = raw.ts * _NS_PER_MS if raw.ts >= 0 else -1
    return FundingRate(raw.instId, local_ns, event_ns, float(raw.fundingRate), raw.fundingTime * _NS_PER_MS, _NAN)


def _number(text: str) -> float:
    return float(text) if text else _NAN
