"""`replay`: what a journal holds, once more: `verify` runs its strategies again and compares, `rerun` runs others over its market."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gcg_quant.errors import BacktestError

from .context import config_of, settings_of
from .options import example
from .strategies import parse_parameters

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["replay"]


@click.group()
def replay() -> None:
    """Run again what a journal has recorded."""


@replay.command(epilog=example("replay verify", "replay verify saved_home/bus --strategy grid-btc"))
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


@replay.command(name="rerun", epilog=example("replay rerun gcg_home/bus my_tick_strategy.py --symbol BTC/USDT --to 2026-01-04T01:30"))
@click.argument("bus_folder", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--symbol", "symbols", multiple=True, help="Only this instrument of the journal; may be repeated.")
@click.option("--from", "start", default=None, help="The first event time that counts, such as 2021-01-04T01:30 (UTC).")
@click.option("--to", "end", default=None, help="The first event time that counts no more.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategies; may be repeated.")
@click.option("--settings", type=click.Path(path_type=Path, dir_okay=False), default=None, help="A settings file of the tick engine.")
@click.option("--trades", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many of the newest trades.")
@click.option("--json", "as_json", is_flag=True, help="Print digest and measures as JSON.")
def rerun_command(
    bus_folder: Path,
    files: tuple[Path, ...],
    symbols: tuple[str, ...],
    start: str | None,
    end: str | None,
    parameters: tuple[str, ...],
    settings: Path | None,
    trades: int,
    as_json: bool,
) -> None:
    """Run the tick strategies of FILES over the market data of the journal in BUS_FOLDER, and print summary and digest.

    The tick engine matches their orders against the recorded market in event time: the same journal, files and settings give the same
    digest of all orders and fills (SHA-256). A journal that grows gives it up to a time (`--to`).
    """
    import msgspec

    from ...backtest.hft import rerun

    found = rerun(
        bus_folder,
        files,
        symbols=symbols,
        start=start,
        end=end,
        parameters=parse_parameters(parameters),
        config=settings,
        progress=None,
    )
    rows = found.result.arrays
    counts = {"orders": len(rows.orders), "fills": len(rows.fills)}
    if as_json:
        values = {"digest": found.digest, **counts, "measures": msgspec.to_builtins(found.result.measures)}
        click.echo(msgspec.json.format(msgspec.json.encode(values)).decode())
        return
    found.result.summary(trades)
    click.echo(f"{counts['orders']:,} orders, {counts['fills']:,} fills, SHA-256 {found.digest}")


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
