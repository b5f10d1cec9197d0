"""`Sweep`: one strategy with many parameters, computed by several processes, interrupted and gone on with at will."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gcg_quant.errors import BacktestError, nearest

from ...strategy_engine.hosting.loader import LoadedClass, StrategyLoader
from ...strategy_engine.strategy.parameters import check_parameters
from ..adapters import BacktraderAdapter
from ..conversion.parameters import bt_parameters
from ..inputs.run_inputs import CodeFiles
from ..inputs.sources import load_sources
from ..inputs.spec import BacktestSpec
from .axis import Axis
from .bar_file import remove_sources, store_sources
from .metric import metric_of
from .plan import SweepPlan
from .pool import LocalPool, Pool
from .runner import CODE, PLAN, SCRATCH, read_plan
from .table import Row, RowTable, read_rows
from .worker import Task

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["Sweep", "SweepProgress", "find_sweep"]

ROWS = "rows.jsonl"
FOLDER = "sweeps"


class SweepProgress(NamedTuple):
    """How far a sweep has come: runs done (failed ones among them) of all, and the best row so far."""

    done: int
    failed: int
    total: int
    best: Row | None


class Sweep:
    """A sweep and its folder, HOME/sweeps/NAME: plan, code, bars, and the rows that are done.

        sweep = Sweep.begin(spec, parse_axes(["fast=5:50:5", "slow=20:200:20"]), home=home, history=history, where=["fast < slow"])
        sweep.run()                                   # all processors; sweep.run(LocalPool(1)), sweep.run(DaskPool("host:8786"))
        sweep.ranked()[0].parameters

    Whatever ends `run` early, what was done is kept: `Sweep(folder).run()` goes on with the rest, with the bars and the code that it began
    with. Equal rows come of any number of workers.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = read_plan(folder)
        self.combinations = self.plan.combinations()
        self.metric = metric_of(self.plan.metric)
        path = folder / ROWS
        self.rows: dict[int, Row] = read_rows(path)[0] if path.exists() else {}  # one that is being written is not whole yet

    @classmethod
    def begin(
        cls,
        spec: BacktestSpec,
        axes: Sequence[Axis],
        *,
        home: Path,
        history: History | None = None,
        folders: Sequence[Path | str] = (),
        where: Sequence[str] = (),
        count: int | None = None,
        seed: int = 1,
        metric: str = "sharpe",
    ) -> Sweep:
        """Check everything, write the sweep's folder, and return the sweep; nothing has been run yet.

        Args:
            spec: the backtest, its parameters aside; `spec.run` names the sweep ("": made from the class and the time).
            axes: the values of each parameter.
            home, history, folders: as of `run_backtest`.
            where: conditions such as "fast < slow".
            count: draw so many combinations (by `seed`) instead of taking all.
            metric: a name of `METRICS`.

        Raises:
            BacktestError, InstrumentError, StrategyError: as `run_backtest`; a parameter, value or condition that makes no sense; no
            combination that fulfils the conditions; a name that is taken.
        """
        spec = spec.check()
        plan = SweepPlan(spec=spec, axes=list(axes), where=list(where), count=count, seed=seed, metric=metric).check()
        plan = msgspec.structs.replace(plan, asked=plan.digest)
        loaded = StrategyLoader(folders, [BacktraderAdapter()]).load(spec.file, spec.class_name)
        try:
            spec.check_for(loaded.cls.__name__, backtrader=loaded.adapter is not None)
            plan = _with_strategy(plan, loaded)
            plan.combinations()
            sources = load_sources(spec, history, both_sides=loaded.adapter is None or spec.matching == "native")
            folder = _make_folder(home / FOLDER, spec.run, loaded.cls.__name__)
            try:
                _code_of(plan).save(folder / CODE)
                plan = msgspec.structs.replace(plan, sources=store_sources(folder, sources))
                _write_whole(folder / PLAN, msgspec.json.format(msgspec.json.encode(plan), indent=1))
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        finally:
            loaded.release()
        return cls(folder)

    @property
    def name(self) -> str:
        """The sweep's name, which is its folder's."""
        return self.folder.name

    @property
    def is_done(self) -> bool:
        """Whether every run has its row."""
        return len(self.rows) == len(self.combinations)

    def ranked(self) -> list[Row]:
        """Return the rows that there are, from best to worst by the plan's metric."""
        return self.metric.ranked(self.rows.values())

    def progress(self) -> SweepProgress:
        """Return how far the sweep has come."""
        best = next((row for row in self.ranked() if self.metric.of(row) is not None), None)
        return SweepProgress(len(self.rows), sum(row.measures is None for row in self.rows.values()), len(self.combinations), best)

    def run(self, pool: Pool | None = None, on_progress: Callable[[SweepProgress], None] | None = None) -> None:
        """Compute every combination that has no row yet; by default on all processors of this machine.

        Args:
            pool: what computes.
            on_progress: called in this thread: at the start, and after each run.

        Raises:
            BacktestError: another process computes this sweep; its workers cannot start; the disk is full. KeyboardInterrupt as it is.
        """
        with RowTable(self.folder / ROWS) as table:
            self.rows = table.rows
            shutil.rmtree(self.folder / SCRATCH, ignore_errors=True)  # of workers that were killed
            progress = self.progress()
            tell = on_progress or (lambda _: None)
            tell(progress)

            def keep(row: Row) -> None:
                nonlocal progress
                table.append(row)
                best = row if self.metric.better(row, progress.best) else progress.best
                progress = SweepProgress(len(table.rows), progress.failed + (row.measures is None), progress.total, best)
                tell(progress)

            tasks = [Task(number, parameters) for number, parameters in enumerate(self.combinations) if number not in table.rows]
            try:
                (pool or LocalPool()).run(self.folder.resolve(), tasks, keep)
            finally:
                shutil.rmtree(self.folder / SCRATCH, ignore_errors=True)
        if self.is_done:
            remove_sources(self.folder)


