"""`calendars`: when a market is open and from where that is known; own tables of China's futures sessions."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from gcg_quant.errors import SettingsError

from .context import settings_of
from .options import example, json_option, tell

__all__ = ["calendars"]

_DAYS_SHOWN = 7
_MOST_DAYS = 4_000
_day = click.DateTime(["%Y-%m-%d"])


@click.group(epilog=example("calendars show SHFE.au", "calendars check my_hours.csv"))
def calendars() -> None:
    """Show when a market is open; check a table of China's futures sessions, and take it into the home folder."""


@calendars.command("show", epilog=example("calendars show SHFE.au --from 2026-11-27 --to 2026-12-04", "calendars show FX --json"))
@click.argument("name")
@click.option("--from", "first", type=_day, default=None, help="First trading day (default: today).")
@click.option("--to", "last", type=_day, default=None, help="Last trading day (default: a week on).")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, first: datetime | None, last: datetime | None, as_json: bool) -> None:
    """Show the sessions of each day of a calendar (XSHG, SHFE.au, FX ...) in its own time, a night with the day it belongs to."""
    from gcg_quant.calendar import Calendar
    from gcg_quant.clock import to_iso
    from gcg_quant.session_table import session_table

    settings_of(ctx)
    calendar = Calendar(name)
    begin = first.date() if first else date.today()
    end = last.date() if last else begin + timedelta(days=_DAYS_SHOWN)
    if not 0 <= (end - begin).days < _MOST_DAYS:
        raise click.UsageError(f"--from {begin} --to {end}: give a first and a later last day, at most {_MOST_DAYS} days.")
    zone = session_table(calendar.market).timezone
    rows = []
    for ahead in range((end - begin).days + 1):
        number = int(f"{begin + timedelta(days=ahead):%Y%m%d}")
        rows.append({"day": number, "sessions": [[to_iso(moment, zone) for moment in span] for span in calendar.sessions(number)]})
    answer = {"calendar": name, "timezone": zone, "days": rows, "sources": _sources(calendar.market)}
    tell(_words(answer), answer, as_json=as_json)


@calendars.command("check", epilog=example("calendars check my_hours.csv"))
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Check a table of China's futures sessions; the first wrong row is named with its line and what to write."""
    from gcg_quant.china_table import read_table

    table = read_table(file)
    text = f"{file} is right: {len(table.rows)} rows, of {table.updated}."
    tell(text, {"file": str(file), "rows": len(table.rows), "updated": table.updated}, as_json=as_json)


@calendars.command("update", epilog=example("calendars update my_hours.csv"))
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def update(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Check a table and take it into `calendars` of the home folder, from where every run uses it; a newer one there stays."""
    from gcg_quant.china_hours import OWN_FOLDER
    from gcg_quant.china_table import OURS, read_table

    table = read_table(file)
    if file.suffix != ".csv":
        raise SettingsError(f"{file}: a calendar file ends in .csv; rename it.", path=str(file))
    target = settings_of(ctx).home / OWN_FOLDER / file.name
    if target.exists() and (there := read_table(target).updated) > table.updated:
        raise SettingsError(f"{target} is of {there}, newer than {file} ({table.updated}); write the day of your change into `updated`.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not (target.exists() and target.samefile(file)):
        fresh = target.with_suffix(".new")
        shutil.copyfile(file, fresh)
        fresh.replace(target)
    older = table.updated < read_table(OURS).updated
    note = " The table of the package is newer, and wins where both have a row." if older else ""
    text = f"{target} is there, of {table.updated}, with {len(table.rows)} rows; what is started from now on uses it.{note}"
    tell(text, {"file": str(target), "rows": len(table.rows), "updated": table.updated, "older_than_package": older}, as_json=as_json)


def _sources(market: str) -> list[dict[str, Any]]:
    # The rows behind a futures calendar; the others are a library's, or arithmetic.
    from gcg_quant.china_hours import CHINA_FUTURES, tables_in_use

    exchange, _, product = market.partition(".")
    if exchange not in CHINA_FUTURES:
        return []
    return [
        {"file": table.path.name, "line": row.line, "rule": row.rule, "from": row.first, "until": row.last, "source": row.source}
        for table in tables_in_use()
        for row in table.rows
        if row.concerns(exchange, product)
    ]


def _words(answer: dict[str, Any]) -> str:
    lines = [f"{answer['calendar']}, {answer['timezone']}"]
    for row in answer["days"]:
        day = f"{row['day']}"
        when = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        spans = [_span(begin, end, when) for begin, end in row["sessions"]]
        lines.append(f"{when} {date.fromisoformat(when):%a}  " + ("  ".join(spans) or "closed"))
    lines += [f"  {one['file']}:{one['line']} {one['rule']}: {one['source']}" for one in answer["sources"]]
    return "\n".join(lines)


def _span(begin: str, end: str, day: str) -> str:
    other = begin[:10] if begin[:10] != day else ""
    return f"{other + ' ' if other else ''}{begin[11:16]}-{end[11:16]}"
