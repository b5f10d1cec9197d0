"""`gateways`: the ways to the venues and how they are."""

from __future__ import annotations

import click

from gcg_quant.events import GatewayStatus, OrderEvent

from ..trading_report import gateway_rows
from .looking import add, look, moment, number, say, table

__all__ = ["gateways"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def gateways(ctx: click.Context, as_json: bool) -> None:
    """Show every gateway: its state and since when, the orders it works on, and how long its venue takes to answer an order."""
    from rich.text import Text

    with look(ctx, GatewayStatus, OrderEvent) as seen:
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
        say(seen, rows, [result], "No gateway has connected yet.", as_json=as_json)
