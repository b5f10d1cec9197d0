"""`data gaps`: what is missing in stored market data, and filling it in from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.periods import period_ns

from .context import settings_of
from .looking import add, moment, number, print_tables, table
from .options import example, json_option

if TYPE_CHECKING:
    from gcg_quant.settings import Settings

    from ...data_storage.reading.gaps import Gap

__all__ = ["gaps"]


@click.command("gaps", epilog=example("data gaps BTC/USDT --period 1m --from 2026-01-01"))
@click.argument("symbol")
@click.option("--period", default=None, help="Only bars of this period, or tick, trade, depth, delta (default: all that is stored).")
@click.option("--from", "--start", "start", default=None, metavar="WHEN", help="From this day or time on, in the instrument's time zone.")
@click.option("--to", "--end", "end", default=None, metavar="WHEN", help="To this day or time.")
@click.option("--longer", default="10m", show_default=True, help="How much session time without a row is a gap.")
@click.option("--refill", type=click.Path(path_type=Path), default=None, help="Import this file, or folder of an export, and look again.")
@json_option
@click.pass_context
def gaps(ctx: click.Context, /, symbol: str, longer: str, refill: Path | None, as_json: bool, **asked: str | None) -> None:
    """Show what is missing of SYMBOL (or SYMBOL@VENUE) while its market was open."""
    import msgspec

    settings = settings_of(ctx)
    found = _find(settings, symbol, longer, asked)
    filled = 0
    if refill is not None and found:
        filled = _import(settings, refill)
        found = _find(settings, symbol, longer, asked)
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(gap) for gap in found], indent=1))
        return
    if refill is not None:
        click.echo(f"{filled:,} rows stored from {refill}." if filled else f"Nothing was stored from {refill}.")
    if not found:
        click.echo(f"Nothing is missing of {symbol}.")
        return
    shown = table("what", "from (UTC)", "to (UTC)", ">rows missing", "why")
    for gap in found:
        expected = number(gap.rows_expected) if gap.rows_expected is not None else ""
        add(shown, gap.what, moment(gap.start_ns), moment(gap.end_ns), expected, gap.text)
    print_tables(shown)


def _find(settings: Settings, symbol: str, longer: str, asked: dict[str, Any]) -> list[Gap]:
    from ...data_storage.reading.gaps import find_gaps
    from ...data_storage.reading.history import DatabaseHistory
    from ...data_storage.sql.database import Database

    with Database(settings.database.url, home=settings.home, read_only=True) as database:
        return find_gaps(DatabaseHistory(database), symbol, asked["period"], asked["start"], asked["end"], min_gap_ns=period_ns(longer))


def _import(settings: Settings, path: Path) -> int:
    from ...data_collector import ImportOptions
    from ...data_storage.sql.database import Database
    from ..home import Home
    from ..importing import import_file, import_folder

    with Database(settings.database.url, home=settings.home) as database:
        importing = import_folder if path.is_dir() else import_file
        return sum(importing(Home(settings.home), database, path, ImportOptions()).stored.values())
