"""`logs`: what the components say."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import click

from gcg_quant.bus import EventBus
from gcg_quant.clock import to_datetime
from gcg_quant.events import Lane

from ..monitoring.log_lines import LOG_LEVELS, LogFilter, log_lines
from .context import home_of
from .options import example, json_option

__all__ = ["logs"]

_COLOURS = {"debug": "bright_black", "warning": "yellow", "error": "red", "critical": "red"}
_PACE_S = 0.3


@click.command(epilog=example("logs --level warning --follow", "logs --component strategies --text Traceback --lines 50"))
@click.option("--level", type=click.Choice(LOG_LEVELS), default="info", help="This level or worse (default: info).")
@click.option("--component", default="", help="Of this component.")
@click.option("--text", default="", help="With this text in the line or its detail.")
@click.option("--lines", type=click.IntRange(0, 100_000), default=40, help="How many, the newest last (default: 40).")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@json_option
@click.pass_context
def logs(ctx: click.Context, level: str, component: str, text: str, lines: int, follow: bool, as_json: bool) -> None:
    """Show what the components of the running system say, or what those of a stopped one have said; with --json an object a line."""
    home = home_of(ctx)
    if home.facts() is None and (follow or not (home.bus / "bus.meta").exists()):
        home.require_running()
    wanted = LogFilter(level, component, text)
    with EventBus(home.bus, source="console", create=False, read_only=True) as bus, contextlib.suppress(KeyboardInterrupt):
        rows = log_lines(bus, wanted, limit=lines)
        for row in rows:
            _print(row, as_json)
        if not rows and not follow and not as_json:
            click.echo("No lines.")
        newest = rows[-1]["id"] if rows else max(1, bus.head(Lane.LOG) - 1)
        while follow and home.facts() is not None:
            for row in log_lines(bus, wanted, limit=1000, after=newest):
                _print(row, as_json)
                newest = row["id"]
            time.sleep(_PACE_S)


def _print(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(row))
        return
    at = to_datetime(row["time_ns"]).isoformat(" ", "milliseconds").partition("+")[0]
    level = click.style(f"{row['level']:<8}", fg=_COLOURS.get(row["level"]), bold=row["level"] == "critical")
    about = f" ({row['about']})" if row["about"] else ""
    click.echo(f"{at} {level} {row['component']}: {row['message']}{about}")
    for line in row["detail"].rstrip().splitlines():
        click.echo(f"    {line}")
