"""Binance's public REST endpoints: general, market data, and those of USD-M futures that a collector needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fakes import binance_rules as rules
from fakes import binance_shapes as shapes
from fakes.market import Market
from fakes.session import Answer, Request

if TYPE_CHECKING:
    from fakes.binance_front import BinanceFront

Handler = Callable[[Request, bool], Any]
# The weight of each call, as the documentation says it; the rest is 1.
WEIGHTS = {"exchangeInfo": 20, "depth": 5, "klines": 2, "trades": 25, "aggTrades": 4, "ticker/24hr": 2, "account": 20, "myTrades": 20}


class BadCall(Exception):
    """A call that is answered with one of Binance's codes."""

    def __init__(self, code: int, message: str, status: int = 400, headers: dict[str, str] | None = None, data: object = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.headers, self.data = code, message, status, headers or {}, data

    @property
    def answer(self) -> Answer:
        """The answer."""
        more = {} if self.data is None else {"data": self.data}
        return Answer({"code": self.code, "msg": self.message, **more}, self.status, self.headers)


class PublicRest:
    """Answers what needs no key."""

    def __init__(self, front: BinanceFront) -> None:
        self._front = front
        self.handlers: dict[str, Handler] = {
            "ping": lambda request, swap: {},
            "time": lambda request, swap: {"serverTime": front.exchange.now_ms()},
            "exchangeInfo": self.exchange_info,
            "depth": self.depth,
            "klines": self.klines,
            "trades": self.trades,
            "historicalTrades": self.trades,
            "aggTrades": self.agg_trades,
            "ticker/24hr": self.day_tickers,
            "ticker/price": self.last_prices,
            "ticker/bookTicker": self.book_tickers,
            "premiumIndex": self.premium_index,
            "fundingRate": self.funding_rates,
            "fundingInfo": lambda request, swap: [],
            "openInterest": self.open_interest,
        }

    def market(self, request: Request, swap: bool) -> Market:
        """Return the market that a call names.

        Raises:
            BadCall: -1102 without a symbol, -1121 for one that is not listed.
        """
        name = request.query.get("symbol")
        if not name:
            raise BadCall(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        found = self._front.market_of(name, swap)
        if found is None:
            raise BadCall(-1121, "Invalid symbol.")
        self._front.wake(found)
        return found

    def _some(self, request: Request, swap: bool) -> list[Market] | None:
        # The markets of a call that may name one, several or none; None: it named one.
        if "symbol" in request.query:
            return None
        names = request.query.get("symbols")
        if names:
            wanted = [name.strip('" ') for name in names.strip("[]").split(",")]
            found = [self._front.market_of(name, swap) for name in wanted]
            if None in found:
                raise BadCall(-1121, "Invalid symbol.")
            return [one for one in found if one is not None]
        return [market for market in self._front.exchange.markets.values() if market.terms.swap == swap]

    def _each(self, request: Request, swap: bool, function: Callable[[Market], Any]) -> Any:
        several = self._some(request, swap)
        return function(self.market(request, swap)) if several is None else [function(market) for market in several]

    def exchange_info(self, request: Request, swap: bool) -> Any:
        """Return what is listed."""
        some = self._some(request, swap)
        markets = [self.market(request, swap)] if some is None else some
        entry = rules.swap_symbol if swap else rules.spot_symbol
        return {
            "timezone": "UTC",
            "serverTime": self._front.exchange.now_ms(),
            **({"futuresType": "U_MARGINED", "assets": [{"asset": "USDT", "marginAvailable": True}]} if swap else {}),
            "rateLimits": rules.rate_limits(swap, self._front.weight_limit),
            "exchangeFilters": [],
            "symbols": [entry(market.terms) for market in markets],
        }

    def depth(self, request: Request, swap: bool) -> Any:
        """Return a snapshot of a book."""
        market, limit = self.market(request, swap), number(request, "limit", 100)
        if swap and limit not in (5, 10, 20, 50, 100, 500, 1000):
            raise BadCall(-4021, f"{limit} is not valid depth limit.")
        return shapes.depth(market, limit, self._front.exchange.now_ms())

    def klines(self, request: Request, swap: bool) -> Any:
        """Return bars, the oldest first; the last one may still go on."""
        market, interval = self.market(request, swap), request.query.get("interval", "")
        if interval not in shapes.INTERVALS:
            raise BadCall(-1120, "Invalid interval.")
        length, now = shapes.INTERVALS[interval], self._front.exchange.now_ms()
        limit = min(number(request, "limit", 500), 1500 if swap else 1000)
        end = min(number(request, "endTime", now), now)
        start = number(request, "startTime", -1)
        if start < 0:
            start = end - end % length - (limit - 1) * length
        last = min(end, start + limit * length)
        bars = market.candles.between(length, start, last)[:limit]
        return [shapes.kline_row(market.terms, candle, interval) for candle in bars]

    def trades(self, request: Request, swap: bool) -> Any:
        """Return the last trades, or those from `fromId` on."""
        market, terms = self.market(request, swap), self.market(request, swap).terms
        limit, first = min(number(request, "limit", 500), 1000), number(request, "fromId", -1)
        found = [one for one in market.trades if one.id >= first]
        return [
            {
                "id": one.id,
                "price": shapes.price(terms, one.ticks),
                "qty": shapes.quantity(terms, one.lots),
                "quoteQty": shapes.worth(terms, one.ticks * one.lots),
                "time": one.time_ms,
                "isBuyerMaker": one.side < 0,
                **({} if swap else {"isBestMatch": True}),
            }
            for one in (found[:limit] if first >= 0 else found[-limit:])
        ]

    def agg_trades(self, request: Request, swap: bool) -> Any:
        """Return aggregate trades by id, by time, or the last ones."""
        market, now = self.market(request, swap), self._front.exchange.now_ms()
        limit = min(number(request, "limit", 500), 1000)
        first, start, end = number(request, "fromId", -1), number(request, "startTime", -1), number(request, "endTime", now)
        found = [group for group in shapes.groups(list(market.trades)) if group[0].group >= first]
        found = [group for group in found if start <= group[0].time_ms <= end] if first < 0 else found
        some = found[:limit] if first >= 0 or start >= 0 else found[-limit:]
        return [{name: value for name, value in shapes.agg_trade(market, one, now).items() if name in "apqflTmM"} for one in some]

    def day_tickers(self, request: Request, swap: bool) -> Any:
        """Return 24-hour tickers."""
        now = self._front.exchange.now_ms()
        return self._each(request, swap, lambda market: shapes.rest_ticker(market, market.day(now), now))

    def last_prices(self, request: Request, swap: bool) -> Any:
        """Return last prices."""

        def one(market: Market) -> Any:
            return {"symbol": shapes.venue_symbol(market.terms), "price": shapes.price(market.terms, market.last)}

        return self._each(request, swap, one)

    def book_tickers(self, request: Request, swap: bool) -> Any:
        """Return best prices."""
        now = self._front.exchange.now_ms()

        def one(market: Market) -> Any:
            short = shapes.book_ticker(market, now)
            names = {"symbol": "s", "bidPrice": "b", "bidQty": "B", "askPrice": "a", "askQty": "A"}
            found = {long: short[name] for long, name in names.items()}
            return {**found, "time": now, "lastUpdateId": market.book.update_id} if swap else found

        return self._each(request, swap, one)

    def premium_index(self, request: Request, swap: bool) -> Any:
        """Return mark prices and the funding to come."""
        return self._each(request, True, lambda market: shapes.premium_index(market, self._front.exchange.now_ms()))

    def funding_rates(self, request: Request, swap: bool) -> Any:
        """Return the funding of the past."""
        market, now = self.market(request, True), self._front.exchange.now_ms()
        limit = min(number(request, "limit", 100), 1000)
        end = min(number(request, "endTime", now), now)
        last = end - end % shapes.FUNDING_MS
        start = number(request, "startTime", last - (limit - 1) * shapes.FUNDING_MS)
        first = -(-start // shapes.FUNDING_MS) * shapes.FUNDING_MS
        return [
            {
                "symbol": shapes.venue_symbol(market.terms),
                "fundingTime": time_ms,
                "fundingRate": str(shapes.FUNDING),
                "markPrice": shapes.price(market.terms, market.candles.at(60_000, time_ms).open),
            }
            for time_ms in range(first, last + 1, shapes.FUNDING_MS)
        ][:limit]

    def open_interest(self, request: Request, swap: bool) -> Any:
        """Return the open interest."""
        market = self.market(request, True)
        return {"symbol": shapes.venue_symbol(market.terms), "openInterest": "12345.678", "time": self._front.exchange.now_ms()}


def number(request: Request, name: str, default: int) -> int:
    """Return a whole number of a call's parameters.

    Raises:
        BadCall: -1100 for anything else.
    """
    try:
        return int(request.query.get(name) or default)
    except ValueError:
        raise BadCall(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.") from None
