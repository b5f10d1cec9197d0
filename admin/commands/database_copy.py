"""`database copy`: all that is stored into another database."""

from __future__ import annotations

import sys
import time

import click

from gcg_quant.sections import redact

from .context import settings_of
from .options import example, json_option, tell

__all__ = ["copy"]


@click.command(epilog=example("database copy --to postgresql+psycopg://gcg@localhost/gcg"))
@click.option(
    "--to", "url", required=True, metavar="URL", help="The other database: postgresql+psycopg://USER@HOST/DATABASE, sqlite:///FILE."
)
@json_option
@click.pass_context
def copy(ctx: click.Context, url: str, as_json: bool) -> None:
    """Copy the whole database into an empty one: every row, with its origin, and how far the recorder is.

    Stop the system first, so that it goes on with the other database where this one ends. A copy that was interrupted goes on when the
    command is given again; rows are counted on both sides at the end.
    """
    from ...data_storage.keeping.database_copy import DatabaseCopy
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    begun = time.perf_counter()
    with Database(settings.database.url, home=settings.home) as source, Database(url, unfinished=True) as target:
        with click.progressbar(length=sum(source.counts().values()), label="rows", width=0, file=sys.stderr) as bar:
            rows = DatabaseCopy(source, target).run(lambda _table, count: bar.update(count))
        seconds = time.perf_counter() - begun
        lines = [f"{name:20} {count:>14,} rows" for name, count in rows.items()]
        lines.append(f"{target.name}: {sum(rows.values()):,} rows, all of them counted, in {seconds:.1f} s")
        lines.append(f"To go on with it: GCG_QUANT_DATABASE__URL={redact(url)} in the environment, or url under [database].")
        tell("\n".join(lines), {"database": target.name, "rows": rows, "seconds": seconds}, as_json=as_json)
