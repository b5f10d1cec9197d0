"""The report of a sweep: one HTML file that needs nothing else, with heat maps and a table of all runs."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pages.html_page import REPORT_PAGE, html_page, script
from .best_run import command_of
from .figures import SHOWN, report_figure, settings_text, shown_measures, sign_of, title_of
from .heat_map import HeatMap, Scale, heat_maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .axis import Axis
    from .sweep import Sweep
    from .table import Row

__all__ = ["sweep_page", "write_sweep_page"]

MOST_ROWS = 1_000
TEXT_CELLS = 16  # up to so many columns a cell shows its value, beyond it only its colour
WARNING = "The best of many runs looks better than what is to be expected of it: try it on data that the sweep has not seen."


def write_sweep_page(sweep: Sweep, path: Path) -> None:
    """Write the report to `path`."""
    path.write_text(sweep_page(sweep), encoding="utf-8")


def sweep_page(sweep: Sweep) -> str:
    """Return the report as one page, in the style of a run's."""
    plan = sweep.plan
    place = f"{', '.join(plan.spec.symbols)} · {plan.spec.period}"
    body = "\n".join(
        (
            f'<header><div><h1>{escape(plan.strategy)} · sweep</h1><p class="muted">{escape(place)} · {escape(_what(sweep))}</p></div>',
            '<button id="theme" type="button"></button></header>\n<main>',
            *_headline(sweep),
            *_best(sweep),
            *_maps(sweep),
            *_table(sweep),
            *_failures(sweep),
            *_settings(sweep),
            f'<p class="muted">{WARNING}</p>\n</main>',
            f"<script>{script((REPORT_PAGE / 'page.js', REPORT_PAGE / 'sweep.js'))}</script>\n",
        )
    )
    title = f"Sweep of {plan.strategy} on {', '.join(plan.spec.symbols)} {plan.spec.period}"
    return html_page(title, body, currency=_currency(sweep), styles=[REPORT_PAGE / "sweep.css"])


def _headline(sweep: Sweep) -> Iterator[str]:
    metric, best = sweep.metric, sweep.progress().best
    names = dict.fromkeys((metric.name, "total_return", "cagr", "sharpe", "max_drawdown", "trades"))
    measures = shown_measures(best.measures) if best is not None else {}
    if not measures:
        return
    notes = {**_notes(sweep, measures), metric.name: f"the best of {len(sweep.rows):,}"}
    yield '<dl id="headline">'
    for name in names:
        value = measures.get(name)
        shown = f'<dd class="figure {sign_of(name, value)}">{escape(report_figure(name, value))}</dd>'
        yield f'<div><dt>{escape(title_of(name))}</dt>{shown}<dd class="muted">{escape(notes.get(name, ""))}</dd></div>'
    yield "</dl>"


def _notes(sweep: Sweep, measures: dict[str, Any]) -> dict[str, str]:
    begin, end, days = measures["start_value"], measures["end_value"], measures["max_drawdown_days"] or 0.0
    return {
        "total_return": " → ".join(report_figure("end_value", value) for value in (begin, end)) + f" {_currency(sweep)}",
        "cagr": "less than a month" if measures.get("cagr") is None else "calendar years",
        "sharpe": f"days × √{sweep.plan.spec.periods_per_year:g}, risk-free 0 %",
        "max_drawdown": f"longest {days:,.0f} days" if days >= 1 else f"longest {days * 24:,.1f} hours",
        "trades": f"{report_figure('win_rate', measures['win_rate'])} won",
    }


def _currency(sweep: Sweep) -> str:
    terms = sweep.plan.sources[0].terms if sweep.plan.sources else None
    return terms.currency if terms is not None else ""


