"""The messages about one series: its candles with the lines of indicators, and the answer to a choice of indicators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from gcg_quant.errors import GcgQuantError

from ..adapter import EventToChartAdapter
from ..indicators import Drawn, Indicator, Kind, Lines, indicator
from ..series.market_view import MarketView
from ..series.watch import Watch
from .commands import WantedIndicator
from .hub import Parcel
from .page_panes import Audience, audience_topic, series_of

__all__ = ["Asked", "line_rows", "lines_answer", "resolved", "series_news", "shape_rows", "unique"]

_encode = msgspec.json.Encoder().encode


class Asked(NamedTuple):
    """An indicator as a page has asked for it, or why it cannot be computed."""

    id: str
    indicator: Indicator | None
    error: str = ""


def resolved(wanted: Sequence[WantedIndicator], others: Mapping[str, Kind] = MappingProxyType({})) -> list[Asked]:
    """Return indicators as they were asked for; what cannot be computed says why in its place, and the others are shown.

    Args:
        others: kinds beside those of the catalogue, by name.
    """
    asked: list[Asked] = []
    for one in wanted:
        try:
            asked.append(Asked(one.id, indicator(one.name, one.parameters, one.source, others)))
        except GcgQuantError as error:
            asked.append(Asked(one.id, None, str(error)))
    return asked


def unique(asked: Sequence[Asked]) -> tuple[Indicator, ...]:
    """Return each indicator once, however many have asked for the same."""
    return tuple({one.indicator.key: one.indicator for one in asked if one.indicator is not None}.values())


def line_rows(asked: Sequence[Asked], lines: Lines) -> list[dict[str, Any]]:
    """Return the lines that a page asked for, by its own ids, each value in the place of its bar."""
    rows: list[dict[str, Any]] = []
    for one in asked:
        indicator = one.indicator
        if indicator is None:
            rows.append(
                {"id": one.id, "key": "", "place": "price", "title": "", "decimals": None, "levels": [], "error": one.error, "lines": {}}
            )
            continue
        styles = indicator.kind.lines
        drawn = lines.get(indicator.key, Drawn())
        values = {name: {"style": styles[name], "values": line.tolist()} for name, line in drawn.items()}
        shapes = {"shapes": shape_rows(indicator.kind, drawn)} if indicator.kind.shapes else {}
        rows.append({"id": one.id, **indicator.described(), "lines": values, **shapes})
    return rows


def lines_answer(request: int, pane: int, series: str, times: Sequence[int], asked: Sequence[Asked], lines: Lines) -> str:
    """Return the answer to a choice of indicators: their lines, aligned with the times of bars."""
    message = {"type": "lines", "request": request, "pane": pane, "series": series, "times": times, "lines": line_rows(asked, lines)}
    return _encode(message).decode()


def series_news(view: MarketView, watch: Watch, position: int) -> list[Parcel]:
    """Return the candles that have changed, once for each audience: with the lines that it asked for."""
    candles = watch.take(view.candles) if watch.ready else []
    if not candles:
        return []
    after, watch.through = watch.through, position
    lines = {key: _raw(_live(watch.lines.indicators[key], drawn)) for key, drawn in watch.lines.update(candles).items()}
    message = {
        "type": "candles",
        "series": series_of(view.name, watch.period),
        "after": after,
        "through": position,
        "bars": _raw([EventToChartAdapter.candle_row(candle) for candle in candles]),
    }
    parcels = []
    for keys in watch.audiences:
        told = [lines[key] for key in keys if key in lines]
        topic = audience_topic(Audience(view.name, watch.period, keys))
        parcels.append(Parcel(topic, _encode({**message, "lines": told}).decode()))
    return parcels


def shape_rows(kind: Kind, drawn: Drawn) -> dict[str, Any]:
    """Return what messages tell of shapes."""
    return {name: {"style": kind.shapes[name], "after": part.after, "rows": part.rows} for name, part in drawn.shapes.items()}


def _live(indicator: Indicator, drawn: Drawn) -> dict[str, Any]:
    shapes = {"shapes": shape_rows(indicator.kind, drawn)} if drawn.shapes else {}
    return {"key": indicator.key, "lines": {name: line.tolist() for name, line in drawn.items()}, **shapes}


def _raw(value: Any) -> msgspec.Raw:
    # Encoded once, however many messages it goes into.
    return msgspec.Raw(_encode(value))
