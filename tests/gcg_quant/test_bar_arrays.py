"""Bars of arrays: equal to the aggregator that takes events one by one, and to an aggregation by pandas that knows nothing of either."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant import _native
from gcg_quant.bar_grid import BarGrid, grid_of
from gcg_quant.bars import BarAggregator, aggregate, period_ns, resample
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND, from_iso
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, BarBasis, Quality, Tick, TradeTick, VolumeKind, from_array
from gcg_quant.instruments import Instrument

from .bar_model import BarModel

NAN = math.nan
Rows = np.ndarray[Any, Any]
CALENDARS = [None, "24/7", "SHFE.au", "XNYS", "SHFE.au:session", "SHFE.au:day"]
PERIODS = ["1s", "1m", "7m", "1h", "1d", "3d", "1w"]


def shown(bars: list[Bar]) -> list[str]:
    """Return bars as texts, by which NaN is equal to itself."""
    return [repr({**bar.to_dict(), "recv_ns": 0, "revision": 0}) for bar in bars]


def one_by_one(rows: Rows, period: str, basis: BarBasis, calendar: Calendar | None) -> list[Bar]:
    """Return the bars that an aggregator makes of the rows, the unfinished one included; of several revisions the last."""
    aggregator = BarAggregator(period, basis, calendar, revise=rows.dtype == Bar.dtype)
    made: dict[int, Bar] = {}
    for event in from_array(rows, "X", "T"):
        made |= {bar.start_ns: bar for bar in aggregator.update(event)}
    last = aggregator.current
    return [*made.values(), *([last] if last is not None else [])]


def calendar_of(name: str | None) -> Calendar | None:
    """Return the calendar of a name, or None."""
    return None if name is None else Calendar(name)


@st.composite
def bar_arrays(draw: st.DrawFn) -> Rows:
    """Return sorted one-minute bars with gaps, absent amounts and rows without prices."""
    gaps = draw(st.lists(st.integers(1, 400), min_size=0, max_size=60))
    rows = np.zeros(len(gaps), Bar.dtype)
    rows["start_ns"] = from_iso("2024-10-31T23:00Z") + np.cumsum(np.array(gaps, np.int64)) * NS_PER_MINUTE
    rows["event_ns"] = rows["start_ns"] + NS_PER_MINUTE
    rows["period"] = b"1m"
    price = st.one_of(st.just(NAN), *[st.floats(0.1, 1e6)] * 9)
    amount = st.one_of(st.just(NAN), st.floats(0, 1e9))
    for field in ("open", "close"):
        rows[field] = [draw(price) for _ in gaps]
    rows["high"] = np.maximum(rows["open"], rows["close"])
    rows["low"] = np.minimum(rows["open"], rows["close"])
    for field in ("volume", "turnover", "open_interest", "quote_size"):
        rows[field] = [draw(amount) for _ in gaps]
    rows["count"] = [draw(st.integers(-1, 5)) for _ in gaps]
    rows["trading_day"] = [draw(st.sampled_from([0, 20241101, 20241104])) for _ in gaps]
    return rows


@given(bar_arrays(), st.sampled_from(PERIODS[1:]), st.sampled_from(CALENDARS))
@settings(max_examples=examples(60))
def test_resample_equals_one_by_one(rows: Rows, period: str, name: str | None) -> None:
    """The vectorised bars are the incremental ones, to the last bit."""
    calendar = calendar_of(name)
    made = from_array(resample(rows, period, calendar), "X", "T")
    assert shown(made) == shown(one_by_one(rows, period, BarBasis.LAST, calendar))


@st.composite
def tick_arrays(draw: st.DrawFn) -> Rows:
    """Return ticks with equal, older and far later times, resets and corrections of totals, absent and doubtful prices."""
    count = draw(st.integers(0, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = np.zeros(count, Tick.dtype)
    for name in Tick.dtype.names or ():
        if Tick.dtype[name].kind == "f":
            rows[name] = NAN
    steps = random.choice([0, 0, 1, 700, 1300, -900, -3000, 61_000, 3_700_000, 40_000_000], count)
    start = from_iso(draw(st.sampled_from(["2024-11-01T06:58Z", "2024-11-01T12:58:30Z", "2024-11-03T23:59Z", "2024-11-04T00:58Z"])))
    rows["event_ns"] = start + np.cumsum(steps) * 1_000_000
    for name in ("last_price", "bid_price", "ask_price"):
        rows[name] = random.choice([1.5, 2.25, 3.0, 3.1, 2.7, NAN], count)
    for name in ("bid_size", "ask_size", "open_interest"):
        rows[name] = random.choice([5.0, 7.0, NAN], count)
    kinds = {"day": [VolumeKind.DAY], "single": [VolumeKind.SINGLE], "mixed": list(VolumeKind)}[
        draw(st.sampled_from(["day", "single", "mixed"]))
    ]
    rows["volume_kind"] = random.choice([int(kind) for kind in kinds], count)
    rows["volume"] = np.maximum(np.cumsum(random.choice([0.0, 0.1, 3.0, 8.0, -4.0], count)), 0) * random.choice([1, 1, 1, 0, NAN], count)
    rows["turnover"] = rows["volume"] * 1.1
    days = random.choice([0, 20241104] if draw(st.booleans()) else [20241104], count)
    rows["trading_day"] = np.where(np.arange(count) < draw(st.integers(0, 60)), days, np.where(days != 0, 20241105, 0))
    rows["quality"] = random.choice([0, 0, 0, 0, 0, int(Quality.SUSPICIOUS)], count)
    return rows


@given(tick_arrays(), st.sampled_from(PERIODS), st.sampled_from(list(BarBasis)), st.sampled_from(CALENDARS))
@settings(max_examples=examples(150))
def test_ticks_at_once_equal_one_by_one(rows: Rows, period: str, basis: BarBasis, name: str | None) -> None:
    """Late, older, equal, doubtful and absent ones, totals that fall or begin anew: the same bars to the last bit."""
    calendar = calendar_of(name)
    made = from_array(aggregate(rows, period, basis, calendar), "X", "T")
    assert shown(made) == shown(one_by_one(rows, period, basis, calendar))


def as_trades(rows: Rows) -> Rows:
    """Return trades with the times, prices and sizes of ticks."""
    trades = np.zeros(len(rows), TradeTick.dtype)
    for name, source in (
        ("event_ns", "event_ns"),
        ("price", "last_price"),
        ("size", "bid_size"),
        ("turnover", "turnover"),
        ("quality", "quality"),
    ):
        trades[name] = rows[source]
    return trades


@given(tick_arrays(), st.sampled_from(PERIODS), st.sampled_from(CALENDARS))
@settings(max_examples=examples(50))
def test_trades_at_once_equal_one_by_one(rows: Rows, period: str, name: str | None) -> None:
    """The same for trades, whose sizes are summed."""
    calendar = calendar_of(name)
    made = from_array(aggregate(as_trades(rows), period, BarBasis.LAST, calendar), "X", "T")
    assert shown(made) == shown(one_by_one(as_trades(rows), period, BarBasis.LAST, calendar))


def by_pandas(rows: Rows, period: str) -> pd.DataFrame:
    """Return bars of last prices by pandas alone: dropped where late, totals taken apart day by day."""
    frame = pd.DataFrame({name: rows[name] for name in ("event_ns", "last_price", "volume", "volume_kind", "trading_day", "quality")})
    frame = frame[frame.last_price.notna() & (frame.quality == 0)]
    frame["bar"] = frame.event_ns // period_ns(period)
    frame = frame[frame.bar == frame.bar.cummax()]
    newest = frame.event_ns == frame.event_ns.cummax()
    totals = frame.volume.where(newest & (frame.volume_kind == VolumeKind.DAY))
    totals = totals.mask((totals == 0) & (totals.groupby(frame.trading_day).cumcount() > 0))
    before = totals.groupby(frame.trading_day).ffill().groupby(frame.trading_day).shift()
    parts = (totals - before).clip(lower=0)
    later_day = (frame.trading_day != frame.trading_day.iloc[0]) if len(frame) else newest
    parts = parts.mask(before.isna() & later_day, totals)
    frame["part"] = parts.where(frame.volume_kind == VolumeKind.DAY, frame.volume.where(frame.volume_kind == VolumeKind.SINGLE))
    groups = frame.groupby("bar")
    bars = groups.last_price.agg(open="first", high="max", low="min", count="size")
    bars["close"] = frame[newest].groupby("bar").last_price.last()
    bars["volume"] = groups.part.sum(min_count=1)
    return bars


@given(tick_arrays(), st.sampled_from(["1s", "1m", "1h"]), st.sampled_from([VolumeKind.DAY, VolumeKind.SINGLE]))
@settings(max_examples=examples(60))
def test_ticks_at_once_equal_pandas(rows: Rows, period: str, kind: VolumeKind) -> None:
    """An independent aggregation has the same prices, counts and volumes."""
    rows["volume_kind"], rows["trading_day"] = int(kind), np.where(np.arange(len(rows)) < 30, 20241104, 20241105)
    rows["volume"] = np.nan_to_num(rows["volume"]) + 1
    made, expected = aggregate(rows, period), by_pandas(rows, period)
    assert made["start_ns"].tolist() == (expected.index.to_numpy() * period_ns(period)).tolist()
    for name in ("open", "high", "low", "close", "count"):
        assert made[name].tolist() == expected[name].tolist(), name
    np.testing.assert_allclose(made["volume"], expected["volume"], rtol=0, atol=1e-9)


def test_resample_refuses_what_it_cannot_mix() -> None:
    """Unsorted rows, several bases or instruments and longer bars are named."""
    rows = np.zeros(2, Bar.dtype)
    rows["period"], rows["start_ns"] = b"1m", [0, period_ns("1m")]
    for field, values, message in (
        ("start_ns", [60, 0], "row 1 goes back"),
        ("basis", [0, 1], "must be of one basis"),
        ("instrument", [1, 2], "must be of one instrument"),
        ("period", [b"1h", b"1h"], "A bar of 1h cannot be part"),
    ):
        bad = rows.copy()
        bad[field] = values
        with pytest.raises(EventError, match=message):
            resample(bad, "5m")
    assert len(resample(rows[:0], "5m")) == 0


def test_aggregate_refuses_what_it_cannot_mix() -> None:
    """Bars, and ticks of several instruments, are named; nothing makes nothing."""
    rows = np.zeros(2, Tick.dtype)
    with pytest.raises(EventError, match="for bars there is resample"):
        aggregate(np.zeros(1, Bar.dtype), "1m")
    rows["instrument"] = [1, 2]
    with pytest.raises(EventError, match="Ticks to make bars of must be of one instrument"):
        aggregate(rows, "1m")
    assert len(aggregate(rows[:0], "1m")) == 0


def test_bar_across_an_opening_belongs_to_the_session() -> None:
    """An hour by the clock that begins before the opening is the day's; one that ends before it is not."""
    rows = np.zeros(3, Bar.dtype)
    rows["start_ns"] = [from_iso(f"2024-11-04T{hour:02}:00+08:00") for hour in (8, 9, 15)]
    rows["event_ns"] = rows["start_ns"] + 3600 * NS_PER_SECOND
    rows["period"] = b"1h"
    for name in ("open", "high", "low", "close", "volume"):
        rows[name] = [1.0, 2.0, 3.0]
    (day,) = resample(rows, "1d", Calendar("XSHG:session"))
    assert (day["open"], day["close"], day["volume"]) == (2, 3, 5)  # what begins at 15:00 may be the closing auction
    (day,) = resample(rows, "1d", Calendar("XSHG"))
    assert (day["open"], day["close"], day["volume"]) == (1, 3, 6)


