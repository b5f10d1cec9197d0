"""Splits, dividends and rights issues of shares, told once each: what `gcg_quant.adjustment` makes factors of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gcg_quant.errors import InstrumentError
from gcg_quant.events import CorporateAction, Event
from gcg_quant.history import History

__all__ = ["Action", "ActionBook"]

_Key = tuple[str, str, str, int, float | None, float | None]


class Action(NamedTuple):
    """One action of a share: the fields of CorporateAction without the instrument."""

    kind: str  # "dividend": amount in cash a share; "split": ratio of shares after to before; "rights": ratio offered a share, amount paid
    ex_day: int
    ratio: float | None = None
    amount: float | None = None
    currency: str = ""
    detail: str = ""


class ActionBook:
    """Publishes the actions that nobody has told of yet: neither it itself nor, in an earlier run, the database.

    Args:
        publish: publishes an event; from any thread.
        history: what is stored; None = nothing.
    """

    def __init__(self, publish: Callable[[Event], object], history: History | None) -> None:
        self._publish = publish
        self._history = history
        self._told: set[_Key] = set()
        self._looked: set[tuple[str, str]] = set()

    def tell(self, symbol: str, venue: str, actions: Iterable[Action]) -> int:
        """Publish those actions of an instrument that are new, and return how many there were."""
        self._look(symbol, venue)
        count = 0
        for action in actions:
            key = (symbol, venue, action.kind, action.ex_day, action.ratio, action.amount)
            if key not in self._told:
                self._publish(CorporateAction(symbol=symbol, venue=venue, **action._asdict()))
                self._told.add(key)
                count += 1
        return count

    def _look(self, symbol: str, venue: str) -> None:
        if (symbol, venue) in self._looked:
            return
        ask = getattr(self._history, "actions", None)
        try:
            stored = ask(symbol, venue) if ask is not None else []
        except InstrumentError:  # nothing is stored of it
            stored = []
        self._told |= {(symbol, venue, one.kind, one.ex_day, one.ratio, one.amount) for one in stored}
        self._looked.add((symbol, venue))
