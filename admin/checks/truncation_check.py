"""`strategies test --truncate`: whether a strategy decides the same without what comes after its decisions, one row a finding."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gcg_quant.clock import to_iso
from gcg_quant.errors import StrategyError
from gcg_quant.events import Event

from ...backtest.truncation import DECISIONS, BarRuns, Decision, Recording, Truncation, compare_cuts
from .check_spec import CheckSpec
from .rehearsal import rehearse
from .strategy_check import CheckRow

if TYPE_CHECKING:
    from ...backtest.truncation.comparison import Progress

__all__ = ["EventRuns", "truncation_rows"]

_READS_SHOWN = 3


class EventRuns:
    """A strategy of ours over ticks, trades, books and bars, event by event, as `strategies test` rehearses it. In the main thread only.

    Raises:
        StrategyError: the file, the symbols or the journal; a Backtrader class.
    """

    first = 0

    def __init__(self, spec: CheckSpec) -> None:
        loaded = spec.load()
        try:
            if loaded.adapter is not None:
                raise StrategyError(f"{loaded.cls.__name__} is a {loaded.kind} class, which sees bars: name its --symbol and --period.")
            self._request = spec.request(loaded)
            self._folders = spec.folders
            market = spec.market(loaded)
        finally:
            loaded.release()
        self._events: list[Event] = market.events
        self._terms = market.terms
        self.file = loaded.file
        self.origin = f"{market.origin}: {len(market.events):,} events"

    @property
    def last(self) -> int:
        """The number of the last event, from 0."""
        return len(self._events) - 1

    def moment(self, place: int) -> str:
        """Return the number and the time of an event, in words."""
        return f"event {place + 1:,} ({to_iso(getattr(self._events[place], 'event_ns', 0))})"

    def record(self, place: int) -> Recording:
        """Run over the events up to one, that included, and return what was decided."""
        decided: list[Decision] = []
        outcome = rehearse(self._request, self._folders, self._terms, self._events[: place + 1], decided)
        return Recording(decided, outcome.failure)


def truncation_rows(
    runs: BarRuns | EventRuns, decisions: int | None = DECISIONS, *, allowed: Iterable[Path] = (), on_progress: Progress | None = None
) -> list[CheckRow]:
    """Return what is found when the data are cut off at decisions; see `compare_cuts`."""
    found = compare_cuts(runs, decisions, allowed=allowed, on_progress=on_progress)
    kinds = ", ".join(f"{count:,} of the kind {kind}" for kind, count in found.kinds.items())
    rows = [
        CheckRow("data", "ok", found.origin),
        CheckRow("decisions", "ok" if found.decisions else "warning", f"{found.decisions:,}" + (f": {kinds}" if kinds else ": none")),
        CheckRow("cuts", "ok", _cuts(found)),
        CheckRow("own reading", "FAILED" if found.reads else "ok", _reads(found)),
    ]
    if found.failure:
        rows.append(CheckRow("run", "FAILED", found.failure))
    said = found.difference or "every decision is the same without what came after it"
    return [*rows, CheckRow("look-ahead", "FAILED" if found.difference else "ok", said)]


def _cuts(found: Truncation) -> str:
    at = f"all {found.places:,}" if found.cuts == found.places else f"{found.cuts:,} of {found.places:,}, evenly spread,"
    said = f"at {at} places of decisions and {found.moments} others, and all the data once more"
    return f"{said}; {found.compared:,} decisions compared"


def _reads(found: Truncation) -> str:
    if not found.reads:
        return "none"
    more = f" and {len(found.reads) - _READS_SHOWN} more" if len(found.reads) > _READS_SHOWN else ""
    return (
        "; ".join(found.reads[:_READS_SHOWN])
        + f"{more}: no cut reaches this. Take market data from the feed or self.bars; what holds none "
        "(settings, a model) is named with --reads."
    )
