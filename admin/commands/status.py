"""`status`: what the running system does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ..views.status import system_status
from ..views.system_view import SystemView
from .context import home_of
from .looking import Look, Screen, show, watch_option
from .options import example, json_option

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

__all__ = ["parts", "status"]


@click.command(epilog=example("status --watch"))
@json_option
@watch_option
@click.pass_context
def status(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show processes, components with their lag, strategies, accounts and recent problems of the running system."""
    home = home_of(ctx)

    def draw(seen: Look) -> Screen:
        home.require_running()
        facts = system_status(seen.view, seen.bus)
        return Screen(facts, [] if as_json else list(parts(str(home.path), facts)))

    show(ctx, SystemView.EVENTS, draw, as_json=as_json, watch=watch)


def parts(home: str, facts: dict[str, Any]) -> Iterator[Table | Text]:
    """Yield the lines and tables of `status`."""
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    total = sum(facts["events"].values())
    yield Text.from_markup(
        f"[bold]{escape(home)}[/]: {facts['world']} bus, running for {facts['uptime_s']:,.0f} s, {total:,} events in the journal"
    )
    table = Table("process", "state", "pid", "components", box=None, pad_edge=False)
    for name, group in facts["groups"].items():
        table.add_row(name, group["state"], str(group.get("pid", "")), " ".join(group.get("components", [])))
    yield table
    table = Table("component", "handled", "mean us", "lag", "behind s", "errors", box=None, pad_edge=False)
    for name, values in facts["components"].items():
        plain = {key.split("{")[0]: value for key, value in values.items()}
        if "handled" in plain:
            behind = f"{plain['behind_s']:.1f}" if "behind_s" in plain else ""
            numbers = [f"{plain['handled']:,.0f}", f"{plain['mean_us']:.1f}", f"{plain['lag']:,.0f}", behind, f"{plain['errors']:,.0f}"]
            table.add_row(name, *numbers)
    yield table
    if "redis_connected" in (cache := facts["components"].get("redis", {})):
        state = "connected" if cache["redis_connected"] else "[yellow]not connected[/]"
        yield Text.from_markup(f"redis: {state}, {cache['redis_keys']:,.0f} keys, {cache['redis_writes_s']:,.0f} writes/s")
    for name, values in facts["components"].items():
        if name.startswith("bridge-") and "connected" in values:
            state = "connected" if values["connected"] else "[yellow]not connected[/]"
            late = f", {values['latency_ms']:,.1f} ms late, {values['behind']:,.0f} behind" if "behind" in values else ""
            yield Text.from_markup(f"{name.replace('-', ' ', 2)}: {state}, {values['events_per_s']:,.0f} events/s{late}")
    for account in facts["accounts"]:
        profit = account["realised_pnl"] + account["unrealised_pnl"] - account["fees"]
        yield Text.from_markup(
            f"account {account['account']}: equity {account['equity']:,.2f} {account['currency']}, profit {profit:+,.2f}"
        )
    strategies = ", ".join(f"{name} ({state})" for name, state in facts["strategies"].items()) or "none"
    yield Text(f"strategies: {strategies}")
    if facts["kill_switch"]["on"]:
        yield Text.from_markup("[bold red]kill switch: on[/], every order is refused (`risk kill off` ends it)")
    for account in facts["kill_switch"]["accounts"]:
        yield Text.from_markup(f"[bold red]kill switch: on for {escape(account)}[/] (`risk kill off --account {escape(account)}` ends it)")
    for halt in facts["halts"]:
        yield Text.from_markup(
            f"[bold red]account {halt['account']}: halted[/], {escape(halt['detail'])} (`accounts resume {halt['account']}` ends it)"
        )
    yield Text.from_markup(f"open orders: {facts['open_orders']}, fills: {facts['fills']}")
    for problem in facts["problems"][-5:]:
        yield Text.from_markup(f"[yellow]{problem['level']}[/] {escape(problem['component'])}: {escape(problem['message'])}")
