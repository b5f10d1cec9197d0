"""Calendar months on the chart: of stored days, and going on live beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, day_start, from_iso
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, Tick
from gcg_quant.history import MemoryHistory, RecordArray
from gcg_quant.instruments import Instrument
from gcg_quant.visualization.charts import ChartManager
from gcg_quant.visualization.series.candle import Candle, candles_of
from gcg_quant.visualization.series.candles import span_of
from gcg_quant.visualization.series.markets import Markets
from gcg_quant.visualization.series.months import MONTH, month_at, month_of, month_span, months_of

CALENDARS = ["24/7", "XNYS", "XSHG", "SHFE.au", "XSHG:session"]


def calendar_of(name: str) -> Calendar | None:
    """Return a calendar, None for days of UTC."""
    return None if name == "24/7" else Calendar(name)


def bars(starts: Sequence[int], dates: Sequence[int], seed: int, length: int = NS_PER_DAY, period: bytes = b"1d") -> RecordArray:
    """Return bars that start there, of these trading days (0: not told), with prices that walk."""
    rows = np.zeros(len(starts), Bar.dtype)
    rows["start_ns"], rows["trading_day"], rows["period"] = starts, dates, period
    rows["event_ns"] = rows["start_ns"] + length
    price = 100 + np.random.default_rng(seed).normal(0, 1, (len(starts), 2)).cumsum(axis=0)
    rows["open"], rows["close"] = price.T
    rows["high"], rows["low"] = price.max(axis=1) + 1, price.min(axis=1) - 1
    rows["volume"] = 1 + np.arange(len(starts)) % 7
    return rows


def trading_days(name: str, first: str, count: int, seed: int = 0) -> RecordArray:
    """Return the daily bars of a market's next `count` trading days."""
    calendar = calendar_of(name)
    dates = [int(one.strftime("%Y%m%d")) for one in pd.date_range(first, periods=2 * count + 20)]
    if calendar is None:
        return bars([day_start(date) for date in dates[:count]], [0] * count, seed)
    open_days = [date for date in dates if calendar.is_trading_day(date)][:count]
    return bars([calendar.bounds(date)[0] for date in open_days], open_days, seed)


