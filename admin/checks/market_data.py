"""The market data of a rehearsal: simulated or recorded, and the same with holes in it."""

from __future__ import annotations

import fnmatch
import itertools
import tempfile
from collections.abc import Sequence
from math import nan
from pathlib import Path
from typing import NamedTuple

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError, StrategyError
from gcg_quant.events import Bar, Depth, Event, GapEvent, GatewayStatus, Tick, TradeTick, World
from gcg_quant.instruments import Instrument

from ...data_collector.simulation.profiles import PROFILES
from ...data_collector.simulation.simulated import SimulatedExchange

__all__ = ["MarketData", "disturbed", "recorded", "simulated"]

_KINDS = (Tick, Depth, TradeTick, Bar)
_TICKS_PER_SYMBOL = 5.0  # a second
_WAIT_S = 60.0


class MarketData(NamedTuple):
    """Events in their order, the terms of what they are of, and where they come from, in words."""

    events: list[Event]
    terms: list[Instrument]
    origin: str


def simulated(symbols: Sequence[str], seconds: float) -> MarketData:
    """Return the same ticks, trades and books every time; patterns are filled from the symbols that the simulated exchange knows.

    Raises:
        StrategyError: a pattern that fits none.
    """
    venues = [text.rpartition("@")[2] for text in symbols if "@" in text]
    names: list[str] = []
    for text in symbols:
        symbol = text.rpartition("@")[0] if "@" in text else text
        fitting = fnmatch.filter(PROFILES, symbol) if any(sign in symbol for sign in "*?[") else [symbol]
        if not fitting:
            raise StrategyError(f"No symbol of the simulated exchange fits {text!r}: name some with --symbol.", symbol=text)
        names += fitting
    names = list(dict.fromkeys(names))
    with (
        tempfile.TemporaryDirectory(prefix="gcg_quant_test_") as folder,
        EventBus(Path(folder) / "bus", world=World.REPLAY, page_mb=1) as bus,
    ):
        exchange = SimulatedExchange(
            venue=venues[0] if venues else "SIM",
            symbols=names,
            ticks_per_second=_TICKS_PER_SYMBOL * len(names),
            history_minutes=0,
            trades=True,
            real_time=False,
            stop_after_s=seconds,
        )
        exchange.start(bus)
        if not exchange.finished.wait(_WAIT_S):
            raise ComponentError("The simulated exchange has not come to its end within a minute.")
        exchange.stop()
        return MarketData(_read(bus, None, None), list(bus.instruments), f"{seconds:g} s of simulated {', '.join(names)}")


def recorded(journal: Path, symbols: Sequence[str], most: int) -> MarketData:
    """Return the first market data of some symbols in a journal.

    Raises:
        StrategyError: it is no bus folder, or holds none of them.
    """
    if not (journal / "bus.meta").exists():
        raise StrategyError(f"{journal} is no bus folder: name the folder that holds bus.meta.", journal=str(journal))
    with EventBus(journal, create=False, read_only=True) as bus:
        events = _read(bus, symbols, most)
        if not events:
            known = ", ".join(one.name for one in itertools.islice(bus.instruments, 8))
            raise StrategyError(
                f"The journal {journal} holds no market data of {', '.join(symbols)}; it knows {known}.", journal=str(journal)
            )
        return MarketData(events, list(bus.instruments), f"{len(events)} events of {journal}")


def _read(bus: EventBus, symbols: Sequence[str] | None, most: int | None) -> list[Event]:
    with bus.reader(start="begin", events=_KINDS, symbols=symbols) as reader:
        return list(itertools.islice(reader, most))


def disturbed(market: MarketData, account: str) -> list[Event]:
    """Return the events without their middle third, and in its place what goes wrong in markets.

    A gap event, a gateway that goes down and comes back, ticks without any price, without a last price, and with one side only.
    """
    events = market.events
    third = len(events) // 3
    before, after = events[:third], events[2 * third :]
    seen = {(event.symbol, event.venue): event for event in before if isinstance(event, Tick)}
    end_ns = getattr(after[0], "event_ns", 0) if after else 0
    trouble: list[Event] = []
    for (symbol, venue), tick in seen.items():
        start_ns = tick.event_ns
        trouble.append(GapEvent(symbol=symbol, venue=venue, kind="disconnect", start_ns=start_ns, end_ns=max(end_ns, start_ns)))
        absent = tick.replace(last_price=nan, bid_price=nan, bid_size=nan, ask_price=nan, ask_size=nan)
        trouble.append(absent)
        trouble.append(absent.replace(bid_price=tick.bid_price, bid_size=tick.bid_size))
        trouble.append(absent.replace(ask_price=tick.ask_price, ask_size=tick.ask_size))
        trouble.append(tick.replace(last_price=nan, bid_size=0.0, ask_size=0.0))
    trouble += [GatewayStatus(gateway="test", account=account, status=status) for status in ("disconnected", "connected")]
    return [*before, *trouble, *after]
