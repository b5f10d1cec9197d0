"""`collectors`: what brings market data, how much, and of which symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from gcg_quant.clock import NS_PER_SECOND, now_ns
from gcg_quant.events import GapEvent, MetricEvent

from ..changes.component_change import subscribe as ask_for
from ..client import Client
from ..reports.component_report import collector_rows
from .context import home_of
from .looking import Look, Screen, add, number, show, table, watch_option
from .options import agreed, example, json_option, tell, yes_option

__all__ = ["collectors"]


@click.group(invoke_without_command=True, epilog=example("collectors --watch", "collectors subscribe SOL/USDT@SIM"))
@json_option
@watch_option
@click.pass_context
def collectors(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the collectors: venue, symbols, rate, silence, gaps; ask them for symbols while they run."""
    if ctx.invoked_subcommand is None:
        show(ctx, (MetricEvent, GapEvent), _screen, as_json=as_json, watch=watch)


@collectors.command("list", epilog=example("collectors list --json"))
@json_option
@watch_option
@click.pass_context
def list_collectors(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the collectors: venue, symbols, rate, silence, gaps."""
    show(ctx, (MetricEvent, GapEvent), _screen, as_json=as_json, watch=watch)


@collectors.command(epilog=example("collectors subscribe SOL/USDT@SIM"))
@click.argument("symbol")
@json_option
@click.pass_context
def subscribe(ctx: click.Context, symbol: str, as_json: bool) -> None:
    """Collect SYMBOL (or SYMBOL@VENUE) from now on, while the system runs."""
    _ask(ctx, symbol, True, as_json)


@collectors.command(epilog=example("collectors unsubscribe SOL/USDT@SIM --yes"))
@click.argument("symbol")
@yes_option
@json_option
@click.pass_context
def unsubscribe(ctx: click.Context, symbol: str, yes: bool, as_json: bool) -> None:
    """Collect SYMBOL (or SYMBOL@VENUE) no longer; strategies and charts get no more data of it."""
    home_of(ctx).require_running()
    agreed(f"Collect {symbol} no longer? Strategies and charts get no more data of it.", yes)
    _ask(ctx, symbol, False, as_json)


def _ask(ctx: click.Context, name: str, wanted: bool, as_json: bool) -> None:
    symbol, _, venue = name.partition("@")
    with Client(home_of(ctx)) as client:
        answer = ask_for(client.bus, symbol, venue, wanted)
    facts = {"symbol": symbol, "venue": venue, "subscribe": wanted, "collector": answer.component, "detail": answer.detail}
    tell(f"{answer.component}: {answer.detail}.", facts, as_json=as_json)


def _screen(seen: Look) -> Screen:
    rows = collector_rows(seen.view)
    return Screen(rows, [_table(rows)], "No collector runs: the system has none, or has never run here.")


def _table(rows: Sequence[dict[str, Any]]) -> Any:
    shown = table("collector", "venue", "state", ">events/s", ">records", ">silent s", ">gaps", "symbols")
    for row in rows:
        silent = (now_ns() - row["last_event_ns"]) / NS_PER_SECOND if row["last_event_ns"] and row["state"] == "running" else None
        numbers = [number(row["events_per_s"], 1), number(sum(row["counts"].values())), number(silent, 0), number(row["gaps"])]
        add(shown, row["collector"], row["venue"], row["state"], *numbers, " ".join(row["symbols"]))
    return shown
