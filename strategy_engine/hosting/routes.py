"""Which strategies an event is for, found once for each kind of event and instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcg_quant.bus import symbol_matches
from gcg_quant.events import Bar, BarBasis, BookDelta, Depth, Event, Tick, TradeTick

from .hosted import HostedStrategy

if TYPE_CHECKING:
    from .roster import Roster

__all__ = ["Routes"]

Route = tuple[HostedStrategy, ...]


class Routes:
    """The dispatch table of a manager. `clear` it when strategies come, go or change what they want; one thread."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._routes: dict[tuple[Any, ...], Route] = {}

    def clear(self) -> None:
        """Forget what was found: everything is looked up anew."""
        self._routes.clear()

    def of_market(self, callback: str, event: Tick | Depth | BookDelta | TradeTick) -> Route:
        """Return the strategies on the event's instrument that have defined the callback."""
        key = (callback, event.instrument)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = tuple(one for one in self.matching(event) if one.handles(callback))
        return route

    def of_bar(self, bar: Bar, own_basis: BarBasis) -> Route:
        """Return the strategies that want this bar; `own_basis` is what its symbol's bars are made of."""
        key = (bar.symbol, bar.venue, bar.period, bar.basis, own_basis)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = tuple(one for one in self.matching(bar) if _wants(one, bar, own_basis))
        return route

    def matching(self, event: Event) -> list[HostedStrategy]:
        """Return the strategies on the event's symbol."""
        return [one for one in self._roster if symbol_matches(frozenset(one.session.symbols), event)]


def _wants(hosted: HostedStrategy, bar: Bar, own_basis: BarBasis) -> bool:
    strategy = hosted.strategy
    basis = own_basis if strategy.basis is None else strategy.basis
    return hosted.handles("on_bar") and bar.period in strategy.wanted_periods() and bar.basis == basis
