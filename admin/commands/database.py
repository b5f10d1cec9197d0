"""`database`: check, save and clear the database."""

from __future__ import annotations

import click

from gcg_quant.errors import StorageError

from .context import settings_of

__all__ = ["database"]


@click.group()
def database() -> None:
    """Check the database, save it, bring it back, and remove old rows."""


@database.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Look at every page and row, beside the running system; exit code 1 and a sentence if something is wrong."""
    from ...data_storage.keeping.checking import check_database
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home, read_only=True) as opened:
        report = check_database(opened)
        if report.problems:
            raise StorageError(" ".join(report.problems))
        for name, rows in report.rows.items():
            click.echo(f"{name:20} {rows:>14,} rows")
        click.echo(f"{opened.name}: {sum(report.rows.values()):,} rows, no damage")
