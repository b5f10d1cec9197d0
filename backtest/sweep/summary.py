"""A sweep's results on the console, and as JSON and CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from .best_run import command_of
from .figures import SHOWN, figure, settings_text, shown_measures, title_of

if TYPE_CHECKING:
    from rich.console import Console

    from .sweep import Sweep

__all__ = ["print_summary", "save_csv", "save_json", "summary"]

SHOWN_FAILURES = 5


def summary(sweep: Sweep, top: int | None = None) -> dict[str, Any]:
    """Return the sweep as JSON can carry it: what was asked, how far it is, and the `top` rows (None: all) from best to worst."""
    plan, progress = sweep.plan, sweep.progress()
    return {
        "sweep": sweep.name,
        "folder": str(sweep.folder),
        "strategy": plan.strategy,
        "spec": msgspec.to_builtins(plan.spec),
        "axes": msgspec.to_builtins(plan.axes),
        "where": plan.where,
        "random": plan.count,
        "seed": plan.seed,
        "metric": plan.metric,
        "code": msgspec.to_builtins(plan.code),
        "data": [msgspec.to_builtins(source.data) for source in plan.sources],
        "done": progress.done,
        "failed": progress.failed,
        "total": progress.total,
        "rows": msgspec.to_builtins(sweep.ranked()[:top]),
    }


def save_csv(sweep: Sweep, path: Path) -> None:
    """Write every row, from best to worst: rank, number, parameters, measures, error."""
    rows = sweep.ranked()
    names = list(next((row.measures for row in rows if row.measures is not None), {}))
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("rank", "number", *(axis.name for axis in sweep.plan.axes), *names, "error"))
        for rank, row in enumerate(rows, 1):
            measures = row.measures or {}
            parameters = (row.parameters[axis.name] for axis in sweep.plan.axes)
            out.writerow((rank, row.number, *parameters, *(_cell(measures.get(name)) for name in names), row.error))


def save_json(sweep: Sweep, path: Path) -> None:
    """Write the sweep with all its rows."""
    path.write_text(json.dumps(summary(sweep), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def print_summary(sweep: Sweep, console: Console, top: int) -> None:
    """Print how far the sweep is, its `top` best rows as a table, and the first failures."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    progress, plan = sweep.progress(), sweep.plan
    varied = [axis.name for axis in plan.varied] or [axis.name for axis in plan.axes]
    measures = list(dict.fromkeys((plan.metric, *SHOWN[:-1])))
    title = (
        f"{plan.strategy} on {', '.join(plan.spec.symbols)} {plan.spec.period}: the best of {progress.done:,} by {title_of(plan.metric)}"
    )
    table = Table(title=title, box=box.SIMPLE, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    for name in ("#", *varied, *(title_of(name) for name in measures)):
        table.add_column(name, justify="right", no_wrap=True)
    for rank, row in enumerate(sweep.ranked()[:top], 1):
        if row.measures is not None:
            found = shown_measures(row.measures)
            cells = [figure(name, found.get(name)) for name in measures]
            table.add_row(str(rank), *(Text(str(row.parameters[name])) for name in varied), *cells)
    if table.row_count:
        console.print(table)
    _print_best(sweep, console)
    failed = [row for row in sweep.ranked() if row.measures is None]
    for row in failed[:SHOWN_FAILURES]:
        console.print(f"failed: {settings_text(row.parameters)}: {row.error}", style="red", markup=False, highlight=False, soft_wrap=True)
    if len(failed) > SHOWN_FAILURES:
        console.print(f"... and {len(failed) - SHOWN_FAILURES:,} more failed", style="red")
    left = progress.total - progress.done
    state = f"{left:,} of {progress.total:,} runs are left" if left else f"all {progress.total:,} runs are done"
    console.print(f"{state}; saved in {sweep.folder}", highlight=False, soft_wrap=True, markup=False)


def _print_best(sweep: Sweep, console: Console) -> None:
    best = sweep.progress().best
    if best is None:
        ranked = [row for row in sweep.ranked() if row.measures is not None]
        if ranked:
            console.print(f"No run has a {title_of(sweep.metric.name)}.", style="yellow", highlight=False)
            best = ranked[0]
    for note in best.notes if best is not None else []:
        console.print(f"#1: {note}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    if best is not None:
        console.print(f"#1 by itself: {command_of(sweep, best)}", markup=False, highlight=False, soft_wrap=True)


def _cell(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else "" if value is None else value
