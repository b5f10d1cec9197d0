"""`data delete`: stored market data, after showing what would go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ..amounts import moment_ns
from .context import settings_of
from .looking import add, moment, number, print_tables, table
from .options import agreed, example, yes_option

if TYPE_CHECKING:
    from ...data_storage.writing.deletion import Deletion, Doomed

__all__ = ["delete"]


@click.command("delete", epilog=example("data delete BTC/USDT@SIM --kind ticks --to 30d --dry-run"))
@click.argument("symbol", default="")
@click.option("--kind", default="", help="Only bars, ticks, trades, depth or book_deltas.")
@click.option("--period", default="", help="Only bars of this period.")
@click.option("--from", "--start", "start_ns", type=moment_ns, metavar="WHEN", help="Only from then on: 2h, or an ISO date or time (UTC).")
@click.option("--to", "--end", "end_ns", type=moment_ns, metavar="WHEN", help="Only before then.")
@click.option("--import", "import_number", type=click.IntRange(min=1), default=None, help="Only what this import brought: `data info`.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@yes_option
@click.option("--json", "as_json", is_flag=True, help="Print what went as JSON; needs --yes or --dry-run.")
@click.pass_context
def delete(ctx: click.Context, /, dry_run: bool, yes: bool, as_json: bool, **asked: Any) -> None:
    """Delete stored market data of SYMBOL (or SYMBOL@VENUE), or of an import, after showing what goes and asking.

    Rows go some thousand at a time, so a system that runs goes on storing. A file of which rows were deleted can be imported again.
    """
    from ...data_storage.files.imports import ImportRegistry
    from ...data_storage.sql.database import Database
    from ...data_storage.writing.deletion import Deletion, DeletionRequest

    if as_json and not (yes or dry_run):
        raise click.UsageError("--json asks nothing: add --yes or --dry-run.")
    request = DeletionRequest(**{**asked, "import_number": asked["import_number"] or 0})
    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home) as database:
        if not dry_run:
            ImportRegistry(database).clean()
        deletion = Deletion(database, request)
        doomed = deletion.doomed()
        rows = sum(one.rows for one in doomed)
        if not as_json:
            _show(doomed)
        if rows and not dry_run:
            agreed(f"Delete {rows:,} rows?", yes)
            rows = _run(deletion, rows)
    _tell(doomed, rows, dry_run, as_json)


def _show(doomed: list[Doomed]) -> None:
    shown = table("symbol", "what", ">rows", "first (UTC)", "last (UTC)", "of files")
    for one in doomed:
        files = " ".join(one.imports.values())
        add(shown, f"{one.symbol}@{one.venue}", one.what, number(one.rows), moment(one.first_ns), moment(one.last_ns), files)
    print_tables(shown)


def _run(deletion: Deletion, rows: int) -> int:
    from rich.console import Console
    from rich.progress import Progress

    gone = 0
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("deleting", total=rows)
        for count in deletion.run():
            gone += count
            bar.update(task, completed=gone)
    return gone


def _tell(doomed: list[Doomed], rows: int, dry_run: bool, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(json.dumps({"rows": rows, "deleted": not dry_run, "series": msgspec.to_builtins(doomed)}, indent=1))
    elif not doomed:
        click.echo("Nothing is stored of that: no row was deleted.")
    elif dry_run:
        click.echo(f"{rows:,} rows would be deleted.")
    else:
        click.echo(f"{rows:,} rows deleted. Their room in the database is used again by what is stored next.")
