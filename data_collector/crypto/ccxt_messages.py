"""What ccxt returns, whatever the exchange: its unified trades, tickers, books, candles and funding rates as rows of records.

The structures are those of ccxt's manual ("Trade Structure", "Ticker Structure", "Order Book Structure", "OHLCV Structure"). Times that an
exchange does not tell are ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

from gcg_quant.events import Bar, BarOrigin, Depth, Funding, Side, Tick, TradeTick, VolumeKind

__all__ = ["parse_book", "parse_candle", "parse_funding", "parse_ticker", "parse_trade"]

_NS_PER_MS = 1_000_000
_NAN = float("nan")
_MOST_MS = 9_000_000_000_000
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_LEVELS = 10
_T = TypeVar("_T")


def _declared(parse: Callable[..., _T]) -> Callable[..., _T]:
    # What an exchange sends may have any shape; whoever calls knows one error.
    @wraps(parse)
    def checked(*arguments: Any) -> _T:
        try:
            return parse(*arguments)
        except (TypeError, IndexError, KeyError, AttributeError, OverflowError, UnicodeError) as error:
            raise ValueError(f"it cannot be read: {type(error).__name__}: {error}") from error

    return checked


@_declared
def parse_trade(trade: Mapping[str, Any], symbol: str, venue: str, recv_ns: int) -> TradeTick:
    """Return a trade. Raises ValueError without a price."""
    price = _number(trade.get("price"))
    if price != price:
        raise ValueError("a trade without a price")
    return TradeTick(
        symbol=symbol,
        venue=venue,
        event_ns=_time(trade.get("timestamp"), recv_ns),
        recv_ns=recv_ns,
        price=price,
        size=_number(trade.get("amount")),
        aggressor=_SIDES.get(str(trade.get("side")), Side.NONE),
        trade_id=str(trade.get("id") or "")[:32],
    )


@_declared
def parse_ticker(ticker: Mapping[str, Any], symbol: str, venue: str, recv_ns: int) -> Tick:
    """Return a ticker; its totals are those of the last 24 hours. Raises ValueError if it tells no price."""
    last, bid, ask = (_number(ticker.get(name)) for name in ("last", "bid", "ask"))
    if last != last and bid != bid and ask != ask:
        raise ValueError("a ticker without a price")
    volume = _number(ticker.get("baseVolume"))
    return Tick(
        symbol=symbol,
        venue=venue,
        event_ns=_time(ticker.get("timestamp"), recv_ns),
        recv_ns=recv_ns,
        last_price=last,
        volume=volume,
        turnover=_number(ticker.get("quoteVolume")),
        volume_kind=VolumeKind.ROLLING_24H if volume == volume else VolumeKind.UNKNOWN,
        bid_price=bid,
        bid_size=_number(ticker.get("bidVolume")),
        ask_price=ask,
        ask_size=_number(ticker.get("askVolume")),
        open=_number(ticker.get("open")),
        high=_number(ticker.get("high")),
        low=_number(ticker.get("low")),
        venue_seq=0,
    )


@_declared
def parse_book(book: Mapping[str, Any], symbol: str, venue: str, recv_ns: int) -> Depth:
    """Return the best ten levels of a book. Raises ValueError if it has none."""
    bids, asks = (_levels(book.get(name)) for name in ("bids", "asks"))
    if not bids and not asks:
        raise ValueError("a book without a level")
    nonce = book.get("nonce")
    return Depth(
        symbol=symbol,
        venue=venue,
        event_ns=_time(book.get("timestamp"), recv_ns),
        recv_ns=recv_ns,
        bid_prices=[price for price, _ in bids],
        bid_sizes=[size for _, size in bids],
        ask_prices=[price for price, _ in asks],
        ask_sizes=[size for _, size in asks],
        venue_seq=nonce if isinstance(nonce, int) and 0 <= nonce < 1 << 63 else 0,
        levels=max(len(bids), len(asks)),
    )


@_declared
def parse_candle(candle: Sequence[Any], period: str, length_ns: int, symbol: str, venue: str, recv_ns: int) -> Bar:
    """Return a candle [start in ms, open, high, low, close, volume]. Raises ValueError if it is none."""
    if len(candle) < 6 or not isinstance(candle[0], int) or not 0 <= candle[0] <= _MOST_MS:
        raise ValueError("a candle is [start in ms, open, high, low, close, volume]")
    start_ns = candle[0] * _NS_PER_MS
    prices: dict[str, Any] = dict(zip(("open", "high", "low", "close", "volume"), map(_number, candle[1:6]), strict=True))
    times: dict[str, Any] = {"start_ns": start_ns, "event_ns": start_ns + length_ns, "recv_ns": recv_ns}
    return Bar(symbol=symbol, venue=venue, period=period, origin=BarOrigin.VENUE, **times, **prices)


@_declared
def parse_funding(rate: Mapping[str, Any], symbol: str, venue: str, recv_ns: int) -> Funding:
    """Return a funding rate. Raises ValueError if it tells none."""
    value, mark = _number(rate.get("fundingRate")), _number(rate.get("markPrice"))
    if value != value:
        raise ValueError("a funding rate that is none")
    return Funding(
        symbol=symbol,
        venue=venue,
        event_ns=_time(rate.get("timestamp"), recv_ns),
        rate=value,
        next_ns=_time(rate.get("fundingTimestamp"), 0),
        mark_price=mark if mark == mark else None,
    )


def _levels(levels: Any) -> list[tuple[float, float]]:
    if not isinstance(levels, Sequence) or isinstance(levels, str | bytes):
        return []
    return [(_number(level[0]), _number(level[1])) for level in levels[:_LEVELS]]


def _number(value: Any) -> float:
    if value is None:
        return _NAN
    try:
        number = float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"expected a number, found {str(value)[:40]!r}") from error
    if math.isinf(number):
        raise ValueError("a number without an end")
    return number


def _time(value: Any, default_ns: int) -> int:
    if value is None:
        return default_ns
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST_MS:
        raise ValueError(f"expected ms since 1970, found {str(value)[:40]!r}")
    return round(value * _NS_PER_MS)
