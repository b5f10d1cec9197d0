"""From a publisher to a handler in one process: the bus beside vnpy's EventEngine, nautilus_trader's MessageBus and a dict of lists.

All carry the same record, and every handler reads two of its attributes. The others hand over a reference and keep nothing: the bus
reads its events from the journal, where they stay. A regression means that every component got dearer.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from gcg_quant.events import TradeTick

from . import records
from .rows import Plan, Row, at_least, bus_folder, per_second, times


def _on_trade(tick: TradeTick) -> None:
    tick.price  # noqa: B018
    tick.size  # noqa: B018


def dict_of_lists(count: int) -> float:
    """Return events a second of the least that Python can do: look up the type, call each handler."""
    handlers: dict[type, list[Callable[[Any], None]]] = {TradeTick: [_on_trade]}
    record = records.trade()
    begin = time.perf_counter()
    for _ in itertools.repeat(None, count):
        for handler in handlers[type(record)]:
            handler(record)
    return count / (time.perf_counter() - begin)


def nautilus(count: int) -> float:
    """Return messages a second of `MessageBus.publish`, which calls the handler itself."""
    from nautilus_trader.common.component import LiveClock, MessageBus
    from nautilus_trader.model.identifiers import TraderId

    bus = MessageBus(trader_id=TraderId("BENCH-001"), clock=LiveClock())
    bus.subscribe(topic="data.trades.BINANCE.BTCUSDT", handler=_on_trade)
    record = records.trade()
    publish, topic = bus.publish, "data.trades.BINANCE.BTCUSDT"
    publish(topic, record)
    begin = time.perf_counter()
    for _ in itertools.repeat(None, count):
        publish(topic, record)
    return count / (time.perf_counter() - begin)


def vnpy(count: int) -> float:
    """Return events a second from `EventEngine.put` to the handler on the engine's thread."""
    from vnpy.event import Event, EventEngine

    engine = EventEngine()
    done = threading.Event()

    def on_event(event: Any) -> None:
        _on_trade(event.data)

    engine.register("eTick", on_event)
    engine.register("eEnd", lambda event: done.set())
    engine.start()
    try:
        record = records.trade()
        put = engine.put
        begin = time.perf_counter()
        for _ in itertools.repeat(None, count):
            put(Event("eTick", record))
        put(Event("eEnd"))
        if not done.wait(records.PATIENCE_S):
            raise RuntimeError(f"the engine did not handle {count} events in {records.PATIENCE_S:g} s")
        return count / (time.perf_counter() - begin)
    finally:
        engine.stop()


PEERS = [
    ("nautilus_trader MessageBus.publish to a handler", nautilus, 1_000_000, 5.0),
    ("vnpy EventEngine.put to a handler", vnpy, 200_000, 30.0),
]


def handling(plan: Plan) -> Iterator[Row]:
    """Yield the rows of handlers, ours and the peers'."""
    with bus_folder() as folder:
        ours = plan.median(lambda: records.handle(folder, plan.count(2_000_000)))
        yield at_least("journal -> bus -> a component's handler that reads two attributes", ours, 8e6)
        looped = plan.median(lambda: records.loop(folder, plan.count(2_000_000)))
        yield at_least("for event in reader, reading two attributes", looped, 8e6)
    yield Row("a plain dict of lists, called directly", per_second(plan.median(lambda: dict_of_lists(plan.count(2_000_000)))))
    for name, measure, count, target in PEERS if plan.peers else ():
        try:
            theirs = plan.median(lambda: measure(plan.count(count)))  # noqa: B023
        except Exception as error:  # whatever keeps a peer from running is named, and the rest goes on
            yield Row(name, "-", f"not measured: {type(error).__name__}: {error}")
            continue
        yield Row(name, per_second(theirs))
        yield times(f"the component's handler beside {name.split()[0]}", ours, theirs, target)
