"""`database copy`: all that is stored into another database."""

from __future__ import annotations

import time

import click

from gcg_quant.sections import redact

from .context import settings_of

__all__ = ["copy"]


@click.command()
@click.option(
    "--to", "url", required=True, metavar="URL", help="The other database: postgresql+psycopg://USER@HOST/DATABASE, sqlite:///FILE."
)
@click.pass_context
def copy(ctx: click.Context, url: str) -> None:
    """Copy the whole database into an empty one: every row, with its origin, and how far the recorder is.

    Stop the system first, so that it goes on with the other database where this one ends. A copy that was interrupted goes on when the
    command is given again; rows are counted on both sides at the end.
    """
    from ...data_storage.keeping.database_copy import DatabaseCopy
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    begun = time.perf_counter()
    with Database(settings.database.url, home=settings.home) as source, Database(url, unfinished=True) as target:
        with click.progressbar(length=sum(source.counts().values()), label="rows", width=0) as bar:
            rows = DatabaseCopy(source, target).run(lambda _table, count: bar.update(count))
        for name, count in rows.items():
            click.echo(f"{name:20} {count:>14,} rows")
        total = sum(rows.values())
        click.echo(f"{target.name}: {total:,} rows, all of them counted, in {time.perf_counter() - begun:.1f} s")
    click.echo(f"To go on with it: GCG_QUANT_DATABASE__URL={redact(url)} in the environment, or url under [database].")
