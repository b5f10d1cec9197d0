"""How Binance writes markets, trades, books and bars: pure functions of the fake's state.

Checked against the recordings in the project's data (spot of 2021 and 2024, USD-M futures of 2021) and, for what these lack, Binance's
documentation: "WebSocket Streams", "Market Data endpoints" (spot), "Websocket Market Streams" (USD-M).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fakes.candles import Candle
from fakes.market import Day, Market, Trade
from fakes.orders import BUY, SELL
from fakes.terms import Terms

Json = dict[str, Any]
INTERVALS = {
    **{f"{n}m": n * 60_000 for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * 3_600_000 for n in (1, 2, 4, 6, 8, 12)},
    "1d": 86_400_000,
    "3d": 3 * 86_400_000,
    "1w": 7 * 86_400_000,
}
FUNDING = Decimal("0.00010000")
FUNDING_MS = 8 * 3_600_000


def venue_symbol(terms: Terms) -> str:
    """Return "BTCUSDT"."""
    return terms.base + terms.quote


def price(terms: Terms, ticks: int) -> str:
    """Return a price: spot has eight decimals, futures those of the tick."""
    value = terms.price(ticks)
    return str(value) if terms.swap else f"{value:.8f}"


def quantity(terms: Terms, lots: int) -> str:
    """Return a quantity, written like a price."""
    value = terms.quantity(lots)
    return str(value) if terms.swap else f"{value:.8f}"


def worth(terms: Terms, ticks_times_lots: int) -> str:
    """Return a quote volume."""
    return f"{terms.tick * terms.lot * ticks_times_lots:.{5 if terms.swap else 8}f}"


def trade(market: Market, one: Trade, now_ms: int) -> Json:
    """Return a `trade` message."""
    terms = market.terms
    head = {"e": "trade", "E": now_ms, "T": one.time_ms} if terms.swap else {"e": "trade", "E": now_ms}
    body = {"s": venue_symbol(terms), "t": one.id, "p": price(terms, one.ticks), "q": quantity(terms, one.lots)}
    tail = {"X": "MARKET", "m": one.side == SELL} if terms.swap else {"T": one.time_ms, "m": one.side == SELL, "M": True}
    return {**head, **body, **tail}


def agg_trade(market: Market, group: list[Trade], now_ms: int) -> Json:
    """Return an `aggTrade` message of the trades of one taker at one price."""
    terms, first = market.terms, group[0]
    tail = {"m": first.side == SELL} if terms.swap else {"m": first.side == SELL, "M": True}
    return {
        "e": "aggTrade",
        "E": now_ms,
        "s": venue_symbol(terms),
        "a": first.group,
        "p": price(terms, first.ticks),
        "q": quantity(terms, sum(one.lots for one in group)),
        "f": first.id,
        "l": group[-1].id,
        "T": first.time_ms,
        **tail,
    }


def groups(trades: list[Trade]) -> list[list[Trade]]:
    """Return trades put together by taker and price."""
    found: list[list[Trade]] = []
    for one in trades:
        if found and found[-1][0].group == one.group:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def book_ticker(market: Market, now_ms: int) -> Json:
    """Return a `bookTicker` message; a side that is empty has price and quantity 0."""
    terms = market.terms
    bid, ask = market.book.best(BUY) or 0, market.book.best(SELL) or 0
    best = {
        "s": venue_symbol(terms),
        "b": price(terms, bid),
        "B": quantity(terms, market.book.lots(BUY, bid)),
        "a": price(terms, ask),
        "A": quantity(terms, market.book.lots(SELL, ask)),
    }
    if terms.swap:
        return {"e": "bookTicker", "u": market.book.update_id, **best, "T": now_ms, "E": now_ms}
    return {"u": market.book.update_id, **best}


def level(market: Market, side: int, ticks: int) -> list[str]:
    """Return [price, quantity] of a level as it now is."""
    return [price(market.terms, ticks), quantity(market.terms, market.book.lots(side, ticks))]


def depth_update(market: Market, changed: dict[tuple[int, int], None], last: int, now_ms: int) -> Json:
    """Return a `depthUpdate` of the levels that have changed since update `last`."""
    bids = [level(market, side, ticks) for side, ticks in changed if side == BUY]
    asks = [level(market, side, ticks) for side, ticks in changed if side == SELL]
    ids = {"U": last + 1, "u": market.book.update_id}
    if market.terms.swap:
        head = {"e": "depthUpdate", "E": now_ms, "T": now_ms, "s": venue_symbol(market.terms)}
        return {**head, **ids, "pu": last, "b": bids, "a": asks}
    return {"e": "depthUpdate", "E": now_ms, "s": venue_symbol(market.terms), **ids, "b": bids, "a": asks}


def depth(market: Market, limit: int, now_ms: int) -> Json:
    """Return a snapshot of the book."""
    both = {
        "bids": [level(market, BUY, ticks) for ticks in market.book.prices(BUY, limit)],
        "asks": [level(market, SELL, ticks) for ticks in market.book.prices(SELL, limit)],
    }
    times = {"E": now_ms, "T": now_ms} if market.terms.swap else {}
    return {"lastUpdateId": market.book.update_id, **times, **both}


def kline(market: Market, candle: Candle, interval: str, now_ms: int, closed: bool) -> Json:
    """Return a `kline` message."""
    terms = market.terms
    return {
        "e": "kline",
        "E": now_ms,
        "s": venue_symbol(terms),
        "k": {
            "t": candle.start_ms,
            "T": candle.start_ms + INTERVALS[interval] - 1,
            "s": venue_symbol(terms),
            "i": interval,
            "f": candle.first_id,
            "L": candle.last_id,
            "o": price(terms, candle.open),
            "c": price(terms, candle.close),
            "h": price(terms, candle.high),
            "l": price(terms, candle.low),
            "v": quantity(terms, candle.lots),
            "n": candle.count,
            "x": closed,
            "q": worth(terms, candle.worth),
            "V": quantity(terms, candle.bought),
            "Q": worth(terms, candle.bought_worth),
            "B": "0",
        },
    }


def kline_row(terms: Terms, candle: Candle, interval: str) -> list[Any]:
    """Return a bar as the REST endpoint does."""
    return [
        candle.start_ms,
        *(price(terms, ticks) for ticks in (candle.open, candle.high, candle.low, candle.close)),
        quantity(terms, candle.lots),
        candle.start_ms + INTERVALS[interval] - 1,
        worth(terms, candle.worth),
        candle.count,
        quantity(terms, candle.bought),
        worth(terms, candle.bought_worth),
        "0",
    ]


def ticker(market: Market, day: Day, now_ms: int) -> Json:
    """Return a `24hrTicker` message."""
    terms, last = market.terms, market.trades[-1] if market.trades else None
    best = {} if terms.swap else {name: value for name, value in book_ticker(market, now_ms).items() if name in "bBaA"}
    before = {} if terms.swap else {"x": price(terms, day.open)}
    return {
        "e": "24hrTicker",
        "E": now_ms,
        "s": venue_symbol(terms),
        "p": price(terms, day.last - day.open),
        "P": f"{(day.last / day.open - 1) * 100:.3f}",
        "w": price(terms, day.worth // max(1, day.lots)),
        **before,
        "c": price(terms, day.last),
        "Q": quantity(terms, last.lots if last else 0),
        **best,
        "o": price(terms, day.open),
        "h": price(terms, day.high),
        "l": price(terms, day.low),
        "v": quantity(terms, day.lots),
        "q": worth(terms, day.worth),
        "O": now_ms - 86_400_000,
        "C": now_ms,
        "F": 0,
        "L": market.trade_id,
        "n": day.count,
    }


def mini_ticker(market: Market, day: Day, now_ms: int) -> Json:
    """Return a `24hrMiniTicker` message."""
    full = ticker(market, day, now_ms)
    return {"e": "24hrMiniTicker", **{name: full[name] for name in "Escohlvq"}}


def rest_ticker(market: Market, day: Day, now_ms: int) -> Json:
    """Return a 24-hour ticker as the REST endpoint does."""
    short = ticker(market, day, now_ms)
    names = {"symbol": "s", "priceChange": "p", "priceChangePercent": "P", "weightedAvgPrice": "w", "lastPrice": "c", "lastQty": "Q"}
    best = {"prevClosePrice": "x", "bidPrice": "b", "bidQty": "B", "askPrice": "a", "askQty": "A"}
    more = {"openPrice": "o", "highPrice": "h", "lowPrice": "l", "volume": "v", "quoteVolume": "q"}
    times = {"openTime": "O", "closeTime": "C", "firstId": "F", "lastId": "L", "count": "n"}
    return {long: short[name] for long, name in {**names, **best, **more, **times}.items() if name in short}


def mark_price(market: Market, now_ms: int) -> Json:
    """Return a `markPriceUpdate` message."""
    mark = price(market.terms, market.mark)
    due = now_ms - now_ms % FUNDING_MS + FUNDING_MS
    return {
        "e": "markPriceUpdate",
        "E": now_ms,
        "s": venue_symbol(market.terms),
        "p": mark,
        "i": mark,
        "P": mark,
        "r": str(FUNDING),
        "T": due,
    }


def premium_index(market: Market, now_ms: int) -> Json:
    """Return an item of the futures endpoint premiumIndex."""
    short = mark_price(market, now_ms)
    names = {
        "symbol": "s",
        "markPrice": "p",
        "indexPrice": "i",
        "estimatedSettlePrice": "P",
        "lastFundingRate": "r",
        "nextFundingTime": "T",
    }
    return {**{long: short[name] for long, name in names.items()}, "interestRate": "0.00010000", "time": now_ms}
