"""Stock parity for whatever frames: resampling and replaying with settings that hypothesis makes up, of bars with gaps and of ticks."""

from __future__ import annotations

from datetime import time
from typing import Any

import backtrader as bt
import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from parity.bars import START_NS, coarse_bars
from parity.setups.frames import Reading
from parity.sides import Setup, Side, deviations, run, stock_side
from torture import examples

TICKS, FRAMES = bt.TimeFrame.Ticks, range(bt.TimeFrame.Ticks, bt.TimeFrame.NoTimeFrame)
STEPS_NS = [40_000, 700_000_000, 20_000_000_000, 1_800_000_000_000, 50_000_000_000_000]
FRAME = st.fixed_dictionaries(
    {"timeframe": st.sampled_from(FRAMES), "compression": st.sampled_from([1, 1, 2, 3, 5, 15, 60, 700])},
    optional={
        **{name: st.booleans() for name in ("bar2edge", "adjbartime", "rightedge", "takelate")},
        "boundoff": st.sampled_from([1, 3]),
    },
)
ADDED = st.lists(st.tuples(st.sampled_from(["resampledata", "replaydata"]), FRAME, st.booleans()), min_size=1, max_size=3)
ENDS = st.sampled_from([None, time(16, 0), time(0, 0), time(9, 30, 15, 250_000)])


def uneven(step_ns: int, seed: int) -> Any:
    """Return bars as far apart as random steps make them, in microseconds, with a few long gaps."""
    bars = coarse_bars(60, seed, "1s")
    random = np.random.default_rng(seed)
    steps = random.integers(1, 1 + 2 * step_ns // 1000, len(bars)) * 1000
    steps[random.random(len(bars)) < 0.04] += 3 * 86_400_000_000_000
    bars["start_ns"] = bars["event_ns"] = START_NS + np.cumsum(steps)
    return bars


# An example is small already, and making it smaller takes minutes.
@settings(max_examples=examples(40), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(ADDED, st.sampled_from(STEPS_NS), st.integers(0, 50), ENDS, st.booleans(), st.booleans())
def test_any_frames_equal_stock(added: Any, step_ns: int, seed: int, end: Any, both: bool, beside: bool) -> None:
    """Whatever is made of a feed's bars, alone, of one another or beside another feed, is delivered as stock delivers it."""
    bars, others = uneven(step_ns, seed), uneven(step_ns, seed + 1)

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        feed = made = side.feed(bars, "X", timeframe=TICKS, compression=1, sessionend=end)
        if both:
            cerebro.adddata(feed)
        if beside:
            cerebro.adddata(side.feed(others, "Y", timeframe=TICKS, compression=1))
        for at, (method, frame, of_last) in enumerate(added):
            made = getattr(cerebro, method)(made if of_last else feed, name=f"Z{at}", **frame)
        cerebro.addstrategy(Reading)
        return cerebro

    setup = Setup("frames", build)
    ours = run(setup, side := Side("drop-in"))
    assert ours.reason == ""
    assert not deviations(run(setup, stock_side()), ours, side)
