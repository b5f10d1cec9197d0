"""`optimize`: a strategy file with many parameters, on all processors or on a Dask cluster."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.errors import BacktestError

from .completion import complete_files
from .context import settings_of
from .options import example
from .run_options import run_options, spec_of

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ...backtest.sweep import Sweep, SweepProgress

__all__ = ["optimize"]

_INTERRUPTED = 130


@click.command(epilog=example("optimize examples/strategies/sma_cross.py --symbol SPY@NYSE --param fast=5:20:5 --param slow=20:60:20"))
@click.argument("file", required=False, default="", shell_complete=complete_files)
@run_options
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUES", help="5:50:5, a,b,c or one value; may be repeated.")
@click.option("--where", multiple=True, metavar="CONDITION", help="Only combinations such as 'fast < slow'; may be repeated.")
@click.option("--random", "count", type=int, default=None, metavar="N", help="Draw N combinations instead of taking all.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of --random: the same seed draws the same.")
@click.option("--metric", default="sharpe", show_default=True, help="The measure by which results are ranked.")
@click.option("--jobs", type=click.IntRange(min=1), default=None, help="Worker processes (default: one a processor).")
@click.option("--dask", default=None, metavar="HOST:PORT", help="Compute on the Dask cluster of this scheduler.")
@click.option("--run", default="", help="The sweep's name (default: from class and time).")
@click.option("--resume", is_flag=True, help="Go on with a sweep: the one of --run, of the same settings, or the newest unfinished one.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Show so many of the best.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the HTML report here, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the best as JSON.")
@click.pass_context
def optimize(ctx: click.Context, /, jobs: int | None, dask: str | None, top: int, report: Path | None, as_json: bool, **asked: Any) -> None:
    """Run the strategy FILE with many parameters over the same bars, and print the best.

    All is kept in HOME/sweeps/NAME: rows.jsonl as runs finish, then rows.csv, sweep.json and report.html with heat maps.
    Ctrl-C keeps what is done.
    """
    if dask is not None and jobs is not None:
        raise click.UsageError("--jobs is for local workers; a Dask cluster has its own.")
    if report is not None and not report.absolute().parent.is_dir():
        raise BacktestError(f"The report cannot be written: there is no folder {report.absolute().parent}.", path=str(report))
    pool = _pool(jobs, dask)
    sweep = _resumed(ctx, asked) if asked["resume"] else _begun(ctx, asked)
    try:
        _run(sweep, pool)
    except KeyboardInterrupt:
        _finish(sweep, top, report, as_json)
        click.echo(f"Stopped; what is done is kept. Go on with: python -m gcg_quant optimize --resume --run {sweep.name}", err=True)
        ctx.exit(_INTERRUPTED)
    _finish(sweep, top, report, as_json)
    progress = sweep.progress()
    if progress.failed == progress.total:
        raise BacktestError(f"All {progress.total:,} runs failed, the first with: {sweep.rows[0].error}")


def _pool(jobs: int | None, dask: str | None) -> Any:
    if dask is not None:
        from ...backtest.sweep.dask_pool import DaskPool

        return DaskPool(dask)
    from ...backtest.sweep import LocalPool

    return LocalPool(jobs or 0)


def _begun(ctx: click.Context, asked: dict[str, Any]) -> Sweep:
    from ...backtest.sweep import Sweep, parse_axes
    from ...data_storage.reading.history import DatabaseHistory
    from ...data_storage.sql.database import Database

    for name, what in (("file", "the strategy FILE"), ("symbols", "--symbol"), ("parameters", "--param")):
        if not asked[name]:
            raise click.UsageError(f"{what} is missing (only --resume can do without).")
    settings = settings_of(ctx)
    spec = spec_of(ctx, asked)
    # Whoever names a file on his own command line may run it; the allowed folders guard what comes over the bus.
    folders = [*settings.strategy_folders, Path(spec.file).expanduser().resolve().parent]
    with Database(settings.database.url, home=settings.home) as database:
        return Sweep.begin(
            spec,
            parse_axes(asked["parameters"]),
            home=settings.home,
            history=DatabaseHistory(database),
            folders=folders,
            where=asked["where"],
            count=asked["count"],
            seed=asked["seed"],
            metric=asked["metric"],
        )


def _resumed(ctx: click.Context, asked: dict[str, Any]) -> Sweep:
    from ...backtest.sweep import SweepPlan, find_sweep, parse_axes

    home = settings_of(ctx).home
    if not asked["file"]:
        _refuse_settings(ctx, asked)
        return find_sweep(home, asked["run"])
    plan = SweepPlan(
        spec=spec_of(ctx, asked),
        axes=parse_axes(asked["parameters"]),
        where=list(asked["where"]),
        count=asked["count"],
        seed=asked["seed"],
        metric=asked["metric"],
    )
    return find_sweep(home, asked["run"], asked=plan)


def _refuse_settings(ctx: click.Context, asked: dict[str, Any]) -> None:
    line = click.core.ParameterSource.COMMANDLINE
    settings = [one for one in ctx.command.params if one.name in asked and one.name not in ("file", "run", "resume")]
    given = [one.opts[0] for one in settings if ctx.get_parameter_source(str(one.name)) is line]
    if given:
        raise BacktestError(
            f"A sweep goes on with the settings that it was begun with: leave out {', '.join(given)}, or begin a new one without --resume."
        )


def _run(sweep: Sweep, pool: Any) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[best]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(sweep.name, total=len(sweep.combinations), best="")
        sweep.run(pool, lambda progress: _show(bar, task, sweep, progress))


def _show(bar: Progress, task: TaskID, sweep: Sweep, progress: SweepProgress) -> None:
    from rich.markup import escape

    from ...backtest.sweep.figures import figure, settings_text, title_of

    best = ""
    if progress.best is not None:
        value = figure(sweep.metric.name, sweep.metric.of(progress.best))
        best = escape(f"best {title_of(sweep.metric.name)} {value}: {settings_text(progress.best.parameters)}")
    failed = f"  [red]{progress.failed:,} failed[/]" if progress.failed else ""
    bar.update(task, completed=progress.done, best=best + failed)


def _finish(sweep: Sweep, top: int, report: Path | None, as_json: bool) -> None:
    from rich.console import Console

    from ...backtest.sweep.summary import print_summary, save_csv, save_json, summary
    from ...backtest.sweep.sweep_report import write_sweep_page

    save_csv(sweep, sweep.folder / "rows.csv")
    save_json(sweep, sweep.folder / "sweep.json")
    page = sweep.folder / "report.html"
    write_sweep_page(sweep, page)
    if report is not None:
        shutil.copyfile(page, report)
    if as_json:
        click.echo(json.dumps(summary(sweep, top), indent=1, allow_nan=False))
        return
    console = Console()
    print_summary(sweep, console, top)
    click.echo(f"Report: {report or page}")
