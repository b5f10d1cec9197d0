"""The report of a sweep: one HTML file that needs nothing else, with heat maps and a table of all runs."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from .figures import SHOWN, figure, settings_text, title_of
from .heat_map import HeatMap, Scale, heat_maps
from .page_parts import SCRIPT, STYLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .axis import Axis
    from .sweep import Sweep
    from .table import Row

__all__ = ["sweep_page", "write_sweep_page"]

MOST_ROWS = 1_000
TEXT_CELLS = 16  # up to so many columns a cell shows its value, beyond it only its colour


def write_sweep_page(sweep: Sweep, path: Path) -> None:
    """Write the report to `path`."""
    path.write_text(sweep_page(sweep), encoding="utf-8")


def sweep_page(sweep: Sweep) -> str:
    """Return the report as one page."""
    plan = sweep.plan
    title = f"{plan.strategy} on {', '.join(plan.spec.symbols)} {plan.spec.period}"
    body = "\n".join((*_head(sweep, title), *_maps(sweep), *_table(sweep), *_failures(sweep), *_facts(sweep)))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n'
        f"<title>Sweep of {escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _head(sweep: Sweep, title: str) -> Iterator[str]:
    progress, metric = sweep.progress(), sweep.metric
    yield f"<header><h1>{escape(title)}</h1><p>{escape(_what(sweep))}</p></header>"
    best = progress.best
    figures = [(f"best {title_of(metric.name)}", figure(metric.name, metric.of(best)) if best is not None else "n/a")]
    if best is not None and best.measures is not None:
        rest = [name for name in ("total_return", "sharpe", "max_drawdown", "trades") if name != metric.name]
        figures += [(title_of(name), figure(name, best.measures.get(name))) for name in rest]
    yield '<section class="figures">'
    yield from (f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in figures)
    yield "</section>"
    if best is not None:
        yield f"<p>The best run: <code>{escape(settings_text(best.parameters))}</code></p>"


def _what(sweep: Sweep) -> str:
    plan, progress = sweep.plan, sweep.progress()
    how = "the whole grid" if plan.count is None else f"drawn at random, seed {plan.seed}"
    where = f", where {' and '.join(plan.where)}" if plan.where else ""
    left = progress.total - progress.done
    state = f"{progress.done:,} runs" if not left else f"{progress.done:,} of {progress.total:,} runs so far"
    failed = f", {progress.failed:,} of them failed" if progress.failed else ""
    return f"{state}{failed} ({how}{where})"


def _maps(sweep: Sweep) -> Iterator[str]:
    known = [value for row in sweep.rows.values() if (value := sweep.metric.of(row)) is not None]
    scale = Scale(known, sweep.metric)
    maps = heat_maps(sweep.plan.varied, sweep.rows.values(), sweep.metric) if known else []
    best = sweep.progress().best
    for one in maps:
        shared = len(sweep.plan.varied) > 2 or one.others
        name = f"{one.y.name} × {one.x.name}" if one.y is not None else one.x.name
        note = "; each cell is the best run there" if shared else ""
        yield f"<figure><figcaption>{escape(title_of(sweep.metric.name))} by <b>{escape(name)}</b>{note}</figcaption>"
        yield '<div class="scroll"><table class="map">'
        yield from _map_rows(one, sweep, scale, best)
        yield "</table></div></figure>"


def _map_rows(one: HeatMap, sweep: Sweep, scale: Scale, best: Row | None) -> Iterator[str]:
    corner = f"{one.y.name} ↓ {one.x.name} →" if one.y is not None else one.x.name
    yield f"<tr><th>{escape(corner)}</th>" + "".join(f"<th>{escape(label)}</th>" for label in one.x.labels) + "</tr>"
    for number, cells in enumerate(one.cells):
        label = one.y.labels[number] if one.y is not None else title_of(sweep.metric.name)
        yield f"<tr><th>{escape(label)}</th>" + "".join(_map_cell(row, sweep, scale, best, len(one.x.labels)) for row in cells) + "</tr>"


def _map_cell(row: Row | None, sweep: Sweep, scale: Scale, best: Row | None, columns: int) -> str:
    value = None if row is None else sweep.metric.of(row)
    if row is None or value is None:
        return '<td class="none" title="no run with a value">·</td>'
    strength = scale.of(value)
    colour = "accent" if not scale.signed else "up" if strength >= 0 else "down"
    text = figure(sweep.metric.name, value)
    short = text.removesuffix(" %") if columns <= TEXT_CELLS else ""
    mark = " best" if best is not None and row.number == best.number else ""
    tip = escape(f"{settings_text(row.parameters)}: {text}")
    return f'<td class="{colour}{mark}" style="--v:{abs(strength):.3f}" title="{tip}">{escape(short)}</td>'


def _table(sweep: Sweep) -> Iterator[str]:
    rows = [row for row in sweep.ranked() if row.measures is not None]
    if not rows:
        return
    names = [axis.name for axis in sweep.plan.axes]
    measures = list(dict.fromkeys((sweep.metric.name, *SHOWN)))
    shown = f"The best {MOST_ROWS:,} of {len(rows):,} runs" if len(rows) > MOST_ROWS else "All runs"
    yield f'<h2>{shown}</h2><div class="scroll"><table class="runs"><thead><tr>'
    yield "".join(f'<th><button type="button">{escape(name)}</button></th>' for name in ("#", *names, *map(title_of, measures)))
    yield "</tr></thead><tbody>"
    for rank, row in enumerate(rows[:MOST_ROWS], 1):
        cells = [f"<td>{rank}</td>", *(f"<td>{escape(str(row.parameters[name]))}</td>" for name in names)]
        for name in measures:
            value = (row.measures or {}).get(name)
            key = "" if value is None else repr(value)
            cells.append(f'<td data-v="{key}">{escape(figure(name, value))}</td>')
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _failures(sweep: Sweep) -> Iterator[str]:
    failed = [row for row in sweep.ranked() if row.measures is None]
    if failed:
        yield f"<h2>{len(failed):,} failed</h2><ul>"
        yield from (
            f"<li><code>{escape(settings_text(row.parameters))}</code> {escape(row.error)}</li>" for row in failed[: MOST_ROWS // 10]
        )
        yield "</ul>"


def _facts(sweep: Sweep) -> Iterator[str]:
    plan, spec = sweep.plan, sweep.plan.spec
    yield "<h2>What was run</h2><dl>"
    facts = [("Sweep", sweep.name)]
    if plan.code is not None:
        facts.append(("Strategy file", f"{plan.code.main} (SHA-256 {plan.code.sha256[plan.code.main][:16]}…)"))
    facts += [("Data", f"{source.data} (SHA-256 {source.data.sha256[:16]}…)") for source in plan.sources]
    facts.append(("Money", f"{spec.cash:,.2f} at the start, commission {spec.commission:g}, slippage {spec.slippage:g}"))
    facts += [("Parameter", f"{axis.name} = {_values(axis)}") for axis in plan.axes]
    yield from (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    yield "</dl><p>The best of many runs looks better than what is to be expected of it: try it on data that the sweep has not seen.</p>"


def _values(axis: Axis) -> str:
    if axis.is_range:
        return f"{axis.low:g} to {axis.high:g}"
    if len(axis.values) > 8:
        return f"{axis.values[0]}, {axis.values[1]}, … {axis.values[-1]} ({len(axis.values):,} values)"
    return ", ".join(str(value) for value in axis.values)