def by_pandas(*parts: RecordArray) -> list[tuple[float, ...]]:
    """Return the months of days as pandas makes them: time (s), open, high, low, close, volume."""
    frames = []
    for rows in parts:
        told = rows["trading_day"] > 0
        dates = pd.DatetimeIndex(np.where(told, 0, rows["start_ns"])).to_numpy().copy()
        dates[told] = pd.to_datetime(rows["trading_day"][told].astype(str))
        frames.append(pd.DataFrame({name: rows[name] for name in ("open", "high", "low", "close", "volume")}, index=dates))
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    made = pd.concat(frames).resample("MS").agg(how).dropna()
    return [(at.value // 10**9, *values) for at, values in zip(made.index, made.to_numpy().tolist(), strict=True)]


def values(candles: Sequence[Candle]) -> list[tuple[float, ...]]:
    """Return candles as `by_pandas` does."""
    return [tuple(one[1:]) for one in candles]


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(CALENDARS),
    first=st.dates(pd.Timestamp("2022-01-01").date(), pd.Timestamp("2024-12-31").date()),
    kept=st.lists(st.booleans(), min_size=1, max_size=150),
    seed=st.integers(0, 99),
)
def test_months_are_those_of_pandas(name: str, first: object, kept: list[bool], seed: int) -> None:
    """Whichever days there are, of whichever market, their months are what pandas resamples them to; each day lies in its month."""
    rows = trading_days(name, str(first), len(kept), seed)[np.array(kept)]
    calendar = calendar_of(name)
    days = candles_of(rows, "1d")
    months = months_of(days, calendar)
    assert values(months) == by_pandas(rows)
    for day in days:
        month = month_of(day, calendar)
        span = month_span(month, calendar)
        assert span.start_ns <= day.start_ns < span.end_ns
        assert month_at(day.start_ns, calendar) == month
        assert span_of(day.start_ns, MONTH, calendar) == span
        assert month_span(month + 1 if month % 100 < 12 else month + 89, calendar).start_ns == span.end_ns


@pytest.fixture
def markets(bus: EventBus) -> Markets:
    """Return the markets of a bus that knows X of each calendar."""
    for name in CALENDARS:
        bus.instruments.add(Instrument(symbol="X", venue=venue_of(name), tick_size=0.01, calendar=name))
    opened = Markets()
    opened.open(bus.instruments, 0)
    return opened


def venue_of(calendar: str) -> str:
    """Return a venue for each calendar."""
    return calendar.replace("/", "").replace(":", "").replace(".", "")


@pytest.mark.parametrize("name", CALENDARS)
@pytest.mark.parametrize("of", ["days", "minutes"])
def test_pages_of_months_join_without_gap(markets: Markets, name: str, of: str) -> None:
    """Backwards and onwards, of days as they are stored or of minutes, every month comes once, with the lines of indicators."""
    rows = trading_days(name, "2023-01-20", 300 if of == "days" else 60)
    history = MemoryHistory()
    if of == "days":
        history.add_bars("X", venue_of(name), rows)
    else:
        calendar = calendar_of(name)
        opens = [
            calendar.sessions(int(day))[-1][0] if calendar else int(at)
            for day, at in zip(rows["trading_day"], rows["start_ns"], strict=True)
        ]
        starts = [at + minute * NS_PER_MINUTE for at in opens for minute in (0, 1, 50)]
        days = [int(day) for day in rows["trading_day"] for _ in range(3)]
        rows = bars(starts, days, 1, NS_PER_MINUTE, b"1m")
        history.add_bars("X", venue_of(name), rows)
    charts, expected = ChartManager(markets, history), by_pandas(rows)
    shown, title = f"X@{venue_of(name)}", [one[0] for one in expected]
    found: list[Candle] = []
    before, more = None, True
    while more:
        window = charts.page(shown, MONTH, before, 2)
        found, before, more = [*window.candles, *found], window.candles[0].time if window.candles else None, window.more
    assert values(found) == [pytest.approx(one) for one in expected]
    onwards: list[int] = []
    while len(onwards) < len(title):
        page = charts.page(shown, MONTH, limit=2, after=onwards[-1] + 1 if onwards else 0)
        onwards += [one.time for one in page.candles]
        assert page.more == (len(onwards) < len(title))
    assert onwards == title


def test_running_month_is_stored_days_and_today(markets: Markets) -> None:
    """A month goes on live: stored days, the stored minutes of today, then ticks, over midnights and into the next month; none twice."""
    today = from_iso("2026-11-27")
    days = trading_days("24/7", "2026-09-10", 78)  # up to yesterday
    assert days["start_ns"][-1] == today - NS_PER_DAY
    minutes = bars([today + at * NS_PER_MINUTE for at in range(600)], [0] * 600, 3, NS_PER_MINUTE, b"1m")
    history = MemoryHistory()
    history.add_bars("X", "247", days)
    history.add_bars("X", "247", minutes)
    charts, view = ChartManager(markets, history), markets.named("X@247")
    seen: list[tuple[int, float]] = []

    def live(at_ns: int, price: float) -> None:
        seen.append((at_ns, price))
        with markets.lock:
            markets.position += 1
            view.on_tick(Tick(symbol="X", venue="247", event_ns=at_ns, last_price=price))

    def expected() -> list[tuple[float, ...]]:
        ticks = bars([at for at, _ in seen], [0] * len(seen), 0)
        for column in ("open", "high", "low", "close"):
            ticks[column] = [price for _, price in seen]
        return [one[:5] for one in by_pandas(days, minutes, ticks)]

    live(today + 600 * NS_PER_MINUTE, 90.0)
    window = charts.open("X@247", MONTH)
    assert [one[:5] for one in values(window.candles)] == expected()
    assert len(window.candles) == 3
    watch, told = view.watches[MONTH], {one.time: one for one in window.candles}
    generator = np.random.default_rng(7)
    for minute in range(601, 6 * 1_440, 1):  # minute by minute over six midnights, more than memory keeps of anything
        live(today + minute * NS_PER_MINUTE + 5 * NS_PER_SECOND, round(float(generator.normal(100, 20)), 2))
        if minute % 360 == 0 or minute % 1_440 < 3:
            told |= {one.time: one for one in watch.take(view.candles)}
            assert [one[:5] for one in values([told[at] for at in sorted(told)])] == expected()
    again = charts.open("X@247", MONTH).candles
    assert [one[:5] for one in values(again)] == expected()
    assert [one[:5] for one in values(charts.page("X@247", MONTH, limit=10).candles)] == expected()
    assert charts.page("X@247", MONTH, before=again[-1].time).candles == again[:-1]


def test_month_goes_on_by_bars_alone(markets: Markets) -> None:
    """Without ticks the finished minutes of the bus move the month, and a day that a venue finishes takes its place in it."""
    days = trading_days("24/7", "2026-11-01", 26)
    history = MemoryHistory()
    history.add_bars("X", "247", days)
    charts, view = ChartManager(markets, history), markets.named("X@247")
    today = from_iso("2026-11-27")

    def bar(start_ns: int, price: float, period: str, length_ns: int) -> None:
        prices = dict.fromkeys(("open", "high", "low", "close"), price)
        view.on_bar(Bar(symbol="X", venue="247", period=period, start_ns=start_ns, end_ns=start_ns + length_ns, volume=1.0, **prices))

    bar(today, 500.0, "1m", NS_PER_MINUTE)
    (month,) = charts.open("X@247", MONTH).candles
    assert (month.open, month.high, month.close) == (days["open"][0], 500.0, 500.0)
    bar(today + NS_PER_HOUR, 400.0, "1m", NS_PER_MINUTE)
    (month,) = view.watches[MONTH].take(view.candles)
    assert (month.high, month.close) == (500.0, 400.0)
    bar(today, 450.0, "1d", NS_PER_DAY)
    (month,) = view.watches[MONTH].take(view.candles)
    assert (month.high, month.close, month.volume) == (450.0, 450.0, days["volume"].sum() + 1)


def test_a_long_day_keeps_its_beginning(markets: Markets) -> None:
    """A day that is watched from its first hour on keeps the minutes that it is made of, more than memory keeps otherwise."""
    begin = from_iso("2026-11-27")
    view, charts = markets.named("X@247"), ChartManager(markets)
    for minute in range(1_440):
        with markets.lock:
            view.on_tick(Tick(symbol="X", venue="247", event_ns=begin + minute * NS_PER_MINUTE, last_price=1_000.0 - minute))
        if minute == 1:
            charts.open("X@247", "1d")
    (day,) = view.watches["1d"].take(view.candles)
    assert (day.open, day.high, day.low, day.close) == (1_000, 1_000, -439, -439)


def test_other_lengths_in_months_are_refused(markets: Markets) -> None:
    """`1M` is the one period of months."""
    with pytest.raises(EventError, match="'2M' is not a bar period"):
        ChartManager(markets).page("X@247", "2M")
