"""The decisions of a Backtrader class, noted where its orders reach the broker and its points the pen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import backtrader as bt

from ..conversion.days import ns_from_days
from ..conversion.facts import place_of
from ..conversion.order_terms import terms_of
from .decisions import Decision, order_words, plot_words

if TYPE_CHECKING:
    from ..cerebro import EventDrivenCerebro

__all__ = ["OrderRecord"]

_STOPPING = (bt.Strategy._stop.__code__, bt.Analyzer._stop.__code__)


class OrderRecord:
    """Takes the place of a stock broker's `OrderMirror`: it hears of every order when it is given, on the fast path, too.

    Orders and points of `stop()` are no decisions: it is called where the data end, wherever that is.

    Args:
        place_of: tells the place in the data of a bar's time in ns.
    """

    def __init__(self, place_of: Callable[[int], int]) -> None:
        self.decisions: list[Decision] = []
        self._place_of = place_of
        self._orders: dict[int, int] = {}

    def watch(self, cerebro: EventDrivenCerebro) -> None:
        """Hear of the orders and plots of a run that is about to begin."""
        self._cerebro = cerebro
        cerebro.broker.use_mirror(self)
        draw = cerebro.pen

        def pen(name: str, value: float, symbol: Any = None, place: str = "price") -> None:
            draw(name, value, symbol, place)
            at = symbol if symbol is None or isinstance(symbol, str) else getattr(symbol, "_name", "")
            self._note(plot_words(name, value, at or cerebro.datas[0]._name, place))

        cerebro.pen = pen

    def order_changed(self, order: Any, *, matching: bool) -> None:
        """Note an order that is new, or that was cancelled by the strategy itself."""
        if order.ref not in self._orders:
            self._orders[order.ref] = len(self._orders) + 1
            options = [name for name, value in (("close", order.exectype == bt.Order.Close),) if value]
            self._note("".join([order_words(place_of(order.data)[0], terms_of(order)), *(f", {one}" for one in options)]))
        elif order.status == bt.Order.Canceled and not matching:
            self._note(f"cancel order {self._orders[order.ref]}")

    def bar_matched(self, broker: Any) -> None:
        """Nothing: fills follow from the orders."""

    # The feeds' time: a strategy's own stands at the bar before while it is told of its orders.
    def _note(self, words: str) -> None:
        if not _is_stopping():
            days = max((data.datetime[0] for data in self._cerebro.datas if len(data)), default=0.0)
            time_ns = ns_from_days(days) if days > 0 else 0
            self.decisions.append(Decision(self._place_of(time_ns), time_ns, words))


def _is_stopping() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code in _STOPPING:
            return True
        frame = frame.f_back
    return False
