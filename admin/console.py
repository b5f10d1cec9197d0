"""The console: `python -m gcg_quant ...`.

Errors are one line and exit code 1; `--verbose` shows the traceback. Commands import what they need when they run: `--help` is quick.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from gcg_quant.errors import GcgQuantError

__all__ = ["cli", "main"]

# name -> (module, attribute, one line for --help)
_COMMANDS = {
    "run": ("run", "run", "Run the whole system; without a settings file an embedded demo."),
    "import": ("imports", "import_files", "Import market data files into the database."),
    "export": ("export", "export", "Export stored market data to Parquet."),
    "data": ("data", "data", "List, inspect, import, export and delete stored market data; find its gaps."),
    "backtest": ("backtest_runs", "backtests", "Backtest a strategy file on stored data; list, show and rerun backtests."),
    "parity": ("parity", "parity", "Compare the orders of two runs of one strategy."),
    "replay": ("replay", "replay", "Run again what a journal has recorded, and compare."),
    "optimize": ("optimize", "optimize", "Find a strategy's best parameters: a grid or random draws, on all processors."),
    "status": ("status", "status", "Show what the running system does."),
    "collectors": ("collectors", "collectors", "Show what brings market data; ask for symbols."),
    "components": ("components", "components", "Show what runs in which process; start, stop and restart it."),
    "strategies": ("strategies", "strategies", "List, load, start, stop, write and test strategies."),
    "models": ("models", "models", "Train models on stored bars; list, show and serve them."),
    "orders": ("orders", "orders", "Show the open orders, cancel them."),
    "positions": ("positions", "positions", "Show what each strategy holds, and all together."),
    "accounts": ("accounts", "accounts", "Show cash, equity and profit by currency and strategy."),
    "risk": ("risk", "risk", "Show and change the risk limits; the kill switch."),
    "gateways": ("gateways", "gateways", "Show the gateways: state, orders, latency; try the way to a real venue."),
    "alerts": ("alerts", "alerts", "Show what a person should know; say that one has seen it."),
    "logs": ("logs", "logs", "Show what the components say; follow it."),
    "journal": ("journal", "journal", "Look into the journal: inspect, tail, verify, prune, copy, export."),
    "database": ("database", "database", "Check the database, save it, bring it back, remove old rows."),
    "calendars": ("calendars", "calendars", "Show when a market is open; check and take in tables of sessions."),
    "completion": ("completion", "completion", "Let the shell complete commands, options, strategies and symbols."),
    "config": ("config", "config", "Show, check and change settings; their history."),
    "settings": ("settings", "show_settings", "Show every setting with its default and meaning."),
}


_COMPLETE_VARIABLE = "_GCG_QUANT_COMPLETE"


class _LazyGroup(click.Group):
    """Imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f".commands.{module}", __package__), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is no command")
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            from gcg_quant.errors import nearest

            ctx.fail(f"There is no command {args[0]!r}.{nearest(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), default=None, help="Folder for all that a run writes (default: gcg_home)."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Settings file (default: gcg_quant.toml if it is there).",
)
@click.option("--verbose", is_flag=True, help="Show tracebacks of errors.")
@click.version_option(package_name="gcg_quant")
@click.pass_context
def cli(ctx: click.Context, home: Path | None, config: Path | None, verbose: bool) -> None:
    """Event-driven quantitative trading on a memory-mapped journal."""
    ctx.obj = {"home": home, "config": config, "verbose": verbose}


def _global_options_first(arguments: list[str]) -> list[str]:
    # `run --home X` and `--home X run` both work: the global options may stand anywhere.
    front: list[str] = []
    rest: list[str] = []
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if word == "--":
            rest += arguments[index:]
            break
        if word in ("--home", "--config") and index + 1 < len(arguments):
            front += arguments[index : index + 2]
            index += 2
        elif word == "--verbose" or word.startswith(("--home=", "--config=")):
            front.append(word)
            index += 1
        else:
            rest.append(word)
            index += 1
    return front + rest


def main(arguments: list[str] | None = None) -> Any:
    """Run the console; the one place where errors become a line and an exit code."""
    words = _global_options_first(sys.argv[1:] if arguments is None else arguments)
    try:
        code = cli.main(words, prog_name="gcg_quant", complete_var=_COMPLETE_VARIABLE, standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except GcgQuantError as error:
        if "--verbose" in words:
            raise
        click.secho(f"error: {error}", fg="red", err=True)
        code = 1
    except BrokenPipeError:  # `... | head`
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
