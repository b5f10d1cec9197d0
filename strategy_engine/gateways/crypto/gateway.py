"""The gateway to a crypto exchange: orders by REST, what becomes of them by the private streams and, if need be, by REST again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from gcg_quant.credentials import Credentials, credentials_of
from gcg_quant.errors import GatewayError, OrderError
from gcg_quant.events import CancelCommand, OrderCommand, OrderFlag, OrderType, Side, TimeInForce
from gcg_quant.sections import redact

from ..base import Change, GatewayTrial, Listener, VenueOrder
from ..kinds import gateway_options
from ..session import SessionGateway
from .account import VenueAccount
from .connection import Connection
from .desk import VenueDesk
from .loop import ConnectionLoop
from .options import CryptoOptions
from .payments import Payments
from .rate_limit import RateLimit
from .terms import check_market, order_arguments
from .tracking import TrackedOrder, Tracking
from .venues import venue_of

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.instruments import Instrument
    from gcg_quant.settings import Settings

    from ...orders.order import Order

__all__ = ["CryptoGateway"]

_MARGIN_S = 0.5  # by how much clocks and the venue's queue may be off, beyond the receive window
_KEY_S = 30.0  # before a key that was refused is tried again


class CryptoGateway(SessionGateway):
    """Trades at Binance or OKX through ccxt.

    Its thread runs an event loop that lives as long as a connection; every request, stream and report is handled there. A stream that
    breaks ends the connection, so that all is looked up anew on the next one. An order is known at the venue by a client id made of ours
    (`client_ids.py`): one without an answer is looked up by it, until the venue would refuse it as too old (`recv_window_ms`).

    Args:
        exchange: "binance" or "okx".
        credentials: of the account.
        options: what `[gateway] options` says.
        url: base address instead of the exchange's own; empty = its own.
        connect_s: longest wait for a connection and its login, s.
        patience_s: how long one request may stay unanswered, s.
    """

    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
    order_flags: ClassVar[OrderFlag] = OrderFlag.POST_ONLY

    def __init__(
        self,
        exchange: str,
        credentials: Credentials,
        options: CryptoOptions | None = None,
        *,
        url: str = "",
        connect_s: float = 10.0,
        patience_s: float = 5.0,
    ) -> None:
        self.options = options or CryptoOptions()
        self._venue = venue_of(exchange, self.options)
        self.venue = self.options.venue or exchange
        super().__init__(exchange, patience_s=4 * patience_s)  # a question may take several requests
        self._credentials = credentials
        self._url = url
        self._connect_s = connect_s
        self._request_s = patience_s
        orders = self._venue.orders if self.options.orders_per_s is None else (self.options.orders_per_s, self.options.orders_per_s)
        self._limit = RateLimit(orders, self._venue.questions)
        self._markets: Any = None
        self._connection: Connection | None = None
        self._streams: list[asyncio.Task[None]] = []
        self._tracking = Tracking(self._venue, self.venue, self.report, lambda order: self._desk.complete(order))
        self._desk = VenueDesk(self._tracking, self._venue, self.options.recv_window_ms / 1000 + _MARGIN_S)
        self._account = VenueAccount(self._desk, self._tracking, self._venue)
        self._loop = ConnectionLoop(exchange, self._closing, self._desk.keep)
        self.tells_funding = self._venue.swap
        self._payments = Payments(self._venue, self.venue, self.report, self.options.poll_s * self._venue.payments_polls)
        self._key_refused_s = 0.0
        self._began_s = time.monotonic()

    @classmethod
    def from_settings(cls, settings: Settings) -> CryptoGateway:
        """Return the gateway that `[gateway]` describes.

        Raises:
            SettingsError: it lacks something, or has what this kind does not know.
        """
        given = settings.gateway
        return cls(
            given.exchange,
            credentials_of(given.credentials or given.exchange),
            gateway_options(CryptoOptions, given.options),
            url=given.url,
            connect_s=given.connect_s,
            patience_s=given.patience_s,
        )

    # ---- the connection

    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Begin to connect in the background."""
        self._tracking.bus_id = bus.bus_id
        super().connect(bus, listener)

    def dial(self) -> None:
        """Log in and subscribe to the private streams."""
        if self._key_refused_s:  # it will be refused again: whoever sets it right starts the system anew
            self._closing.wait(max(0.0, self._key_refused_s + _KEY_S - time.monotonic()))
        if self._closing.is_set():
            return
        self._loop.make()
        try:
            self._loop.run(self._open(), self._connect_s)
        except GatewayError as error:
            self._key_refused_s = time.monotonic() if error.context.get("key") else 0.0
            self._shut()
            raise
        except BaseException:
            self._shut()
            raise

    def serve(self) -> None:
        """Run the loop until the connection ends."""
        try:
            self._loop.run(self._serve())
        finally:
            self._shut()

    def hang_up(self) -> None:
        """End `dial` or `serve`."""
        self._loop.hang_up()

    # ---- commands

    def submit(self, command: OrderCommand) -> None:
        """Send an order."""
        self.check_open()
        markets = self._markets[0] if self._markets else None
        if command.venue != self.venue:
            raise OrderError(f"Gateway {self.name!r} trades at {self.venue!r}, not at {command.venue!r}: nothing was sent.")
        market = check_market(command.symbol, markets, self._venue)
        sell, price = command.side == Side.SELL, command.price
        order = self._tracking.expect(command.client_id, command.symbol, sell=sell, amount=command.quantity, price=price)
        arguments = order_arguments(command, self._venue, market, order.venue_id)
        if not self._loop.begin(lambda: self._desk.send(order, arguments)):
            raise OrderError(f"Gateway {self.name!r} is not connected: nothing was sent.", gateway=self.name)

    def cancel(self, command: CancelCommand) -> None:
        """Send a cancellation."""
        order = self._tracking.get(command.client_id)
        if order is not None:
            self._loop.begin(lambda: self._desk.cancel(order))

    def modify(self, change: Change, event_ns: int) -> None:
        """Send a change."""
        order = self._tracking.get(change.client_id)
        if order is not None:
            self._loop.begin(lambda: self._desk.change(order, change))

    # ---- questions

    def restore(self, orders: Sequence[Order]) -> None:
        """Look orders up: all that are open by one question, the others by their client ids; one still on its way is waited for.

        Trades are reported as they happened, not order by order: on the way a position took depends what closing it brought.
        """
        known: dict[str, TrackedOrder] = {}
        for order in orders:
            sell, price = order.side == Side.SELL, order.report.price
            quantity = order.instrument.quantity(order.whole.lots)
            known[order.client_id] = self._tracking.expect(order.client_id, order.terms.symbol, sell=sell, amount=quantity, price=price)
        found = self._question(lambda: self._desk.settle_open(list(known.values()))) if known else set()
        for order in orders:
            if order.client_id not in found:
                self._look_up(known[order.client_id], acknowledged=bool(order.venue_order_id), since_s=order.report.time_ns / 1e9)
        self._question(self._desk.release)

    def restore_funding(self, since_ns: int) -> None:
        """Ask for the payments since a time, and look for new ones from then on."""
        self._question(lambda: self._payments.restore(since_ns))

    def query_orders(self) -> list[VenueOrder]:
        """Return the open orders."""
        found: list[VenueOrder] = self._question(self._account.open_orders)
        return found

    def query_positions(self) -> dict[tuple[str, str], float] | None:
        """Return the positions in contracts; None at a spot market, which keeps coins (`coin_of`)."""
        if not self._venue.swap:
            return None
        rows = self._question(self._account.positions)
        return {(symbol, self.venue): quantity for symbol, quantity in rows.items()}

    def query_account(self) -> dict[str, float] | None:
        """Return the cash by currency, coins included; None if cash is not compared."""
        if not self.options.cash_counts:
            return None
        found: dict[str, float] = self._question(self._account.cash)
        return found

    def coin_of(self, instrument: Instrument) -> str:
        """Return the coin as which the venue keeps what was bought of a spot instrument."""
        if self._venue.swap or instrument.venue != self.venue:
            return ""
        market = self._markets[0].get(instrument.symbol) if self._markets else None
        return str(market["base"]) if market else instrument.symbol.partition("/")[0]

    def trial(self) -> GatewayTrial:
        """Log in, subscribe and ask, and trade nothing."""

        async def ask() -> GatewayTrial:
            connection = Connection(self._venue, self._credentials, self._url, self._request_s, self._limit)
            self._desk.begin(connection)
            try:
                await connection.open()
                return await self._account.trial(self.name, redact(self._url), await connection.watch(_nothing, _nothing))
            finally:
                await connection.close()

        try:
            return asyncio.run(asyncio.wait_for(ask(), self._connect_s + 4 * self._request_s))
        except TimeoutError:
            raise GatewayError(f"{self.name} did not answer in time.") from None

    # ---- inside

    def _look_up(self, order: TrackedOrder, *, acknowledged: bool, since_s: float) -> None:
        while (wait_s := self._question(lambda: self._desk.look_up(order, acknowledged, since_s, self._began_s))) > 0:
            if self._closing.wait(wait_s):
                raise GatewayError(f"Gateway {self.name!r} is being closed.")

    async def _open(self) -> None:
        connection = self._connection = Connection(self._venue, self._credentials, self._url, self._request_s, self._limit, self._markets)
        self._desk.begin(connection)
        self._payments.begin(connection)
        connection.on_payment = self._payments.hint
        await connection.open()
        self._markets = connection.markets
        self._streams = await connection.watch(self._tracking.order, self._tracking.trade)

    async def _serve(self) -> None:
        assert self._connection is not None
        watching = [*self._streams, asyncio.create_task(self._connection.until_end()), asyncio.create_task(self._poll())]
        if self.tells_funding:
            watching.append(asyncio.create_task(self._payments.keep()))
        done, _ = await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # says why

    async def _poll(self) -> None:
        # A message that the stream has lost is found here.
        while True:
            await asyncio.sleep(self.options.poll_s)
            await self._desk.poll()

    def _shut(self) -> None:
        self._loop.shut(None if self._connection is None else self._connection.close)

    def _question(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        async def answer(number: int) -> None:
            value: Any
            try:
                value = await make()
            except GatewayError as error:
                value = error
            except Exception as error:
                value = GatewayError(f"Gateway {self.name!r} could not ask its venue: {type(error).__name__}: {error}.")
            self.answer(number, value)

        def send(number: int) -> None:
            if not self._loop.begin(lambda: answer(number)):
                raise GatewayError(f"Gateway {self.name!r} is not connected.")

        value = self.ask(send)
        if isinstance(value, GatewayError):
            self.hang_up()  # what the venue does not answer now is asked on the next connection, after a while
            raise value
        return value


def _nothing(row: object) -> None:
    """Take in nothing."""
