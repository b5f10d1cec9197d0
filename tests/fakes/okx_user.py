"""OKX's private websocket: login, the channels of an account, and orders by operations.

Checked against OKX's API guide: "Login", "WS / Order channel", "WS / Account channel", "WS / Positions channel", "WebSocket" error codes.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from fakes import okx_orders as shapes
from fakes.account import Account, Payment
from fakes.front import encode
from fakes.okx_private import WINDOW_MS, signature
from fakes.okx_shapes import inst_id, inst_type
from fakes.orders import Fill, Order
from fakes.session import Session

if TYPE_CHECKING:
    from fakes.okx_front import OkxFront

CHANNELS = ("orders", "account", "positions", "balance_and_position", "fills")


class UserChannels:
    """Tells each account's sessions what happened to it; a session's subscriptions are kept in its notes."""

    def __init__(self, front: OkxFront) -> None:
        self._front = front
        front.exchange.order_listeners.append(self._order)
        front.exchange.balance_listeners.append(self._balance)
        front.exchange.payment_listeners.append(self._payment)

    def login(self, session: Session, args: list[Any]) -> None:
        """Let a session in, or say why not: 60005 key, 60024 passphrase, 60004 and 60006 time, 60007 signature, 60009 the rest."""
        front = self._front
        try:
            arg = dict(args[0])
            key, phrase, stamp, sign = (str(arg[name]) for name in ("apiKey", "passphrase", "timestamp", "sign"))
        except (IndexError, KeyError, TypeError, ValueError):
            front.complain(session, "60009", "Login failed.")
            return
        account = front.exchange.accounts.get(key)
        if account is None:
            front.complain(session, "60005", "Invalid apiKey")
        elif account.passphrase != phrase:
            front.complain(session, "60024", "Wrong passphrase")
        elif not stamp.replace(".", "").isdigit():
            front.complain(session, "60004", "Invalid timestamp")
        elif abs(front.exchange.now_ms() - float(stamp) * 1000) > WINDOW_MS:
            front.complain(session, "60006", "Timestamp request expired")
        elif not hmac.compare_digest(signature(account.secret, f"{stamp}GET/users/self/verify"), sign):
            front.complain(session, "60007", "Invalid sign")
        else:
            session.account = account
            session.send(encode({"event": "login", "msg": "", "code": "0", "connId": session.notes["connection"]}))

    def subscribe(self, session: Session, arg: dict[str, Any]) -> None:
        """Begin a private channel; account and positions are sent at once."""
        front, channel = self._front, str(arg.get("channel"))
        if session.account is None:
            front.complain(session, "60011", "Please log in")
            return
        if channel not in CHANNELS:
            advice = "Please use the correct URL, channel and parameters referring to API document."
            text = f"Wrong URL or channel:{channel} doesn't exist. {advice}"
            front.complain(session, "60018", text)
            return
        session.notes.setdefault("private", {})[channel, str(arg.get("instType", "")), str(arg.get("instId", ""))] = arg
        front.confirm(session, "subscribe", arg)
        if channel == "account":
            self._send(session, arg, "", [shapes.balance(front.exchange, session.account)], snapshot=True)
        elif channel == "positions":
            items = [shapes.position_item(front.exchange, session.account, symbol) for symbol in session.account.positions]
            self._send(session, arg, "", [one for one in items if one["pos"] != "0"], snapshot=True)

    def unsubscribe(self, session: Session, arg: dict[str, Any]) -> None:
        """End a private channel."""
        key = str(arg.get("channel")), str(arg.get("instType", "")), str(arg.get("instId", ""))
        session.notes.get("private", {}).pop(key, None)
        self._front.confirm(session, "unsubscribe", arg)

    def operate(self, session: Session, operation: str, args: list[Any], number: str) -> None:
        """Do an operation with orders and answer it by its id."""
        front, calls = self._front, self._front.private
        one = calls.socket_batches.get(operation, operation)
        if session.account is None:
            front.complain(session, "60011", "Please log in")
            return
        fault = front.faults.of_call("WS", operation)
        if fault is not None and fault.do == "lost":
            return
        if fault is not None and fault.do in ("reject", "limit"):
            answer = dict(front.refusal(fault).body)
        else:
            answer = calls.operate(session.account, one, args)
        if fault is None or fault.do != "silent":
            session.send(encode({"id": number, "op": operation, **answer}))

    def expire(self) -> int:
        """End all logins: the sessions are told, and closed."""
        found = [one for one in self._front.sessions if one.account is not None]
        for session in found:
            self._front.complain(session, "60009", "Login failed.")
            session.close(4001)
        return len(found)

    def _order(self, account: Account, order: Order, fill: Fill | None, what: str) -> None:
        terms = self._front.exchange.markets[order.symbol].terms
        data = shapes.order_event(terms, order, fill, what, self._front.exchange.now_ms())
        for session, arg in self._heard(account, "orders"):
            fits = arg.get("instType") in ("ANY", inst_type(terms)) and arg.get("instId") in (None, inst_id(terms))
            if fits:
                self._send(session, arg, terms.symbol, [data])

    def _balance(self, account: Account, currencies: set[str], symbol: str) -> None:
        exchange = self._front.exchange
        for session, arg in self._heard(account, "account"):
            self._send(session, arg, symbol, [shapes.balance(exchange, account, currencies)])
        if symbol:
            for session, arg in self._heard(account, "positions"):
                self._send(session, arg, symbol, [shapes.position_item(exchange, account, symbol)])

    def _payment(self, account: Account, payment: Payment) -> None:
        self._balance(account, {payment.currency}, payment.symbol)

    def _heard(self, account: Account, channel: str) -> list[tuple[Session, dict[str, Any]]]:
        return [
            (session, arg)
            for session in list(self._front.sessions)
            if session.account is account
            for (name, _, _), arg in session.notes.get("private", {}).items()
            if name == channel
        ]

    def _send(self, session: Session, arg: dict[str, Any], symbol: str, data: list[Any], snapshot: bool = False) -> None:
        message: dict[str, Any] = {"arg": {**arg, "uid": "446556"}, "data": data}
        if arg["channel"] in ("account", "positions"):
            message.update(eventType="snapshot" if snapshot else "event_update", curPage=1, lastPage=True)
        self._front.tell(session, symbol, message)
