"""The chart manager: history and live candles joined without a gap and without a double."""

from __future__ import annotations

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND, from_iso
from gcg_quant.errors import EventError, InstrumentError, StorageError
from gcg_quant.events import Bar, BarBasis, Tick
from gcg_quant.history import MemoryHistory, RecordArray
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_ns
from gcg_quant.visualization.charts import ChartManager
from gcg_quant.visualization.series.markets import Markets

TEN = from_iso("2026-11-20 10:00:00")


def stored_bars(first_ns: int, closes: list[float], period: str = "1m", basis: BarBasis = BarBasis.LAST) -> RecordArray:
    """Return bars that follow each other without a hole."""
    length = period_ns(period)
    bars = np.zeros(len(closes), Bar.dtype)
    bars["start_ns"] = first_ns + np.arange(len(closes)) * length
    bars["event_ns"] = bars["start_ns"] + length
    for name in ("open", "high", "low", "close"):
        bars[name] = closes
    bars["volume"], bars["period"], bars["basis"] = 1.0, period.encode(), basis
    return bars


@pytest.fixture
def markets(bus: EventBus) -> Markets:
    """Return the markets of a bus with one instrument, read from its beginning."""
    bus.instruments.add(Instrument(symbol="X", venue="V", tick_size=0.01))
    opened = Markets()
    opened.open(bus.instruments, 0)
    return opened


def live(markets: Markets, at_ns: int, price: float) -> None:
    """Let a tick pass by the views, as the bridge does."""
    with markets.lock:
        markets.position += 1
        markets.named("X@V").on_tick(Tick(symbol="X", venue="V", event_ns=at_ns, last_price=price))


def history_of(closes: list[float], first_ns: int = TEN, period: str = "1m") -> MemoryHistory:
    """Return a history with bars of X."""
    history = MemoryHistory()
    history.add_bars("X", "V", stored_bars(first_ns, closes, period))
    return history


def test_changed_terms_take_a_row_but_no_number(bus: EventBus, markets: Markets) -> None:
    """The instruments of the page are those with a number of their own, with their newest terms."""
    bus.instruments.add(Instrument(symbol="X", venue="V", tick_size=0.05))
    bus.instruments.add(Instrument(symbol="Y", venue="V"))
    assert [(view.name, view.instrument.tick_size) for view in markets.take_changed()] == [("X@V", 0.05), ("Y@V", 1e-8)]


