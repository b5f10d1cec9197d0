"""`journal inspect`: world, lanes, rates, epochs, and the readers with their lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND, now_ns, to_iso
from gcg_quant.events import Lane

from .options import example, json_option, tell

if TYPE_CHECKING:
    from rich.table import Table

    from gcg_quant.journal_check import LaneSurvey

__all__ = ["inspect"]

_AGES = ((86_400, "d"), (3_600, "h"), (60, "m"))


@click.command(epilog=example("journal inspect"))
@json_option
@click.pass_context
def inspect(ctx: click.Context, as_json: bool) -> None:
    """Show world, lanes, pages, sizes, rates, epochs, and the readers with their lag.

    The time it takes hardly grows with the journal: frames are not checked (see `journal verify`).
    """
    from rich.console import Console

    from gcg_quant import journal_check

    console = Console(highlight=False)
    with EventBus(ctx.meta["bus"], create=False, read_only=True) as bus:
        lanes = journal_check.survey(bus.path)
        if as_json:
            tell("", _values(bus, lanes), as_json=True)
            return
        console.print(f"{bus.path}: {bus.world.name.lower()} bus {bus.bus_id}, epoch {bus.epoch}, {len(bus.instruments)} instruments")
        console.print(_lanes(lanes))
        for lane, one in lanes.items():
            for epoch in one.epochs[1:]:
                console.print(f"The {lane.name.lower()} lane was cut before seq {epoch.first_seq}: epoch {epoch.number} begins there.")
            for sentence in one.damage:
                console.print(f"Damaged: {sentence}")
        console.print(_readers(bus))


def _values(bus: EventBus, lanes: dict[Lane, LaneSurvey]) -> dict[str, Any]:
    import msgspec

    readers = [
        {
            "name": one.name,
            "alive": one.alive,
            "durable": one.durable,
            "pid": one.pid,
            "lag": {lane.name.lower(): behind for lane, behind in one.lag.items()},
            "updated_ns": one.updated_ns,
        }
        for one in bus.readers()
    ]
    facts = {"bus": str(bus.path), "world": bus.world.name.lower(), "bus_id": bus.bus_id, "epoch": bus.epoch}
    told = {lane.name.lower(): {**msgspec.to_builtins(one), "lane": lane.name.lower()} for lane, one in lanes.items()}
    return {**facts, "instruments": len(bus.instruments), "lanes": told, "readers": readers}


def _lanes(lanes: dict[Lane, LaneSurvey]) -> Table:
    from rich.table import Table

    table = Table("lane", "pages", "MB", "events", "from", "to", "events/s", "KB/s", "in all: events/s", "KB/s", box=None, pad_edge=False)
    for lane, one in lanes.items():
        seconds = max(one.seconds, 1e-9)
        whole = (f"{one.records / seconds:,.1f}", f"{one.used_bytes / seconds / 1e3:,.1f}") if one.records else ("", "")
        table.add_row(
            lane.name.lower(),
            str(one.pages),
            f"{one.file_bytes / 2**20:,.1f}",
            f"{one.records:,}",
            to_iso(one.first_ns) if one.records else "",
            to_iso(one.last_ns) if one.records else "",
            f"{one.recent / one.recent_s:,.1f}",
            f"{one.recent_bytes / one.recent_s / 1e3:,.1f}",
            *whole,
        )
    return table


def _readers(bus: EventBus) -> Table:
    from rich.table import Table

    now = now_ns()
    table = Table(
        "reader", "alive", "durable", "pid", "lag control", "lag market", "lag log", "last read", "silent", box=None, pad_edge=False
    )
    for reader in bus.readers():
        behind = [f"{reader.lag[lane]:,}" for lane in Lane]
        flags = ("yes" if reader.alive else "no", "yes" if reader.durable else "no")
        last = (to_iso(reader.updated_ns), _age((now - reader.updated_ns) / NS_PER_SECOND)) if reader.updated_ns else ("", "")
        table.add_row(reader.name, *flags, str(reader.pid), *behind, *last)
    return table


def _age(seconds: float) -> str:
    for unit, letter in _AGES:
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {letter}"
    return f"{max(seconds, 0):.1f} s"
