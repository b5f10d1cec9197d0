"""`collectors`: what brings market data, how much, and of which symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from gcg_quant.clock import NS_PER_SECOND, now_ns
from gcg_quant.errors import ComponentError, nearest
from gcg_quant.events import CollectorStatusEvent, GapEvent, MetricEvent

from ..changes.component_change import change_component
from ..changes.component_change import subscribe as ask_for
from ..client import Client
from ..reports.component_report import collector_rows
from .collector_trials import backfill, try_out
from .context import home_of
from .looking import Look, Screen, add, look, moment, number, show, table, watch_option
from .options import agreed, example, json_option, tell, yes_option

__all__ = ["collectors"]

_KINDS = (MetricEvent, GapEvent, CollectorStatusEvent)


@click.group(invoke_without_command=True, epilog=example("collectors --watch", "collectors subscribe SOL/USDT@SIM"))
@json_option
@watch_option
@click.pass_context
def collectors(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the collectors: venue, symbols, rate, silence, gaps; ask them for symbols while they run."""
    if ctx.invoked_subcommand is None:
        show(ctx, _KINDS, _screen, as_json=as_json, watch=watch)


@collectors.command("list", epilog=example("collectors list --json"))
@json_option
@watch_option
@click.pass_context
def list_collectors(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the collectors: venue, symbols, rate, silence, gaps."""
    show(ctx, _KINDS, _screen, as_json=as_json, watch=watch)


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


@collectors.command(epilog=example("collectors start binance"))
@click.argument("name")
@json_option
@click.pass_context
def start(ctx: click.Context, name: str, as_json: bool) -> None:
    """Start the collector NAME of the running system, built from the settings as they are now."""
    _change(ctx, "start", name, True, as_json)


@collectors.command(epilog=example("collectors stop binance --yes"))
@click.argument("name")
@yes_option
@json_option
@click.pass_context
def stop(ctx: click.Context, name: str, yes: bool, as_json: bool) -> None:
    """Stop the collector NAME until it or the system is started again."""
    _change(ctx, "stop", name, yes, as_json)


@collectors.command(epilog=example("collectors status binance"))
@click.argument("name", default="")
@json_option
@watch_option
@click.pass_context
def status(ctx: click.Context, name: str, as_json: bool, watch: float | None) -> None:
    """Show how the collectors (or NAME) are connected: since when, why not, faults by kind, clock, history."""
    show(ctx, _KINDS, lambda seen: _lines(seen, name), as_json=as_json, watch=watch)


collectors.add_command(try_out)
collectors.add_command(backfill)


def _change(ctx: click.Context, action: str, name: str, yes: bool, as_json: bool) -> None:
    home_of(ctx).require_running()
    with look(ctx) as seen:
        known = [row["collector"] for row in collector_rows(seen.view)]
    if name not in known:
        raise ComponentError(f"There is no collector {name!r} in the running system.{nearest(name, known)}", component=name)
    if action == "stop":
        agreed(f"Stop {name}? Strategies and charts get no more of its data, and orders of its symbols see no price.", yes)
    with Client(home_of(ctx)) as client:
        answer = change_component(client.bus, action, name, "console")
    tell(f"{answer.detail}.", {"collector": name, "action": action, "detail": answer.detail}, as_json=as_json)


def _ask(ctx: click.Context, name: str, wanted: bool, as_json: bool) -> None:
    symbol, _, venue = name.partition("@")
    with Client(home_of(ctx)) as client:
        answer = ask_for(client.bus, symbol, venue, wanted)
    facts = {"symbol": symbol, "venue": venue, "subscribe": wanted, "collector": answer.component, "detail": answer.detail}
    tell(f"{answer.component}: {answer.detail}.", facts, as_json=as_json)


def _screen(seen: Look) -> Screen:
    rows = collector_rows(seen.view)
    return Screen(rows, [_table(rows)], "No collector runs: the system has none, or has never run here.")


def _lines(seen: Look, name: str) -> Screen:
    rows = [row for row in collector_rows(seen.view) if name in ("", row["collector"])]
    if name and not rows:
        raise ComponentError(f"There is no collector {name!r}.", component=name)
    shown = table("collector", "kind", "connection", "since (UTC)", ">reconnects", ">clock s", ">history", "faults", "detail")
    for row in rows:
        line = row["connection"] or ("-" if row["state"] == "running" else row["state"])
        since = moment(row["connection_since_ns"]) if row["connection_since_ns"] else "-"
        history = "-" if row["history"] is None else f"{row['history']:.0%}"
        faults = ", ".join(f"{count} {kind}" for kind, count in sorted(row["faults"].items())) or "-"
        numbers = [number(row["reconnects"]), number(row["clock_offset_s"], 3), history]
        add(shown, row["collector"], row["kind"] or "-", line, since, *numbers, faults, row["detail"])
    return Screen(rows, [shown], "No collector runs: the system has none, or has never run here.")


def _table(rows: Sequence[dict[str, Any]]) -> Any:
    shown = table("collector", "venue", "state", "connection", ">events/s", ">records", ">silent s", ">gaps", "symbols")
    for row in rows:
        silent = (now_ns() - row["last_event_ns"]) / NS_PER_SECOND if row["last_event_ns"] and row["state"] == "running" else None
        numbers = [number(row["events_per_s"], 1), number(sum(row["counts"].values())), number(silent, 0), number(row["gaps"])]
        add(shown, row["collector"], row["venue"], row["state"], row["connection"] or "-", *numbers, " ".join(row["symbols"]))
    return shown
