"""`status`: what the running system does."""

from __future__ import annotations

import json
from typing import Any

import click

from gcg_quant.clock import NS_PER_SECOND, now_ns

from ..client import Client
from ..status import system_status
from ..system_view import SystemView
from .context import home_of

__all__ = ["status"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show processes, components with their lag, strategies, accounts and recent problems of the running system."""
    home = home_of(ctx)
    with Client(home) as client:
        view = SystemView.of(client.bus, since_ns=now_ns() - 3600 * NS_PER_SECOND)
        facts = system_status(view, client.bus)
    if as_json:
        click.echo(json.dumps(facts, indent=1))
        return
    _print(str(home.path), facts)


def _print(home: str, facts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    total = sum(facts["events"].values())
    console.print(f"[bold]{home}[/]: {facts['world']} bus, running for {facts['uptime_s']:,.0f} s, {total:,} events in the journal")
    table = Table("process", "state", "pid", "components", box=None, pad_edge=False)
    for name, group in facts["groups"].items():
        table.add_row(name, group["state"], str(group.get("pid", "")), " ".join(group.get("components", [])))
    console.print(table)
    table = Table("component", "handled", "mean us", "lag", "behind s", "errors", box=None, pad_edge=False)
    for name, values in facts["components"].items():
        plain = {key.split("{")[0]: value for key, value in values.items()}
        if "handled" in plain:
            behind = f"{plain['behind_s']:.1f}" if "behind_s" in plain else ""
            numbers = [f"{plain['handled']:,.0f}", f"{plain['mean_us']:.1f}", f"{plain['lag']:,.0f}", behind, f"{plain['errors']:,.0f}"]
            table.add_row(name, *numbers)
    console.print(table)
    if "redis_connected" in (cache := facts["components"].get("redis", {})):
        state = "connected" if cache["redis_connected"] else "[yellow]not connected[/]"
        console.print(f"redis: {state}, {cache['redis_keys']:,.0f} keys, {cache['redis_writes_s']:,.0f} writes/s")
    for name, values in facts["components"].items():
        if name.startswith("bridge-") and "connected" in values:
            state = "connected" if values["connected"] else "[yellow]not connected[/]"
            late = f", {values['latency_ms']:,.1f} ms late, {values['behind']:,.0f} behind" if "behind" in values else ""
            console.print(f"{name.replace('-', ' ', 2)}: {state}, {values['events_per_s']:,.0f} events/s{late}")
    for account in facts["accounts"]:
        profit = account["realised_pnl"] + account["unrealised_pnl"] - account["fees"]
        console.print(f"account {account['account']}: equity {account['equity']:,.2f} {account['currency']}, profit {profit:+,.2f}")
    strategies = ", ".join(f"{name} ({state})" for name, state in facts["strategies"].items()) or "none"
    console.print(f"strategies: {strategies}")
    if facts["kill_switch"]["on"]:
        console.print("[bold red]kill switch: on[/], every order is refused (`risk kill off` ends it)")
    for halt in facts["halts"]:
        console.print(f"[bold red]account {halt['account']}: halted[/], {halt['detail']} (`accounts resume {halt['account']}` ends it)")
    console.print(f"open orders: {facts['open_orders']}, fills in the last hour: {facts['fills']}")
    for problem in facts["problems"][-5:]:
        console.print(f"[yellow]{problem['level']}[/] {problem['component']}: {problem['message']}", highlight=False)
