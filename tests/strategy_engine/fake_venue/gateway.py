"""The gateways to the fake venue, built on nothing but the public interface: one that runs freely, and one in lockstep."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any, ClassVar

import msgspec

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.errors import GatewayError, OrderError
from gcg_quant.events import CancelCommand, MarketDataEvent, OrderCommand, OrderStatus, Tick
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine.gateways import Change, GatewayReport, MarketGateway, ReportKind, SessionGateway, VenueOrder
from gcg_quant.strategy_engine.gateways.base import Listener
from gcg_quant.strategy_engine.orders.order import Order

VENUE = "FAKE"
_SEQ = (1 << 60) - 1
_STATES = {"received": OrderStatus.SUBMITTING, "open": OrderStatus.ACCEPTED}


class FakeVenueGateway(SessionGateway):
    """Sends and hopes: what became of an order is heard later, or asked for after the next connection.

    Args:
        port: the venue's, on loopback.
        cash: what the account held when the venue's log began, by currency.
    """

    def __init__(self, port: int, cash: Mapping[str, float], *, patience_s: float = 5.0, first_s: float = 0.02) -> None:
        super().__init__("fake", backoff=Backoff(first_s, 0.3, seed=port), patience_s=patience_s)
        self._port = port
        self._cash = dict(cash)
        self._socket: socket.socket | None = None
        self._held = b""
        self._instruments: dict[str, Instrument] = {}  # by client id

    # ---- the connection

    def dial(self) -> None:
        """Connect and log in."""
        self._socket = socket.create_connection(("127.0.0.1", self._port), self._patience_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""
        self._send({"type": "login", "role": "client"})
        if not self._read():
            raise GatewayError("the venue hung up on the login")
        self._socket.settimeout(None)

    def serve(self) -> None:
        """Read reports and answers."""
        while rows := self._read():
            for row in rows:
                if row["type"] == "report":
                    self._hear(row)
                elif row["type"] == "answer":
                    self.answer(row["number"], row["value"])

    def hang_up(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        if self._socket is not None:
            self._socket.close()

    # ---- commands

    def submit(self, command: OrderCommand) -> None:
        """Send an order."""
        self.check_open()
        self._tell(self._order(command))

    def cancel(self, command: CancelCommand) -> None:
        """Send a cancellation."""
        self._tell({"do": "cancel", "client_id": command.client_id})

    def modify(self, change: Change, event_ns: int) -> None:
        """Send a change."""
        instrument = self._instruments[change.client_id]
        self._tell(
            {
                "do": "modify",
                "client_id": change.client_id,
                "lots": None if change.quantity is None else instrument.lots(change.quantity),
                "price": None if change.price is None else instrument.ticks(change.price),
            }
        )

    # ---- questions

    def restore(self, orders: Sequence[Order]) -> None:
        """Have the venue tell what became of orders."""
        self._instruments |= {order.client_id: order.instrument for order in orders}
        rows = self._ask("history", client_ids=[order.client_id for order in orders])
        # Of the changes, those that led to the terms that we know are no news.
        known = {order.client_id: (order.whole.lots, order.whole.price_ticks) for order in orders}
        changes = [row for row in rows if row["kind"] == "MODIFIED"]
        old = {row["client_id"]: row["number"] for row in changes if (row["lots"], row["price"]) == known[row["client_id"]]}
        for row in rows:
            if row["kind"] != "MODIFIED" or row["number"] > old.get(row["client_id"], 0):
                self._hear(row)

    def query_orders(self) -> list[VenueOrder]:
        """Return the open orders."""
        return [self._venue_order(row) for row in self._ask("orders")]

    def query_positions(self) -> dict[tuple[str, str], float]:
        """Return the positions."""
        return {(symbol, VENUE): self._instrument(symbol).quantity(lots) for symbol, lots in self._ask("positions").items()}

    def query_account(self) -> dict[str, float]:
        """Return the cash."""
        cash = dict(self._cash)
        for symbol, units in self._ask("cash").items():
            instrument = self._instrument(symbol)
            cash[instrument.currency] = cash.get(instrument.currency, 0.0) + _value(units, instrument)
        return cash

    # ---- inside

    def _order(self, command: OrderCommand) -> dict[str, Any]:
        instrument = self._instruments[command.client_id] = self._instrument(command.symbol)
        return {
            "do": "submit",
            "client_id": command.client_id,
            "symbol": command.symbol,
            "side": int(command.side),
            "lots": instrument.lots(command.quantity),
            "price": None if isnan(command.price) else instrument.ticks(command.price),
        }

    def _instrument(self, symbol: str) -> Instrument:
        assert self._bus is not None
        return self._bus.instruments[self._bus.instruments.number(symbol, VENUE)]

    def _venue_order(self, row: dict[str, Any]) -> VenueOrder:
        instrument = self._instrument(row["symbol"])
        return VenueOrder(
            client_id=row["client_id"],
            venue_order_id=row["venue_order_id"],
            symbol=row["symbol"],
            venue=VENUE,
            status=OrderStatus.PARTLY_FILLED if row["filled"] else _STATES[row["state"]],
            quantity=instrument.quantity(row["lots"]),
            filled_quantity=instrument.quantity(row["filled"]),
            price=nan if row["price"] is None else instrument.price(row["price"]),
        )

    def _hear(self, row: dict[str, Any]) -> None:
        client_id, kind = row["client_id"], ReportKind[row["kind"]]
        if "symbol" not in row:  # it knows nothing of such an order
            self.report(GatewayReport(kind=kind, client_id=client_id, event_ns=row.get("now_ns", 0), reason=row.get("reason", "")))
            return
        instrument = self._instrument(row["symbol"])
        filled = kind == ReportKind.FILLED
        self.report(
            GatewayReport(
                kind=kind,
                client_id=client_id,
                event_ns=row["now_ns"],
                venue_order_id=row["venue_order_id"],
                reason=row.get("reason", ""),
                quantity=instrument.quantity(row["lots"]),
                trade_id=row.get("trade_id", ""),
                price=instrument.price(row["price"]) if filled else nan,
                fee=_value(row["fee"], instrument) if filled else 0.0,
                fee_currency=instrument.currency if filled else "",
            )
        )

    def _tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # whether it arrived is asked after the next connection
            self._send({"type": "do", **message})

    def _ask(self, what: str, **more: Any) -> Any:
        return self.ask(lambda number: self._send({"type": "ask", "what": what, "number": number, **more}))

    def _send(self, message: dict[str, Any]) -> None:
        if self._socket is None:
            raise GatewayError("there is no connection")
        self._socket.sendall(msgspec.json.encode(message) + b"\n")

    def _read(self) -> list[dict[str, Any]]:
        # Waits for whole lines; empty at the end of the connection.
        assert self._socket is not None
        while True:
            data = self._socket.recv(1 << 16)
            if not data:
                return []
            *lines, self._held = (self._held + data).split(b"\n")
            if lines:
                return [msgspec.json.decode(line) for line in lines]


class LockstepGateway(FakeVenueGateway, MarketGateway):
    """Steps the venue by the event time of the market data, and waits for each answer: everything happens in one order.

    A venue that dies is waited for, so that its death changes nothing but the number of the connection.
    """

    real: ClassVar[bool] = True
    wait_s: ClassVar[float] = 20.0

    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Connect, and wait for it."""
        super().connect(bus, listener)
        self.wait_connected(self.wait_s)

    @property
    def session(self) -> int:
        """The number of the connection; one is waited for."""
        if not self._closing.is_set():
            self.wait_connected(self.wait_s)
        return self._session

    @property
    def connected(self) -> bool:
        """Whether an order would reach the venue; a connection is waited for."""
        return self.session != 0 and super().connected

    def submit(self, command: OrderCommand) -> None:
        """Send an order; if the venue dies over it, it is looked up after the next connection."""
        with contextlib.suppress(OrderError):
            self.check_open()
            super().submit(command)

    def set_terms(self, number: int, instrument: Instrument) -> None:
        """Need nothing."""

    def seed(self, event: MarketDataEvent) -> None:
        """Know already: the venue lived on."""

    def advance(self, now_ns: int) -> None:
        """Wait for the next market data."""

    def on_market(self, event: MarketDataEvent) -> None:
        """Let the venue's time be the event's, and its market, too."""
        if not isinstance(event, Tick):
            return
        instrument = self._instrument(event.symbol)
        sizes = [instrument.lots(event.bid_size), instrument.lots(event.ask_size)]
        quotes = [instrument.ticks(event.bid_price), sizes[0], instrument.ticks(event.ask_price), sizes[1]]
        message = {"do": "step", "step": event.id & _SEQ, "now_ns": event.event_ns, "market": {event.symbol: quotes}}
        while not self._closing.is_set() and not self._tell_surely(message):
            self.wait_connected(self.wait_s)

    def _tell(self, message: dict[str, Any]) -> None:
        before = self.session
        if not self._tell_surely(message):
            self.wait_connected(self.wait_s, after=before)

    def _tell_surely(self, message: dict[str, Any]) -> bool:
        try:
            self.ask(lambda number: self._send({"type": "do", "number": number, **message}))
        except GatewayError:
            return False
        return True


def _value(units: int, instrument: Instrument) -> float:
    return units * instrument.tick_size * instrument.lot_size * instrument.multiplier
