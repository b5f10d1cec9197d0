"""What the journal knows of strategies: their states, positions, open orders, accounts, and commands that nobody answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from gcg_quant.events import (
    AccountEvent,
    Applied,
    CancelRequest,
    Event,
    Fill,
    OrderEvent,
    OrderRequest,
    PositionEvent,
    RiskVerdict,
    StrategyControlEvent,
    StrategyStatusEvent,
    SystemEvent,
)
from gcg_quant.packing import pack_event

from ..remembered import Remembered
from ..strategy.account_view import AccountBook
from ..strategy.portfolio import Portfolio

if TYPE_CHECKING:
    from gcg_quant.reader import BusReader

__all__ = ["Past"]

_ANSWERS = 256  # answers that are remembered, in case a command is read after its answer: the lanes have no common order


class Hung(NamedTuple):
    """The event that told of it, its words, and whether it was the file that hung, and not the strategy in it."""

    event_id: int
    error: str
    in_file: bool


@dataclass(slots=True)
class Past:
    """What was so when the manager's reader began.

    `origins` holds the command that loaded each strategy (0: it came from the settings), `unloaded` the event with which it went, `acted`
    the strategies that have been more than loaded since the whole system started, `hung`
    what the supervisor told when this process ended because of a strategy.
    """

    VERSION: ClassVar[int] = 1
    VITAL: ClassVar[bool] = False

    portfolios: defaultdict[str, Portfolio] = field(default_factory=lambda: defaultdict(Portfolio))
    accounts: AccountBook = field(default_factory=AccountBook)
    strategies: dict[str, StrategyStatusEvent] = field(default_factory=dict)
    origins: dict[str, int] = field(default_factory=dict)
    unloaded: dict[str, int] = field(default_factory=dict)
    acted: set[str] = field(default_factory=set)
    hung: dict[str, Hung] = field(default_factory=dict)
    unanswered: dict[int, StrategyControlEvent] = field(default_factory=dict)
    system_start: int = 0
    _answered: Remembered[int] = field(default_factory=lambda: Remembered(_ANSWERS))
    _steps: dict[type, Callable[..., object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Say which event is folded by what."""
        portfolios = self.portfolios
        self._steps = {
            SystemEvent: self._system,
            StrategyControlEvent: self._control,
            Applied: self._applied,
            StrategyStatusEvent: self._status,
            OrderRequest: lambda event: portfolios[event.strategy].requested(event),
            CancelRequest: lambda event: portfolios[event.strategy].cancel_requested(event),
            RiskVerdict: lambda event: portfolios[event.strategy].verdict(event),
            OrderEvent: lambda event: portfolios[event.strategy].order(event),
            Fill: lambda event: portfolios[event.strategy].fill(event),
            PositionEvent: lambda event: portfolios[event.strategy].settle(event),
            AccountEvent: self.accounts.note,
        }

    def is_of_this_run(self, event_id: int) -> bool:
        """Return whether a control event came after the last start of the whole system: this process was restarted alone."""
        return event_id > self.system_start

    # ---- as a fold

    def listen(self, reader: BusReader) -> None:
        """Let a reader pass commands, states, and what becomes of orders and accounts."""
        reader.add_rule(tuple(self._steps), None, None, True)

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        self._steps[type(event)](event)

    def dump(self) -> Any:
        """Return the whole state as plain values and packed events."""
        return {
            "portfolios": [(name, one.dump()) for name, one in self.portfolios.items()],
            "accounts": self.accounts.dump(),
            "strategies": [(name, pack_event(status)) for name, status in self.strategies.items()],
            "origins": list(self.origins.items()),
            "unloaded": list(self.unloaded.items()),
            "acted": sorted(self.acted),
            "hung": [(name, *one) for name, one in self.hung.items()],
            "unanswered": [pack_event(event) for event in self.unanswered.values()],
            "system_start": self.system_start,
            "answered": list(self._answered),
        }

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this one is new."""
        for name, portfolio in state["portfolios"]:
            self.portfolios[name].load(portfolio)
        self.accounts.load(state.get("accounts", ()))  # older snapshots have none
        self.strategies.update(state["strategies"])
        self.origins.update(state["origins"])
        self.unloaded.update(state["unloaded"])
        self.acted.update(state.get("acted", ()))
        self.hung.update({name: Hung(*one) for name, *one in state.get("hung", ())})
        self.unanswered.update({event.id: event for event in state["unanswered"]})
        self.system_start = state["system_start"]
        self._answered.update(state["answered"])

    # ---- inside

    def _system(self, event: SystemEvent) -> None:
        if event.action == "start":
            self.system_start = event.id
            self.acted.clear()
        elif event.action == "strategy_hung":
            self.hung[event.component] = Hung(event.id, event.detail, event.data.get("callback") == "load")
            status = self.strategies.get(event.component)
            if status is not None:
                self.strategies[event.component] = msgspec.structs.replace(status, state="failed", error=event.detail)

    def _control(self, event: StrategyControlEvent) -> None:
        if event.id not in self._answered:
            self.unanswered[event.id] = event

    def _applied(self, event: Applied) -> None:
        if self.unanswered.pop(event.control, None) is None:
            self._answered.add(event.control)

    def _status(self, status: StrategyStatusEvent) -> None:
        name = status.strategy
        if status.state != "failed":
            self.hung.pop(name, None)
        if status.state != "loaded":
            self.acted.add(name)
        if status.state == "unloaded":
            self.strategies.pop(name, None)
            self.origins.pop(name, None)
            self.unloaded[name] = status.id
        else:
            self.strategies[name] = status
            self.origins.setdefault(name, status.cause)
            self.unloaded.pop(name, None)
