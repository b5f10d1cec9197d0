"""What the journal knows of strategies: their states, positions, open orders, and commands that nobody answered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gcg_quant.events import (
    Applied,
    CancelRequest,
    Fill,
    Lane,
    OrderEvent,
    OrderRequest,
    PositionEvent,
    RiskVerdict,
    StrategyControlEvent,
    StrategyStatusEvent,
    SystemEvent,
)

from .portfolio import Portfolio

if TYPE_CHECKING:
    from gcg_quant.bus import Cursor, EventBus

__all__ = ["Past", "read_past"]


@dataclass(slots=True)
class Past:
    """What was so when the manager's reader began.

    `origins` holds the command that loaded each strategy (0: it came from the settings), `unloaded` the event with which it went.
    """

    portfolios: defaultdict[str, Portfolio] = field(default_factory=lambda: defaultdict(Portfolio))
    strategies: dict[str, StrategyStatusEvent] = field(default_factory=dict)
    origins: dict[str, int] = field(default_factory=dict)
    unloaded: dict[str, int] = field(default_factory=dict)
    unanswered: dict[int, StrategyControlEvent] = field(default_factory=dict)
    system_start: int = 0

    def is_of_this_run(self, event_id: int) -> bool:
        """Return whether a control event came after the last start of the whole system: this process was restarted alone."""
        return event_id > self.system_start


def read_past(bus: EventBus, end: Cursor) -> Past:
    """Read the journal from its beginning up to `end`, which is where the manager's own reader begins."""
    past = Past()
    before = {Lane.CONTROL: end.control, Lane.MARKET: end.market, Lane.LOG: end.log}
    kinds = (
        SystemEvent,
        StrategyControlEvent,
        StrategyStatusEvent,
        Applied,
        OrderRequest,
        CancelRequest,
        RiskVerdict,
        OrderEvent,
        Fill,
        PositionEvent,
    )
    with bus.reader(start="begin", events=kinds) as reader:
        for event in reader:
            if event.id & _SEQ < before[event.LANE]:
                _note(past, event)
    return past


_SEQ = (1 << 60) - 1  # an id is lane and seq


def _note(past: Past, event: object) -> None:
    match event:
        case SystemEvent():
            if event.action == "start":
                past.system_start = event.id
        case StrategyControlEvent():
            past.unanswered[event.id] = event
        case Applied():
            past.unanswered.pop(event.control, None)
        case StrategyStatusEvent():
            _note_status(past, event)
        case _:
            _note_trading(past, event)


def _note_status(past: Past, status: StrategyStatusEvent) -> None:
    name = status.strategy
    if status.state == "unloaded":
        past.strategies.pop(name, None)
        past.origins.pop(name, None)
        past.unloaded[name] = status.id
    else:
        past.strategies[name] = status
        past.origins.setdefault(name, status.cause)
        past.unloaded.pop(name, None)


def _note_trading(past: Past, event: object) -> None:
    match event:
        case OrderRequest():
            past.portfolios[event.strategy].requested(event)
        case CancelRequest():
            past.portfolios[event.strategy].cancel_requested(event)
        case RiskVerdict():
            past.portfolios[event.strategy].verdict(event)
        case OrderEvent():
            past.portfolios[event.strategy].order(event)
        case Fill():
            past.portfolios[event.strategy].fill(event)
        case PositionEvent():
            past.portfolios[event.strategy].settle(event)
