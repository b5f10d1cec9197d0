"""Looking at a home folder: the running system's state, or what a stopped one has left in its journal."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND, now_ns, to_iso
from gcg_quant.events import Event, SystemEvent

from ..home import Home
from ..views.system_view import SystemView
from .context import home_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["Look", "Screen", "add", "look", "moment", "number", "print_tables", "show", "signed", "table", "watch_option"]

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


class Screen(NamedTuple):
    """What a command shows: the values for --json, and tables and lines for people; `nothing` is said where no table has a row."""

    answer: Any
    parts: Sequence[Table | Text]
    nothing: str = ""


def watch_option(command: Any) -> Any:
    """Add --watch [SECONDS], the argument `watch`: None, or how often to look again."""
    return click.option(
        "--watch",
        is_flag=False,
        flag_value=1.0,
        default=None,
        type=click.FloatRange(min=0.1),
        metavar="[SECONDS]",
        help="Look again every second (or so many), until Ctrl-C.",
    )(command)


def show(
    ctx: click.Context, kinds: Sequence[type[Event]], draw: Callable[[Look], Screen], *, as_json: bool, watch: float | None = None
) -> None:
    """Print what `draw` makes of the journal, once or every `watch` seconds: on a terminal in place, else one below the other.

    Raises:
        NotRunningError: nothing has ever run there.
    """
    if watch is None:
        with look(ctx, *kinds) as seen:
            _print(seen, draw(seen), as_json=as_json)
        return
    with contextlib.suppress(KeyboardInterrupt), _place(as_json) as place:
        while True:
            with look(ctx, *kinds) as seen:
                place(seen, draw(seen))
            time.sleep(watch)


def _print(seen: Look, screen: Screen, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(screen.answer, indent=1))
        return
    console = _console()
    for part in _parts(seen, screen):
        console.print(part)


@contextlib.contextmanager
def _place(as_json: bool) -> Iterator[Callable[[Look, Screen], None]]:
    # Where a watched screen goes: a line of JSON each time, or the same place of the terminal.
    console = _console()
    if as_json:
        yield lambda _, screen: click.echo(json.dumps(screen.answer))
        return
    if not console.is_terminal:
        yield lambda seen, screen: _print(seen, screen, as_json=False)
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=console, auto_refresh=False, screen=True, vertical_overflow="crop") as live:

        def put(seen: Look, screen: Screen) -> None:
            head = Text(f"{seen.home.path} at {moment(now_ns())} UTC; Ctrl-C ends it", style="dim")
            live.update(Group(head, "", *_parts(seen, screen)), refresh=True)

        yield put


def _parts(seen: Look, screen: Screen) -> Iterator[Table | Text]:
    from rich.table import Table
    from rich.text import Text

    if not seen.running:
        yield Text("The system is stopped: this is what its journal says.", style="yellow")
    tables = [part for part in screen.parts if isinstance(part, Table)]
    between = False
    for part in screen.parts:
        if isinstance(part, Table) and not part.row_count:
            continue
        if between and isinstance(part, Table):
            yield Text("")
        yield part
        between = isinstance(part, Table)
    if screen.nothing and not any(one.row_count for one in tables):
        yield Text(screen.nothing)


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