# ---- the native maker, and the model in Python


def maker_of(rows: Rows, period: str, basis: BarBasis, calendar: Calendar | None) -> _native.BarMaker:
    """Return a native maker whose grid holds the rows' times and no more."""
    times = rows["start_ns"] if "start_ns" in (rows.dtype.names or ()) else rows["event_ns"]
    stretch = (int(times.min()), int(times.max())) if len(times) else (0, 1)
    return _native.BarMaker(period, BarGrid(period, calendar).native(*stretch), int(basis))


def bytes_of(bars: list[Bar]) -> list[bytes]:
    """Return the records behind bars."""
    return [bytes(memoryview(bar)) for bar in bars]


@given(tick_arrays(), st.sampled_from(PERIODS), st.sampled_from(list(BarBasis)), st.sampled_from(CALENDARS), st.booleans(), st.booleans())
@settings(max_examples=examples(200))
def test_native_bars_are_the_same_bytes(rows: Rows, period: str, basis: BarBasis, name: str | None, revise: bool, of_trades: bool) -> None:
    """Ticks and trades one by one, with time that closes bars, and revisions: every record is equal byte by byte."""
    calendar = calendar_of(name)
    rows = as_trades(rows) if of_trades else rows
    model, maker = BarModel(period, basis, calendar, revise=revise), BarAggregator(period, basis, calendar, revise=revise)
    for number, event in enumerate(from_array(rows, "X", "T")):
        assert bytes_of(maker.update(event)) == bytes_of(model.update(event))
        if number % 7 == 3:
            now_ns = event.event_ns + number * NS_PER_MINUTE
            assert bytes_of(maker.advance(now_ns)) == bytes_of(model.advance(now_ns))
    assert (maker.late, maker.outside, maker.due_ns, maker.end_ns) == (model.late, model.outside, model.due_ns, model.end_ns)
    assert (maker.current is None) == (model.current is None)
    if maker.current is not None and model.current is not None:
        assert bytes_of([maker.current]) == bytes_of([model.current])
        assert (maker.current.symbol, maker.current.venue) == ("X", "T")


