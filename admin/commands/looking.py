"""Looking at a home folder: the running system's state, or what a stopped one has left in its journal."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND, to_iso
from gcg_quant.events import Event, SystemEvent

from ..home import Home
from ..system_view import SystemView
from .context import home_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["Look", "add", "look", "moment", "number", "print_tables", "say", "signed", "table"]

_PIPE_WIDTH = 240


@dataclass(frozen=True)
class Look:
    """What there is to see: the view, the bus (for reading), and whether the system runs."""

    home: Home
    bus: EventBus
    view: SystemView
    running: bool


@contextlib.contextmanager
def look(ctx: click.Context, *kinds: type[Event]) -> Iterator[Look]:
    """Open the journal of the home folder and fold what `kinds` of events say.

    Raises:
        NotRunningError: nothing has ever run there.
    """
    home = home_of(ctx)
    running = home.facts() is not None
    if not running and not (home.bus / "bus.meta").exists():
        home.require_running()
    with EventBus(home.bus, source="console", create=False, read_only=True) as bus:
        yield Look(home, bus, SystemView.of(bus, *kinds, SystemEvent), running)


def say(seen: Look, answer: Any, tables: Sequence[Table], nothing: str, *, as_json: bool, lead: Text | None = None) -> None:
    """Print an answer as JSON, or as tables below a line if the system is stopped and the `lead`; `nothing` if all are empty."""
    if as_json:
        click.echo(json.dumps(answer, indent=1))
        return
    console = _console()
    if not seen.running:
        console.print("[yellow]The system is stopped: this is what its journal says.[/]")
    if lead is not None:
        console.print(lead)
    print_tables(*tables)
    if not any(one.row_count for one in tables):
        click.echo(nothing)


def print_tables(*tables: Table) -> None:
    """Print tables that have rows, an empty line between each two."""
    console = _console()
    shown = [one for one in tables if one.row_count]
    for one in shown:
        console.print(one)
        if one is not shown[-1]:
            console.print()


def _console() -> Console:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)  # what reads a pipe wants a line a row
    return console


def table(*heads: str, title: str = "") -> Table:
    """Return an empty table; a head that begins with ">" stands over numbers."""
    from rich.table import Table

    result = Table(box=None, pad_edge=False, title=title or None, title_justify="left")
    for head in heads:
        result.add_column(head.lstrip(">"), justify="right" if head.startswith(">") else "left", overflow="fold")
    return result


def add(rows: Table, *cells: str | Text) -> None:
    """Add a row; texts are shown as they are, whatever brackets stand in them."""
    from rich.text import Text

    rows.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))


def number(value: float | None, decimals: int | None = None) -> str:
    """Return a number with its thousands apart, with so many decimals or as many as it has; "-" for an absent one."""
    if value is None or value != value:
        return "-"
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    text = f"{value:,.8f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def signed(value: float | None) -> str:
    """Return an amount of money with its sign."""
    return "-" if value is None else f"{value:+,.2f}"


def moment(ns: int) -> str:
    """Return a time in UTC to the second, "-" for none."""
    return to_iso(ns // NS_PER_SECOND * NS_PER_SECOND).rstrip("Z").replace("T", " ") if ns else "-"
