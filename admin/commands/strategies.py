"""`strategies`: list what is there, load, start, stop, unload, set parameters; write a new one, and test one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gcg_quant.errors import StrategyError
from gcg_quant.events import StrategyControlEvent, StrategyStatusEvent

from ..client import Client
from ..system_view import SystemView
from .context import home_of, settings_of

__all__ = ["parse_parameters", "strategies"]

_COLOURS = {"ok": "green", "warning": "yellow", "FAILED": "red"}


def parse_parameters(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Return {name: value} of NAME=VALUE texts; values are read as JSON where they are, else as text."""
    import json

    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name:
            raise StrategyError(f"A parameter is written NAME=VALUE, found {pair!r}.", parameter=pair)
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


@click.group()
def strategies() -> None:
    """List, load, start and stop strategies."""


@strategies.command("list")
@click.pass_context
def list_strategies(ctx: click.Context) -> None:
    """Show the strategies of the running system and every file that could be loaded."""
    from rich.console import Console
    from rich.table import Table

    from ...strategy_engine.hosting.loader import StrategyLoader

    console = Console()
    home = home_of(ctx)
    if home.facts() is not None:
        table = Table(
            "strategy",
            "state",
            "kind",
            "symbols",
            "parameters",
            "error",
            box=None,
            pad_edge=False,
            title="Running system",
            title_justify="left",
        )
        with Client(home) as client:
            for status in SystemView.of(client.bus, StrategyStatusEvent).strategies.values():
                parameters = " ".join(f"{name}={value}" for name, value in status.parameters.items())
                table.add_row(status.strategy, status.state, status.kind, " ".join(status.symbols), parameters, status.error)
        console.print(table)
        console.print()
    table = Table(
        "name", "class", "kind", "what it does", "file", box=None, pad_edge=False, title="Files that can be loaded", title_justify="left"
    )
    for file in StrategyLoader(settings_of(ctx).strategies.folders).discover():
        if file.error:
            table.add_row(file.name, "", "", f"[red]{file.error}[/]", _short(file.path))
        for found in file.classes:
            table.add_row(file.name, found.name, found.kind, found.doc.partition("\n")[0], _short(file.path))
    console.print(table)


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@strategies.command()
@click.argument("file")
@click.option(
    "--id", "name", default="", help="Its name in orders and on screens (default: the file's name, with a number if that is taken)."
)
@click.option("--class", "class_name", default="", help="Which class of the file.")
@click.option("--symbol", "symbols", multiple=True, help="An instrument; may be repeated.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--start/--no-start", default=True, help="Start it after loading.")
@click.pass_context
def load(
    ctx: click.Context, file: str, name: str, class_name: str, symbols: tuple[str, ...], parameters: tuple[str, ...], start: bool
) -> None:
    """Load the strategy FILE (or a shipped one by name) into the running system."""
    event = StrategyControlEvent(
        action="run" if start else "load",
        strategy=name,
        file=file,
        class_name=class_name,
        symbols=list(symbols),
        parameters=parse_parameters(parameters),
    )
    with Client(home_of(ctx)) as client:
        given = client.control(event).detail.partition(":")[0]
    click.echo(f"{given} {'loaded and started' if start else 'loaded'}")


def _simple(action: str, past: str) -> click.Command:
    @click.command(action)
    @click.argument("strategy")
    @click.pass_context
    def command(ctx: click.Context, strategy: str) -> None:
        with Client(home_of(ctx)) as client:
            client.control(StrategyControlEvent(action=action, strategy=strategy))
        click.echo(f"{strategy} {past}")

    command.help = f"{action.capitalize()} STRATEGY in the running system."
    return command


for _action, _past in (("start", "started"), ("stop", "stopped"), ("unload", "unloaded"), ("reload", "reloaded")):
    strategies.add_command(_simple(_action, _past))


@strategies.command("set")
@click.argument("strategy")
@click.argument("parameters", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.pass_context
def set_parameters(ctx: click.Context, strategy: str, parameters: tuple[str, ...]) -> None:
    """Set parameters of STRATEGY in the running system."""
    with Client(home_of(ctx)) as client:
        client.control(StrategyControlEvent(action="set_parameters", strategy=strategy, parameters=parse_parameters(parameters)))
    click.echo(f"{strategy} changed")


@strategies.command("new")
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=None, help="One of the allowed folders (default: the first)."
)
@click.pass_context
def new(ctx: click.Context, name: str, folder: Path | None) -> None:
    """Write a strategy file NAME.py to begin with; it runs as it is."""
    from ..new_strategy import new_strategy

    path = new_strategy(name, settings_of(ctx).strategies.folders, folder)
    click.echo(f"written: {_short(path)}")
    click.echo(f"try it: python -m gcg_quant strategies test {path.stem}")
    click.echo(f"run it: python -m gcg_quant strategies load {path.stem}")


@strategies.command("test")
@click.argument("file")
@click.option("--class", "class_name", default="", help="Which class of the file.")
@click.option("--symbol", "symbols", multiple=True, help="An instrument to run it on (default: its own); may be repeated.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--seconds", type=click.FloatRange(min=1), default=600.0, show_default=True, help="How long the simulated market lasts.")
@click.option(
    "--journal", type=click.Path(path_type=Path, file_okay=False), default=None, help="Take recorded market data of this bus folder."
)
@click.pass_context
def test(
    ctx: click.Context,
    file: str,
    class_name: str,
    symbols: tuple[str, ...],
    parameters: tuple[str, ...],
    seconds: float,
    journal: Path | None,
) -> None:
    """Check the strategy FILE: imports, parameters, reads of the wall clock, time per event, gaps and NaN. Trades nothing."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ..checks import check_strategy

    # Whoever names a file on his own command line may run it; the allowed folders guard what comes over the bus.
    folders = [*settings_of(ctx).strategies.folders, Path(file).expanduser().resolve().parent]
    rows = check_strategy(
        file,
        folders,
        class_name=class_name,
        symbols=symbols,
        parameters=parse_parameters(parameters),
        seconds=seconds,
        journal=journal,
    )
    table = Table("check", "result", "detail", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.check, f"[{_COLOURS[row.result]}]{row.result}[/]", escape(row.detail))
    Console().print(table)
    failed = [row.check for row in rows if row.result == "FAILED"]
    if failed:
        ctx.exit(1)
