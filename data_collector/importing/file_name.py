"""What a file's name says: `SPY_daily`, `EURUSD_oanda_hour`, `IBM_tick_trade_20131008`, `ES_201312_minute_quote_20131007-20131011`.

A hint is a default that nobody stated: it is used only where the options are silent, and the report shows each one that was used. The
time zone is hinted at only by venues whose files are known to be in it (`ZONES`).
"""

from __future__ import annotations

import re
from pathlib import PurePath

import msgspec

__all__ = ["ZONES", "FileHints", "read_file_name"]

_PERIODS = {
    **dict.fromkeys(("second", "seconds", "1s", "1sec"), "1s"),
    **dict.fromkeys(("minute", "minutes", "min", "1m", "1min"), "1m"),
    **dict.fromkeys(("5m", "5min"), "5m"),
    **dict.fromkeys(("15m", "15min"), "15m"),
    **dict.fromkeys(("30m", "30min"), "30m"),
    **dict.fromkeys(("hour", "hourly", "1h", "60m", "60min"), "1h"),
    **dict.fromkeys(("4h",), "4h"),
    **dict.fromkeys(("daily", "day", "1d"), "1d"),
    **dict.fromkeys(("weekly", "week", "1w"), "1w"),
}
_KIND_WORDS = frozenset(("tick", "ticks", "trade", "trades", "quote", "quotes", "bar", "bars", "openinterest"))

# word in the name -> (venue, market)
_VENUES = {
    "oanda": ("OANDA", "fx"),
    "fxcm": ("FXCM", "fx"),
    "dukascopy": ("DUKASCOPY", "fx"),
    "coinbase": ("COINBASE", "crypto"),
    "binance": ("BINANCE", "crypto"),
    "okx": ("OKX", "crypto"),
    "bybit": ("BYBIT", "crypto"),
    "bitstamp": ("BITSTAMP", "crypto"),
    "bitfinex": ("BITFINEX", "crypto"),
    "kraken": ("KRAKEN", "crypto"),
    "cffex": ("CFFEX", "cn_future"),
    "shfe": ("SHFE", "cn_future"),
    "dce": ("DCE", "cn_future"),
    "czce": ("CZCE", "cn_future"),
    "ine": ("INE", "cn_future"),
    "gfex": ("GFEX", "cn_future"),
    "sse": ("SSE", "cn_stock"),
    "szse": ("SZSE", "cn_stock"),
    "hkex": ("HKEX", "hk"),
    "nyse": ("NYSE", "us"),
    "nasdaq": ("NASDAQ", "us"),
}

# market -> (zone, why): only where files of that origin keep no other clock
ZONES = {
    "cn_future": ("Asia/Shanghai", "Chinese exchanges stamp their data in Beijing time"),
    "cn_stock": ("Asia/Shanghai", "Chinese exchanges stamp their data in Beijing time"),
    "crypto": ("UTC", "crypto exchanges stamp their data in UTC"),
}

_ENDINGS = re.compile(r"(\.(csv|txt|tsv|parquet|pq|gz|dat))+$", re.IGNORECASE)
_DAYS = re.compile(r"^(19|20)\d{6}$")
_MONTH = re.compile(r"^(19|20)\d{4}$")
_SYMBOL = re.compile(r"^[A-Z0-9][A-Z0-9.]{0,19}$")


class FileHints(msgspec.Struct, frozen=True):
    """What was found in the name; None where it says nothing."""

    symbol: str | None = None
    venue: str | None = None
    market: str | None = None
    period: str | None = None


def read_file_name(path: str) -> FileHints:
    """Return the hints of a file name; a symbol only if exactly one word of it can be one."""
    words = [word for word in re.split(r"[_\-\s]+", _ENDINGS.sub("", PurePath(path).name)) if word]
    venue = market = period = None
    symbols: list[str] = []
    for index, word in enumerate(words):
        known = word.lower()
        if known in _PERIODS:
            period = _PERIODS[known]
        elif known in _VENUES:
            venue, market = _VENUES[known]
        elif _MONTH.match(word) and symbols and words[index - 1] == symbols[-1]:
            symbols[-1] += word  # a contract month belongs to the root before it
        elif known not in _KIND_WORDS and not _DAYS.match(word):
            symbols.append(word)
    symbol = symbols[0] if len(symbols) == 1 and _SYMBOL.match(symbols[0]) else None
    return FileHints(symbol=symbol, venue=venue, market=market, period=period)
