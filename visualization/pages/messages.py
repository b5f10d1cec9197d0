"""The messages to the pages, each encoded once: the greeting, a series' history, what is new, and the state of the system.

docs/page_protocol.md describes every message, and `protocol` has their types. Lines and plots are in `line_messages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.events import Lane
from gcg_quant.kill_switch import KillSwitch
from gcg_quant.sections import ChartSettings

from ..adapter import EventToChartAdapter, Row
from ..charts import Window
from ..ledger import Ledger
from ..series.market_view import MarketView
from ..series.months import MONTH
from .hub import EVERYBODY, Parcel
from .line_messages import Asked, line_rows, series_news
from .page_panes import book_topic

__all__ = [
    "PERIODS",
    "PROTOCOL",
    "RateMeter",
    "answer",
    "attention",
    "book",
    "config",
    "encode",
    "greeting",
    "history",
    "instruments",
    "kill",
    "news_of",
    "problem",
    "quotes",
    "tables",
]

PERIODS = ("1s", "5s", "15s", "1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", MONTH)
PROTOCOL = 2
_encode = msgspec.json.Encoder().encode


def encode(message: dict[str, Any]) -> str:
    """Return a message as JSON; NaN becomes null."""
    return _encode(message).decode()


def greeting(bus: EventBus, chart: ChartSettings, views: list[MarketView], ledger: Ledger, client: int, time_ms: int) -> str:
    """Return the first message to the page `client`: all that it shows but the chart. `time_ms` is the time at the markets."""
    return encode(
        {
            "type": "hello",
            "protocol": PROTOCOL,
            "bus_id": f"{bus.bus_id}/{bus.epoch}",
            "world": bus.world.name.lower(),
            "time_ms": time_ms,
            "settings": chart.model_dump(),
            "periods": PERIODS,
            "instruments": [view.terms() for view in views],
            "quotes": [view.quote() for view in views if view.time_ns],
            "sparks": {view.name: view.spark() for view in views if view.time_ns},
            "client": client,
            "config": ledger.config.document(chart),
            "tables": ledger.all(),
            "kill": EventToChartAdapter.kill(ledger.kill),
            "attention": ledger.attention.row(),
        }
    )


def newest(chart: ChartSettings, views: list[MarketView], ledger: Ledger) -> list[str]:
    """Return the newest state of what everybody is told, as messages: for a page that has not kept up."""
    shown = [view for view in views if view.time_ns]
    parcels = [
        *instruments(views),
        _parcel(EVERYBODY, {"type": "quotes", "rows": [view.quote() for view in shown]}),
        _parcel(EVERYBODY, {"type": "sparks", "rows": {view.name: view.spark() for view in shown}}),
        *tables(ledger.all()),
        *kill(ledger.kill),
        *attention(ledger.attention.row()),
        *config([(0, ledger.config.document(chart))]),
    ]
    return [parcel.text for parcel in parcels]


def history(view: MarketView, period: str, request: int, window: Window, pane: int = 0, indicators: Sequence[Asked] = ()) -> str:
    """Return the answer to a subscription: candles, the lines of indicators, markers and what strategies have drawn."""
    return encode(
        {
            "type": "history",
            "request": request,
            "pane": pane,
            "name": view.name,
            "period": period,
            "series": f"{view.name}|{period}",
            "bars": [EventToChartAdapter.candle_row(one) for one in window.candles],
            "through": window.through,
            "since": window.since,
            "more": window.more,
            "markers": list(view.markers),
            "lines": line_rows(indicators, window.lines),
            "plots": view.plots.rows(),
        }
    )


def book(view: MarketView) -> str:
    """Return an instrument's depth and tape."""
    depth = EventToChartAdapter.depth(view.depth) if view.depth else None
    return encode({"type": "book", "name": view.name, "depth": depth, "trades": list(view.tape)[::-1]})


def answer(request: int, ok: bool, detail: str) -> str:
    """Return what became of a command."""
    return encode({"type": "answer", "request": request, "ok": ok, "detail": detail})


def problem(request: int, text: str) -> str:
    """Return why a request could not be answered."""
    return encode({"type": "problem", "request": request, "text": text})


def quotes(views: Iterable[MarketView]) -> list[Parcel]:
    """Return the changed quotes and sparklines of the watch list."""
    shown = [view for view in views if view.time_ns]
    parcels = [_parcel(EVERYBODY, {"type": "quotes", "rows": [view.quote() for view in shown]})] if shown else []
    sparks = {view.name: view.spark() for view in shown if view.spark_changed}
    return parcels + ([_parcel(EVERYBODY, {"type": "sparks", "rows": sparks})] if sparks else [])


def tables(changed: dict[str, list[Row]]) -> list[Parcel]:
    """Return the changed rows of the drawer."""
    return [_parcel(EVERYBODY, {"type": "rows", "table": table, "rows": rows}) for table, rows in changed.items()]


def kill(switch: KillSwitch | None) -> list[Parcel]:
    """Return the kill switch, if it has changed."""
    return [_parcel(EVERYBODY, {"type": "kill", **EventToChartAdapter.kill(switch)})] if switch is not None else []


def attention(row: dict[str, Any] | None) -> list[Parcel]:
    """Return what a person should look at, if that has changed."""
    return [_parcel(EVERYBODY, {"type": "attention", **row})] if row is not None else []


def config(changes: list[tuple[int, dict[str, Any]]]) -> list[Parcel]:
    """Return the changes of the page's configuration, each with the page that made it."""
    return [_parcel(EVERYBODY, {"type": "config", "client": client, "patch": patch}) for client, patch in changes]


def news_of(view: MarketView, position: int) -> list[Parcel]:
    """Return what is new of an instrument for the pages that look at it; candles are complete up to event `position`."""
    parcels = []
    for watch in view.watches.values():
        parcels += series_news(view, watch, position)
    if view.depth_changed and view.depth is not None and view.readers:
        parcels.append(_parcel(book_topic(view.name), EventToChartAdapter.depth(view.depth)))
    if view.new_trades and view.readers:
        rows = list(view.tape)[-min(view.new_trades, len(view.tape)) :]
        parcels.append(_parcel(book_topic(view.name), {"type": "trades", "name": view.name, "rows": rows}))
    if view.new_markers and view.watches:
        parcels.append(_parcel(view.name, {"type": "markers", "name": view.name, "rows": view.new_markers}))
    if (points := view.plots.take()) and view.watches:
        parcels.append(_parcel(view.name, {"type": "plots", "name": view.name, "rows": points}))
    return parcels


class RateMeter:
    """How many events a second the bus gets."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._count = 0

    def status(self, bus: EventBus, lag: int, now_s: float, time_ms: int) -> list[Parcel]:
        """Return the state of the system: events a second since the last call, how far behind the bridge is, and the recorder."""
        count = sum(bus.head(lane) for lane in Lane)
        rate = (count - self._count) / (now_s - self._since_s) if self._since_s else 0.0
        self._since_s, self._count = now_s, count
        recorder = next((sum(one.lag.values()) for one in bus.readers() if one.name == "recorder" and one.alive), None)
        facts = {"events_per_s": round(rate), "lag": lag, "recorder_lag": recorder}
        message = {"type": "status", **facts, "time_ms": time_ms}
        return [_parcel(EVERYBODY, message)]


def instruments(views: list[MarketView]) -> list[Parcel]:
    """Return new instruments and changed terms."""
    return [_parcel(EVERYBODY, {"type": "instruments", "rows": [view.terms() for view in views]})] if views else []


def _parcel(topic: str, message: dict[str, Any]) -> Parcel:
    return Parcel(topic, encode(message))