def _best(sweep: Sweep) -> Iterator[str]:
    best = sweep.progress().best
    if best is None:
        first = next((row for row in sweep.ranked() if row.measures is not None), None)
        words = [f"No run has a {title_of(sweep.metric.name)}.", *(first.notes if first is not None else [])]
        yield f'<section id="best"><h2>The best run</h2><p class="muted">{escape(" ".join(words))}</p></section>'
        return
    yield f'<section id="best"><h2>The best run <span class="muted">{escape(settings_text(best.parameters))}</span></h2>'
    yield from (f'<p class="muted">{escape(note)}</p>' for note in best.notes)
    yield f'<p class="muted">Its full report:</p><code>{escape(command_of(sweep, best))}</code></section>'


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
    maps = heat_maps(sweep.plan.varied, sweep.rows.values(), sweep.metric) if known else []
    if not maps:
        return
    scale, best = Scale(known, sweep.metric), sweep.progress().best
    yield f'<section id="maps"><h2>{escape(title_of(sweep.metric.name))} <span class="muted">{_legend(sweep, scale)}</span></h2>'
    for one in maps:
        shared = len(sweep.plan.varied) > 2 or one.others
        name = f"{one.y.name} × {one.x.name}" if one.y is not None else one.x.name
        note = "; each cell is the best run there" if shared else ""
        yield f"<figure><figcaption>by <b>{escape(name)}</b>{note}</figcaption>"
        yield '<div class="wide"><table class="map">'
        yield from _map_rows(one, sweep, scale, best)
        yield "</table></div></figure>"
    yield "</section>"


def _legend(sweep: Sweep, scale: Scale) -> str:
    low, high = (escape(report_figure(sweep.metric.name, value)) for value in scale.ends)
    return f"from {low} to {high}; framed: the best"


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
    text = report_figure(sweep.metric.name, value)
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
    shown = f"the best {MOST_ROWS:,} of {len(rows):,}" if len(rows) > MOST_ROWS else f"{len(rows):,}"
    yield f'<section id="runs"><h2>Runs <span class="muted">{shown}</span></h2><div class="wide"><table class="runs"><thead><tr>'
    yield "".join(f'<th scope="col"><button type="button">{escape(name)}</button></th>' for name in ("#", *names, *map(title_of, measures)))
    yield "</tr></thead><tbody>"
    for rank, row in enumerate(rows[:MOST_ROWS], 1):
        cells = [f"<td>{rank}</td>", *(f"<td>{escape(str(row.parameters[name]))}</td>" for name in names)]
        found = shown_measures(row.measures)
        for name in measures:
            value = found.get(name)
            key = "" if value is None else repr(value)
            cells.append(f'<td class="{sign_of(name, value)}" data-v="{key}">{escape(report_figure(name, value))}</td>')
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div></section>"


def _failures(sweep: Sweep) -> Iterator[str]:
    failed = [row for row in sweep.ranked() if row.measures is None]
    if failed:
        yield f'<section id="failures"><h2>Failed <span class="muted">{len(failed):,}</span></h2><ul>'
        yield from (
            f"<li><code>{escape(settings_text(row.parameters))}</code> {escape(row.error)}</li>" for row in failed[: MOST_ROWS // 10]
        )
        yield "</ul></section>"


def _settings(sweep: Sweep) -> Iterator[str]:
    plan, spec = sweep.plan, sweep.plan.spec
    money = [
        ("cash", f"{spec.cash:,.2f}"),
        ("preset", spec.preset),
        ("commission", f"{spec.commission:g}"),
        ("slippage", f"{spec.slippage:g}"),
    ]
    matched = [
        ("matching", spec.matching),
        ("fees", spec.fees if spec.matching == "native" else ""),
        ("stake", f"{spec.stake or '':g}" if spec.stake else ""),
    ]
    code = [] if plan.code is None else [("file", plan.code.main), ("SHA-256", plan.code.sha256[plan.code.main])]
    data = [(f"{one.data.symbol}", f"{one.data} (SHA-256 {one.data.sha256[:16]}…)") for one in plan.sources]
    yield '<section id="settings"><h2>Settings</h2><div id="setting-groups">'
    yield from _group("Parameters", [(axis.name, _values(axis)) for axis in plan.axes] + [("where", text) for text in plan.where])
    yield from _group("Backtest", [(name, value) for name, value in (*money, *matched) if value])
    yield from _group("Sweep", [("sweep", sweep.name), ("ranked by", plan.metric), *code, *data])
    yield "</div></section>"


def _group(name: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f'<dl class="group"><h3>{escape(name)}</h3>'
    yield from (f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in rows)
    yield "</dl>"


def _values(axis: Axis) -> str:
    if axis.is_range:
        return f"{axis.low:g} to {axis.high:g}"
    if len(axis.values) > 8:
        return f"{axis.values[0]}, {axis.values[1]}, … {axis.values[-1]} ({len(axis.values):,} values)"
    return ", ".join(str(value) for value in axis.values)
