"""`positions`: what each strategy holds, and all of them together; closing them."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec

from gcg_quant.events import PositionEvent

from ..changes.closing import Closing, chosen_positions, close_positions
from ..client import Client
from ..reports.trading_report import position_rows, position_totals
from ..views.system_view import SystemView
from .completion import complete_strategies
from .context import home_of
from .looking import Look, Screen, add, number, show, signed, table, watch_option
from .options import agreed, example, json_option, yes_option

__all__ = ["positions"]

_NAMED = 5  # positions that a question names
_LEGS = {"net": "", "long": "long", "short": "short"}


@click.group(invoke_without_command=True, epilog=example("positions --watch", "positions close --strategy grid-btc"))
@click.option("--strategy", default="", help="Of this strategy.", shell_complete=complete_strategies)
@click.option("--symbol", default="", help="Of this symbol, SYMBOL@VENUE or pattern.")
@click.option("--account", default="", help="On this account.")
@click.option("--all", "every", is_flag=True, help="Also those that are closed, with what they made.")
@json_option
@watch_option
@click.pass_context
def positions(ctx: click.Context, strategy: str, symbol: str, account: str, every: bool, as_json: bool, watch: float | None) -> None:
    """Show the positions of each strategy and their totals by instrument, running or as a stopped system left them.

    `positions close` closes them. today + yesterday is the quantity by the day it was opened on; frozen is what open orders would close.
    """
    if ctx.invoked_subcommand is not None:
        return

    def draw(seen: Look) -> Screen:
        rows = position_rows(seen.view, every=every, strategy=strategy, symbol=symbol, account=account)
        totals = position_totals(rows)
        shared = [row for row in totals if row["strategies"] > 1]
        tables = [_table("By strategy", rows), _table("Together, where several strategies hold the same", shared)]
        return Screen({"positions": rows, "totals": totals}, tables, "No positions.")

    show(ctx, (PositionEvent,), draw, as_json=as_json, watch=watch)


@positions.command(epilog=example("positions close --strategy grid-btc --symbol BTC/USDT", "positions close --all --yes"))
@click.option("--all", "every", is_flag=True, help="Every position.")
@click.option("--account", default="", help="On this account.")
@click.option("--strategy", default=None, help='Of this strategy; "" is what belongs to none.', shell_complete=complete_strategies)
@click.option("--symbol", default="", help="Of this symbol, SYMBOL@VENUE or pattern.")
@json_option
@yes_option
@click.pass_context
def close(ctx: click.Context, every: bool, account: str, strategy: str | None, symbol: str, as_json: bool, yes: bool) -> int:
    """Close positions at the market, each by a reduce-only order of its strategy; exit code 1 if one was refused.

    The orders pass the risk check like any other. A strategy that runs may open a position again: stop it first.
    """
    if every == bool(account or symbol or strategy is not None):
        raise click.UsageError("Say which positions: `positions close --strategy S [--symbol X]`, or `positions close --all`.")
    with Client(home_of(ctx)) as client:
        chosen = chosen_positions(SystemView.of(client.bus, PositionEvent), account=account, strategy=strategy, symbol=symbol)
        if chosen:
            held = ", ".join(f"{number(one.quantity)} {one.symbol} of {one.strategy or 'no strategy'}" for one in chosen[:_NAMED])
            more = f" and {len(chosen) - _NAMED} more" if len(chosen) > _NAMED else ""
            agreed(f"Close at the market: {held}{more}?", yes)
        answers = close_positions(client.bus, chosen)
    if as_json:
        click.echo(json.dumps([msgspec.to_builtins(one) for one in answers], indent=1))
    else:
        _tell(answers)
    return 0 if all(one.ok for one in answers) else 1


def _tell(answers: list[Closing]) -> None:
    if not answers:
        click.echo("no positions")
    for one in answers:
        what = f"{number(one.quantity)} {one.symbol} of {one.strategy or 'no strategy'}"
        if one.status == "closed":
            click.echo(f"{what}: closed at {number(one.average_price)}")
        else:
            click.echo(f"{what}: {'is being closed' if one.ok else 'not closed'}: {one.detail}", err=not one.ok)


def _table(title: str, rows: list[dict[str, Any]]) -> Any:
    heads = ("strategy", "symbol", "leg", ">quantity", ">today", ">yesterday", ">frozen", ">average", ">last")
    result = table(*heads, ">open", ">realised", ">fees", "", title=title)
    for row in rows:
        who = row.get("strategy", f"{row.get('strategies', '')} strategies")
        name = f"{row['symbol']}@{row['venue']}" if row["venue"] else row["symbol"]
        quantities = [number(row[key]) for key in ("quantity", "today", "yesterday", "frozen")]
        prices = [number(row.get(key)) for key in ("average_price", "last_price")]
        money = [signed(row["unrealised_pnl"]), signed(row["realised_pnl"]), number(row["fees"], 2), row["currency"]]
        add(result, who, name, _LEGS[row["side"]], *quantities, *prices, *money)
    return result
