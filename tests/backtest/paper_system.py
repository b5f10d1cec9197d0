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
from gcg_quant.history import History
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import StrategyManager
from gcg_quant.strategy_engine.trading import TradingConfig, TradingEngine

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "strategies"
SECOND = 10**9
CASH = 100_000.0


class Paper:
    """A paper system; `files` are strategy files by name. Manager and engine have threads, or turn by turn that of the test."""

    def __init__(self, kit: ModuleType, bus: EventBus, folder: Path, files: dict[str, str] | None = None, *, threaded: bool = True) -> None:
        self.kit, self.bus, self.folder = kit, bus, folder
        folder.mkdir()
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        bus.instruments.add(Instrument(symbol="X", venue="SIM", kind="stock", tick_size=0.01, lot_size=1.0, taker_fee=0.001))
        self.engine = TradingEngine(TradingConfig(cash=CASH))
        self.now_ns = kit.START_NS
        self._threaded = threaded
        self.engine.start(bus, threaded=threaded)
        self._start_manager(None)

    def _start_manager(self, history: History | None) -> None:
        self.manager = StrategyManager([self.folder, EXAMPLES], adapters=[BacktraderAdapter()], account="paper", event_time=True)
        self.manager.start(self.bus, history, threaded=self._threaded)
        self.wait(lambda: self.engine.state == self.manager.state == "running")

    def crash(self) -> None:
        """End the manager as a killed process ends: nothing is said of it."""
        adapter = self.manager._roster.find("one")
        if adapter is not None:
            adapter.strategy._end()
        self.manager._roster.closing = True
        self.manager.accepts_orders = False
        self.manager._roster._hosted.clear()
        self.manager.stop()

    def restart(self, history: History | None = None, *, crash: bool = False) -> None:
        """Start a new manager on the same bus; the old one is stopped, or dies."""
        if crash:
            self.crash()
        else:
            self.manager.stop()
        self._start_manager(history)
        if crash:
            self.wait(lambda: self.cerebro is not None and not self.adapter.warming_up, "the strategy's run")

    def close(self) -> None:
        """Stop everything."""
        assert self.manager.stop(60.0)
        assert self.engine.stop(60.0)

    def wait(self, condition: Callable[[], Any], what: str = "the condition") -> None:
        """Wait for a condition, or fail."""
        deadline = time.monotonic() + 60.0
        while not condition():
            if not self._threaded and self.engine.turn() + self.manager.turn():
                continue
            assert time.monotonic() < deadline, f"{what} did not come true in time"
            time.sleep(0.0005)

    def load(self, file: str, **parameters: Any) -> None:
        """Load and start a strategy as "one", and wait until it is live."""
        wanted = {"period": "1s", **parameters}
        assert self.command(StrategyControlEvent(action="run", file=file, strategy="one", symbols=["X"], parameters=wanted))
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
        """The Backtrader strategy, None before its run has begun."""
        running = getattr(self.cerebro, "runningstrats", None)
        return running[0] if running else None

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
        """Wait until everything that is on the bus has been handled, and the strategy has been brought all of it (without threads)."""
        while True:
            while self.engine.turn() + self.manager.turn():
                pass
            head = self.bus.head(Lane.MARKET)
            for _ in range(2):  # the run asks again when it is done with what it got
                self._wait_for_run()
            if self.adapter._stream.empty and self.bus.head(Lane.MARKET) == head:
                return

    def _wait_for_run(self) -> None:
        stream, thread = self.adapter._stream, self.adapter._thread
        asked_ns = stream._asked_ns
        stream.wake()
        self.wait(lambda: stream._asked_ns > asked_ns or not thread.is_alive(), "the run's turn")

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
