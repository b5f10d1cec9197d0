"""Reading a component's events up to a place and no further: what lies behind it is read again later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from gcg_quant.bus import Subscription
    from gcg_quant.component import Component
    from gcg_quant.events import Event

__all__ = ["BoundedReading"]

_SEQ = (1 << 60) - 1
_BATCH = 4096


class BoundedReading:
    """Drives a component that was started without a thread, event by event of the market lane, up to an event id.

    Args:
        component: whose reader and handlers are used.
        failed: is called when a handler raises.
        after: is called after every batch.
    """

    def __init__(
        self, component: Component, failed: Callable[[Any, Any, Exception], None], after: Callable[[], None] = lambda: None
    ) -> None:
        self._component = component
        self._failed = failed
        self._after = after
        self._bound = 0
        self._passed = False
        self._guarded: dict[int, tuple[Subscription, Subscription]] = {}

    def guard(self, subscriptions: Iterable[Subscription]) -> None:
        """Let the reader give its events to these handlers, as long as they lie before the bound."""
        self._guarded = {id(one): self._guarded.get(id(one)) or (one, self._guard(one)) for one in subscriptions}
        self._component.reader.handle([guarded for _, guarded in self._guarded.values()])

    def read_to(self, bound: int) -> None:
        """Handle the events before the id `bound`."""
        self._bound = bound
        reader = self._component.reader
        while reader.cursor.market < bound & _SEQ:
            self._passed = False
            count = reader.dispatch(_BATCH, 0.0, self._failed, self._failed_coroutine)
            if not count or self._passed:
                break
            self._after()
        self._after()
        cursor = reader.cursor
        if cursor.market != bound & _SEQ:
            reader.seek(msgspec.structs.replace(cursor, market=bound & _SEQ))

    def _guard(self, subscription: Subscription) -> Subscription:
        handler = subscription.handler

        def guarded(event: Event) -> None:
            if event.id >= self._bound:
                self._passed = True
            else:
                handler(event)

        return msgspec.structs.replace(subscription, handler=guarded)

    @staticmethod
    def _failed_coroutine(coroutine: Any) -> None:
        raise TypeError(f"{coroutine!r} is no handler of events that can be read again")
