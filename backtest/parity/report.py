"""A comparison as a table on the console, and as JSON values."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from gcg_quant.clock import to_iso
from gcg_quant.events import Side

from .comparison import ComparedPair, Comparison
from .difference import Difference, Kind
from .run_log import OrderTrack, RunLog

__all__ = ["comparison_values", "print_comparison"]

KINDS: tuple[Kind, ...] = get_args(Kind)


def print_comparison(found: Comparison, *, whole: bool = False, console: Console | None = None) -> None:
    """Print the orders that differ (all of them with `whole`), side by side, and what each difference began with."""
    console = console or Console()
    for name, run in (("a", found.a), ("b", found.b)):
        console.print(f"run {name}  {run.name}: {run.strategy}, {run.world.name.lower()}, {len(run.orders):,} orders", highlight=False)
    if found.begin_ns > found.end_ns:
        console.print("The two runs have no time in common.")
        return
    shown = found.pairs if whole else found.differing
    if shown:
        console.print(_table(shown))
    for one in found.differing:
        for difference in one.differences:
            console.print(f"[bold]{one.number}[/] {difference.kind}: {_because(difference)}", highlight=False)
    console.print(_summary(found), highlight=False)


def comparison_values(found: Comparison) -> dict[str, Any]:
    """Return the comparison as plain values for JSON; every order is in it, the same ones too."""
    return {
        "a": _run_values(found.a),
        "b": _run_values(found.b),
        "from": to_iso(found.begin_ns),
        "to": to_iso(found.end_ns),
        "outside": {"a": found.outside[0], "b": found.outside[1]},
        "same": len(found.pairs) - len(found.differing),
        **{kind: found.count(kind) for kind in KINDS},
        "unexplained": len(found.unexplained),
        "orders": [
            {
                "number": one.number,
                "a": _order_values(one.pair.a),
                "b": _order_values(one.pair.b),
                "differences": [msgspec.to_builtins(difference) for difference in one.differences],
            }
            for one in found.pairs
        ],
    }


def _run_values(run: RunLog) -> dict[str, Any]:
    return {"run": run.name, "bus": str(run.path), "world": run.world.name.lower(), "strategy": run.strategy, "orders": len(run.orders)}


def _order_values(track: OrderTrack | None) -> dict[str, Any] | None:
    if track is None:
        return None
    request = track.request
    return {
        "request": request.id & ((1 << 60) - 1),
        "client_id": request.client_id,
        "symbol": request.symbol,
        "venue": request.venue,
        "side": request.side.name.lower(),
        "type": request.order_type.name.lower(),
        "quantity": request.quantity,
        "given": to_iso(track.bar_ns),
        "status": track.status.name.lower(),
        "filled": track.filled,
        "price": track.average_price,
        "filled_at": None if track.fill_ns is None else to_iso(track.fill_ns),
        "reason": track.reason,
    }


def _table(pairs: list[ComparedPair]) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("", "given, UTC", "symbol", "side"):
        table.add_column(name, no_wrap=True)
    for name in ("a filled", "price", "b filled", "price"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("differs")
    for one in pairs:
        track = one.pair.tracks[0][1]
        kinds = ", ".join(dict.fromkeys(difference.kind for difference in one.differences))
        table.add_row(
            str(one.number),
            to_iso(one.pair.bar_ns)[2:16].replace("T", " "),
            track.request.symbol,
            "buy" if track.request.side == Side.BUY else "sell",
            *_cells(one.pair.a),
            *_cells(one.pair.b),
            f"[yellow]{kinds}[/]" if kinds else "",
        )
    return table


def _cells(track: OrderTrack | None) -> tuple[str, str]:
    if track is None:
        return "-", ""
    if track.refused:
        return "refused", ""
    price = track.average_price
    whole = track.filled == track.request.quantity
    filled = f"{track.filled:g}" if whole else f"{track.filled:g}/{track.request.quantity:g}"
    return filled, "" if price is None else f"{price:.10g}"


def _because(difference: Difference) -> str:
    first = difference.first
    place = f"{first.lane} {first.seq:,} of run {first.run}" if first.seq else f"run {first.run}"
    begin = "" if difference.explained else "unexplained; "
    text = f"{difference.text}; {begin}" if first.text in difference.text else f"{difference.text}; {begin}first: {first.text} "
    return f"{text}({first.type}, {place})"


def _summary(found: Comparison) -> str:
    same = len(found.pairs) - len(found.differing)
    counts = ", ".join(f"{found.count(kind):,} {kind}" for kind in KINDS if found.count(kind))
    parts = [f"{len(found.pairs):,} orders from {to_iso(found.begin_ns)[:19]} to {to_iso(found.end_ns)[:19]}: {same:,} the same"]
    parts += [f"differing: {counts}"] if counts else []
    parts += [f"{len(found.unexplained):,} unexplained"] if found.unexplained else []
    if any(found.outside):
        parts.append(f"{found.outside[0]:,} and {found.outside[1]:,} outside of the common time")
    return "; ".join(parts) + "."
