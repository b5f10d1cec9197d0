"""Markets for Chan's rules, as Hypothesis draws them: few price levels, so that equal prices are common."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from .plain_chan import Bar

MINUTE_NS = 60_000_000_000
VARIANTS = ("old-strict", "old-half", "old-loss", "new-strict", "new-loss")


def bars_of(ranges: list[tuple[int, int, int]]) -> list[Bar]:
    """Return bars with the given (low, height, close above low), a minute apart."""
    return [Bar(k * MINUTE_NS, float(low + height), float(low), float(low + min(up, height))) for k, (low, height, up) in enumerate(ranges)]


def legs_of(sizes: list[int], lengths: list[int], height: int = 3) -> list[Bar]:
    """Return bars that run straight up and down in turn by the given sizes (hundreds), most of them long enough for a stroke.

    Bars without a height turn at whole hundreds, so that tops equal bottoms.
    """
    ranges: list[tuple[int, int, int]] = []
    price = 0
    for k, size in enumerate(sizes):
        length = lengths[k % len(lengths)]
        move = size if k % 2 else -size
        ranges += [(100 * price + 100 * move * step // length, height, 2) for step in range(1, length + 1)]
        price += move
    return bars_of(ranges)


def walk(seed: int, count: int, drift: int) -> list[Bar]:
    """Return a random walk over whole prices."""
    random = Random(seed)
    low = 0
    ranges = []
    for _ in range(count):
        low += random.choice((-2, -1, -1, 0, 0, 1, 1, 2)) + (random.random() * 100 < drift) - (random.random() * 100 < 5)
        ranges.append((low, random.choice((0, 1, 1, 2, 3)), random.randrange(4)))
    return bars_of(ranges)


# Bar by bar; leg by leg, which makes segments, pivots and points of any shape; long walks, which make what real markets make.
one = st.tuples(st.integers(0, 8), st.integers(0, 3), st.integers(0, 3))
drawn = st.one_of(st.lists(one, max_size=10), st.lists(one, min_size=40, max_size=80)).map(bars_of)
zigzag = st.builds(
    legs_of,
    st.lists(st.integers(1, 9), min_size=12, max_size=60),
    st.lists(st.integers(4, 7), min_size=1, max_size=5),
    st.sampled_from((0, 3)),
)
walks = st.builds(walk, st.integers(0, 2**32), st.integers(200, 900), st.integers(0, 15))
markets: st.SearchStrategy[list[Bar]] = st.one_of(drawn, zigzag, zigzag, walks)

parameters: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "variant": st.sampled_from(VARIANTS),
        "divergence": st.sampled_from(("area", "amplitude", "slope")),
        "ratio": st.sampled_from((1.0, 0.8, 1.5)),
        "trend_pivots": st.integers(1, 3),
        "macd": st.sampled_from(((12, 26, 9), (3, 6, 2))),
    }
)
