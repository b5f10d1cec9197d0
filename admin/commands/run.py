"""`run`: the whole system in the foreground."""

from __future__ import annotations

import os
import signal
from typing import Any

import click
import msgspec

from ..running.summary import table
from ..runtime import Supervisor
from .context import config_of, settings_of
from .options import example, tell

__all__ = ["run"]


@click.command(epilog=example("run --for 30", "run --one-process --port 8001"))
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="SECONDS",
    help="Stop by itself after so many seconds.",
)
@click.option("--one-process", is_flag=True, help="Run every part in this process (for debugging).")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port of the page; 0 takes a free one.")
@click.option("--open/--no-open", "open_browser", default=None, help="Open the page in a browser.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary at the end as JSON.")
@click.pass_context
def run(ctx: click.Context, seconds: float | None, one_process: bool, port: int | None, open_browser: bool | None, as_json: bool) -> int:
    """Run the whole system: collectors, trading, strategies, storage and the chart page.

    Without a settings file an embedded demo runs: a simulated exchange and three strategies trading on paper. Ctrl-C stops it.
    """
    from rich.console import Console

    _override("WEB__PORT", port)
    _override("WEB__OPEN_BROWSER", open_browser)
    supervisor = Supervisor(
        settings_of(ctx), config=config_of(ctx), one_process=one_process, announce=lambda line: click.echo(line, err=as_json)
    )

    def stop(number: int, frame: Any) -> None:
        supervisor.stop_requested = True

    signal.signal(signal.SIGTERM, stop)
    summary = supervisor.run(seconds)
    if as_json:
        tell("", msgspec.to_builtins(summary), as_json=True)
    else:
        Console().print(table(summary))
    return summary.exit_code


def _override(key: str, value: object) -> None:
    # The processes of the system read the environment, too, so an option is handed on by it.
    if value is not None:
        os.environ[f"GCG_QUANT_{key}"] = str(value).lower()
