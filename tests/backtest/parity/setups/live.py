"""Live-like runs, bar by bar: feeds that have nothing yet now and then, and our own feed behind a stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import backtrader as bt

from gcg_quant.backtest import EventDrivenDataFeed
from gcg_quant.backtest.conversion.days import days_from_ns
from gcg_quant.backtest.history.bars import BarArray
from gcg_quant.backtest.streaming.stream import QueueStream
from gcg_quant.events import Bar

from ..bars import coarse_bars
from ..sides import LIVE, Setup, Side
from ..watching import Plain, Watching, note, trading
from .orders import Crossing, brackets, limits, market

__all__ = ["SETUPS"]


class Dripping(bt.feed.DataBase):
    """A live feed of the user's own: before some bars there is nothing for a while, and it says how it is."""

    params = (("bars", None), ("pause", 0), ("timeframe", bt.TimeFrame.Minutes), ("compression", 30))

    def islive(self) -> bool:
        return True

    def start(self) -> None:
        super().start()
        rows = self.p.bars
        columns = [days_from_ns(rows["start_ns"]), *(rows[name] for name in ("close", "low", "high", "open", "volume"))]
        self._rows = deque(zip(*(column.tolist() for column in columns)))
        self._waits = 0
        self.put_notification(self.DELAYED)

    def _load(self) -> bool | None:
        if not self._rows:
            return False
        self._waits += 1
        if self.p.pause and self._waits % self.p.pause == 0:
            self.put_notification(self.LIVE)
            return None
        row = self._rows.popleft()
        for line, value in zip(("datetime", "close", "low", "high", "open", "volume"), row):
            getattr(self.lines, line)[0] = value
        return True


def dripping(
    strategy: type, *seeds: int, pause: int = 0, count: int = 150, prepare: Callable[[Any], None] | None = None, **params: Any
) -> Any:
    """Return what builds live feeds of the user's own, the later ones with fewer bars; `prepare` is called with the cerebro."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(**params)
        for number, seed in enumerate(seeds):
            bars = coarse_bars(count, seed)[number * 20 :: number + 1]
            cerebro.adddata(Dripping(dataname=f"L{number}", bars=bars, pause=pause))
        if prepare is not None:
            prepare(cerebro)
        cerebro.addstrategy(strategy)
        return cerebro

    return build


def until(cls: type, bars: int) -> type:
    """Return a class that ends the run with its last bar: a live feed has no end of its own."""

    class Ending(cls):  # type: ignore[misc, valid-type]
        def next(self) -> None:
            super().next()
            if len(self) == bars:
                self.env.runstop()

        def prenext(self) -> None:
            super().prenext()

    return Ending


def streamed(strategy: Callable[[], type], count: int = 120, **params: Any) -> Callable[[Side], Any]:
    """Return what brings the bars one by one: with ours through a stream, with stock by a live feed."""

    def build(side: Side) -> Any:
        bars = coarse_bars(count)
        cerebro = side.cerebro(**params)
        if side.ours == "events":
            cerebro.adddata(_queued(bars))
        else:
            cerebro.adddata(Dripping(dataname="X", bars=bars))
        cerebro.addstrategy(until(strategy(), count))
        return cerebro

    return build


def _queued(bars: BarArray) -> EventDrivenDataFeed:
    stream = QueueStream()
    feed = EventDrivenDataFeed(dataname="X", period="30m", live=True, stream=stream, warmup="run")
    for row in bars:
        values = {name: float(row[name]) for name in ("open", "high", "low", "close", "volume")}
        stream.push(Bar(symbol="X", venue="SIM", start_ns=int(row["start_ns"]), end_ns=int(row["event_ns"]), period="30m", **values))
    return feed


class Quiet(Plain):
    """Trades without being told anything."""

    def __init__(self) -> None:
        self.fast, self.slow = bt.ind.EMA(period=3), bt.ind.SMA(period=8)

    def act(self, bar: int) -> None:
        note("averages", self.fast[0], self.slow[0], self.fast > self.slow)
        if self.fast > self.slow and not self.position:
            self.buy()
        elif self.fast < self.slow and self.position:
            self.close()


def resampled(cerebro: Any) -> None:
    """Add the first feed again, resampled."""
    cerebro.resampledata(cerebro.datas[0], timeframe=bt.TimeFrame.Minutes, compression=120, name="two hours")


SETUPS = [
    Setup("live, bar by bar", dripping(trading(limits, every=3), 1), LIVE, ours=False),
    Setup("live, bar by bar, unwatched", dripping(Quiet, 1, stdstats=False), LIVE, ours=False),
    Setup("live with pauses", dripping(trading(brackets), 1, pause=3), LIVE, ours=False),
    Setup("live, two feeds", dripping(trading(market), 1, 2, pause=5), LIVE, ours=False),
    Setup("live, resampled", dripping(trading(market, every=4), 1, prepare=resampled), LIVE, ours=False),
    Setup("live, saving memory", dripping(Crossing, 1, exactbars=1), None, ours=False),
    Setup("live, told everything", dripping(Watching, 1, pause=4, count=40), LIVE, ours=False),
    Setup("live through a stream", streamed(lambda: Quiet, stdstats=False), LIVE),
    Setup("live through a stream, observed", streamed(lambda: trading(limits, every=3, base=Plain)), LIVE),
]
