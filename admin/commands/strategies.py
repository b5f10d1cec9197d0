"""`strategies`: list what is there, load, start, stop, unload, set parameters; write a new one, and test one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.errors import StrategyError
from gcg_quant.events import StrategyControlEvent, StrategyStatusEvent

from ..client import Client
from ..reports.strategy_report import strategy_rows
from .completion import complete_files, complete_strategies
from .context import home_of, settings_of
from .looking import Look, Screen, add, print_tables, show, table, watch_option
from .options import agreed, example, json_option, tell, yes_option
from .truncation import truncate_options, truncated

if TYPE_CHECKING:
    from ...strategy_engine.hosting.discovery import StrategyFile

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


@strategies.command("list", epilog=example("strategies list"))
@json_option
@watch_option
@click.pass_context
def list_strategies(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the strategies of the running system and every file that could be loaded."""
    from ...strategy_engine.hosting.loader import StrategyLoader

    files = StrategyLoader(settings_of(ctx).strategy_folders).discover()
    if home_of(ctx).facts() is None:
        _show_alone(ctx, files, as_json)
        return

    def draw(seen: Look) -> Screen:
        running = list(seen.view.strategies.values())
        shown = table("strategy", "state", "kind", "symbols", "parameters", "error", title="Running system")
        for one in running:
            parameters = " ".join(f"{name}={value}" for name, value in one.parameters.items())
            add(shown, one.strategy, one.state, one.kind, " ".join(one.symbols), parameters, one.error)
        answer = {"strategies": strategy_rows(seen.view), "files": _rows(ctx)}
        return Screen(answer, [shown, _files(files)])

    show(ctx, (StrategyStatusEvent,), draw, as_json=as_json, watch=watch)


def _show_alone(ctx: click.Context, files: list[StrategyFile], as_json: bool) -> None:
    if as_json:
        tell("", {"strategies": [], "files": _rows(ctx)}, as_json=True)
    else:
        print_tables(_files(files))


def _files(files: list[StrategyFile]) -> Any:
    from rich.text import Text

    shown = table("name", "class", "kind", "what it does", "file", title="Files that can be loaded")
    for file in files:
        if file.error:
            add(shown, file.name, "", "", Text(file.error, style="red"), _short(file.path))
        for found in file.classes:
            add(shown, file.name, found.name, found.kind, found.doc.partition("\n")[0], _short(file.path))
    return shown


