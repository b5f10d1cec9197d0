"""`positions`: what each strategy holds, and all of them together."""

from __future__ import annotations

from typing import Any

import click

from gcg_quant.events import PositionEvent

from ..trading_report import position_rows, position_totals
from .looking import add, look, number, say, signed, table

__all__ = ["positions"]

_LEGS = {"net": "", "long": "long", "short": "short"}


@click.command()
@click.option("--strategy", default="", help="Of this strategy.")
@click.option("--symbol", default="", help="Of this symbol, SYMBOL@VENUE or pattern.")
@click.option("--all", "every", is_flag=True, help="Also those that are closed, with what they made.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def positions(ctx: click.Context, strategy: str, symbol: str, every: bool, as_json: bool) -> None:
    """Show the positions of each strategy and their totals by instrument, running or as a stopped system left them.

    today + yesterday is the quantity by the day it was opened on; frozen is what open orders would close.
    """
    with look(ctx, PositionEvent) as seen:
        rows = position_rows(seen.view, every=every, strategy=strategy, symbol=symbol)
        totals = position_totals(rows)
        shared = [row for row in totals if row["strategies"] > 1]
        tables = [_table("By strategy", rows), _table("Together, where several strategies hold the same", shared)]
        say(seen, {"positions": rows, "totals": totals}, tables, "No positions.", as_json=as_json)


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
