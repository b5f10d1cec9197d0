"""Binance's user data streams: listen keys, and subscriptions on the WebSocket API.

Checked against Binance's documentation: "User Data Streams" and "User Data Stream requests", and against what ccxt 4.5.90 sends
(`userDataStream.subscribe.signature`).
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from fakes import binance_contracts as contracts
from fakes import binance_orders as shapes
from fakes.account import Account, Payment
from fakes.binance_rest import BadCall
from fakes.binance_rules import rate_limits
from fakes.front import encode
from fakes.orders import CANCELED, Fill, Order
from fakes.session import Session

if TYPE_CHECKING:
    from fakes.binance_front import BinanceFront

KEY_LIFE_MS = 3_600_000


class UserStreams:
    """Tells each account's sessions what happened to it."""

    def __init__(self, front: BinanceFront) -> None:
        self._front = front
        front.exchange.order_listeners.append(self._order)
        front.exchange.balance_listeners.append(self._balance)
        front.exchange.payment_listeners.append(self._payment)

    # Listen keys

    def listen_key(self, method: str, account: Account, key: str) -> Any:
        """Make, prolong or end a listen key.

        Raises:
            BadCall: -1125 for one that does not live.
        """
        now = self._front.exchange.now_ms()
        if method == "POST":
            living = [name for name, (owner, until) in self.keys.items() if owner == account.key and until > now]
            name = living[0] if living else secrets.token_hex(32)
            self._keep(name, account, now + KEY_LIFE_MS)
            return {"listenKey": name}
        if self.owner(key) is None:
            raise BadCall(-1125, "This listenKey does not exist.")
        if method == "PUT":
            self._keep(key, account, now + KEY_LIFE_MS)
        else:
            self.end_key(key)
        return {}

    def owner(self, key: str) -> Account | None:
        """Return whose living listen key this is."""
        owner, until = self.keys.get(key, ("", 0))
        return self._front.exchange.accounts.get(owner) if until > self._front.exchange.now_ms() else None

    @property
    def keys(self) -> dict[str, tuple[str, int]]:
        """The listen keys: whose, until when."""
        return self._front.exchange.listen_keys

    def _keep(self, key: str, account: Account | None, until: int) -> None:
        if account is None:
            self.keys.pop(key, None)
        else:
            self.keys[key] = (account.key, until)
        for listener in self._front.exchange.key_listeners:
            listener()

    def end_key(self, key: str) -> None:
        """Let a listen key end: its streams hear of it and are closed."""
        self._keep(key, None, 0)
        for session in [one for one in self._front.sessions if one.notes.get("listen_key") == key]:
            session.send(encode({"e": "listenKeyExpired", "E": self._front.exchange.now_ms(), "listenKey": key}))
            session.close(1000)

    def expire(self, what: str) -> int:
        """Let listen keys, or subscriptions on the WebSocket API ("login"), or all end; return how many."""
        count = 0
        if what in ("listen_key", "all"):
            count += len(self.keys)
            for key in list(self.keys):
                self.end_key(key)
        if what in ("login", "all"):
            for session in self._front.sessions:
                for number in list(session.notes.get("subscriptions", {})):
                    del session.notes["subscriptions"][number]
                    event = {"e": "eventStreamTerminated", "E": self._front.exchange.now_ms()}
                    session.send(encode({"subscriptionId": number, "event": event}))
                    count += 1
        return count

    def prune(self) -> None:
        """End the keys whose time is over."""
        now = self._front.exchange.now_ms()
        for key in [name for name, (_, until) in self.keys.items() if until <= now]:
            self.end_key(key)

    # The WebSocket API

    def api_answer(self, session: Session, text: str) -> str | None:
        """Return the answer to a message on the WebSocket API; None: there will be none."""
        try:
            message = json.loads(text)
            number, method, params = message.get("id"), str(message["method"]), dict(message.get("params") or {})
        except (ValueError, KeyError, AttributeError):
            return encode({"id": None, "status": 400, "error": {"code": -1135, "msg": "Invalid JSON Request"}})
        limits = rate_limits(False, self._front.weight_limit)[:1]
        fault = self._front.faults.of_call("WS", method)
        if fault is not None and fault.do == "lost":
            return None
        try:
            if fault is not None and fault.do in ("reject", "limit"):
                answer = self._front.refusal(fault).body
                raise BadCall(answer["code"], answer["msg"], 429 if fault.do == "limit" else 400)
            result = self._api_result(session, method, params)
        except BadCall as error:
            more = {} if error.data is None else {"data": error.data}
            failure = {"code": error.code, "msg": error.message, **more}
            return encode({"id": number, "status": error.status, "error": failure, "rateLimits": limits})
        if fault is not None and fault.do == "silent":
            return None
        return encode({"id": number, "status": 200, "result": result, "rateLimits": limits})

    def _api_result(self, session: Session, method: str, params: dict[str, Any]) -> Any:
        front = self._front
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": front.exchange.now_ms()}
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
        subscribed = session.notes.setdefault("subscriptions", {})
        if method == "userDataStream.unsubscribe":
            wanted = texts.get("subscriptionId")
            for one in list(subscribed) if wanted is None else [int(wanted)]:
                subscribed.pop(one, None)
            return {}
        payload = "&".join(f"{name}={texts[name]}" for name in sorted(texts) if name != "signature")
        if method in ("userDataStream.start", "userDataStream.ping", "userDataStream.stop"):
            owner = front.private.with_key(texts.get("apiKey"))
            verb = {"start": "POST", "ping": "PUT", "stop": "DELETE"}[method.rpartition(".")[2]]
            return self.listen_key(verb, owner, texts.get("listenKey", ""))
        known = method in front.private.by_socket or method == "userDataStream.subscribe.signature"
        if not known:
            raise BadCall(-1000, f"Unknown method '{method}'.")
        account = front.private.signed(texts.get("apiKey"), payload, texts)
        if method == "userDataStream.subscribe.signature":
            number = session.notes["next"] = session.notes.get("next", -1) + 1
            subscribed[number] = account
            session.account = account
            return {"subscriptionId": number}
        return front.private.by_socket[method](account, texts)

    # What happens

    def _order(self, account: Account, order: Order, fill: Fill | None, what: str) -> None:
        terms = self._front.exchange.markets[order.symbol].terms
        if terms.swap:
            self._tell(account, terms.symbol, contracts.order_event(terms, order, fill, what, self._front.exchange.now_ms()), "swap")
        else:
            cancel_id = self._front.private.cancel_ids.get(order.id, "") if what == CANCELED else ""
            event = shapes.execution_report(terms, order, fill, what, self._front.exchange.now_ms(), cancel_id)
            self._tell(account, terms.symbol, event)

    def _balance(self, account: Account, currencies: set[str], symbol: str) -> None:
        if symbol:
            self._tell(account, symbol, contracts.account_event(self._front.exchange, account, symbol), "swap")
        elif len(currencies) > 1:
            self._tell(account, "", shapes.account_position(account, currencies, self._front.exchange.now_ms()))

    def _payment(self, account: Account, payment: Payment) -> None:
        self._tell(account, payment.symbol, contracts.payment_event(account, payment), "swap")

    def _tell(self, account: Account, symbol: str, event: dict[str, Any], wing: str = "spot") -> None:
        for session in list(self._front.sessions):
            if session.notes.get("listen_key") and session.account is account and session.notes["wing"] == wing:
                self._front.tell(session, symbol, event)
            for number, owner in session.notes.get("subscriptions", {}).items():
                if owner is account and session.notes["wing"] == wing:
                    self._front.tell(session, symbol, {"subscriptionId": number, "event": event})
