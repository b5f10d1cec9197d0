"""What the venue pays and charges for funding of perpetual contracts: asked for by REST, at once when a message says that there is some."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import GatewayError

from ..base import FundingReport
from .connection import Connection
from .venue import Row, Venue

__all__ = ["Payments"]

_OVERLAP_NS = NS_PER_DAY  # a venue may write a payment down late
_HINT_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)  # waits after a message: it may come before the list has what it tells of, and one for each symbol
_TRIES = 3  # looks in a row that may fail
_MS = 1_000_000


class Payments:
    """Reports each payment once in a process. It belongs to the gateway's thread, `begin` to each new connection.

    Args:
        venue: the exchange's ways.
        name: the venue's name in our instruments.
        report: where reports go.
        pause_s: how often it looks unasked.
    """

    def __init__(self, venue: Venue, name: str, report: Callable[[FundingReport], None], pause_s: float) -> None:
        self._venue = venue
        self._name = name
        self._report = report
        self._pause_s = pause_s
        self._since_ns: int | None = None  # nobody wants to know yet
        self._told: dict[str, int] = {}
        self._connection: Connection | None = None
        self._hint: asyncio.Event | None = None

    def begin(self, connection: Connection) -> None:
        """Use a new connection from now on."""
        self._connection, self._hint = connection, asyncio.Event()
        self._since_ns = None

    def hint(self) -> None:
        """Look soon: a message tells of a payment."""
        if self._hint is not None:
            self._hint.set()

    async def restore(self, since_ns: int) -> None:
        """Report all since a time that were not reported yet. Raises GatewayError if the venue does not answer."""
        self._since_ns = since_ns
        await self._look()

    async def keep(self) -> None:
        """Look again and again.

        Raises:
            GatewayError: the venue has not answered several times.
        """
        assert self._hint is not None
        failed = 0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hint.wait(), self._pause_s)
            waits = _HINT_S if self._hint.is_set() else _HINT_S[:1]
            self._hint.clear()
            for wait_s in waits:
                await asyncio.sleep(wait_s)
                try:
                    if self._since_ns is not None:
                        await self._look()
                    failed = 0
                except GatewayError:
                    failed += 1
                    if failed >= _TRIES:
                        raise

    async def _look(self) -> None:
        assert self._connection is not None
        assert self._since_ns is not None
        rows = await self._venue.payments(self._connection.ask, self._since_ns // _MS)
        new = [row for row in rows if str(row["id"]) not in self._told and row["amount"]]
        for row in sorted(new, key=lambda row: (row["timestamp"], str(row["id"]))):
            self._take(row)
        newest_ns = max(self._told.values(), default=0)
        self._since_ns = max(self._since_ns, newest_ns - _OVERLAP_NS)
        for one in [one for one, event_ns in self._told.items() if event_ns < newest_ns - 2 * _OVERLAP_NS]:
            del self._told[one]

    def _take(self, row: Row) -> None:
        payment_id, event_ns = str(row["id"]), int(row["timestamp"]) * _MS
        self._told[payment_id] = event_ns
        told: dict[str, Any] = {"symbol": row["symbol"], "currency": row["code"], "amount": float(row["amount"])}
        self._report(FundingReport(payment_id=payment_id, venue=self._name, event_ns=event_ns, **told))
