"""Bars: one aggregator for ticks, trades and bars."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from gcg_quant.bars import BarAggregator
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_SECOND, from_iso
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, BarBasis, BarOrigin, Quality, Tick, TradeTick, VolumeKind

NAN = math.nan
START = from_iso("2024-11-04T10:00Z")


def tick(second: float, price: float = NAN, **fields: Any) -> Tick:
    """Return a tick so many seconds after START."""
    return Tick(symbol="X", venue="T", event_ns=START + round(second * NS_PER_SECOND), last_price=price, **fields)


def day_tick(second: float, price: float, volume: float, day: int = 0) -> Tick:
    """Return a tick with the day's volume so far."""
    return tick(second, price, volume=volume, turnover=volume * 2, volume_kind=VolumeKind.DAY, trading_day=day)


def trade(second: float, price: float, size: float = 1.0, **fields: Any) -> TradeTick:
    """Return a trade so many seconds after START."""
    return TradeTick(symbol="X", venue="T", event_ns=START + round(second * NS_PER_SECOND), price=price, size=size, **fields)


def feed(aggregator: BarAggregator, *events: Any) -> list[Bar]:
    """Return the bars that these events finish."""
    return [bar for event in events for bar in aggregator.update(event)]


def ohlc(bar: Bar | None) -> tuple[float, float, float, float]:
    """Return the four prices of a bar."""
    assert bar is not None
    return bar.open, bar.high, bar.low, bar.close


def same(one: float, other: float) -> bool:
    """Return whether two numbers are equal, NaN included."""
    return one == other or (math.isnan(one) and math.isnan(other))


def texts(bars: list[Bar]) -> list[str]:
    """Return bars as texts, by which NaN is equal to itself."""
    return [repr(one.to_dict()) for one in bars]


def test_ticks_make_bars() -> None:
    """A tick of the next interval finishes the bar; an interval without ticks has none."""
    aggregator = BarAggregator("1m")
    bars = feed(aggregator, tick(0, 10), tick(20, 12), tick(40, 9), tick(59.999999999, 11), tick(190, 20), tick(240, 5))
    assert [ohlc(bar) for bar in bars] == [(10, 12, 9, 11), (20, 20, 20, 20)]
    first = bars[0]
    assert (first.start_ns, first.end_ns, first.event_ns) == (START, START + 60 * NS_PER_SECOND, START + 60 * NS_PER_SECOND)
    assert (first.symbol, first.venue, first.period, first.count) == ("X", "T", "1m", 4)
    assert (first.basis, first.origin) == (BarBasis.LAST, BarOrigin.AGGREGATED)
    assert bars[1].start_ns == START + 180 * NS_PER_SECOND
    assert ohlc(aggregator.current) == (5, 5, 5, 5)


def test_missing_and_suspicious_prices_are_passed_over() -> None:
    """A quote without a last price and a print that the source doubts change nothing."""
    aggregator = BarAggregator("1m")
    assert feed(aggregator, tick(1), tick(2, 99, quality=Quality.SUSPICIOUS), trade(3, NAN)) == []
    assert aggregator.current is None
    assert aggregator.end_ns == 0


def test_cumulative_volume_becomes_what_was_traded() -> None:
    """The first total is the baseline; after it the increases count, also across bars."""
    aggregator = BarAggregator("1m")
    bars = feed(aggregator, day_tick(0, 10, 1000), day_tick(10, 10, 1005), day_tick(70, 10, 1025), day_tick(130, 10, 1025))
    assert [bar.volume for bar in bars] == [5, 20]
    assert [bar.turnover for bar in bars] == [10, 40]
    assert aggregator.current is not None
    assert aggregator.current.volume == 0


def test_first_tick_alone_has_no_known_volume() -> None:
    """With one total nobody knows what was traded: the volume is absent, not 0."""
    aggregator = BarAggregator("1m")
    aggregator.update(day_tick(0, 10, 1000))
    assert aggregator.current is not None
    assert math.isnan(aggregator.current.volume)


def test_volume_begins_anew_on_a_new_trading_day() -> None:
    """The new day's first total counts whole, even if it is larger than the last one."""
    aggregator = BarAggregator("1h")
    bars = feed(
        aggregator,
        day_tick(0, 10, 100, 20241104),
        day_tick(1, 10, 110, 20241104),
        day_tick(3600, 10, 300, 20241105),
        day_tick(7200, 10, 300, 20241105),
    )
    assert [(bar.volume, bar.trading_day) for bar in bars] == [(10, 20241104), (300, 20241105)]


