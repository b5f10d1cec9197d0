"""The usual trading terms of six markets, as the exchanges' public rules and common retail tariffs have them.

They are starting points: exchanges and brokers change them, so a live gateway states the real terms of the day, and every field
can be overridden. Checked against the exchanges' rule pages in 2026; the rule behind a number stands beside it.
"""

from __future__ import annotations

import re
from typing import Any

from gcg_quant.errors import InstrumentError, nearest

__all__ = ["MARKETS", "hk_tick", "market_of", "terms_of"]

MARKETS = ("fx", "cn_stock", "cn_future", "us", "hk", "crypto")

# Products of China's futures exchanges: exchange, tick, multiplier, margin, fee as a share of the value, fee a lot in CNY.
# Contract specifications of CFFEX, SHFE, INE, DCE, CZCE; fees are the exchanges' own, margins rounded up as brokers ask.
_CN_PRODUCTS: dict[str, tuple[str, float, float, float, float, float]] = {
    "IF": ("CFFEX", 0.2, 300, 0.12, 0.000023, 0),
    "IH": ("CFFEX", 0.2, 300, 0.12, 0.000023, 0),
    "IC": ("CFFEX", 0.2, 200, 0.12, 0.000023, 0),
    "IM": ("CFFEX", 0.2, 200, 0.12, 0.000023, 0),
    "TS": ("CFFEX", 0.002, 20_000, 0.01, 0, 3),
    "TF": ("CFFEX", 0.005, 10_000, 0.015, 0, 3),
    "T": ("CFFEX", 0.005, 10_000, 0.025, 0, 3),
    "TL": ("CFFEX", 0.01, 10_000, 0.04, 0, 3),
    "cu": ("SHFE", 10, 5, 0.1, 0.00005, 0),
    "al": ("SHFE", 5, 5, 0.1, 0, 3),
    "zn": ("SHFE", 5, 5, 0.1, 0, 3),
    "ni": ("SHFE", 10, 1, 0.14, 0, 3),
    "au": ("SHFE", 0.02, 1000, 0.1, 0, 10),
    "ag": ("SHFE", 1, 15, 0.12, 0.00001, 0),
    "rb": ("SHFE", 1, 10, 0.08, 0.0001, 0),
    "hc": ("SHFE", 1, 10, 0.08, 0.0001, 0),
    "ru": ("SHFE", 5, 10, 0.1, 0, 3),
    "bu": ("SHFE", 1, 10, 0.12, 0.00005, 0),
    "fu": ("SHFE", 1, 10, 0.12, 0.00001, 0),
    "sp": ("SHFE", 2, 10, 0.1, 0.00005, 0),
    "sc": ("INE", 0.1, 1000, 0.12, 0, 20),
    "i": ("DCE", 0.5, 100, 0.13, 0.0001, 0),
    "j": ("DCE", 0.5, 100, 0.2, 0.0001, 0),
    "jm": ("DCE", 0.5, 60, 0.2, 0.0001, 0),
    "m": ("DCE", 1, 10, 0.08, 0, 1.5),
    "y": ("DCE", 2, 10, 0.08, 0, 2.5),
    "p": ("DCE", 2, 10, 0.1, 0, 2.5),
    "c": ("DCE", 1, 10, 0.08, 0, 1.2),
    "jd": ("DCE", 1, 10, 0.09, 0.00015, 0),
    "SR": ("CZCE", 1, 10, 0.09, 0, 3),
    "CF": ("CZCE", 5, 5, 0.09, 0, 4.3),
    "TA": ("CZCE", 2, 5, 0.09, 0, 3),
    "MA": ("CZCE", 1, 10, 0.1, 0.0001, 0),
    "RM": ("CZCE", 1, 10, 0.09, 0, 1.5),
    "FG": ("CZCE", 1, 20, 0.12, 0, 6),
    "SA": ("CZCE", 1, 20, 0.12, 0.0002, 0),
    "AP": ("CZCE", 1, 10, 0.12, 0, 5),
}
# What closing lots costs that were opened on the same day, where it differs: fee as a share of the value, fee a lot in CNY.
_CN_CLOSE_TODAY: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("IF", "IH", "IC", "IM"), (0.00023, 0.0)),
    **dict.fromkeys(("TS", "TF", "T", "TL"), (0.0, 0.0)),
    "cu": (0.0001, 0.0),
    "au": (0.0, 0.0),
    "zn": (0.0, 0.0),
    "sc": (0.0, 0.0),
}
_CN_TODAY_APART = ("SHFE", "INE")  # whose rules have orders say whether they close today's lots; the others close the oldest first
_CN_LARGER_SIDE = ("SHFE", "INE", "CFFEX")  # which margin the larger side alone; DCE and CZCE do so for combination orders only
_CN_ROOTS = {name.lower(): name for name in _CN_PRODUCTS}

