"""Runs a tick strategy in the strategy manager: the file that the tick engine backtests trades on paper and live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from math import isfinite, nan
from typing import Any, ClassVar

import numpy as np

from gcg_quant import events

from ..hft import CALLBACKS
from ..hft import Strategy as TickStrategy
from ..strategy.base import Strategy
from ..strategy.callbacks import Outcome
from ..strategy.parameters import declared_parameters
from .base import GuestStrategy
from .hft_desk import SessionDesk

__all__ = ["HftStrategy", "hosted_class"]


class HftStrategy(GuestStrategy):
    """Runs one tick strategy on a session; made by `hosted_class`. Each start makes its object anew.

    Where an instrument shows no ticks, each closed bar of `period` is a tick of its close. Arrays hold one row each here.
    """

    symbols = ("*",)
    maker: ClassVar[Callable[[], TickStrategy]]
    _calls: dict[str, Callable[..., Any]]

    def __init_subclass__(cls) -> None:
        """Let a parameter be called as it likes: `TickStrategy` has said which names are free."""

    def on_start(self) -> None:
        """Make the object and call init."""
        self._desk = SessionDesk(self._session)
        self._object = _made(self)
        self._calls = self._object.callbacks()
        self._object.attach(self._desk)
        self._object.init()
        self._session.host.symbols_changed()  # init may want bars

    def on_parameters(self, changed: Mapping[str, Any]) -> None:
        """Set the new values on the object that runs."""
        own = declared_parameters(type(self._object))
        self._object.set_parameters({name: value for name, value in changed.items() if name in own})

    def wanted_periods(self) -> tuple[str, ...]:
        """Return the periods of its bars, and of those that stand in for ticks."""
        running: TickStrategy | None = getattr(self, "_object", None)
        declared = (running or type(self).maker()).wanted_periods()
        return tuple(dict.fromkeys([*declared, *super().wanted_periods()]))

    def on_bar(self, bar: events.Bar) -> Outcome:
        """Hand on a bar that it wants, and one of `period` as a tick where there are none."""
        if "on_bar" in self._calls and bar.period in self._object.wanted_periods():
            self._desk.saw(bar.symbol, bar.venue)
            self._calls["on_bar"](bar)
        if bar.period == self.period and self._session.host.market.tick(f"{bar.symbol}@{bar.venue}") is None:
            return self.quote(bar)
        return None

    def quote(self, event: events.Tick | events.Bar) -> Outcome:
        """Call on_tick and on_ticks."""
        if "on_tick" in self._calls or "on_ticks" in self._calls:
            self._show("on_tick", event if isinstance(event, events.Tick) else _tick_of(event))
        return None

    def on_trade(self, trade: events.TradeTick) -> Outcome:
        """Call on_trade and on_trades."""
        self._show("on_trade", trade)
        return None

    def on_depth(self, depth: events.Depth) -> Outcome:
        """Call on_depth and on_depths."""
        self._desk.note_book(depth)
        self._show("on_depth", depth)
        return None

    def on_delta(self, delta: events.BookDelta) -> Outcome:
        """Call on_delta and on_deltas."""
        self._desk.note_book(delta)
        self._show("on_delta", delta)
        return None

    def on_order(self, order: events.OrderEvent) -> Outcome:
        """Call on_order."""
        self._calls["on_order"](order)
        return None

    def on_fill(self, fill: events.Fill) -> Outcome:
        """Call on_fill."""
        self._calls["on_fill"](fill)
        return None

    def on_timer(self, timer: events.TimerEvent) -> Outcome:
        """Call on_timer."""
        self._calls["on_timer"](timer.name)
        return None

    def on_stop(self) -> None:
        """Call finish, if the object was made."""
        running: TickStrategy | None = getattr(self, "_object", None)
        if running is not None:
            running.finish()

    def _show(self, callback: str, event: events.Tick | events.TradeTick | events.Depth | events.BookDelta) -> None:
        self._desk.saw(event.symbol, event.venue)
        calls = self._calls
        if callback in calls:
            calls[callback](event)
        if f"{callback}s" in calls:
            calls[f"{callback}s"](np.frombuffer(event, type(event).dtype))  # type: ignore[call-overload]


# What it takes from HftStrategy only if the class wants it: who defines no callback is not called, and pays for none.
_TOLD = {
    "on_trade": ("on_trade", "on_trades"),
    "on_depth": ("on_depth", "on_depths"),
    "on_delta": ("on_delta", "on_deltas"),
    "on_order": ("on_order",),
    "on_fill": ("on_fill",),
    "on_timer": ("on_timer",),
}


def hosted_class(cls: type[TickStrategy], module: str, made: TickStrategy | None = None) -> type[HftStrategy]:
    """Return a class of the strategy manager that runs a tick strategy's class.

    Args:
        cls: the class.
        module: the name of the file's module.
        made: an object of it, which is made anew, with what it was made with, at each start; by default one without arguments.
    """
    args, kwargs = made._made_with if made is not None else ((), {})
    maker: Callable[[], TickStrategy] = lambda: cls(*args, **kwargs)  # noqa: E731
    body: dict[str, Any] = {"__module__": module, "__doc__": cls.__doc__, "maker": staticmethod(maker), **_parameters(cls, made)}
    if cls.symbols:
        body["symbols"] = cls.symbols
    defined = {name for name in CALLBACKS if getattr(cls, name) is not getattr(TickStrategy, name)}
    for name, wanted in _TOLD.items():
        if not defined.intersection(wanted):
            body[name] = getattr(Strategy, name)
    return type(cls.__name__, (HftStrategy,), body)


def _parameters(cls: type[TickStrategy], made: TickStrategy | None) -> dict[str, Any]:
    found = {}
    for name, parameter in declared_parameters(cls).items():
        found[name] = own = copy(parameter)
        if made is not None:
            own.default = getattr(made, name)
    return found


# Only what was set from outside is set on the object: a class with an `__init__` of its own decides about the rest.
def _made(host: HftStrategy) -> TickStrategy:
    made = type(host).maker()
    own = declared_parameters(type(made))
    made.set_parameters({name: value for name, value in host.parameters.items() if name in own})
    return made


def _tick_of(bar: events.Bar) -> events.Tick:
    price = bar.close
    if not isfinite(price):
        price = nan
    return events.Tick(
        symbol=bar.symbol,
        venue=bar.venue,
        event_ns=bar.event_ns,
        recv_ns=bar.recv_ns,
        last_price=price,
        volume=bar.volume,
        turnover=bar.turnover,
        open_interest=bar.open_interest,
        volume_kind=events.VolumeKind.SINGLE,
    )
