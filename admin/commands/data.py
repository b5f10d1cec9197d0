"""`data`: what the database holds; importing, exporting, deleting, gaps."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from .completion import complete_symbols
from .context import settings_of
from .data_delete import delete
from .data_gaps import gaps
from .export import export
from .imports import import_files
from .looking import add, moment, number, print_tables, table
from .options import example, json_option

if TYPE_CHECKING:
    from ...data_storage.reading.holdings import Account, Holding
    from ...data_storage.sql.database import Database

__all__ = ["data"]

_SPANS_SHOWN = 31
_SIZES = ("B", "KB", "MB", "GB", "TB")


@click.group()
def data() -> None:
    """Look at the stored market data; import, export and delete it."""


data.add_command(import_files, "import")
data.add_command(export)
data.add_command(delete)
data.add_command(gaps)


@data.command("list", epilog=example("data list '*@SIM'"))
@click.argument("pattern", default="")
@json_option
@click.pass_context
def list_data(ctx: click.Context, pattern: str, as_json: bool) -> None:
    """Show what is stored, of all symbols or of those like PATTERN ("BTC/USDT", "*USDT", "*@SIM").

    Long series are estimated, which `~` says; `data info` counts every row.
    """
    import msgspec

    from ...data_storage.reading.holdings import Holdings

    with _reading(ctx) as database:
        rows = Holdings(database).every(pattern)
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(row) for row in rows], indent=1))
    elif not rows:
        click.echo("No market data is stored yet: run the system, or `python -m gcg_quant data import FILE`.")
    else:
        print_tables(_table(rows, named=True))


@data.command("info", epilog=example("data info BTC/USDT@SIM"))
@click.argument("symbol", shell_complete=complete_symbols)
@json_option
@click.pass_context
def info(ctx: click.Context, symbol: str, as_json: bool) -> None:
    """Show all that is stored of SYMBOL (or SYMBOL@VENUE): its terms, every series counted by day or month, and where it came from."""
    import msgspec

    from ...data_storage.reading.holdings import Holdings

    with _reading(ctx) as database:
        account = Holdings(database).of(symbol)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(account), indent=1))
        return
    terms = msgspec.to_builtins(account.instrument)
    shown = table("", "")
    for name, value in terms.items():
        add(shown, name, str(value))
    add(shown, "announced gaps", number(account.gaps))
    brought = table("import", "began (UTC)", ">rows here", "state", "file")
    for one in account.imports:
        add(brought, str(one.number), moment(one.started_ns), number(one.rows), _STATES.get(one.status, one.status), one.path)
    print_tables(shown, _table(account.holdings), *_calendar(account), brought)


_STATES = {"partial": "rows deleted"}


def _table(rows: list[Holding], *, named: bool = False) -> Any:
    result = table(*(("symbol",) if named else ()), "what", ">rows", "first (UTC)", "last (UTC)", ">size", "sources")
    for row in rows:
        rows_text = number(row.rows) if row.exact else f"~{number(float(f'{row.rows:.2g}'))}"
        cells = [_what(row), rows_text, moment(row.first_ns), moment(row.last_ns), _size(row.bytes), " ".join(row.sources)]
        add(result, *((f"{row.symbol}@{row.venue}" if row.venue else row.symbol,) if named else ()), *cells)
    return result


def _what(row: Holding) -> str:
    if row.kind != "bars":
        return row.kind.replace("_", " ")
    return f"{row.period} bars" if row.basis == "last" else f"{row.period} {row.basis} bars"


def _calendar(account: Account) -> Iterator[Any]:
    for what, days in account.days.items():
        yield _spans(what, days)


def _spans(what: str, days: dict[int, int]) -> Any:
    # By day, month or year, whichever is the first to fit.
    for head, divisor in (("day", 1), ("month", 100), ("year", 10_000)):
        spans: dict[int, list[int]] = {}
        for day, rows in days.items():
            spans.setdefault(day // divisor, []).append(rows)
        if len(spans) <= _SPANS_SHOWN or head == "year":
            break
    shown = table(f"{head} (UTC)", ">rows", *((">days",) if divisor > 1 else ()), title=what)
    for when, counts in spans.items():
        add(shown, _date(when), number(sum(counts)), *((number(len(counts)),) if divisor > 1 else ()))
    return shown


def _date(digits: int) -> str:
    text = str(digits)
    return "-".join(part for part in (text[:4], text[4:6], text[6:]) if part)


def _size(count: float) -> str:
    place = next((at for at in range(len(_SIZES)) if count < 999.5 * 1000**at), len(_SIZES) - 1)
    return f"{count / 1000**place:.3g} {_SIZES[place]}"


@contextlib.contextmanager
def _reading(ctx: click.Context) -> Iterator[Database]:
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home, read_only=True) as database:
        yield database
