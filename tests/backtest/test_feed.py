"""The feed: stored history, a journal, live, and history that goes over into live."""

from __future__ import annotations

import math
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from patience import within

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, EventError, InstrumentError
from gcg_quant.events import Bar, BarBasis


class Seen(bt.Strategy):
    """Notes every bar it is called for."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []
        self.statuses: list[str] = []
        self.total = 0

    def next(self) -> None:
        """Note the bar."""
        data = self.data
        self.rows.append((data.datetime[0], data.open[0], data.high[0], data.low[0], data.close[0], data.volume[0], data.openinterest[0]))

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        """Note a status."""
        self.statuses.append(data._getstatusname(status))


def run_once(feed: Any, cerebro: Any = None, **options: Any) -> Seen:
    """Run Seen over one feed."""
    cerebro = cerebro or bt.Cerebro(stdstats=False)
    cerebro.adddata(feed)
    cerebro.addstrategy(Seen)
    strategy: Seen = cerebro.run(**options)[0]
    return strategy


def lines_of(feed: Any) -> dict[str, bytes]:
    """Return the bytes of every line of a feed."""
    return {alias: getattr(feed.lines, alias).array.tobytes() for alias in feed.getlinealiases()}


@pytest.mark.parametrize("options", [{}, {"runonce": False}, {"preload": False}, {"exactbars": 1}])
def test_history_feed_equals_pandas_feed(kit: ModuleType, options: dict[str, Any]) -> None:
    """A feed over stored history shows the same bars, bit for bit, as PandasData over the same frame, in every mode of Cerebro."""
    bars = kit.random_bars(500)
    stock = run_once(bt.feeds.PandasData(dataname=kit.frame_of(bars), timeframe=bt.TimeFrame.Minutes), **options)
    ours = run_once(EventDrivenDataFeed(dataname="X", history=kit.stored(bars)), **options)
    assert np.array(ours.rows).tobytes() == np.array(stock.rows).tobytes()


def test_preloaded_lines_equal_those_of_stock_preload(kit: ModuleType) -> None:
    """Loading all bars in one piece leaves the same bytes, length and index in each line as Backtrader's own way."""
    bars = kit.random_bars(300)
    ours = EventDrivenDataFeed(dataname="X", bars=bars)
    stock = bt.feeds.PandasData(dataname=kit.frame_of(bars), timeframe=bt.TimeFrame.Minutes)
    run_once(ours)
    run_once(stock)
    assert lines_of(ours) == lines_of(stock)
    assert [(line.idx, len(line), line.buflen()) for line in ours.lines] == [(line.idx, len(line), line.buflen()) for line in stock.lines]


def test_date_range_of_backtrader_still_works(kit: ModuleType) -> None:
    """fromdate and todate cut the feed as they cut any other."""
    bars = kit.random_bars(300)
    frame = kit.frame_of(bars)
    span = {"fromdate": frame.index[50].to_pydatetime(), "todate": frame.index[99].to_pydatetime()}
    seen = run_once(EventDrivenDataFeed(dataname="X", bars=bars, **span))
    assert len(seen.rows) == 50
    assert seen.rows[0][4] == bars["close"][50]


def test_resampled_feed_equals_resampled_pandas_feed(kit: ModuleType) -> None:
    """Backtrader's own resampling sees no difference."""
    bars = kit.random_bars(240)

    def resampled(feed: Any) -> bytes:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes, compression=15)
        cerebro.addstrategy(Seen)
        return np.array(cerebro.run()[0].rows).tobytes()

    stock = bt.feeds.PandasData(dataname=kit.frame_of(bars), timeframe=bt.TimeFrame.Minutes)
    assert resampled(EventDrivenDataFeed(dataname="X", bars=bars)) == resampled(stock)


