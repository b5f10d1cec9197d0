"""Fifty strategies of one process: the manager keeps up, however long the market goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.data_collector import SimulatedExchange
from gcg_quant.events import Fill, LogEvent
from gcg_quant.strategy_engine import LoadRequest, StrategyManager, TradingConfig, TradingEngine

Journal = Callable[..., list[Any]]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

COUNT = 50
SYMBOLS = ("BTC/USDT", "ETH/USDT", "EUR/USD", "AAPL", "SPY")


def test_fifty_strategies_keep_up(bus: EventBus, start_manager: Start, journal: Journal, wait_until: WaitUntil) -> None:
    """Under 100 ticks a second all fifty run and trade, none fails, and the lag comes down to nothing again and again."""
    engine = TradingEngine(TradingConfig(account="paper", cash=1e9))
    engine.start(bus)
    wait_until(lambda: engine.state == "running", "the engine's start")
    load = [
        LoadRequest(
            file="grid",
            id=f"grid-{number}",
            symbols=(SYMBOLS[number % len(SYMBOLS)],),
            parameters={"step_percent": 0.01 + 0.001 * number, "quantity": 1000.0 if number % len(SYMBOLS) == 2 else 1.0},
            start=True,
        )
        for number in range(COUNT)
    ]
    manager = start_manager(load=load)
    exchange = SimulatedExchange(symbols=SYMBOLS, ticks_per_second=100.0, history_minutes=0)
    exchange.start(bus)
    try:
        wait_until(lambda: [one.state for one in manager.strategies()] == ["running"] * COUNT, "all to run", timeout_s=30.0)
        for _ in range(5):
            handled = manager.health().handled
            wait_until(lambda before=handled: manager.health().handled > before + 100, "a hundred more events", timeout_s=30.0)
            wait_until(lambda: manager.health().lag == 0, "an empty queue", timeout_s=30.0)
        wait_until(lambda: len({fill.strategy for fill in journal(Fill)}) >= COUNT // 3, "fills of a third of them", timeout_s=60.0)
    finally:
        assert exchange.stop()
        assert engine.stop()
    assert {one.state for one in manager.strategies()} == {"running"}
    assert [event for event in journal(LogEvent) if event.level == "error"] == []
