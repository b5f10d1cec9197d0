"""A trading floor for tests: a live bus, a gateway to a fake exchange over the real ccxt, and an engine here or in a process of its own.

Run as a script with a folder, an exchange, a market, a URL and cash, it is that process: it trades until it is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from patience import within

from gcg_quant.bus import EventBus
from gcg_quant.credentials import Credentials
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    CancelRequest,
    Event,
    Fill,
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
from gcg_quant.strategy_engine.gateways.crypto import CryptoGateway, CryptoOptions

KEYS = {"api_key": "fake-key", "secret": "fake-secret", "password": "fake-passphrase"}
ACCOUNT = "a1"
FINAL = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED)
LIMITS = RiskLimits(price_band=None, max_order_value=None, max_position_value=None, max_orders_per_second=None, self_trade=False)
# Symbol, tick, lot and multiplier by exchange and market, as the fakes list them.
LISTED = {
    ("binance", "spot"): ("BTC/USDT", 0.01, 0.00001, 1.0),
    ("binance", "swap"): ("BTC/USDT:USDT", 0.1, 0.001, 1.0),
    ("okx", "spot"): ("BTC/USDT", 0.1, 0.00001, 1.0),
    ("okx", "swap"): ("BTC/USDT:USDT", 0.1, 0.01, 0.01),
    ("okx", "inverse"): ("BTC/USD:BTC", 0.1, 1.0, 100.0),  # a swap that is paid in coins
}


def make_gateway(exchange: str, market: str, url: str, keys: dict[str, str] | None = None, **options: Any) -> CryptoGateway:
    """Return a gateway that is quick to look again.

    Where others keep the processors busy, a request may take a second to the fake, above all to one that has just started: with a window
    that short it would be refused as too old, and a pong that late would end the connection.
    """
    import ccxt.pro  # noqa: F401  before anybody dials: importing it may take longer than a dial

    window_ms, heartbeat_s = round(within(1000, 6000)), within(0.5, 3.0)
    quick = {"recv_window_ms": window_ms, "poll_s": 1.5, "heartbeat_s": heartbeat_s, "compare_cash": True}
    chosen = CryptoOptions(market="swap" if market == "inverse" else market, **{**quick, **options})
    waits = {"connect_s": within(10.0, 40.0), "patience_s": within(2.0, 8.0)}
    gateway = CryptoGateway(exchange, Credentials(exchange, keys or KEYS), chosen, url=url, **waits)
    gateway._backoff._most_s = 0.5
    return gateway


def make_engine(exchange: str, market: str, url: str, cash: float, **more: Any) -> TradingEngine:
    """Return an engine whose gateway trades at a fake."""
    config = TradingConfig(
        account=ACCOUNT, currency="USDT", cash=cash, stale_ns=600_000_000_000, hold_ns=600_000_000_000, cash_tolerance=1e-6
    )
    return TradingEngine(config, LIMITS, make_gateway(exchange, market, url, **more))


class Floor:
    """One account and its requests. `start` trades in this process, `spawn` in another one."""

    def __init__(self, folder: Path, exchange: str, market: str, port: int, cash: float) -> None:
        self.exchange, self.market, self.cash = exchange, market, cash
        self.url = f"http://127.0.0.1:{port}"
        self.bus = EventBus(folder / "bus", world=World.LIVE, source="floor", page_mb=1, sync="none")
        self.symbol, tick, lot, multiplier = LISTED[exchange, market]
        kind: dict[str, Any] = {"kind": "crypto"} if market == "spot" else {"kind": "future", "margin_rate": 0.1, "multiplier": multiplier}
        if market == "inverse":
            kind["inverse"] = True
        terms = {"market": "crypto", "currency": "BTC" if market == "inverse" else "USDT", "tick_size": tick, "lot_size": lot, **kind}
        self.instrument = Instrument(symbol=self.symbol, venue=exchange, **terms)
        self.bus.instruments.add(self.instrument)
        self.engine: TradingEngine | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._reader = self.bus.reader(start="begin", events=[OrderEvent, Fill, AccountEvent, AlertEvent])
        self._states: dict[str, OrderEvent] = {}
        self._seen: list[Event] = []
        self._count = 0

    # ---- who trades

    def start(self, **more: Any) -> TradingEngine:
        """Trade in this process."""
        self.engine = make_engine(self.exchange, self.market, self.url, self.cash, **more)
        self.engine.start(self.bus)
        return self.engine

    @property
    def gateway(self) -> CryptoGateway:
        """The engine's gateway."""
        assert self.engine is not None
        found = self.engine._gateway
        assert isinstance(found, CryptoGateway)
        return found

    def spawn(self) -> None:
        """Trade in a process of its own."""
        arguments = [str(self.bus.path), self.exchange, self.market, self.url, repr(self.cash)]
        self.process = subprocess.Popen([sys.executable, __file__, *arguments])

    def kill(self) -> None:
        """Kill that process, whatever it does."""
        process, self.process = self.process, None
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

    def close(self) -> None:
        """End all."""
        self.kill()
        if self.engine is not None and self.engine.state != "stopped":
            assert self.engine.stop(10.0)
        self._reader.close()
        self.bus.close()

    # ---- what is asked

    def tick(self, price: float = 60_000.0) -> None:
        """Let event time pass."""
        self.bus.publish(Tick(symbol=self.symbol, venue=self.exchange, last_price=price, event_ns=time.time_ns()))

    def order(self, side: Side, quantity: float, price: float | None = None, client_id: str = "", **more: Any) -> str:
        """Ask for an order, a market one without a price; return its client id."""
        self._count += 1
        client_id = client_id or f"c{self._count}"
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        terms = {"order_type": kind, "quantity": quantity, "side": side, **({} if price is None else {"price": price}), **more}
        self.tick()
        self.bus.publish(OrderRequest(**{**self._of, "client_id": client_id, "event_ns": time.time_ns(), **terms}))
        return client_id

    def cancel(self, client_id: str) -> None:
        """Ask for a cancellation."""
        self.bus.publish(CancelRequest(**self._of, client_id=client_id, event_ns=time.time_ns()))

    def change(self, client_id: str, **terms: float) -> None:
        """Ask for a change."""
        self.bus.publish(ModifyRequest(**self._of, client_id=client_id, event_ns=time.time_ns(), **terms))

    @property
    def _of(self) -> dict[str, Any]:
        return {"symbol": self.symbol, "venue": self.exchange, "account": ACCOUNT, "strategy": "s"}

    # ---- what has become of it

    def look(self) -> None:
        """Read what is new."""
        for event in self._reader:
            self._seen.append(event)
            if isinstance(event, OrderEvent):
                self._states[event.client_id] = event

    def seen(self, kind: type[Event]) -> list[Any]:
        """Return all events of a kind."""
        self.look()
        return [event for event in self._seen if isinstance(event, kind)]

    def of(self, client_id: str) -> OrderEvent | None:
        """Return the last event of an order."""
        self.look()
        return self._states.get(client_id)

    def status(self, client_id: str) -> str:
        """Return the state of an order."""
        found = self.of(client_id)
        return "" if found is None else found.status.name

    def fills(self, client_id: str = "") -> list[Fill]:
        """Return the fills, of one order if given."""
        return [one for one in self.seen(Fill) if client_id in ("", one.client_id)]

    def unfinished(self) -> list[str]:
        """Return the client ids of orders that have not ended."""
        self.look()
        return [name for name, one in self._states.items() if one.status not in FINAL]

    def wait(self, until: Callable[[], object], what: str, timeout_s: float = 120.0) -> None:
        """Wait until something is so, while event time passes."""
        deadline, ticked = time.monotonic() + timeout_s, time.monotonic()
        while not until():
            now = time.monotonic()
            assert now < deadline, f"{what}: {[(name, self.status(name)) for name in self._states][-10:]} {self.alerts()}"
            if now - ticked > 0.2:
                self.tick()
                ticked = now
            time.sleep(0.005)

    def wait_for(self, client_id: str, *statuses: str, timeout_s: float = 120.0) -> OrderEvent:
        """Wait until an order is in one of some states, and return its last event."""
        self.wait(lambda: self.status(client_id) in statuses, f"{client_id} to be {' or '.join(statuses)}", timeout_s)
        found = self.of(client_id)
        assert found is not None
        return found

    def wait_connected(self) -> None:
        """Wait until orders may go out."""
        self.wait(lambda: self.gateway.connected, "the connection")

    def alerts(self) -> list[str]:
        """Return what people were told."""
        return [one.message for one in self.seen(AlertEvent)]

    def position(self) -> Decimal:
        """Return the sum of the fills, signed."""
        return sum((Decimal(repr(one.quantity)) * (1 if one.side == Side.BUY else -1) for one in self.fills()), Decimal(0))

    def earned(self) -> dict[str, Decimal]:
        """Return what the fills have brought to each currency, by plain addition; of contracts the fees alone."""
        found: dict[str, Decimal] = {"USDT": Decimal(0)}
        for one in self.fills():
            if self.market == "spot":
                sign = 1 if one.side == Side.BUY else -1
                base, quote = self.symbol.split("/")
                found[base] = found.get(base, Decimal(0)) + sign * Decimal(repr(one.quantity))
                found[quote] -= sign * Decimal(repr(one.quantity)) * Decimal(repr(one.price))
            if one.fee:
                found[one.fee_currency] = found.get(one.fee_currency, Decimal(0)) - Decimal(repr(one.fee))
        return found


def main() -> None:
    """Trade until the process is killed."""
    path, exchange, market, url, cash = sys.argv[1:]
    engine = make_engine(exchange, market, url, float(cash))
    with EventBus(path, source="trader") as bus:
        engine.start(bus)
        signal.pause()


if __name__ == "__main__":
    main()
