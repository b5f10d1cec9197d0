"""Starting, stopping and restarting components and groups of the running system: an event, answered by who acted on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError, InstrumentError, nearest
from gcg_quant.events import Applied, ComponentControlEvent, SubscribeEvent

from ..client import send

__all__ = ["change_component", "component_named", "group_named", "restart_group", "subscribe"]

_ANSWER_S = 40.0  # a component has 5 s to end and 20 s to start, a group 5 s and 30 s


def component_named(rows: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return the row of a component. Raises ComponentError: there is none of that name."""
    known = {row["component"]: row for row in rows}
    if name not in known:
        raise ComponentError(f"There is no component {name!r}.{nearest(name, known)}", component=name)
    return known[name]


def group_named(rows: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """Return the row of a group. Raises ComponentError: there is none of that name."""
    known = {row["group"]: row for row in rows}
    if name not in known:
        raise ComponentError(f"There is no group {name!r}.{nearest(name, known)}", group=name)
    return known[name]


def change_component(bus: EventBus, action: str, name: str, origin: str) -> Applied:
    """Start, stop or restart a component and return the answer, whose detail says what follows from it.

    Raises:
        ComponentError: it was refused, with the reason. NotRunningError: nobody answered.
    """
    return send(bus, ComponentControlEvent(action=action, component=name, origin=origin), timeout_s=_ANSWER_S, refused=ComponentError)


def restart_group(bus: EventBus, group: str, origin: str) -> Applied:
    """Restart a group's process and return the answer: when it runs again, or before it ends if it serves the pages.

    Raises:
        ComponentError: it was refused, or did not come back. NotRunningError: nobody answered.
    """
    return send(bus, ComponentControlEvent(action="restart", group=group, origin=origin), timeout_s=_ANSWER_S, refused=ComponentError)


def subscribe(bus: EventBus, symbol: str, venue: str, wanted: bool) -> Applied:
    """Ask the collectors of a venue ("" for all) for a symbol, or no longer; return the answer of the first.

    Raises:
        InstrumentError: the collector cannot. NotRunningError: no collector answered.
    """
    return send(bus, SubscribeEvent(symbol=symbol, venue=venue, subscribe=wanted), refused=InstrumentError)
