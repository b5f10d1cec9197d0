"""Several feeds, time frames, resampling and replay, filters and calendars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

import backtrader as bt
import numpy as np

from ..bars import START_NS, coarse_bars
from ..sides import FAST, LIVE, Setup, Side
from ..watching import Plain, Watching, note, trading
from .orders import brackets, limits, market, targets

__all__ = ["SETUPS"]

BEGIN = datetime.fromtimestamp(START_NS / 1e9)
TICKS, MICROSECONDS, SECONDS, MINUTES, DAYS, WEEKS, MONTHS, YEARS = range(bt.TimeFrame.Ticks, bt.TimeFrame.NoTimeFrame)
SPELLED = {"timeframe": MINUTES, "compression": 120}
HOURS = {"timeframe": MINUTES, "compression": 60}


class Reading(Watching):
    """Reads the bars of all feeds in many ways, and trades the last one."""

    def __init__(self) -> None:
        self.averages = [bt.ind.SMA(data, period=3) for data in self.datas]

    def prenext(self) -> None:
        """Note the feeds that are there already."""
        super().prenext()
        note("there", [data.close[0] for data in self.datas if len(data)])

    def act(self, bar: int) -> None:
        note("averages", [average[0] for average in self.averages], [len(average) for average in self.averages])
        for data in self.datas:
            note("ticks", data.tick_close, data.tick_last, data.tick_volume, data.datetime.datetime(0), data.num2date())
            note("back", data.close[-1], list(data.close.get(size=3)), data.buflen(), data._name)
        target = self.datas[-1]
        if bar % 6 == 0:
            self.buy(data=target, exectype=bt.Order.Limit, price=target.close[0], valid=timedelta(minutes=90))
        elif bar % 6 == 3:
            self.close(data=target)
        if bar % 9 == 4:
            self.sell(data=self.datas[0])


def holes(count: int, seed: int, period: str, keep: float = 0.8, skip: int = 0) -> Any:
    """Return bars of which some are missing, at the beginning all."""
    bars = coarse_bars(count, seed, period)[skip:]
    return bars[np.random.default_rng(seed).random(len(bars)) < keep]


def several(strategy: type, *feeds: Any, **params: Any) -> Callable[[Side], Any]:
    """Return what builds one feed for each array of bars."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(**params)
        for number, bars in enumerate(feeds):
            cerebro.adddata(side.feed(bars, f"F{number}"))
        cerebro.addstrategy(strategy)
        return cerebro

    return build


def framed(add: str, period: str, count: int, strategy: type = Reading, both: bool = True, **frame: Any) -> Callable[[Side], Any]:
    """Return what resamples or replays a feed (`add` is the cerebro's method), beside the feed itself if `both`."""

    def build(side: Side) -> Any:
        shown = {"timeframe": TICKS, "compression": 1} if frame.pop("ticks", False) else {}
        cerebro = side.cerebro()
        data = side.feed(coarse_bars(count, period=period), "X", **shown)
        if both:
            cerebro.adddata(data)
        getattr(cerebro, add)(data, name="Y", **frame)
        cerebro.addstrategy(strategy)
        return cerebro

    return build


def ticks(add: str, **frame: Any) -> Callable[[Side], Any]:
    """Return what makes seconds or minutes of ticks, of which several come within one second."""

    def build(side: Side) -> Any:
        bars = coarse_bars(200, period="1s")
        gaps = np.random.default_rng(4).integers(100, 2500, len(bars)) * 1_000_000
        bars["start_ns"] = START_NS + np.cumsum(gaps)
        bars["event_ns"] = bars["start_ns"]
        for name in ("open", "high", "low"):
            bars[name] = bars["close"]
        cerebro = side.cerebro()
        getattr(cerebro, add)(side.feed(bars, "T", timeframe=TICKS, compression=1), **frame)
        cerebro.addstrategy(Reading)
        return cerebro

    return build