@given(bar_arrays(), st.sampled_from(PERIODS[1:]), st.sampled_from(CALENDARS))
@settings(max_examples=examples(100))
def test_native_bars_of_bars_are_the_same_bytes(rows: Rows, period: str, name: str | None) -> None:
    """Shorter bars with gaps and absent amounts: those that they complete, and the revisions."""
    calendar = calendar_of(name)
    model, maker = BarModel(period, calendar=calendar, revise=True), BarAggregator(period, calendar=calendar, revise=True)
    for event in from_array(rows, "X", "T"):
        assert bytes_of(maker.update(event)) == bytes_of(model.update(event))
    assert (maker.late, maker.outside) == (model.late, model.outside)


@given(tick_arrays(), st.sampled_from(PERIODS), st.sampled_from(CALENDARS), st.integers(0, 60))
@settings(max_examples=examples(60))
def test_grid_of_a_stretch_is_the_whole_grid(rows: Rows, period: str, name: str | None, cut: int) -> None:
    """A maker that knows the grid of its rows' times and no more, at any stride and in two calls, makes the bars of `aggregate`."""
    rows = rows[::2]
    maker = maker_of(rows, period, BarBasis.LAST, calendar_of(name))
    made = maker.update_rows(Tick, rows[:cut]) + maker.update_rows(Tick, rows[cut:])
    last = maker.current
    expected = aggregate(rows, period, BarBasis.LAST, calendar_of(name))
    assert made + (b"" if last is None else bytes_of([last])[0]) == expected.tobytes()


