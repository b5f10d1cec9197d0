"""`positions`: what each strategy holds, and all of them together."""

from __future__ import annotations

from typing import Any

import click

from gcg_quant.events import PositionEvent

from ..trading_report import position_rows, position_totals
from .completion import complete_strategies
from .looking import Look, Screen, add, number, show, signed, table, watch_option
from .options import example, json_option

__all__ = ["positions"]

_LEGS = {"net": "", "long": "long", "short": "short"}


@click.command(epilog=example("positions --watch", "positions --strategy grid-btc --json"))
@click.option("--strategy", default="", help="Of this strategy.", shell_complete=complete_strategies)
@click.option("--symbol", default="", help="Of this symbol, SYMBOL@VENUE or pattern.")
@click.option("--all", "every", is_flag=True, help="Also those that are closed, with what they made.")
@json_option
@watch_option
@click.pass_context
def positions(ctx: click.Context, strategy: str, symbol: str, every: bool, as_json: bool, watch: float | None) -> None:
    """Show the positions of each strategy and their totals by instrument, running or as a stopped system left them.

    today + yesterday is the quantity by the day it was opened on; frozen is what open orders would close.
    """

    def draw(seen: Look) -> Screen:
        rows = position_rows(seen.view, every=every, strategy=strategy, symbol=symbol)
        totals = position_totals(rows)
        shared = [row for row in totals if row["strategies"] > 1]
        tables = [_table("By strategy", rows), _table("Together, where several strategies hold the same", shared)]
        return Screen({"positions": rows, "totals": totals}, tables, "No positions.")

    show(ctx, (PositionEvent,), draw, as_json=as_json, watch=watch)


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