def filtered(
    period: str, count: int, *filters: Any, keep: float = 1.0, strategy: type | None = None, frame: Any = None, **params: Any
) -> Callable[[Side], Any]:
    """Return what puts filters before a feed: (class, parameters) each, or a function. With a `frame` the cerebro resamples it."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        data = side.feed(holes(count, 3, period, keep), "X", **params)
        for one in filters:
            if isinstance(one, tuple):
                data.addfilter(one[0], **one[1])
            else:
                data.addfilter_simple(one)
        if frame is None:
            cerebro.adddata(data)
        else:
            cerebro.resampledata(data, **frame)
        cerebro.addstrategy(strategy or trading(market, every=6, period=3))
        return cerebro

    return build


def drop_small(data: Any) -> bool:
    """Remove the bars with little volume."""
    return bool(data.volume[0] < 2)


def at_three(dt: datetime, data: Any) -> bool:
    """Look for the next feed at three o'clock."""
    return dt.hour == 3


def little_traded(current: Any, following: Any) -> bool:
    """Go over when little is traded."""
    return bool(current.volume[0] < 5)


def chained(method: str, **params: Any) -> Callable[[Side], Any]:
    """Return what chains two feeds into one."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        bars = coarse_bars(160, period="1h")
        feeds = [side.feed(part, name) for part, name in ((bars[:90], "A"), (bars[80:], "B"))]
        getattr(cerebro, method)(*feeds, name="chain", **params)
        cerebro.addstrategy(trading(market))
        return cerebro

    return build


def cut(side: Side) -> Any:
    """Only what lies between two dates, in a time zone of its own."""
    cerebro = side.cerebro()
    span = {"fromdate": BEGIN + timedelta(days=1), "todate": BEGIN + timedelta(days=4, hours=7)}
    cerebro.adddata(side.feed(coarse_bars(260), "X", sessionstart=time(9, 30), sessionend=time(16, 0), **span))
    cerebro.addstrategy(trading(limits, every=3))
    return cerebro


def twice(side: Side) -> Any:
    """The same feed twice: a clone, and a copy with a name of its own, resampled."""
    cerebro = side.cerebro()
    data = cerebro.adddata(side.feed(coarse_bars(200, period="15m"), "X"))
    cerebro.resampledata(data, timeframe=MINUTES, compression=60, name="hour")
    cerebro.resampledata(data.copyas("copy"), timeframe=DAYS)
    cerebro.addstrategy(Reading)
    return cerebro


def nights(add: str, **frame: Any) -> Callable[[Side], Any]:
    """Return what resamples minutes between which nights and a weekend are missing, in sessions that end in the afternoon."""

    def build(side: Side) -> Any:
        bars = coarse_bars(4 * 48, period="30m")
        hours = (bars["start_ns"] // 3_600_000_000_000) % 24
        days = (bars["start_ns"] - START_NS) // 86_400_000_000_000
        cerebro = side.cerebro()
        data = side.feed(bars[(hours >= 9) & (hours < 16) & (days != 1)], "X", sessionstart=time(9, 0), sessionend=time(15, 30))
        cerebro.adddata(data)
        getattr(cerebro, add)(data, name="Y", **frame)
        cerebro.addstrategy(Reading)
        return cerebro

    return build


class Thrifty(bt.resamplerfilter.Resampler):  # type: ignore[misc]
    """Ends no bar before it has four."""

    def _barover(self, data: Any) -> Any:
        self.seen = getattr(self, "seen", 0) + 1
        return self.seen % 4 == 0 and super()._barover(data)


class Deaf:
    """A mixin of a feed that passes over every ninth bar."""

    def next(self, datamaster: Any = None, ticks: bool = True) -> Any:
        """Load a bar, and at times one more."""
        found = super().next(datamaster, ticks)  # type: ignore[misc]
        return super().next(datamaster, ticks) if found and len(self) % 9 == 8 else found  # type: ignore[misc, arg-type]


def layered(side: Side) -> Any:
    """Bars of bars: several frames of one feed, of a replayed one, and of one with a filter, one in a class of the user's."""
    cerebro = side.cerebro()
    data = side.feed(holes(160, 6, "5m"), "X")
    data.addfilter_simple(drop_small)
    cerebro.adddata(data)
    replayed = cerebro.replaydata(data, timeframe=MINUTES, compression=30, name="half an hour")
    cerebro.resampledata(replayed, timeframe=MINUTES, compression=60, name="an hour")
    cerebro.resampledata(data, timeframe=MINUTES, compression=20, rightedge=False, name="a third")
    thrifty = data.clone()
    thrifty.addfilter(Thrifty, timeframe=MINUTES, compression=15)
    cerebro.adddata(thrifty, name="thrifty")
    cerebro.addstrategy(Reading)
    return cerebro