def test_falling_volume_is_a_reset_or_a_correction() -> None:
    """Where no trading day is told, a total that falls began anew; within a told day it was corrected."""
    untold = BarAggregator("1h")
    feed(untold, day_tick(0, 10, 100), day_tick(1, 10, 7), day_tick(2, 10, 8))
    told = BarAggregator("1h")
    feed(told, day_tick(0, 10, 100, 20241104), day_tick(1, 10, 7, 20241104), day_tick(2, 10, 8, 20241104))
    assert untold.current is not None
    assert told.current is not None
    assert (untold.current.volume, told.current.volume) == (8, 1)


def test_other_kinds_of_volume() -> None:
    """Single volumes are summed; rolling and unknown ones say nothing about a bar."""
    for kind, expected in ((VolumeKind.SINGLE, 7.0), (VolumeKind.ROLLING_24H, NAN), (VolumeKind.UNKNOWN, NAN)):
        aggregator = BarAggregator("1m")
        feed(aggregator, tick(0, 10, volume=3.0, volume_kind=kind), tick(1, 10, volume=4.0, volume_kind=kind))
        assert aggregator.current is not None
        assert same(aggregator.current.volume, expected), kind


def test_quotes_make_bid_ask_and_mid_bars() -> None:
    """A basis other than LAST takes its own price and leaves the volume absent."""
    quotes = [
        tick(0, bid_price=1.0, ask_price=1.5, bid_size=5.0, ask_size=7.0),
        tick(1, bid_price=1.25, ask_price=2.0),
        tick(2, bid_price=0.5),
    ]
    expected = {
        BarBasis.BID: ((1, 1.25, 0.5, 0.5), 5.0),
        BarBasis.ASK: ((1.5, 2, 1.5, 2), 7.0),
        BarBasis.MID: ((1.25, 1.625, 1.25, 1.625), NAN),
    }
    for basis, (prices, size) in expected.items():
        aggregator = BarAggregator("1m", basis)
        assert feed(aggregator, *quotes, trade(3, 100.0)) == []
        assert ohlc(aggregator.current) == prices
        assert aggregator.current is not None
        assert same(aggregator.current.quote_size, size)
        assert math.isnan(aggregator.current.volume)
        assert aggregator.current.basis == basis


def test_trades_add_their_sizes() -> None:
    """Each trade adds its size and its turnover; a trade of size 0 still has a price."""
    aggregator = BarAggregator("1s")
    bars = feed(aggregator, trade(0.1, 10, 2, turnover=20.0), trade(0.5, 12, 0), trade(0.9, 11, 3), trade(1, 9, 1))
    assert ohlc(bars[0]) == (10, 12, 10, 11)
    assert (bars[0].volume, bars[0].turnover, bars[0].count) == (5, 20, 3)


def test_time_finishes_bars() -> None:
    """Advance closes the bar at its end, not before, and only once."""
    aggregator = BarAggregator("1m")
    aggregator.update(tick(5, 10))
    end = START + 60 * NS_PER_SECOND
    assert aggregator.end_ns == end
    assert aggregator.advance(end - 1) == []
    assert [ohlc(bar) for bar in aggregator.advance(end)] == [(10, 10, 10, 10)]
    assert aggregator.advance(end + 1) == []
    assert aggregator.current is None


def test_late_events_do_not_go_back() -> None:
    """An event of a finished interval is dropped and counted; an older one of the open interval moves only high and low."""
    aggregator = BarAggregator("1m")
    feed(aggregator, tick(5, 10), tick(65, 20), tick(30, 1), tick(70, 21), tick(66, 30))
    assert aggregator.late == 1
    assert ohlc(aggregator.current) == (20, 30, 20, 21)
    aggregator.advance(START + 120 * NS_PER_SECOND)
    assert feed(aggregator, tick(119, 50)) == []
    assert (aggregator.late, aggregator.current) == (2, None)
    aggregator.update(tick(120, 7))
    assert ohlc(aggregator.current) == (7, 7, 7, 7)


def test_late_total_does_not_look_like_a_reset() -> None:
    """An older total that arrives late adds no volume."""
    aggregator = BarAggregator("1m")
    feed(aggregator, day_tick(0, 10, 100), day_tick(10, 10, 150), day_tick(5, 10, 120), day_tick(11, 10, 151))
    assert aggregator.current is not None
    assert aggregator.current.volume == 51


def test_total_of_zero_within_a_day_is_none() -> None:
    """A source that comes back with an empty total does not make the whole day's volume count again."""
    aggregator = BarAggregator("1h")
    feed(aggregator, day_tick(0, 10, 100, 20241104), day_tick(1, 10, 0, 20241104), day_tick(2, 10, 103, 20241104))
    assert aggregator.current is not None
    assert aggregator.current.volume == 3


