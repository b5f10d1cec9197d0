"""Completing words in the shell: the script for it, and what is known of the home folder's strategies, orders, runs and symbols."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

from gcg_quant.errors import GcgQuantError
from gcg_quant.events import OrderEvent, StrategyStatusEvent

from .context import home_of, settings_of
from .options import example

__all__ = ["complete_files", "complete_orders", "complete_strategies", "complete_symbols", "completion"]

_PROGRAM = "gcg_quant"
_VARIABLE = "_GCG_QUANT_COMPLETE"
_WHERE = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc",
    "fish": "~/.config/fish/completions/gcg_quant.fish",
}


@click.command(epilog=example("completion bash >> ~/.bashrc"))
@click.argument("shell", type=click.Choice(tuple(_WHERE)))
def completion(shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, strategies, orders and symbols of the command `gcg_quant`.

    Append it to ~/.bashrc or ~/.zshrc, or write it to ~/.config/fish/completions/gcg_quant.fish, and open a new shell.
    """
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    source = made(click.Command(_PROGRAM), {}, _PROGRAM, _VARIABLE)
    click.echo(source.source_template % source.source_vars())


def complete_strategies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the loaded strategies that begin so."""
    found: dict[str, str] = {}
    with contextlib.suppress(GcgQuantError, OSError):
        from .looking import look

        with look(ctx, StrategyStatusEvent) as seen:
            found = {name: f"{one.state}, {' '.join(one.symbols)}" for name, one in seen.view.strategies.items()}
    return _items(found.items(), incomplete)


def complete_orders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the client ids of open orders that begin so."""
    found: dict[str, str] = {}
    with contextlib.suppress(GcgQuantError, OSError):
        from .looking import look

        with look(ctx, OrderEvent) as seen:
            found = {one.client_id: f"{one.side.name.lower()} {one.quantity:g} {one.symbol}" for one in seen.view.open_orders}
    return _items(found.items(), incomplete)


def complete_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the strategy files of the allowed folders that begin so; a path is completed as a file."""
    if "/" in incomplete or incomplete.startswith((".", "~")):
        return [CompletionItem(incomplete, type="file")]
    found: dict[str, str] = {}
    with contextlib.suppress(GcgQuantError, OSError):
        from ...strategy_engine.hosting.loader import StrategyLoader

        for file in StrategyLoader(settings_of(ctx).strategy_folders).discover():
            found[file.name] = ", ".join(one.name for one in file.classes)
    return _items(found.items(), incomplete)


def complete_symbols(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the instruments of the home folder's bus that begin so."""
    found: dict[str, str] = {}
    with contextlib.suppress(GcgQuantError, OSError):
        from gcg_quant.bus import EventBus

        with EventBus(home_of(ctx).bus, create=False, read_only=True) as bus:
            for number in bus.instruments.numbers():
                one = bus.instruments[number]
                found[f"{one.symbol}@{one.venue}" if one.venue else one.symbol] = one.kind
    return _items(found.items(), incomplete)


def _items(found: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=text) for name, text in found if name.startswith(incomplete)]
