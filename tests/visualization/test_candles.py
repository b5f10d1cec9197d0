"""Candles in memory: folded from seconds and minutes, replaced by finished bars."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.bars import BarAggregator, period_ns
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND, from_iso
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick
from gcg_quant.periods import MONTH
from gcg_quant.visualization.series.candles import Candle, CandleBook, CandleSeries, span_of

START_NS = from_iso("2026-11-20 09:58:30")


def trade(at_ns: int, price: float, size: float = 1.0) -> TradeTick:
    """Return a trade."""
    return TradeTick(symbol="X", venue="V", event_ns=at_ns, price=price, size=size)


def candle(start_ns: int, close: float) -> Candle:
    """Return a flat candle."""
    return Candle(start_ns, start_ns // NS_PER_SECOND, close, close, close, close, 1.0)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 40_000), st.integers(90, 110)), min_size=1, max_size=120),
    period=st.sampled_from(["1s", "5s", "1m", "5m", "1h", "1d"]),
)
def test_every_period_equals_the_core_aggregator(steps: list[tuple[int, int]], period: str) -> None:
    """Whatever the trades, the candles of any period are those that the core makes from the same trades."""
    book, reference = CandleBook(), BarAggregator(period)
    expected, at_ns = [], START_NS
    for wait_ms, price in steps:
        at_ns += wait_ms * 1_000_000
        book.update(trade(at_ns, float(price), 0.5))
        expected += reference.update(trade(at_ns, float(price), 0.5))
    expected += [reference.current] if reference.current else []
    kept = book.candles(period)[-min(len(expected), 5) :]
    for made, bar in zip(kept, expected[-len(kept) :], strict=True):
        assert (made.start_ns, made.open, made.high, made.low, made.close) == (bar.start_ns, bar.open, bar.high, bar.low, bar.close)
        assert made.volume == pytest.approx(bar.volume)


def test_finished_bar_replaces_what_was_folded() -> None:
    """The canonical bar of a minute wins over the fold of its seconds, and longer candles follow it."""
    book = CandleBook()
    minute = from_iso("2026-11-20 10:00:00")
    book.update(trade(minute + NS_PER_SECOND, 5.0))
    book.update(trade(minute + NS_PER_MINUTE, 6.0))
    assert book.candle(minute, "1m") == candle(minute, 5.0)
    book.add(Bar(symbol="X", period="1m", start_ns=minute, end_ns=minute + NS_PER_MINUTE, open=4, high=9, low=3, close=5, volume=2))
    assert book.candle(minute, "1m") == Candle(minute, minute // NS_PER_SECOND, 4, 9, 3, 5, 2)
    longer = book.candle(minute, "5m")
    assert longer is not None
    assert longer[2:] == (4, 9, 3, 6, 3)


def test_a_tick_that_is_late_for_the_finished_bar_is_late_here_too() -> None:
    """Where a bar has come before the last ticks of its second, it stands: what is stored and what is shown are the same."""
    book = CandleBook()
    second = from_iso("2026-11-20 10:00:00")
    book.update(trade(second, 5.0))
    book.add(Bar(symbol="X", period="1s", start_ns=second, end_ns=second + NS_PER_SECOND, open=5, high=5, low=5, close=5, volume=1))
    book.update(trade(second + NS_PER_SECOND // 2, 7.0))
    assert book.candle(second, "1s") == candle(second, 5.0)
    book.update(trade(second + NS_PER_SECOND, 6.0))
    assert book.candle(second, "1s") == candle(second, 5.0)
    assert book.candle(second + NS_PER_SECOND, "1s") == candle(second + NS_PER_SECOND, 6.0)


def test_bars_of_another_basis_are_passed_over() -> None:
    """A bid bar does not mix with candles of last prices."""
    book = CandleBook(BarBasis.LAST)
    book.add(Bar(symbol="X", period="1m", start_ns=0, open=1, high=1, low=1, close=1, basis=BarBasis.BID))
    assert book.candles("1m") == []


def test_mean_of_quotes_makes_candles_of_currencies() -> None:
    """With basis MID the quotes of a currency pair make candles, without a volume."""
    book = CandleBook(BarBasis.MID)
    book.update(Tick(symbol="EUR/USD", event_ns=START_NS, bid_price=1.0, ask_price=1.5))
    made = book.candle(START_NS, "1m")
    assert made is not None
    assert made.close == 1.25
    assert math.isnan(made.volume)


def test_event_without_a_price_changes_nothing() -> None:
    """A tick without a price of the basis makes no candle."""
    book = CandleBook()
    assert book.update(Tick(symbol="X", event_ns=START_NS, bid_price=1.0)) == 0
    assert book.candle(START_NS, "1m") is None
    assert book.newest_ns == 0


def test_series_sorts_trims_and_tells_where_it_was_cut() -> None:
    """Late bars find their place; the oldest leave, and the series knows from when on it is whole."""
    series = CandleSeries(keep=100)
    for at in (3, 1, 2):
        series.put(candle(at, 1.0))
    assert [one.start_ns for one in series.all()] == [1, 2, 3]
    assert series.cut_ns == 0
    for at in range(4, 300):
        series.put(candle(at, 1.0))
    assert len(series.all()) <= 164
    assert series.cut_ns == series.all()[0].start_ns
    assert [one.start_ns for one in series.between(290, 293)] == [290, 291, 292]


def test_complete_only_from_where_everything_was_seen() -> None:
    """Before anything was seen nothing is complete; seeds of the history move the limit back."""
    book = CandleBook()
    minute = from_iso("2026-11-20 10:07:00")
    assert book.complete_from("1h") > minute
    book.see(minute)
    assert book.complete_from("1h") == minute
    hour = span_of(minute, "1h").start_ns
    book.seed("1m", [candle(hour + at * NS_PER_MINUTE, 50.0 + at) for at in range(7)], hour)
    book.update(trade(minute, 70.0))
    assert book.complete_from("1h") == hour
    made = book.candle(minute, "1h")
    assert made is not None
    assert (made.open, made.close, made.volume) == (50.0, 70.0, 8.0)


def test_seed_does_not_replace_what_is_known() -> None:
    """A stored candle never takes the place of one that came over the bus."""
    book = CandleBook()
    book.series("1m").put(candle(0, 9.0))
    book.seed("1m", [candle(0, 1.0)], 0)
    assert book.candle(0, "1m") == candle(0, 9.0)


def test_day_follows_the_trading_calendar() -> None:
    """With a calendar a daily candle holds the night session before it and stands at its trading day."""
    evening = from_iso("2026-11-19 21:05:00", "Asia/Shanghai")
    span = span_of(evening, "1d", Calendar("SHFE"))
    assert span.time * NS_PER_SECOND == from_iso("2026-11-20")
    assert span.start_ns <= evening < span.end_ns
    assert span_of(evening, "1d").time * NS_PER_SECOND == from_iso("2026-11-19")


def hours(first_ns: int, closes: list[float], period: str = "1h") -> list[Bar]:
    """Return bars one after the other, each from the close before it."""
    length = period_ns(period)
    return [
        Bar(
            symbol="X", period=period, start_ns=at, end_ns=at + length, open=close - 1, high=close + 1, low=close - 2, close=close, volume=1
        )
        for at, close in zip(range(first_ns, first_ns + len(closes) * length, length), closes, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(1, 40), st.integers(90, 110)), min_size=1, max_size=120),
    period=st.sampled_from(["30m", "1h", "4h", "1d", "1w"]),
)
def test_candles_of_longer_bars_equal_the_core_aggregator(steps: list[tuple[int, int]], period: str) -> None:
    """Whatever quarters of an hour come, longer candles are those that the core makes from the same bars."""
    book, reference = CandleBook(), BarAggregator(period)
    expected, number = [], 0
    for wait, price in steps:
        number += wait
        (bar,) = hours(START_NS // (900 * NS_PER_SECOND) * 900 * NS_PER_SECOND + number * 900 * NS_PER_SECOND, [float(price)], "15m")
        book.add(bar)
        expected += reference.update(bar)
    expected += [reference.current] if reference.current else []
    made = book.candles(period)
    assert len(made) == len(expected)
    for candle, bar in zip(made, expected, strict=True):
        assert candle[2:] == (bar.open, bar.high, bar.low, bar.close, bar.volume)
        assert candle.start_ns == bar.start_ns


def test_where_only_hours_come_longer_candles_are_made_of_them() -> None:
    """Four hours, days, weeks and months follow bars of an hour, and what was known before the first one is not claimed."""
    book = CandleBook()
    monday = from_iso("2026-11-23")
    for bar in hours(monday + 10 * 3_600 * NS_PER_SECOND, [float(at) for at in range(10, 40)]):
        book.add(bar)
    assert [(one.open, one.high, one.low, one.close, one.volume) for one in book.candles("1d")] == [
        (9, 24, 8, 23, 14),
        (23, 40, 22, 39, 16),
    ]
    assert [one.close for one in book.candles("4h")] == [11, 15, 19, 23, 27, 31, 35, 39]
    assert [(one.open, one.close) for one in book.candles("1w")] == [(9, 39)]
    assert [(one.open, one.close) for one in book.candles(MONTH)] == [(9, 39)]
    assert book.follows("1d", "1h")
    assert book.follows(MONTH, "1h")
    assert book.candles("5m") == []


def test_shorter_bars_take_over_from_longer_ones() -> None:
    """From the first minute on longer candles are made of minutes again; the one that began with hours is not told as if it were whole."""
    book = CandleBook()
    begin = from_iso("2026-11-23")
    book.see(begin)
    for bar in hours(begin, [10, 20]):
        book.add(bar)
    day = book.candle(begin, "1d")
    assert day is not None
    assert day.volume == 2
    assert not book.parts.lacking(begin, "1d")
    two = begin + 7_200 * NS_PER_SECOND
    for bar in hours(two, [30, 31], "1m"):
        book.add(bar)
    assert book.parts.lacking(begin, "1d")
    assert not book.parts.lacking(two, "1h")
    assert book.complete_from("1d") == two
    book.see(begin)  # minutes from before would have come, had there been any: the hours tell of trading
    assert book.complete_from("1d") == two
    book.seed("1m", [candle(begin, 7.0)], begin)
    assert book.complete_from("1d") == begin
    assert not book.parts.lacking(begin, "1d")
    day = book.candle(begin, "1d")
    assert day is not None
    assert (day.open, day.close) == (7, 31)


def test_backfilled_days_say_nothing_of_what_was_seen() -> None:
    """Old days that a collector fetches at its start do not make this book complete from there on."""
    book = CandleBook()
    book.see(START_NS)
    for bar in hours(from_iso("2025-01-01"), [1, 2], "1d"):
        book.add(bar)
    book.update(trade(START_NS, 5.0))
    assert book.complete_from("1h") == START_NS
    assert not book.parts.lacking(START_NS - START_NS % NS_PER_MINUTE, "1m")


def test_a_week_of_short_bars_stays_while_it_is_looked_at() -> None:
    """More five-minute bars than memory keeps are kept for the week that somebody looks at, and let go once minutes come."""
    book = CandleBook()
    book.hold("1w")
    monday = from_iso("2026-11-23")
    for bar in hours(monday, [float(at) for at in range(1_000)], "5m"):
        book.add(bar)
    week = book.candle(monday, "1w")
    assert week is not None
    assert (week.open, week.volume) == (-1, 1_000)
    for bar in hours(monday + 5_000 * NS_PER_MINUTE, [5.0] * 2, "1m"):
        book.add(bar)
    for bar in hours(monday + 5_000 * NS_PER_MINUTE, [5.0], "5m"):
        book.add(bar)
    assert len(book.series("5m").all()) < 400