def test_late_event_revises_the_bar_before() -> None:
    """On request the bar that was finished last comes out again as its next revision; an older one never does."""
    aggregator = BarAggregator("1m", revise=True)
    feed(aggregator, trade(5, 10, 1), trade(65, 20, 2), trade(125, 30, 3))
    (once,) = feed(aggregator, trade(70, 25, 4))
    (twice,) = feed(aggregator, trade(119, 1, 1))
    assert (once.start_ns, once.revision, ohlc(once), once.volume, once.count) == (START + 60 * NS_PER_SECOND, 1, (20, 25, 20, 20), 6, 2)
    assert (twice.revision, ohlc(twice), twice.volume, twice.count) == (2, (20, 25, 1, 20), 7, 3)
    assert feed(aggregator, trade(6, 99, 1)) == []
    assert aggregator.late == 3
    assert ohlc(aggregator.current) == (30, 30, 30, 30)


def test_event_behind_a_timer_revises_close_and_volume() -> None:
    """A tick that time has overtaken is the newest one all the same: the revision has its price and what was traded until it."""
    aggregator = BarAggregator("1m", revise=True)
    feed(aggregator, day_tick(0, 10, 100), day_tick(5, 10, 110))
    assert [made.volume for made in aggregator.advance(START + 60 * NS_PER_SECOND)] == [10]
    (made,) = feed(aggregator, day_tick(59, 12, 115))
    assert (made.revision, made.close, made.volume) == (1, 12, 15)
    assert [made.volume for made in feed(aggregator, day_tick(60, 12, 116), day_tick(120, 12, 116))] == [1]


def test_dropped_total_counts_with_the_next_tick() -> None:
    """Without revisions what was traded by a late tick's total is not lost: it is part of the next bar."""
    aggregator = BarAggregator("1m")
    feed(aggregator, day_tick(0, 10, 100))
    aggregator.advance(START + 60 * NS_PER_SECOND)
    assert feed(aggregator, day_tick(59, 12, 115)) == []
    assert [made.volume for made in feed(aggregator, day_tick(61, 12, 116), day_tick(121, 12, 117))] == [16]


def test_older_tick_changes_neither_open_interest_nor_day() -> None:
    """What stands at the bar's end is what the newest tick said."""
    aggregator = BarAggregator("1m")
    feed(
        aggregator,
        tick(5, 10, open_interest=7.0, trading_day=20241105),
        tick(1, 10, open_interest=6.0, trading_day=20241104),
    )
    assert aggregator.current is not None
    assert (aggregator.current.open_interest, aggregator.current.trading_day) == (7, 20241105)


SHANGHAI = "Asia/Shanghai"


def china_tick(time: str, price: float, volume: float) -> Tick:
    """Return a tick of a futures contract on 4 January 2021 in Shanghai, with the day's volume so far."""
    at = from_iso(f"2021-01-04T{time}", SHANGHAI)
    return Tick(
        symbol="IF2101", venue="CFFEX", event_ns=at, last_price=price, volume=volume, volume_kind=VolumeKind.DAY, trading_day=20210104
    )


def test_session_bars_have_their_auctions() -> None:
    """The opening auction's price and volume are in the first bar, the tick of the close in the last; the settlement is in none."""
    aggregator = BarAggregator("1m", calendar=Calendar("CFFEX.IF:session"))
    bars = feed(
        aggregator,
        china_tick("09:29:00.4", 5230, 240),
        china_tick("09:30:00.4", 5231, 311),
        china_tick("11:29:59.9", 5240, 400),
        china_tick("11:30:00.4", 5241, 401),
        china_tick("12:10:00", 1, 402),
        china_tick("13:00:00.4", 5242, 405),
        china_tick("14:59:59.9", 5260, 500),
        china_tick("15:00:00.4", 5261, 503),
    )
    last = aggregator.current
    assert last is not None
    assert [(ohlc(one), one.volume) for one in [*bars, last]] == [
        ((5230, 5231, 5230, 5231), 311),
        ((5240, 5241, 5240, 5241), 90),
        ((5242, 5242, 5242, 5242), 4),
        ((5260, 5261, 5260, 5261), 98),
    ]
    close = from_iso("2021-01-04T15:00", SHANGHAI)
    assert (last.end_ns, aggregator.end_ns, aggregator.due_ns) == (close, close, close + 60 * NS_PER_SECOND)
    assert aggregator.advance(close + 59 * NS_PER_SECOND) == []
    assert len(aggregator.advance(close + 60 * NS_PER_SECOND)) == 1
    assert feed(aggregator, china_tick("15:30:48.9", 5260, 503)) == []
    assert (aggregator.outside, aggregator.late) == (2, 0)


def test_first_total_counts_whole_in_the_days_first_bar_only() -> None:
    """Who begins to listen at noon does not know the morning; who is there at the opening knows all."""
    for start, expected in (("09:30:20", 311.0), ("09:31:20", NAN)):
        aggregator = BarAggregator("1m", calendar=Calendar("CFFEX.IF:session"))
        aggregator.update(china_tick(start, 5230, 311))
        assert aggregator.current is not None
        assert same(aggregator.current.volume, expected)


