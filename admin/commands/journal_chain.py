"""`journal chain`: what led to an event, and what became of it."""

from __future__ import annotations

import click

from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError

from .options import example, json_option, tell

__all__ = ["chain"]


@click.command(epilog=example("journal chain 1204871", "journal chain control-17 --json"))
@click.argument("event")
@json_option
@click.pass_context
def chain(ctx: click.Context, event: str, as_json: bool) -> None:
    """Show the chain behind EVENT: market data, signal, request, risk verdict, order, fill, with times and delays.

    EVENT is its number in the market lane (1204871), or lane and number (control-17).
    """
    import msgspec
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from gcg_quant.clock import to_iso

    from ...visualization.lineage.lineage import chain as steps_of
    from ...visualization.lineage.lineage import event_id

    try:
        number = event_id(event)
        with EventBus(ctx.meta["bus"], create=False, read_only=True) as bus:
            steps = steps_of(bus, number)
    except EventError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        tell("", msgspec.to_builtins(steps), as_json=True)
        return
    table = Table("event", "kind", "time (UTC)", "after (ms)", "", box=box.SIMPLE_HEAD)
    for step in steps:
        time = "" if step.time_ns is None else to_iso(step.time_ns)[11:23]
        table.add_row(step.event, step.kind, time, "" if step.since_ms is None else f"{step.since_ms:,.3f}", step.text)
    Console(highlight=False).print(table)
