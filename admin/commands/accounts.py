"""`accounts`: cash and equity by currency, and what each strategy has made."""

from __future__ import annotations

import click

from gcg_quant.events import AccountEvent, PositionEvent

from ..trading_report import account_rows, strategy_profits
from .looking import add, look, number, say, signed, table

__all__ = ["accounts"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def accounts(ctx: click.Context, as_json: bool) -> None:
    """Show every account by currency and the profit of each strategy, running or as a stopped system left them.

    Profit of a strategy is realised and open profit less fees, since its first fill; today counts from the first event of the UTC day.
    """
    with look(ctx, AccountEvent, PositionEvent) as seen:
        rows, profits = account_rows(seen.view), strategy_profits(seen.view)
        books = table("account", "currency", ">cash", ">equity", ">margin", ">available", ">today", ">realised", ">open", ">fees")
        for row in rows:
            sums = [number(row[key], 2) for key in ("cash", "equity", "margin", "available")]
            money = [signed(row[key]) for key in ("profit_today", "realised_pnl", "unrealised_pnl")]
            add(books, row["account"], row["currency"], *sums, *money, number(row["fees"], 2))
        made = table("strategy", "account", "currency", ">profit", ">realised", ">open", ">fees")
        for row in profits:
            money = [signed(row[key]) for key in ("profit", "realised_pnl", "unrealised_pnl")]
            add(made, row["strategy"] or "-", row["account"], row["currency"], *money, number(row["fees"], 2))
        say(seen, {"accounts": rows, "strategies": profits}, [books, made], "No accounts.", as_json=as_json)
