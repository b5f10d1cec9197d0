"""`journal`: look into a bus folder without disturbing it."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

import click
import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.clock import to_iso
from gcg_quant.errors import JournalCorruptError
from gcg_quant.events import HOT_RECORDS, Event, Lane

from ..reports.journal_tail import as_json as as_json_values
from ..reports.journal_tail import event_class, newest
from .context import home_of
from .journal_chain import chain
from .journal_inspect import inspect
from .journal_pages import copy, export, prune
from .options import example, json_option, tell

__all__ = ["journal"]

_META = ("id", "time_ns", "cause", "source")


@click.group()
@click.option("--bus", "folder", type=click.Path(path_type=Path), default=None, help="Bus folder (default: the bus of the home folder).")
@click.pass_context
def journal(ctx: click.Context, folder: Path | None) -> None:
    """Look into the journal."""
    ctx.meta["bus"] = folder or home_of(ctx).bus


for _command in (inspect, chain, copy, export, prune):
    journal.add_command(_command)


def _open(ctx: click.Context) -> EventBus:
    return EventBus(ctx.meta["bus"], create=False, read_only=True)


@journal.command(epilog=example("journal tail --type OrderEvent --type Fill --follow"))
@click.option("-n", "--lines", type=click.IntRange(min=0), default=20, help="Show the last N events first.")
@click.option("-f", "--follow", is_flag=True, help="Go on as events come.")
@click.option("--type", "types", multiple=True, help="Only events of this class, such as Tick or OrderEvent; may be repeated.")
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol or pattern; may be repeated.")
@click.option("--source", "sources", multiple=True, help="Only this publisher; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each event.")
@click.pass_context
def tail(
    ctx: click.Context,
    lines: int,
    follow: bool,
    types: tuple[str, ...],
    symbols: tuple[str, ...],
    sources: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the newest events, oldest first."""
    write = (lambda event: json.dumps(as_json_values(event), default=str)) if as_json else line_of
    with _open(ctx) as bus:
        classes = [event_class(name) for name in types] or None
        with bus.reader(start="end", events=classes, symbols=symbols or None, sources=sources or None) as reader:
            shown = newest(bus, lines, types=types, symbols=symbols, sources=sources)
            for event in shown:
                click.echo(write(event))
            known = {event.id for event in shown}  # some may have come since the reader was made
            for event in reader.follow() if follow else ():
                if event.id not in known:
                    click.echo(write(event))


def line_of(event: Event) -> str:
    """Return one line: time, lane and seq, source, and what differs from the defaults."""
    lane = Lane(event.id >> 60).name.lower()
    seq = event.id & ((1 << 60) - 1)
    cause = f" <- {Lane(event.cause >> 60).name.lower()} {event.cause & ((1 << 60) - 1)}" if event.cause else ""
    return f"{to_iso(event.time_ns)} {lane} {seq} [{event.source}]{cause} {_text(event)}"


def _text(event: Any) -> str:
    if type(event) in HOT_RECORDS:
        defaults = type(event)().to_dict()
        fields = {name: value for name, value in event.to_dict().items() if name != "instrument" and not _same(value, defaults[name])}
    else:
        fields = {name: getattr(event, name) for name in event.__struct_fields__ if name not in _META}
        fields = {name: value for name, value in fields.items() if value not in ("", 0, None)}
    return f"{type(event).__name__}(" + ", ".join(f"{name}={_shown(value)}" for name, value in fields.items()) + ")"


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) or (left != left and right != right)  # NaN is absent in both


def _shown(value: Any) -> str:
    return value.name if isinstance(value, Enum) else repr(value)


@journal.command(epilog=example("journal verify"))
@json_option
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Check every frame's checksum and number; exit code 1 and the place if something is damaged.

    What was lost before a damaged journal was copied is named, and is no damage of the copy.
    """
    from gcg_quant import journal_check

    pages = journal_check.verify(ctx.meta["bus"])
    damaged = [page for page in pages if page["damage"]]
    records = sum(page["records"] for page in pages)
    if as_json:
        damage, lost = [page["damage"] for page in damaged], [place for page in pages for place in page["lost"]]
        tell("", {"bus": str(ctx.meta["bus"]), "pages": len(pages), "events": records, "damage": damage, "lost": lost}, as_json=True)
        ctx.exit(1 if damaged else 0)
    if damaged:
        raise JournalCorruptError("; ".join(page["damage"] for page in damaged))
    for page in pages:
        for place in page["lost"]:
            click.echo(place)
    click.echo(f"{ctx.meta['bus']}: {len(pages)} pages, {records:,} events, no damage")


@journal.command(name="audit", epilog=example("journal audit"))
@json_option
@click.pass_context
def audit_command(ctx: click.Context, as_json: bool) -> None:
    """Add every account up from its fills alone; exit code 1 and the first event that tells something else.

    Orders, positions and cash of each trading engine's events are compared with a plain fold of its fills, to the last bit. It may run
    beside the system, which it does not disturb.
    """
    from ...strategy_engine.accounts.audit import audit

    with _open(ctx) as bus:
        accounts = audit(bus)
    text = "\n".join(f"{account.sentence()}." for account in accounts) or "No account has traded on this bus."
    tell(text, [msgspec.to_builtins(account) for account in accounts], as_json=as_json)
