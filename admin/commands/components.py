"""`components`: what runs in which process, and starting, stopping and restarting it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from gcg_quant.events import MetricEvent, OrderEvent

from ..client import Client
from ..component_change import change_component, component_named, group_named, restart_group
from ..component_report import component_rows, group_rows
from .context import home_of
from .looking import add, look, moment, number, say, table

__all__ = ["components"]

_ORIGIN = "console"
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(invoke_without_command=True)
@_JSON
@click.pass_context
def components(ctx: click.Context, as_json: bool) -> None:
    """Show the processes and components of the system; start, stop and restart them.

    \b
    Example: python -m gcg_quant components restart bars
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_components, as_json=as_json)


@components.command("list")
@_JSON
@click.pass_context
def list_components(ctx: click.Context, as_json: bool) -> None:
    """Show every process with its memory, and every component with what it handles.

    \b
    Example: python -m gcg_quant components list --json
    """
    with look(ctx, MetricEvent, OrderEvent) as seen:
        groups, parts = group_rows(seen.view), component_rows(seen.view)
        answer = {"groups": groups, "components": parts}
        say(seen, answer, [_groups(groups), _components(parts)], "No component has ever run here.", as_json=as_json)


@components.command("start")
@click.argument("name")
@_JSON
@click.pass_context
def start(ctx: click.Context, name: str, as_json: bool) -> None:
    """Start the component NAME, built anew from the settings as they are now.

    \b
    Example: python -m gcg_quant components start recorder
    """
    _change(ctx, "start", name, True, as_json)


@components.command("stop")
@click.argument("name")
@_YES
@_JSON
@click.pass_context
def stop(ctx: click.Context, name: str, yes: bool, as_json: bool) -> None:
    """Stop the component NAME until it is started again or the system is; what that means is said first.

    \b
    Example: python -m gcg_quant components stop recorder --yes
    """
    _change(ctx, "stop", name, yes, as_json)


@components.command("restart")
@click.argument("name", default="")
@click.option("--group", default="", help="All of this process group, in a new process.")
@_YES
@_JSON
@click.pass_context
def restart(ctx: click.Context, name: str, group: str, yes: bool, as_json: bool) -> None:
    """Stop and start the component NAME, or a whole group: it goes on where it was, with the settings as they are now.

    \b
    Example: python -m gcg_quant components restart --group strategies --yes
    """
    if bool(name) == bool(group):
        raise click.UsageError("Say what to restart: the NAME of a component, or --group GROUP.")
    if name:
        _change(ctx, "restart", name, yes, as_json)
        return
    with look(ctx, MetricEvent, OrderEvent) as seen:
        row = group_named(group_rows(seen.view), group)
    _ask(f"Restart the group {group} ({', '.join(row['components'])})?", yes, as_json)
    with Client(home_of(ctx)) as client:
        answer = restart_group(client.bus, group, _ORIGIN)
    _tell({"group": group, "action": "restart", "detail": answer.detail}, as_json)


def _change(ctx: click.Context, action: str, name: str, yes: bool, as_json: bool) -> None:
    home_of(ctx).require_running()
    with look(ctx, MetricEvent, OrderEvent) as seen:
        row = component_named(component_rows(seen.view), name)
    if action != "start":
        means = f": {row['if_stopped']}" if action == "stop" and row["if_stopped"] else ""
        _ask(f"{action.capitalize()} {name} of the group {row['group']}{means}?", yes, as_json)
    with Client(home_of(ctx)) as client:
        answer = change_component(client.bus, action, name, _ORIGIN)
    _tell({"component": name, "action": action, "detail": answer.detail}, as_json)


def _ask(question: str, yes: bool, as_json: bool) -> None:
    if yes:
        return
    if as_json:
        raise click.UsageError("--json asks nothing: add --yes.")
    click.confirm(question, abort=True)


def _tell(answer: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(answer, indent=1) if as_json else f"{answer['detail']}.")


def _groups(rows: Sequence[dict[str, Any]]) -> Any:
    shown = table("process", "state", ">pid", "since (UTC)", ">memory MB", ">processors", ">restarts", "detail")
    for row in rows:
        memory = number(row["memory_bytes"] / 1e6, 1) if row["memory_bytes"] is not None else "-"
        numbers = [memory, number(row["cpu"], 2), number(row["restarts"])]
        add(shown, row["group"], row["state"], str(row["pid"] or "-"), moment(row["since_ns"]), *numbers, row["detail"])
    return shown


def _components(rows: Sequence[dict[str, Any]]) -> Any:
    heads = ("component", "process", "state", ">events/s", ">handled", ">lag", ">behind s", ">mean us", ">max us", ">errors")
    shown = table(*heads)
    for row in rows:
        state = f"{row['state']} (by hand)" if row["by_hand"] and row["state"] != "running" else row["state"]
        numbers = [number(row["events_per_s"], 1), number(row["handled"]), number(row["lag"]), number(row["behind_s"], 1)]
        add(
            shown,
            row["component"],
            row["group"],
            state,
            *numbers,
            number(row["mean_us"], 1),
            number(row["max_us"], 0),
            number(row["errors"]),
        )
    return shown