def test_history_goes_over_into_live_without_gap_or_double(markets: Markets) -> None:
    """Stored minutes are followed by live ones; the minute that both know stands once, as live saw it."""
    charts = ChartManager(markets, history_of([1, 2, 3]))
    for second, price in ((0, 3.0), (30, 3.5), (61, 4.0)):
        live(markets, TEN + 2 * NS_PER_MINUTE + second * NS_PER_SECOND, price)
    window = charts.open("X@V", "1m")
    times = [candle.time for candle in window.candles]
    assert times == [TEN // NS_PER_SECOND + at * 60 for at in range(4)]
    assert [candle.close for candle in window.candles] == [1, 2, 3.5, 4]
    assert window.through == 3
    assert window.since is None


def test_live_goes_on_after_the_answer(markets: Markets) -> None:
    """What changes after the answer is told once by the watch, beginning at the answer's event."""
    charts = ChartManager(markets, history_of([1, 2]))
    live(markets, TEN + 2 * NS_PER_MINUTE, 5.0)
    window = charts.open("X@V", "1m")
    view = markets.named("X@V")
    watch = view.watches["1m"]
    assert watch.through == window.through
    assert watch.take(view.candles) == []
    live(markets, TEN + 2 * NS_PER_MINUTE + 1, 6.0)
    assert [candle.close for candle in watch.take(view.candles)] == [6.0]
    live(markets, TEN + 2 * NS_PER_MINUTE + 2, 6.0)
    assert [candle.close for candle in watch.take(view.candles)] == []


def test_unfinished_hour_is_seeded_from_stored_minutes(markets: Markets) -> None:
    """The candle of an hour that began before anything was seen live holds its stored minutes, too."""
    charts = ChartManager(markets, history_of([10, 20, 5, 8]))
    live(markets, TEN + 4 * NS_PER_MINUTE, 9.0)
    candles = charts.open("X@V", "1h").candles
    assert [candle[2:] for candle in candles] == [(10, 20, 5, 9, 4.0)]
    view = markets.named("X@V")
    live(markets, TEN + 4 * NS_PER_MINUTE + 1, 25.0)
    assert [candle.high for candle in view.watches["1h"].take(view.candles)] == [25.0]


def test_days_are_made_of_hours_where_nothing_shorter_comes(markets: Markets) -> None:
    """A bus that carries hours alone moves the day's candle, too; a day that began before is told once its stored hours are known."""
    charts = ChartManager(markets, history_of([10, 20, 5, 8], period="1h"))
    view = markets.named("X@V")

    def hour(number: int, close: float) -> None:
        begin = TEN + number * 60 * NS_PER_MINUTE
        end = begin + 60 * NS_PER_MINUTE
        with markets.lock:
            view.on_bar(
                Bar(
                    symbol="X", venue="V", period="1h", start_ns=begin, end_ns=end, open=close, high=close, low=close, close=close, volume=1
                )
            )

    charts.open("X@V", "1d")
    hour(4, 9.0)
    assert view.watches["1d"].take(view.candles) == []  # the hours before are stored, and not read yet
    candles = charts.open("X@V", "1d").candles
    assert [candle[2:] for candle in candles] == [(10, 20, 5, 9, 5.0)]
    hour(5, 25.0)
    assert [candle[2:] for candle in view.watches["1d"].take(view.candles)] == [(10, 25, 5, 25, 6.0)]


def test_late_bars_do_not_remake_old_candles_of_their_parts(markets: Markets) -> None:
    """A bar of the past changes no longer candle before the one that is in the making: most of its parts are not in memory."""
    charts = ChartManager(markets, history_of([1, 2, 3, 4]))
    live(markets, TEN + 61 * NS_PER_MINUTE, 9.0)
    assert [candle.close for candle in charts.open("X@V", "1h").candles] == [4, 9]
    late = Bar(symbol="X", venue="V", period="1m", start_ns=TEN, end_ns=TEN + NS_PER_MINUTE, open=1, high=1, low=1, close=1)
    view = markets.named("X@V")
    view.on_bar(late)
    live(markets, TEN + 62 * NS_PER_MINUTE, 10.0)
    assert [candle.close for candle in view.watches["1h"].take(view.candles)] == [10.0]


def test_continuing_question_gets_only_what_is_missing(markets: Markets) -> None:
    """`since` repeats the newest bar of the page and what came after it; one that is too old starts anew."""
    charts = ChartManager(markets, history_of([1, 2, 3, 4]))
    since = TEN // NS_PER_SECOND + 120
    window = charts.open("X@V", "1m", since)
    assert window.since == since
    assert [candle.close for candle in window.candles] == [3, 4]
    assert charts.open("X@V", "1m", 1).since is None


def test_pages_of_older_bars_join_without_gap(markets: Markets) -> None:
    """Paging back by the oldest bar's time meets every bar once and says when there are no more."""
    closes = [float(at) for at in range(25)]
    charts = ChartManager(markets, history_of(closes))
    found: list[float] = []
    before, more = None, True
    while more:
        window = charts.page("X@V", "1m", before, 10)
        found = [candle.close for candle in window.candles] + found
        before, more = window.candles[0].time, window.more
    assert found == closes


def test_daily_pages_follow_trading_days(markets: Markets) -> None:
    """Daily bars page back by the dates at which they stand."""
    charts = ChartManager(markets, history_of([1, 2, 3], from_iso("2026-11-16"), "1d"))
    window = charts.page("X@V", "1d", from_iso("2026-11-18") // NS_PER_SECOND, 10)
    assert [candle.close for candle in window.candles] == [1, 2]


def test_currencies_without_last_prices_show_their_middle(markets: Markets) -> None:
    """Where no bars of last prices are stored, those of the mean or the bid are shown."""
    history = MemoryHistory()
    history.add_bars("X", "V", stored_bars(TEN, [1.0, 2.0], basis=BarBasis.BID))
    assert len(ChartManager(markets, history).page("X@V", "1m").candles) == 2


def test_stored_symbol_is_shown_without_the_bus(markets: Markets) -> None:
    """An instrument that only the history knows can be looked at."""
    history = MemoryHistory()
    history.add_bars("OLD", "V", stored_bars(TEN, [7.0]))
    charts = ChartManager(markets, history)
    assert [candle.close for candle in charts.open("OLD@V", "1m").candles] == [7.0]
    assert {view.name for view in charts.views()} == {"X@V", "OLD@V"}


def test_unknown_instrument_names_the_nearest(markets: Markets) -> None:
    """A wrong name is refused with the one that was probably meant."""
    with pytest.raises(InstrumentError, match="Did you mean 'X@V'"):
        ChartManager(markets).open("X@W", "1m")


def test_bad_period_is_refused(markets: Markets) -> None:
    """A period that is none is refused before anything is watched."""
    with pytest.raises(EventError, match="not a bar period"):
        ChartManager(markets).open("X@V", "7 minutes")
    assert markets.named("X@V").watches == {}


def test_failing_history_ends_the_watch(markets: Markets) -> None:
    """If the history cannot be read the question fails, and nobody watches."""

    class Broken(MemoryHistory):
        def bars(self, *args: object, **options: object) -> RecordArray:  # type: ignore[override]
            raise StorageError("The database is away.")

    with pytest.raises(StorageError):
        ChartManager(markets, Broken()).open("X@V", "1m")
    assert markets.named("X@V").watches == {}


def test_watch_ends_with_its_last_page(markets: Markets) -> None:
    """Two pages share a watch; it ends when both have left."""
    charts = ChartManager(markets)
    charts.open("X@V", "1m")
    charts.open("X@V", "1m")
    charts.close("X@V", "1m")
    assert markets.named("X@V").watches["1m"].pages == 1
    charts.close("X@V", "1m")
    assert markets.named("X@V").watches == {}
    charts.close("gone", "1m")
