"""From a request to the gateway's call, inside the trading engine and from process to process.

A regression within the engine means that more work stands between a strategy's decision and the venue: in the risk check, in making the
verdict, the order and the command, or in publishing them. It does not show what the gateway itself needs, nor a network.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from system import latencies_us, run

from gcg_quant.bus import EventBus
from gcg_quant.events import CancelCommand, OrderCommand, OrderRequest, OrderType, Side, Tick, TimeInForce, World
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.gateways.base import Change, Gateway, GatewayReport, Listener, ReportKind, VenueOrder
from gcg_quant.strategy_engine.orders.order import Order

from .rows import Plan, Row, bus_folder

NOW = 1_790_000_000_000_000_000
STEP_NS = 1_000_000  # event time from one order to the next: a thousand a second
SYMBOLS = [f"C{number:02}/USDT" for number in range(50)]
STRATEGIES = [f"strategy-{number}" for number in range(10)]
EVERY_RULE = RiskLimits(
    max_order_quantity=1e6,
    max_order_value=1e9,
    max_position_quantity=1e6,
    max_position_value=1e9,
    max_orders_per_second=1e6,
    max_open_orders=1e6,
    price_band=0.5,
    max_concentration=100.0,
    session=True,
    max_daily_loss=1e9,
)


class Stopwatch(Gateway):
    """A gateway that notes when it is called, and ends every order at once, so that the next one finds the account as it was."""

    real: ClassVar[bool] = False
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset(TimeInForce)

    def __init__(self) -> None:
        super().__init__("stopwatch")
        self.called_ns = 0
        self._listener: Listener | None = None

    @property
    def connected(self) -> bool:
        """Whether it was opened."""
        return self._listener is not None

    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Begin."""
        self._listener = listener

    def submit(self, command: OrderCommand) -> None:
        """Note the time."""
        self.called_ns = time.perf_counter_ns()
        if self._listener is not None:
            self._listener(GatewayReport(kind=ReportKind.EXPIRED, client_id=command.client_id, event_ns=command.event_ns))

    def cancel(self, command: CancelCommand) -> None:
        """There is nothing to cancel."""

    def modify(self, change: Change, event_ns: int) -> None:
        """There is nothing to change."""

    def restore(self, orders: Sequence[Order]) -> None:
        """There was nothing before."""

    def query_orders(self) -> list[VenueOrder]:
        """Return nothing: every order has ended."""
        return []

    def close(self) -> None:
        """End."""
        self._listener = None


class TimedEngine(TradingEngine):
    """An engine that notes when it begins to handle a request."""

    def __init__(self, gateway: Stopwatch) -> None:
        super().__init__(TradingConfig(currency="USDT", cash=1e9), EVERY_RULE, gateway)
        self.begun_ns: list[int] = []
        self.times_ns: list[int] = []

    def handle(self, event: Any) -> None:
        """Answer a request, and note how long it took until the gateway was called."""
        begin = time.perf_counter_ns()
        super().handle(event)
        self.times_ns.append(self._gateway.called_ns - begin)  # type: ignore[attr-defined]


def tick(number: int, price: float) -> Tick:
    """Return a tick of some symbol."""
    names: dict[str, Any] = {"symbol": SYMBOLS[number % len(SYMBOLS)], "venue": "SIM"}
    quotes = {"bid_price": price, "bid_size": 1e6, "ask_price": price + 0.01, "ask_size": 1e6}
    return Tick(**names, event_ns=NOW + number * STEP_NS, last_price=price, prev_close=100.0, **quotes)


def order(number: int) -> OrderRequest:
    """Return a limit order of some strategy."""
    return OrderRequest(
        symbol=SYMBOLS[number * 7 % len(SYMBOLS)],
        venue="SIM",
        event_ns=NOW + number * STEP_NS,
        account="paper",
        strategy=STRATEGIES[number % len(STRATEGIES)],
        client_id=f"bench-{number}",
        quantity=1.0,
        price=99.0 + number % 200 / 100,
        side=Side.BUY if number % 2 else Side.SELL,
        order_type=OrderType.LIMIT,
    )


def request(plan: Plan) -> Iterator[Row]:
    """Measure a request's way through the engine, driven by hand so that nobody else runs in between."""
    with bus_folder() as folder, EventBus(folder / "bus", world=World.PAPER, source="bench") as bus:
        for symbol in SYMBOLS:
            bus.instruments.add(preset("crypto", symbol, "SIM", tick_size=0.01))
        engine = TimedEngine(Stopwatch())
        engine.start(bus, threaded=False)
        for number in range(len(SYMBOLS)):
            bus.publish(tick(number, 100.0))
        for number in range(plan.count(20_000)):
            bus.publish(tick(number, 100.0 + number % 7 / 100))
            bus.publish(order(number))
            engine.turn()
        engine.stop()
    times = np.array(engine.times_ns[len(engine.times_ns) // 10 :]) / 1e3
    if (times <= 0).any():
        raise SystemExit("an order never reached the gateway")
    median = float(np.percentile(times, 50))
    yield Row("request -> gateway.submit within the engine, p50", f"{median:.1f} us", "< 10 us", median < 10)
    yield Row("request -> gateway.submit within the engine, p99", f"{np.percentile(times, 99):.1f} us")


def across(plan: Plan) -> Iterator[Row]:
    """Run the demo with its processes, and read from its journal when ticks and the commands that they led to were published."""
    with bus_folder() as folder:
        home = Path(folder) / "home"
        run(home, 20.0 if plan.quick else 60.0, ticks=500, strategies=10)
        with EventBus(home / "bus", create=False, read_only=True) as bus:
            delays, _ = latencies_us(bus, OrderCommand)
    if not len(delays):
        raise SystemExit("no tick has led to an order")
    median, rare = np.percentile(delays, 50) / 1e3, np.percentile(delays, 99) / 1e3
    yield Row("tick -> command for the gateway, three processes, p50 / p99", f"{median:.2f} / {rare:.1f} ms")
