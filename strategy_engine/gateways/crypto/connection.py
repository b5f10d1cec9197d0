"""One connection to an exchange: ccxt's client with its streams, and calls that keep the limits, the clock and the key in mind."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from gcg_quant.credentials import Credentials
from gcg_quant.errors import GatewayError

from .failures import Outcome, outcome_of, said
from .rate_limit import Kind, RateLimit
from .venue import Row, Venue

__all__ = ["Connection"]

_CLOCK_S = 600.0  # between two comparisons with the venue's clock
_CONNECT_POLL_S = 0.005


class Connection:
    """A login at an exchange, from `open` to `close`. It belongs to one event loop.

    Args:
        venue: the exchange's ways.
        credentials: of the account.
        url: base address instead of the exchange's own; empty = its own.
        timeout_s: of one request.
        limit: the account's rate limits, which outlive a connection.
        markets: what an earlier connection has loaded; None asks the venue.
    """

    def __init__(self, venue: Venue, credentials: Credentials, url: str, timeout_s: float, limit: RateLimit, markets: Any = None) -> None:
        self.venue = venue
        self.exchange = venue.make(credentials, url, timeout_s)
        self._credentials = credentials
        self._limit = limit
        self._markets = markets
        self._asked_s = 0.0  # when the clock was compared
        self.on_payment: Callable[[], object] = lambda: None  # is told when a message tells of funding that was paid
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        plain = self.exchange.handle_message

        def handle(client: Any, message: Any) -> None:
            if venue.is_expired(message):
                self.end(f"{venue.name} has ended the private stream: {str(message)[:120]}")
                return
            plain(client, message)
            if venue.is_payment(message):
                self.on_payment()

        self.exchange.handle_message = handle

    async def open(self) -> None:
        """Compare the clocks, learn the markets, and see whether the key is good.

        Raises:
            GatewayError: the venue cannot be reached, or it refuses the key; the sentence says what to set.
        """
        await self._compare_clock()
        if self._markets is None:
            await self.ask("load_markets")
        else:
            self.exchange.set_markets(*self._markets)
        await self.ask("fetch_balance")

    @property
    def markets(self) -> Any:
        """What `open` has learned, for the next connection."""
        return self.exchange.markets, self.exchange.currencies

    async def watch(self, orders: Callable[[Row], object], trades: Callable[[Row], object]) -> list[asyncio.Task[None]]:
        """Begin to read the private streams; return the tasks, once their sockets are open. A task that ends says why the streams did."""
        kind = {"type": "swap" if self.venue.swap else "spot"} if self.venue.name == "okx" else {}
        tasks = [
            asyncio.create_task(self._read(self.exchange.watch_my_trades, trades, dict(kind))),
            asyncio.create_task(self._read(self.exchange.watch_orders, orders, dict(kind))),
        ]
        for task in tasks:
            task.add_done_callback(_retrieve)
        while not any(one.isConnected and _both_wait(one.futures) for one in self.exchange.clients.values()):
            if done := [one for one in tasks if one.done()]:
                await done[0]
            await asyncio.sleep(_CONNECT_POLL_S)
        return tasks

    async def until_end(self) -> None:
        """Keep the clocks compared until `end` is called.

        Raises:
            GatewayError: the reason that was given.
        """
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._ended), 1.0)
            if time.monotonic() - self._asked_s > _CLOCK_S:
                await self._compare_clock()

    def end(self, reason: str) -> None:
        """End the connection, for a reason."""
        if not self._ended.done():
            self._ended.set_exception(GatewayError(reason))
            self._ended.exception()  # whether or not anybody waits for it

    async def close(self) -> None:
        """Close all sockets."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.exchange.close(), 2.0)

    # ---- calls

    async def call(self, name: str, *arguments: Any, kind: Kind = "question", before: Callable[[], None] | None = None) -> Any:
        """Return what a method of ccxt returns. One that surely did nothing is tried once more, after what stood in its way.

        Args:
            name: of the method.
            arguments: its arguments.
            kind: what it counts as.
            before: called just before the request is signed.

        Raises:
            Exception: as ccxt raises it; see `outcome_of`. TooBusyError: an order would wait too long.
        """
        for last in (False, True):
            await self._limit.take(kind, self.venue.costs.get(name, 1.0))
            if before is not None:
                before()
            try:
                return await getattr(self.exchange, name)(*arguments)
            except Exception as error:
                outcome = outcome_of(error)
                if outcome is Outcome.BUSY:
                    self._limit.pause(self.venue.retry_after_s(self.exchange.last_response_headers))
                elif outcome is Outcome.KEY:
                    self.end(self.about_key(error))
                elif outcome is not Outcome.CLOCK:
                    raise
                if last or outcome is Outcome.KEY:
                    raise
                if outcome is Outcome.CLOCK:
                    await self._compare_clock()
        raise AssertionError("unreachable")

    async def trades(self, symbol: str, order_id: str) -> list[Row]:
        """Return all trades of one order, oldest first. Raises as ccxt does."""
        await self._limit.take("question", self.venue.costs.get("fetch_my_trades", 1.0))
        return await self.venue.trades(self.exchange, symbol, order_id)

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Return the answer to a question.

        Raises:
            GatewayError: the venue does not answer, or refuses.
        """
        try:
            return await self.call(name, *arguments)
        except GatewayError:
            raise
        except Exception as error:
            if outcome_of(error) is Outcome.KEY:
                raise GatewayError(self.about_key(error), key=True) from error
            raise GatewayError(f"{self.venue.name} does not answer {name}: {said(error)}.") from error

    def about_key(self, error: BaseException) -> str:
        """Return the sentence about a key that the venue does not take."""
        variables = ", ".join(self._credentials.variable(key) for key in self.venue.needs)
        return (
            f"{self.venue.name} refuses the key ({said(error)}): check {variables}, and that the key may trade {self.venue.options.market} "
            "from this address"
        )

    # ---- inside

    async def _compare_clock(self) -> None:
        self._asked_s = time.monotonic()
        try:
            await self.exchange.load_time_difference()
        except Exception as error:
            raise GatewayError(f"{self.venue.name} cannot be reached: {said(error)}.") from error

    async def _read(self, watch: Callable[..., Any], take: Callable[[Row], object], params: Row) -> None:
        # Nothing may be awaited between two calls of `watch`: what comes in between would be told with the next message only.
        while True:
            try:
                rows = await watch(None, None, None, params)
            except Exception as error:
                # Also of a login that has expired: whether the key itself is bad, the next dial finds out.
                raise GatewayError(f"the private stream of {self.venue.name} broke: {said(error)}") from error
            for row in rows:
                take(row)


def _both_wait(futures: Any) -> bool:
    # The names of ccxt's futures: "orders" and "myTrades" (Binance), "orders" and "orders::myTrades" (OKX).
    return "orders" in futures and any(name.endswith("myTrades") for name in futures)


def _retrieve(task: asyncio.Task[None]) -> None:
    # Several ends of one connection: only the first is told.
    if not task.cancelled():
        task.exception()
