"""Binance's ways: spot and USD-M futures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from .venue import Ask, Row, Venue

__all__ = ["Binance"]


class Binance(Venue):
    """Binance spot and USD-M futures.

    By "Spot REST API", "User Data Stream" and "USD-M Futures" of its developer pages: 100 orders in 10 s (spot), 300 in 10 s (futures),
    6,000 (2,400) of request weight a minute; a client id is unique among open orders alone. Funding by "Event: Balance and Position Update"
    (of a crossed position it names neither symbol nor id, so that it is only the sign to look) and "Get Income History".
    """

    name: ClassVar[str] = "binance"
    orders: ClassVar[tuple[float, float]] = (9.0, 40.0)
    questions: ClassVar[tuple[float, float]] = (6.0, 200.0)  # each of four of weight, as a question about one order: 2,240 a minute at most
    costs: ClassVar[Mapping[str, float]] = {
        "fetch_open_orders": 10.0,
        "fetch_balance": 5.0,
        "fetch_my_trades": 5.0,
        "load_markets": 5.0,
        "fetch_funding_history": 8.0,
    }
    forgets_s: ClassVar[float] = 3 * 86_400.0
    payments_page: ClassVar[int] = 1000
    payments_polls: ClassVar[int] = 30  # the stream tells of them

    @property
    def client_name(self) -> str:
        """The name of the class in ccxt.pro."""
        return "binanceusdm" if self.swap else "binance"

    @property
    def can_change(self) -> bool:
        """Whether a working order can be changed: of contracts alone. Spot would cancel it and send another one, perhaps for too much."""
        return self.swap

    def prepare(self, exchange: Any) -> None:
        """Load the markets that are traded alone; the receive window bounds how long an order may be on its way."""
        exchange.options["fetchMarkets"] = {"types": ["linear" if self.swap else "spot"], "loadAllOptions": False}
        exchange.options["recvWindow"] = self.options.recv_window_ms
        exchange.options["warnOnFetchOpenOrdersWithoutSymbol"] = False

    def order_params(self, order: Row) -> Row:
        """Return the fields: newClientOrderId, timeInForce (GTX is post-only for contracts), positionSide in hedge mode."""
        params: Row = {"newClientOrderId": order["client_id"]}
        if order["post_only"]:
            params["postOnly"] = True
        elif order["force"]:
            params["timeInForce"] = order["force"]
        if order["side"]:
            params["positionSide"] = order["side"].upper()
        elif order["reduce"]:
            params["reduceOnly"] = True
        return params

    def trade_params(self, order_id: str) -> Row:
        """Return the filter by order id."""
        return {"orderId": order_id}

    def client_id(self, row: Row) -> str:
        """Return it; a trade of the stream has it in its message: `C` is the order's own where a cancel is told."""
        info = row.get("info") or {}
        return str(row.get("clientOrderId") or info.get("C") or info.get("c") or "")

    def cash(self, balance: Row) -> dict[str, Decimal]:
        """Return free and locked of spot; of contracts the wallet balance."""
        info = balance["info"]
        if self.swap:
            rows = info if isinstance(info, list) else info["assets"]
            found = {row["asset"]: Decimal(str(row.get("walletBalance") or row.get("balance") or 0)) for row in rows}
        else:
            found = {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in info["balances"]}
        return {code: amount for code, amount in found.items() if amount}

    async def permissions(self, exchange: Any, balance: Row) -> tuple[list[str] | None, bool | None]:
        """Return what "Account information" says: `permissions` and `canTrade`."""
        info = balance["info"]
        if not isinstance(info, dict):
            return None, None
        return info.get("permissions"), info.get("canTrade")

    async def payments(self, ask: Ask, since_ms: int) -> list[Row]:
        """Return them page by page, the oldest first: `tranId` is unique among funding fees."""
        found: dict[str, Row] = {}
        while True:
            page = await ask("fetch_funding_history", None, since_ms, self.payments_page)
            before = len(found)
            found |= {row["id"]: row for row in page}
            if len(page) < self.payments_page or len(found) == before:
                return list(found.values())
            since_ms = page[-1]["timestamp"]

    def is_payment(self, message: Any) -> bool:
        """Return whether it is an ACCOUNT_UPDATE for the reason FUNDING_FEE."""
        if not isinstance(message, dict) or message.get("e") != "ACCOUNT_UPDATE":
            return False
        update = message.get("a")
        return isinstance(update, dict) and update.get("m") == "FUNDING_FEE"

    def is_expired(self, message: Any) -> bool:
        """Return whether the listen key or the subscription has ended: ccxt passes over the former and tells nobody of the latter."""
        if not isinstance(message, dict):
            return False
        event = message.get("event")
        name = event.get("e") if isinstance(event, dict) else message.get("e")
        return name in ("listenKeyExpired", "eventStreamTerminated")
