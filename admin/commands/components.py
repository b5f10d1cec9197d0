"""`components`: what runs in which process, and starting, stopping and restarting it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from gcg_quant.events import MetricEvent, OrderEvent

from ..changes.component_change import change_component, component_named, group_named, restart_group
from ..client import Client
from ..reports.component_report import component_rows, group_rows
from .context import home_of
from .looking import Look, Screen, add, look, moment, number, show, table, watch_option
from .options import agreed, example, json_option, tell, yes_option

__all__ = ["components"]

_ORIGIN = "console"
_KINDS = (MetricEvent, OrderEvent)


@click.group(invoke_without_command=True, epilog=example("components --watch", "components restart bars --yes"))
@json_option
@watch_option
@click.pass_context
def components(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the processes with their memory and the components with what they handle; start, stop and restart them."""
    if ctx.invoked_subcommand is None:
        show(ctx, _KINDS, _screen, as_json=as_json, watch=watch)


@components.command("list", epilog=example("components list --json"))
@json_option
@watch_option
@click.pass_context
def list_components(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the processes with their memory and the components with what they handle."""
    show(ctx, _KINDS, _screen, as_json=as_json, watch=watch)


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from contextlib import suppress

    from gcg_quant.errors import GcgQuantError

    found: list[CompletionItem] = []
    with suppress(GcgQuantError, OSError), look(ctx) as seen:
        found = [CompletionItem(row["component"], help=row["state"]) for row in component_rows(seen.view)]
    return [item for item in found if item.value.startswith(incomplete)]


@components.command(epilog=example("components start recorder"))
@click.argument("name", shell_complete=_complete)
@json_option
@click.pass_context
def start(ctx: click.Context, name: str, as_json: bool) -> None:
    """Start the component NAME, built from the settings as they are now."""
    _change(ctx, "start", name, True, as_json)


@components.command(epilog=example("components stop recorder --yes"))
@click.argument("name", shell_complete=_complete)
@yes_option
@json_option
@click.pass_context
def stop(ctx: click.Context, name: str, yes: bool, as_json: bool) -> None:
    """Stop the component NAME until it or the system is started again; what that means is said first."""
    _change(ctx, "stop", name, yes, as_json)


@components.command(epilog=example("components restart bars --yes", "components restart --group strategies --yes"))
@click.argument("name", default="", shell_complete=_complete)
@click.option("--group", default="", help="All of this process group, in a new process.")
@yes_option
@json_option
@click.pass_context
def restart(ctx: click.Context, name: str, group: str, yes: bool, as_json: bool) -> None:
    """Stop and start the component NAME, or a whole group: it goes on where it was, with the settings as they are now."""
    if bool(name) == bool(group):
        raise click.UsageError("Say what to restart: the NAME of a component, or --group GROUP.")
    if name:
        _change(ctx, "restart", name, yes, as_json)
        return
    home_of(ctx).require_running()
    with look(ctx) as seen:
        row = group_named(group_rows(seen.view), group)
    agreed(f"Restart the group {group} ({', '.join(row['components'])})?", yes)
    with Client(home_of(ctx)) as client:
        answer = restart_group(client.bus, group, _ORIGIN)
    tell(f"{answer.detail}.", {"group": group, "action": "restart", "detail": answer.detail}, as_json=as_json)


def _change(ctx: click.Context, action: str, name: str, yes: bool, as_json: bool) -> None:
    home_of(ctx).require_running()
    with look(ctx, OrderEvent) as seen:
        row = component_named(component_rows(seen.view), name)
    if action != "start":
        means = f": {row['if_stopped']}" if action == "stop" and row["if_stopped"] else ""
        agreed(f"{action.capitalize()} {name} of the group {row['group']}{means}?", yes)
    with Client(home_of(ctx)) as client:
        answer = change_component(client.bus, action, name, _ORIGIN)
    tell(f"{answer.detail}.", {"component": name, "action": action, "detail": answer.detail}, as_json=as_json)


def _screen(seen: Look) -> Screen:
    groups, parts = group_rows(seen.view), component_rows(seen.view)
    return Screen({"groups": groups, "components": parts}, [_groups(groups), _components(parts)], "No component has ever run here.")


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
        numbers += [number(row["mean_us"], 1), number(row["max_us"], 0), number(row["errors"])]
        add(shown, row["component"], row["group"], state, *numbers)
    return shown
