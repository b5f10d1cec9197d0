"""Live-like runs, bar by bar: Backtrader's own live mode on rows in memory, and ours from a real bus to the broker."""

from __future__ import annotations

import time
from typing import Any

import backtrader as bt
import numpy as np

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, World

from .backtests import Outcome, frame, timed
from .rows import bus_folder
from .scenes import Crossover

BATCH = 1000
MINUTE_NS = 60_000_000_000


class LiveRows(bt.feed.DataBase):
    """A live feed of rows that are all there: it never waits."""

    params = (("rows", None), ("timeframe", bt.TimeFrame.Minutes))

    def islive(self) -> bool:
        return True

    def start(self) -> None:
        super().start()
        self._next = iter(self.p.rows)

    def _load(self) -> bool:
        row = next(self._next, None)
        if row is None:
            return False
        lines = self.lines
        lines.datetime[0], lines.open[0], lines.high[0], lines.low[0], lines.close[0], lines.volume[0] = row
        return True


def stock(scene: str, bars: int) -> Outcome:
    """Run stock Backtrader's live mode."""
    made = frame(bars)
    days = [bt.date2num(moment) for moment in made.index.to_pydatetime()]
    rows = list(zip(days, *(made[name].tolist() for name in ("open", "high", "low", "close", "volume"))))
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(LiveRows(dataname="X", rows=rows))
    cerebro.addstrategy(Crossover)
    seconds, strategies = timed(cerebro.run)
    return Outcome(bars, seconds, len(cerebro.broker.orders), strategies[0].digest())


class FromBus(Crossover):
    """Publishes all bars once its feed is live, and ends the run with the last of them."""

    params = (("bus", None), ("rows", None))

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        if status == data.LIVE:
            publish(self.p.bus, self.p.rows)
            self.began = time.perf_counter()

    def next(self) -> None:
        super().next()
        if len(self) == len(self.p.rows):
            self.seconds = time.perf_counter() - self.began
            self.env.runstop()


def feed_alone(scene: str, bars: int) -> Outcome:
    """Read bars that wait on a bus: bus, stream and the feed's `_load()`, without Backtrader's loop and without publishing them."""
    with bus_folder() as folder, EventBus(folder / "bus", world=World.BACKTEST, source="benchmark", sync="none") as bus:
        rows = rows_of_bars(bus, bars)
        feed = EventDrivenDataFeed(dataname="X", period="1m", bus=bus, live=True)
        feed.setenvironment(bt.Cerebro())
        feed._start()
        feed.forward()
        feed._load()
        publish(bus, rows)
        seconds, loaded = timed(lambda: sum(feed._load() is True for _ in range(bars)))
        feed.stop()
    if loaded != bars or feed.close[0] != rows["close"][-1]:
        raise RuntimeError(f"{loaded} of {bars} bars came")
    return Outcome(bars, seconds, 0, "")


def rows_of_bars(bus: EventBus, bars: int) -> np.ndarray[Any, Any]:
    """Return the bars of a run as rows for a bus."""
    made = frame(bars)
    rows = np.zeros(bars, Bar.dtype)
    rows["start_ns"] = made.index.to_numpy().astype("datetime64[ns]").astype(np.int64)
    rows["event_ns"] = rows["recv_ns"] = rows["start_ns"] + MINUTE_NS
    for name in ("open", "high", "low", "close", "volume"):
        rows[name] = made[name]
    rows["open_interest"] = np.nan
    rows["period"] = b"1m"
    rows["instrument"] = bus.instruments.number("X", "SIM")
    return rows


def publish(bus: EventBus, rows: np.ndarray[Any, Any]) -> None:
    """Publish rows in batches."""
    for begin in range(0, len(rows), BATCH):
        bus.publish_batch(rows[begin : begin + BATCH])


def from_bus(scene: str, bars: int) -> Outcome:
    """Run on bars that come through a bus one by one: bus, feed, strategy, broker. Publishing them is not timed."""
    with bus_folder() as folder, EventBus(folder / "bus", world=World.BACKTEST, source="benchmark", sync="none") as bus:
        rows = rows_of_bars(bus, bars)
        cerebro = EventDrivenCerebro()
        cerebro.p.stdstats = False
        cerebro.broker = EventDrivenBroker()
        cerebro.adddata(EventDrivenDataFeed(dataname="X", period="1m", bus=bus, live=True))
        cerebro.addstrategy(FromBus, bus=bus, rows=rows)
        (strategy,) = cerebro.run()
    return Outcome(bars, strategy.seconds, len(cerebro.broker.orders), strategy.digest(), getattr(cerebro, "fast_reason", ""))
