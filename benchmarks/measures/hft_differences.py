"""Where the orders of `hft_book` end differently in the two engines, and why.

Each engine does as its documentation says ("Order Fill" of hftbacktest for its exchange with partial fills, matching.h for ours), and
they differ in five rules:

* SAME_TIME: the venue's clock ticks in milliseconds, so an order can arrive at the time of several events. Ours is in the book after the
  first of them (a live venue cannot know that more will come), theirs after the last.
* OWN_SIDE: a trade beyond a resting order's price whose aggressor is on the order's own side. It shows that the other side has quoted
  there, which would have met our order first, so ours is filled; theirs waits for a trade of the other side or for the next quotes.
* WHOLE: a trade through the price, or quotes that cross it, fill all of a resting order in theirs; in ours as much as was traded or is
  displayed.
* TAKEN: what an order of ours took is gone from the displayed size until the next change of it; an order that joins there meanwhile has
  less ahead of it. Theirs displays what was recorded.
* AHEAD: of a probability queue. Behind an order theirs counts what was traded since the last change of the size as well (the size of
  before, less what is ahead now), ours what can still be there; and ours counts in whole lots.

What follows an order that ended differently differs, too: the strategy sends others.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import numpy as np

from gcg_quant.events import Side

from .hft_book import TICK, Market, Outcome, Terms, ours, theirs

__all__ = ["AHEAD", "OWN_SIDE", "SAME_TIME", "TAKEN", "UNEXPLAINED", "WHOLE", "Comparison", "compare", "lines"]

SAME_TIME = "arrived at the time of a market event"
OWN_SIDE = "a trade beyond its price was started by its own side"
WHOLE = "a trade through its price, or quotes that cross it, fill theirs whole"
TAKEN = "our own orders took from the size displayed ahead of it"
AHEAD = "cancels ahead of it are counted differently"
UNEXPLAINED = "not explained"
_SHOWN_AGAIN_NS = 200_000_000  # the stream tells changes of the book every 100 ms


class Comparison(msgspec.Struct, frozen=True):
    """Counts of orders: of ours and theirs in all and those that filled; `both` sent by both at the same time and price; `same` of them
    with the same end, lots filled, and time and price of the last fill. `reasons` counts why the others differ, `differing` are they.
    """

    ours: int
    theirs: int
    both: int
    same: int
    filled_ours: int
    filled_theirs: int
    reasons: dict[str, int]
    differing: list[tuple[Any, Any]]


def compare(market: Market, terms: Terms, mine: Outcome, other: Outcome) -> Comparison:
    """Compare two runs order by order."""
    keyed = [{(row["sent_ns"], row["side"], row["ticks"]): row for row in run.orders} for run in (mine, other)]
    pairs = [(row, keyed[1][key]) for key, row in keyed[0].items() if key in keyed[1]]
    differing = [(a, b) for a, b in pairs if a.tolist() != b.tolist()]
    reasons = Counter(_reason(market, terms, mine.orders, a, b) for a, b in differing)
    filled = [int((run.orders["filled"] > 0).sum()) for run in (mine, other)]
    return Comparison(len(mine.orders), len(other.orders), len(pairs), len(pairs) - len(differing), *filled, dict(reasons), differing)


def _reason(market: Market, terms: Terms, orders: Any, a: Any, b: Any) -> str:
    # `a` is ours, `b` is theirs: the same order; `orders` are all of ours.
    arrival = a["sent_ns"] + terms.entry_ns
    if (market.trades["event_ns"] == arrival).any() or (market.deltas["event_ns"] == arrival).any():
        return SAME_TIME
    sign = 1 if a["side"] == Side.BUY else -1
    ours_first = a["fill_ns"] > 0 and (b["fill_ns"] == 0 or a["fill_ns"] < b["fill_ns"])
    if ours_first and a["side"] in _beyond(market, a, arrival, a["fill_ns"], sign):
        return OWN_SIDE
    at_ns = b["fill_ns"]
    if terms.lots > 1 and b["filled"] == terms.lots and (_beyond(market, b, at_ns, at_ns, sign) or _crossed(market, b, sign)):
        return WHOLE
    takers = orders[(orders["side"] != a["side"]) & (sign * (orders["fill_ticks"] - a["ticks"]) <= 0)]
    if ((takers["fill_ns"] <= arrival) & (takers["fill_ns"] > arrival - _SHOWN_AGAIN_NS)).any():
        return TAKEN
    return AHEAD if terms.queue not in ("back", "risk_averse") else UNEXPLAINED


def _beyond(market: Market, order: Any, first_ns: int, last_ns: int, sign: int) -> set[int]:
    # Who started the trades beyond the price between two times.
    times = market.trades["event_ns"]
    trades = market.trades[(times >= first_ns) & (times <= last_ns)]
    beyond = sign * (np.rint(trades["price"] / TICK) - order["ticks"]) < 0
    return set(trades["aggressor"][beyond].tolist())


def _crossed(market: Market, order: Any, sign: int) -> bool:
    deltas = market.deltas[market.deltas["event_ns"] == order["fill_ns"]]
    opposite = (deltas["side"] != order["side"]) & (deltas["size"] > 0)
    return bool((sign * (np.rint(deltas["price"][opposite] / TICK) - order["ticks"]) <= 0).any())


def lines(market: Market, terms: Terms) -> list[str]:
    """Run both and return the comparison as lines of text."""
    mine, other = ours(market, terms), theirs(market, terms)
    found = compare(market, terms, mine, other)
    return [
        f"queue {terms.queue}, {terms.distance} ticks behind the touch, {terms.lots} lots: {found.ours} orders of ours and {found.theirs} "
        f"of theirs, {found.both} of them the same, {found.same} with the same end and fills",
        *(f"  {count} differ: {reason}" for reason, count in sorted(found.reasons.items())),
        f"  filled: {found.filled_ours} of ours, {found.filled_theirs} of theirs",
        f"  seconds: {mine.seconds:.3f} ours (Python loop), {other.seconds:.3f} theirs (compiled)",
    ]
