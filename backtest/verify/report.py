"""What came of a verification, as a table on the console and as JSON values."""

from __future__ import annotations

from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from .verification import ReplayVerdict, Verification

__all__ = ["print_verification", "verification_values"]


def print_verification(found: Verification, console: Console | None = None) -> None:
    """Print a line for each strategy and account."""
    console = console or Console()
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("name", "kind"):
        table.add_column(name, no_wrap=True)
    for name in ("lives", "inputs", "outputs"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for one in found.verdicts:
        table.add_row(one.name, one.kind, str(one.lives), f"{one.inputs:,}", f"{one.outputs:,}", _outcome(one))
    console.print(table)


def verification_values(found: Verification) -> dict[str, Any]:
    """Return a verification as plain values for JSON."""
    return {
        "bus": found.bus,
        "same": found.same,
        "note": found.note,
        "strategies": [_values(one) for one in found.strategies],
        "engines": [_values(one) for one in found.engines],
    }


def _values(one: ReplayVerdict) -> dict[str, Any]:
    return {**msgspec.to_builtins(one), "same": one.same}


def _outcome(one: ReplayVerdict) -> str:
    if one.difference is not None:
        return "[red]differs[/]"
    return "[yellow]not verified[/]" if one.why else "[green]the same[/]"
