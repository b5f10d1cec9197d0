"""A collector that reads a fake venue through a proxy, and what has come of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from fakes.process import FakeVenue
from fakes.proxy import FaultProxy

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.data_collector.crypto import CcxtCollector, CcxtOptions
from gcg_quant.events import Depth, Event, GapEvent, SubscribeEvent, Tick, TradeTick

T = TypeVar("T")


class Rig:
    """Use it in a `with`; `events` grows with each look."""

    def __init__(
        self,
        exchange: str,
        fake: FakeVenue,
        bus: EventBus,
        symbols: list[str],
        *,
        silence_s: float = 30.0,
        connect_s: float = 30.0,
        **options: Any,
    ) -> None:
        self.fake, self.bus = fake, bus
        self.proxy = FaultProxy(fake.port)
        self.collector = CcxtCollector(
            exchange,
            symbols=symbols,
            options=CcxtOptions(exchange=exchange, **options),
            url=f"http://127.0.0.1:{self.proxy.port}",
            connect_s=connect_s,
            silence_s=silence_s,
            backoff=Backoff(0.05, 0.3),
        )
        self.events: list[Event] = []
        self._reader = bus.reader(start="begin")

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *exception: object) -> None:
        self.collector.stop()
        self.proxy.close()
        self._reader.close()
        self.fake.do("heal")

    def start(self) -> Rig:
        """Start the collector."""
        self.collector.start(self.bus)
        return self

    def look(self) -> list[Event]:
        """Read what has come since, and return all."""
        while (event := self._reader.read(timeout_s=0)) is not None:
            self.events.append(event)
        return self.events

    def until(self, condition: Callable[[], T], what: str, timeout_s: float = 120.0) -> T:
        """Wait for a condition."""
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            logs = [event for event in self.look() if type(event).__name__ == "LogEvent"]
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}; {self.collector.connection.reason}; {logs[-5:]}"
            time.sleep(0.01)
        return found

    def of(self, *kinds: type[Any], symbol: str = "") -> list[Any]:
        """Return the events of some kinds."""
        return [event for event in self.look() if isinstance(event, kinds) and symbol in ("", event.symbol)]

    def flows(self, symbol: str = "", *, since: int | None = None) -> int:
        """Wait until trades, ticks and books of a symbol have come behind the last event of now, and return how many there are by then."""
        begin = len(self.look()) if since is None else since

        def all_there() -> bool:
            new = self.look()[begin:]
            return all(any(isinstance(one, kind) and symbol in ("", one.symbol) for one in new) for kind in (TradeTick, Tick, Depth))

        self.until(all_there, f"trades, ticks and books of {symbol}")
        return len(self.events)

    def gaps(self, kind: str, symbol: str = "") -> list[GapEvent]:
        """Return the gaps of a kind."""
        return [gap for gap in self.of(GapEvent, symbol=symbol) if gap.kind == kind]

    def faults(self, kind: str) -> int:
        """Return how many faults of a kind there were."""
        return self.collector.faults.counts().get(kind, 0)

    def subscribe(self, symbol: str, *, wanted: bool = True) -> None:
        """Add a symbol, or give it up."""
        self.bus.publish(SubscribeEvent(symbol=symbol, venue=self.collector.venue, subscribe=wanted))
