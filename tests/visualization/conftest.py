"""Fixtures of the chart page: a market that publishes what it is told, a bridge, a real server, and a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MILLISECOND, NS_PER_MINUTE, NS_PER_SECOND, now_ns
from gcg_quant.events import Bar, Fill, Side, Tick, VolumeKind
from gcg_quant.instruments import Instrument
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.server import AppServer, create_app, serve


def wait_until(condition: Callable[[], Any], what: str = "the condition", timeout_s: float = 60.0) -> Any:
    """Return the first true answer of `condition`, or fail after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {timeout_s} s")


@pytest.fixture
def until() -> Callable[..., Any]:
    """Return `wait_until`."""
    return wait_until


class Market:
    """A venue for tests: publishes ticks, bars and fills of a few instruments onto a bus.

    Its clock stands at the minute in which it was made and moves a millisecond a tick, so that no test meets the end of a minute.
    """

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self.volume = 0.0
        self.minute_ns = now_ns() // NS_PER_MINUTE * NS_PER_MINUTE
        self.ticks = 0
        for symbol, tick_size in (("BTC/USDT", 0.01), ("ETH/USDT", 0.1), ("EUR/USD", 0.00001)):
            kind = "fx" if symbol == "EUR/USD" else "crypto"
            bus.instruments.add(Instrument(symbol=symbol, venue="SIM", tick_size=tick_size, lot_size=0.0001, kind=kind))

    def tick(self, price: float, *, symbol: str = "BTC/USDT", at_ns: int | None = None, size: float = 0.5) -> int:
        """Publish a tick with a spread of 1 around its last price; return its id."""
        self.volume += size
        self.ticks += 1
        return self.bus.publish(
            Tick(
                symbol=symbol,
                venue="SIM",
                event_ns=self.minute_ns + self.ticks * NS_PER_MILLISECOND if at_ns is None else at_ns,
                last_price=price,
                last_size=size,
                volume=self.volume,
                volume_kind=VolumeKind.DAY,
                bid_price=price - 0.5,
                bid_size=2.0,
                ask_price=price + 0.5,
                ask_size=3.0,
                prev_close=100.0,
            )
        )

    def bar(self, start_ns: int, close: float, *, period: str = "1m", symbol: str = "BTC/USDT", backfill: bool = True) -> int:
        """Publish a finished bar that opens one lower than it closes; return its id."""
        length_s = {"1s": 1, "1m": 60, "5m": 300, "1h": 3600, "1d": 86_400}[period]
        bar = Bar(
            symbol=symbol,
            venue="SIM",
            period=period,
            start_ns=start_ns,
            end_ns=start_ns + length_s * NS_PER_SECOND,
            open=close - 1,
            high=close + 2,
            low=close - 2,
            close=close,
            volume=10.0,
        )
        return self.bus.publish(bar, backfill=backfill)

    def past(self, minutes: int, *, symbol: str = "BTC/USDT", base: float = 100.0) -> list[int]:
        """Publish one-minute bars up to the minute before this one, as history; return their starts."""
        starts = [self.minute_ns - back * NS_PER_MINUTE for back in range(minutes, 0, -1)]
        for at, start in enumerate(starts):
            self.bar(start, base + at % 7, symbol=symbol)
        return starts

    def fill(self, price: float, *, side: Side = Side.BUY, symbol: str = "BTC/USDT", strategy: str = "grid") -> int:
        """Publish a fill of 0.25; return its id."""
        fill = Fill(
            symbol=symbol,
            venue="SIM",
            event_ns=self.minute_ns + self.ticks * NS_PER_MILLISECOND,
            account="paper",
            strategy=strategy,
            request=17,
            price=price,
            quantity=0.25,
            side=side,
        )
        return self.bus.publish(fill)


@pytest.fixture
def market(bus: EventBus) -> Market:
    """Return a market on the test's bus."""
    return Market(bus)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings whose page shows BTC/USDT in minutes, on a free port, with a home of their own."""
    home = {"home": str(tmp_path / "home")}
    return Settings.model_validate({"system": home, "web": {"port": 0}, "chart": {"symbol": "BTC/USDT", "period": "1m"}})


@pytest.fixture
def bridge(bus: EventBus, settings: Settings) -> Iterator[WebSocketEventBridge]:
    """Return a bridge that runs on the test's bus."""
    running = WebSocketEventBridge(settings)
    running.start(bus)
    wait_until(lambda: running.state == "running", "the bridge running")
    yield running
    assert running.stop(60.0)


@pytest.fixture
def server(bus: EventBus, settings: Settings, bridge: WebSocketEventBridge) -> Iterator[AppServer]:
    """Return a real web server on a free port."""
    running = serve(create_app(bus, settings, None, bridge), port=0)
    yield running
    assert running.stop(60.0)
