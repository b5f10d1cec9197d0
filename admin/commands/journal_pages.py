"""`journal prune`, `copy` and `export`: what works on a journal as a whole."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from ..amounts import moment_ns, size_bytes
from .options import agreed, example, json_option, tell, yes_option

__all__ = ["copy", "export", "prune"]

_WORLDS = ("live", "paper", "backtest", "import", "replay")


@click.command(epilog=example("journal prune --before 7d --keep 20GB"))
@click.option(
    "--before", "before_ns", type=moment_ns, metavar="WHEN", help="Remove pages older than this: 7d, 12h, or an ISO date or time."
)
@click.option("--keep", "keep_bytes", type=size_bytes, metavar="SIZE", help="Keep the newest pages, at most so much: 20GB, 512MiB.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@yes_option
@click.pass_context
def prune(ctx: click.Context, before_ns: int | None, keep_bytes: int | None, dry_run: bool, as_json: bool, yes: bool) -> None:
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
        report = prune_bus(bus.path, before_ns=before_ns, keep_bytes=keep_bytes, floors=floors, dry_run=True)
        if not dry_run:
            if report.removed:
                size = (report.bytes_before - report.bytes_after) / 2**20
                agreed(f"Remove {len(report.removed)} pages of the journal ({size:,.0f} MB)?", yes)
            report = prune_bus(bus.path, before_ns=before_ns, keep_bytes=keep_bytes, floors=floors, dry_run=False)
    tell("\n".join(report.sentences()), msgspec.to_builtins(report, str_keys=True), as_json=as_json)


@click.command(epilog=example("journal copy slice --from 2h", "journal copy saved --world replay"))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--from", "from_ns", type=moment_ns, metavar="WHEN", help="Only events published then or later: 2h, or an ISO date or time.")
@click.option("--to", "to_ns", type=moment_ns, metavar="WHEN", help="Only events published before.")
@click.option("--world", type=click.Choice(_WORLDS), help="What the copy is for (default: as the source).")
@json_option
@click.pass_context
def copy(ctx: click.Context, target: Path, from_ns: int | None, to_ns: int | None, world: str | None, as_json: bool) -> None:
    """Copy the journal, or a slice of it, to the new folder TARGET; of a damaged one, what is whole.

    Events keep their ids, so causes stay valid. Damage is named, and the copy says how many events were lost where.
    """
    from gcg_quant.copying import copy_journal
    from gcg_quant.events import World

    to = None if world is None else World[world.upper()]
    report = copy_journal(ctx.meta["bus"], target, from_ns=from_ns, to_ns=to_ns, world=to)
    tell("\n".join(report.sentences()), msgspec.to_builtins(report, str_keys=True), as_json=as_json)


@click.command(epilog=example("journal export parquet_files --type Fill --from 2h"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--type", "types", multiple=True, help="Only records of this class, such as Tick or Fill; may be repeated.")
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol or pattern; may be repeated.")
@click.option("--from", "from_ns", type=moment_ns, metavar="WHEN", help="Only records published then or later: 2h, or an ISO date or time.")
@click.option("--to", "to_ns", type=moment_ns, metavar="WHEN", help="Only records published before.")
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    folder: Path,
    types: tuple[str, ...],
    symbols: tuple[str, ...],
    from_ns: int | None,
    to_ns: int | None,
    as_json: bool,
) -> None:
    """Write the journal's records to FOLDER, one Parquet file a class."""
    from gcg_quant.bus import EventBus
    from gcg_quant.events import HOT_RECORDS

    from ...data_storage.files.journal_export import export_journal
    from ..reports.journal_tail import event_class

    kinds = [event_class(name) for name in types] or HOT_RECORDS
    begin = time.perf_counter()
    with EventBus(ctx.meta["bus"], create=False, read_only=True) as bus:
        written = export_journal(bus, folder, kinds, symbols=symbols or None, from_ns=from_ns, to_ns=to_ns)
    seconds = time.perf_counter() - begin
    total = sum(written.values())
    lines = [f"{path}: {rows:,} rows" for path, rows in written.items()]
    text = "\n".join([*lines, f"{total:,} rows in {seconds:.1f} s, {total / seconds:,.0f} rows/s"])
    tell(text, [{"file": str(path), "rows": rows} for path, rows in written.items()], as_json=as_json)
