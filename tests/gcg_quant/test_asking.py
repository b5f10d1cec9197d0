"""Calling a history: forms, ranges, counts, zones, and a clock that hides the future."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.bounded_history import BoundedHistory
from gcg_quant.clock import NS_PER_MINUTE, from_iso
from gcg_quant.errors import EventError, InstrumentError
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick
from gcg_quant.history import History, MemoryHistory
from gcg_quant.instruments import Instrument

OPEN = from_iso("2013-10-07T09:30", "America/New_York")


@pytest.fixture(scope="module")
def history() -> MemoryHistory:
    """Return ten minutes of bars, ticks and trades of SPY, and an FX pair that has bid bars only."""
    bars, ticks, trades = np.zeros(10, Bar.dtype), np.zeros(10, Tick.dtype), np.zeros(10, TradeTick.dtype)
    bars["start_ns"] = ticks["event_ns"] = trades["event_ns"] = OPEN + np.arange(10) * NS_PER_MINUTE
    bars["event_ns"] = bars["start_ns"] + NS_PER_MINUTE
    bars["period"] = b"1m"
    bars["close"] = ticks["last_price"] = trades["price"] = np.arange(10)
    made = MemoryHistory()
    made.add_instrument(Instrument(symbol="SPY", venue="US", calendar="XNYS", timezone="America/New_York"))
    made.add_bars("SPY", "US", bars.copy())
    made.add_ticks("SPY", "US", ticks)
    made.add_trades("SPY", "US", trades)
    bars["basis"] = BarBasis.BID
    made.add_bars("EUR/USD", "FX", bars)
    return made


def closes(history: Any, *asked: Any, **options: Any) -> list[float]:
    """Return the closes of the minutes that a question brings."""
    found: list[float] = history("SPY", "1m", *asked, **options)["close"].tolist()
    return found


def test_a_frame_is_indexed_in_the_instruments_zone(history: MemoryHistory) -> None:
    """What is asked for in New York's time is shown in it; another zone changes both."""
    frame = history("SPY", "1m", "2013-10-07 09:32", "2013-10-07 09:34")
    assert [str(at) for at in frame.index] == ["2013-10-07 09:32:00-04:00", "2013-10-07 09:33:00-04:00"]
    assert frame["close"].tolist() == [2, 3]
    assert frame["end_ns"].iloc[0] == OPEN + 3 * NS_PER_MINUTE
    assert history("SPY", "1m", "2013-10-07 13:38", zone="UTC").index[0].isoformat() == "2013-10-07T13:38:00+00:00"


def test_arrays_and_events(history: MemoryHistory) -> None:
    """The same rows as an array of the record's dtype or as records with their names."""
    rows = history("SPY", "tick", count=2, form="numpy")
    assert rows.dtype == Tick.dtype
    assert rows["last_price"].tolist() == [8, 9]
    (event,) = history("SPY@US", "trade", count=1, form="events")
    assert isinstance(event, TradeTick)
    assert (event.symbol, event.venue, event.price) == ("SPY", "US", 9)
    assert history("SPY", "trade", count=1)["price"].tolist() == [9]


def test_count_is_the_newest_or_the_first(history: MemoryHistory) -> None:
    """With an end (or nothing) the newest, with a start alone the first."""
    assert closes(history, count=2) == [8, 9]
    assert closes(history, end="2013-10-07 09:35", count=2) == [3, 4]
    assert closes(history, "2013-10-07 09:35", count=2) == [5, 6]
    assert closes(history, "2013-10-07 09:32", "2013-10-07 09:38", 2) == [6, 7]
    assert closes(history, count=0) == []


def test_a_date_takes_the_whole_day(history: MemoryHistory) -> None:
    """Both ends of a range may be days, and an end includes its day."""
    assert len(closes(history, date(2013, 10, 7), "2013-10-07")) == 10
    assert closes(history, end="2013-10-06") == closes(history, "2013-10-08") == []
    assert len(history("SPY", "tick", end="2013-10-07")) == 10