def test_timeframe_follows_the_period(kit: ModuleType) -> None:
    """The period sets timeframe and compression; what is given by hand wins."""
    feed = EventDrivenDataFeed(dataname="X", period="2h", bars=kit.random_bars(1))
    assert (feed._timeframe, feed._compression) == (bt.TimeFrame.Minutes, 120)
    feed = EventDrivenDataFeed(dataname="X", period="1d", bars=kit.random_bars(1), timeframe=bt.TimeFrame.Weeks, compression=2)
    assert (feed._timeframe, feed._compression) == (bt.TimeFrame.Weeks, 2)


def test_stamp_end_shows_the_end_of_the_bar(kit: ModuleType) -> None:
    """With stamp="end" the time of a bar is where it ends."""
    bars = kit.random_bars(3)
    seen = run_once(EventDrivenDataFeed(dataname="X", bars=bars, stamp="end"))
    assert [bt.num2date(row[0]).minute for row in seen.rows] == [1, 2, 3]


def test_bounds_are_exact_nanoseconds(kit: ModuleType) -> None:
    """The feed knows where the bar it shows begins and ends, to the nanosecond."""
    bars = kit.random_bars(5)
    bars["start_ns"] += 123_456_789
    found: list[tuple[int, int]] = []

    class Bounds(bt.Strategy):
        def next(self) -> None:
            found.append(self.data.bounds_ns())

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=bars))
    cerebro.addstrategy(Bounds)
    cerebro.run()
    assert found == list(zip(bars["start_ns"].tolist(), bars["event_ns"].tolist(), strict=True))


def publish(bus: EventBus, bars: Any, symbol: str = "X", venue: str = "SIM", **options: Any) -> None:
    """Put bars on a bus."""
    rows = bars.copy()
    rows["instrument"] = bus.instruments.number(symbol, venue)
    bus.publish_batch(rows, **options)


def test_journal_feed_shows_all_bars_of_its_symbol(kit: ModuleType, bus: EventBus) -> None:
    """A feed over a recorded journal shows every bar of its symbol and period, filled-in history included, in the order of time."""
    bars = kit.random_bars(100)
    publish(bus, bars[50:])
    publish(bus, kit.random_bars(30, seed=2), symbol="Y")
    publish(bus, kit.random_bars(30, seed=3, period="1h"))
    publish(bus, bars[:50], backfill=True)
    seen = run_once(EventDrivenDataFeed(dataname="X", bus=bus))
    assert [row[4] for row in seen.rows] == bars["close"].tolist()


def test_journal_feed_takes_the_first_of_two_versions_of_a_bar(kit: ModuleType, bus: EventBus) -> None:
    """Where a bar was corrected later, the journal feed shows what a strategy saw at the time."""
    bars = kit.random_bars(10)
    publish(bus, bars)
    corrected = bars[4:5].copy()
    corrected["close"] += 1.0
    corrected["revision"] = 1
    publish(bus, corrected)
    seen = run_once(EventDrivenDataFeed(dataname="X", bus=bus))
    assert [row[4] for row in seen.rows] == bars["close"].tolist()


def test_auto_basis_takes_the_first_that_there_is(kit: ModuleType) -> None:
    """A symbol without last prices is shown by its middle, bid or ask bars; a basis can also be chosen."""
    history = kit.stored(kit.random_bars(5, basis=int(BarBasis.BID)))
    history.add_bars("X", "SIM", kit.random_bars(5, seed=2, basis=int(BarBasis.ASK)))
    bid = run_once(EventDrivenDataFeed(dataname="X", history=history))
    ask = run_once(EventDrivenDataFeed(dataname="X", history=history, basis="ask"))
    assert bid.rows[0][4] == kit.random_bars(5)["close"][0]
    assert ask.rows[0][4] == kit.random_bars(5, seed=2)["close"][0]


# ---- live


