"""OKX's ways: spot and swaps."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any, ClassVar

from .venue import Ask, Row, Venue

__all__ = ["Okx"]


class Okx(Venue):
    """OKX spot and swap: "Place order", "Order channel" and "Transaction details" of its API v5: 60 orders in 2 s an instrument.

    Funding by "Get bills details", type 8; the private stream tells of it in no channel that ccxt reads.
    """

    name: ClassVar[str] = "okx"
    orders: ClassVar[tuple[float, float]] = (25.0, 50.0)
    questions: ClassVar[tuple[float, float]] = (8.0, 20.0)
    needs: ClassVar[tuple[str, ...]] = ("api_key", "secret", "password")
    forgets_s: ClassVar[float] = 2 * 3600.0
    trades_inverse: ClassVar[bool] = True
    trades_page: ClassVar[int] = 100

    @property
    def open_params(self) -> Row:
        """The kind of instrument."""
        return {"instType": "SWAP" if self.swap else "SPOT"}

    def prepare(self, exchange: Any) -> None:
        """Load the markets that are traded alone, and have each order expire on its way by the header `expTime`."""
        exchange.options["fetchMarkets"] = {"types": ["swap" if self.swap else "spot"]}
        exchange.options["defaultType"] = self.options.market
        exchange.options["createOrder"] = "privatePostTradeOrder"  # not a batch of one
        plain = exchange.sign

        def sign(path: str, *arguments: Any, **named: Any) -> Row:
            signed: Row = plain(path, *arguments, **named)
            if path in ("trade/order", "trade/amend-order") and signed.get("method") == "POST":
                venue_ms = time.time() * 1000 - (exchange.options.get("timeDifference") or 0)
                signed["headers"] = {**signed["headers"], "expTime": str(round(venue_ms) + self.options.recv_window_ms)}
            return signed

        exchange.sign = sign

    def order_params(self, order: Row) -> Row:
        """Return the fields: clOrdId, ordType by timeInForce, tgtCcy so that a market order says the quantity, posSide in hedge mode."""
        params: Row = {"clientOrderId": order["client_id"]}
        if order["post_only"]:
            params["postOnly"] = True
        elif order["force"]:
            params["timeInForce"] = order["force"]
        if self.swap:
            params["tdMode"] = self.options.margin_mode
            if order["side"]:
                params["positionSide"] = order["side"]
            elif order["reduce"]:
                params["reduceOnly"] = True
        else:
            params["tgtCcy"] = "base_ccy"
        return params

    def trade_params(self, order_id: str) -> Row:
        """Return the filter by order id."""
        return {"ordId": order_id}

    async def trades(self, exchange: Any, symbol: str, order_id: str) -> list[Row]:
        """Return all trades of one order, oldest first: of the last three days without delay, and of three months."""
        market = exchange.market(symbol)
        asked: Row = {
            "instType": "SWAP" if self.swap else "SPOT",
            "instId": market["id"],
            "ordId": order_id,
            "limit": str(self.trades_page),
        }
        found: dict[str, Row] = {}
        for ask in (exchange.privateGetTradeFills, exchange.privateGetTradeFillsHistory):
            after: Row = {}
            while page := (await ask({**asked, **after}))["data"]:
                found |= {row["id"]: row for row in exchange.parse_trades(page, market)}
                if len(page) < self.trades_page:
                    break
                after = {"after": page[-1]["billId"]}
            if found:
                break
        return sorted(found.values(), key=lambda row: (row["timestamp"] or 0, len(row["id"]), row["id"]))

    def fee(self, trade: Row) -> tuple[float, str]:
        """Return it as a cost: in the order channel's `fillFee` a charge is negative, which ccxt leaves as it is."""
        info = trade.get("info") or {}
        if "fillFee" in info:
            return -float(info["fillFee"] or 0.0), str(info.get("fillFeeCcy") or "")
        return super().fee(trade)

    def client_id(self, row: Row) -> str:
        """Return it; a trade has it in its message."""
        return str(row.get("clientOrderId") or (row.get("info") or {}).get("clOrdId") or "")

    def cash(self, balance: Row) -> dict[str, Decimal]:
        """Return the cash balance, which holds no unrealised profit."""
        rows = balance["info"]["data"][0]["details"]
        return {row["ccy"]: amount for row in rows if (amount := Decimal(row["cashBal"] or "0"))}

    async def permissions(self, exchange: Any, balance: Row) -> tuple[list[str] | None, bool | None]:
        """Return `perm` of "Get account configuration"."""
        try:
            told = (await exchange.privateGetAccountConfig())["data"][0].get("perm")
        except Exception:  # an account that does not tell can still trade
            return None, None
        names = [one for one in str(told or "").split(",") if one]
        return (names, "trade" in names) if names else (None, None)

    async def payments(self, ask: Ask, since_ms: int) -> list[Row]:
        """Return them page by page, the newest first."""
        found: dict[str, Row] = {}
        after: Row = {}
        while True:
            page = await ask("fetch_funding_history", None, None, self.payments_page, {"begin": str(since_ms), **after})
            found |= {row["id"]: row for row in page}
            if len(page) < self.payments_page:
                return list(found.values())
            after = {"after": min(page, key=lambda row: int(row["id"]))["id"]}

    def is_expired(self, message: Any) -> bool:
        """Return whether the venue says that it will close the connection (notice 64008), or has thrown out a login."""
        return isinstance(message, dict) and message.get("event") in ("notice", "channel-conn-count-error")
