"""The options of `strategies test --truncate`, and what it does."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .context import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gcg_quant.settings import Settings

    from ..checks import CheckRow, CheckSpec

__all__ = ["truncate_options", "truncated"]

Command = TypeVar("Command", bound="Callable[..., Any]")


def _count(ctx: click.Context, option: click.Parameter, value: str) -> int | None:
    if value == "all":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither a number from 1 nor 'all'.")
    return int(value)


_OPTIONS = (
    click.option("--truncate", is_flag=True, help="Cut the data off at its decisions instead, and see whether it decides the same."),
    click.option(
        "--decisions",
        callback=_count,
        default="20",
        show_default=True,
        metavar="N|all",
        help="With --truncate: at how many decisions, or at all.",
    ),
    click.option(
        "--period",
        default=None,
        help="With --truncate: on stored bars of this period (Backtrader classes: 1d by default), not on events.",
    ),
    click.option("--from", "start", default=None, help="With --truncate, of stored bars: first day, for example 2015-01-01 (UTC)."),
    click.option("--to", "end", default=None, help="With --truncate, of stored bars: day before which they end."),
    click.option(
        "--reads",
        "allowed",
        type=click.Path(path_type=Path, exists=True),
        multiple=True,
        help="With --truncate: a file or folder without market data that it may read itself; may be repeated.",
    ),
)


def truncate_options(command: Command) -> Command:
    """Give a command the options of a truncation; their values are what `truncated` reads, besides the spec."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def truncated(ctx: click.Context, spec: CheckSpec, asked: dict[str, Any]) -> list[CheckRow]:
    """Return the rows of a truncation: on stored bars where a period is named or the class is Backtrader's, else on events."""
    from ..checks.truncation_check import EventRuns, truncation_rows

    loaded = spec.load()
    loaded.release()
    with _progress_bar() as show:
        options: dict[str, Any] = {"allowed": asked["allowed"], "on_progress": show}
        if loaded.adapter is not None or asked["period"] is not None:
            with _bar_runs(settings_of(ctx), spec, asked) as runs:
                return truncation_rows(runs, asked["decisions"], **options)
        if asked["start"] or asked["end"]:
            raise click.UsageError("--from and --to choose stored bars: name their --period, too.")
        return truncation_rows(EventRuns(spec), asked["decisions"], **options)


@contextmanager
def _bar_runs(settings: Settings, spec: CheckSpec, asked: dict[str, Any]) -> Iterator[Any]:
    from ...backtest.inputs.spec import BacktestSpec
    from ...backtest.truncation import BarRuns
    from ...data_storage.reading.history import DatabaseHistory
    from ...data_storage.sql.database import Database
    from ..backtest_spec import moment_ns

    if not spec.symbols:
        raise click.UsageError("--symbol is missing: name an instrument whose bars are stored, such as --symbol SPY.")
    run = BacktestSpec(
        file=spec.file,
        class_name=spec.class_name,
        symbols=list(spec.symbols),
        period=asked["period"] or "1d",
        start_ns=moment_ns(asked["start"], "--from"),
        end_ns=moment_ns(asked["end"], "--to"),
        cash=settings.backtest.cash,
        commission=settings.backtest.commission,
        parameters=dict(spec.parameters),
        journal=str(spec.journal.absolute()) if spec.journal is not None else "",
    )
    with Database(settings.database.url, home=settings.home) as database, BarRuns(run, DatabaseHistory(database), spec.folders) as runs:
        yield runs


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("runs", total=None)
        yield lambda number, total: bar.update(task, completed=number, total=total)
