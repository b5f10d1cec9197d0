"""`Control`: the endpoint `/control` of a fake venue, by which a test moves the market and asks for faults.

`POST {"do": NAME, ...}`; `symbol` is always as in "BTC/USDT". `GET` returns how it stands.

| do | what else | |
| --- | --- | --- |
| move | symbol, price | trades until the best prices lie around it: what rests on the way is filled |
| take | symbol, side (of the taker), quantity | one market order of the crowd |
| step | symbol, count | the crowd acts so often |
| fund | symbol, rate, late_ms, times | funding of a swap: listed so much later, and told by the stream so often (1) |
| pause, resume | | the crowd rests, goes on |
| wake | symbols (a list) | these markets live also when nobody has asked for them |
| symbols | count | so many more spot pairs are listed, "C0001/USDT" and on |
| burst | symbol, count, channel | so many trades (or, for book, level changes) at once, a message each |
| gap, duplicate, swap, negative, crossed | symbol, channel, count | the next messages are withheld, doubled, out of order, spoilt |
| rubbish, wrong_json, unknown | symbol, channel, count, text, now | this goes out before the next messages; `now`: at once, to everybody |
| reject | code, text, path, method, count, status | the next calls are refused so |
| limit | seconds, count, path | the next calls are refused for too many of them; Retry-After says how long |
| down | status, count, path | the next calls meet a broken gateway: HTML and 502 |
| silent | path, method, count | the next calls are done, and not answered |
| lost | path, method, count | the next calls are neither done nor answered |
| delay | ms, path, count | the next calls take so long |
| turn_away | path, count | the next websockets are refused (403) |
| clock | ms | the venue's clock jumps by so much |
| expire | what (listen_key, login, all) | the private streams' rights end |
| hang_up | what (user, market, all), code | websockets are closed |
| heal | | all faults that are still to come are forgotten |
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fakes.faults import OF_CALLS, OF_MESSAGES, OF_OPENINGS, SAID_BESIDE
from fakes.market import Market
from fakes.orders import BUY, SELL
from fakes.session import Answer, Request
from fakes.terms import many

if TYPE_CHECKING:
    from fakes.front import Front


class Control:
    """Does what it is told; what it does not understand is answered with 400 and a sentence."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def answer(self, request: Request) -> Answer:
        """Answer a call of the control endpoint."""
        if request.method == "GET":
            return Answer(self.state())
        try:
            command = json.loads(request.body)
            return Answer(self.do(dict(command)))
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            return Answer({"error": f"{type(error).__name__}: {error}"}, 400)

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do one command."""
        name = str(command["do"])
        if name in SAID_BESIDE and command.get("now"):
            text = command.get("text", SAID_BESIDE[name])
            for session in self._front.sessions:
                session.send(text)
            return {"sent": len(self._front.sessions)}
        if name in (*OF_MESSAGES, *OF_CALLS, *OF_OPENINGS):
            self._front.faults.ask(command)
            return {"pending": len(self._front.faults.pending)}
        method = getattr(self, f"_{name}", None)
        if method is None:
            raise ValueError(f"there is no command {name!r}")
        return dict(method(command))

    def state(self) -> dict[str, Any]:
        """Return how it stands."""
        front = self._front
        awake = {symbol: market for symbol, market in front.exchange.markets.items() if market.awake}
        return {
            "sessions": [
                {"path": one.path, "streams": len(one.streams), "account": one.account.key if one.account else ""} for one in front.sessions
            ],
            "streams": sorted(front.by_stream),
            "calls": dict(front.calls),
            "pending": [vars(one) for one in front.faults.pending],
            "happened": front.faults.happened,
            "markets": {
                symbol: {
                    "update_id": market.book.update_id,
                    "trade_id": market.trade_id,
                    "bid": text(market, market.book.best(BUY)),
                    "ask": text(market, market.book.best(SELL)),
                    "last": text(market, market.last),
                }
                for symbol, market in awake.items()
            },
            "accounts": {
                account.key: {
                    "total": {name: str(amount) for name, amount in account.total.items()},
                    "locked": {name: str(amount) for name, amount in account.locked.items() if amount},
                    "positions": {name: str(position.lots) for name, position in account.positions.items()},
                    "open": len(front.exchange.open[account.key]),
                    "fills": len(account.fills),
                }
                for account in front.exchange.accounts.values()
            },
            "now_ms": front.exchange.now_ms(),
        }

    def _market(self, command: dict[str, Any]) -> Market:
        market = self._front.exchange.markets[command["symbol"]]
        market.wake()
        market.now_ms = self._front.exchange.now_ms()
        return market

    def _settled(self, market: Market) -> dict[str, Any]:
        self._front.exchange.settle(market)
        self._front.flush(market)
        return {"bid": text(market, market.book.best(BUY)), "ask": text(market, market.book.best(SELL)), "last": text(market, market.last)}

    def _move(self, command: dict[str, Any]) -> dict[str, Any]:
        market = self._market(command)
        market.sweep(int(Decimal(str(command["price"])) / market.terms.tick))
        return self._settled(market)

    def _take(self, command: dict[str, Any]) -> dict[str, Any]:
        market = self._market(command)
        lots = int(Decimal(str(command["quantity"])) / market.terms.lot)
        market.take(BUY if command["side"] == "buy" else SELL, lots)
        return self._settled(market)

    def _step(self, command: dict[str, Any]) -> dict[str, Any]:
        market = self._market(command)
        for _ in range(int(command.get("count", 1))):
            self._front.exchange.step(market)
            self._front.flush(market)
        return self._settled(market)

    def _fund(self, command: dict[str, Any]) -> dict[str, Any]:
        symbol = self._market(command).terms.symbol
        rate, late_ms, times = Decimal(str(command["rate"])), int(command.get("late_ms", 0)), int(command.get("times", 1))
        return {"accounts": self._front.exchange.fund(symbol, rate, late_ms, times)}

    def _burst(self, command: dict[str, Any]) -> dict[str, Any]:
        market = self._market(command)
        for number in range(int(command["count"])):
            if command.get("channel") == "book":
                side = (BUY, SELL)[number % 2]
                ticks = market.book.prices(side, 10)[-1]
                market.book.offer(side, ticks, market.book.anonymous(side, ticks) % 50_000 + 1)
                self._front.flush(market)
                self._front.flush_book(market)
            else:
                market.take((BUY, SELL)[number % 2], 1)
                self._front.flush(market)
        return self._settled(market)

    def _pause(self, command: dict[str, Any]) -> dict[str, Any]:
        self._front.paused = True
        return {}

    def _resume(self, command: dict[str, Any]) -> dict[str, Any]:
        self._front.paused = False
        return {}

    def _wake(self, command: dict[str, Any]) -> dict[str, Any]:
        for symbol in command["symbols"]:
            self._market({"symbol": symbol})
        return {}

    def _symbols(self, command: dict[str, Any]) -> dict[str, Any]:
        self._front.exchange.list_more(many(int(command["count"])))
        return {"symbols": len(self._front.exchange.markets)}

    def _clock(self, command: dict[str, Any]) -> dict[str, Any]:
        self._front.exchange.offset_ms += int(command["ms"])
        return {"now_ms": self._front.exchange.now_ms()}

    def _expire(self, command: dict[str, Any]) -> dict[str, Any]:
        return {"expired": self._front.expire(command.get("what", "all"))}

    def _hang_up(self, command: dict[str, Any]) -> dict[str, Any]:
        what = command.get("what", "all")
        chosen = [one for one in self._front.sessions if what == "all" or (what == "user") == (one.account is not None)]
        for one in chosen:
            one.close(int(command.get("code", 1001)))
        return {"closed": len(chosen)}

    def _heal(self, command: dict[str, Any]) -> dict[str, Any]:
        self._front.faults.pending.clear()
        return {}


def text(market: Market, ticks: int | None) -> str | None:
    """Return a price as text."""
    return None if ticks is None else str(market.terms.price(ticks))
