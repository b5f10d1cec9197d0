"""The invented past of the simulated exchange."""

import time

import numpy as np
import pytest

from gcg_quant.clock import NS_PER_MINUTE, from_iso
from gcg_quant.data_collector.simulation.profiles import PROFILES, profile_of
from gcg_quant.data_collector.simulation.simulated_history import PastMinutes, open_minutes
from gcg_quant.events import BarOrigin

_END = from_iso("2024-01-03T06:30:17")


def _past(symbol: str, minutes: int = 480, begin_price: float | None = None, seed: int = 1) -> PastMinutes:
    profile = profile_of(symbol)
    terms = profile.instrument("SIM", around_the_clock=True)
    starts = open_minutes("24/7", _END, minutes)
    return PastMinutes.make(profile, terms, 7, seed=seed, starts=starts, trades_a_minute=100.0, begin_price=begin_price)


@pytest.mark.parametrize("symbol", list(PROFILES))
def test_past_is_a_chart_without_gaps_that_ends_at_the_price_of_the_start(symbol: str) -> None:
    """Each minute opens where the last one closed, within low and high, and the last one closes where live begins."""
    past = _past(symbol)
    bars = past.bars
    assert len(bars) == 480
    assert (bars["open"][1:] == bars["close"][:-1]).all()
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert past.last_price == bars["close"][-1] == pytest.approx(profile_of(symbol).price, rel=1e-4)
    assert (np.diff(bars["start_ns"]) == NS_PER_MINUTE).all()
    assert (bars["event_ns"] - bars["start_ns"] == NS_PER_MINUTE).all()
    assert bars["event_ns"][-1] == _END // NS_PER_MINUTE * NS_PER_MINUTE
    assert set(bars["instrument"].tolist()) == {7}
    assert set(bars["origin"].tolist()) == {BarOrigin.VENUE}
    assert (bars["volume"] > 0).all()
    assert (bars["count"] > 0).all()
    assert (bars["high"] > bars["low"]).mean() > 0.9


def test_past_may_go_on_from_a_price() -> None:
    """After a restart the path begins where it stopped, and live begins where the path ends."""
    past = _past("BTC/USDT", 30, begin_price=61_000.0)
    assert past.bars["open"][0] == 61_000.0
    assert past.last_price == past.bars["close"][-1]


def test_no_minutes_leave_the_price_as_it_is() -> None:
    """Without a past, live begins at the given price."""
    assert _past("SPY", 0).last_price == 585.0
    assert _past("SPY", 0, begin_price=600.0).last_price == 600.0
    assert len(_past("SPY", 0).bars) == 0


def test_same_seed_gives_the_same_past() -> None:
    """Byte for byte."""
    assert _past("AAPL").bars.tobytes() == _past("AAPL").bars.tobytes()
    assert _past("AAPL").bars.tobytes() != _past("AAPL", seed=2).bars.tobytes()


def test_past_of_all_instruments_is_made_in_a_moment() -> None:
    """Eight hours of ten instruments take well under 0.3 s of processor time."""
    began = time.process_time()
    for symbol in PROFILES:
        _past(symbol)
    assert time.process_time() - began < 0.3


def test_minutes_of_a_market_with_hours_are_its_open_ones() -> None:
    """Before 14:30 in Shanghai there are the morning and the early afternoon, without the lunch break."""
    starts = open_minutes("XSHG", _END, 100)
    hours = ((starts // NS_PER_MINUTE) % 1440 / 60 + 8).tolist()
    assert len(starts) == 100
    assert all(9.5 <= hour < 11.5 or 13 <= hour < 15 for hour in hours)
    assert len(open_minutes("XSHG", _END, 0)) == 0
