"""The intake lets pass what is plausible, new and in order, whatever comes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.data_collector.live.intake import Intake, Refused
from gcg_quant.data_collector.live.rate_limit import RateLimiter
from gcg_quant.events import Bar, BookDelta, Depth, Tick, TradeTick

PRICES = st.one_of(st.floats(), st.sampled_from([0.0, -1.0, 1.0, math.nan, math.inf, -math.inf, 1.7976931348623157e308]))
TIMES = st.integers(0, 10**12)
COMMON: dict[str, Any] = {"symbol": st.sampled_from("AB"), "venue": st.just("v"), "event_ns": TIMES, "recv_ns": TIMES}
RECORDS = st.one_of(
    st.builds(Tick, **COMMON, last_price=PRICES, bid_price=PRICES, ask_price=PRICES, volume=PRICES, venue_seq=st.integers(0, 5)),
    st.builds(TradeTick, **COMMON, price=PRICES, size=PRICES, trade_id=st.sampled_from(["", "1", "2", "3"])),
    st.builds(Depth, **COMMON, bid_prices=st.lists(PRICES, max_size=2), ask_prices=st.lists(PRICES, max_size=2)),
    st.builds(BookDelta, **COMMON, price=PRICES, size=PRICES, last_update_id=st.integers(0, 5)),
)


@given(st.lists(RECORDS, max_size=30))
def test_what_passes_makes_sense_and_each_record_has_a_place_of_its_own(records: list[Any]) -> None:
    """No exception but Refused; no negative or crossed price; no two records of a stream with the same time and ordinal."""
    intake = Intake()
    seen: set[tuple[Any, ...]] = set()
    trades: set[tuple[str, str]] = set()
    for record in records:
        try:
            event = intake.admit(record)
        except Refused:
            continue
        if isinstance(event, Tick):
            assert not event.last_price <= 0
            assert not event.bid_price > event.ask_price
        if isinstance(event, TradeTick):
            assert event.price > 0
            assert not event.size < 0
            assert not event.trade_id or (event.symbol, event.trade_id) not in trades
            trades.add((event.symbol, event.trade_id))
        assert event.event_ns <= event.recv_ns + 60 * 10**9
        key = (type(event), event.symbol, event.event_ns, event.ordinal)
        if event.event_ns == max(time for kind, symbol, time, _ in [*seen, key] if (kind, symbol) == key[:2]):
            assert key not in seen
        seen.add(key)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"high": 0.5}, "crossed"),
        ({"low": 2.0}, "crossed"),
        ({"close": math.nan}, "empty"),
        ({"open": -1.0, "low": -1.0}, "negative"),
        ({"volume": -1.0}, "negative"),
    ],
)
def test_bars_that_contradict_themselves_are_refused(facts: dict[str, float], kind: str) -> None:
    """High and low hold open and close; a bar that is told again with a revision passes."""
    plain = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
    with pytest.raises(Refused) as raised:
        Intake().admit(Bar(symbol="A", venue="v", period="1m", end_ns=60, recv_ns=60, **{**plain, **facts}))
    assert raised.value.kind == kind
    intake = Intake()
    intake.admit(Bar(symbol="A", venue="v", period="1m", end_ns=60, recv_ns=60, **plain))
    with pytest.raises(Refused, match="came before"):
        intake.admit(Bar(symbol="A", venue="v", period="1m", end_ns=60, recv_ns=60, **plain))
    intake.admit(Bar(symbol="A", venue="v", period="1m", end_ns=60, recv_ns=60, revision=1, **plain))


def test_prices_below_zero_pass_where_they_may_be() -> None:
    """A spread may cost less than nothing."""
    intake = Intake(lambda symbol: symbol == "SPREAD")
    intake.admit(TradeTick(symbol="SPREAD", venue="v", event_ns=1, recv_ns=1, price=-3.0, size=1.0))
    with pytest.raises(Refused):
        intake.admit(TradeTick(symbol="A", venue="v", event_ns=1, recv_ns=1, price=-3.0, size=1.0))


def test_a_rate_limit_lets_pass_as_many_as_it_says() -> None:
    """A burst at once, then one by one; who is told to pause waits for all."""
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    limit = RateLimiter(10.0, 3.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(23):
        limit.take()
    assert now[0] == pytest.approx(2.0)
    limit.pause(5.0)
    limit.take()
    assert now[0] == pytest.approx(7.1)
    with pytest.raises(ValueError, match="above 0"):
        RateLimiter(0.0)
