"""Which market data a run's paper gateway sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.bus import EventBus

from ..history.bars import join_bars
from .journal_tape import JournalTape
from .tape import BarTape

if TYPE_CHECKING:
    from ..inputs.sources import Source
    from ..inputs.spec import BacktestSpec

__all__ = ["run_tape"]


def run_tape(bus: EventBus, spec: BacktestSpec, sources: list[Source]) -> BarTape | JournalTape:
    """Return the tape of a run: its bars, with the asks beside bids; of a journal with `matching="native"` all that it holds."""
    if spec.journal and spec.matching == "native":
        recorded = EventBus(spec.journal, create=False, read_only=True)
        return JournalTape(bus, recorded, [(one.symbol, one.venue) for one in sources], spec.period, owned=True)
    return BarTape(bus, {(one.symbol, one.venue): join_bars([one.bars, one.asks]) for one in sources})
