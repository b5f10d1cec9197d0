"""Runs single combinations of a sweep, in whichever process: from the sweep's folder to a row of its table."""

from __future__ import annotations

import contextlib
import gc
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, GcgQuantError
from gcg_quant.events import World

from ...strategy_engine.hosting.loader import LoadedClass, StrategyLoader
from ..adapters import BacktraderAdapter
from ..inputs.spec import BacktestSpec
from ..runs.run import run_on
from .bar_file import map_sources
from .plan import SweepPlan
from .table import Row

__all__ = ["CODE", "PLAN", "SCRATCH", "SweepRunner", "read_plan"]

PLAN = "plan.json"
CODE = "code"
SCRATCH = "scratch"
PAGE_MB = 1
RUNS_A_COLLECTION = 50  # a class is a circle of thousands of objects, which the collector finds late by itself


class SweepRunner:
    """Maps a sweep's bars and runs combinations over them, one at a time.

    Every run loads the strategy's code afresh, so that nothing that one run leaves in a module reaches the next: rows are the same in
    whatever order and on however many processes they are computed. The code is the copy in the sweep's folder.

    Args:
        folder: the sweep's.
        keep_bus: let Backtrader's classes share one bus, instead of making one for each run. They tell nothing on it but their progress,
            and making it takes longer than a short run. For a process that does nothing else.

    Raises:
        BacktestError: the folder holds no sweep, or damaged bars.
    """

    def __init__(self, folder: Path, *, keep_bus: bool = False) -> None:
        self._folder = folder
        self.plan = read_plan(folder)
        if self.plan.code is None:
            raise BacktestError(f"{folder} holds a sweep without code: begin a new one.", folder=str(folder))
        self._sources = map_sources(folder, self.plan.sources)
        self._original = self.plan.code.main
        self._file = (folder / CODE / Path(self._original).name).resolve()
        self._runs = 0
        self._keep_bus = keep_bus
        self._kept: EventBus | None = None
        self._loader = StrategyLoader([folder / CODE], [BacktraderAdapter()])

    def run(self, number: int, parameters: dict[str, Any]) -> Row:
        """Return the row of one combination. What the strategy raises is the row's error; it ends nothing else."""
        self._runs += 1
        if self._runs % RUNS_A_COLLECTION == 0:
            gc.collect()
        begin = time.perf_counter()
        measures, notes, error = None, list[str](), ""
        try:
            measures, notes = self._result(parameters)
        except GcgQuantError as failure:
            error = self._told(str(failure))
        except (Exception, SystemExit) as failure:
            error = self._told(f"The run ended with {type(failure).__name__}: {failure}")
        seconds = round(time.perf_counter() - begin, 3)
        return Row(number=number, parameters=parameters, measures=measures, notes=notes, error=error, seconds=seconds)

    def _result(self, parameters: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        loaded = self._loader.load(str(self._file), self.plan.strategy)
        try:
            spec = self._spec(loaded, parameters)
            with self._bus(loaded) as bus:
                result = run_on(bus, spec, loaded, self._sources)
        finally:
            loaded.release()
        # As JSON has it: the same row whether it has just been computed or is read again.
        measures = result.measures.to_dict()
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in measures.items()
        }, result.notes

    # Nobody looks at the bars, orders and fills of a single run, so what Backtrader itself matches need not be told. Our own classes
    # and the paper gateway live on the bus.
    def _spec(self, loaded: LoadedClass, parameters: dict[str, Any]) -> BacktestSpec:
        plan = self.plan.spec
        parameters = {**plan.parameters, **parameters}
        return msgspec.structs.replace(plan, run="sweep", parameters=parameters, mirror=plan.mirror and not self._is_quiet(loaded))

    def _is_quiet(self, loaded: LoadedClass) -> bool:
        return loaded.adapter is not None and self.plan.spec.matching == "stock"

    @contextlib.contextmanager
    def _bus(self, loaded: LoadedClass) -> Iterator[EventBus]:
        if self._keep_bus and self._is_quiet(loaded):
            if self._kept is None:
                self._kept = self._new_bus()
            yield self._kept
            return
        with self._new_bus() as bus:
            try:
                yield bus
            finally:
                shutil.rmtree(bus.path.parent, ignore_errors=True)

    def _new_bus(self) -> EventBus:
        scratch = self._folder / SCRATCH
        scratch.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=scratch))
        return EventBus(folder / "bus", world=World.BACKTEST, source="backtest", sync="none", page_mb=PAGE_MB)

    # The user knows his own file, not our copy of it.
    def _told(self, text: str) -> str:
        return text.replace(str(self._file), self._original).replace(str(self._file.parent), str(Path(self._original).parent))


def read_plan(folder: Path) -> SweepPlan:
    """Return the plan of a sweep's folder; raise BacktestError if there is none that can be read."""
    try:
        return msgspec.json.decode((folder / PLAN).read_bytes(), type=SweepPlan)
    except FileNotFoundError:
        raise BacktestError(f"{folder} holds no sweep ({PLAN} is missing).", folder=str(folder)) from None
    except msgspec.MsgspecError as error:
        raise BacktestError(f"The plan {folder / PLAN} cannot be read: {error}. Begin a new sweep.", folder=str(folder)) from error
