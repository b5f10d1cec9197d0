"""`BinanceFront`: Binance's wire. Spot under /api/v3, USD-M futures under /fapi, streams under /ws, /stream and what stands before them."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import parse_qsl

from fakes import binance_shapes as shapes
from fakes.binance_futures import FuturesCalls
from fakes.binance_private import PrivateCalls
from fakes.binance_rest import WEIGHTS, BadCall, PublicRest
from fakes.binance_streams import Streams
from fakes.binance_user import UserStreams
from fakes.exchange import Exchange
from fakes.faults import Pending
from fakes.front import Front, encode
from fakes.market import Market
from fakes.session import Answer, Request, Session

REST = re.compile(r"/(api|fapi|dapi|sapi)/v\d/(.+)$")
METHODS = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"


class BinanceFront(Front):
    """Serves spot and USD-M futures at once; the path says which."""

    def __init__(self, exchange: Exchange, step_ms: int = 100, moves: int = 2, weight_limit: int = 6000) -> None:
        super().__init__(exchange, step_ms, moves)
        self.weight_limit = weight_limit
        self.public = PublicRest(self)
        self.streams = Streams(self)
        self.private = PrivateCalls(self)
        self.futures = FuturesCalls(self)
        self.user = UserStreams(self)
        self._weight = (0, 0)  # minute, used
        self._names: dict[tuple[str, bool], Market] = {}

    def market_of(self, name: str, swap: bool) -> Market | None:
        """Return the market called "BTCUSDT" in a wing."""
        if len(self._names) != len(self.exchange.markets):
            self._names = {(shapes.venue_symbol(one.terms), one.terms.swap): one for one in self.exchange.markets.values()}
        return self._names.get((name, swap))

    def wake(self, market: Market) -> None:
        """Let a market live."""
        market.now_ms = self.exchange.now_ms()
        market.wake()

    # REST

    async def rest(self, request: Request) -> Answer:
        """Answer a call of /api/v3, /fapi/v1 and the few of others that a client makes unasked."""
        found = REST.search(request.path)
        if found is None:
            return Answer({"code": -1, "msg": "no such path"}, 404)
        wing, name = found[1], found[2]
        try:
            used = self._weigh(WEIGHTS.get(name, 1))
            answer = self._answer(request, wing, name)
        except BadCall as error:
            return error.answer
        answer.headers["x-mbx-used-weight-1m"] = str(used)
        return answer

    def _answer(self, request: Request, wing: str, name: str) -> Answer:
        if wing == "sapi":
            return Answer([])  # what ccxt asks for unasked: coins and margin pairs; it makes the currencies from the markets then
        if wing == "dapi":
            return Answer({"timezone": "UTC", "symbols": []} if name == "exchangeInfo" else {})
        handler = self.public.handlers.get(name)
        if handler is not None and request.method == "GET":
            return Answer(handler(request, wing == "fapi"))
        if name in ("userDataStream", "listenKey"):
            account = self.private.with_key(request.headers.get("x-mbx-apikey"))
            params = dict(parse_qsl(request.raw_query)) | dict(parse_qsl(request.body.decode()))
            return Answer(self.user.listen_key(request.method, account, params.get("listenKey", "")))
        calls = self.private.by_rest if wing == "api" else self.futures.by_rest
        signed = calls.get((request.method, name))
        if signed is not None:
            text = request.raw_query + request.body.decode()
            payload, _, _ = text.rpartition("&signature=")
            account = self.private.signed(request.headers.get("x-mbx-apikey"), payload or text, dict(parse_qsl(text)))
            return Answer(signed(account, dict(parse_qsl(text))))
        raise BadCall(-1000, f"{request.method} {name} is not among what this venue can", 404)

    def _weigh(self, weight: int) -> int:
        # What was used in this minute; too much of it is refused.
        minute = int(time.time() // 60)
        used = weight + (self._weight[1] if self._weight[0] == minute else 0)
        self._weight = (minute, used)
        if used > self.weight_limit:
            raise too_much(f"{self.weight_limit} request weight per 1 MINUTE", 60 - int(time.time() % 60))
        return used

    def refusal(self, fault: Pending) -> Answer:
        """Return Binance's answer for a fault."""
        if fault.do == "down":
            body = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
            return Answer(body, fault.terms.get("status", 502), {"content-type": "text/html"})
        if fault.do == "limit":
            error = too_much("6000 request weight per 1 MINUTE", int(fault.terms.get("seconds", 1)))
            error.status = int(fault.terms.get("status", 429))
            return error.answer
        text = fault.terms.get("text", "Account has insufficient balance for requested action.")
        return BadCall(int(fault.terms.get("code", -2010)), text, int(fault.terms.get("status", 400))).answer

    # Websockets

    async def opened(self, session: Session) -> bool:
        """Greet a websocket; streams may stand in its address."""
        path = session.path
        session.notes["wing"] = "swap" if re.search("/fstream|/public|/market|/private|fapi", path) else "spot"
        if "/ws-api" in path or "/ws-fapi" in path:
            session.notes["api"] = True
            return True
        keys = [session.query.get("listenKey", ""), *session.query.get("streams", "").split("/"), path.rpartition("/")[2]]
        for key in keys:
            session.account = session.account or self.user.owner(key)
            if session.account is not None:
                session.notes.setdefault("listen_key", key)
        session.wraps = bool(re.search(r"/stream/?$", path))
        names = session.query.get("streams", "").split("/") + path.split("/")
        return self._join(session, [name for name in names if "@" in name or name.startswith("!")]) is None

    def message_limit(self, session: Session) -> int:
        """Return 5 for spot, 10 for futures, as the documentation says; the WebSocket API counts weights instead."""
        return 1000 if session.notes.get("api") else 10 if session.notes["wing"] == "swap" else 5

    async def said(self, session: Session, text: str) -> None:
        """Deal with SUBSCRIBE and its kin, or with a call of the WebSocket API."""
        if session.notes.get("api"):
            answer = self.user.api_answer(session, text)
            if answer is not None:
                session.send(answer)
            self.flush_all()
            return
        try:
            message = json.loads(text)
        except ValueError:
            session.send(encode({"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}}))
            return
        session.send(encode(self._stream_command(session, message)))

    def _stream_command(self, session: Session, message: Any) -> Any:
        number, method, params = message.get("id"), message.get("method"), message.get("params", [])
        wing = session.notes["wing"]
        if method == "SUBSCRIBE":
            wrong = self._join(session, params)
            if wrong is not None:
                return {"error": {"code": 2, "msg": f"Invalid request: invalid stream {wrong}"}, "id": number}
        elif method == "UNSUBSCRIBE":
            self.leave(session, [f"{wing}:{name}" for name in params])
        elif method == "LIST_SUBSCRIPTIONS":
            return {"result": sorted(name.split(":", 1)[1] for name in session.streams), "id": number}
        elif method == "SET_PROPERTY":
            session.wraps = bool(params[1])
        elif method == "GET_PROPERTY":
            return {"result": session.wraps, "id": number}
        else:
            text = f"Invalid request: unknown variant `{method}`, expected one of {METHODS}"
            return {"error": {"code": 2, "msg": text}, "id": number}
        return {"result": None, "id": number}

    def _join(self, session: Session, names: list[str]) -> str | None:
        # Subscribes, or returns the name of a stream that cannot be.
        keys = [f"{session.notes['wing']}:{name}" for name in names]
        for key, name in zip(keys, names):
            if not self.streams.start(key):
                return name
        if len(session.streams) + len(keys) > 1024:
            session.close(1008)
            return None
        self.join(session, keys)
        return None

    def wrapped(self, stream: str, text: str) -> str:
        """Return a message as a combined stream sends it."""
        return super().wrapped(stream.split(":", 1)[1], text)

    def happened(self, market: Market) -> None:
        """Publish trades and best prices."""
        self.streams.happened(market)

    def flush_book(self, market: Market) -> None:
        """Publish the changes of the book."""
        self.streams.book(market)

    def beat(self, count: int) -> None:
        """Publish what comes by the clock."""
        self.streams.beat(count)
        if count % 10 == 0:
            self.user.prune()

    def expire(self, what: str) -> int:
        """Let listen keys or subscriptions end."""
        return self.user.expire(what)

    def spoil(self, data: Any, fault: Pending, symbol: str) -> Any:
        """Return a message with a price below zero, or with the bid above the ask."""
        if isinstance(data, list):
            return [self.spoil(one, fault, symbol) for one in data]
        if fault.do == "negative":
            for name in "pcba":
                if isinstance(data.get(name), str):
                    data[name] = "-" + data[name]
            for name in "ba":
                if isinstance(data.get(name), list):
                    data[name] = [["-" + level[0], level[1]] for level in data[name]]
            if "k" in data:
                data["k"].update({name: "-" + data["k"][name] for name in "ohlc"})
        elif isinstance(data.get("b"), str):
            data["b"], data["a"] = data["a"], data["b"]
        elif isinstance(data.get("b"), list):
            market = self.exchange.markets[symbol]
            best = market.book.best(-1) or 1
            data["b"] = [*data["b"], [shapes.price(market.terms, best + 10), shapes.quantity(market.terms, 1)]]
        return data


def too_much(limit: str, seconds: int) -> BadCall:
    """Return the refusal for too many calls."""
    text = (
        f"Too much request weight used; current limit is {limit}. Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return BadCall(-1003, text, 429, {"retry-after": str(seconds)})