def test_the_first_basis_with_bars_answers(history: MemoryHistory) -> None:
    """A pair without last prices answers with bids; a basis that is named stays."""
    assert len(history("EUR/USD", "1m")) == len(history("EUR/USD", "1m", basis="bid")) == 10
    assert len(history("EUR/USD", "1m", basis=BarBasis.ASK)) == 0
    with pytest.raises(EventError, match="basis must be one of last, mid, bid, ask, not 'bit'. Did you mean 'bid'"):
        history("EUR/USD", "1m", basis="bit")


@pytest.mark.parametrize(
    ("asked", "options", "message"),
    [
        (("SPI", "1m"), {}, "Nothing is stored of 'SPI'.* Did you mean 'SPY'"),
        (("SPY", "ticks"), {}, "'ticks' is neither a bar period .* nor one of tick, trade, depth, delta. Did you mean 'tick'"),
        (("SPY", "7y"), {}, "'7y' is neither"),
        (("SPY", "depth"), {}, "keeps no depth; ask for bars, 'tick', 'trade'"),
        (("SPY", "1m", "2013-10-08", "2013-10-07"), {}, r"start \(2013-10-08\) is after end \(2013-10-07\)"),
        (("SPY", "1m"), {"count": -1}, "count must be a whole number, 0 or more, not -1"),
        (("SPY", "1m"), {"count": 2.0}, "count must be a whole number"),
        (("SPY", "1m"), {"form": "polars"}, "form must be 'pandas', 'numpy' or 'events', not 'polars'"),
        (("SPY", "1m"), {"zone": "Mars"}, "'Mars' is not a time zone"),
        (("SPY", "1m", "soon"), {}, "start: 'soon' is not an ISO time"),
    ],
)
def test_bad_questions_get_a_sentence(history: MemoryHistory, asked: tuple[Any, ...], options: Any, message: str) -> None:
    """Each names what is wrong with it."""
    with pytest.raises((EventError, InstrumentError), match=message):
        history(*asked, **options)


def test_a_bounded_history_is_a_history(history: MemoryHistory) -> None:
    """It has the same face, and says so where its store keeps no order books."""
    bounded = BoundedHistory(history, lambda: OPEN)
    assert isinstance(bounded, History)
    assert bounded.symbols() == history.symbols()
    with pytest.raises(EventError, match="keeps no book deltas"):
        bounded.book_deltas("SPY")


@settings(max_examples=40, deadline=None)
@given(
    now=st.integers(-1, 11 * 60),
    end=st.none() | st.integers(0, 11 * 60),
    start=st.none() | st.integers(0, 5 * 60),
    count=st.none() | st.integers(0, 12),
    what=st.sampled_from(["1m", "tick", "trade"]),
)
def test_nobody_sees_beyond_his_clock(
    history: MemoryHistory, now: int, end: int | None, start: int | None, count: int | None, what: str
) -> None:
    """Whatever is asked, by call or by method, the answer is that of a store which ends at the clock."""
    second = NS_PER_MINUTE // 60
    now_ns = OPEN + now * second
    asked: dict[str, Any] = {
        "start": None if start is None else OPEN + start * second,
        "end": None if end is None else OPEN + max(end, start or 0) * second,
        "count": count,
        "form": "numpy",
    }
    past = MemoryHistory()
    everything = {"1m": history.bars("SPY", "1m"), "tick": history.ticks("SPY"), "trade": history.trades("SPY")}
    past.add_bars("SPY", "US", everything["1m"][everything["1m"]["event_ns"] <= now_ns].copy())
    past.add_ticks("SPY", "US", everything["tick"][everything["tick"]["event_ns"] <= now_ns].copy())
    past.add_trades("SPY", "US", everything["trade"][everything["trade"]["event_ns"] <= now_ns].copy())
    expected = past("SPY", what, venue="US", **asked)
    for found in (BoundedHistory(history, lambda: now_ns)("SPY", what, **asked), history("SPY", what, now_ns=now_ns, **asked)):
        assert found.tolist() == expected.tolist()
    if what == "1m":
        assert (BoundedHistory(history, lambda: now_ns).bars("SPY", "1m", end_ns=asked["end"])["event_ns"] <= now_ns).all()