def passed_over(side: Side) -> Any:
    """Two feeds that end at different times, bar by bar, one of a class with a `next` of its own, and a third in a zone of its own."""
    cerebro = side.cerebro(preload=False)
    first = side.feed(holes(90, 4, "15m"), "X")
    cerebro.adddata(first)
    second = side.feed(holes(70, 5, "15m"), "Y", todate=BEGIN + timedelta(hours=14))
    second.__class__ = type.__new__(type(type(second)), type(second).__name__, (Deaf, type(second)), {"__module__": __name__})
    cerebro.adddata(second)
    cerebro.resampledata(second, timeframe=MINUTES, compression=60, name="Z")
    cerebro.addstrategy(trading(limits, every=3))
    return cerebro


class Eastern(tzinfo):
    """Five hours behind UTC."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return timedelta(hours=-5)

    def dst(self, dt: datetime | None) -> timedelta:
        return timedelta(0)

    def localize(self, dt: datetime) -> datetime:
        """Return a time of this zone, as Backtrader asks for it."""
        return dt.replace(tzinfo=self)


EASTERN = Eastern()


def abroad(side: Side) -> Any:
    """Minutes to days in a time zone."""
    cerebro = side.cerebro()
    cerebro.resampledata(side.feed(coarse_bars(160, period="30m"), "X", tz=EASTERN), timeframe=DAYS, name="day")
    cerebro.addstrategy(Reading)
    return cerebro


def closing_early(add: str) -> Callable[[Side], Any]:
    """Return what resamples minutes to days by a calendar that knows a holiday and a short day."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        days = [BEGIN.date() + timedelta(days=n) for n in range(9)]
        short = [(days[2], time(0, 0), time(12, 0)), (days[6], time(0, 0), time(15, 30))]
        cerebro.addcalendar(bt.TradingCalendar(holidays=[date(2023, 11, 17)], earlydays=short))
        getattr(cerebro, add)(side.feed(coarse_bars(300, period="30m"), "X"), timeframe=DAYS, name="day")
        cerebro.addstrategy(Reading)
        return cerebro

    return build


