"""`run`: the whole system in the foreground."""

from __future__ import annotations

import os
import signal
from typing import Any

import click

from ..runtime import Supervisor
from ..summary import table
from .context import config_of, settings_of

__all__ = ["run"]


@click.command()
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
@click.pass_context
def run(ctx: click.Context, seconds: float | None, one_process: bool, port: int | None, open_browser: bool | None) -> int:
    """Run the whole system: collectors, trading, strategies, storage and the chart page.

    Without a settings file an embedded demo runs: a simulated exchange and three strategies trading on paper. Ctrl-C stops it.
    """
    from rich.console import Console

    _override("WEB__PORT", port)
    _override("WEB__OPEN_BROWSER", open_browser)
    supervisor = Supervisor(settings_of(ctx), config=config_of(ctx), one_process=one_process, announce=click.echo)

    def stop(number: int, frame: Any) -> None:
        supervisor.stop_requested = True

    signal.signal(signal.SIGTERM, stop)
    summary = supervisor.run(seconds)
    Console().print(table(summary))
    return summary.exit_code


def _override(key: str, value: object) -> None:
    # The processes of the system read the environment, too, so an option is handed on by it.
    if value is not None:
        os.environ[f"GCG_QUANT_{key}"] = str(value).lower()
