"""Our own `Strategy` classes under a Backtrader cerebro: `cerebro.addstrategy(as_backtrader(MyStrategy), fast=5)`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backtrader as bt

from gcg_quant.errors import StrategyError

from ...strategy_engine.hosting.loader import LoadedClass, StrategyLoader
from ...strategy_engine.hosting.roster import LoadRequest
from ...strategy_engine.strategy.base import Strategy
from ...strategy_engine.strategy.parameters import declared_parameters
from .hosted_orders import ACCOUNT, HostedOrders
from .hosted_world import HostedWorld
from .stepping import SteppedManager

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["as_backtrader"]


def as_backtrader(cls: type[Strategy], instruments: Sequence[Instrument] = ()) -> type[bt.Strategy]:
    """Return a `bt.Strategy` class that runs one of our own classes, in any cerebro and with any broker.

    Its parameters are those of the class. The feeds are its symbols, by their names; their bars come to `on_bar`. A feed of ticks brings
    ticks to `on_tick` (our own feed of trades: to `on_trade`), and the bars that a running system makes of them. Its orders are
    Backtrader's orders: what the broker does with them comes back as `on_order` and `on_fill`, before the next bar. `period` is set to the
    first feed's where the class has such a parameter and it is not given. A quiet warm-up (a live feed's history) is there as `bars()`.

    Args:
        cls: the class.
        instruments: the terms of its symbols, where ticks and lots matter; others get the usual terms of their market.

    Raises:
        StrategyError: `cls` is no class of ours.
    """
    if not (inspect.isclass(cls) and issubclass(cls, Strategy)):
        raise StrategyError(f"as_backtrader() takes a class that derives from gcg_quant.strategy_engine.Strategy, not {cls!r}.")
    parameters = tuple((name, one.default) for name, one in declared_parameters(cls).items())
    body = {
        "params": parameters,
        "hosted_class": cls,
        "instruments": tuple(instruments),
        "__module__": cls.__module__,
        "__doc__": cls.__doc__,
    }
    made: type[bt.Strategy] = type(cls.__name__, (HostedClass,), body)
    return made


class HostedClass(bt.Strategy):  # type: ignore[misc]
    """The Backtrader side of one of our classes; made by `as_backtrader`.

    The class runs in a strategy manager on a small bus of its own, which is gone afterwards. This side lays the bars on that bus, carries
    out the requests that come of them, and answers with what the broker says.
    """

    hosted_class: type[Strategy]
    instruments: tuple[Instrument, ...] = ()

    def start(self) -> None:
        """Start the class (called by Cerebro)."""
        self._hosted_world = HostedWorld(self.datas, self.instruments)
        self._hosted_orders = HostedOrders(self, self._hosted_world)
        self._hosted_seen = [0] * len(self.datas)
        self._hosted_orders.tell_account()
        parameters = dict(self.p._getkwargs())
        declared = declared_parameters(self.hosted_class)
        if "period" in declared and parameters["period"] == declared["period"].default:
            parameters["period"] = self._hosted_world.bar_periods[0]
        self._hosted_id = re.sub(r"[^A-Za-z0-9_.-]", "_", self.hosted_class.__name__[:40])
        self._hosted_manager = ClassManager(self.hosted_class, self._hosted_id, self._hosted_world, parameters)
        self._hosted_manager.start(self._hosted_world.bus, self._hosted_world.history, threaded=False)
        self._settle()

    def prenext(self) -> None:
        """Bring the class a bar before all feeds have one."""
        self.next()

    def next(self) -> None:
        """Bring the class the new bars, and carry out what it asks for."""
        for at, data in enumerate(self.datas):
            if len(data) > self._hosted_seen[at]:
                self._hosted_world.show(at, data, self._hosted_seen[at])
                self._hosted_seen[at] = len(data)
        self._settle()

    def notify_order(self, order: Any) -> None:
        """Tell the class what became of an order."""
        if self._hosted_orders.answer(order):
            self._settle()

    def stop(self) -> None:
        """End the class (called by Cerebro)."""
        self._hosted_manager.stop()
        self._hosted_world.close()

    # Requests may be answered at once (refused), and an answer may lead to another request.
    def _settle(self) -> None:
        self._hosted_orders.tell_account()
        while self._hosted_manager.turn() + self._hosted_orders.carry_out():
            pass
        why = self._hosted_manager.failure(self._hosted_id)
        if why is not None:
            self._hosted_world.close()
            raise StrategyError(self._hosted_world.last_error() or f"{self._hosted_id}: {why}", strategy=self._hosted_id)


class ClassLoader(StrategyLoader):
    """Loads a class that is there already."""

    def __init__(self, cls: type[Strategy]) -> None:
        super().__init__()
        self._cls = cls

    def load(self, name: str, class_name: str = "") -> LoadedClass:
        """Return the class."""
        return KeptClass(self._cls, Path(name), "gcg_quant", None)


class KeptClass(LoadedClass):
    """A class whose module is the caller's."""

    def release(self) -> None:
        """Keep the module."""


class ClassManager(SteppedManager):
    """A strategy manager with one class, driven by hand."""

    def __init__(self, cls: type[Strategy], strategy_id: str, world: HostedWorld, parameters: Mapping[str, Any]) -> None:
        try:
            file = inspect.getfile(cls)
        except (OSError, TypeError):  # written into a console
            file = cls.__name__
        request = LoadRequest(
            file=file, id=strategy_id, class_name=cls.__name__, symbols=world.names, parameters=dict(parameters), start=True
        )
        super().__init__(load=[request], account=ACCOUNT, bar_periods=world.bar_periods)
        self._loader = ClassLoader(cls)
