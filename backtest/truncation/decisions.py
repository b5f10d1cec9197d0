"""What a strategy decided in a run: orders, changes of orders, signals and plots, each with its time and in words that can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.events import CancelRequest, Event, ModifyRequest, OrderRequest, PlotEvent, Side, SignalEvent

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["Decision", "DecisionLog", "Recording", "order_words", "plot_words"]

_WATCHED = (OrderRequest, CancelRequest, ModifyRequest, SignalEvent, PlotEvent)
# In this order; an order's client id and group are names that a run gives, and no decision.
_TERMS = (
    "order_type", "price", "stop_price", "trail_amount", "trail_percent", "display_quantity", "time_in_force", "expire_ns", "order_flags",
    "offset", "position_side", "tag",
)  # fmt: skip
_READ_MANY = 10_000


class Decision(msgspec.Struct, frozen=True):
    """One decision: `at` is its place in the data (see `Recording`), `time_ns` the time there, `words` what it is, to the last digit."""

    at: int
    time_ns: int
    words: str


class Recording(msgspec.Struct, frozen=True):
    """A run over the data up to some place: its decisions in order, and why it ended before its data did ("": it did not).

    Places in the data are counted from 0: the bars' times in a run over bars, the events in a rehearsal.
    """

    decisions: list[Decision]
    failure: str = ""


def order_words(symbol: str, terms: Mapping[str, Any]) -> str:
    """Return an order in words: side, quantity, symbol, and each term that is set. `terms` are by the names of `OrderRequest`."""
    said = [f"{name} {_word(value)}" for name in _TERMS if _is_set(value := terms.get(name))]
    return f"{Side(terms['side']).name.lower()} {float(terms['quantity'])!r} {symbol}, {', '.join(said)}"


def plot_words(name: str, value: float, symbol: str, place: str) -> str:
    """Return a point that was drawn, in words."""
    return f"plot {name!r} {float(value)!r} of {symbol} ({place})"


def _is_set(value: Any) -> bool:
    return value is not None and value == value and bool(value)  # NaN is no price


def _word(value: Any) -> str:
    return value.name.lower() if isinstance(value, IntEnum) else repr(value)


class DecisionLog:
    """Reads the decisions that stand on a run's bus.

    Args:
        bus: the run's own; decisions published before now count, too.
    """

    def __init__(self, bus: EventBus) -> None:
        self.decisions: list[Decision] = []
        self._reader = bus.reader(start="begin", events=_WATCHED)
        self._orders: dict[str, int] = {}

    def take(self, place_of: Callable[[int], int]) -> None:
        """Read what has been decided since the last call; `place_of` tells the place in the data of a time in ns."""
        while events := self._reader.read_many(_READ_MANY):
            for event in events:
                time_ns = getattr(event, "event_ns", 0)
                self.decisions.append(Decision(place_of(time_ns), time_ns, self._words(event)))

    def close(self) -> None:
        """Let go of the bus, and order the decisions by their places; there plots, which have a lane of their own, come last."""
        self._reader.close()
        self.decisions.sort(key=lambda one: (one.at, one.words.startswith("plot ")))

    def _words(self, event: Event) -> str:
        if isinstance(event, OrderRequest):
            self._orders.setdefault(event.client_id, len(self._orders) + 1)
            return order_words(event.symbol, {name: getattr(event, name) for name in ("side", "quantity", *_TERMS)})
        if isinstance(event, SignalEvent):
            said = ((name, getattr(event, name)) for name in ("strength", "price", "quantity", "text", "data"))
            also = "".join(f", {name} {value!r}" for name, value in said if _is_set(value))
            return f"signal {event.name!r} {event.direction.name.lower()} {event.symbol}{also}"
        if isinstance(event, PlotEvent):
            return plot_words(event.name, event.value, event.symbol, event.place)
        number = self._orders.get(getattr(event, "client_id", ""), 0)
        if isinstance(event, ModifyRequest):
            said = ((name, getattr(event, name)) for name in ("quantity", "price", "stop_price"))
            return f"modify order {number}" + "".join(f", {name} {value!r}" for name, value in said if _is_set(value))
        return f"cancel order {number}"