# CME Group contracts: tick, multiplier, margin as a share of the value (the exchange asks amounts; these are near them).
_CME_PRODUCTS: dict[str, tuple[float, float, float]] = {
    "ES": (0.25, 50, 0.07),
    "MES": (0.25, 5, 0.07),
    "NQ": (0.25, 20, 0.08),
    "MNQ": (0.25, 2, 0.08),
    "YM": (1, 5, 0.07),
    "RTY": (0.1, 50, 0.08),
    "GC": (0.1, 100, 0.08),
    "SI": (0.005, 5000, 0.1),
    "CL": (0.01, 1000, 0.1),
    "NG": (0.001, 10_000, 0.15),
}
_US_FUNDS = {"SPY", "QQQ", "IWM", "DIA", "VOO", "VTI", "GLD", "SLV", "TLT", "EEM"}

# HKEX spread table for equities since the minimum spreads were reduced (second phase, 2026): up to this price, this tick.
_HK_SPREADS = (
    (0.25, 0.001),
    (10.0, 0.005),
    (20.0, 0.01),
    (50.0, 0.02),
    (100.0, 0.05),
    (200.0, 0.1),
    (500.0, 0.2),
    (1000.0, 0.5),
    (2000.0, 1.0),
    (5000.0, 2.0),
)
_HK_LOTS = {"00001": 500, "00005": 400, "00388": 100, "00700": 100, "00941": 500, "01810": 200, "02318": 500, "03690": 100, "09988": 100}
_CRYPTO_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "BTC", "ETH")


def market_of(symbol: str) -> str:
    """Return the market that a symbol looks like, such as "cn_stock" for "600519"; "us" if nothing more special fits."""
    if "/" in symbol:
        base, quote = symbol.upper().split("/", 1)
        return "crypto" if quote.startswith(_CRYPTO_QUOTES) or base in ("BTC", "ETH") else "fx"
    if re.fullmatch(r"\d{6}", symbol):
        return "cn_stock"
    if re.fullmatch(r"\d{5}", symbol):
        return "hk"
    match = re.fullmatch(r"([A-Za-z]{1,2})\d{3,4}", symbol)
    return "cn_future" if match and match[1].lower() in _CN_ROOTS else "us"


def hk_tick(price: float) -> float:
    """Return the tick size of a Hong Kong share at this price."""
    return next((tick for bound, tick in _HK_SPREADS if price < bound), 5.0)


def terms_of(market: str, symbol: str, price: float | None, kind: str | None) -> dict[str, Any]:
    """Return the usual terms of a symbol in a market as fields of Instrument; raise InstrumentError for an unknown market.

    `price` chooses the tick of a Hong Kong share; `kind` "future" makes a CME contract of a US symbol.
    """
    if market == "fx":
        terms = _fx(symbol)
    elif market == "cn_stock":
        terms = _cn_stock(symbol)
    elif market == "cn_future":
        terms = _cn_future(symbol)
    elif market == "us":
        terms = _cme(symbol) if kind == "future" else _us(symbol)
    elif market == "hk":
        terms = _hk(symbol, price)
    elif market == "crypto":
        terms = _crypto(symbol)
    else:
        raise InstrumentError(f"There is no market {market!r}; known are {', '.join(MARKETS)}.{nearest(market, MARKETS)}", market=market)
    return {"market": market, **terms}


def _fx(symbol: str) -> dict[str, Any]:
    # Spot brokers quote five decimals (three against the yen) in micro lots of 1,000; their fee is the spread. EU retail leverage 30:1.
    quote = _quote_currency(symbol, "USD")
    return {
        "kind": "fx",
        "currency": quote,
        "tick_size": 0.001 if quote == "JPY" else 0.00001,
        "lot_size": 1000.0,
        "min_quantity": 1000.0,
        "margin_rate": 1 / 30,
        "calendar": "24/5",
    }


def _cn_stock(symbol: str) -> dict[str, Any]:
    # SSE and SZSE: T+1, lots of 100 shares, stamp duty 0.05 % on sales (since August 2023), transfer fee 0.001 %, broker 0.025 %
    # and at least 5 CNY an order. Price limit 10 %; STAR and ChiNext 20 %, Beijing 30 %. STAR: from 200 shares, then any number.
    fund = symbol.startswith(("15", "16", "50", "51", "52", "56", "58"))
    star = symbol.startswith("68")
    limit = 0.2 if star or symbol.startswith(("300", "301")) else 0.3 if symbol.startswith(("4", "8", "92")) else 0.1
    return {
        "kind": "etf" if fund else "stock",
        "currency": "CNY",
        "tick_size": 0.001 if fund else 0.01,
        "lot_size": 1.0 if star else 100.0,
        "min_quantity": 200.0 if star else 100.0,
        "maker_fee": 0.00026,
        "taker_fee": 0.00026,
        "min_fee": 5.0,
        "stamp_duty": 0.0 if fund else 0.0005,
        "t_plus_one": True,
        "price_limit": limit,
        "calendar": "XSHG",
        "timezone": "Asia/Shanghai",
    }


