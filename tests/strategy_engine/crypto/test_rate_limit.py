"""Rate limits are kept here: bursts pass, then requests wait their turn, and a venue that says "wait" is obeyed."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import within

from gcg_quant.strategy_engine.gateways.crypto.rate_limit import Bucket, RateLimit, TooBusyError


@given(st.floats(0.5, 50), st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=100))
def test_no_window_holds_more_than_the_burst_and_the_rate(rate: float, burst: int, pauses: list[float]) -> None:
    """Whoever waits as told never has more than burst + rate x seconds requests in any window."""
    now = 0.0
    bucket = Bucket(rate, burst, lambda: now)
    sent = []
    for pause in pauses:
        now += pause
        sent.append(now + bucket.wait_s())
    for first, begin in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + rate * (sent[last] - begin) + 1 + 1e-6


def test_a_pause_stops_all_and_no_longer_than_told() -> None:
    """After the venue has said "wait", neither orders nor questions pass before the time is over."""

    async def go() -> float:
        limit = RateLimit((1000, 1000), (1000, 1000))
        limit.pause(0.05)
        limit.pause(0.01)  # a shorter one does not end it
        begin = asyncio.get_running_loop().time()
        await asyncio.gather(limit.take("order"), limit.take("question"), limit.take("cancel"))
        return asyncio.get_running_loop().time() - begin

    assert 0.045 <= asyncio.run(go()) < within(1.0, 8.0)


def test_an_order_that_would_wait_too_long_is_given_up() -> None:
    """After a ban of minutes an old order must not go out; a cancel and a question wait, and what was given up costs nothing."""

    async def go() -> None:
        now = 0.0
        limit = RateLimit((1, 2), (1, 2), 5.0, lambda: now)
        limit.pause(60.0)
        for _ in range(20):
            with pytest.raises(TooBusyError, match="60.0 s"):
                await limit.take("order")
        now = 61.0
        await asyncio.wait_for(limit.take("order"), 0.5)

    asyncio.run(go())