SETUPS = [
    Setup("feeds of different length", several(trading(market), coarse_bars(150), holes(170, 5, "30m", skip=37)), FAST, told=True),
    Setup(
        "six feeds with holes", several(trading(targets, every=3, base=Plain), *(holes(100, n, "1h", 0.7, 5 * n) for n in range(6))), FAST
    ),
    Setup("a feed that ends early", several(Reading, coarse_bars(120), coarse_bars(70, 2)), FAST),
    Setup("two time frames", several(Reading, coarse_bars(140, 1, "1h"), coarse_bars(7, 2, "1d")), FAST),
    Setup("the longer time frame first", several(Reading, coarse_bars(7, 2, "1d"), coarse_bars(140, 1, "1h"), stdstats=False), FAST),
    Setup("three time frames", several(Reading, holes(90, 1, "1h"), coarse_bars(4, 2, "1d"), coarse_bars(180, 3)), FAST),
    Setup("minutes beside five minutes", framed("resampledata", "1m", 120, timeframe=MINUTES, compression=5), FAST, told=True),
    Setup("seconds to minutes", framed("resampledata", "1s", 400, timeframe=MINUTES, compression=1, both=False), FAST),
    Setup("minutes to days", framed("resampledata", "30m", 240, timeframe=DAYS, compression=1), FAST),
    Setup("hours to weeks", framed("resampledata", "4h", 150, strategy=trading(brackets), timeframe=WEEKS, compression=1), FAST),
    Setup("days to weeks", framed("resampledata", "1d", 90, timeframe=WEEKS, compression=1, both=False), FAST),
    Setup(
        "minutes to the left edge",
        framed("resampledata", "1m", 120, timeframe=MINUTES, compression=7, rightedge=False, boundoff=1),
        FAST,
    ),
    Setup(
        "minutes not on the edge",
        framed("resampledata", "1m", 120, timeframe=MINUTES, compression=4, bar2edge=False, adjbartime=False),
        FAST,
    ),
    Setup("ticks to seconds", ticks("resampledata", timeframe=SECONDS, compression=5), FAST),
    Setup("ticks to minutes", ticks("resampledata", timeframe=MINUTES, compression=1, takelate=False), FAST),
    Setup("ticks replayed as seconds", ticks("replaydata", timeframe=SECONDS, compression=10), FAST),
    Setup("ticks to milliseconds", ticks("resampledata", timeframe=MICROSECONDS, compression=250_000), FAST),
    Setup("days to months", framed("resampledata", "1d", 100, timeframe=MONTHS, both=False), FAST),
    Setup("days replayed as years", framed("replaydata", "1d", 110, strategy=trading(market, every=9), timeframe=YEARS), FAST),
    Setup("days to three days", framed("resampledata", "1d", 50, timeframe=DAYS, compression=3), FAST),
    Setup("minutes to days, over nights", nights("resampledata", timeframe=DAYS), FAST),
    Setup("minutes to hours, over nights", nights("resampledata", timeframe=MINUTES, compression=60), FAST),
    Setup("minutes replayed as hours, over nights", nights("replaydata", timeframe=MINUTES, compression=60, adjbartime=True), FAST),
    Setup("frames of frames", layered, FAST),
    Setup("a feed that passes bars over", passed_over, FAST),
    Setup("days in a zone", abroad, FAST),
    Setup("minutes replayed", framed("replaydata", "1m", 120, timeframe=MINUTES, compression=8, both=False), FAST),
    Setup(
        "minutes replayed as days",
        framed("replaydata", "1h", 200, strategy=trading(limits, every=3), timeframe=DAYS, both=False),
        FAST,
    ),
    Setup("days replayed as weeks", framed("replaydata", "1d", 80, timeframe=WEEKS, both=False), FAST),
    Setup("replayed beside the feed", framed("replaydata", "5m", 100, timeframe=MINUTES, compression=30), FAST),
    Setup("days by a calendar", closing_early("resampledata"), FAST),
    Setup("days replayed by a calendar", closing_early("replaydata"), FAST),
    Setup("between two dates", cut, FAST),
    Setup("one feed three times", twice, FAST),
    Setup("feeds in a chain", chained("chaindata"), LIVE),
    Setup(
        "feeds rolled over",
        chained("rolloverdata", checkdate=at_three, checkcondition=little_traded),
        LIVE,
    ),
    Setup("session filter", filtered("30m", 260, (bt.filters.SessionFilter, {}), sessionstart=time(8, 0), sessionend=time(17, 0)), FAST),
    Setup(
        "session filler",
        filtered("30m", 120, (bt.filters.SessionFiller, {}), keep=0.7, sessionstart=time(2, 0), sessionend=time(21, 0)),
        FAST,
    ),
    Setup("calendar days filled", filtered("1d", 60, (bt.filters.CalendarDays, {"fill_price": -1}), keep=0.6), FAST),
    Setup("Heikin-Ashi filter", filtered("1h", 150, (bt.filters.HeikinAshi, {})), FAST),
    Setup("Renko filter", filtered("1h", 200, (bt.filters.Renko, {"size": 0.75})), FAST),
    Setup("a day's bar in two parts", filtered("1d", 60, (bt.filters.DaySplitter_Close, {}), strategy=Reading), FAST),
    Setup("a filter of one's own", filtered("1h", 150, drop_small), FAST),
    Setup("a filter, then resampled", filtered("30m", 200, drop_small, (bt.resamplerfilter.Resampler, SPELLED)), FAST),
    Setup("a session, then resampled", filtered("30m", 90, (bt.filters.SessionFilter, {}), frame=HOURS, strategy=Reading), FAST),
    Setup("filled, then resampled", filtered("30m", 50, (bt.filters.SessionFiller, {}), frame=HOURS, strategy=Reading, keep=0.7), FAST),
    Setup("Heikin-Ashi, then resampled", filtered("30m", 90, (bt.filters.HeikinAshi, {}), frame=HOURS, strategy=Reading), FAST),
    Setup("Renko, then resampled", filtered("30m", 150, (bt.filters.Renko, {"size": 0.5}), frame=HOURS, strategy=Reading), FAST),
    Setup(
        "calendar days, then resampled",
        filtered("1d", 60, (bt.filters.CalendarDays, {"fill_price": -1}), frame={"timeframe": WEEKS}, strategy=Reading, keep=0.6),
        FAST,
    ),
]
