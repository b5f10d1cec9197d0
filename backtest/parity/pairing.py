"""Which order of one run is which of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .run_log import OrderTrack

__all__ = ["OrderPair", "pair_orders"]


@dataclass(frozen=True, slots=True)
class OrderPair:
    """An order in both runs, or in one of them."""

    a: OrderTrack | None
    b: OrderTrack | None

    @property
    def tracks(self) -> list[tuple[str, OrderTrack]]:
        """The order as it went in run "a", in run "b", or in both."""
        return [(run, one) for run, one in (("a", self.a), ("b", self.b)) if one is not None]

    @property
    def bar_ns(self) -> int:
        """The market's time at which the first of the two was given."""
        return min(one.bar_ns for _, one in self.tracks)


def pair_orders(left: Sequence[OrderTrack], right: Sequence[OrderTrack]) -> list[OrderPair]:
    """Return the orders of two runs as pairs, by time.

    Orders of one symbol, side and type that follow from the same moment of the market belong together, as long as both runs have them in
    the same order. What is left in between is paired by symbol, side and type, in order: the same decision at another time. The rest
    stands alone.
    """
    pairs: list[OrderPair] = []
    at_left = at_right = 0
    matcher = SequenceMatcher(None, [_moment(one) for one in left], [_moment(one) for one in right], autojunk=False)
    for block in matcher.get_matching_blocks():
        pairs += _pair_between(left[at_left : block.a], right[at_right : block.b])
        pairs += [OrderPair(left[block.a + step], right[block.b + step]) for step in range(block.size)]
        at_left, at_right = block.a + block.size, block.b + block.size
    return sorted(pairs, key=lambda pair: pair.bar_ns)


def _pair_between(left: Sequence[OrderTrack], right: Sequence[OrderTrack]) -> list[OrderPair]:
    pairs: list[OrderPair] = []
    rest = list(right)
    for one in left:
        at = next((at for at, other in enumerate(rest) if _kind(other) == _kind(one)), None)
        if at is None:
            pairs.append(OrderPair(one, None))
            continue
        pairs += [OrderPair(None, passed) for passed in rest[:at]]
        pairs.append(OrderPair(one, rest[at]))
        del rest[: at + 1]
    return pairs + [OrderPair(None, other) for other in rest]


def _kind(track: OrderTrack) -> tuple[str, int, int]:
    request = track.request
    return request.symbol, int(request.side), int(request.order_type)


def _moment(track: OrderTrack) -> tuple[str, int, int, int]:
    return (*_kind(track), track.bar_ns)
