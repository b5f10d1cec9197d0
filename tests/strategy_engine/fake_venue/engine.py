"""The engine's process: `python -m fake_venue.engine BUS PORT lockstep|free`. It ends with its standard input, or by a kill."""

from __future__ import annotations

import sys
import time
from typing import ClassVar

from gcg_quant.bus import EventBus
from gcg_quant.component import event_handler
from gcg_quant.events import Bar, Depth, Tick, TradeTick
from gcg_quant.strategy_engine import RiskLimits, TradingConfig, TradingEngine

from .floor import CASH, SECOND
from .gateway import FakeVenueGateway, LockstepGateway

CONFIG = TradingConfig(account="real", cash=CASH, hold_ns=100_000 * SECOND, stale_ns=100_000 * SECOND, answer_ns=100_000 * SECOND)
LIMITS = RiskLimits(max_order_value=20_000.0, max_position_quantity=120.0)


class KeepingEngine(TradingEngine):
    """An engine that handles event by event, and puts its state down often."""

    snapshot_every: ClassVar[int] = 60
    snapshot_least: ClassVar[int] = 1

    def __init__(self, gateway: FakeVenueGateway) -> None:
        super().__init__(CONFIG, LIMITS, gateway)
        self._batch = 1

    @event_handler(Tick, TradeTick, Depth, Bar)
    def on_market(self, event: Tick | TradeTick | Depth | Bar) -> None:
        """Step the venue only when all that happened before is known: in lockstep nobody goes on alone."""
        while isinstance(self._gateway, LockstepGateway) and self._link is not None and not self._link.is_up and not self.stopping:
            self._link.poll()
        super().on_market(event)

    def on_rest(self, idle: bool) -> None:
        """Take every moment for a quiet one."""
        super().on_rest(True)


def gateway_of(kind: str, port: int) -> FakeVenueGateway:
    """Return the gateway of a kind."""
    make = LockstepGateway if kind == "lockstep" else FakeVenueGateway
    return make(port, {"USD": CASH})


def main() -> None:
    """Run an engine."""
    path, port, kind = sys.argv[1:]
    with EventBus(path, source="engine", sync="none") as bus:
        engine = KeepingEngine(gateway_of(kind, int(port)))
        engine.start(bus)
        while engine.state == "starting":
            time.sleep(0.001)
        print(engine.state, flush=True)
        sys.stdin.read()
        engine.stop(20.0)
        print(engine.state, flush=True)


if __name__ == "__main__":
    main()
