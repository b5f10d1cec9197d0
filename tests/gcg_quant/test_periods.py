"""Bar periods: their lengths and where their intervals begin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.clock import from_iso
from gcg_quant.errors import EventError
from gcg_quant.periods import PERIODS, period_ns, period_start


@pytest.mark.parametrize(("period", "seconds"), [("1s", 1), ("5m", 300), ("1h", 3600), ("1d", 86_400), ("1w", 604_800), ("7m", 420)])
def test_periods_have_lengths(period: str, seconds: int) -> None:
    """A number and a unit make a period."""
    assert period_ns(period) == seconds * 1_000_000_000


@pytest.mark.parametrize("period", ["", "0m", "1.5m", "1y", "m", "-5m", "5 m", "12345678s"])
def test_what_is_no_period_is_refused(period: str) -> None:
    """Anything else raises an EventError with an example."""
    with pytest.raises(EventError, match="is not a bar period"):
        period_ns(period)


def test_misspelt_period_names_the_nearest() -> None:
    """The error suggests a period of the menu."""
    with pytest.raises(EventError, match="Did you mean '15m'"):
        period_ns("15min")


@given(st.integers(-(10**18), 10**19), st.sampled_from(list(PERIODS)))
def test_an_interval_holds_its_moment(ns: int, period: str) -> None:
    """A moment lies at or after its interval's start and before its end, also before the epoch."""
    start = period_start(ns, period)
    assert start <= ns < start + period_ns(period)
    assert period_start(start, period) == start


def test_weeks_begin_on_mondays() -> None:
    """A weekly interval starts on Monday, midnight UTC."""
    assert period_start(from_iso("2024-11-03T12:00Z"), "1w") == from_iso("2024-10-28")
