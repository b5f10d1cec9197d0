"""How strategy classes of another framework are taken in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..strategy.base import Strategy

__all__ = ["StrategyAdapter"]


@runtime_checkable
class StrategyAdapter(Protocol):
    """Turns a class that is not a `Strategy` of ours (such as a plain `bt.Strategy`) into one.

    Adapters are given to `StrategyManager(adapters=[...])` by whoever builds the system, so that this room need not import the
    other framework. An adapter holds no state of a strategy: one adapter serves all of its kind.
    """

    kind: str
    """The name of the framework, as `StrategyStatusEvent.kind` and `strategies list` show it: "backtrader"."""

    def matches(self, cls: type) -> bool:
        """Return whether this adapter takes the class (not the framework's own base class)."""
        ...

    def wrap(self, cls: type, parameters: Mapping[str, Any]) -> Strategy:
        """Return a Strategy that runs `cls` with these parameters.

        It gets its id, account and symbols from the manager afterwards, as every strategy does; `symbols`, `periods`, `parameters`
        and `set_parameters` of what is returned speak for the wrapped class. Raises StrategyError for parameters that the class
        does not have.
        """
        ...
