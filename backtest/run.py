"""One backtest in this process: file, bars, run folder and bus in; a result out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, GcgQuantError
from gcg_quant.events import BacktestProgressEvent, BacktestRequestEvent, BacktestResultEvent, World

from ..strategy_engine.hosting.loader import LoadedClass, StrategyLoader
from .adapters import BacktraderAdapter
from .html_report import report_html
from .result import REPORT, BacktestResult
from .sources import Source, load_sources
from .spec import BacktestSpec

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["Progress", "run_backtest", "run_on"]

Progress = Callable[[BacktestProgressEvent], None]

PAGE_MB = 4


def run_backtest(
    spec: BacktestSpec,
    *,
    home: Path,
    history: History | None = None,
    folders: Sequence[Path | str] = (),
    on_progress: Progress | None = None,
) -> BacktestResult:
    """Run one backtest to its end and return its result; it is also in `home`/backtests/RUN.

    Args:
        spec: what to run.
        home: the home folder.
        history: the store that bars come from, unless the spec names a journal.
        folders: where strategy files may lie, besides the shipped ones.
        on_progress: called now and then, in this thread.

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
            result = _on_bus(bus, spec, loaded, sources, on_progress)
    finally:
        loaded.release()
    result = msgspec.structs.replace(
        result,
        folder=str(folder),
        code_sha256=hashlib.sha256(loaded.file.read_bytes()).hexdigest(),
        seconds=time.perf_counter() - begin,
    )
    result.save(folder)
    if spec.report:
        (folder / REPORT).write_text(report_html(result, sources), encoding="utf-8")
    return result


def _on_bus(bus: EventBus, spec: BacktestSpec, loaded: LoadedClass, sources: list[Source], on_progress: Progress | None) -> BacktestResult:
    bus.publish(_request(spec))
    try:
        result = run_on(bus, spec, loaded, sources, on_progress)
    except GcgQuantError as error:
        bus.publish(BacktestResultEvent(run=spec.run, ok=False, error=str(error)))
        raise
    bus.publish(BacktestResultEvent(run=spec.run, ok=True, results=result.measures.to_dict()))
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


def _request(spec: BacktestSpec) -> BacktestRequestEvent:
    fields: dict[str, Any] = {name: getattr(spec, name) for name in BacktestRequestEvent.__struct_fields__ if hasattr(spec, name)}
    return BacktestRequestEvent(**fields)


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
