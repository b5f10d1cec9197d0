"""A feed of ticks: the store, a journal, the live bus; one by one, resampled and replayed as stock Backtrader does it."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed, as_backtrader
from gcg_quant.backtest.streaming.bar_rows import Place, rows_of
from gcg_quant.backtest.streaming.tick_rows import TickRows
from gcg_quant.bars import BarAggregator
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError
from gcg_quant.events import Bar, BarBasis, Fill, Quality, Tick, TradeTick, VolumeKind, World, from_array
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine import Strategy

TICKS = bt.TimeFrame.Ticks
SECOND_NS = 10**9


def random_trades(kit: ModuleType, count: int, seed: int = 1) -> Any:
    """Return trades at uneven times, several of which are the same."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, TradeTick.dtype)
    rows["event_ns"] = rows["recv_ns"] = kit.START_NS + np.cumsum(rng.choice([0, 250, 700, 4000, 61_000], count)) * 1_000_000
    same = np.append(False, rows["event_ns"][1:] == rows["event_ns"][:-1])
    for at in np.flatnonzero(same):
        rows["ordinal"][at] = rows["ordinal"][at - 1] + 1
    rows["price"] = 100 + np.cumsum(rng.integers(-2, 3, count)) * 0.25
    rows["size"] = rng.integers(1, 9, count)
    return rows


