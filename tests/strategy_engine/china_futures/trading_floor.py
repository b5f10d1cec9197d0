"""A trading engine whose gateway trades at the fake counter, and the requests that go to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fakes.china.counter import Counter

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.events import (
    AlertEvent,
    CancelRequest,
    Event,
    Fill,
    LogEvent,
    Offset,
    OrderEvent,
    OrderRequest,
    OrderType,
    PositionEvent,
    PositionSide,
    RiskVerdict,
    Side,
    Tick,
)
from gcg_quant.strategy_engine import RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.gateways.china_futures import CtpGateway

ACCOUNT = "paper"
LIMITS = RiskLimits(max_order_quantity=20.0)


class TradingFloor:
    """An account, its requests, and what became of them. Event time goes on by 100 ms with each tick.

    Args:
        bus: a live one.
        counter: where it trades.
        make: makes a gateway to the counter.
    """

    def __init__(self, bus: EventBus, counter: Counter, make: Callable[..., CtpGateway]) -> None:
        self.bus, self.counter = bus, counter
        self.now_ns = from_iso("2021-01-04T09:30:00+08:00")
        self.engine: TradingEngine | None = None
        self._make = make
        self._events: list[Event] = []
        self._reader = bus.reader(start="begin", events=[OrderEvent, Fill, PositionEvent, RiskVerdict, AlertEvent, LogEvent])

    # ---- who trades

    def start(self, *, up: bool = True, **more: Any) -> TradingEngine:
        """Trade, and wait until orders may go out."""
        config = TradingConfig(
            account=ACCOUNT, currency="CNY", cash=1e6, stale_ns=3600_000_000_000, answer_ns=more.pop("answer_ns", 10**10)
        )
        engine = self.engine = TradingEngine(config, LIMITS, self._make(**more))
        engine.start(self.bus)
        self.until(lambda: engine.state in ("running", "failed"), "the engine's start")
        assert engine.state == "running"
        if up:
            self.until_up()
        return engine

    def stop(self) -> None:
        """Stop it; orders stay at the counter."""
        engine, self.engine = self.engine, None
        if engine is not None:
            assert engine.stop(20.0)

    def close(self) -> None:
        """End all."""
        self.stop()
        self._reader.close()

    @property
    def is_up(self) -> bool:
        """Whether orders may go out."""
        return self.engine is not None and self.engine._gateway.connected

    def until_up(self) -> None:
        """Wait until orders may go out."""
        self.until(lambda: self.is_up, "the connection")

    # ---- what is asked

    def tick(self, symbol: str = "rb2105", price: float = 4000.0) -> None:
        """Let event time pass by 100 ms, with a price."""
        self.now_ns += 100_000_000
        venue = "SHFE" if symbol == "rb2105" else "CFFEX"
        sides = {"bid_price": price, "bid_size": 100.0, "ask_price": price, "ask_size": 100.0}
        self.bus.publish(Tick(symbol=symbol, venue=venue, event_ns=self.now_ns, last_price=price, **sides))

    def order(self, name: str, side: Side, lots: float, price: float = 4000.0, symbol: str = "rb2105", **more: Any) -> str:
        """Ask for a limit order, whose offset the engine chooses unless it is given; return its name."""
        self.tick(symbol, price)
        venue = "SHFE" if symbol == "rb2105" else "CFFEX"
        terms = {"side": side, "quantity": lots, "order_type": OrderType.LIMIT, "price": price, **more}
        names = {"symbol": symbol, "venue": venue, "account": ACCOUNT, "strategy": "s", "client_id": name}
        self.bus.publish(OrderRequest(**names, event_ns=self.now_ns, **terms))
        return name

    def cancel(self, name: str) -> None:
        """Ask for a cancellation."""
        names = {"symbol": "rb2105", "venue": "SHFE", "account": ACCOUNT, "strategy": "s", "client_id": name}
        self.bus.publish(CancelRequest(**names, event_ns=self.now_ns))

    def trade(self, name: str, lots: int, price: float = 4000.0, **more: Any) -> None:
        """Let an order trade at the exchange."""
        sent = self.of(name)
        assert sent is not None
        found = [one for one in self.counter.trading.orders.values() if one["OrderSysID"].strip() == sent.venue_order_id.rpartition(":")[2]]
        assert len(found) == 1
        self.counter.trading.trade(lots, price, order=found[0], **more)

    def holds(self, name: str, side: Side, lots: int, price: float = 4000.0, symbol: str = "rb2105") -> None:
        """Open a position: an order that is filled whole."""
        self.order(name, side, lots, price, symbol, offset=Offset.OPEN)
        self.until_is(name, "ACCEPTED")
        self.trade(name, lots, price)
        self.until_is(name, "FILLED")

    # ---- what became of it

    def seen(self, kind: type[Event]) -> list[Any]:
        """Return all events of a kind."""
        self._events += list(self._reader)
        return [one for one in self._events if isinstance(one, kind)]

    def of(self, name: str) -> OrderEvent | None:
        """Return the last event of an order."""
        return next((one for one in reversed(self.seen(OrderEvent)) if one.client_id == name), None)

    def status(self, name: str) -> str:
        """Return the state of an order."""
        found = self.of(name)
        return "" if found is None else found.status.name

    def until_is(self, name: str, *statuses: str) -> OrderEvent:
        """Wait until an order is in one of some states, and return its last event."""
        self.until(lambda: self.status(name) in statuses, f"{name} to be {' or '.join(statuses)}")
        found = self.of(name)
        assert found is not None
        return found

    def until(self, condition: Callable[[], object], what: str, timeout_s: float = 60.0, tick_s: float = 0.02) -> None:
        """Wait for a condition, while event time passes."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            words = [(one.client_id, one.status.name, one.reason) for one in self.seen(OrderEvent)[-8:]]
            assert time.monotonic() < deadline, f"{what}: {words} {self.alerts()} {[one.message for one in self.seen(LogEvent)][-5:]}"
            self.tick()
            time.sleep(tick_s)

    def position(self, side: PositionSide, symbol: str = "rb2105") -> tuple[float, float]:
        """Return the quantities of today and of before that are held on a side."""
        told = [one for one in self.seen(PositionEvent) if (one.symbol, one.position_side) == (symbol, side)]
        return (told[-1].today, told[-1].yesterday) if told else (0.0, 0.0)

    def alerts(self) -> list[str]:
        """Return the names of what people were told."""
        return [one.name for one in self.seen(AlertEvent)]

    def sent(self) -> list[str]:
        """Return what went out: of each order, its direction, offset and lots."""
        found = [fields for name, fields in self.counter.requests if name == "OrderInsert"]
        return [f"{'buy' if one['Direction'] == '0' else 'sell'} {one['CombOffsetFlag']} {one['VolumeTotalOriginal']}" for one in found]
