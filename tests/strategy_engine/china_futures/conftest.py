"""Fixtures of the futures counters' gateway: the real library of CTP, a counter in memory, and an account that trades there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.china.api import FakeLibrary
from fakes.china.counter import USER, Counter
from fakes.china.fixtures import ctp_library, fresh_counter, waiting  # noqa: F401

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.events import World
from gcg_quant.openctp_library import Library
from gcg_quant.openctp_terms import usual_future
from gcg_quant.openctp_trader import Login
from gcg_quant.strategy_engine.gateways import GatewayReport
from gcg_quant.strategy_engine.gateways.china_futures import CtpGateway
from gcg_quant.strategy_engine.gateways.china_futures.options import CtpGatewayOptions

Start = Callable[..., CtpGateway]


@pytest.fixture
def live_bus(tmp_path: Path) -> Iterator[EventBus]:
    """Return a bus of the live world with two contracts."""
    with EventBus(tmp_path / "home" / "bus", world=World.LIVE, source="test", page_mb=1, sync="none") as opened:
        for symbol in ("rb2105", "IF2101"):
            terms = usual_future(symbol)
            assert terms is not None
            opened.instruments.add(terms)
        yield opened


class CounterGateway(CtpGateway):
    """The gateway with the fake counter's API objects."""

    fake: FakeLibrary

    def library(self) -> Library:
        """Return the fake."""
        return self.fake


@pytest.fixture
def make(counter: Counter) -> Callable[..., CounterGateway]:
    """Return a function that makes a gateway to the counter."""

    def made(**more: Any) -> CounterGateway:
        login = Login(**{**USER, **more.pop("user", {})})
        fronts = more.pop("fronts", (counter.address,))
        options = CtpGatewayOptions(query_s=more.pop("query_s", 0.0), **more.pop("options", {}))
        settings: dict[str, Any] = {"backoff": Backoff(0.01, 0.1), "connect_s": 5.0, "patience_s": 5.0, **more}
        gateway = CounterGateway(fronts, login, options=options, **settings)
        assert counter.library is not None
        gateway.fake = counter.library
        return gateway

    return made


@pytest.fixture
def start(make: Callable[..., CounterGateway], live_bus: EventBus) -> Iterator[Callable[..., tuple[CtpGateway, list[GatewayReport]]]]:
    """Return a function that opens a gateway, lets orders out, and returns it and the list of its reports."""
    opened: list[CtpGateway] = []

    def started(**more: Any) -> tuple[CtpGateway, list[GatewayReport]]:
        gateway, heard = make(**more), []
        gateway.open(live_bus, heard.append)
        opened.append(gateway)
        assert gateway.wait_connected(20.0), gateway.failure
        gateway.reconciled(gateway.session)
        return gateway, heard

    yield started
    for gateway in opened:
        gateway.close()
