"""Trying a collector out beside the running system: it connects on a bus of its own, and each step that works is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from gcg_quant.bus import EventBus
from gcg_quant.collector_sections import CollectorEntry
from gcg_quant.errors import CollectorError, nearest
from gcg_quant.events import MarketDataEvent, Record, World, event_types
from gcg_quant.settings import Settings

from ...data_collector.live import ExchangeCollector, make_collector

__all__ = ["Step", "check_collector", "entry_named"]

_POLL_S = 0.01
_MARKET_DATA = event_types(MarketDataEvent)


class Step(NamedTuple):
    """What was tried, how it went, and how long it took (None: it is no matter of time)."""

    step: str
    detail: str
    seconds: float | None = None


def entry_named(settings: Settings, name: str) -> CollectorEntry:
    """Return an entry of [[collectors.run]]. Raises CollectorError: there is none of that name."""
    entries = {entry.name: entry for entry in settings.collectors.run}
    if name not in entries:
        known = "" if entries else " The settings have no [[collectors.run]]."
        raise CollectorError(f"There is no collector {name!r} in the settings.{nearest(name, entries)}{known}", name=name)
    return entries[name]


def check_collector(settings: Settings, name: str, *, wait_s: float) -> Iterator[Step]:
    """Yield each step that works: package, credentials, connection, clock, symbols, first event.

    Args:
        settings: with the entry.
        name: of the entry.
        wait_s: longest time to wait for the first event.

    Raises:
        CollectorError, SettingsError: the first step that does not work, in one sentence.
    """
    entry = entry_named(settings, name)
    collector = make_collector(entry, settings.collectors)
    if missing := collector.missing_packages():
        raise CollectorError(f"{name}: {missing}", name=name)
    yield Step("package", ", ".join(collector.packages) or "none is needed")
    for key in collector.secrets:
        collector.credentials.need(key)
    yield Step("credentials", ", ".join(sorted(collector.credentials)) or "none are set, and none are needed")
    with TemporaryDirectory(prefix="gcg_collector_") as folder, EventBus(Path(folder) / "bus", world=World.PAPER, page_mb=4) as bus:
        for override in settings.instruments.overrides:
            bus.instruments.override(override.symbol, override.venue, override.terms)
        collector.history_ns = 0
        with bus.reader(start="end", events=_MARKET_DATA) as reader:
            collector.start(bus)
            try:
                yield from _steps(collector, reader, wait_s)
            finally:
                collector.stop()


def _steps(collector: ExchangeCollector, reader: Any, wait_s: float) -> Iterator[Step]:
    begin = time.monotonic()
    line = collector.connection
    _wait(lambda: line.connected or line.attempts > 0 or collector.state == "failed", collector.connect_s + 5.0)
    if not line.connected:
        where = f" to {collector.url}" if collector.url else ""
        why = line.reason or f"no connection within {collector.connect_s:g} s"
        raise CollectorError(f"{collector.name} cannot connect{where}: {why.rstrip('.')}.", name=collector.name)
    yield Step("connected", collector.url or "to the venue's own address", time.monotonic() - begin)
    _wait(lambda: collector.manners.status().clock_offset_ns is not None, 3.0)
    offset_ns = collector.manners.status().clock_offset_ns
    yield Step("clock", "the venue tells none" if offset_ns is None else f"the venue's is {offset_ns / 1e9:+.3f} s from ours")
    if not collector.symbols:
        found = collector.discover()
        yield Step("symbols", f"none are set; the venue has {len(found)}: {' '.join(found[:5])}" if found else "none are set")
        return
    unknown = collector.manners.refused
    if unknown:
        raise CollectorError(f"{collector.name}: {next(iter(unknown.values()))}", name=collector.name)
    yield Step("symbols", " ".join(sorted(collector.symbols)[:10]))
    begin = time.monotonic()
    record = None
    while record is None and time.monotonic() - begin < wait_s:
        record = reader.read(0.1)
        if line.state == "waiting":
            raise CollectorError(f"{collector.name} lost its connection: {line.reason.rstrip('.')}.", name=collector.name)
    if not isinstance(record, Record):
        faults = ", ".join(f"{count} {kind}" for kind, count in collector.faults.counts().items())
        also = f" (not usable: {faults})" if faults else " (is the market open?)"
        raise CollectorError(f"{collector.name}: no event came within {wait_s:g} s{also}.", name=collector.name)
    yield Step("first event", f"{type(record).__name__} of {record.symbol}@{record.venue}", time.monotonic() - begin)


def _wait(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
