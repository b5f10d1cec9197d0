"""One strategy in one run: its orders with all that became of them, its bars, and when it ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gcg_quant.events import (
    BacktestRequestEvent,
    Bar,
    Event,
    Fill,
    MarketDataEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    RiskVerdict,
    Side,
    StrategyStatusEvent,
    World,
)

from ..history.bars import BarArray

__all__ = ["OrderTrack", "RunLog"]

REFUSED = (OrderStatus.REJECTED, OrderStatus.FAILED)


@dataclass(slots=True)
class OrderTrack:
    """One order: its request, and what became of it. `bar_ns` is the market's time of the event that it follows from."""

    request: OrderRequest
    bar_ns: int
    cause: Event | None
    verdict: RiskVerdict | None = None
    states: list[OrderEvent] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    fill_causes: list[Event | None] = field(default_factory=list)
    end_cause: Event | None = None  # of its last state, if that was the market

    @property
    def fill_ns(self) -> int | None:
        """The market's time of its first fill: the start of the bar that filled it, or that of the tick; None without a fill."""
        if not self.fills:
            return None
        cause = self.fill_causes[0] if self.fill_causes else None
        if isinstance(cause, Bar):
            return cause.start_ns
        return cause.event_ns if isinstance(cause, MarketDataEvent) else self.fills[0].event_ns

    @property
    def signed(self) -> float:
        """What its fills did to the position."""
        return self.filled if self.request.side == Side.BUY else -self.filled

    @property
    def filled(self) -> float:
        """The quantity that was filled."""
        return sum(fill.quantity for fill in self.fills)

    @property
    def average_price(self) -> float | None:
        """The average price of its fills, None without any."""
        filled = self.filled
        return sum(fill.quantity * fill.price for fill in self.fills) / filled if filled else None

    @property
    def status(self) -> OrderStatus:
        """Where it stands at the end of the run."""
        return self.states[-1].status if self.states else OrderStatus.NEW

    @property
    def refused(self) -> bool:
        """Whether risk or the venue would not have it."""
        return self.status in REFUSED

    @property
    def reason(self) -> str:
        """Why it was refused or ended, as far as anybody said."""
        if self.verdict is not None and not self.verdict.passed:
            return self.verdict.message
        return next((state.reason for state in reversed(self.states) if state.reason), "")


@dataclass(slots=True)
class RunLog:
    """One strategy in one run.

    Args:
        orders: by the market's time.
        bars: by (symbol, venue), of `period`, as far as the journal has them; `bar_ids` are their event ids by start.
        states: what a session's journal says of when the strategy ran, and `state_ns` the market's time of each; empty in a backtest.
        began_ns, ended_ns: the market's time that the run covers.
    """

    name: str
    path: Path
    world: World
    strategy: str
    orders: list[OrderTrack]
    period: str
    parameters: dict[str, Any]
    bars: dict[tuple[str, str], BarArray]
    bar_ids: dict[tuple[str, str], dict[int, int]]
    states: list[StrategyStatusEvent]
    state_ns: list[int]
    request: BacktestRequestEvent | None
    began_ns: int
    ended_ns: int

    def running(self, at_ns: int) -> tuple[bool, StrategyStatusEvent | None]:
        """Return whether the strategy ran at a time of the market, and the event that says so (None in a backtest)."""
        last: StrategyStatusEvent | None = None
        for state, when_ns in zip(self.states, self.state_ns, strict=True):
            if when_ns <= at_ns:
                last = state
        if last is None:
            return not self.states, self.states[0] if self.states else None
        return last.state == "running", last