def find_sweep(home: Path, name: str = "", *, asked: SweepPlan | None = None) -> Sweep:
    """Return a sweep to go on with: the one of a name; the newest that was begun as `asked`; the newest that is not done.

    Raises:
        BacktestError: there is none, or the one of that name was begun with other settings (they are named).
    """
    parent = home / FOLDER
    names = sorted((path.parent.name for path in parent.glob(f"*/{PLAN}")), key=lambda one: (parent / one / PLAN).stat().st_mtime_ns)
    if name:
        if name not in names:
            raise BacktestError(f"There is no sweep {name!r} in {parent}.{nearest(name, names)}", sweep=name)
        plan = read_plan(parent / name)
        if asked is not None and plan.asked != asked.digest:
            others = ", ".join(plan.differences(asked))
            raise BacktestError(
                f"The sweep {name!r} was begun with other settings ({others}): leave them out to go on with it, or begin a new one.",
                sweep=name,
            )
        return Sweep(parent / name)
    for one in reversed(names):
        with contextlib.suppress(BacktestError):  # a damaged one is for whoever names it
            if asked is not None and read_plan(parent / one).asked != asked.digest:
                continue
            sweep = Sweep(parent / one)
            if asked is not None or not sweep.is_done:
                return sweep
    what = "sweep of these settings" if asked is not None else "unfinished sweep"
    raise BacktestError(f"There is no {what} in {parent} to go on with: begin one without --resume.")


def _with_strategy(plan: SweepPlan, loaded: LoadedClass) -> SweepPlan:
    def check(name: str, value: Any) -> Any:
        values = {**plan.spec.parameters, name: value}
        return (bt_parameters if loaded.adapter is not None else check_parameters)(loaded.cls, values)[name]

    return msgspec.structs.replace(
        plan,
        axes=[axis.checked(check) for axis in plan.axes],
        strategy=loaded.cls.__name__,
        kind=loaded.kind,
        code=CodeFiles.of(loaded),
    )


def _code_of(plan: SweepPlan) -> CodeFiles:
    if plan.code is None:
        raise BacktestError("The plan names no code.")
    return plan.code


def _make_folder(parent: Path, name: str, strategy: str) -> Path:
    parent.mkdir(parents=True, exist_ok=True)
    stem = name or f"{strategy}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for one in [stem] if name else [stem, *(f"{stem}-{number}" for number in range(2, 1000))]:
        try:
            (parent / one).mkdir()
        except FileExistsError:
            continue
        return parent / one
    if not (parent / stem / PLAN).exists():
        raise BacktestError(f"{parent / stem} holds the rest of a sweep that never began: remove it, or choose another name.", sweep=stem)
    raise BacktestError(f"There is a sweep {stem!r} in {parent} already: go on with it by --resume, or choose another name.", sweep=stem)


# A folder without a whole plan is no sweep: what a killed process left behind is never taken for one.
def _write_whole(path: Path, data: bytes) -> None:
    half = path.with_suffix(".half")
    half.write_bytes(data)
    os.replace(half, path)