def random_ticks(kit: ModuleType, count: int, seed: int = 1) -> Any:
    """Return ticks with totals of two days, some without a last price, some suspicious."""
    trades = random_trades(kit, count, seed)
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, Tick.dtype)
    for name in Tick.dtype.names or ():
        if rows.dtype[name].kind == "f":
            rows[name] = math.nan
    for name in ("event_ns", "recv_ns", "ordinal"):
        rows[name] = trades[name]
    rows["last_price"] = np.where(rng.random(count) < 0.05, math.nan, trades["price"])
    rows["volume"] = np.cumsum(trades["size"])
    rows["volume"][count // 2 :] -= rows["volume"][count // 2 - 1]
    rows["trading_day"] = np.where(np.arange(count) < count // 2, 20240105, 20240108)
    rows["volume_kind"] = int(VolumeKind.DAY)
    rows["quality"] = np.where(rng.random(count) < 0.03, 1, int(Quality.NORMAL))
    rows["bid_price"], rows["ask_price"] = trades["price"] - 0.25, trades["price"] + 0.25
    rows["open_interest"] = 1000.0 + np.arange(count)
    return rows


def frame_of(trades: Any) -> pd.DataFrame:
    """Return trades as the frame that a user of stock Backtrader would make of them."""
    index = pd.to_datetime(trades["event_ns"])
    values: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close"), trades["price"].copy())
    return pd.DataFrame({**values, "volume": trades["size"].astype(float), "openinterest": math.nan}, index=index)


def stored(rows: Any) -> MemoryHistory:
    """Return a history that holds ticks or trades of X."""
    history = MemoryHistory()
    (history.add_trades if "price" in rows.dtype.names else history.add_ticks)("X", "SIM", rows.copy())
    return history


def publish(bus: EventBus, rows: Any, **options: Any) -> None:
    """Put ticks or trades of X on a bus."""
    rows = rows.copy()
    rows["instrument"] = bus.instruments.number("X", "SIM")
    bus.publish_batch(rows, **options)


class Trading(bt.Strategy):
    """Trades on every sort of bar, and notes all that it sees."""

    params = (("until", 0),)

    def __init__(self) -> None:
        self.average = bt.ind.SMA(self.data, period=3)
        self.seen: list[Any] = []

    def next(self) -> None:
        """Note, and trade the average."""
        data = self.data
        self.seen.append((len(self), *[line[0] for line in data.lines], self.average[0], self.broker.getvalue()))
        if not self.position and data.close[0] > self.average[0]:
            self.buy(exectype=bt.Order.Limit, price=data.close[0] - 0.25)
        elif self.position and data.close[0] < self.average[0]:
            self.close()
        if len(self.seen) == self.p.until:
            self.env.runstop()

    def notify_order(self, order: Any) -> None:
        """Note."""
        self.seen.append((order.ref, order.status, order.executed.dt, order.executed.price, order.executed.size))


def plain(cerebro: Any, feed: Any) -> None:
    """Add the ticks themselves."""
    cerebro.adddata(feed)


def seconds(cerebro: Any, feed: Any) -> None:
    """Add bars of five seconds."""
    cerebro.resampledata(feed, timeframe=bt.TimeFrame.Seconds, compression=5)


def minutes(cerebro: Any, feed: Any) -> None:
    """Add minutes, each shown as it grows."""
    cerebro.replaydata(feed, timeframe=bt.TimeFrame.Minutes)


def both(cerebro: Any, feed: Any) -> None:
    """Add the ticks, and minutes that are made of them."""
    cerebro.adddata(feed)
    cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes)


def run(cerebro: Any, feed: Any, add: Callable[[Any, Any], None]) -> list[Any]:
    """Return what Trading sees."""
    add(cerebro, feed)
    cerebro.addstrategy(Trading)
    bt.Order.refbasis = iter(range(1, 10**6))
    seen: list[Any] = cerebro.run()[0].seen
    return seen


@pytest.mark.parametrize("add", [plain, seconds, minutes, both])
@pytest.mark.parametrize("source", ["history", "journal", "array"])
def test_backtest_on_ticks_equals_stock_on_the_same_ticks(
    kit: ModuleType, bus: EventBus, source: str, add: Callable[[Any, Any], None]
) -> None:
    """Orders, values and bars are those of PandasData over the same trades, one by one, resampled and replayed."""
    trades = random_trades(kit, 250)
    if source == "history":
        given: dict[str, Any] = {"history": stored(trades)}
    elif source == "array":
        given = {"bars": trades}
    else:
        publish(bus, trades[100:])
        publish(bus, trades[:100], backfill=True)
        given = {"bus": bus}
    stock = run(bt.Cerebro(), bt.feeds.PandasData(dataname=frame_of(trades), timeframe=TICKS), add)
    ours = run(EventDrivenCerebro(), EventDrivenDataFeed(dataname="X", timeframe=TICKS, **given), add)
    assert len(stock) > 20
    assert repr(ours) == repr(stock)


def test_ticks_show_what_was_traded_since_the_one_before(kit: ModuleType) -> None:
    """The volume of a tick is the difference of the day's totals; ticks without a price and suspicious ones are passed over."""
    rows = random_ticks(kit, 300)
    feed = EventDrivenDataFeed(dataname="X", timeframe=TICKS, history=stored(rows))
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(feed)
    cerebro.run()
    good = rows[~np.isnan(rows["last_price"]) & (rows["quality"] == int(Quality.NORMAL))]
    assert 200 < len(good) < 300
    assert feed.lines.close.array.tolist() == good["last_price"].tolist()
    assert feed.lines.openinterest.array.tolist() == good["open_interest"].tolist()
    volumes = np.diff(good["volume"], prepend=good["volume"][0])
    (new_day,) = np.flatnonzero(np.diff(good["trading_day"])) + 1
    volumes[new_day] = good["volume"][new_day]
    assert feed.lines.volume.array.tolist() == volumes.tolist()


@pytest.mark.parametrize("basis", [None, BarBasis.LAST, BarBasis.BID, BarBasis.MID])
@pytest.mark.parametrize("kind", ["trades", "ticks", "mixed"])
def test_rows_are_taken_as_single_events_are(kit: ModuleType, bus: EventBus, kind: str, basis: BarBasis | None) -> None:
    """What a feed shows of a run of rows is what it shows of its events, late ones included."""
    trades, ticks = random_trades(kit, 120), random_ticks(kit, 120)
    for rows in (trades, ticks):
        rows["event_ns"][50], rows["event_ns"][80] = rows["event_ns"][40], rows["event_ns"][79] - 1
    with bus.reader() as singly, bus.reader() as in_runs:
        for at in range(0, 120, 40):
            for rows in (ticks, trades) if kind == "mixed" else (trades,) if kind == "trades" else (ticks,):
                publish(bus, rows[at : at + 40])
        one, other = (TickRows(Place("X", ""), basis, None, quotes=False) for _ in range(2))
        expected = [row for event in singly if (row := one.take(event)) is not None]
        found = []
        while (event := in_runs.read()) is not None:
            row = other.take(event)
            found += [] if row is None else [row]
            while True:  # a run of the same class, and what ended it
                rows, stopper = in_runs.read_run(type(event))  # type: ignore[arg-type]
                found += rows_of(other.take_all(rows, bus.instruments.name)[1]) if len(rows) else []
                if stopper is None:
                    break
                event = stopper
                row = other.take(event)
                found += [] if row is None else [row]
    assert repr(found) == repr(expected)
    assert one.skipped == other.skipped
    assert (len(found) > 0) == (kind != "trades" or basis in (None, BarBasis.LAST))


@pytest.mark.parametrize("numbered", [True, False])
def test_stored_ticks_go_over_into_live_without_gap_or_duplicate(kit: ModuleType, bus: EventBus, numbered: bool) -> None:
    """Stored trades, those that are on the bus only, and live ones follow one another, also where many have one time."""
    trades = random_trades(kit, 60)
    trades["event_ns"][15:50] = trades["event_ns"][15]
    trades["ordinal"] = 0
    if numbered:
        trades["ordinal"][15:50] = np.arange(35)
    publish(bus, trades[10:40])  # of these the store holds half
    feed = EventDrivenDataFeed(dataname="X", timeframe=TICKS, bus=bus, live=True, history=stored(trades[:25]), warmup="run")

    class Ending(Trading):
        def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
            if status == data.LIVE:
                publish(bus, trades[40:])

    cerebro = EventDrivenCerebro()
    cerebro.adddata(feed)
    cerebro.addstrategy(Ending, until=58 + 10**6)
    prices: list[float] = []
    cerebro.addstrategy(Noting, prices=prices, count=60)
    cerebro.run(stdstats=False)
    assert prices == trades["price"].tolist()


class Noting(bt.Strategy):
    """Notes closes, and ends the run after so many."""

    params = (("prices", None), ("count", 0))

    def next(self) -> None:
        """Note."""
        self.p.prices.append(self.data.close[0])
        if len(self.p.prices) == self.p.count:
            self.env.runstop()


def test_live_ticks_are_resampled_by_their_own_time(kit: ModuleType, bus: EventBus) -> None:
    """Seconds made of live ticks are those that a backtest makes; the machine's clock closes none."""
    trades = random_trades(kit, 200)
    stock = run(bt.Cerebro(), bt.feeds.PandasData(dataname=frame_of(trades), timeframe=TICKS), seconds)
    closes = [row[1] for row in stock if len(row) > 6]
    prices: list[float] = []

    class Ending(Noting):
        def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
            if status == data.LIVE:
                publish(bus, trades)

    cerebro = EventDrivenCerebro()
    feed = EventDrivenDataFeed(dataname="X", timeframe=TICKS, bus=bus, live=True, qcheck=0.001)
    seconds(cerebro, feed)
    cerebro.addstrategy(Ending, prices=prices, count=len(closes))
    cerebro.run(stdstats=False)
    assert prices[2:] == closes[: len(closes) - 2]


# ---- classes of ours


class OnTicks(Strategy):
    """Notes what it is brought, and trades the ticks."""

    seen: ClassVar[list[Any]] = []
    periods = ("1s",)

    def on_tick(self, tick: Tick) -> None:
        """Note, and trade every tenth."""
        self.seen.append(("tick", tick.event_ns, tick.last_price, tick.volume))
        if len(self.seen) % 10 == 0:
            (self.buy if self.position.is_flat else self.sell)(2.0)

    def on_trade(self, trade: TradeTick) -> None:
        """Note."""
        self.seen.append(("trade", trade.event_ns, trade.price, trade.size))

    def on_bar(self, bar: Bar) -> None:
        """Note."""
        self.seen.append((bar.period, bar.start_ns, bar.close, bar.volume))

    def on_fill(self, fill: Fill) -> None:
        """Note."""
        self.seen.append(("fill", fill.price, fill.quantity))


@pytest.mark.parametrize("word", ["tick", "trade"])
def test_class_of_ours_gets_ticks_and_the_bars_made_of_them(kit: ModuleType, word: str) -> None:
    """Under Backtrader a feed of stock's brings ticks, one of ours what it shows; the bars are those of the aggregator."""
    trades = random_trades(kit, 150)
    if word == "tick":
        feed: Any = bt.feeds.PandasData(dataname=frame_of(trades), timeframe=TICKS, name="X")
    else:
        feed = EventDrivenDataFeed(dataname="X", timeframe=TICKS, bars=trades)
    OnTicks.seen.clear()
    cerebro = EventDrivenCerebro()
    cerebro.adddata(feed, name="X")
    cerebro.addstrategy(as_backtrader(OnTicks))
    cerebro.run(stdstats=False)
    plain = [row for row in OnTicks.seen if row[0] == word]
    assert [row[2:] for row in plain] == list(zip(trades["price"].tolist(), trades["size"].tolist(), strict=True))
    maker = BarAggregator("1s")
    made = [bar for event in from_array(trades, "X", "") for bar in maker.update(event)]
    assert [row[2:] for row in OnTicks.seen if row[0] == "1s"] == [(bar.close, bar.volume) for bar in made]
    assert len(made) > 20
    assert (sum(row[0] == "fill" for row in OnTicks.seen) > 5) == (word == "tick")


def test_bars_of_a_symbol_come_once_where_a_feed_shows_them(kit: ModuleType) -> None:
    """Beside a feed of ticks one of the same symbol's minutes is where its bars come from."""
    trades = random_trades(kit, 60)
    OnTicks.seen.clear()
    cerebro = EventDrivenCerebro()
    feed = EventDrivenDataFeed(dataname="X", timeframe=TICKS, bars=trades)
    cerebro.adddata(feed)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", period="1s", bars=kit.random_bars(20, period="1s")), name="bars of X")
    cerebro.addstrategy(as_backtrader(OnTicks))
    cerebro.run(stdstats=False)
    assert [row[2] for row in OnTicks.seen if row[0] == "1s"] == kit.random_bars(20, period="1s")["close"].tolist()
    assert sum(row[0] == "trade" for row in OnTicks.seen) == 60


# ---- bad input


def test_feed_of_ticks_without_any_is_refused(kit: ModuleType, bus: EventBus) -> None:
    """No ticks at all, ticks out of order, and bars in the place of ticks get one sentence each."""
    history = stored(random_trades(kit, 5))
    with pytest.raises(BacktestError, match="no stored ticks of X in that range"):
        EventDrivenDataFeed(dataname="X", timeframe=TICKS, history=history, ticks="quotes").start()
    publish(bus, random_ticks(kit, 3))
    with pytest.raises(BacktestError, match="holds no trades of X"):
        EventDrivenDataFeed(dataname="X", timeframe=TICKS, bus=bus, ticks="trades").start()
    with pytest.raises(BacktestError, match="takes an array of Tick.dtype, TradeTick.dtype or Bar.dtype"):
        EventDrivenDataFeed(dataname="X", timeframe=TICKS, bars=np.zeros(3)).start()
    with pytest.raises(BacktestError, match="was given no ticks"):
        EventDrivenDataFeed(dataname="X", timeframe=TICKS, bars=random_trades(kit, 0)).start()
    with pytest.raises(BacktestError, match="The ticks of X hold .* out of order"):
        EventDrivenDataFeed(dataname="X", timeframe=TICKS, bars=random_trades(kit, 50)[::-1]).start()
    with pytest.raises(BacktestError, match="'auto', 'trades', 'quotes'"):
        EventDrivenDataFeed(dataname="X", timeframe=TICKS, bars=random_trades(kit, 5), ticks="quote")


def test_native_matching_asks_for_bars(kit: ModuleType, tmp_path: Any) -> None:
    """The paper gateway of a backtest matches on bars or a journal, not on a feed of ticks."""
    with EventBus(tmp_path / "own", world=World.BACKTEST, sync="none", page_mb=1) as own:
        cerebro = EventDrivenCerebro()
        cerebro.broker = EventDrivenBroker(matching="native", bus=own)
        cerebro.adddata(EventDrivenDataFeed(dataname="X", timeframe=TICKS, bars=random_trades(kit, 5)))
        cerebro.addstrategy(Trading)
        with pytest.raises(BacktestError, match="is a feed of ticks"):
            cerebro.run()
