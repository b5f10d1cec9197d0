"""Groups, components and collectors as the console and REST show them."""

from __future__ import annotations

from typing import Any

from gcg_quant.clock import now_ns
from gcg_quant.events import GapEvent
from gcg_quant.handler_statistics import HANDLER_BOUNDS_S
from gcg_quant.histogram import Histogram

from ..changes.consequences import consequence
from ..views.component_view import process_name
from ..views.system_view import SystemView

__all__ = ["collector_rows", "component_rows", "gap_row", "group_rows", "handler_times"]

_STALE_NS = 10_000_000_000  # a group reports every second; what has said nothing for so long is not known
_NUMBERS = ("mean_us", "max_us", "busy_s", "behind_s")
_COUNTS = ("lag", "handled", "errors")


def group_rows(view: SystemView) -> list[dict[str, Any]]:
    """Return every process group: its process, state, memory (its proportional share, bytes), processors in use, and restarts."""
    rows = []
    for name, group in sorted(view.groups.items()):
        told = _metrics(view, process_name(name))
        alive = group["state"] == "running"
        memory = told.get("memory_bytes") if alive else None
        rows.append(
            {
                "group": name,
                "pid": group.get("pid"),
                "state": group["state"],
                "since_ns": group["since_ns"],
                "memory_bytes": None if memory is None else int(memory),
                "cpu": told.get("cpu") if alive else None,
                "restarts": group.get("restarts", 0),
                "detail": group["detail"],
                "components": list(group.get("components", ())),
            }
        )
    return rows


def component_rows(view: SystemView) -> list[dict[str, Any]]:
    """Return every component: state, how far behind it is, what it handles and how long that takes.

    `if_stopped` says what stopping it means, as half a sentence; `by_hand` whether somebody has stopped it.
    """
    open_orders = len(view.open_orders)
    rows = []
    for name, part in sorted(view.parts.components.items()):
        told = _metrics(view, name) if part["state"] == "running" else {}
        counts = {key: int(told.get(key, 0)) for key in _COUNTS}
        rows.append(
            {
                "component": name,
                "group": part["group"],
                "state": part["state"],
                "by_hand": part["by_hand"],
                "capabilities": list(part["capabilities"]),
                **counts,
                "events_per_s": told.get("handled_per_s"),
                **{key: told.get(key) for key in _NUMBERS},
                "since_ns": part["since_ns"],
                "if_stopped": consequence(part["capabilities"], open_orders),
            }
        )
    return rows


def handler_times(view: SystemView) -> dict[str, Histogram]:
    """Return by component how long its handlers have taken, in seconds; only of those that run and say so."""
    found = {}
    for name, part in sorted(view.parts.components.items()):
        counts = view.counts.get(name, {}).get("mean_us", ())
        if part["state"] == "running" and _is_fresh(view, name) and len(counts) == len(HANDLER_BOUNDS_S) + 1:
            found[name] = Histogram.of(HANDLER_BOUNDS_S, counts, sum(counts) * (_metrics(view, name).get("mean_us") or 0.0) / 1e6)
    return found


def collector_rows(view: SystemView) -> list[dict[str, Any]]:
    """Return every collector: its venue, symbols, what it has brought since its start, and the gaps that it has told of."""
    rows = []
    for name, part in sorted(view.parts.components.items()):
        if "collector" not in part["capabilities"]:
            continue
        facts = view.parts.collectors.get(name, {})
        told = view.metrics.get(name, {})
        kinds = {key.rsplit("type=", 1)[1].rstrip("}"): int(value) for key, value in told.items() if key.startswith("collected{")}
        mine = {key.split("{")[0]: value for key, value in told.items()}
        running = part["state"] == "running"
        fresh = running and _is_fresh(view, name)
        line = view.parts.lines.get(name, {})
        offset_ns = line.get("clock_offset_ns")
        last_ns = int(mine.get("collected_last_ns", 0)) or None
        rows.append(
            {
                "collector": name,
                "venue": facts.get("venue", ""),
                "state": part["state"],
                "kind": line.get("kind", ""),
                "connection": line.get("state") if running else None,
                "connection_since_ns": line.get("since_ns") if running else None,
                "detail": line.get("detail", "") if running else "",
                "faults": dict(line.get("faults", {})),
                "reconnects": line.get("reconnects", 0),
                "clock_offset_s": None if offset_ns is None else offset_ns / 1e9,
                "history": line.get("history"),
                "symbols": list(facts.get("symbols", ())),
                "counts": kinds,
                "events_per_s": mine.get("collected_per_s") if fresh else None,
                "last_event_ns": last_ns,
                "gaps": view.parts.gap_counts.get(name, 0),
                "recent_gaps": [gap_row(gap) for gap in view.parts.gaps if gap.source == name][-20:],
            }
        )
    return rows


def gap_row(gap: GapEvent) -> dict[str, Any]:
    """Return a gap as a collector has told of it."""
    names = ("symbol", "venue", "kind", "start_ns", "end_ns", "missing", "detail")
    return {name: getattr(gap, name) for name in names}


def _metrics(view: SystemView, name: str) -> dict[str, float]:
    if not _is_fresh(view, name):
        return {}
    return {key.split("{")[0]: value for key, value in view.metrics.get(name, {}).items()}


def _is_fresh(view: SystemView, name: str) -> bool:
    return now_ns() - view.metric_ns.get(name, 0) < _STALE_NS
