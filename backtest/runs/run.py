"""One backtest in this process: file, bars, run folder and bus in; a result out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, GcgQuantError
from gcg_quant.events import BacktestProgressEvent, BacktestRequestEvent, BacktestResultEvent, World

from ...strategy_engine.hosting.loader import LoadedClass, StrategyLoader
from ..adapters import BacktraderAdapter
from ..inputs.run_inputs import RunInputs
from ..inputs.sources import Source, load_sources
from ..inputs.spec import BacktestSpec
from ..pages.chan_data import chan_options
from ..pages.html_report import report_html
from ..results.result import REPORT, BacktestResult

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["CODE", "Keep", "Progress", "run_backtest", "run_on"]

Progress = Callable[[BacktestProgressEvent], None]
Keep = Callable[[EventBus, BacktestRequestEvent, BacktestResultEvent], None]

CODE = "code"  # the folder, in a run's own, that holds the copy of the strategy

PAGE_MB = 4


def run_backtest(
    spec: BacktestSpec,
    *,
    home: Path,
    history: History | None = None,
    folders: Sequence[Path | str] = (),
    on_progress: Progress | None = None,
    keep: Keep | None = None,
) -> BacktestResult:
    """Run one backtest to its end and return its result; it is also in `home`/backtests/RUN, with a copy of the code.

    Args:
        spec: what to run.
        home: the home folder.
        history: the store that bars come from, unless the spec names a journal.
        folders: where strategy files may lie, besides the shipped ones.
        on_progress: called now and then, in this thread.
        keep: called with the run's bus, its request and its outcome, good or bad, once there is one (`BacktestRuns.keep`).

    Raises:
        BacktestError, InstrumentError: the spec, its bars or its run name. StrategyError: the file, the class, its parameters, or an
        exception that it raised (with file, line and bar time).
    """
    begin = time.perf_counter()
    spec.check()
    loaded = StrategyLoader(folders, [BacktraderAdapter()]).load(spec.file, spec.class_name)
    try:
        sources = load_sources(spec, history, both_sides=loaded.adapter is None or spec.matching == "native")
        folder = _make_folder(home, spec, loaded)
        spec = msgspec.structs.replace(spec, run=folder.name)
        with EventBus(folder / "bus", world=World.BACKTEST, source="backtest", sync="none", page_mb=PAGE_MB) as bus:
            inputs = RunInputs.of(loaded, sources)
            inputs.code.save(folder / CODE)
            result = _on_bus(bus, spec, loaded, sources, inputs, str(folder.absolute()), on_progress, keep)
    finally:
        loaded.release()
    result = msgspec.structs.replace(
        result,
        folder=str(folder),
        code_sha256=inputs.code.sha256[str(loaded.file)],
        inputs=inputs,
        seconds=time.perf_counter() - begin,
        chan=chan_options(loaded.cls, result.parameters, spec.period),
    )
    result.save(folder)
    if spec.report:
        (folder / REPORT).write_text(report_html(result, sources), encoding="utf-8")
    return result


def _on_bus(
    bus: EventBus,
    spec: BacktestSpec,
    loaded: LoadedClass,
    sources: list[Source],
    inputs: RunInputs,
    folder: str,
    on_progress: Progress | None,
    keep: Keep | None,
) -> BacktestResult:
    request = spec.to_event()
    bus.publish(request)
    outcome = BacktestResultEvent(run=spec.run, ok=False, report=folder, inputs=msgspec.to_builtins(inputs))
    try:
        result = run_on(bus, spec, loaded, sources, on_progress)
        outcome = msgspec.structs.replace(outcome, ok=True, results=result.measures.to_dict())
    except GcgQuantError as error:
        outcome = msgspec.structs.replace(outcome, error=str(error))
        raise
    finally:
        if outcome.ok or outcome.error:
            bus.publish(outcome)
            if keep is not None:
                keep(bus, request, outcome)
    return result


def run_on(
    bus: EventBus, spec: BacktestSpec, loaded: LoadedClass, sources: list[Source], on_progress: Progress | None = None
) -> BacktestResult:
    """Run a class over bars on a bus of the run's own and return its result, which is saved nowhere. Raises what `run_backtest` does."""
    for source in sources:
        if source.terms is not None:
            bus.instruments.add(source.terms)
    return _runner(loaded)(bus, spec, loaded, sources, on_progress)


def _runner(loaded: LoadedClass) -> Callable[..., BacktestResult]:
    if loaded.adapter is None:
        from .bus_run import run_on_bus

        return run_on_bus
    from .stock_run import run_backtrader

    return run_backtrader


def _make_folder(home: Path, spec: BacktestSpec, loaded: LoadedClass) -> Path:
    parent = home / "backtests"
    parent.mkdir(parents=True, exist_ok=True)
    stem = spec.run or f"{loaded.cls.__name__}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    names = [stem] if spec.run else [stem, *(f"{stem}-{number}" for number in range(2, 1000))]
    for name in names:
        try:
            (parent / name).mkdir()
        except FileExistsError:
            continue
        return parent / name
    raise BacktestError(f"There is a backtest {stem!r} in {parent} already: choose another run name.", run=stem)