@pytest.mark.parametrize("name", CALENDARS[1:])
@pytest.mark.parametrize("period", ["1h", "1d", "3d", "1w"])
def test_years_of_trades_are_covered(period: str, name: str) -> None:
    """From before the calendar begins to long after: the aggregator learns the calendar as time goes on."""
    calendar = Calendar(name)
    model, maker = BarModel(period, BarBasis.LAST, calendar), BarAggregator(period, BarBasis.LAST, calendar)
    # Not the week in which the calendars begin: its Saturday is the next week's, but lies within the first one's dates.
    stretches = (("1989-12-01", "1990-12-20", 100_000), ("1991-01-14", "1991-09-01", 100_000), ("2023-11-01", "2024-12-01", 39_000))
    times = [ns for start, end, step in stretches for ns in range(from_iso(start), from_iso(end), step * NS_PER_SECOND)]
    for number, event_ns in enumerate(times):
        event = TradeTick(symbol="X", venue="T", event_ns=event_ns, price=float(number * 37 % 101), size=1.0)
        assert bytes_of(maker.update(event)) == bytes_of(model.update(event))
    assert (maker.late, maker.outside) == (model.late, model.outside)


def test_native_grid_of_an_instrument_follows_its_calendar() -> None:
    """Only what the calendar decides loads it: days, and an alignment to sessions."""
    terms = Instrument(symbol="IF2101", venue="CFFEX", kind="future", calendar="CFFEX.IF:session")
    assert grid_of(terms, "1m").calendar == Calendar("CFFEX.IF:session")
    plain = msgspec.structs.replace(terms, calendar="CFFEX.IF")
    assert grid_of(plain, "1m").calendar is None
    assert grid_of(plain, "1d").calendar == Calendar("CFFEX.IF")


def test_native_maker_names_what_it_does_not_take() -> None:
    """A period that is none, a grid of another period, rows of another record or shape."""
    with pytest.raises(EventError, match="'5x' is not a bar period"):
        _native.BarMaker("5x", _native.BarGrid(1))
    with pytest.raises(EventError, match="grid of 5m bars must be made for this period"):
        _native.BarMaker("5m", _native.BarGrid(1))
    with pytest.raises(ValueError, match="rows of 5 int64"):
        _native.BarGrid(1, sessions=np.zeros((2, 4), np.int64))
    with pytest.raises(ValueError, match="Row 1 of the bars' grid"):
        _native.BarGrid(1, sessions=np.array([[5, 9, 5, 9, 1], [1, 4, 1, 4, 1]]))
    maker = maker_of(np.zeros(0, Tick.dtype), "1m", BarBasis.LAST, None)
    with pytest.raises(TypeError, match="ticks, trades and shorter bars"):
        maker.update(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="array of the record's dtype"):
        maker.update_rows(Tick, np.zeros(1, TradeTick.dtype))
    with pytest.raises(RuntimeError, match="not initialised"):
        _native.BarMaker.__new__(_native.BarMaker).advance(1)
