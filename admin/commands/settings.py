"""`settings`: every key, its default and what it means."""

from __future__ import annotations

import click

from gcg_quant.settings import Settings

from .context import settings_of
from .options import example, json_option, tell

__all__ = ["show_settings"]


@click.command("settings", epilog=example("settings --section web"))
@click.option("--section", default=None, help="Only this section.")
@json_option
@click.pass_context
def show_settings(ctx: click.Context, section: str | None, as_json: bool) -> None:
    """Show every setting: its value, its meaning, and whether a change needs a restart."""
    from rich.console import Console
    from rich.table import Table

    values = settings_of(ctx).dump()
    if as_json:
        rows = [row for row in Settings.table() if section in (None, row.section)]
        tell(
            "", [{"key": f"{row.section}.{row.key}", "value": values[row.section][row.key], "help": row.help} for row in rows], as_json=True
        )
        return
    table = Table(box=None, pad_edge=False)
    for title in ("setting", "value", "change", "meaning"):
        table.add_column(title, overflow="fold")
    for row in Settings.table():
        if section is None or row.section == section:
            table.add_row(f"[bold]{row.section}[/].{row.key}", str(values[row.section][row.key]), row.change, row.help)
    Console().print(table)
