"""The arrays of a run as pandas frames: times in UTC, names for numbers, columns of the arrays themselves where they can be."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.clock import NS_PER_MILLISECOND, NS_PER_SECOND
from gcg_quant.enumerations import Liquidity, Offset, OrderStatus, OrderType, RiskReason, Side, TimeInForce

from .facts import Records, RunFacts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["equity_frame", "fills_frame", "orders_frame", "positions_frame", "span_name", "why_refused"]

# What a venue says, by the numbers of ReportReason in native/include/gcg/matching.h.
VENUE_REASONS = (
    "",
    "asked for",
    "nothing more to take at once",
    "not all of it could be had at once",
    "post-only: it would have taken liquidity",
    "not open",
    "less than is filled already",
    "no such kind of order",
    "sent before",
    "outside the day's price limits",
    "the market is closed",
)


def fills_frame(fills: Records, facts: RunFacts) -> pd.DataFrame:
    """Return a row a fill, by its time at the venue; `seen` is when the strategy knew, `mid_1s` the mid a second later."""
    return _frame(
        fills["event_ns"],
        {
            "symbol": _names(fills["number"], facts.symbols, 1),
            "strategy": _names(fills["strategy"], facts.strategies, 1),
            "order": _order_ids(fills, facts),
            "side": _enumeration(fills["side"], Side),
            **_offsets(fills),
            "quantity": fills["quantity"],
            "price": fills["price"],
            "fee": fills["fee"],
            "profit": fills["profit"],
            "liquidity": _enumeration(fills["liquidity"], Liquidity),
            "position": fills["position"],
            "cash": fills["cash"],
            "seen": _times(fills["seen_ns"]),
            "mid": fills["mid"],
            **{f"mid_{span_name(span)}": facts.marks(fills, at) for at, span in enumerate(facts.horizons_ns)},
        },
    )


def orders_frame(orders: Records, facts: RunFacts) -> pd.DataFrame:
    """Return a row an order, by the time at which it was sent.

    `arrived` and `done` are its times at the venue, `ahead` the displayed size before it as it arrived, `queue` how long it rested until
    its first fill or its end, `reason` why it was refused or how it ended.
    """
    return _frame(
        orders["sent_ns"],
        {
            "symbol": _names(orders["number"], facts.symbols, 1),
            "strategy": _names(orders["strategy"], facts.strategies, 1),
            "order": _order_ids(orders, facts),
            "side": _enumeration(orders["side"], Side),
            **_offsets(orders),
            "type": _enumeration(orders["type"], OrderType),
            "time_in_force": _enumeration(orders["time_in_force"], TimeInForce),
            "quantity": orders["quantity"],
            "price": orders["price"],
            "stop_price": orders["stop_price"],
            "status": _enumeration(orders["status"], OrderStatus),
            "filled": orders["filled"],
            "average_price": orders["average_price"],
            "arrived": _times(orders["arrived_ns"]),
            "done": _times(orders["done_ns"]),
            "ahead": orders["ahead"],
            "queue": orders["queue_ns"].view("m8[ns]"),
            "reason": _words(orders),
        },
    )


def positions_frame(positions: Records, facts: RunFacts) -> pd.DataFrame:
    """Return a row a position and sample of the account's value."""
    numbers = ("quantity", "average_price", "last_price", "realised", "unrealised", "fees")
    return _frame(
        positions["event_ns"],
        {
            "symbol": _names(positions["number"], facts.symbols, 1),
            "strategy": _names(positions["strategy"], facts.strategies, 1),
            **{name: positions[name] for name in numbers},
        },
    )


def equity_frame(equity: Records) -> pd.DataFrame:
    """Return a row a sample of the account: `equity`, `cash` and `margin` in its currency."""
    return _frame(equity["event_ns"], {name: equity[name] for name in ("equity", "cash", "margin")})


def span_name(span_ns: int) -> str:
    """Return a span of time as a short name: "100ms", "1s"."""
    for unit, length in (("s", NS_PER_SECOND), ("ms", NS_PER_MILLISECOND), ("us", 1000)):
        if span_ns >= length and span_ns % length == 0:
            return f"{span_ns // length}{unit}"
    return f"{span_ns}ns"


def why_refused(orders: Records) -> list[tuple[str, int]]:
    """Return (reason, how many orders) of those that were refused, by the risk check or the venue."""
    refused = orders[orders["status"] == OrderStatus.REJECTED]
    pairs = np.stack([refused["reasons"].astype(np.uint64), refused["report"].astype(np.uint64)], axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    return [(_reason(int(risk), int(venue)) or "no reason given", int(count)) for (risk, venue), count in zip(found, counts, strict=True)]


def _frame(times_ns: NDArray[np.int64], columns: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd  # half a second, and only wanted here

    return pd.DataFrame(columns, index=_times(times_ns).rename("time"), copy=False)


# A time of 0 or below is none: an order that never arrived.
def _times(times_ns: NDArray[np.int64]) -> Any:
    import pandas as pd

    if len(times_ns) and int(times_ns.min()) <= 0:
        times_ns = np.where(times_ns > 0, times_ns, np.iinfo(np.int64).min)
    return pd.DatetimeIndex(times_ns.view("M8[ns]"), copy=False).tz_localize("UTC")


def _names(numbers: NDArray[Any], names: Sequence[str], first: int) -> Any:
    import pandas as pd

    return pd.Categorical.from_codes((numbers - first).astype(np.int32), pd.Index(list(names)))


def _enumeration(numbers: NDArray[Any], kind: type[IntEnum]) -> Any:
    members = {int(one): one.name for one in kind}
    places = np.full(max(members) + 1, -1, np.int8)
    places[list(members)] = np.arange(len(members))
    import pandas as pd

    return pd.Categorical.from_codes(places[numbers], pd.Index(list(members.values())))


# Only venues that hold long and short apart want offsets.
def _offsets(rows: Records) -> dict[str, Any]:
    return {"offset": _enumeration(rows["offset"], Offset)} if len(rows) and rows["offset"].any() else {}


def _order_ids(rows: Records, facts: RunFacts) -> list[str]:
    names = facts.strategies
    return [f"{names[strategy - 1]}-{n}" for strategy, n in zip(rows["strategy"].tolist(), rows["order"].tolist(), strict=True)]


def _words(orders: Records) -> Any:
    import pandas as pd

    pairs = orders["reasons"].astype(np.uint64) << np.uint64(8) | orders["report"]
    found, places = np.unique(pairs, return_inverse=True)
    words = [_reason(pair >> 8, pair & 255) for pair in found.tolist()]
    names = sorted(set(words))
    codes = np.array([names.index(one) for one in words], np.int32)
    return pd.Categorical.from_codes(codes[places] if len(places) else codes, pd.Index(names))


def _reason(risk: int, venue: int) -> str:
    if risk:
        return ", ".join(one.name.lower().replace("_", " ") for one in RiskReason if risk & one and one.name)
    return VENUE_REASONS[venue] if venue < len(VENUE_REASONS) else f"the venue's reason {venue}"
