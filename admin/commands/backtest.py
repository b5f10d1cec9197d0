"""`backtest`: a strategy file over stored bars or over a journal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.errors import BacktestError, StorageError

from .completion import complete_files
from .context import settings_of
from .options import example
from .run_options import run_options, spec_of
from .strategies import parse_parameters

if TYPE_CHECKING:
    from gcg_quant.events import BacktestProgressEvent

    from ...backtest.inputs.spec import BacktestSpec
    from ...backtest.results.result import BacktestResult

__all__ = ["backtest", "run_spec"]


@click.command(epilog=example("backtest examples/strategies/sma_cross.py --symbol SPY@NYSE --param fast=5"))
@click.argument("file", shell_complete=complete_files)
@run_options
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--run", default="", help="Name of the run and its folder (default: of class and time).")
@click.option("--trades", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many of the newest trades.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the HTML report to this file, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def backtest(ctx: click.Context, /, parameters: tuple[str, ...], trades: int, report: Path | None, as_json: bool, **asked: Any) -> None:
    """Backtest the strategy FILE on stored bars, and print result, trades, Sharpe and drawdown.

    The run's folder holds result.json, trades, fills and values as CSV, and report.html, which needs no network.
    """
    import msgspec

    from ...backtest.report import print_report

    if not asked["symbols"]:
        raise click.UsageError("--symbol is missing: name an instrument, such as --symbol SPY.")
    if report is not None and not report.expanduser().parent.is_dir():
        raise BacktestError(f"There is no folder {report.parent} to write the report to.", report=str(report))
    result = run_spec(ctx, spec_of(ctx, asked, parse_parameters(parameters)))
    if report is not None:
        result.save_report(report)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        print_report(result, trades=trades)


def run_spec(ctx: click.Context, spec: BacktestSpec) -> BacktestResult:
    """Run a backtest on the store of the settings, with a progress bar, and keep it in the database."""
    from ...backtest.engine import BacktestEngine
    from ...data_storage.reading.history import DatabaseHistory
    from ...data_storage.sql.database import Database
    from ...data_storage.writing.backtest_runs import BacktestRuns

    settings = settings_of(ctx)
    # Whoever names a file on his own command line may run it; the allowed folders guard what comes over the bus.
    folders = [*settings.strategy_folders, Path(spec.file).expanduser().resolve().parent]
    with Database(settings.database.url, home=settings.home) as database, _progress_bar() as show:
        engine = BacktestEngine(settings.home, database_url=settings.database.url, folders=folders, store=DatabaseHistory(database))

        def keep(*facts: Any) -> None:
            try:
                BacktestRuns(database).keep(*facts)
            except StorageError as error:  # the run is in its folder all the same
                click.echo(f"warning: the run is not kept in the database: {error}", err=True)

        return engine.run(spec, on_progress=show, keep=keep)


@contextlib.contextmanager
def _progress_bar() -> Iterator[Callable[[BacktestProgressEvent], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("bars"), TimeRemainingColumn())
    with Bar(*columns, TextColumn("{task.fields[value]}"), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("backtest", total=None, value="")

        def show(event: BacktestProgressEvent) -> None:
            bar.update(task, completed=event.done, total=event.total, value=f"worth {event.value:,.2f}")

        yield show
