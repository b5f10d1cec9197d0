"""`orders`: show them, change them, cancel them."""

from __future__ import annotations

import json
from typing import Any

import click

from gcg_quant.errors import OrderError
from gcg_quant.events import OrderEvent

from ..changes.cancellation import Cancellation, cancel_orders
from ..changes.order_change import OrderChange, change_order
from ..client import Client
from ..reports.trading_report import chosen_orders, order_rows
from ..views.status import order_row
from ..views.system_view import SystemView
from .completion import complete_orders, complete_strategies
from .context import home_of
from .looking import Look, Screen, add, moment, number, show, table, watch_option
from .options import agreed, example, json_option, tell, yes_option

__all__ = ["orders"]


@click.group(invoke_without_command=True, epilog=example("orders --watch", "orders cancel grid-btc-17"))
@click.option("--open/--all", "only_open", default=True, help="Those that work (the default), or also those that are done, as far as kept.")
@click.option("--strategy", default="", help="Of this strategy.", shell_complete=complete_strategies)
@click.option("--symbol", default="", help="Of this symbol, SYMBOL@VENUE or pattern.")
@click.option("--account", default="", help="On this account.")
@json_option
@watch_option
@click.pass_context
def orders(ctx: click.Context, only_open: bool, strategy: str, symbol: str, account: str, as_json: bool, watch: float | None) -> None:
    """Show the orders that work, of the running system or as a stopped one left them; `orders cancel` cancels them."""
    if ctx.invoked_subcommand is not None:
        return

    def draw(seen: Look) -> Screen:
        rows = order_rows(seen.view, every=not only_open, strategy=strategy, symbol=symbol, account=account)
        return Screen(rows, [_table(rows)], "No open orders." if only_open else "No orders.")

    show(ctx, (OrderEvent,), draw, as_json=as_json, watch=watch)


def _table(rows: list[dict[str, Any]]) -> Any:
    result = table(
        "time (UTC)", "client id", "strategy", "symbol", "side", "type", ">quantity", ">filled", ">price", ">average", "state", "reason"
    )
    for row in rows:
        price = row["price"] if row["price"] is not None else row["stop_price"]
        numbers = [number(row["quantity"]), number(row["filled_quantity"]), number(price), number(row["average_price"])]
        words = [row["client_id"], row["strategy"], row["symbol"], row["side"], row["type"].replace("_", " ")]
        add(result, moment(row["time_ns"]), *words, *numbers, row["status"].replace("_", " "), row["reason"])
    return result


@orders.command(epilog=example("orders cancel grid-btc-17", "orders cancel --all --strategy grid-btc --yes"))
@click.argument("client_id", required=False, shell_complete=complete_orders)
@click.option("--all", "every", is_flag=True, help="Every open order.")
@click.option("--strategy", default="", help="With --all: of this strategy.")
@click.option("--symbol", default="", help="With --all: of this symbol, SYMBOL@VENUE or pattern.")
@click.option("--account", default="", help="With --all: on this account.")
@json_option
@yes_option
@click.pass_context
def cancel(
    ctx: click.Context, client_id: str | None, every: bool, strategy: str, symbol: str, account: str, as_json: bool, yes: bool
) -> int:
    """Cancel the order CLIENT_ID, or with --all every open one; exit code 1 if one could not be cancelled."""
    if bool(client_id) == every or ((strategy or symbol or account) and not every):
        raise click.UsageError(
            "Say which order: `orders cancel CLIENT_ID`, or `orders cancel --all [--strategy S] [--symbol X] [--account A]`."
        )
    with Client(home_of(ctx)) as client:
        view = SystemView.of(client.bus, OrderEvent)
        if every:
            chosen: list[OrderEvent | str] = [*chosen_orders(view, strategy=strategy, symbol=symbol, account=account)]
        else:
            known = [order for order in view.orders.values() if order.client_id == client_id]
            chosen = [*known[-1:]] or [str(client_id)]
        if chosen:
            agreed(f"Cancel order {client_id}?" if client_id else f"Cancel {len(chosen)} open orders?", yes)
        answers = cancel_orders(client.bus, chosen)
    if as_json:
        click.echo(json.dumps([{"client_id": one.client_id, "status": one.status, "detail": one.detail} for one in answers], indent=1))
        return 0 if all(answer.ok for answer in answers) else 1
    return _tell(answers)


@orders.command(epilog=example("orders change grid-btc-17 --price 64000 --yes"))
@click.argument("client_id", shell_complete=complete_orders)
@click.option("--price", type=float, default=None, help="Of a limit order, on a tick.")
@click.option("--stop", type=float, default=None, help="Of a stop order, on a tick.")
@click.option("--quantity", type=float, default=None, help="The whole one, what is filled of it included.")
@json_option
@yes_option
@click.pass_context
def change(
    ctx: click.Context, client_id: str, price: float | None, stop: float | None, quantity: float | None, as_json: bool, yes: bool
) -> None:
    """Change the terms of the order CLIENT_ID, which the risk check judges like a new order's; what is not named stays."""
    terms = OrderChange(quantity=quantity, price=price, stop_price=stop)
    if terms == OrderChange():
        raise click.UsageError("Say what to change: --price, --stop or --quantity.")
    with Client(home_of(ctx)) as client:
        known = [order for order in SystemView.of(client.bus, OrderEvent).orders.values() if order.client_id == client_id]
        if not known:
            raise OrderError(f"There is no order {client_id!r}.", client_id=client_id)
        asked = (("price", price), ("stop", stop), ("quantity", quantity))
        words = ", ".join(f"{name} {number(value)}" for name, value in asked if value is not None)
        agreed(f"Change order {client_id} to {words}?", yes)
        order = change_order(client.bus, known[-1], terms)
    tell(f"order {client_id} is changed to {words}", order_row(order), as_json=as_json)


def _tell(answers: list[Cancellation]) -> int:
    if not answers:
        click.echo("no open orders")
    for answer in answers:
        text = f"order {answer.client_id} {_WORDS[answer.status]}"
        click.echo(f"{text}: {answer.detail}" if answer.detail else text, err=not answer.ok)
    return 0 if all(answer.ok for answer in answers) else 1


_WORDS = {"cancelled": "cancelled", "cancelling": "is being cancelled", "refused": "not cancelled"}