def _cn_future(symbol: str) -> dict[str, Any]:
    root = re.match(r"[A-Za-z]*", symbol)
    name = _CN_ROOTS.get(root[0].lower() if root else "")
    if name is None:
        raise InstrumentError(
            f"{symbol!r} is no known product of China's futures exchanges: state its terms.{nearest(symbol, _CN_PRODUCTS)}",
            symbol=symbol,
        )
    exchange, tick, multiplier, margin, rate, per_lot = _CN_PRODUCTS[name]
    today_rate, today_per_lot = _CN_CLOSE_TODAY.get(name, (None, None))
    return {
        "kind": "future",
        "currency": "CNY",
        "tick_size": tick,
        "lot_size": 1.0,
        "min_quantity": 1.0,
        "multiplier": float(multiplier),
        "margin_rate": margin,
        "maker_fee": rate,
        "taker_fee": rate,
        "fee_per_unit": float(per_lot),
        "price_limit": 0.1 if tick == 0.2 else None,  # stock index futures; the commodities' limits change from day to day
        "calendar": f"{exchange}.{name}",
        "timezone": "Asia/Shanghai",
        "legs": True,
        "today_apart": exchange in _CN_TODAY_APART,
        "close_today_fee": today_rate,
        "close_today_fee_per_unit": today_per_lot,
        "larger_side": exchange in _CN_LARGER_SIDE,
    }


def _us(symbol: str) -> dict[str, Any]:
    # Reg NMS rule 612: a cent from 1 dollar on. A common tariff: 0.005 USD a share, at least 1 USD an order.
    return {
        "kind": "etf" if symbol in _US_FUNDS else "stock",
        "tick_size": 0.01,
        "lot_size": 1.0,
        "min_quantity": 1.0,
        "fee_per_unit": 0.005,
        "min_fee": 1.0,
        "calendar": "XNYS",
        "timezone": "America/New_York",
    }


def _cme(symbol: str) -> dict[str, Any]:
    # CME Group contract specifications; about 2.25 USD a contract and side with exchange fees. A contract is ROOT, or ROOT + month + year.
    match = re.fullmatch(r"([A-Z]{2,3}?)(?:[FGHJKMNQUVXZ]?\d{1,6})?", symbol)
    product = _CME_PRODUCTS.get(match[1]) if match else None
    if product is None:
        raise InstrumentError(f"{symbol!r} is no known CME contract: state its terms.{nearest(symbol, _CME_PRODUCTS)}", symbol=symbol)
    tick, multiplier, margin = product
    return {
        "kind": "future",
        "tick_size": tick,
        "lot_size": 1.0,
        "min_quantity": 1.0,
        "multiplier": float(multiplier),
        "margin_rate": margin,
        "fee_per_unit": 2.25,
        "calendar": "CMES",
        "timezone": "America/Chicago",
    }


def _hk(symbol: str, price: float | None) -> dict[str, Any]:
    # HKEX: stamp duty 0.1 % on both sides (so it is in the fee), trading fee 0.00565 %, levies 0.00285 %, broker 0.03 %, and a board lot
    # each company chooses itself. The tick depends on the price; without one it is the finest, so that no valid price is refused.
    return {
        "kind": "stock",
        "currency": "HKD",
        "tick_size": 0.001 if price is None else hk_tick(price),
        "lot_size": float(_HK_LOTS.get(symbol, 100)),
        "min_quantity": float(_HK_LOTS.get(symbol, 100)),
        "maker_fee": 0.001385,
        "taker_fee": 0.001385,
        "calendar": "XHKG",
        "timezone": "Asia/Hong_Kong",
    }


def _crypto(symbol: str) -> dict[str, Any]:
    # Spot filters and fees of the large exchanges' entry tier: 0.1 % for maker and taker.
    base = symbol.split("/", 1)[0].upper()
    tick, lot = {"BTC": (0.01, 0.00001), "ETH": (0.01, 0.0001), "BNB": (0.01, 0.001), "SOL": (0.01, 0.001)}.get(base, (0.0001, 0.1))
    return {
        "kind": "crypto",
        "currency": _quote_currency(symbol, "USDT"),
        "tick_size": tick,
        "lot_size": lot,
        "min_quantity": lot,
        "maker_fee": 0.001,
        "taker_fee": 0.001,
        "calendar": "24/7",
    }


def _quote_currency(symbol: str, default: str) -> str:
    # "EUR/USD" names it; "EURUSD" ends with it; "BTC/USDT:USDT" has the settlement currency behind the colon.
    if "/" in symbol:
        return symbol.split("/", 1)[1].split(":", 1)[0].upper() or default
    return symbol[-3:].upper() if re.fullmatch(r"[A-Za-z]{6}", symbol) else default
