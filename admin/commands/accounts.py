"""`accounts`: cash and equity by currency, what each strategy has made, funding, and letting a halted account trade again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gcg_quant.events import AccountEvent, FundingPayment, GatewayStatus, PositionEvent

from ..client import Client
from ..halt import halt_of, halt_rows, resume_account
from ..reports.trading_report import account_rows, funding_rows, strategy_profits
from ..views.system_view import SystemView
from .context import home_of
from .looking import Look, Screen, add, moment, number, show, signed, table, watch_option
from .options import agreed, example, json_option, tell, yes_option

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["accounts"]


@click.group(invoke_without_command=True, epilog=example("accounts --watch"))
@json_option
@watch_option
@click.pass_context
def accounts(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show every account by currency and the profit of each strategy, running or as a stopped system left them.

    `accounts funding` shows what perpetual contracts have paid and cost, `accounts resume` lets a halted account trade again.

    Profit of a strategy is realised and open profit less fees, since its first fill; today counts from the first event of the UTC day.
    """
    if ctx.invoked_subcommand is not None:
        return

    def draw(seen: Look) -> Screen:
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
        answer = {"accounts": rows, "strategies": profits, "halts": halt_rows(seen.view)}
        lead = _halted(seen.view)
        return Screen(answer, [*([lead] if lead is not None else []), books, made], "No accounts.")

    show(ctx, (AccountEvent, PositionEvent, GatewayStatus), draw, as_json=as_json, watch=watch)


def _halted(view: SystemView) -> Text | None:
    from rich.text import Text

    rows = halt_rows(view)
    lines = [f"account {row['account']}: HALTED since {moment(row['since_ns'])} UTC: {row['detail']}" for row in rows]
    return Text("\n".join(lines), style="bold red") if lines else None


@accounts.command(epilog=example("accounts funding"))
@json_option
@watch_option
@click.pass_context
def funding(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show what positions in perpetual contracts have paid (below 0) and were paid, the newest first, as far as kept."""

    def draw(seen: Look) -> Screen:
        rows = funding_rows(seen.view)
        paid = table("due", "account", "strategy", "symbol", ">quantity", ">rate", ">price", ">amount", "currency", "payment")
        for row in rows:
            place = f"{row['symbol']}@{row['venue']}" if row["venue"] else row["symbol"]
            names = (moment(row["due_ns"]), row["account"], row["strategy"] or "-", place)
            figures = [number(row[key]) for key in ("quantity", "rate", "price", "amount")]
            add(paid, *names, *figures, row["currency"], row["payment_id"] or "-")
        return Screen(rows, [paid], "No funding.")

    show(ctx, (FundingPayment,), draw, as_json=as_json, watch=watch)


@accounts.command(epilog=example("accounts resume binance-1"))
@click.argument("account")
@json_option
@yes_option
@click.pass_context
def resume(ctx: click.Context, account: str, as_json: bool, yes: bool) -> None:
    """Let a halted account trade again: what differs from its venue is shown, and accepted from now on.

    Find out why it differs first. If it differs otherwise by the time you have agreed, nothing is lifted.
    """
    with Client(home_of(ctx)) as client:
        halt = halt_of(SystemView.of(client.bus, GatewayStatus, AccountEvent), account)
        click.echo(f"account {account} is halted since {moment(halt['since_ns'])} UTC: it differs from its venue in", err=as_json)
        for line in halt["detail"].split("; "):
            click.echo(f"  {line}", err=as_json)
        agreed("Accept that, and let the account trade?", yes)
        done = resume_account(client.bus, account, halt["differences"], "console")
    text = f"account {account} trades again from event #{done['applied']} of the market lane on; accepted: {done['accepted'] or 'nothing'}"
    tell(text, done, as_json=as_json)
