"""`journal prune`: what works on the pages of a journal as a whole."""

from __future__ import annotations

import click

from ..amounts import moment_ns, size_bytes

__all__ = ["prune"]


@click.command()
@click.option(
    "--before", "before_ns", type=moment_ns, metavar="WHEN", help="Remove pages older than this: 7d, 12h, or an ISO date or time."
)
@click.option("--keep", "keep_bytes", type=size_bytes, metavar="SIZE", help="Keep the newest pages, at most so much: 20GB, 512MiB.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_context
def prune(ctx: click.Context, before_ns: int | None, keep_bytes: int | None, dry_run: bool) -> None:
    """Remove the oldest pages that nobody needs any more.

    The page that is written to stays, and so does what a durable reader has not committed yet, and what lies behind the last two snapshots
    of a component: their names are told.
    """
    from gcg_quant.bus import EventBus
    from gcg_quant.pruning import prune as prune_bus
    from gcg_quant.retention import needed

    if before_ns is None and keep_bytes is None:
        raise click.UsageError("Say what may go: --before WHEN, --keep SIZE, or both.")
    with EventBus(ctx.meta["bus"], create=False, read_only=True) as bus:
        floors, _ = needed(bus)
        report = prune_bus(bus.path, before_ns=before_ns, keep_bytes=keep_bytes, floors=floors, dry_run=dry_run)
    for sentence in report.sentences():
        click.echo(sentence)