def _rows(ctx: click.Context) -> list[dict[str, Any]]:
    from ..strategy_files import StrategyFiles

    return StrategyFiles(settings_of(ctx)).rows()


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@strategies.command(epilog=example("strategies load grid --id grid-eth --symbol ETH/USDT --param levels=8"))
@click.argument("file", shell_complete=complete_files)
@click.option(
    "--id", "name", default="", help="Its name in orders and on screens (default: the file's name, with a number if that is taken)."
)
@click.option("--class", "class_name", default="", help="Which class of the file.")
@click.option("--symbol", "symbols", multiple=True, help="An instrument; may be repeated.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--account", default="", help="On which it trades (default: that of [trading]).")
@click.option("--start/--no-start", default=True, help="Start it after loading.")
@json_option
@yes_option
@click.pass_context
def load(
    ctx: click.Context,
    file: str,
    name: str,
    class_name: str,
    symbols: tuple[str, ...],
    parameters: tuple[str, ...],
    account: str,
    start: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Load the strategy FILE (or a shipped one by name) into the running system, and start it."""
    event = StrategyControlEvent(
        action="run" if start else "load",
        strategy=name,
        file=file,
        class_name=class_name,
        symbols=list(symbols),
        parameters=parse_parameters(parameters),
        account=account,
    )
    with Client(home_of(ctx)) as client:
        if start:
            agreed(f"Load {file} and start it? It may trade.", yes)
        given = client.control(event).detail.partition(":")[0]
    answer = {"strategy": given, "state": "running" if start else "loaded"}
    tell(f"{given} {'loaded and started' if start else 'loaded'}", answer, as_json=as_json)


_QUESTIONS = {
    "start": "Start {0}? It may trade.",
    "stop": "Stop {0}? Its orders are cancelled.",
    "unload": "Stop and unload {0}? Its orders are cancelled.",
    "reload": "Load {0} anew from its file? It goes on trading if it runs.",
}


def _simple(action: str, past: str) -> click.Command:
    @click.command(action, epilog=example(f"strategies {action} grid-btc"))
    @click.argument("strategy", shell_complete=complete_strategies)
    @json_option
    @yes_option
    @click.pass_context
    def command(ctx: click.Context, strategy: str, as_json: bool, yes: bool) -> None:
        with Client(home_of(ctx)) as client:
            agreed(_QUESTIONS[action].format(strategy), yes)
            client.control(StrategyControlEvent(action=action, strategy=strategy))
        tell(f"{strategy} {past}", {"strategy": strategy, "done": action}, as_json=as_json)

    command.help = f"{action.capitalize()} STRATEGY in the running system."
    return command


for _action, _past in (("start", "started"), ("stop", "stopped"), ("unload", "unloaded"), ("reload", "reloaded")):
    strategies.add_command(_simple(_action, _past))


@strategies.command("set", epilog=example("strategies set sma-eth fast=7 slow=30"))
@click.argument("strategy", shell_complete=complete_strategies)
@click.argument("parameters", nargs=-1, required=True, metavar="NAME=VALUE...")
@json_option
@click.pass_context
def set_parameters(ctx: click.Context, strategy: str, parameters: tuple[str, ...], as_json: bool) -> None:
    """Set parameters of STRATEGY in the running system."""
    values = parse_parameters(parameters)
    with Client(home_of(ctx)) as client:
        client.control(StrategyControlEvent(action="set_parameters", strategy=strategy, parameters=values))
    tell(f"{strategy} changed", {"strategy": strategy, "done": "set_parameters", "parameters": values}, as_json=as_json)


@strategies.command("new", epilog=example("strategies new dip"))
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=None, help="One of the allowed folders (default: the first)."
)
@json_option
@click.pass_context
def new(ctx: click.Context, name: str, folder: Path | None, as_json: bool) -> None:
    """Write a strategy file NAME.py to begin with; it runs as it is."""
    from ..new_strategy import new_strategy

    path = new_strategy(name, settings_of(ctx).strategy_folders, folder)
    hints = f"try it: python -m gcg_quant strategies test {path.stem}\nrun it: python -m gcg_quant strategies load {path.stem}"
    tell(f"written: {_short(path)}\n{hints}", {"file": str(path), "name": path.stem}, as_json=as_json)


@strategies.command(
    "test",
    epilog=example("strategies test grid --symbol BTC/USDT", "strategies test sma_cross --truncate --symbol SPY --period 1d"),
)
@click.argument("file", shell_complete=complete_files)
@click.option("--class", "class_name", default="", help="Which class of the file.")
@click.option("--symbol", "symbols", multiple=True, help="An instrument to run it on (default: its own); may be repeated.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--seconds", type=click.FloatRange(min=1), default=600.0, show_default=True, help="How long the simulated market lasts.")
@click.option(
    "--journal", type=click.Path(path_type=Path, file_okay=False), default=None, help="Take recorded market data of this bus folder."
)
@truncate_options
@json_option
@click.pass_context
def test(ctx: click.Context, /, truncate: bool, parameters: tuple[str, ...], as_json: bool, **asked: Any) -> None:
    """Check the strategy FILE: imports, parameters, reads of the wall clock, time per event, gaps and NaN. Trades nothing.

    With --truncate: run it on data that end at its decisions, and find the first that needed what came after it.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ..checks import CheckSpec, check_strategy

    spec = CheckSpec(
        file=asked["file"],
        # Whoever names a file on his own command line may run it; the allowed folders guard what comes over the bus.
        folders=[*settings_of(ctx).strategy_folders, Path(asked["file"]).expanduser().resolve().parent],
        class_name=asked["class_name"],
        symbols=asked["symbols"],
        parameters=parse_parameters(parameters),
        seconds=asked["seconds"],
        journal=asked["journal"],
    )
    rows = truncated(ctx, spec, asked) if truncate else check_strategy(spec)
    if as_json:
        tell("", [row._asdict() for row in rows], as_json=True)
    else:
        table = Table("check", "result", "detail", box=None, pad_edge=False)
        for row in rows:
            table.add_row(row.check, f"[{_COLOURS[row.result]}]{row.result}[/]", escape(row.detail))
        Console().print(table)
    failed = [row.check for row in rows if row.result == "FAILED"]
    if failed:
        ctx.exit(1)
