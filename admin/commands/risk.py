"""`risk`: the limits in force and what is used of them, changing them, and the kill switch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from gcg_quant.errors import SettingsError
from gcg_quant.events import AccountEvent, Applied, OrderEvent, PositionEvent

from ..changes.cancellation import still_open
from ..changes.risk_change import set_limits, switch_kill
from ..client import Client
from ..reports.risk_report import risk_report
from ..views.system_view import SystemView
from ..views.trading_view import TradingView
from .completion import complete_strategies, complete_symbols
from .context import home_of
from .looking import Look, Screen, add, moment, number, show, table, watch_option
from .options import agreed, example, json_option, tell, yes_option

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["risk"]

_SEQ = (1 << 60) - 1


@click.group(invoke_without_command=True, epilog=example("risk", "risk kill on"))
@json_option
@watch_option
@click.pass_context
def risk(ctx: click.Context, as_json: bool, watch: float | None) -> None:
    """Show the limits in force, what is used of each, and what was refused lately; `risk set` and `risk kill` change them."""
    if ctx.invoked_subcommand is not None:
        return

    def draw(seen: Look) -> Screen:
        report = risk_report(seen.view, seen.bus)
        nothing = "No limits are known: no system has run on this home."
        return Screen(report, [_switch(report["kill_switch"]), _limits(report), _overrides(report), _refusals(report)], nothing)

    show(ctx, (*TradingView.EVENTS, OrderEvent, PositionEvent, AccountEvent), draw, as_json=as_json, watch=watch)


def _switch(switch: dict[str, Any]) -> Text:
    from rich.text import Text

    since = f" since {moment(switch['since_ns'])} UTC" if switch["since_ns"] else ""
    by = f", asked for by the {switch['origin']}" if switch["origin"] else ""
    if switch["on"]:
        return Text(f"kill switch: ON{since}{by}: every order is refused", style="bold red")
    if switch["accounts"]:
        return Text(f"kill switch: ON for {', '.join(switch['accounts'])}{since}{by}: every order there is refused", style="bold red")
    return Text("kill switch: off")


def _limits(report: dict[str, Any]) -> Any:
    result = table("limit", ">value", ">used", "", title="For all orders")
    for row in report["limits"]:
        value = row["value"]
        share = f"{row['used'] / value:.0%}" if row["used"] and isinstance(value, float | int) and not isinstance(value, bool) else ""
        where = f"{report['currency']} today" if row["limit"] == "max_daily_loss" else row["where"]
        used = "" if row["used"] is None else number(round(row["used"], 4))
        add(result, row["limit"], _value(value), used, " ".join(part for part in (share, where) if part))
    return result


def _overrides(report: dict[str, Any]) -> Any:
    result = table("account", "strategy", "symbol", "limits", title="For an account, a strategy or a symbol, instead")
    for row in report["overrides"]:
        limits = "  ".join(f"{name} {_value(value)}" for name, value in _named(row))
        add(result, row.get("account", "all"), row.get("strategy", "all"), row.get("symbol", "all"), limits)
    return result


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return value if isinstance(value, str) else "on" if value else "off"
    return number(value)


def _named(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in row.items() if name not in ("account", "strategy", "symbol")]


def _refusals(report: dict[str, Any]) -> Any:
    result = table("time (UTC)", "strategy", "symbol", "client id", "reasons", "", title="Refused lately")
    for row in report["refusals"]:
        who = [row["strategy"] or "-", row["symbol"], row["client_id"]]
        add(result, moment(row["time_ns"]), *who, ", ".join(row["reasons"]), row["message"])
    return result


@risk.command("set", epilog=example("risk set max_order_value=50000 --strategy grid-btc"))
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@click.option("--strategy", default="", help="For this strategy alone.", shell_complete=complete_strategies)
@click.option("--symbol", default="", help="For this symbol or SYMBOL@VENUE alone.", shell_complete=complete_symbols)
@click.option("--account", default="", help="On this account alone.")
@json_option
@click.pass_context
def set_command(ctx: click.Context, pairs: tuple[str, ...], strategy: str, symbol: str, account: str, as_json: bool) -> None:
    """Put limits in force until the system is stopped: a number, or "off".

    With --strategy, --symbol or --account the limit holds there instead of the one for all; "default" takes it back.
    """
    changes = dict(_pair(pair) for pair in pairs)
    home = home_of(ctx)
    with Client(home) as client:

        def in_force() -> dict[str, Any]:
            return SystemView.of(client.bus, *TradingView.EVENTS).trading.limits

        where = {"strategy": strategy, "symbol": symbol, "account": account}
        answer = set_limits(client.bus, home.path, in_force, changes, origin="console", **where)
    words = "".join(f" for {what} {name}" for what, name in where.items() if name)
    text = f"{', '.join(pair.replace('=', ' = ', 1) for pair in pairs)}{words}: in force{_place(answer)}"
    tell(text, {"limits": changes, **where, "applied": answer.id & _SEQ}, as_json=as_json)


def _pair(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign or not key or not value:
        raise SettingsError(f"A limit is written KEY=VALUE, for example max_order_value=5000, found {text!r}.", found=text)
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


@risk.command(epilog=example("risk kill on"))
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--account", default="", help="Of this account alone; the others trade on.")
@json_option
@yes_option
@click.pass_context
def kill(ctx: click.Context, state: str, account: str, as_json: bool, yes: bool) -> None:
    """Switch the kill switch: `on` cancels all open orders and refuses every new one, at once and without a question, until `off`."""
    home = home_of(ctx)
    with Client(home) as client:
        if state == "off":
            agreed("Switch the kill switch off? Orders pass again.", yes)
        answer = switch_kill(client.bus, home.path, state == "on", "console", account)
        left = len(still_open(client.bus, account=account)) if state == "on" else 0
    text = "no order is open any more, new ones are refused" if state == "on" else "orders pass again"
    if left:
        text = f"new orders are refused, but {left} are not cancelled yet: look at `python -m gcg_quant orders`"
    values = {"on": state == "on", "account": account, "applied": answer.id & _SEQ, "not_cancelled": left}
    tell(
        f"kill switch {state}{f' for account {account}' if account else ''}{_place(answer)}: {text}",
        values,
        as_json=as_json,
        err=bool(left),
    )


def _place(answer: Applied) -> str:
    return f" from event #{answer.id & _SEQ} of the market lane on"
