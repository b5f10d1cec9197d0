"""`export`: stored market data to Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from .context import settings_of

__all__ = ["export"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol; may be repeated.")
@click.pass_context
def export(ctx: click.Context, folder: Path, symbols: tuple[str, ...]) -> None:
    """Write the stored market data to FOLDER, one Parquet file a record type."""
    from ...data_storage.files.export import export_parquet
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home) as database:
        for path, rows in export_parquet(database, folder, symbols=symbols or None).items():
            click.echo(f"{path}: {rows:,} rows")
