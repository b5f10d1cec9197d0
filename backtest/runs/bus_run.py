"""`BusStrategyRunner`: our own `Strategy` classes over bars, by the same manager, risk, orders and paper venue that trade live."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.bus import EventBus
from gcg_quant.clock import to_iso
from gcg_quant.errors import StrategyError
from gcg_quant.events import BacktestProgressEvent, Fill, OrderEvent, OrderStatus, PlotEvent, StrategyStatusEvent
from gcg_quant.history import MemoryHistory

from ...strategy_engine.hosting.loader import LoadedClass
from ...strategy_engine.hosting.roster import LoadRequest
from ...strategy_engine.strategy.parameters import declared_parameters
from ...strategy_engine.trading import TradingConfig, TradingEngine
from ..conversion.parameters import plain_parameters
from ..inputs.paper_terms import PaperTerms
from ..inputs.sources import Source, run_terms
from ..inputs.spec import BacktestSpec
from ..own_strategies.stepping import SteppedManager
from ..results.curve import measure
from ..results.plot_lines import PlotLine, PlotLines
from ..results.result import BacktestResult, refusal_notes
from ..results.round_trips import fill_rows, round_trips
from ..tapes.run_tape import run_tape

__all__ = ["BusStrategyRunner", "run_on_bus"]

ACCOUNT = "backtest"
PROGRESS_STEPS = 50

Progress = Callable[[BacktestProgressEvent], None]


def run_on_bus(
    bus: EventBus, spec: BacktestSpec, loaded: LoadedClass, sources: list[Source], on_progress: Progress | None = None
) -> BacktestResult:
    """Run one of our own strategy classes and return its result; see BusStrategyRunner."""
    return BusStrategyRunner(bus, spec, loaded, sources, on_progress).run()


class BusStrategyRunner:
    """Publishes bar after bar on the run's bus, and lets trading engine and strategy manager handle all that follows before the next.

    One thread and no clock but the bars': the same bars give the same journal. Orders are matched as the paper gateway matches against
    bars (see native/include/gcg/matching.h): what is sent on a bar trades at the next one's open, or within it. Fees are the spec's
    commission unless `fees` says "terms"; the only limit of the risk check is what the account can pay, unless `paper` names others.
    With a preset, fees, lots, margin, T+1 and price limits are those of its terms, and what takes the price is filled `slippage_ticks`
    worse.

    Where a symbol has bid and ask bars, sales meet the bid and purchases the ask; the strategy sees bid bars, and positions are marked
    by the bid.

    Raises:
        BacktestError: slippage or a stake, which belong to Backtrader's classes; a mirror that is switched off.
        StrategyError: the file, its parameters, or what the strategy raised (with file, line and bar time).
    """

    def __init__(
        self, bus: EventBus, spec: BacktestSpec, loaded: LoadedClass, sources: list[Source], on_progress: Progress | None = None
    ) -> None:
        spec.check_for(loaded.cls.__name__, backtrader=False)
        self._bus = bus
        self._spec = spec
        self._loaded = loaded
        self._sources = sources
        self._on_progress = on_progress
        self._terms = {(one.symbol, one.venue): run_terms(one, spec) for one in sources}
        for terms in self._terms.values():
            bus.instruments.add(terms)
        self._currency = next(iter(self._terms.values())).currency
        self._id = re.sub(r"[^A-Za-z0-9_.-]", "_", loaded.cls.__name__[:40])  # a file of functions lends its name, whatever that is
        self._paper = PaperTerms.read(spec.paper_terms)
        self._tape = run_tape(bus, spec, sources)
        self._ends = np.unique(np.concatenate([one.bars["event_ns"] for one in sources]))
        self._starts = np.unique(np.concatenate([one.bars["start_ns"] for one in sources]))
        self._invested = 0

    def run(self) -> BacktestResult:
        """Run to the end and return the result."""
        config = TradingConfig(account=ACCOUNT, currency=self._currency, cash=self._spec.cash, mark_interval_ns=1)
        engine = TradingEngine(config, self._paper.rules(), self._paper.gateway())
        manager = self._manager()
        try:
            return self._step(engine, manager)
        except BaseException:
            manager.stop()  # it lets go of the file's modules, and of coroutines that wait
            engine.stop()
            raise

    def _step(self, engine: TradingEngine, manager: SteppedManager) -> BacktestResult:
        engine.start(self._bus, threaded=False)
        manager.start(self._bus, MemoryHistory(), threaded=False)
        self._settle(engine, manager)
        self._check(manager, 0)
        parameters = plain_parameters(manager.strategies()[0].parameters)
        values = np.empty(len(self._ends))
        for number, end_ns in enumerate(self._ends.tolist()):
            self._tape.forward(end_ns)
            self._settle(engine, manager)
            self._check(manager, end_ns)
            values[number] = self._value(engine)
            self._report(number + 1, end_ns, values[number])
        manager.stop()
        self._settle_engine(engine)
        self._tape.close()
        engine.stop()
        return self._result(values, parameters)

    def _manager(self) -> SteppedManager:
        spec, loaded = self._spec, self._loaded
        parameters = dict(spec.parameters)
        if "period" in declared_parameters(loaded.cls):
            parameters.setdefault("period", spec.period)
        places = tuple(terms.name for terms in self._terms.values())
        request = LoadRequest(
            file=str(loaded.file), id=self._id, class_name=loaded.cls.__name__, symbols=places, parameters=parameters, start=True
        )
        return SteppedManager([loaded.file.parent], load=[request], account=ACCOUNT, bar_periods=(spec.period,))

    # The engine first: what a bar does to working orders is settled before a strategy sees the bar.
    def _settle(self, engine: TradingEngine, manager: SteppedManager) -> None:
        while engine.turn() + manager.turn():
            pass

    def _settle_engine(self, engine: TradingEngine) -> None:
        while engine.turn():
            pass

    def _check(self, manager: SteppedManager, bar_ns: int) -> None:
        why = manager.failure(self._id)
        if why is None:
            return
        with self._bus.reader(start="begin", events=[StrategyStatusEvent]) as reader:
            told = [event.error for event in reader if isinstance(event, StrategyStatusEvent) and event.error]
        when = f" (at the bar that ended at {to_iso(bar_ns)})" if bar_ns else ""
        raise StrategyError(f"{told[-1] if told else f'{self._id}: {why}'}{when}", strategy=self._id, bar_ns=bar_ns)

    def _value(self, engine: TradingEngine) -> float:
        accounts = engine.desk.books.accounts
        self._invested += any(position.lots for position in accounts.positions.values())
        return sum(accounts.equity(currency) for currency in accounts.money)

    def _report(self, done: int, end_ns: int, value: float) -> None:
        total = len(self._ends)
        if done % max(1, total // PROGRESS_STEPS) and done != total:
            return
        event = BacktestProgressEvent(run=self._spec.run, done=done, total=total, event_ns=end_ns, value=float(value))
        self._bus.publish(event)
        if self._on_progress is not None:
            self._on_progress(event)

    def _result(self, values: Any, parameters: dict[str, Any]) -> BacktestResult:
        fills, refused = [], Counter[str]()
        with self._bus.reader(start="begin", events=[Fill, OrderEvent]) as reader:
            for event in reader:
                if isinstance(event, Fill):
                    fills.append(event)
                elif isinstance(event, OrderEvent) and event.status == OrderStatus.REJECTED:
                    refused[event.reason] += 1
        times = self._starts if len(self._starts) == len(self._ends) else self._ends
        trades, still_open = round_trips(fills, self._terms, times, self._ends)
        rows = fill_rows(fills, times, self._ends)
        measures = measure(
            self._spec.cash,
            times,
            values,
            trades,
            open_trades=still_open,
            invested_bars=self._invested,
            traded=sum(self._terms[fill.symbol, fill.venue].value(fill.quantity, fill.price) for fill in fills),
            periods_per_year=self._spec.periods_per_year,
        )
        return BacktestResult(
            run=self._spec.run,
            spec=self._spec,
            strategy=self._loaded.cls.__name__,
            kind=self._loaded.kind,
            parameters=parameters,
            measures=measures,
            trades=trades,
            fills=rows,
            notes=refusal_notes(refused),
            plots=self._plots(times) if self._spec.report else [],
            currency=self._currency,
            timezone=next(iter(self._terms.values())).timezone,
            values=list(zip(times.tolist(), values.tolist(), strict=True)),
        )

    # What was drawn within a bar stands at its time.
    def _plots(self, times: NDArray[np.int64]) -> list[PlotLine]:
        lines = PlotLines()
        last = len(times) - 1
        with self._bus.reader(start="begin", events=[PlotEvent]) as reader:
            for point in reader:
                if isinstance(point, PlotEvent):
                    at = min(int(np.searchsorted(self._ends, point.event_ns)), last)
                    lines.put(point.symbol, point.name, point.place, int(times[at]), point.value)
        return lines.rows()