class LiveSeen(Seen):
    """Notes live bars and ends the run after `count` of them."""

    params = (("count", 3),)

    def __init__(self) -> None:
        super().__init__()
        self.started: list[str] = []
        self.average = bt.ind.SMA(period=3)

    def prenext(self) -> None:
        """Note the call."""
        self.started.append("prenext")

    def nextstart(self) -> None:
        """Note the call and the bar."""
        self.started.append("nextstart")
        self.next()

    def next(self) -> None:
        """Note the bar, and end the run after enough of them."""
        super().next()
        if len(self.rows) >= self.p.count:
            self.env.stop()


def wait_for(condition: Any, timeout_s: float = 60.0) -> None:
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.005)


def live_run(feeds: list[Any], count: int = 3, strategy: type = LiveSeen, **options: Any) -> tuple[Any, Any]:
    """Start a live run in a thread; return the cerebro and a function that waits for its strategy."""
    cerebro = EventDrivenCerebro()
    for feed in feeds:
        cerebro.adddata(feed)
    cerebro.addstrategy(strategy, count=count)
    cerebro.start(stdstats=False, **options)
    wait_for(lambda: all(feed._laststatus == feed.LIVE for feed in feeds))
    return cerebro, lambda: cerebro.wait(60.0)[0]


def test_live_feed_delivers_bars_as_they_come(kit: ModuleType, bus: EventBus) -> None:
    """A live feed without history is LIVE at once and shows each bar that is published."""
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True)
    _, finish = live_run([feed], count=2)
    for number in range(4):
        bus.publish(kit.make_bar(kit.START_NS + number * 10**9, 100.0 + number))
    seen = finish()
    assert [row[4] for row in seen.rows] == [102.0, 103.0]
    assert seen.started == ["prenext", "prenext", "nextstart"]
    assert seen.statuses == ["DELAYED", "LIVE", "DISCONNECTED"]


def test_history_goes_over_into_live_without_gap_or_duplicate(kit: ModuleType, bus: EventBus) -> None:
    """Stored bars, bars that are on the bus but not stored yet, and live bars follow one another, each once."""
    bars = kit.random_bars(60, period="1s")
    publish(bus, bars[20:50])  # of these the store holds but the first twenty
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True, history=kit.stored(bars[:40]), warmup="run")
    _, finish = live_run([feed], count=58)
    publish(bus, bars[45:60])
    seen = finish()
    assert [row[4] for row in seen.rows] == bars["close"][2:].tolist()


def test_quiet_warmup_fills_the_lines_but_calls_nothing(kit: ModuleType, bus: EventBus) -> None:
    """With a quiet warm-up the strategy's first call is nextstart at the first live bar, with indicators that know the history."""
    bars = kit.random_bars(43, period="1s")
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True, history=kit.stored(bars[:40]))
    _, finish = live_run([feed])
    publish(bus, bars[40:])
    seen = finish()
    assert seen.started == ["nextstart"]
    assert [row[4] for row in seen.rows] == bars["close"][40:].tolist()
    assert len(seen) == 43
    assert seen.average[0] == math.fsum(bars["close"][40:43]) / 3


def test_quiet_warmup_calls_nextstart_once_even_without_history(kit: ModuleType, bus: EventBus) -> None:
    """Where the minimum period is met by live bars alone, prenext and nextstart come as in any run."""
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True, history=kit.stored(kit.random_bars(1, period="1s")))
    _, finish = live_run([feed])
    publish(bus, kit.random_bars(10, period="1s")[1:])
    assert finish().started == ["prenext", "nextstart"]


def test_analyzers_do_not_see_the_quiet_warmup(kit: ModuleType, bus: EventBus) -> None:
    """An analyzer counts live bars only."""

    class Count(bt.Analyzer):
        def start(self) -> None:
            self.calls = 0

        def next(self) -> None:
            self.calls += 1

    bars = kit.random_bars(43, period="1s")
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True, history=kit.stored(bars[:40]))
    cerebro = EventDrivenCerebro()
    cerebro.adddata(feed)
    cerebro.addstrategy(LiveSeen)
    cerebro.addanalyzer(Count)
    cerebro.start(stdstats=True)
    wait_for(lambda: feed._laststatus == feed.LIVE)
    publish(bus, bars[40:])
    strategy = cerebro.wait(60.0)[0]
    assert strategy.analyzers.count.calls == 3
    assert len(strategy.observers.broker) == 43


