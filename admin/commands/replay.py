"""`replay`: what a journal holds, once more: `verify` runs its strategies again and compares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcg_quant.errors import BacktestError

from .context import config_of, settings_of

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["replay"]


@click.group()
def replay() -> None:
    """Run again what a journal has recorded."""


@replay.command()
@click.argument("bus_folder", type=click.Path(path_type=Path), required=False)
@click.option("--strategy", "strategies", multiple=True, metavar="ID", help="Only this strategy; may be repeated.")
@click.option(
    "--file", "files", multiple=True, type=click.Path(path_type=Path), help="A copy of a strategy file that ran; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.pass_context
def verify(ctx: click.Context, bus_folder: Path | None, strategies: tuple[str, ...], files: tuple[Path, ...], as_json: bool) -> None:
    """Run the strategies of the session in BUS_FOLDER again, and compare what they publish with what they had published.

    By default that is the bus of the home folder; a running system may go on beside it. Nothing is published, nothing can trade. Exit
    code 1 and the first difference if a strategy does not do again, byte for byte, what it did, or cannot be run again.
    """
    import msgspec

    from ...backtest.verify import verify as run_again
    from ...backtest.verify.report import print_verification, verification_values

    folder = bus_folder or settings_of(ctx).home / "bus"
    with _store_of(ctx, folder) as history:
        found = run_again(folder, strategies or None, files or None, history=history)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(verification_values(found))).decode())
    else:
        print_verification(found)
        if found.note:
            click.echo(found.note)
    if not found.same:
        raise BacktestError(found.sentence())
    if not as_json:
        click.echo(found.sentence())


# The store beside the bus, if there is one: strategies were told bars of it.
@contextlib.contextmanager
def _store_of(ctx: click.Context, folder: Path) -> Iterator[History | None]:
    from gcg_quant.settings import Settings

    from ...data_storage.reading.history import DatabaseHistory
    from ...data_storage.sql.database import FILE_NAME, Database

    settings = Settings.load(config_of(ctx), home=folder.parent)
    if not settings.database.url and not (folder.parent / FILE_NAME).exists():
        yield None
        return
    with Database(settings.database.url, home=folder.parent) as database:
        yield DatabaseHistory(database)
