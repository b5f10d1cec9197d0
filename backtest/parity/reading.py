"""What a run's journal tells of one strategy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.bars import resample
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, nearest
from gcg_quant.events import (
    BacktestRequestEvent,
    Bar,
    Event,
    Fill,
    Lane,
    MarketDataEvent,
    OrderEvent,
    OrderRequest,
    RiskVerdict,
    StrategyStatusEvent,
    TimerEvent,
    World,
)
from gcg_quant.periods import period_ns

from ..history.bars import BarArray, basis_of_rows, one_a_start
from .run_log import OrderTrack, RunLog

if TYPE_CHECKING:
    from gcg_quant.reader import BusReader

__all__ = ["read_run"]

SESSION = "session"
MIRRORED = "backtrader"  # the gateway that tells of Backtrader's own matching
LOOK_BACK = 300  # events
STATES = ("running", "stopped", "failed", "unloaded")


def read_run(text: str, home: Path) -> RunLog:
    """Return the log of a run.

    Args:
        text: the name of a backtest of `home`, "session" for what runs or ran on `home`, the folder of a backtest, of a home or of a bus;
            then, where the journal holds orders of several strategies, a colon and the strategy's id.
        home: where backtests are looked for by name.

    Raises:
        BacktestError: there is no such run or strategy, or the journal holds several and none is named.
    """
    path, strategy = _find(text, home)
    with EventBus(path, create=False, read_only=True) as bus:
        return _read(text, bus, strategy)


def _find(text: str, home: Path) -> tuple[Path, str]:
    whole, _, tail = text.rpartition(":")
    for place, strategy in ((text, ""), (whole, tail)):
        own = [home] if place == SESSION else []
        for folder in (*own, Path(place), home / "backtests" / place) if place else ():
            for bus in (folder, folder / "bus"):
                if (bus / "bus.meta").exists():
                    return bus, strategy
    known = sorted(one.name for one in (home / "backtests").glob("*") if one.is_dir())
    raise BacktestError(
        f"There is no run {text!r}: name a backtest of {home / 'backtests'}, 'session', or a folder (a backtest's, a home, a bus), "
        f"and NAME:STRATEGY where several strategies traded.{nearest(text, known)}",
        run=text,
    )


def _read(name: str, bus: EventBus, strategy: str) -> RunLog:
    status, request = _control(bus)
    found = _orders(bus)
    strategy = _choose(name, strategy, found, status)
    tracks = list(found.get(strategy, {}).values())
    chosen = _parameters(bus, strategy, status, request)
    period = request.period if request is not None else str(chosen.get("bar_period") or chosen.get("period") or "1m")
    places = {(one.request.symbol, one.request.venue) for one in tracks} | _places(bus, strategy, status, request)
    bars: dict[tuple[str, str], BarArray] = {}
    ids: dict[tuple[str, str], dict[int, int]] = {}
    for place in sorted(places):
        bars[place], ids[place] = _bars(bus, place, period)
    states = [one for one in status if one.strategy == strategy and one.state in STATES]
    state_ns = [_market_ns(bus, one.time_ns) for one in states] if bus.world != World.BACKTEST else []
    if bus.world == World.BACKTEST:
        states = []
    ends = [rows["event_ns"] for rows in bars.values() if len(rows)]
    first = state_ns[0] if state_ns else min((int(one[0]) for one in ends), default=0)
    last = max((int(one[-1]) for one in ends), default=max((one.bar_ns for one in tracks), default=first))
    tracks.sort(key=lambda one: (one.bar_ns, one.request.id))
    return RunLog(
        name,
        Path(bus.path),
        bus.world,
        strategy,
        tracks,
        period,
        chosen,
        bars,
        ids,
        states,
        state_ns,
        request,
        began_ns=first,
        ended_ns=last,
    )


def _control(bus: EventBus) -> tuple[list[StrategyStatusEvent], BacktestRequestEvent | None]:
    with bus.reader(start="begin", events=[StrategyStatusEvent, BacktestRequestEvent]) as reader:
        events = list(reader)
    request = next((one for one in events if isinstance(one, BacktestRequestEvent) and bus.world == World.BACKTEST), None)
    return [one for one in events if isinstance(one, StrategyStatusEvent)], request


# All orders by strategy and request, from one walk over the market lane, and then the events that they follow from.
def _orders(bus: EventBus) -> dict[str, dict[int, OrderTrack]]:
    found: dict[str, dict[int, OrderTrack]] = {}
    by_request: dict[int, OrderTrack] = {}
    with bus.reader(start="begin", events=[OrderRequest, RiskVerdict, OrderEvent, Fill]) as reader:
        for event in reader:
            if isinstance(event, OrderRequest):
                track = by_request[event.id] = OrderTrack(event, event.event_ns, None)
                found.setdefault(event.strategy, {})[event.id] = track
            elif isinstance(event, RiskVerdict | OrderEvent | Fill) and event.request in by_request:
                track = by_request[event.request]
                if isinstance(event, RiskVerdict):
                    track.verdict = track.verdict or event
                elif isinstance(event, OrderEvent):
                    track.states.append(event)
                else:
                    track.fills.append(event)
    with bus.reader(start="begin", events=[MarketDataEvent, OrderRequest, OrderEvent, TimerEvent]) as reader:
        for track in by_request.values():
            track.cause = _event_at(reader, track.request.cause)
            if isinstance(track.cause, MarketDataEvent):
                track.bar_ns = track.cause.event_ns
            track.end_cause = _event_at(reader, track.states[-1].cause) if track.states else None
            track.fill_causes = [_filled_by(reader, track, fill) for fill in track.fills]
    return found


# The market event that filled an order: the fill's cause, or for what was filled on arrival the newest of its symbol before it.
def _filled_by(reader: BusReader, track: OrderTrack, fill: Fill) -> Event | None:
    cause = _event_at(reader, fill.cause)
    if isinstance(cause, MarketDataEvent) or fill.gateway == MIRRORED:
        return cause
    reader.seek_id(max(fill.id - LOOK_BACK, (int(Lane.MARKET) << 60) + 1))
    bar = quote = None
    for event in reader:
        if event.id >= fill.id:
            break
        if isinstance(event, MarketDataEvent) and (event.symbol, event.venue) == (fill.symbol, fill.venue):
            if isinstance(event, Bar):
                bar = event
            else:
                quote = event
    return quote or bar or cause  # bars fill nothing where there are ticks


# An event of the market lane by its id, None if it is 0 or gone.
def _event_at(reader: BusReader, event_id: int) -> Event | None:
    if event_id >> 60 != Lane.MARKET:
        return None
    reader.seek_id(event_id)
    event = reader.read(0.0)
    while event is not None and event.id >> 60 != Lane.MARKET:
        event = reader.read(0.0)
    return event if event is not None and event.id == event_id else None


def _choose(name: str, strategy: str, found: dict[str, Any], status: Iterable[StrategyStatusEvent]) -> str:
    known = sorted(set(found) | {one.strategy for one in status})
    if strategy:
        if strategy not in known:
            listed = ", ".join(known) or "none"
            raise BacktestError(f"{name}: there is no strategy {strategy!r} in that journal (known: {listed}).{nearest(strategy, known)}")
        return strategy
    traded = sorted(found) if found else known
    if len(traded) != 1:
        listed = ", ".join(traded) or "none"
        raise BacktestError(f"{name}: say which strategy, as {name}:ID; in that journal there are: {listed}.", run=name)
    return traded[0]


# What the strategy was run with, defaults included: a backtest's result file says it, a session's states do.
def _parameters(
    bus: EventBus, strategy: str, status: Iterable[StrategyStatusEvent], request: BacktestRequestEvent | None
) -> dict[str, Any]:
    result = Path(bus.path).parent / "result.json"
    if request is not None and result.exists():
        return dict(json.loads(result.read_text(encoding="utf-8"))["parameters"])
    told = [one.parameters for one in status if one.strategy == strategy and one.parameters]
    return dict(told[-1]) if told else dict(request.parameters if request is not None else {})


def _places(
    bus: EventBus, strategy: str, status: Iterable[StrategyStatusEvent], request: BacktestRequestEvent | None
) -> set[tuple[str, str]]:
    named = list(request.symbols) if request is not None else []
    named += [symbol for one in status if one.strategy == strategy for symbol in one.symbols]
    return {(one.symbol, one.venue) for one in bus.instruments if one.symbol in named or one.name in named}


# The bars that a journal shows of a symbol: those of the period, else made of the longest shorter one that divides it.
def _bars(bus: EventBus, place: tuple[str, str], period: str) -> tuple[BarArray, dict[int, int]]:
    with bus.reader(start="begin", events=[Bar], symbols=["@".join(place) if place[1] else place[0]], backfill=False) as reader:
        parts = [reader.read_array(Bar)]
        while len(parts[-1]):
            parts.append(reader.read_array(Bar))
    rows = np.concatenate(parts)
    length = period_ns(period)
    periods = {one: period_ns(one.decode()) for one in set(rows["period"].tolist())}
    fitting = [one for one, own in periods.items() if own <= length and length % own == 0]
    if not fitting:
        return np.empty(0, Bar.dtype), {}
    shown = max(fitting, key=lambda one: periods[one])
    basis = basis_of_rows(rows[rows["period"] == shown])
    bars = one_a_start([rows], shown.decode(), basis)
    same = rows[(rows["period"] == shown) & (rows["basis"] == int(basis))]
    step = length if periods[shown] < length else 1
    ids: dict[int, int] = {}
    for start_ns, event_id in zip(same["start_ns"].tolist(), same["id"].tolist(), strict=True):
        if step == 1:
            ids.setdefault(start_ns, event_id)
        else:
            ids[start_ns // step * step] = event_id  # the last part completes the longer bar
    return bars if step == 1 else np.asarray(resample(bars, period)), ids


# The market's time at a moment of ours: that of the newest bar before it.
def _market_ns(bus: EventBus, time_ns: int) -> int:
    with bus.reader(start="begin", events=[Bar], backfill=False) as reader:
        reader.seek_time(time_ns)
        after = reader.read(0.0)
        if isinstance(after, Bar):
            return after.event_ns
    return 2**63 - 1
