"""A live bus, the fake venue's process and an engine between them, for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AlertEvent,
    CancelRequest,
    Event,
    GatewayStatus,
    ModifyRequest,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Tick,
    World,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import RiskLimits, TradingConfig, TradingEngine

from .gateway import VENUE, FakeVenueGateway
from .process import VenueProcess

NOW = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
CASH = 1_000_000.0
COIN = Instrument(symbol="COIN", venue=VENUE, kind="crypto", currency="USD", tick_size=0.5, lot_size=1.0)
NAMES: dict[str, Any] = {"symbol": "COIN", "venue": VENUE, "account": "real", "strategy": "s"}


def live_bus(path: Path) -> EventBus:
    """Return a live bus that knows COIN."""
    bus = EventBus(path, world=World.LIVE, source="test", page_mb=0.25, sync="none")
    bus.instruments.add(COIN)
    return bus


def tick(second: float, bid: float, size: float = 2.0) -> Tick:
    """Return a tick of COIN with a spread of one."""
    return Tick(
        symbol="COIN",
        venue=VENUE,
        event_ns=NOW + round(second * SECOND),
        last_price=bid,
        bid_price=bid,
        bid_size=size,
        ask_price=bid + 1,
        ask_size=size,
    )


def order(client_id: str, quantity: float, price: float | None = None, second: float = 0) -> OrderRequest:
    """Return an order for COIN: a negative quantity sells."""
    return OrderRequest(
        **NAMES,
        client_id=client_id,
        event_ns=NOW + round(second * SECOND),
        quantity=abs(quantity),
        price=price,
        side=Side.BUY if quantity > 0 else Side.SELL,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
    )


def cancel(client_id: str, second: float = 0) -> CancelRequest:
    """Return a request to cancel."""
    return CancelRequest(**NAMES, client_id=client_id, event_ns=NOW + round(second * SECOND))


def change(client_id: str, second: float = 0, **terms: float) -> ModifyRequest:
    """Return a request to change."""
    return ModifyRequest(**NAMES, client_id=client_id, event_ns=NOW + round(second * SECOND), **terms)


class Floor:
    """One account on a live bus, whose orders go to a venue that moves only when `step` says so."""

    def __init__(self, folder: Path, wait_until: Callable[..., None], limits: RiskLimits | None = None, **config: Any) -> None:
        self.bus = live_bus(folder / "bus")
        self.venue = VenueProcess(folder)
        self.limits = limits or RiskLimits(buying_power=False)
        self.config = TradingConfig(**{"account": "real", "cash": CASH, "stale_ns": 3600 * SECOND, **config})
        self.wait_until = wait_until
        self.engine = self.make_engine()
        self._steps = 0

    def make_engine(self) -> TradingEngine:
        """Return another engine for the account, with a gateway of its own."""
        self.gateway = FakeVenueGateway(self.venue.port, {"USD": CASH})
        return TradingEngine(self.config, self.limits, self.gateway)

    def start(self, *, up: bool = True) -> None:
        """Start the engine, by default until it may trade, and show a market."""
        self.engine.start(self.bus)
        self.wait_until(lambda: self.engine.state in ("running", "failed"), "the engine's start")
        self.say(tick(0, 100.0))
        if up:
            self.wait_until(lambda: self.status() in ("connected", "halted"), "the connection")

    def restart(self, *, up: bool = True) -> None:
        """Stop the engine and start another one."""
        assert self.engine.stop()
        seen = len(self.read(GatewayStatus))
        self.engine = self.make_engine()
        self.engine.start(self.bus)
        self.wait_until(lambda: self.engine.state in ("running", "failed"), "the engine's start")
        if up:
            self.wait_until(lambda: {one.status for one in self.read(GatewayStatus)[seen:]} & {"connected", "halted"}, "the connection")

    def close(self) -> None:
        """End everything."""
        self.engine.stop()
        self.venue.kill()
        self.bus.close()

    def say(self, *events: Event) -> int:
        """Publish events and wait until the engine has handled them; return the last one's id."""
        handled = self.engine.health().handled
        ids = [self.bus.publish(event, cause=0) for event in events]
        self.wait_until(lambda: self.engine.health().handled >= handled + len(events), "the engine's answer")
        return ids[-1]

    def step(self, bid: int = 200, bid_lots: int = 0, ask: int = 202, ask_lots: int = 0) -> None:
        """Let the venue's time pass with a market, in ticks and lots; without one only the inbox is worked on."""
        self._steps += 1
        market = {"COIN": [bid, bid_lots, ask, ask_lots]}
        self.venue.do("step", step=self._steps, now_ns=NOW + self._steps * SECOND, market=market)

    def read(self, *kinds: type[Event]) -> list[Any]:
        """Return all events of some classes."""
        with self.bus.reader(start="begin", events=kinds) as reader:
            return list(reader)

    def status(self) -> str:
        """Return what was last said of the gateway."""
        told = self.read(GatewayStatus)
        return told[-1].status if told else ""

    def alerts(self, name: str) -> list[str]:
        """Return the alerts of a name."""
        return [one.message for one in self.read(AlertEvent) if one.name == name]

    def state_of(self, client_id: str) -> OrderStatus | None:
        """Return an order's last published state."""
        states = [one.status for one in self.read(OrderEvent) if one.client_id == client_id]
        return states[-1] if states else None

    def wait_for(self, client_id: str, *states: OrderStatus) -> None:
        """Wait until an order is in one of these states."""
        self.wait_until(lambda: self.state_of(client_id) in states, f"{client_id} becoming {states}")

    def wait_inbox(self, client_id: str) -> None:
        """Wait until the venue has received an order."""
        self.wait_until(lambda: any(one["client_id"] == client_id for one in self.venue.ask("orders")), f"{client_id} at the venue")
