"""What many commands share: an example under --help, --json, --yes, and the question before anything trades or goes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["agreed", "example", "json_option", "tell", "yes_option"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_PROGRAM = "python -m gcg_quant"


def example(*lines: str) -> str:
    """Return examples to stand under a command's --help: `@click.command(epilog=example("orders --watch"))`."""
    return "\b\nExample:\n" + "\n".join(f"  {_PROGRAM} {line}" for line in lines)


def json_option(command: Decorated) -> Decorated:
    """Add --json, the argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def yes_option(command: Decorated) -> Decorated:
    """Add --yes, the argument `yes`, for `agreed`."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def agreed(question: str, yes: bool) -> None:
    """Ask before something trades or goes, unless `yes` says that it was asked already.

    Raises:
        click.exceptions.Exit: the answer is no. click.UsageError: nobody is there to answer.
    """
    if yes:
        return
    try:
        answer = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise  # Ctrl-C
        click.echo(err=True)
        raise click.UsageError(f"{question} Nobody answered: add --yes to agree beforehand.") from None
    if not answer:
        click.echo("Nothing was done.", err=True)
        raise click.exceptions.Exit(1)


def tell(text: str, answer: Any, *, as_json: bool, err: bool = False) -> None:
    """Print what was done: the sentence, or with --json the values of it."""
    if as_json:
        click.echo(json.dumps(answer, indent=1, default=str))
    elif text:
        click.echo(text, err=err)
