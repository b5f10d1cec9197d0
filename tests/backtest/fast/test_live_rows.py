"""Live rows in C: what waits comes out as it came in, and a run that takes it from there is one that asks the feed."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import backtrader as bt
import numpy as np
import pytest

from gcg_quant._native import FastRows
from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.events import World

COLUMNS = np.dtype([("number", "i4"), ("id", "u8"), *((f"v{at}", "f8") for at in range(7)), ("start", "i8"), ("end", "i8")])


def columns(count: int, first: int = 0) -> Any:
    """Return the arguments of `extend` for rows that are views of records, which are not aligned."""
    rows = np.zeros(count, COLUMNS)
    at = np.arange(first, first + count)
    for number in range(7):
        rows[f"v{number}"] = at + number / 8
    rows["start"], rows["end"], rows["id"] = -at, at * 2, at.astype(np.uint64) + np.uint64(1 << 63)
    return tuple(rows[f"v{number}"] for number in range(7)), rows["start"], rows["end"], rows["id"]


def row(at: int) -> tuple[Any, ...]:
    """Return row `at` of such columns."""
    return *(at + number / 8 for number in range(7)), -at, at * 2, at + (1 << 63)


def test_rows_come_out_in_the_order_in_which_they_came() -> None:
    """Columns and single rows mix; a queue that was long keeps its order, and what was delivered last is remembered."""
    rows, taken = FastRows(3), []
    for first in range(0, 12_000, 1000):
        rows.extend(*columns(999, first))
        rows.append(row(first + 999))
        taken += [rows.take() for _ in range(900)]
    waiting = len(rows)
    assert waiting == 1200
    assert rows.newest_id == taken[-1][-1]
    assert [rows.bounds(row(at)[6]) for at in (10_799, 10_797, 10_796, 10_800)] == [(-10_799, 21_598), (-10_797, 21_594), None, None]
    taken += [rows.take() for _ in range(waiting)]
    assert taken == [row(at) for at in range(12_000)]
    with pytest.raises(IndexError, match="No row waits"):
        rows.take()


def test_rows_survive_pickling() -> None:
    """What waits, what was delivered and whether it flows."""
    rows = FastRows(2)
    rows.extend(*columns(5))
    for _ in range(3):
        rows.take()
    rows.flowing = True
    again = pickle.loads(pickle.dumps(rows))
    assert again.flowing
    assert [again.bounds(row(at)[6]) for at in range(4)] == [None, (-1, 2), (-2, 4), None]
    assert [again.take() for _ in range(len(again))] == [row(3), row(4)]


@pytest.mark.parametrize("change", ["short", "whole", "narrow", "few"])
def test_columns_that_do_not_fit_are_refused(change: str) -> None:
    """Another length, whole numbers for values, numbers of 4 bytes, or too few columns: nothing is put in."""
    values, starts, ends, ids = columns(4)
    given = {
        "short": (values, starts[:3], ends, ids),
        "whole": ((starts, *values[1:]), starts, ends, ids),
        "narrow": (values, starts, ends.astype(np.int32), ids),
        "few": (values[:6], starts, ends, ids),
    }[change]
    rows = FastRows(3)
    with pytest.raises(ValueError, match=r"FastRows\.extend"):
        rows.extend(*given)
    assert len(rows) == 0
    with pytest.raises(TypeError, match="a row of a feed has 7 values"):
        rows.append((1.0, 2.0))


class Doubling(EventDrivenDataFeed):
    """Shows twice the volume: it loads in a way of its own."""

    def _load(self) -> bool | None:
        loaded: bool | None = super()._load()
        if loaded:
            self.lines.volume[0] *= 2
        return loaded


class Reading(bt.Strategy):
    """Publishes all bars once its last feed is live, and notes what each bar shows."""

    params: ClassVar[Any] = (("bus", None), ("bars", ()))
    lines = ("copied",)

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.average = bt.ind.SMA(self.data.volume, period=3)
        self.lines.copied = self.data.close

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        """Note what the feed says, and publish."""
        self.rows.append((data.p.dataname, data._getstatusname(status), len(self)))
        if status == data.LIVE and all(one._laststatus == one.LIVE for one in self.datas):
            for at in range(0, len(self.p.bars), 50):
                self.p.bus.publish_batch(self.p.bars[at : at + 50])

    def next(self) -> None:
        """Note the bar, trade now and then, and end the run with the last bar."""
        for data in self.datas:
            bounds = data.bounds_ns(), data.bounds_ns(-1)
            self.rows.append(
                (len(data), data.bar_id & 0xFFFF, bounds, [line[0] for line in data.lines], data.tick_last, data.haslivedata())
            )
        if len(self) % 50 == 0:
            self.buy(self.datas[-1])
        self.rows.append((self.average[0], self.copied[0], self.position.size, self.broker.getvalue()))
        if sum(map(len, self.datas)) == len(self.p.bars):
            self.env.runstop()


def seen(bus: EventBus, bars: Any, feeds: list[Any], *, fast: bool) -> list[Any]:
    """Return what a live run on bars that wait on the bus notes."""
    cerebro = EventDrivenCerebro(fast=fast)
    for feed in feeds:
        cerebro.adddata(feed)
    cerebro.addstrategy(Reading, bus=bus, bars=bars)
    (strategy,) = cerebro.run(stdstats=False)
    assert not fast or cerebro.fast_reason == ""
    assert sum(map(len, strategy.datas)) == len(bars)
    rows: list[Any] = strategy.rows
    return rows


@pytest.mark.parametrize(("symbols", "kind"), [("X", EventDrivenDataFeed), ("XY", EventDrivenDataFeed), ("X", Doubling)])
def test_bars_that_wait_are_those_that_the_feed_would_deliver(
    kit: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, symbols: str, kind: type[EventDrivenDataFeed]
) -> None:
    """Lines, bounds, ids, indicators and orders are the same; a feed of the user's own, and each of several, is asked for each bar."""
    calls = []
    load = EventDrivenDataFeed._load
    monkeypatch.setattr(EventDrivenDataFeed, "_load", lambda feed: calls.append(1) or load(feed))
    found = []
    for fast in (False, True):
        kit.restart_references()
        with EventBus(tmp_path / str(fast), world=World.PAPER, source="test", page_mb=1, sync="none") as bus:
            parts = [kit.random_bars(300, seed=at, period="1s") for at, _ in enumerate(symbols)]
            for symbol, part in zip(symbols, parts, strict=True):
                part["instrument"] = bus.instruments.number(symbol, "SIM")
            bars = np.stack(parts, axis=1).ravel()
            calls.clear()
            found.append(seen(bus, bars, [kind(dataname=symbol, period="1s", bus=bus, live=True) for symbol in symbols], fast=fast))
    assert repr(found[0]) == repr(found[1])
    assert len(found[0]) > 2 * 290
    assert len(calls) >= 300 if kind is Doubling or len(symbols) > 1 else len(calls) < 100
