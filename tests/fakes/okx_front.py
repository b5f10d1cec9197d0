"""`OkxFront`: OKX's wire. REST under /api/v5, websockets under /ws/v5/public, /business and /private."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from fakes import okx_shapes as shapes
from fakes.exchange import Exchange
from fakes.faults import Pending
from fakes.front import Front, encode
from fakes.market import Market
from fakes.okx_private import PrivateCalls
from fakes.okx_rest import BadCall, PublicRest
from fakes.okx_streams import Channels
from fakes.okx_user import UserChannels
from fakes.session import Answer, Request, Session

REST = re.compile(r"/api/v5/(.+)$")
SOCKET = re.compile(r"/ws/v5/(public|business|private)$")


class OkxFront(Front):
    """Serves spot and swaps."""

    def __init__(self, exchange: Exchange, step_ms: int = 100, moves: int = 2) -> None:
        super().__init__(exchange, step_ms, moves)
        exchange.post_only_refused = False  # it is taken, and cancelled at once
        self.checksums = False  # since June 2026 the field is 0
        self.public = PublicRest(self)
        self.channels = Channels(self)
        self.private = PrivateCalls(self)
        self.user = UserChannels(self)
        self._names: dict[str, Market] = {}

    def market_of(self, name: str) -> Market | None:
        """Return the market called "BTC-USDT" or "BTC-USDT-SWAP"."""
        if len(self._names) != len(self.exchange.markets):
            self._names = {shapes.inst_id(one.terms): one for one in self.exchange.markets.values()}
        return self._names.get(name)

    def wake(self, market: Market) -> None:
        """Let a market live."""
        market.now_ms = self.exchange.now_ms()
        market.wake()

    # REST

    async def rest(self, request: Request) -> Answer:
        """Answer a call."""
        found = REST.search(request.path)
        if found is None:
            return Answer({"msg": "Not Found", "code": "404", "data": None}, 404)
        try:
            handler = self.public.handlers.get(found[1])
            if handler is None or request.method != "GET":
                return self.private.answer(self.private.signed(request), request, found[1])
            return Answer({"code": "0", "msg": "", "data": handler(request)})
        except BadCall as error:
            return error.answer

    def refusal(self, fault: Pending) -> Answer:
        """Return OKX's answer for a fault."""
        if fault.do == "down":
            return Answer(b"<html><body>502 Bad Gateway</body></html>", fault.terms.get("status", 502), {"content-type": "text/html"})
        if fault.do == "limit":
            return BadCall("50011", "Too Many Requests", 429).answer
        code = str(fault.terms.get("code", "51008"))
        text = fault.terms.get("text", "Order failed. Insufficient USDT balance in account.")
        if code.startswith("51"):
            item = {"clOrdId": "", "ordId": "", "sCode": code, "sMsg": text, "tag": "", "ts": str(self.exchange.now_ms())}
            return Answer({"code": "1", "data": [item], "msg": "All operations failed"}, int(fault.terms.get("status", 200)))
        return BadCall(code, text, int(fault.terms.get("status", 200))).answer

    # Websockets

    async def opened(self, session: Session) -> bool:
        """Greet a websocket."""
        found = SOCKET.search(session.path)
        session.notes.update(place=found[1] if found else "", connection=secrets.token_hex(4))
        return found is not None

    def message_limit(self, session: Session) -> int:
        """Return 60 where orders are placed, else 3 (the documentation: three requests a second)."""
        return 60 if session.notes["place"] == "private" else 3

    async def said(self, session: Session, text: str) -> None:
        """Deal with ping, subscribe, unsubscribe and what a private address takes."""
        if text == "ping":
            session.send("pong")
            return
        try:
            message = json.loads(text)
            operation, args = message["op"], message.get("args", [])
        except (ValueError, KeyError, TypeError):
            self.complain(session, "60012", f"Illegal request: {text}")
            return
        await self.operate(session, operation, args, message, text)

    async def operate(self, session: Session, operation: str, args: list[Any], message: Any, text: str) -> None:
        """Do one operation."""
        private = session.notes["place"] == "private"
        if operation == "subscribe":
            for arg in args:
                if private:
                    self.user.subscribe(session, arg)
                else:
                    self.subscribe(session, arg)
        elif operation == "unsubscribe" and private:
            for arg in args:
                self.user.unsubscribe(session, arg)
        elif operation == "unsubscribe":
            for arg in args:
                self.leave(session, [f"{arg.get('channel')}:{arg.get('instId')}"])
                self.confirm(session, "unsubscribe", arg)
        elif operation == "login" and session.notes["place"] != "public":
            self.user.login(session, args)
        elif private and (operation in self.private.operations or operation in self.private.socket_batches):
            self.user.operate(session, operation, args, str(message.get("id", "")))
            self.flush_all()
        else:
            self.complain(session, "60012", f"Illegal request: {text}")

    def subscribe(self, session: Session, arg: dict[str, Any]) -> None:
        """Begin one channel for a session."""
        channel, name = str(arg.get("channel")), str(arg.get("instId"))
        stream = self.channels.start(channel, name, session.notes["place"])
        if stream is None:
            advice = "Please use the correct URL, channel and parameters referring to API document."
            self.complain(session, "60018", f"Wrong URL or channel:{channel},instId:{name} doesn't exist. {advice}")
            return
        self.confirm(session, "subscribe", arg)
        self.channels.greet(session, stream)
        self.join(session, [stream])

    def confirm(self, session: Session, event: str, arg: Any) -> None:
        """Say that a channel has begun or ended."""
        session.send(encode({"event": event, "arg": arg, "connId": session.notes["connection"]}))

    def complain(self, session: Session, code: str, text: str) -> None:
        """Say what was wrong."""
        session.send(encode({"event": "error", "code": code, "msg": text, "connId": session.notes["connection"]}))

    @staticmethod
    def pushed(stream: str, data: list[Any], action: str | None = None) -> str:
        """Return a message of a market channel."""
        return encode(message(stream, data, action))

    def push(self, stream: str, channel: str, symbol: str, data: list[Any], action: str | None = None) -> None:
        """Publish a message of a market channel."""
        self.publish(stream, channel, symbol, message(stream, data, action))

    def happened(self, market: Market) -> None:
        """Publish trades and best prices."""
        self.channels.happened(market)

    def flush_book(self, market: Market) -> None:
        """Publish the changes of the book."""
        self.channels.book(market)

    def beat(self, count: int) -> None:
        """Publish what comes by the clock."""
        self.channels.beat(count)

    def expire(self, what: str) -> int:
        """End all logins."""
        return self.user.expire()

    def spoil(self, data: Any, fault: Pending, symbol: str) -> Any:
        """Return a message with a price below zero, or with the bid above the ask."""
        for item in data["data"]:
            if isinstance(item, list):
                item[1:5] = ["-" + one for one in item[1:5]]
            elif fault.do == "negative":
                for name in ("px", "last", "bidPx", "askPx", "markPx"):
                    if name in item:
                        item[name] = "-" + item[name]
                for name in ("bids", "asks"):
                    item[name] = [["-" + one[0], *one[1:]] for one in item.get(name, [])]
            elif "bidPx" in item:
                item["bidPx"], item["askPx"] = item["askPx"], item["bidPx"]
            elif "bids" in item:
                market = self.exchange.markets[symbol]
                best = (market.book.best(-1) or 1) + 10
                item["bids"] = [[shapes.price(market.terms, best), shapes.quantity(market.terms, 1), "0", "1"], *item["bids"]]
        return data


def message(stream: str, data: list[Any], action: str | None) -> dict[str, Any]:
    """Return what a market channel sends."""
    channel, _, name = stream.partition(":")
    head = {"arg": {"channel": channel, "instId": name}}
    return {**head, "action": action, "data": data} if action else {**head, "data": data}
