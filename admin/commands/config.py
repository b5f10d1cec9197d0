"""`config`: settings of the running system, or of the next start: look at them, check and change them."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from click.shell_completion import CompletionItem

from gcg_quant.errors import SettingsError, nearest
from gcg_quant.events import Applied, ConfigChangeEvent
from gcg_quant.settings import FILE_NAME, Settings, diff

from ..changes.settings_change import change_settings, file_in_use, outcome_of
from ..changes.settings_document import SettingsDocument
from ..client import Client
from ..config import flat, nested
from ..home import Home
from ..reports.settings_report import history_rows, setting_rows
from ..views.settings_view import SettingsView, defaults
from ..views.system_view import SystemView
from .context import config_of, home_of, settings_of
from .looking import Look, Screen, add, moment, print_tables, show, table
from .options import agreed, example, json_option, tell, yes_option

__all__ = ["config"]

_ORIGIN = "console"
_DEFAULT = "default"  # as a value: back to it
_STOPPED = "No system runs: these are the settings that the next start begins with."


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    ending = "=" if param.name == "pairs" else ""
    return [CompletionItem(key + ending) for key in defaults() if key.startswith(incomplete)]


@click.group(invoke_without_command=True, epilog=example("config list web", "config set simulated.ticks_per_second=50"))
@json_option
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> None:
    """Show, check and change settings; secrets are never shown."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_settings, section="", as_json=as_json, only_set=False)


@config.command("list", epilog=example("config list risk", "config list --set --json"))
@click.argument("section", default="")
@click.option("--set", "only_set", is_flag=True, help="Only what file, environment or a command decides.")
@json_option
@click.pass_context
def list_settings(ctx: click.Context, section: str, only_set: bool, as_json: bool) -> None:
    """Show the settings in force, of all sections or of SECTION, and where each value comes from."""
    if section and section not in Settings.sections():
        raise SettingsError(f"There is no section [{section}].{nearest(section, Settings.sections())}")
    rows, running = _rows(ctx)
    chosen = [row for row in rows if row["key"].startswith(f"{section}." if section else "") and (row["is_set"] or not only_set)]
    if as_json:
        tell("", chosen, as_json=True)
        return
    if not running:
        click.echo(_STOPPED, err=True)
    shown = table("setting", "value", "from", "change", "meaning")
    for row in chosen:
        add(shown, row["key"], _text(row), row["source"], "live" if row["live"] else "restart", row["help"])
    print_tables(shown)


@config.command(epilog=example("config get risk.max_order_value"))
@click.argument("key", shell_complete=_complete)
@json_option
@click.pass_context
def get(ctx: click.Context, key: str, as_json: bool) -> None:
    """Print the value in force of KEY, such as chart.period."""
    rows, running = _rows(ctx)
    found = {row["key"]: row for row in rows}
    if key not in found:
        raise SettingsError(f"There is no setting {key!r}.{nearest(key, found)}", key=key)
    if not running:
        click.echo(_STOPPED, err=True)
    tell(_text(found[key]), found[key], as_json=as_json)


@config.command("set", epilog=example("config set simulated.ticks_per_second=50", "config set risk.max_order_value=default --yes"))
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...", shell_complete=_complete)
@yes_option
@json_option
@click.pass_context
def set_values(ctx: click.Context, pairs: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Change settings in the settings file, whose comments and order stay; the running system takes them over from there.

    A VALUE is written as in TOML; texts need no quotes, `off` switches a limit off, `default` takes a key out of the file.
    """
    changes = _changes(pairs)
    home = home_of(ctx)
    if home.facts() is None:
        _set_stopped(ctx, changes, yes, as_json)
        return
    with Client(home) as client:
        view = SystemView.of(client.bus, ConfigChangeEvent, Applied).settings
        document = SettingsDocument(file_in_use(home), home.path, in_force=nested(view.values))
        plan = document.plan(changes)
        if any(key.startswith("risk.") for key in plan.changes):
            agreed(f"Change {', '.join(f'{key} to {value}' for key, value in plan.changes.items())}? Orders meet it at once.", yes)
        outcome = change_settings(client.bus, document, plan, view.values, _ORIGIN)
    where = f"{outcome.saved}: " if outcome.saved else ""
    tell(f"{where}{', '.join(outcome.changed) or 'nothing'} changed; {outcome.detail}.", msgspec.to_builtins(outcome), as_json=as_json)


def _set_stopped(ctx: click.Context, changes: dict[str, Any], yes: bool, as_json: bool) -> None:
    path = config_of(ctx)
    if path is None:
        raise SettingsError(f"No system runs, and there is no settings file to write to: make {FILE_NAME}, or name one with --config.")
    document = SettingsDocument(path)
    plan = document.plan(changes)
    document.write(plan)
    outcome = outcome_of(document, plan)
    told = f"{outcome.saved}: {', '.join(outcome.changed) or 'nothing'} changed. No system runs: the next start begins with it."
    tell(told, msgspec.to_builtins(outcome), as_json=as_json)


@config.command(epilog=example("config check gcg_quant.toml"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Check the settings file FILE, with the environment on top, and say what it changes from the defaults."""
    settings = Settings.load(file, home=ctx.find_root().obj["home"])
    changes = diff(Settings(), settings)
    text = f"{file} is good: {len(changes)} settings differ from the defaults."
    tell(text, {"file": str(file), "changes": changes}, as_json=as_json)
    if not as_json:
        shown = table("setting", "value")
        for key, value in changes.items():
            add(shown, key, "off" if value is None else str(value))
        print_tables(shown)


@config.command(epilog=example("config history --json"))
@json_option
@click.pass_context
def history(ctx: click.Context, as_json: bool) -> None:
    """Show how the settings have changed, newest first, and who changed them."""

    def draw(seen: Look) -> Screen:
        rows = history_rows(seen.view.settings)
        return Screen(rows, [_history(rows)], "No settings have changed yet.")

    show(ctx, (ConfigChangeEvent, Applied), draw, as_json=as_json)


def _history(rows: Sequence[dict[str, Any]]) -> Any:
    shown = table("time (UTC)", ">revision", "by", "setting", "before", "after", "")
    for row in rows:
        head = [moment(row["time_ns"]), str(row["revision"] or "-"), row["origin"]]
        for key, (before, after) in row["changes"].items():
            refused = f"refused: {row['refused']}" if row["refused"] else ""
            add(shown, *head, key, *("off" if value is None else str(value) for value in (before, after)), refused)
            head = ["", "", ""]
    return shown


def _rows(ctx: click.Context) -> tuple[list[dict[str, Any]], bool]:
    home: Home = home_of(ctx)
    if home.facts() is None:
        view = SettingsView()
        view.values = flat(settings_of(ctx).dump())
        return setting_rows(view, SettingsDocument(config_of(ctx))), False
    with Client(home) as client:
        view = SystemView.of(client.bus, ConfigChangeEvent, Applied).settings
    return setting_rows(view, SettingsDocument(file_in_use(home))), True


def _changes(pairs: Sequence[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or not key:
            raise SettingsError(f"A setting is written KEY=VALUE, for example chart.period=5m, found {pair!r}.")
        changes[key.strip()] = None if text.strip() == _DEFAULT else _value(text.strip())
    return changes


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a text without quotes


def _text(row: dict[str, Any]) -> str:
    if row["secret"]:
        return "(set)" if row["is_set"] else "(not set)"
    value = row["value"]
    return str(value).lower() if isinstance(value, bool) else str(value)
