"""The parts of the page's benchmark."""

from __future__ import annotations

import importlib.util
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.events import Bar
from gcg_quant.visualization.indicators import Columns, SeriesLines, indicator
from gcg_quant.visualization.series.candles import Candle

from .page_clients import measured
from .page_market import SYMBOLS, TICKS_A_SECOND, our_server, plain_server, ticking
from .page_trace import CHROMIUM, frame_times, opened, traced
from .rows import Plan, Row, bus_folder
from .storage_market import market, new_bus, publish, store_all

__all__ = ["PARTS"]

_BARS = 1_000_000
_LATENCY_MS, _OPEN_MS, _FRAME_MS = 100.0, 1_000.0, 16.0
_OURS = ("MA", "EMA", "BOLL", "VWAP", "MACD", "RSI", "KDJ", "ATR", "OBV")
_ROWS = 1_500
_CLIENTS = ((1, "1 client"), (50, "50 clients"))


def latency(plan: Plan) -> Iterator[Row]:
    """Yield how old quotes are when clients get them."""
    seconds = 2.0 if plan.quick else 10.0
    for clients, who in _CLIENTS:
        with bus_folder() as folder, ticking(folder) as bus, our_server(bus) as url:
            time.sleep(1.0)
            come, replaced = measured(url, clients, seconds)
            yield Row(f"bus to page, {who}, p50 / p95", come.text, f"< {_LATENCY_MS:g} ms p95", come.p95 < _LATENCY_MS)
            yield Row(f"the same until the next quote replaces it, {who}", replaced.text)
    if plan.peers:
        for clients, who in _CLIENTS:
            with bus_folder() as folder, ticking(folder) as bus, plain_server(bus) as url:
                yield Row(f"every tick to everybody (websockets alone), {who}, p50 / p95", measured(url, clients, seconds)[0].text)


def bars(plan: Plan) -> Iterator[Row]:
    """Yield how long a chart over a million stored minutes takes to open."""
    count = plan.count(_BARS)
    with bus_folder() as folder, new_bus(folder) as bus:
        publish(bus, market(bus, Bar, count, symbols=1))
        with Database(home=folder) as database:
            store_all(database, bus, Bar, "benchmark", batch=50_000)
            with bus_folder() as place, new_bus(place) as quiet:  # the system has run for years, and its journal holds the last days
                yield from _opened(plan, quiet, DatabaseHistory(database), count)


def _opened(plan: Plan, bus: Any, history: DatabaseHistory, count: int) -> Iterator[Row]:
    from websockets.sync.client import connect

    nine = [{"id": name, "name": name} for name in _OURS]
    for period, wanted, title in (
        ("1m", [], "1m, the newest 800"),
        ("1m", nine, "1m, the newest 800 with nine indicators"),
        ("1h", [], "1h, the newest 800"),
        ("1d", [], "1d, all of it"),
        ("1w", [], "1w, all of it"),
    ):
        first = []
        for _ in range(plan.runs):
            with our_server(bus, history) as url, connect(url, max_size=None) as socket:  # a new one keeps nothing of the one before
                _until(socket, "hello")
                ask = {"type": "subscribe", "request": 1, "name": "S0@SIM", "period": period, "indicators": wanted}
                first.append(_asked(socket, ask))
                again = _asked(socket, ask | {"request": 2})
        ms = statistics.median(first)
        figure = f"{ms:.0f} ms, again {again:.0f} ms"
        yield Row(f"{count:,} minutes: {title}", figure, f"< {_OPEN_MS / 1000:g} s", ms < _OPEN_MS)


def _asked(socket: Any, ask: dict[str, Any]) -> float:
    begin = time.perf_counter()
    socket.send(json.dumps(ask))
    assert _until(socket, "history")["bars"]
    return 1e3 * (time.perf_counter() - begin)


def _until(socket: Any, kind: str) -> dict[str, Any]:
    while (message := json.loads(socket.recv(timeout=60)))["type"] != kind:
        pass
    return dict(message)


def indicators(plan: Plan) -> Iterator[Row]:
    """Yield what the indicators of one chart cost after a tick."""
    candles = _walk(_ROWS)
    wanted = [indicator(name, {}) for name in _OURS]
    for title, chosen in (("EMA", wanted[1:2]), ("nine indicators", wanted)):
        lines = SeriesLines()
        lines.seed(Columns.of(candles[:-1]), chosen)
        us = 1e6 * plan.median(lambda lines=lines: _timed(lambda: lines.update(candles[-1:])))  # type: ignore[misc]
        yield Row(f"{title}, after a tick of the newest of {_ROWS:,} bars", f"{us:.0f} us")
    if plan.peers:
        columns = Columns.of(candles)
        ours = plan.median(lambda: _timed(lambda: [one.values(columns) for one in wanted]))
        theirs = plan.median(lambda: _timed(lambda: _pandas(columns)))
        yield Row(f"the same nine over all {_ROWS:,} bars", f"{1e6 * ours:.0f} us")
        yield Row("pandas (rolling and ewm), the same nine", f"{1e6 * theirs:.0f} us")
        yield Row("ours beside pandas", f"{theirs / ours:.1f}x")


