"""OKX's public REST endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fakes import okx_shapes as shapes
from fakes.market import Market
from fakes.session import Answer, Request

if TYPE_CHECKING:
    from fakes.okx_front import OkxFront

Rows = list[Any]


class BadCall(Exception):
    """A call that is answered with one of OKX's codes."""

    def __init__(self, code: str, message: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.headers = code, message, status, headers or {}

    @property
    def answer(self) -> Answer:
        """The answer."""
        return Answer({"msg": self.message, "code": self.code, "data": []}, self.status, self.headers)


class PublicRest:
    """Answers what needs no key."""

    def __init__(self, front: OkxFront) -> None:
        self._front = front
        self.handlers: dict[str, Callable[[Request], Rows]] = {
            "public/time": lambda request: [{"ts": str(front.exchange.now_ms())}],
            "public/instruments": self.instruments,
            "public/funding-rate": self.funding_rate,
            "public/funding-rate-history": self.funding_history,
            "public/mark-price": self.mark_prices,
            "public/open-interest": self.open_interest,
            "market/books": self.books,
            "market/candles": self.candles,
            "market/history-candles": self.candles,
            "market/trades": self.trades,
            "market/history-trades": self.trades,
            "market/tickers": self.tickers,
            "market/ticker": lambda request: [shapes.ticker(self.market(request), front.exchange.now_ms())],
            "system/status": lambda request: [],
            "asset/currencies": lambda request: [],  # ccxt asks unasked; it makes the currencies from the markets then
        }

    def market(self, request: Request) -> Market:
        """Return the market that a call names.

        Raises:
            BadCall: 50014 without an instrument, 51001 for one that is not listed.
        """
        name = request.query.get("instId")
        if not name:
            raise BadCall("50014", "Parameter instId can not be empty", 400)
        found = self._front.market_of(name)
        if found is None:
            raise BadCall("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
        self._front.wake(found)
        return found

    def _of_type(self, request: Request) -> list[Market]:
        kind = request.query.get("instType", "")
        if not kind:
            raise BadCall("50014", "Parameter instType can not be empty", 400)
        if kind not in ("SPOT", "SWAP", "FUTURES", "OPTION", "MARGIN", "EVENTS"):
            raise BadCall("51000", "Parameter instType error")
        wanted = request.query.get("instId")
        found = [one for one in self._front.exchange.markets.values() if shapes.inst_type(one.terms) == kind]
        return [one for one in found if wanted in (None, shapes.inst_id(one.terms))]

    def instruments(self, request: Request) -> Rows:
        """Return what is listed of a type."""
        return [shapes.instrument(market.terms) for market in self._of_type(request)]

    def tickers(self, request: Request) -> Rows:
        """Return the tickers of a type."""
        return [shapes.ticker(market, self._front.exchange.now_ms()) for market in self._of_type(request)]

    def mark_prices(self, request: Request) -> Rows:
        """Return the mark prices of a type."""
        return [shapes.mark_price(market, self._front.exchange.now_ms()) for market in self._of_type(request)]

    def open_interest(self, request: Request) -> Rows:
        """Return the open interest of a type."""
        kinds = {"oi": "12345", "oiCcy": "123.45", "oiUsd": "7407000", "ts": str(self._front.exchange.now_ms())}
        return [{"instType": "SWAP", "instId": shapes.inst_id(market.terms), **kinds} for market in self._of_type(request)]

    def books(self, request: Request) -> Rows:
        """Return a snapshot of a book."""
        market, size = self.market(request), min(400, max(1, number(request, "sz", 1)))
        sides = {"asks": shapes.side_of(market, -1, size), "bids": shapes.side_of(market, 1, size)}
        return [{**sides, "ts": str(self._front.exchange.now_ms()), "seqId": market.book.update_id}]

    def candles(self, request: Request) -> Rows:
        """Return bars, the newest first: those before `after` and later than `before`."""
        market, bar = self.market(request), request.query.get("bar", "1m")
        if bar not in shapes.BARS:
            raise BadCall("51000", "Parameter bar error")
        length, now = shapes.BARS[bar], self._front.exchange.now_ms()
        limit = min(number(request, "limit", 100), 300)
        end = min(number(request, "after", now + 1), now + 1) - 1
        last = end - end % length
        first = last - (limit - 1) * length
        before = number(request, "before", -1)
        start = max(first, before + 1)
        if "after" not in request.query and "before" in request.query:
            start, last = first, last  # the venue then gives the newest ones
        bars = market.candles.between(length, start, last)
        bars = [one for one in bars if one.start_ms > before]
        return [shapes.candle_row(market.terms, one, one.start_ms + length <= now) for one in reversed(bars)]

    def trades(self, request: Request) -> Rows:
        """Return trades, the newest first; of history-trades, by id (type 1) or time (type 2) before `after` and later than `before`."""
        market, limit = self.market(request), number(request, "limit", 100)
        limit = min(limit, 100 if "history" in request.path else 500)
        after, before = number(request, "after", 1 << 62), number(request, "before", -1)
        by_time = request.query.get("type") == "2"
        found = [one for one in market.trades if before < (one.time_ms if by_time else one.id) < after]
        return [shapes.rest_trade(market, one) for one in reversed(found[-limit:])]

    def funding_rate(self, request: Request) -> Rows:
        """Return the funding that is to come."""
        market = self.market(request)
        if not market.terms.swap:
            raise BadCall("51000", "Parameter instId error")
        return [shapes.funding_rate(market, self._front.exchange.now_ms())]

    def funding_history(self, request: Request) -> Rows:
        """Return the funding of the past, the newest first."""
        market, now = self.market(request), self._front.exchange.now_ms()
        limit = min(number(request, "limit", 100), 400)
        after, before = number(request, "after", now + 1), number(request, "before", -1)
        last = (min(after, now + 1) - 1) // shapes.FUNDING_MS * shapes.FUNDING_MS
        times = [last - count * shapes.FUNDING_MS for count in range(limit)]
        rate = shapes.plain(shapes.FUNDING)
        head = {"formulaType": "withRate", "instId": shapes.inst_id(market.terms), "instType": "SWAP", "method": "current_period"}
        return [{**head, "fundingRate": rate, "realizedRate": rate, "fundingTime": str(at)} for at in times if at > before]


def number(request: Request, name: str, default: int) -> int:
    """Return a whole number of a call's parameters.

    Raises:
        BadCall: 51000 for anything else.
    """
    try:
        return int(request.query.get(name) or default)
    except ValueError:
        raise BadCall("51000", f"Parameter {name} error") from None
