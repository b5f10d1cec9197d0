"""`gateways`: the ways to the venues and how they are."""

from __future__ import annotations

import click

from gcg_quant.events import GatewayStatus, OrderEvent

from ..reports.trading_report import gateway_rows
from .looking import Look, Screen, add, moment, number, show, table, watch_option
from .options import example, json_option

__all__ = ["gateways"]


@click.command(epilog=example("gateways --watch"))
@json_option
@watch_option
@click.pass_context
def gateways(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show every gateway: its state and since when, the orders it works on, and how long its venue takes to answer an order."""
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
