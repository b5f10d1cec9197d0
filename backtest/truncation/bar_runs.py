"""Runs of a strategy file over bars that end at some bar: each loads the file afresh and sees a copy of the bars up to there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from gcg_quant.bus import EventBus
from gcg_quant.clock import to_iso
from gcg_quant.errors import StrategyError
from gcg_quant.events import BacktestProgressEvent, World
from gcg_quant.history import History

from ...strategy_engine.hosting.loader import LoadedClass, StrategyLoader
from ..adapters import BacktraderAdapter
from ..history.bars import BarArray
from ..inputs.sources import Source, load_sources
from ..inputs.spec import BacktestSpec
from .decisions import DecisionLog, Recording
from .order_record import OrderRecord
from .own_reads import PREFIX, SCRATCH

if TYPE_CHECKING:
    from ..cerebro import EventDrivenCerebro

__all__ = ["BarRuns"]

_DECIMALS_NS = 1_000_000  # of Backtrader's float days, generously


class BarRuns:
    """A strategy and the bars that it is tried on. The places of its data are the times of the bars, each once.

    Args:
        spec: the run; `mirror` and `report` do not matter.
        history: the store of the bars, unless the spec names a journal.
        folders: where strategy files may lie, besides the shipped ones.

    Raises:
        BacktestError, InstrumentError, StrategyError: as `run_backtest`, before anything has run.
    """

    def __init__(self, spec: BacktestSpec, history: History | None = None, folders: Sequence[Path | str] = ()) -> None:
        self._spec = spec.check()
        self._room = ExitStack()
        self._kept: EventBus | None = None  # what only hears of progress serves all runs: making one takes longer than a short run
        self._loader = StrategyLoader(folders, [BacktraderAdapter()])
        loaded = self._loader.load(spec.file, spec.class_name)
        loaded.release()
        self._backtrader = loaded.adapter is not None
        self._stock = self._backtrader and spec.matching == "stock"
        self._sources = load_sources(spec, history, both_sides=not self._backtrader or spec.matching == "native")
        self._stamp = "start_ns" if self._stock and spec.stamp == "start" else "event_ns"
        self._times = np.unique(np.concatenate([one.bars[self._stamp] for one in self._sources]))
        # A cut leaves at least one bar of each symbol.
        self.first = int(np.searchsorted(self._times, max(int(one.bars[self._stamp][0]) for one in self._sources)))
        self.file = loaded.file
        names = ", ".join(f"{one.symbol}@{one.venue}" if one.venue else one.symbol for one in self._sources)
        bars = sum(len(one.bars) for one in self._sources)
        self.origin = f"{bars:,} {spec.period} bars of {names} from {self.moment(0)} to {self.moment(self.last)}"

    @property
    def last(self) -> int:
        """The last place in the data."""
        return len(self._times) - 1

    def moment(self, place: int) -> str:
        """Return the time of a place, in words: that of its bar, as the strategy sees it."""
        return to_iso(int(self._times[place]))

    def record(self, place: int) -> Recording:
        """Run over the data that end at `place` and return what was decided."""
        until = int(self._times[place])
        sources = [one._replace(bars=self._upto(one.bars, until), asks=self._upto(one.asks, until)) for one in self._sources]
        loaded = self._loader.load(self._spec.file, self._spec.class_name)
        try:
            if self._stock:
                if self._kept is None:
                    self._kept = self._room.enter_context(_new_bus())
                return self._beside_broker(self._kept, loaded, sources)
            with _new_bus() as bus:
                for source in sources:
                    if source.terms is not None:
                        bus.instruments.add(source.terms)
                return self._on_bus(bus, loaded, sources)
        finally:
            loaded.release()

    def close(self) -> None:
        """Remove what the runs have in common; no more can be recorded."""
        self._room.close()

    def __enter__(self) -> BarRuns:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # A copy: a view would lead back to all the bars.
    def _upto(self, bars: BarArray, until: int) -> BarArray:
        return bars[bars[self._stamp] <= until].copy()

    def _place_of(self, time_ns: int) -> int:
        return min(int(np.searchsorted(self._times, time_ns - _DECIMALS_NS)), self.last)

    def _beside_broker(self, bus: EventBus, loaded: LoadedClass, sources: list[Source]) -> Recording:
        record = OrderRecord(self._place_of)
        spec = msgspec.structs.replace(self._spec, mirror=False, report=True)
        failure = _backtrader_failure(bus, spec, loaded, sources, None, record.watch)
        return Recording(record.decisions, str(failure or ""))

    def _on_bus(self, bus: EventBus, loaded: LoadedClass, sources: list[Source]) -> Recording:
        from ..runs.bus_run import run_on_bus

        log = DecisionLog(bus)
        ended = False

        # The end of the data comes before that of the strategy, which may trade once more in its on_stop.
        def look(event: BacktestProgressEvent) -> None:
            nonlocal ended
            if not ended:
                log.take(self._place_of)
            ended = event.done == event.total

        if self._backtrader:
            failure = _backtrader_failure(bus, self._spec, loaded, sources, look, None)
        else:
            failure = _failure(partial(run_on_bus, bus, self._spec, loaded, sources, look))
        if failure is not None:
            log.take(self._place_of)
        log.close()
        return Recording(log.decisions, str(failure or ""))


# Backtrader computes indicators at once, and fails where there are fewer bars than one of them needs; bar by bar it does not.
def _backtrader_failure(
    bus: EventBus,
    spec: BacktestSpec,
    loaded: LoadedClass,
    sources: list[Source],
    look: Callable[[BacktestProgressEvent], None] | None,
    watch: Callable[[EventDrivenCerebro], None] | None,
) -> StrategyError | None:
    from ..runs.stock_run import run_backtrader  # Backtrader takes half a second to import

    def prepare(cerebro: EventDrivenCerebro, *, at_once: bool) -> None:
        cerebro.p.runonce = at_once
        if watch is not None:
            watch(cerebro)

    failure = None
    for at_once in (True, False):
        failure = _failure(partial(run_backtrader, bus, spec, loaded, sources, look, partial(prepare, at_once=at_once)))
        if failure is None or failure.context.get("bar_ns"):
            break
    return failure


@contextmanager
def _new_bus() -> Iterator[EventBus]:
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=SCRATCH) as folder,
        EventBus(Path(folder) / "bus", world=World.BACKTEST, source="cut", sync="none", page_mb=1) as bus,
    ):
        yield bus


def _failure(run: Callable[[], object]) -> StrategyError | None:
    try:
        run()
    except StrategyError as error:
        return error
    return None
