"""Trading and strategies open calendars when they start and in quiet moments, not at the first price."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.component import Component
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import RiskLimits, StrategyManager, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.gateways.paper import PaperGateway

COMPONENTS: dict[str, Callable[[], Component]] = {
    "trading": lambda: TradingEngine(TradingConfig(account="paper", currency="USD", cash=1e6), RiskLimits(), PaperGateway()),
    "strategies": StrategyManager,
}


@pytest.mark.parametrize("name", COMPONENTS)
def test_calendars_are_open_before_the_first_price(bus: EventBus, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Those of the instruments that are known at the start, and those of new ones as soon as nothing else is to be done."""
    asked: list[str] = []

    def asking(name: str) -> Calendar:
        asked.append(name)
        return Calendar(name)

    monkeypatch.setattr("gcg_quant.open_calendars.Calendar", asking)
    bus.instruments.add(Instrument(symbol="A", venue="V", calendar="FX"))
    component = COMPONENTS[name]()
    component.start(bus)
    try:
        for expected in (["FX"], ["FX", "24/5"]):
            deadline = time.monotonic() + 60
            while asked != expected:
                assert time.monotonic() < deadline, asked
                time.sleep(0.01)
            bus.instruments.add(Instrument(symbol="B", venue="V", calendar="24/5"))
    finally:
        assert component.stop(60.0)
