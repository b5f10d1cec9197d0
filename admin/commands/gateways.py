"""`gateways`: the ways to the venues and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from gcg_quant.events import GatewayStatus, OrderEvent

from ..reports.trading_report import gateway_rows
from .context import settings_of
from .looking import Look, Screen, add, moment, number, show, table, watch_option
from .options import example, json_option, tell

if TYPE_CHECKING:
    from ...strategy_engine.gateways import GatewayTrial

__all__ = ["gateways"]


@click.group(invoke_without_command=True, epilog=example("gateways --watch", "gateways test"))
@json_option
@watch_option
@click.pass_context
def gateways(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show every gateway: its state and since when, the orders it works on, and how long its venue takes to answer an order."""
    if ctx.invoked_subcommand is None:
        _show(ctx, as_json, watch)


@gateways.command("test", epilog=example("gateways test", "gateways test --json"))
@click.option("--account", default="", help="Whose gateway (default: that of [trading]).")
@json_option
@click.pass_context
def test(ctx: click.Context, account: str, as_json: bool) -> None:
    """Try the gateway of an account and trade nothing: credentials, clock, permissions, balance, positions, open orders."""
    from ...strategy_engine.gateways.kinds import make_gateway

    settings = settings_of(ctx)
    found = make_gateway(settings.of_account(account or settings.trading.account)).trial()
    tell(_words(found), msgspec.to_builtins(found), as_json=as_json)
    if found.can_trade is False:
        raise click.exceptions.Exit(1)


def _words(found: GatewayTrial) -> str:
    held = {**found.cash, **found.positions}
    may = "does not say what the key may do" if found.can_trade is None else f"lets the key {'' if found.can_trade else 'NOT '}trade"
    lines = [
        f"{found.gateway} answers in {found.answer_ms:.0f} ms{f' at {found.address}' if found.address else ''}; it {may}"
        + (f" ({', '.join(found.permissions)})." if found.permissions else "."),
        f"Its clock is {abs(found.clock_ms):.0f} ms {'ahead' if found.clock_ms >= 0 else 'behind'}.",
        "The account holds " + (", ".join(f"{amount:.10g} {name}" for name, amount in sorted(held.items())) or "nothing") + ".",
        f"{found.open_orders} open orders, {found.instruments} instruments. Nothing was traded.",
    ]
    return "\n".join(lines)


def _show(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    from rich.text import Text

    def draw(seen: Look) -> Screen:
        rows = gateway_rows(seen.view, running=seen.running)
        result = table("gateway", "account", "state", "since (UTC)", ">working orders", ">answers", ">p50 ms", ">p99 ms", "detail")
        for row in rows:
            colour = {"connected": "green", "connecting": "yellow"}.get(row["status"], "red")
            counts = [str(row["working_orders"]), str(row["answers"])]
            delays = [number(row["latency_p50_ms"], 2), number(row["latency_p99_ms"], 2)]
            add(
                result,
                row["gateway"],
                row["account"],
                Text(row["status"], style=colour),
                moment(row["since_ns"]),
                *counts,
                *delays,
                row["detail"],
            )
        return Screen(rows, [result], "No gateway has connected yet.")

    show(ctx, (GatewayStatus, OrderEvent), draw, as_json=as_json, watch=watch)
