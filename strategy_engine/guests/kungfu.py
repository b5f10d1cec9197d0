"""Kungfu's strategies: modules of functions with a `context`, loaded unchanged.

import kungfu
from kungfu.wingchun.constants import *

def pre_start(context):
    context.add_account("xtp", "15011218")
    context.subscribe("xtp", ["600519"], Exchange.SSE)

def on_quote(context, quote, location, dest):
    ...
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from types import FunctionType, ModuleType
from typing import Any, ClassVar

from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, Fill, OrderEvent, Tick, TimerEvent

from ..strategy.base import Strategy
from ..strategy.callbacks import Outcome
from ..strategy.parameters import Parameter
from .base import GuestStrategy
from .kungfu_context import KungfuContext
from .kungfu_data import BarView, Location, OrderRow, QuoteView, TradeRow, strftime, strptime
from .kungfu_words import WORDS

__all__ = ["Kungfu", "KungfuStrategy"]

# Kungfu's callbacks with what they are called with here, and the callback of ours by which they are called.
_CALLED_BY = {
    "pre_start": (),
    "post_start": (),
    "on_quote": ("on_tick", "on_bar"),
    "on_bar": ("on_bar",),
    "on_order": ("on_order",),
    "on_trade": ("on_fill",),
    "pre_stop": (),
    "post_stop": (),
}
_NEVER = (
    "on_entrust",
    "on_transaction",
    "on_tree",
    "on_order_action_error",
    "on_position",
    "on_asset",
    "on_asset_margin",
    "on_deregister",
    "on_broker_state_change",
    "on_trading_day",
)


class Kungfu:
    """Provides `kungfu`, `kungfu.wingchun.constants` and `kungfu.yijinjing.time` to the files that import them."""

    kind = "kungfu"
    root = "kungfu"

    def modules(self) -> dict[str, ModuleType]:
        """Return the modules, fresh."""
        names = ("kungfu", "kungfu.wingchun", "kungfu.wingchun.constants", "kungfu.yijinjing", "kungfu.yijinjing.time")
        made = {name: ModuleType(name, "Kungfu's names, as gcg_quant provides them.") for name in names}
        for name, module in made.items():
            parent, _, own = name.rpartition(".")
            module.__path__ = []
            if parent:
                setattr(made[parent], own, module)
        constants, times = made["kungfu.wingchun.constants"], made["kungfu.yijinjing.time"]
        vars(constants).update(WORDS, __all__=list(WORDS))
        vars(times).update(strftime=strftime, strptime=strptime, NANO_PER_SECOND=10**9, __all__=["NANO_PER_SECOND", "strftime", "strptime"])
        return made

    def classes(self, module: ModuleType, provided: Mapping[str, ModuleType]) -> list[type[Strategy]]:
        """Return the file's strategy as a class named after the file, or nothing if it has none of Kungfu's callbacks."""
        own = {
            name: function
            for name, function in vars(module).items()
            if isinstance(function, FunctionType) and function.__module__ == module.__name__ and name in (*_CALLED_BY, *_NEVER)
        }
        if not own.keys() & _CALLED_BY.keys():
            return []
        unwanted = {ours for names in _CALLED_BY.values() for ours in names} - {ours for name in own for ours in _CALLED_BY.get(name, ())}
        body: dict[str, Any] = {name: getattr(Strategy, name) for name in unwanted}  # what it has no callback for costs nothing
        body |= {"__module__": module.__name__, "__doc__": module.__doc__, "functions": own}
        name = str(getattr(module, "__file__", "kungfu")).rpartition("/")[2].removesuffix(".py")
        return [type(name, (KungfuStrategy,), body)]


class KungfuStrategy(GuestStrategy):
    """Runs the functions of one file. What it sees is what it subscribes to, whatever it is loaded with."""

    subscribes: ClassVar[bool] = True
    functions: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    arguments = Parameter("", doc="what the strategy finds as context.arguments")

    def on_start(self) -> Outcome:
        """Call pre_start, in which it names account and symbols, and post_start, from which on it may trade."""
        self._context = KungfuContext(self)
        self._arity = {name: _arguments(function) for name, function in self.functions.items()}
        self._locations: dict[str, Location] = {}
        self._dest = Location("strategy", "default", self.id)
        for name in self.functions.keys() & set(_NEVER):
            self.log(f"{name} is never called here", "warning")
        return _both(self._call("pre_start"), self._open)

    def _open(self) -> Outcome:
        if not self.symbols:
            raise StrategyError(f"{self.id} has subscribed to nothing in pre_start: call context.subscribe there.", strategy=self.id)
        self._context.open()
        return self._call("post_start")

    def on_stop(self) -> Outcome:
        """Call pre_stop and post_stop."""
        return _both(self._call("pre_stop"), lambda: self._call("post_stop"))

    def quote(self, event: Tick | Bar) -> Outcome:
        """Call on_quote, if it has subscribed to this instrument."""
        found = self._context.feed_of(event.symbol, event.venue)
        if found is None or "on_quote" not in self.functions:
            return None
        return self._call("on_quote", QuoteView(event, found.exchange, found.source), self._location("md", found.source), self._dest)

    def on_bar(self, bar: Bar) -> Outcome:
        """Call on_bar, and on_quote where there are no ticks."""
        found = self._context.feed_of(bar.symbol, bar.venue)
        if found is None:
            return None
        view, place = BarView(bar, found.exchange, found.source), self._location("md", found.source)
        return _both(self._call("on_bar", view, place, self._dest), lambda: super(KungfuStrategy, self).on_bar(bar))

    def on_order(self, order: OrderEvent) -> Outcome:
        """Call on_order."""
        row = OrderRow.of(order, self._context.exchange_of(order.symbol, order.venue), self._context.account)
        return self._call("on_order", row, self._location("td", row.source_id), self._dest)

    def on_fill(self, fill: Fill) -> Outcome:
        """Call on_trade."""
        row = TradeRow.of(fill, self._context.exchange_of(fill.symbol, fill.venue), self._context.account)
        return self._call("on_trade", row, self._location("td", row.source_id), self._dest)

    def on_timer(self, timer: TimerEvent) -> Outcome:
        """Call the function that the timer was set with."""
        function = self._context.timer(timer.name)
        if function is None:
            return None
        outcome: Outcome = function(*(self._context, timer)[: _arguments(function)])
        return outcome if isawaitable(outcome) else None

    def _call(self, name: str, *given: Any) -> Outcome:
        # Kungfu's versions differ in what they hand to a callback: it gets as much as it takes.
        function = self.functions.get(name)
        if function is None:
            return None
        outcome: Outcome = function(*(self._context, *given)[: self._arity[name]])
        return outcome if isawaitable(outcome) else None

    def _location(self, category: str, source: str) -> Location:
        key = f"{category}/{source}"
        if key not in self._locations:
            account = self._context.account[1] if category == "td" else source
            self._locations[key] = Location(category, source, account)
        return self._locations[key]


def _both(first: Outcome, then: Callable[[], Outcome]) -> Outcome:
    # One after the other, at once unless the first one waits.
    return then() if first is None else _after(first, then)


async def _after(first: Awaitable[None], then: Callable[[], Outcome]) -> None:
    await first
    second = then()
    if second is not None:
        await second


def _arguments(function: Callable[..., Any]) -> int:
    kinds = [one.kind for one in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 9
    return sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)
