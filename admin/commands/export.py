"""`export`: stored market data to Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from gcg_quant.clock import to_iso
from gcg_quant.errors import StorageError

from ..amounts import moment_ns
from .context import settings_of
from .options import example, json_option, tell

__all__ = ["export"]


@click.command(epilog=example("export parquet_files --symbol BTC/USDT", "export parquet_files --kind bars --partition month --new"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol; may be repeated.")
@click.option("--kind", "kinds", multiple=True, help="Only bars, ticks, trades, depth or book_deltas; may be repeated.")
@click.option("--from", "--start", "start_ns", type=moment_ns, metavar="WHEN", help="Only from then on: 7d, or an ISO date or time (UTC).")
@click.option("--to", "--end", "end_ns", type=moment_ns, metavar="WHEN", help="Only before then.")
@click.option(
    "--partition", metavar="day|month|year", default="", help="Split market data into Hive folders: a file a symbol and day (UTC)."
)
@click.option("--new", "only_new", is_flag=True, help="With --partition: only the newest day that FOLDER has, again, and those after it.")
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    folder: Path,
    symbols: tuple[str, ...],
    kinds: tuple[str, ...],
    start_ns: int | None,
    end_ns: int | None,
    partition: str,
    only_new: bool,
    as_json: bool,
) -> None:
    """Write what is stored to FOLDER, one Parquet file a record type, or with --partition market data a file a symbol and day."""
    from ...data_storage.files.export import export_parquet
    from ...data_storage.files.part_export import export_parts
    from ...data_storage.files.partitions import span_named
    from ...data_storage.reading.series import KINDS, kind_named
    from ...data_storage.sql.database import Database

    if only_new and not partition:
        raise click.UsageError("--new needs --partition: a single file is always written as a whole.")
    if start_ns is not None and end_ns is not None and end_ns <= start_ns:
        raise StorageError(f"The end {to_iso(end_ns)} is not after the start {to_iso(start_ns)}: no time lies between.")
    records = [KINDS[kind_named(kind)].record for kind in kinds] or None
    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home) as database:
        if partition:
            written = export_parts(
                database,
                folder,
                span_named(partition),
                kinds=records,
                symbols=symbols or None,
                start_ns=start_ns,
                end_ns=end_ns,
                only_new=only_new,
            )
            lines = _by_series(written)
        else:
            last_ns = None if end_ns is None else end_ns - 1
            written = export_parquet(database, folder, kinds=records, symbols=symbols or None, start_ns=start_ns, end_ns=last_ns)
            lines = [f"{path}: {rows:,} rows" for path, rows in written.items()]
    tell("\n".join(lines), [{"file": str(path), "rows": rows} for path, rows in written.items()], as_json=as_json)


def _by_series(written: dict[Path, int]) -> list[str]:
    files: dict[Path, list[int]] = {}
    for path, rows in written.items():
        files.setdefault(path.parent.parent, []).append(rows)
    return [f"{own}: {sum(rows):,} rows in {len(rows):,} files" for own, rows in files.items()] or ["Nothing is stored of that."]
