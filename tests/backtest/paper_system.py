"""A small paper system in one process, whose market is made by the test: manager, adapter, trading engine and paper gateway on one bus."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gcg_quant.backtest import BacktraderAdapter
from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, Lane, StrategyControlEvent, Tick
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import LoadRequest, StrategyManager
from gcg_quant.strategy_engine.trading import TradingConfig, TradingEngine

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "strategies"
SECOND = 10**9
CASH = 100_000.0


class Paper:
    """A paper system; `files` are strategy files by name."""

    def __init__(self, kit: ModuleType, bus: EventBus, folder: Path, files: dict[str, str] | None = None) -> None:
        self.kit, self.bus, self.folder = kit, bus, folder
        folder.mkdir()
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        bus.instruments.add(Instrument(symbol="X", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0, taker_fee=0.001))
        self.engine = TradingEngine(TradingConfig(cash=CASH))
        self.manager = StrategyManager([folder, EXAMPLES], adapters=[BacktraderAdapter()], account="paper", event_time=True)
        self.now_ns = kit.START_NS
        for component in (self.engine, self.manager):
            component.start(bus)
        self.wait(lambda: self.engine.state == self.manager.state == "running")

    def close(self) -> None:
        """Stop everything."""
        assert self.manager.stop()
        assert self.engine.stop()

    def wait(self, condition: Callable[[], Any], what: str = "the condition") -> None:
        """Wait for a condition, or fail."""
        deadline = time.monotonic() + 10.0
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come true in time"
            time.sleep(0.002)

    def load(self, file: str, **parameters: Any) -> None:
        """Load and start a strategy as "one", and wait until it is live."""
        request = LoadRequest(file=file, id="one", symbols=("X",), parameters={"period": "1s", **parameters})
        self.manager._on_own_thread(lambda: (self.manager._roster.load(request, 0), self.manager._roster.start("one", 0, self.now_ns)))
        self.wait(lambda: self.cerebro is not None and not self.adapter.warming_up, "the strategy's live run")

    @property
    def adapter(self) -> Any:
        """The adapter's strategy."""
        return self.manager._roster.get("one").strategy

    @property
    def cerebro(self) -> Any:
        """The strategy's cerebro."""
        return self.adapter._cerebro

    @property
    def strategy(self) -> Any:
        """The Backtrader strategy."""
        return self.cerebro.runningstrats[0]

    def second(self, price: float) -> None:
        """Let a second pass at a price: a tick, then the bar, which the strategy has seen afterwards."""
        quote = {"bid_price": price - 0.01, "ask_price": price + 0.01, "bid_size": 1e6, "ask_size": 1e6}
        self.bus.publish(Tick(symbol="X", venue="SIM", event_ns=self.now_ns, last_price=price, **quote))
        seen = self.cerebro.bars_done
        self.bus.publish(self.kit.make_bar(self.now_ns, price))
        self.now_ns += SECOND
        self.wait(lambda: self.cerebro.bars_done > seen or not self.adapter._thread.is_alive(), "the bar")

    def told(self) -> list[str]:
        """Return the states that the strategy was told."""
        return [row[1] for row in self.strategy.told]

    def until(self, condition: Callable[[], Any], price: float = 100.0) -> None:
        """Let seconds pass until a condition holds."""
        for _ in range(50):
            if condition():
                return
            self.second(price)
            time.sleep(0.005)
        pytest.fail("the condition did not come true")

    def read(self, *kinds: Any) -> list[Any]:
        """Return all events of some classes."""
        with self.bus.reader(start="begin", events=kinds) as reader:
            return list(reader)

    def quiet(self) -> None:
        """Wait until everything that is on the bus has been handled, and the strategy has been brought all of it."""

        def settled() -> bool:
            head = self.bus.head(Lane.MARKET)
            for component in (self.engine, self.manager):
                component._on_own_thread(lambda: None)  # taken in between two batches: nothing is half handled
            caught_up = all(component.health().lag == 0 for component in (self.engine, self.manager))
            return caught_up and self.adapter._stream.empty and self.bus.head(Lane.MARKET) == head

        self.wait(settled, "the quiet")

    def command(self, event: StrategyControlEvent) -> bool:
        """Send a command and return whether it was carried out."""
        control = self.bus.publish(event)
        self.wait(lambda: any(one.control == control for one in self.read(Applied)), "the answer")
        return bool(next(one.ok for one in self.read(Applied) if one.control == control))

    def market(self, prices: list[float], size: float = 2.0) -> None:
        """Publish a second of ticks at these prices, `size` quoted on each side, and then the bar that they make."""
        step = SECOND // len(prices)
        for number, price in enumerate(prices):
            quote = {"bid_price": price - 0.01, "ask_price": price + 0.01, "bid_size": size, "ask_size": size}
            self.bus.publish(Tick(symbol="X", venue="SIM", event_ns=self.now_ns + number * step, last_price=price, **quote))
        shape = {"open": prices[0], "high": max(prices), "low": min(prices)}
        self.bus.publish(self.kit.make_bar(self.now_ns, prices[-1], **shape))
        self.now_ns += SECOND

    def ticks(self, prices: list[float], size: float = 2.0) -> None:
        """Let such a second pass, until the strategy has seen its bar and everything that follows has been handled."""
        seen = self.cerebro.bars_done
        self.market(prices, size)
        self.wait(lambda: self.cerebro.bars_done > seen or not self.adapter._thread.is_alive(), "the bar")
        self.quiet()