def _timed(function: Callable[[], Any], times: int = 50) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        function()
    return (time.perf_counter() - begin) / times


def _walk(count: int) -> list[Candle]:
    random = np.random.default_rng(1)
    close = 100 + random.normal(0, 0.1, count).cumsum()
    rows = zip(close.tolist(), random.integers(1, 100, count).tolist(), strict=True)
    begin = 1_700_006_400
    return [
        Candle((begin + 60 * at) * 10**9, begin + 60 * at, price, price + 0.1, price - 0.1, price + 0.05, float(volume))
        for at, (price, volume) in enumerate(rows)
    ]


def _pandas(columns: Columns) -> list[Any]:
    import pandas as pd

    close, high, low, volume = (pd.Series(one) for one in (columns.close, columns.high, columns.low, columns.volume))
    fast, slow = close.ewm(span=12, adjust=False).mean(), close.ewm(span=26, adjust=False).mean()
    change = close.diff()
    middle, width = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    gains, losses = (
        change.clip(lower=0).ewm(alpha=1 / 14, adjust=False).mean(),
        (-change.clip(upper=0)).ewm(alpha=1 / 14, adjust=False).mean(),
    )
    lowest, highest = low.rolling(9).min(), high.rolling(9).max()
    k = ((close - lowest) / (highest - lowest) * 100).ewm(alpha=1 / 3, adjust=False).mean()
    before = close.shift()
    true_range = pd.concat([high - low, (high - before).abs(), (low - before).abs()], axis=1).max(axis=1)
    typical, days = (high + low + close) / 3, pd.Series(columns.day)
    return [
        close.rolling(20).mean(),
        close.ewm(span=20, adjust=False).mean(),
        (middle + 2 * width, middle, middle - 2 * width),
        (typical * volume).groupby(days).cumsum() / volume.groupby(days).cumsum(),
        (fast - slow).ewm(span=9, adjust=False).mean(),
        100 - 100 / (1 + gains / losses),
        (k, k.ewm(alpha=1 / 3, adjust=False).mean()),
        true_range.ewm(alpha=1 / 14, adjust=False).mean(),
        (np.sign(change).fillna(0) * volume).cumsum(),
    ]


def frame(plan: Plan) -> Iterator[Row]:
    """Yield the page's main-thread work per frame, from a trace in Chromium: one chart, and four with indicators."""
    if importlib.util.find_spec("playwright") is None or not Path(CHROMIUM).exists():
        yield Row("main-thread work per frame", "needs playwright and Chromium")
        return
    with bus_folder() as folder, ticking(folder) as bus, our_server(bus) as url:
        page_url = url.replace("ws://", "http://").removesuffix("/ws")
        for title, layout in (("one chart", _layout("1", 1)), ("four charts with two indicators each", _layout("4", 4))):
            httpx.patch(f"{page_url}/api/v1/charts/config", json={"layout": layout}).raise_for_status()
            with opened(page_url) as page:
                page.wait_for_selector(".pane[data-state=ready]", timeout=20_000)
                events = traced(page, 2.0 if plan.quick else 8.0)
            for clock, name in (("processor", "on the processor"), ("wall", "on the clock")):
                found = frame_times(events, clock)  # type: ignore[arg-type]
                figure = f"{found.p50:.1f} / {found.p95:.1f} ms"
                met = found.p95 < _FRAME_MS if clock == "processor" else None
                yield Row(f"{title}, work per frame {name}, p50 / p95", figure, f"< {_FRAME_MS:g} ms p95" if met is not None else "", met)


def _layout(grid: str, count: int) -> dict[str, Any]:
    indicators = [{"id": "a", "name": "EMA"}, {"id": "b", "name": "MACD"}] if count > 1 else []
    panes = [{"name": f"S{number}@SIM", "period": "1m", "indicators": indicators} for number in range(count)]
    return {"grid": grid, "linked": True, "active": 0, "panes": panes}


PARTS: dict[str, tuple[str, Callable[[Plan], Iterator[Row]]]] = {
    "latency": (f"{SYMBOLS} symbols tick at {TICKS_A_SECOND}/s, with depth", latency),
    "bars": ("Opening a chart", bars),
    "indicators": ("Indicators", indicators),
    "frame": ("The page in Chromium", frame),
}
