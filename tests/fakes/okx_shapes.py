"""How OKX writes markets, trades, books and bars: pure functions of the fake's state.

Checked against the recording in the project's data (of 2022) and, for what came later, against OKX's API guide: "Get instruments",
"WS / Order book channel", "WS / Trades channel", "WS / Funding rate channel" and the notice "Order Book Channels Checksum Field
Deprecation" (since 23 June 2026 the checksum of the channel `books` is always 0).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

from fakes.candles import Candle
from fakes.market import Market, Trade
from fakes.orders import BUY, SELL
from fakes.terms import Terms

Json = dict[str, Any]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BARS = {
    **{f"{n}m": n * MINUTE for n in (1, 3, 5, 15, 30)},
    **{f"{n}H": n * HOUR for n in (1, 2, 4, 6, 12)},
    **{f"{n}Hutc": n * HOUR for n in (6, 12)},
    "1D": DAY,
    "1Dutc": DAY,
    "1W": 7 * DAY,
    "1Wutc": 7 * DAY,
}
FUNDING = Decimal("0.0001")
FUNDING_MS = 8 * HOUR
LISTED_MS = 1_548_133_413_000


def inst_id(terms: Terms) -> str:
    """Return "BTC-USDT" or "BTC-USDT-SWAP"."""
    return f"{terms.base}-{terms.quote}{'-SWAP' if terms.swap else ''}"


def inst_type(terms: Terms) -> str:
    """Return SPOT or SWAP."""
    return "SWAP" if terms.swap else "SPOT"


def plain(value: Decimal) -> str:
    """Return a number without zeros at its end."""
    return f"{value.normalize():f}" if value else "0"


def price(terms: Terms, ticks: int) -> str:
    """Return a price."""
    return plain(terms.price(ticks))


def quantity(terms: Terms, lots: int) -> str:
    """Return a quantity, in contracts for a swap."""
    return plain(terms.quantity(lots))


def instrument(terms: Terms) -> Json:
    """Return an instrument as the endpoint and the channel `instruments` do."""
    swap = terms.swap
    names = ("alias", "auctionEndTime", "category", "expTime", "optType", "stk", "maxLmtAmt", "maxMktAmt", "contTdSwTime", "openType")
    empty = dict.fromkeys(names, "")
    most = "1000000"
    return {
        **empty,
        "category": "1",
        "instId": inst_id(terms),
        "instType": inst_type(terms),
        "baseCcy": "" if swap else terms.base,
        "quoteCcy": "" if swap else terms.quote,
        "settleCcy": terms.settle if swap else "",
        "ctVal": plain(terms.contract) if swap else "",
        "ctMult": "1" if swap else "",
        "ctValCcy": (terms.quote if terms.inverse else terms.base) if swap else "",
        "ctType": ("inverse" if terms.inverse else "linear") if swap else "",
        "instFamily": f"{terms.base}-{terms.quote}" if swap else "",
        "uly": f"{terms.base}-{terms.quote}" if swap else "",
        "tickSz": plain(terms.tick),
        "lotSz": plain(terms.lot),
        "minSz": plain(terms.lot),
        "lever": "100" if swap else "10",
        "listTime": str(LISTED_MS),
        "state": "live",
        "ruleType": "normal",
        "tradeQuoteCcyList": [] if swap else [terms.quote],
        **dict.fromkeys(("maxLmtSz", "maxMktSz", "maxTwapSz", "maxIcebergSz", "maxTriggerSz", "maxStopSz"), most),
    }


def trade(market: Market, group: list[Trade]) -> Json:
    """Return a trade of the channel `trades`: those of one taker at one price together, by the id of the last."""
    terms, last = market.terms, group[-1]
    return {
        "instId": inst_id(terms),
        "tradeId": str(last.id),
        "px": price(terms, last.ticks),
        "sz": quantity(terms, sum(one.lots for one in group)),
        "side": "buy" if last.side == BUY else "sell",
        "ts": str(last.time_ms),
        "count": str(len(group)),
        "source": "0",
        "seqId": market.book.update_id,
    }


def rest_trade(market: Market, one: Trade) -> Json:
    """Return a trade as the endpoints do."""
    names = ("instId", "tradeId", "px", "sz", "side", "ts", "source")
    whole = trade(market, [one])
    return {name: whole[name] for name in names}


def level(market: Market, side: int, ticks: int, lots: int, orders: int) -> list[str]:
    """Return [price, quantity, "0", orders] of a level."""
    return [price(market.terms, ticks), quantity(market.terms, lots), "0", str(orders)]


def side_of(market: Market, side: int, count: int) -> list[list[str]]:
    """Return the best levels of a side."""
    return [level(market, side, *one) for one in market.book.levels(side, count)]


def changes(market: Market, side: int, changed: dict[tuple[int, int], None]) -> list[list[str]]:
    """Return the changed levels of a side, the best first; a quantity of 0 takes a level away."""
    found = sorted((ticks for one, ticks in changed if one == side), reverse=side == BUY)
    return [level(market, side, ticks, market.book.lots(side, ticks), market.book.orders(side, ticks)) for ticks in found]


def checksum(market: Market) -> int:
    """Return the CRC32 of the best 25 levels, bid and ask in turn, as a signed number: what `books` carried until June 2026."""
    bids, asks = side_of(market, BUY, 25), side_of(market, SELL, 25)
    parts: list[str] = []
    for number in range(25):
        for levels in (bids, asks):
            if number < len(levels):
                parts += levels[number][:2]
    found = crc32(":".join(parts).encode())
    return found - (1 << 32) if found >= 1 << 31 else found


def candle_row(terms: Terms, candle: Candle, closed: bool) -> list[str]:
    """Return a bar: time, prices, volume (contracts for a swap), in base, in quote, and whether it is complete."""
    base = terms.quantity(candle.lots) * terms.contract
    worth = terms.tick * terms.lot * candle.worth * terms.contract
    prices = [price(terms, ticks) for ticks in (candle.open, candle.high, candle.low, candle.close)]
    return [str(candle.start_ms), *prices, quantity(terms, candle.lots), plain(base), plain(worth), "1" if closed else "0"]


def ticker(market: Market, now_ms: int) -> Json:
    """Return a ticker of endpoint and channel; `vol24h` is in contracts for a swap."""
    terms, day, last = market.terms, market.day(now_ms), market.trades[-1] if market.trades else None
    bid, ask = market.book.best(BUY) or 0, market.book.best(SELL) or 0
    begin = now_ms - now_ms % DAY
    worth = terms.tick * terms.lot * day.worth * terms.contract
    return {
        "instType": inst_type(terms),
        "instId": inst_id(terms),
        "last": price(terms, day.last),
        "lastSz": quantity(terms, last.lots if last else 0),
        "askPx": price(terms, ask),
        "askSz": quantity(terms, market.book.lots(SELL, ask)),
        "bidPx": price(terms, bid),
        "bidSz": quantity(terms, market.book.lots(BUY, bid)),
        "open24h": price(terms, day.open),
        "high24h": price(terms, day.high),
        "low24h": price(terms, day.low),
        "sodUtc0": price(terms, market.candles.at(MINUTE, begin).open),
        "sodUtc8": price(terms, market.candles.at(MINUTE, begin - 8 * HOUR).open),
        "volCcy24h": plain(terms.quantity(day.lots) * terms.contract if terms.swap else worth),
        "vol24h": quantity(terms, day.lots),
        "ts": str(now_ms),
    }


def funding_rate(market: Market, now_ms: int) -> Json:
    """Return the funding that is to come."""
    due = now_ms - now_ms % FUNDING_MS + FUNDING_MS
    return {
        "formulaType": "withRate",
        "fundingRate": plain(FUNDING),
        "fundingTime": str(due),
        "impactValue": "20000",
        "instId": inst_id(market.terms),
        "instType": "SWAP",
        "interestRate": "0.0001",
        "maxFundingRate": "0.00375",
        "method": "current_period",
        "minFundingRate": "-0.00375",
        "nextFundingRate": "",
        "nextFundingTime": str(due + FUNDING_MS),
        "premium": "0",
        "prevFundingTime": str(due - FUNDING_MS),
        "settFundingRate": plain(FUNDING),
        "settState": "settled",
        "ts": str(now_ms),
    }


def mark_price(market: Market, now_ms: int) -> Json:
    """Return a mark price."""
    terms = market.terms
    return {"instType": inst_type(terms), "instId": inst_id(terms), "markPx": price(terms, market.mark), "ts": str(now_ms)}
