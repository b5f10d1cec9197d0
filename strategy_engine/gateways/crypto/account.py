"""What an exchange says of the whole account: positions, cash, open orders, and whether it can be traded on at all."""

from __future__ import annotations

import asyncio
import time

from ..base import GatewayTrial, VenueOrder
from .desk import VenueDesk
from .tracking import Tracking
from .venue import Venue

__all__ = ["VenueAccount"]


class VenueAccount:
    """Asks on the desk's connection, and lets the desk report what happened before the answer. It belongs to the gateway's thread.

    Args:
        desk: what is asked for orders.
        tracking: the orders.
        venue: the exchange's ways.
    """

    def __init__(self, desk: VenueDesk, tracking: Tracking, venue: Venue) -> None:
        self._desk = desk
        self._tracking = tracking
        self._venue = venue

    async def open_orders(self) -> list[VenueOrder]:
        """Return the open orders, ours and others'."""
        return [self._tracking.venue_order(row) for row in await self._desk.open_rows()]

    async def positions(self) -> dict[str, float]:
        """Return the signed positions by symbol, in contracts; all trades before are reported."""
        rows = await self._desk.connection.ask("fetch_positions")
        found: dict[str, float] = {}
        for row in rows:
            signed = float(row["contracts"] or 0.0) * (-1 if row["side"] == "short" else 1)
            found[row["symbol"]] = found.get(row["symbol"], 0.0) + signed
        await self._desk.poll()
        return {symbol: quantity for symbol, quantity in found.items() if quantity}

    async def cash(self) -> dict[str, float]:
        """Return the cash by currency; all trades before are reported."""
        found = self._venue.cash(await self._desk.connection.ask("fetch_balance"))
        await self._desk.poll()
        return {currency: float(amount) for currency, amount in found.items()}

    async def trial(self, name: str, address: str, streams: list[asyncio.Task[None]]) -> GatewayTrial:
        """Return what the account is like; nothing is traded."""
        connection = self._desk.connection
        begin_s = time.monotonic()
        await connection.ask("fetch_time")
        answer_ms = (time.monotonic() - begin_s) * 1000
        balance = await connection.ask("fetch_balance")
        permissions, can_trade = await self._venue.permissions(connection.exchange, balance)
        positions = await self.positions() if self._venue.swap else {}
        rows = await self._desk.open_rows()
        for task in streams:
            task.cancel()
        markets = connection.exchange.markets.values()
        return GatewayTrial(
            gateway=name,
            address=address,
            clock_ms=-float(connection.exchange.options.get("timeDifference") or 0.0),
            answer_ms=answer_ms,
            permissions=permissions,
            can_trade=can_trade,
            cash={currency: float(amount) for currency, amount in self._venue.cash(balance).items()},
            positions=positions,
            open_orders=len(rows),
            instruments=sum(1 for one in markets if self._venue.takes(one)),
        )
