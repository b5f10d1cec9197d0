"""`import`: market data files into the database."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from gcg_quant.clock import to_iso
from gcg_quant.errors import ImportFileError

from ...data_collector import ImportOptions, ImportPlan, Progress
from ...data_storage.sql.database import Database
from ..home import Home
from ..importing import FolderOutcome, ImportOutcome, import_file, import_folder, plan_import
from .context import settings_of
from .options import example, json_option

__all__ = ["import_files"]

_SHOWN_REFUSALS = 10


@click.command("import", epilog=example("import SPY_daily.csv.gz --venue NYSE --timezone America/New_York --stamp start"))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--symbol", help="Which symbol it is.")
@click.option("--venue", help="Which venue it is from.")
@click.option("--market", help="Whose usual terms a new instrument gets: fx, cn_stock, cn_future, us, hk, crypto.")
@click.option("--kind", help="What a row holds: bars, quote_bars, trades, quotes, ticks, open_interest.")
@click.option("--period", help="How long a bar is: 1m, 1h, 1d ...")
@click.option("--timezone", help="The zone of its times, for example America/New_York or UTC.")
@click.option("--stamp", help="Which end of a bar its time is: start or end.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Take a field from this column; may be repeated.")
@click.option("--time-format", help="How times are written: a strptime pattern, or s, ms, us, ns since 1970.")
@click.option("--volume-kind", help="What a tick's volume counts: day, 24h or single.")
@click.option("--delimiter", help="What divides the cells of a CSV file.")
@click.option("--ambiguous", default="refuse", show_default=True, help="A local time that occurs twice: refuse, earlier or later.")
@click.option("--allow-unsorted", is_flag=True, help="Take rows whose time goes back.")
@click.option("--allow-nonpositive", is_flag=True, help="Take prices of 0 and below.")
@click.option("--strict", is_flag=True, help="A bad row stops the import before anything is stored.")
@json_option
def import_files(files: tuple[Path, ...], columns: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Import CSV and Parquet files, plain or gzipped: ticks, quotes, trades, bars; or the folder of an export.

    What a file does not say (symbol, time zone, which end of a bar its time is) is asked for, or given by options. Every row is stored or
    refused with its line and reason; a file is stored once, however often it is imported.
    """
    settings = settings_of(click.get_current_context())
    home = Home(settings.home)
    given = {name: value for name, value in given.items() if value not in (None, "")}
    options = ImportOptions(columns=_mapping(columns), **given)
    with Database(settings.database.url, home=settings.home) as database:
        answers: dict[str, str] = {}
        told: list[dict[str, Any]] = []
        for path in files:
            if path.is_dir():
                folder = _folder_with_progress(home, database, path, options)
                told.append({"folder": str(path), **msgspec.to_builtins(folder)})
                if not as_json:
                    _print_folder(path, folder)
                continue
            chosen = options.with_(**_ask(plan_import(home, path, options), answers))
            outcome = _with_progress(home, database, path, chosen)
            told.append({"file": str(path), **msgspec.to_builtins(outcome)})
            if not as_json:
                _print(path, outcome)
    if as_json:
        click.echo(json.dumps(told, indent=1, default=str))


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        field, sign, column = pair.partition("=")
        if not sign or not field or not column:
            raise ImportFileError(f"A column is written FIELD=COLUMN, for example last_price=px, found {pair!r}.", option="columns")
        mapping[field] = column
    return mapping


def _ask(plan: ImportPlan, answers: dict[str, str]) -> dict[str, str]:
    # Only a person can be asked; a script gets the error that names the option.
    if not plan.missing or not sys.stdin.isatty():
        return {}
    click.echo(f"{plan.file}: {plan.kind}")
    found = {}
    for option, question in plan.missing.items():
        found[option] = answers[option] = click.prompt(question, default=answers.get(option))
    return found


def _with_progress(home: Home, database: Database, path: Path, options: ImportOptions) -> ImportOutcome:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("bytes"), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(path.name, total=None)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.bytes_done, total=progress.bytes_total)

        return import_file(home, database, path, options, show)


def _folder_with_progress(home: Home, database: Database, path: Path, options: ImportOptions) -> FolderOutcome:
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(path.name, total=None)
        return import_folder(home, database, path, options, lambda done, total: bar.update(task, completed=done, total=total))


def _print_folder(path: Path, outcome: FolderOutcome) -> None:
    before = f", {outcome.earlier:,} of them imported before" if outcome.earlier else ""
    click.echo(f"{path}: {outcome.files:,} files{before}, {outcome.rows:,} rows")
    for words, counts in (("stored", outcome.stored), ("stored before", outcome.already), ("refused", outcome.refused)):
        for name, count in counts.items():
            click.echo(f"    {words}: {count:,} {name}" if words != "refused" else f"    refused: {count:,} rows: {name}")


def _print(path: Path, outcome: ImportOutcome) -> None:
    report = outcome.report
    if outcome.earlier:
        click.echo(f"{path}: imported before ({outcome.earlier}), 0 of {report.rows:,} rows stored again")
        click.echo(f"    to read it with other options, delete what it brought: data delete --import {outcome.before}")
        return
    click.echo(f"{path}: {report.rows:,} rows = {report.stored_rows:,} stored + {report.refused_rows:,} refused, {report.seconds:.2f} s")
    for name, value in report.settings.items():
        if name != "columns":
            why = f"  ({report.inferred[name]})" if name in report.inferred else ""
            click.echo(f"    {name}: {value}{why}")
    if report.first_ns is not None and report.last_ns is not None:
        what = "bars ending from" if report.kind in ("bars", "quote_bars") else "from"
        click.echo(f"    {what} {to_iso(report.first_ns)} to {to_iso(report.last_ns)}")
    for table, count in outcome.stored.items():
        click.echo(f"    stored: {count:,} {table}")
    for table, count in outcome.already.items():
        click.echo(f"    stored before: {count:,} {table}")
    for note, count in report.notes.items():
        click.echo(f"    note: {note} ({count:,} rows)")
    for reason, count in report.reasons.items():
        click.echo(f"    refused: {count:,} rows: {reason}")
    for refusal in report.refusals[:_SHOWN_REFUSALS]:
        click.echo(f"    {path}, {refusal}")
    if report.refused_rows > _SHOWN_REFUSALS:
        click.echo(f"    ... and {report.refused_rows - _SHOWN_REFUSALS:,} more")
