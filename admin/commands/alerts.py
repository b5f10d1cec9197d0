"""`alerts`: what a person should know, and saying that one has seen it."""

from __future__ import annotations

from typing import Any

import click

from gcg_quant.bus import EventBus

from ..client import Client
from ..monitoring.alert_report import acknowledge
from ..monitoring.alerts import AlertBook
from .context import home_of
from .looking import Look, Screen, add, moment, show, table, watch_option
from .options import example, json_option, tell

__all__ = ["alerts"]


@click.group(invoke_without_command=True, epilog=example("alerts --open", "alerts ack 1204"))
@click.option("--open", "only_open", is_flag=True, help="Those that nobody has acknowledged.")
@json_option
@watch_option
@click.pass_context
def alerts(ctx: click.Context, only_open: bool, as_json: bool, watch: float | None) -> None:
    """Show the alerts, the newest first; `alerts ack` says that one has seen them."""
    if ctx.invoked_subcommand is None:
        _show(ctx, only_open, as_json, watch)


@alerts.command("list", epilog=example("alerts list --open"))
@click.option("--open", "only_open", is_flag=True, help="Those that nobody has acknowledged.")
@json_option
@watch_option
@click.pass_context
def list_command(ctx: click.Context, only_open: bool, as_json: bool, watch: float | None) -> None:
    """Show the alerts, the newest first."""
    _show(ctx, only_open, as_json, watch)


@alerts.command(epilog=example("alerts ack 1204 1207", "alerts ack --all"))
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1, metavar="[NUMBER]...")
@click.option("--all", "every", is_flag=True, help="Every alert that nobody has acknowledged.")
@json_option
@click.pass_context
def ack(ctx: click.Context, numbers: tuple[int, ...], every: bool, as_json: bool) -> None:
    """Say that a person has seen the alerts of these numbers, or with --all every one."""
    if bool(numbers) == every:
        raise click.UsageError("Say which alerts: `alerts ack NUMBER ...`, or `alerts ack --all`.")
    with Client(home_of(ctx)) as client:
        ask = _Book(client.bus)
        chosen = list(numbers) if not every else [row["id"] for row in ask(lambda book: book.rows(state="open"))]
        rows = [acknowledge(client.bus, number, "console", ask).row() for number in chosen]
    lines = [f"alert {row['id']} ({row['component']}, {row['name']}): acknowledged by the {row['acknowledged_by']}" for row in rows]
    tell("\n".join(lines) or "There is no alert that nobody has acknowledged.", rows, as_json=as_json)


class _Book:
    # Asks the book of a bus as it is now.
    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def __call__(self, question: Any) -> Any:
        return question(AlertBook.of(self._bus))


def _show(ctx: click.Context, only_open: bool, as_json: bool, watch: float | None) -> None:
    def draw(seen: Look) -> Screen:
        rows = AlertBook.of(seen.bus).rows(state="open" if only_open else "all")
        return Screen(rows, [_table(rows)], "No alerts that nobody has acknowledged." if only_open else "No alerts.")

    show(ctx, (), draw, as_json=as_json, watch=watch)


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.text import Text

    result = table(">number", "since (UTC)", "level", "component", "alert", ">told", "state", "message")
    for row in rows:
        style = {"critical": "bold red", "warning": "yellow"}.get(row["level"], "") if row["state"] == "lasts" else "dim"
        state = row["state"] + (f", seen by the {row['acknowledged_by']}" if row["acknowledged"] else "")
        words = [moment(row["time_ns"]), Text(row["level"], style=style), row["component"], row["name"], f"{row['count']:,}", state]
        add(result, str(row["id"]), *words, row["message"])
    return result