def test_two_live_feeds_share_a_reader_and_wait_for_each_other(kit: ModuleType, bus: EventBus) -> None:
    """The warm-up ends when both feeds are live, and both deliver."""
    left, right = kit.random_bars(30, period="1s"), kit.random_bars(30, seed=2, period="1s")
    feeds = [
        EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True, history=kit.stored(left[:20])),
        EventDrivenDataFeed(dataname="Y", period="1s", bus=bus, live=True, history=kit.stored(right[:25], symbol="Y")),
    ]

    class Both(bt.Strategy):
        params = (("count", 5),)

        def __init__(self) -> None:
            self.pairs: dict[float, tuple[float, float]] = {}

        def next(self) -> None:
            self.pairs[max(self.data0.datetime[0], self.data1.datetime[0])] = (self.data0.close[0], self.data1.close[0])
            if self.data0.close[0] == left["close"][29] and self.data1.close[0] == right["close"][29]:
                self.env.stop()

    _, finish = live_run(feeds, strategy=Both)
    assert len({id(feed._stream) for feed in feeds}) == 1
    for number in range(20, 30):
        publish(bus, left[number : number + 1])
        if number >= 25:
            publish(bus, right[number : number + 1], symbol="Y")
    pairs = list(finish().pairs.values())
    assert pairs[-5:] == list(zip(left["close"][25:].tolist(), right["close"][25:].tolist(), strict=True))


def test_late_and_repeated_live_bars_are_passed_over(kit: ModuleType, bus: EventBus) -> None:
    """A live bar that starts at or before one already shown is skipped and counted."""
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True)
    _, finish = live_run([feed], count=2)
    for number in (0, 1, 1, 0, 2, 3):
        bus.publish(kit.make_bar(kit.START_NS + number * 10**9, 100.0 + number))
    seen = finish()
    assert [row[4] for row in seen.rows] == [102.0, 103.0]
    assert feed.skipped == 2


def test_backfilled_history_does_not_reach_a_live_feed(kit: ModuleType, bus: EventBus) -> None:
    """History that is filled in on the live bus while the feed is live is not taken for news."""
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True)
    _, finish = live_run([feed], count=1)
    publish(bus, kit.random_bars(5, period="1s"), backfill=True)
    for number in range(10, 13):
        bus.publish(kit.make_bar(kit.START_NS + number * 10**9, 100.0 + number))
    assert [row[4] for row in finish().rows] == [112.0]


def test_live_run_stops_within_a_second(kit: ModuleType, bus: EventBus) -> None:
    """stop() ends a run that waits for bars."""
    feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True)
    cerebro, finish = live_run([feed])
    begin = time.monotonic()
    cerebro.stop()
    finish()
    assert time.monotonic() - begin < within(1.0, 8.0)


# ---- bad input


def test_feed_without_a_source_is_refused(kit: ModuleType) -> None:
    """A feed needs exactly one source."""
    with pytest.raises(BacktestError, match="needs one of history, bus or bars, and got none"):
        EventDrivenDataFeed(dataname="X")
    with pytest.raises(BacktestError, match="got history and bars"):
        EventDrivenDataFeed(dataname="X", bars=kit.random_bars(2), history=kit.stored(kit.random_bars(2)))


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("stamp", "middle", "'start', 'end'"),
        ("warmup", "loud", "'quiet', 'run'"),
        ("basis", "lats", "Did you mean 'last'"),
        ("dataname", 7, "symbol"),
    ],
)
def test_wrong_option_is_named(kit: ModuleType, option: str, value: object, words: str) -> None:
    """An option that makes no sense is refused with what is allowed."""
    with pytest.raises(BacktestError, match=words):
        EventDrivenDataFeed(**{"dataname": "X", "bars": kit.random_bars(2), option: value})


