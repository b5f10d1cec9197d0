"""The market data that a manager subscribes to: what its strategies want, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gcg_quant.bus import Subscription
    from gcg_quant.component import Component
    from gcg_quant.events import Event

    from .hosted import HostedStrategy

__all__ = ["Feeds"]


class Feeds:
    """One subscription a class of events, for the symbols of the strategies that want it. Belongs to the component's thread."""

    def __init__(self, component: Component) -> None:
        self._component = component
        self._feeds: dict[type, Subscription] = {}

    def want(self, kind: type[Event], handler: Callable[[Any], Any], hosted: Iterable[HostedStrategy]) -> None:
        """Bring the subscription of a class in line with the strategies that want it now."""
        symbols = frozenset(symbol for one in hosted for symbol in one.session.symbols)
        feed = self._feeds.get(kind)
        if (feed.symbols if feed is not None else frozenset()) == symbols:
            return
        if feed is not None:
            self._component.unsubscribe(self._feeds.pop(kind))
        if symbols:
            self._feeds[kind] = self._component.subscribe(kind, handler, symbols=symbols)

    def close(self) -> None:
        """End all subscriptions."""
        for feed in self._feeds.values():
            self._component.unsubscribe(feed)
        self._feeds.clear()
