"""`backtest`: a strategy file over stored bars or over a journal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.clock import from_iso
from gcg_quant.errors import BacktestError, StorageError

from .context import settings_of
from .strategies import parse_parameters

if TYPE_CHECKING:
    from gcg_quant.events import BacktestProgressEvent

    from ...backtest.result import BacktestResult
    from ...backtest.spec import BacktestSpec

__all__ = ["backtest", "day_ns", "run_spec"]


@click.command()
@click.argument("file")
@click.option("--class", "class_name", default="", help="Which class of the file.")
@click.option("--symbol", "symbols", multiple=True, required=True, help="An instrument; each becomes a data feed.")
@click.option("--period", default="1d", show_default=True, help="Period of the bars.")
@click.option("--from", "start", default=None, help="First day, for example 2015-01-01 (UTC).")
@click.option("--to", "end", default=None, help="Day before which it ends.")
@click.option("--cash", type=float, default=None, help="Cash at the start (default: [backtest] cash).")
@click.option("--commission", type=float, default=None, help="Commission as a fraction of the value (default: [backtest] commission).")
@click.option("--slippage", type=float, default=0.0, help="Slippage as a fraction of the price.")
@click.option("--preset", default="", help="Trade on the terms of a market: auto, cn_stock, cn_future, us, hk, crypto, fx, cme.")
@click.option("--slippage-ticks", type=int, default=None, help="With --preset: slippage in ticks (default: 1).")
@click.option("--stake", type=float, default=None, help="Units an order takes where the strategy names no size.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--journal", type=click.Path(path_type=Path, file_okay=False), default=None, help="Take the bars from this bus folder.")
@click.option(
    "--matching",
    type=click.Choice(["stock", "native"]),
    default="stock",
    show_default=True,
    help="Who matches: Backtrader, or the paper gateway with delays, queue and limits of [trading] and [risk].",
)
@click.option("--fees", type=click.Choice(["commission", "terms"]), default="commission", show_default=True, help="Of paper matching.")
@click.option("--run", default="", help="Name of the run and its folder (default: of class and time).")
@click.option("--trades", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many of the newest trades.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the HTML report to this file, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def backtest(
    ctx: click.Context,
    file: str,
    class_name: str,
    symbols: tuple[str, ...],
    period: str,
    start: str | None,
    end: str | None,
    cash: float | None,
    commission: float | None,
    slippage: float,
    preset: str,
    slippage_ticks: int | None,
    stake: float | None,
    parameters: tuple[str, ...],
    journal: Path | None,
    matching: str,
    fees: str,
    run: str,
    trades: int,
    report: Path | None,
    as_json: bool,
) -> None:
    """Backtest the strategy FILE on stored bars, and print result, trades, Sharpe and drawdown.

    The run's folder holds result.json, trades, fills and values as CSV, and report.html, which needs no network.
    """
    import msgspec

    from ...backtest.paper_terms import PaperTerms
    from ...backtest.report import print_report
    from ...backtest.spec import BacktestSpec

    settings = settings_of(ctx)
    if report is not None and not report.expanduser().parent.is_dir():
        raise BacktestError(f"There is no folder {report.parent} to write the report to.", report=str(report))
    spec = BacktestSpec(
        file=file,
        class_name=class_name,
        symbols=list(symbols),
        period=period,
        start_ns=None if start is None else day_ns(start, "--from"),
        end_ns=None if end is None else day_ns(end, "--to"),
        cash=settings.backtest.cash if cash is None else cash,
        commission=(0.0 if preset else settings.backtest.commission) if commission is None else commission,
        slippage=slippage,
        preset=preset,
        slippage_ticks=slippage_ticks,
        parameters=parse_parameters(parameters),
        journal=str(journal.absolute()) if journal is not None else "",
        stake=stake,
        run=run,
        matching=matching,
        fees=fees,
        paper=PaperTerms.of_settings(settings) if matching == "native" else {},
        periods_per_year=settings.backtest.periods_per_year,
    )
    result = run_spec(ctx, spec)
    if report is not None:
        result.save_report(report)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(result)).decode())
    else:
        print_report(result, trades=trades)


def run_spec(ctx: click.Context, spec: BacktestSpec) -> BacktestResult:
    """Run a backtest on the store of the settings, with a progress bar, and keep it in the database."""
    from ...backtest.engine import BacktestEngine
    from ...data_storage.backtest_runs import BacktestRuns
    from ...data_storage.database import Database
    from ...data_storage.history import DatabaseHistory

    settings = settings_of(ctx)
    # Whoever names a file on his own command line may run it; the allowed folders guard what comes over the bus.
    folders = [*settings.strategies.folders, Path(spec.file).expanduser().resolve().parent]
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


def day_ns(text: str, option: str) -> int:
    """Return the start of a day in UTC nanoseconds; raise BacktestError naming the option for a text that is no day."""
    try:
        return from_iso(text, "UTC")
    except ValueError as error:
        raise BacktestError(f"{option} must be a day such as 2015-01-01, found {text!r}.", value=text) from error