def test_wrong_period_is_refused(kit: ModuleType) -> None:
    """A period that is none is refused."""
    with pytest.raises(EventError, match="not a bar period"):
        EventDrivenDataFeed(dataname="X", period="5x", bars=kit.random_bars(2))


def test_misspelt_parameter_names_the_nearest(kit: ModuleType) -> None:
    """A keyword that is no parameter is refused."""
    with pytest.raises(BacktestError, match="EventDrivenDataFeed has no parameter 'preiod'. Did you mean 'period'"):
        EventDrivenDataFeed(dataname="X", bars=kit.random_bars(2), preiod="1m")


def test_live_feed_without_a_bus_is_refused() -> None:
    """A live feed needs a bus."""
    with pytest.raises(BacktestError, match="needs a bus"):
        EventDrivenDataFeed(dataname="X", live=True)


def test_unknown_symbol_names_the_nearest(kit: ModuleType, bus: EventBus) -> None:
    """A symbol that is not stored, or not in the journal, is refused with the nearest one."""
    history = kit.stored(kit.random_bars(2), symbol="BTC/USDT")
    with pytest.raises((BacktestError, InstrumentError), match="BTC/USDT"):
        run_once(EventDrivenDataFeed(dataname="BTC/USD", history=history))
    publish(bus, kit.random_bars(2), symbol="BTC/USDT")
    with pytest.raises((BacktestError, InstrumentError), match="BTC/USDT"):
        run_once(EventDrivenDataFeed(dataname="BTC/USD", bus=bus))


def test_no_bars_of_that_period_is_said(kit: ModuleType) -> None:
    """A symbol that is stored with another period only gets its own sentence."""
    with pytest.raises(BacktestError, match="no stored 1h bars of X"):
        run_once(EventDrivenDataFeed(dataname="X", period="1h", history=kit.stored(kit.random_bars(3))))


@pytest.mark.parametrize(("at", "step", "words"), [(3, 0, "twice"), (3, -120, "out of order")])
def test_bars_out_of_order_are_refused(kit: ModuleType, at: int, step: int, words: str) -> None:
    """Bars that do not rise in time are refused, naming the first bad one."""
    bars = kit.random_bars(6)
    bars["start_ns"][at] = bars["start_ns"][at - 1] + step * 10**9
    with pytest.raises(BacktestError, match=words):
        run_once(EventDrivenDataFeed(dataname="X", bars=bars))


@pytest.mark.parametrize("price", [math.nan, math.inf])
def test_bars_without_prices_are_refused(kit: ModuleType, price: float) -> None:
    """Prices that are no numbers are refused, with how many there are."""
    bars = kit.random_bars(6)
    bars["low"][2:4] = price
    with pytest.raises(BacktestError, match="2 of 6 bars lack one"):
        run_once(EventDrivenDataFeed(dataname="X", bars=bars))


def test_no_bars_at_all_are_refused(kit: ModuleType) -> None:
    """An empty array is no run of nothing but a mistake."""
    with pytest.raises(BacktestError, match="The feed of X was given no bars"):
        run_once(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(0)))


def test_journal_folder_that_is_none_is_refused(tmp_path: Path, bus: EventBus, kit: ModuleType) -> None:
    """An empty journal says that it holds no such bars."""
    publish(bus, kit.random_bars(3))
    with pytest.raises(BacktestError, match="holds no 1h bars of X"):
        run_once(EventDrivenDataFeed(dataname="X", period="1h", bus=bus))


def test_bar_records_carry_what_the_feed_shows(kit: ModuleType) -> None:
    """The test's own bars are real records."""
    assert isinstance(kit.make_bar(kit.START_NS, 1.0), Bar)
