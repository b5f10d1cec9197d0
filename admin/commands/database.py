"""`database`: check, save and clear the database."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gcg_quant.clock import to_iso
from gcg_quant.errors import StorageError

from ..home import Home
from .context import settings_of
from .database_copy import copy
from .options import agreed, example, json_option, tell, yes_option

__all__ = ["database"]


@click.group()
def database() -> None:
    """Check the database, save it, bring it back, copy it into another one, and remove old rows."""


database.add_command(copy)


@database.command(epilog=example("database check"))
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Look at every page and row, beside the running system; exit code 1 and a sentence if something is wrong."""
    from ...data_storage.keeping.checking import check_database
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home, read_only=True) as opened:
        report = check_database(opened)
        if report.problems:
            raise StorageError(" ".join(report.problems))
        lines = [f"{name:20} {rows:>14,} rows" for name, rows in report.rows.items()]
        lines.append(f"{opened.name}: {sum(report.rows.values()):,} rows, no damage")
    tell("\n".join(lines), {"database": opened.name, "rows": report.rows, "problems": []}, as_json=as_json)


@database.command(epilog=example("database prune --keep ticks=30d --dry-run"))
@click.option("--keep", "texts", multiple=True, metavar="TABLE=AGE", help="This rule instead of those of [retention]; may be repeated.")
@click.option("--imports", is_flag=True, help="Also rows of imported files, as [retention] imports does.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@yes_option
@click.pass_context
def prune(ctx: click.Context, texts: tuple[str, ...], imports: bool, dry_run: bool, as_json: bool, yes: bool) -> None:
    """Remove old rows now, by the rules of [retention] or by --keep ticks=30d --keep bars.1s=7d.

    It may run beside the system: each transaction is short, and the recorder goes on in between.
    """
    from ...data_storage.keeping.row_pruning import RowPruning
    from ...data_storage.keeping.rules import rule_of, rules_of
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    rules = [rule_of(text) for text in texts] or rules_of(settings.retention)
    if not rules:
        tell("There is no rule: every row stays ([retention] in the settings, or --keep TABLE=AGE).", [], as_json=as_json)
        return
    if not dry_run:
        agreed(f"Remove rows of {', '.join(f'{rule.name} older than {rule.age}' for rule in rules)}?", yes)
    removed = dict.fromkeys(rules, 0)
    with Database(settings.database.url, home=settings.home, read_only=dry_run) as opened:
        pruning = RowPruning(opened, rules, imports=imports or settings.retention.imports, dry_run=dry_run)
        begun = time.perf_counter()
        for step in pruning.steps():
            if step.rows:
                removed[step.rule] += step.rows
            if not dry_run:
                time.sleep(min(0.1, time.perf_counter() - begun))
                begun = time.perf_counter()
        left = opened.counts()
    verb = "would go" if dry_run else "removed"
    lines = [
        f"{rule.name:20} older than {rule.age:>5} {rows:>14,} rows {verb}, {left.get(rule.table, 0):,} in the table"
        for rule, rows in removed.items()
    ]
    answer = [
        {"rule": rule.name, "age": rule.age, "rows": rows, "left": left.get(rule.table, 0), "removed": not dry_run}
        for rule, rows in removed.items()
    ]
    tell("\n".join(lines), answer, as_json=as_json)


@database.command(epilog=example("database backup saved.db.zst"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_context
def backup(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Save the database to FILE as it is at this moment, beside the running system; a name that ends with .zst packs it.

    FILE.sha256 gets its SHA-256. Journal, logs and strategy files are not in it: see docs/database.md.
    """
    from ...data_storage.keeping.backup import back_up
    from ...data_storage.sql.database import Database

    settings = settings_of(ctx)
    with Database(settings.database.url, home=settings.home, read_only=True) as opened:
        report = back_up(opened, file)
    values = {"file": str(file), "rows": report.rows, "bytes": report.bytes, "seconds": report.seconds}
    tell(f"{file}: {report.rows:,} rows, {report.bytes / 1e6:,.1f} MB, {report.seconds:.1f} s", values, as_json=as_json)


@database.command(epilog=example("database restore saved.db.zst --yes"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.option("--yes", is_flag=True, help="Also if the database holds rows, which are lost then.")
@click.pass_context
def restore(ctx: click.Context, file: Path, as_json: bool, yes: bool) -> None:
    """Put the database that FILE has saved into the place of the present one. The system must not run.

    FILE is checked first, every page and row. What happened since it was saved is stored again at the next start, as far as the journal
    still holds it.
    """
    from ...data_storage.keeping.restoring import restore as bring_back
    from ...data_storage.sql.dialect import dialect_of

    settings = settings_of(ctx)
    with Home(settings.home).running({}):  # nor may it start meanwhile
        report = bring_back(file, settings.database_url, replace=yes)
    saved = f", as saved at {to_iso(report.saved_ns)}" if report.saved_ns else ""
    text = f"{dialect_of(settings.database_url).name}: {sum(report.rows.values()):,} rows{saved}, {report.seconds:.1f} s"
    tell(text, {"rows": report.rows, "saved_ns": report.saved_ns, "verified": report.verified, "seconds": report.seconds}, as_json=as_json)
    if not report.verified:
        click.echo(f"There is no {file.name}.sha256 to compare {file.name} with.", err=True)
