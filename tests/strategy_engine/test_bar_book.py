"""The bar book: live, aggregated and stored bars as one series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND, from_iso
from gcg_quant.errors import EventError, StrategyError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine.strategy.bar_book import BarBook, base_period
from gcg_quant.strategy_engine.strategy.bar_series import BarSeries

T0 = 1_700_000_100 * NS_PER_SECOND // (5 * NS_PER_MINUTE) * (5 * NS_PER_MINUTE)


def minute(number: int, close: float | None = None, *, period: str = "1m", basis: BarBasis = BarBasis.LAST, revision: int = 0) -> Bar:
    """Return the bar of the minute `number` after T0, closing at its number unless told otherwise."""
    price = float(number) if close is None else close
    start = T0 + number * NS_PER_MINUTE
    return Bar(
        symbol="A",
        venue="SIM",
        period=period,
        basis=basis,
        start_ns=start,
        event_ns=start + NS_PER_MINUTE,
        open=price,
        high=price + 1,
        low=price - 1,
        close=price,
        volume=2.0,
        revision=revision,
    )


def stored(numbers: range, basis: BarBasis = BarBasis.LAST) -> MemoryHistory:
    """Return a history of one-minute bars."""
    history = MemoryHistory()
    rows = np.empty(len(numbers), Bar.dtype)
    for place, number in enumerate(numbers):
        rows[place] = np.frombuffer(memoryview(minute(number, basis=basis)), Bar.dtype)[0]
    history.add_bars("A", "SIM", rows)
    return history


def closes(book: BarBook, count: int, now: int, period: str = "1m") -> list[float]:
    """Return the closes of the newest bars up to the end of minute `now`."""
    rows = book.bars("A", "SIM", period, count, T0 + (now + 1) * NS_PER_MINUTE)
    assert rows.dtype == Bar.dtype
    return [float(close) for close in rows["close"]]


def test_live_bars_come_back_oldest_first() -> None:
    """Without any history, what came over the bus is what there is."""
    book = BarBook(None)
    for number in range(5):
        assert book.add(minute(number)) == [minute(number)]
    assert closes(book, 3, 4) == [2, 3, 4]
    assert closes(book, 100, 4) == [0, 1, 2, 3, 4]
    assert closes(book, 0, 4) == []


def test_stored_and_live_bars_meet_without_gap_or_duplicate() -> None:
    """Bars that were both stored and seen live appear once, and the live ones win."""
    book = BarBook(stored(range(10)))
    book.add(minute(8, close=88.0))
    book.add(minute(9))
    assert closes(book, 4, 9) == [6, 7, 88, 9]
    assert closes(book, 50, 9) == [0, 1, 2, 3, 4, 5, 6, 7, 88, 9]


def test_stored_bars_are_bounded_by_the_clock() -> None:
    """A bar that ends after now is not returned, though it is stored."""
    book = BarBook(stored(range(10)))
    assert closes(book, 3, 5) == [3, 4, 5]


def test_stored_bars_follow_the_clock_where_nothing_is_live() -> None:
    """As time goes on, later stored bars come into view."""
    book = BarBook(stored(range(10)))
    assert closes(book, 2, 5) == [4, 5]
    assert closes(book, 2, 7) == [6, 7]


def test_history_is_asked_again_for_more() -> None:
    """A longer look back than before finds bars further back."""
    book = BarBook(stored(range(2000)))
    assert len(closes(book, 10, 1999)) == 10
    assert len(closes(book, 1500, 1999)) == 1500


def test_late_stored_bars_close_the_seam() -> None:
    """Bars that the recorder had not stored when they were first asked for are found a little later."""
    history = stored(range(3))
    book = BarBook(history)
    assert closes(book, 10, 2) == [0, 1, 2]
    book.add(minute(4))
    history.add_bars("A", "SIM", np.frombuffer(memoryview(minute(3)), Bar.dtype))
    assert closes(book, 10, 4) == [0, 1, 2, 3, 4]


def test_longer_bars_are_made_once_for_all() -> None:
    """Five one-minute bars make a five-minute bar, delivered right behind the one that completes it."""
    book = BarBook(None)
    book.want({"1m", "5m"}, T0)
    made = [[bar.period for bar in book.add(minute(number))] for number in range(10)]
    assert made == [["1m"]] * 4 + [["1m", "5m"]] + [["1m"]] * 4 + [["1m", "5m"]]
    rows = book.bars("A", "SIM", "5m", 10, T0 + 10 * NS_PER_MINUTE)
    assert [(row["open"], row["high"], row["low"], row["close"], row["volume"]) for row in rows] == [(0, 5, -1, 4, 10), (5, 10, 4, 9, 10)]


def test_bar_that_missed_its_beginning_is_not_delivered() -> None:
    """Starting in the middle of an interval, its bar would lie: the next one is the first."""
    book = BarBook(None)
    book.want({"5m"}, T0 + 2 * NS_PER_MINUTE)
    made = [bar for number in range(2, 10) for bar in book.add(minute(number)) if bar.period == "5m"]
    assert [bar.start_ns for bar in made] == [T0 + 5 * NS_PER_MINUTE]


def test_history_completes_the_first_longer_bar() -> None:
    """Starting in the middle of an interval, the stored bars before it are put in front."""
    book = BarBook(stored(range(2)))
    book.want({"5m"}, T0 + 2 * NS_PER_MINUTE)
    made = [bar for number in range(2, 5) for bar in book.add(minute(number)) if bar.period == "5m"]
    assert [(bar.open, bar.close, bar.volume) for bar in made] == [(0, 4, 10)]


def test_longer_stored_bars_are_made_of_shorter_ones() -> None:
    """A period that is not stored is put together from stored minutes; the unfinished one is left out."""
    book = BarBook(stored(range(13)))
    assert closes(book, 10, 12, "5m") == [4, 9]


def test_longer_bars_follow_the_sessions_of_the_calendar() -> None:
    """Live or from the store, the hour of a market that is aligned to its sessions ends with its morning, and begins at 13:00."""
    calendar = Calendar("XSHG:session")
    open_ns = from_iso("2024-11-04T10:30+08:00")
    minutes = [number for number in range(220) if number < 60 or number >= 150]  # 10:30 to 11:30, 13:00 to 14:10
    bars = [
        Bar(
            **{**minute(number).to_dict(), "start_ns": open_ns + number * NS_PER_MINUTE, "event_ns": open_ns + (number + 1) * NS_PER_MINUTE}
        )
        for number in minutes
    ]
    book = BarBook(None, sessions=lambda symbol, venue: calendar)
    book.want({"1h"}, open_ns)
    live = [one for bar in bars for one in book.add(bar) if one.period == "1h"]
    history = MemoryHistory()
    history.add_bars("A", "SIM", np.concatenate([np.frombuffer(memoryview(bar), Bar.dtype) for bar in bars]))
    rows = BarBook(history, sessions=lambda symbol, venue: calendar).bars("A", "SIM", "1h", 5, open_ns + 215 * NS_PER_MINUTE)
    for starts in ([one.start_ns for one in live], rows["start_ns"].tolist()):
        assert starts == [open_ns, from_iso("2024-11-04T13:00+08:00")]


def test_bars_that_come_over_the_bus_are_not_made_again() -> None:
    """Where the venue sends longer bars itself, they are the ones."""
    book = BarBook(None)
    book.want({"5m"}, T0)
    whole = minute(0, period="5m")
    book.add(whole)
    assert all(bar.period == "1m" for number in range(5, 10) for bar in book.add(minute(number)))


def test_correction_changes_the_series_and_is_not_delivered() -> None:
    """A revised bar replaces the old one silently."""
    book = BarBook(None)
    book.add(minute(0))
    book.add(minute(1))
    assert book.add(minute(0, close=9.0, revision=1)) == []
    assert closes(book, 5, 1) == [9, 1]


def test_duplicate_and_older_bars_are_passed_over() -> None:
    """A bar that comes twice is delivered once."""
    book = BarBook(None)
    assert book.add(minute(3)) != []
    assert book.add(minute(3)) == []
    assert book.add(minute(1)) == []
    assert closes(book, 5, 3) == [3]


def test_symbol_without_last_price_has_bars_of_its_own_basis() -> None:
    """A symbol that is quoted only has bid bars as its own, until something better is seen."""
    book = BarBook(None)
    book.add(minute(0, basis=BarBasis.BID))
    book.add(minute(0, close=5.0, basis=BarBasis.ASK))
    assert closes(book, 5, 0) == [0]
    book.add(minute(1, close=7.0))
    assert closes(book, 5, 1) == [7]


def test_stored_basis_is_found_before_the_first_live_bar() -> None:
    """A strategy that looks back at its start finds the bid bars of a quoted symbol."""
    assert closes(BarBook(stored(range(3), BarBasis.BID)), 5, 2) == [0, 1, 2]


def test_unknown_symbol_has_no_bars() -> None:
    """Asking for bars of something never heard of is no error: there are none yet."""
    assert len(BarBook(stored(range(3))).bars("X", "", "1m", 5, T0)) == 0


@pytest.mark.parametrize(
    ("period", "error", "words"), [("500ms", EventError, "is not a bar period"), ("90s", StrategyError, "made: the system makes 1m")]
)
def test_period_that_cannot_be_made_is_refused(period: str, error: type[Exception], words: str) -> None:
    """A period that is none, or that the system's bars do not divide, is refused with a sentence."""
    with pytest.raises(error, match=words):
        base_period(period, ("1m",))


@pytest.mark.parametrize(("period", "base"), [("1m", "1m"), ("90s", "1s"), ("1d", "1m"), ("5s", "1s")])
def test_longest_fitting_base_is_taken(period: str, base: str) -> None:
    """Bars are put together from the longest ones that divide them."""
    assert base_period(period, ("1s", "1m")) == base


def test_series_keeps_the_newest() -> None:
    """A series that grows beyond its limit forgets the oldest bars and stays in order."""
    series = BarSeries(keep=300)
    for number in range(1500):
        series.add(minute(number))
    rows = series.rows
    assert 300 <= len(series) <= 600
    assert rows["close"][-1] == 1499
    assert (np.diff(rows["start_ns"]) == NS_PER_MINUTE).all()


def test_returned_array_is_the_callers_own() -> None:
    """Changing what bars() returned does not change the book."""
    book = BarBook(None)
    book.add(minute(1))
    take: Callable[[], np.ndarray] = lambda: book.bars("A", "SIM", "1m", 1, T0 + 10 * NS_PER_MINUTE)  # noqa: E731
    take()["close"] = 99.0
    assert take()["close"][0] == 1
