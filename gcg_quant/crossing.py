"""Which events may cross to another host's bus. Orders, and whatever steers a system, never do: nothing trades by accident."""

from __future__ import annotations

from collections.abc import Iterable

from gcg_quant.errors import EventError, nearest
from gcg_quant.events import (
    AlertEvent,
    BacktestProgressEvent,
    BacktestResultEvent,
    Bar,
    BookDelta,
    CorporateAction,
    Depth,
    Event,
    Funding,
    GapEvent,
    InstrumentEvent,
    Lane,
    LogEvent,
    SessionEvent,
    SignalEvent,
    SubscribeEvent,
    Tick,
    TradeTick,
)

__all__ = ["CROSSING", "USUAL", "crossing_types", "lane_of"]

USUAL: tuple[type[Event], ...] = (
    Tick,
    Depth,
    BookDelta,
    TradeTick,
    Bar,
    GapEvent,
    SessionEvent,
    InstrumentEvent,
    CorporateAction,
    Funding,
)
# Only where they are named. Not among them: requests, commands and reports of orders, whose numbers are those of another bus; the state of
# strategies, which a StrategyManager would take for its own; SystemEvent and ConfigChangeEvent, which stop and change a system.
CROSSING: tuple[type[Event], ...] = (
    *USUAL,
    SignalEvent,
    SubscribeEvent,
    BacktestProgressEvent,
    BacktestResultEvent,
    LogEvent,
    AlertEvent,
)
_BY_NAME = {cls.__name__: cls for cls in CROSSING}


def crossing_types(names: Iterable[str] = (), lanes: Iterable[str] = ()) -> tuple[type[Event], ...]:
    """Return the classes of these names, the usual ones for none, as far as they travel in these lanes (none: any lane).

    Raises:
        EventError: an event may not cross, or there is no such event; or nothing is left.
    """
    chosen = tuple(_class(name) for name in names) or USUAL
    wanted = {Lane[lane.upper()] for lane in lanes} or set(Lane)
    found = tuple(cls for cls in dict.fromkeys(chosen) if lane_of(cls) in wanted)
    if not found:
        raise EventError(f"None of the types travels in the lanes {', '.join(lanes)}: leave out lanes, or name other types.")
    return found


def lane_of(cls: type[Event]) -> Lane:
    """Return the lane that a class travels in."""
    return Lane(cls.LANE)


def _class(name: str) -> type[Event]:
    if name not in _BY_NAME:
        raise EventError(f"{name!r} is no event that may cross to another host.{nearest(name, _BY_NAME)}", name=name)
    return _BY_NAME[name]