def test_smaller_bars_finish_a_bar_with_their_last() -> None:
    """The minute that ends with the five-minute bar finishes it at once."""
    minutes = [bar(index, "1m", 60, open=10.0 + index, close=11.0 + index, volume=1.0, count=2) for index in range(7)]
    aggregator = BarAggregator("5m")
    bars = feed(aggregator, *minutes)
    assert [(ohlc(made), made.volume, made.count) for made in bars] == [((10, 15, 10, 15), 5, 10)]
    assert aggregator.current is not None
    assert aggregator.current.volume == 2


def test_bars_of_another_basis_or_longer_are_not_mixed_in() -> None:
    """Another basis is passed over, a longer period is an error, and a bar without prices does not count."""
    aggregator = BarAggregator("5m")
    assert feed(aggregator, bar(0, "1m", 60, basis=BarBasis.BID), bar(0, "1m", 60, high=NAN)) == []
    assert aggregator.current is None
    with pytest.raises(EventError, match="A bar of 1h cannot be part of a bar of 5m"):
        aggregator.update(bar(0, "1h", 3600))


def test_daily_bars_follow_the_trading_day() -> None:
    """With a calendar Friday's night session is part of Monday's bar; its opening auction, too."""
    calendar = Calendar("SHFE.au")
    aggregator = BarAggregator("1d", calendar=calendar)
    times = ["2024-11-01T14:59", "2024-11-01T20:55", "2024-11-01T20:56", "2024-11-02T02:00", "2024-11-04T10:00", "2024-11-04T20:59"]
    bars = feed(
        aggregator,
        *(
            TradeTick(symbol="au", venue="T", event_ns=from_iso(text, "Asia/Shanghai"), price=float(i), size=1.0)
            for i, text in enumerate(times)
        ),
    )
    assert [(made.trading_day, ohlc(made), made.volume) for made in bars] == [(20241101, (0, 0, 0, 0), 1), (20241104, (1, 4, 1, 4), 4)]
    assert bars[1].start_ns == from_iso("2024-11-01T21:00", "Asia/Shanghai")
    assert bars[1].end_ns == from_iso("2024-11-04T18:00", "Asia/Shanghai")
    assert aggregator.late == 0


def bar(index: int, period: str, seconds: int, **fields: Any) -> Bar:
    """Return the bar number `index` of a row that begins at START."""
    start = START + index * seconds * NS_PER_SECOND
    prices = {"open": 10.0, "close": 10.0, **fields}
    prices.setdefault("high", max(prices["open"], prices["close"]))
    prices.setdefault("low", min(prices["open"], prices["close"]))
    return Bar(symbol="X", venue="T", period=period, start_ns=start, end_ns=start + seconds * NS_PER_SECOND, **prices)


def test_longer_bars_from_shorter_ones_and_from_ticks_are_the_same() -> None:
    """Periods do not drift: a minute, an hour and a session made of seconds are those made of the ticks."""
    calendar = Calendar("XSHG:session")
    begin = from_iso("2024-11-04T09:24", SHANGHAI)
    ticks = [
        TradeTick(symbol="X", venue="T", event_ns=begin + 1_700_000_000 * step, price=float(step * 37 % 101), size=1.0)
        for step in range(13_000)
    ]
    for period in ("1m", "1h", "2h", "1d"):
        straight, second, longer = (BarAggregator(one, calendar=calendar) for one in (period, "1s", period))
        expected = [*feed(straight, *ticks), *straight.advance(begin * 2)]
        made = feed(longer, *feed(second, *ticks), *second.advance(begin * 2))
        made += longer.advance(begin * 2)
        assert texts(made) == texts(expected)
        assert len(expected) == {"1m": 240, "1h": 4, "2h": 2, "1d": 1}[period]


def test_state_goes_on_where_it_was_taken() -> None:
    """An aggregator that got another's state, packed and unpacked, makes the same bars of what follows."""
    calendar = Calendar("CFFEX.IF:session")
    events = [china_tick(f"09:{29 + step // 7}:{step % 7 * 8:02}", 100 + step % 5, 10 + step) for step in range(40)]
    for cut in range(0, 40, 3):
        one, other = (BarAggregator("1m", calendar=calendar, revise=True) for _ in range(2))
        before = feed(one, *events[:cut])
        other.state = msgspec.msgpack.decode(msgspec.msgpack.encode(one.state))
        rest = [*events[cut:], events[20]]
        assert texts(feed(other, *rest)) == texts(feed(one, *rest))
        assert before == [] or before[0].start_ns == from_iso("2021-01-04T09:30", SHANGHAI)
