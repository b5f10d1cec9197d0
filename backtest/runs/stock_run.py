"""Runs a Backtrader class over bars: `EventDrivenCerebro`, stock matching, everything told on the run's bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from gcg_quant.errors import BacktestError, GcgQuantError

from ..analyzers import ResultAnalyzer
from ..broker import EventDrivenBroker
from ..cerebro import EventDrivenCerebro
from ..conversion.days import ns_from_days
from ..conversion.parameters import bt_defaults, bt_parameters, plain_parameters
from ..feed import EventDrivenDataFeed
from ..inputs.sources import Source, run_terms
from ..inputs.spec import BacktestSpec
from ..preset_broker import PresetBroker
from ..results.plot_lines import RunPen
from ..results.result import BacktestResult, refusal_notes
from ..tapes.run_tape import run_tape
from ..tapes.tape import BarTape
from .failure import strategy_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from gcg_quant.bus import EventBus
    from gcg_quant.events import BacktestProgressEvent
    from gcg_quant.instruments import Instrument

    from ...strategy_engine.hosting.loader import LoadedClass
    from ..tapes.journal_tape import JournalTape

__all__ = ["run_backtrader"]

ACCOUNT = "backtest"


def run_backtrader(
    bus: EventBus,
    spec: BacktestSpec,
    loaded: LoadedClass,
    sources: list[Source],
    on_progress: Callable[[BacktestProgressEvent], None] | None = None,
    prepare: Callable[[EventDrivenCerebro], None] | None = None,
) -> BacktestResult:
    """Run a `bt.Strategy` class and return its result; `prepare` is called with the cerebro before it runs.

    Raises:
        StrategyError: unknown parameters, or the strategy raised (with file, line, bar time and symbols).
        BacktestError: an option that does not go with such a class; the run was stopped before it saw a bar.
    """
    spec.check_for(loaded.cls.__name__, backtrader=True)
    parameters = bt_parameters(loaded.cls, spec.parameters)
    tape = _tape(bus, spec, sources)
    cerebro = EventDrivenCerebro(bus=bus, run=spec.run, on_progress=on_progress)
    for source in sources:
        name = f"{source.symbol}@{source.venue}" if source.venue else source.symbol
        cerebro.adddata(EventDrivenDataFeed(dataname=name, period=spec.period, bars=source.bars, stamp=spec.stamp), name=source.symbol)
    terms = {(one.symbol, one.venue): run_terms(one, spec) for one in sources} if spec.preset else {}
    broker = _broker(bus, spec, loaded.cls.__name__, terms)
    if tape is not None:
        broker.use_tape(tape)
    cerebro.broker = broker
    if spec.stake is not None:
        cerebro.addsizer(bt.sizers.FixedSize, stake=spec.stake)
    cerebro.addstrategy(loaded.cls, **parameters)
    pen = RunPen(lambda: _clock_ns(cerebro), [one.symbol for one in sources])
    if spec.report:
        cerebro.pen = pen
    cerebro.addanalyzer(ResultAnalyzer, periods_per_year=spec.periods_per_year, _name="gcg_result")
    if prepare is not None:
        prepare(cerebro)
    try:
        strategies = _run(cerebro, str(loaded.file), [one.symbol for one in sources])
    except BaseException:
        broker.release()
        raise
    if tape is not None:
        tape.forward()
    analyzer = strategies[0].analyzers.gcg_result
    known = next(iter(terms.values()), sources[0].terms)
    return BacktestResult(
        run=spec.run,
        spec=spec,
        strategy=loaded.cls.__name__,
        kind="backtrader",
        parameters=plain_parameters({**bt_defaults(loaded.cls), **parameters}),
        measures=analyzer.get_analysis(),
        trades=analyzer.trades,
        fills=analyzer.fills,
        notes=refusal_notes(analyzer.refused),
        plots=pen.lines.rows(),
        timezone=known.timezone if known is not None else "UTC",
        currency=known.currency if known is not None else "",
        fast_reason=cerebro.fast_reason,
        values=[(ns_from_days(days), value) for days, value in zip(analyzer.times, analyzer.values, strict=True)],
    )


def _tape(bus: EventBus, spec: BacktestSpec, sources: list[Source]) -> BarTape | JournalTape | None:
    if spec.matching == "native":
        for source in sources:
            bus.instruments.add(run_terms(source, spec))
        return run_tape(bus, spec, sources)
    return BarTape(bus, {(one.symbol, one.venue): one.bars for one in sources}) if spec.mirror else None


def _broker(bus: EventBus, spec: BacktestSpec, name: str, terms: dict[tuple[str, str], Instrument]) -> EventDrivenBroker:
    options: dict[str, Any] = {"bus": bus, "mirror": spec.mirror, "account": ACCOUNT, "strategy": name[:40]}
    if terms and spec.matching == "stock":
        broker: EventDrivenBroker = PresetBroker(terms, spec.preset_ticks, **options)
    else:
        broker = EventDrivenBroker(matching=spec.matching, paper=spec.paper_terms, **options)
        broker.setcommission(commission=spec.commission)
        if spec.slippage:
            broker.set_slippage_perc(spec.slippage)
    broker.set_cash(spec.cash)
    return broker


def _run(cerebro: EventDrivenCerebro, file: str, symbols: list[str]) -> list[Any]:
    try:
        strategies: list[Any] = cerebro.run()
    except GcgQuantError:
        raise
    except Exception as error:
        raise strategy_failure(error, file, _clock_ns(cerebro), ", ".join(symbols)) from error
    if not strategies:
        raise BacktestError("The strategy took itself out of the run (StrategySkipError).", file=file)
    return strategies


# The time of the newest bar, 0 before the first (NaN: the class cannot be set up on so few bars).
def _clock_ns(cerebro: EventDrivenCerebro) -> int:
    days = cerebro.clock_days
    return ns_from_days(days) if days > 0 else 0
