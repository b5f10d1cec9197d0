"""The market makers' measures of a run, from its fills, orders, positions and equity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.enumerations import Liquidity, OrderStatus, Side

from ..making.measures import MakerHorizon, MakerMeasures
from .facts import Records, RunArrays, RunFacts
from .inventory import Inventory, inventory

__all__ = ["has_maker_fills", "maker_measures"]

BPS = 1e4
ENDED = (OrderStatus.CANCELLED, OrderStatus.EXPIRED)
REFUSED = (OrderStatus.REJECTED, OrderStatus.FAILED)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def has_maker_fills(fills: Records) -> bool:
    """Return whether any of these fills was that of a resting order."""
    return bool((fills["liquidity"] == Liquidity.MAKER).any())


def maker_measures(arrays: RunArrays, facts: RunFacts) -> list[MakerMeasures]:
    """Return the measures of the whole run, whose `symbol` is "", and then those of each instrument that orders were sent for."""
    table = _Table(arrays, facts)
    held = {number: inventory(arrays, facts, number) for number in range(1, len(facts.instruments) + 1)}
    ordered = [number for number in held if (arrays.orders["number"] == number).any()]
    return [table.measures("", held), *(table.measures(facts.symbols[number - 1], {number: held[number]}) for number in ordered)]


class _Table:
    # Fills and orders, with the columns that every measure needs: one row a fill.

    def __init__(self, arrays: RunArrays, facts: RunFacts) -> None:
        self.facts, self.fills, self.orders = facts, arrays.fills, arrays.orders
        at = self.fills["number"].astype(np.intp)
        rates = [facts.rate(one) for one in facts.instruments]
        # What a point of an inverse contract is worth depends on the price: no figure is better than a wrong one.
        worth = [
            math.nan if rate is None or one.inverse else one.multiplier * rate for one, rate in zip(facts.instruments, rates, strict=True)
        ]
        self.rate = np.array([math.nan, *(math.nan if rate is None else rate for rate in rates)])[at]
        self.tick = np.array([math.nan, *(one.tick_size for one in facts.instruments)])[at]
        self.point = [math.nan, *worth]  # what a unit at a price of 1 is worth to the account, by number
        self.worth = self.fills["quantity"] * np.array(self.point)[at]
        self.sign = np.where(self.fills["side"] == Side.BUY, 1.0, -1.0)
        self.mid = np.where(np.isnan(self.fills["mid"]), self.fills["price"], self.fills["mid"])
        self.edge = self.sign * (self.mid - self.fills["price"])  # what a unit gained against the mid
        self.times = arrays.equity["event_ns"]
        self.first_ns = _first_fills(self.orders, self.fills)

    def measures(self, symbol: str, held: Mapping[int, Inventory]) -> MakerMeasures:
        """Return the measures of the instruments of these numbers together; what has units only where there is one."""
        single = len(held) == 1
        chosen = np.isin(self.fills["number"], list(held))
        orders = np.isin(self.orders["number"], list(held))
        maker = chosen & (self.fills["liquidity"] == Liquidity.MAKER)
        known = maker & ~np.isnan(self.fills["mid"])
        value = self.worth * self.fills["price"]
        turnover = _total(value[chosen])
        only = next(iter(held.values())) if single else None
        bought, sold = (_total(self.fills["quantity"][chosen & (self.sign == sign)]) for sign in (1.0, -1.0))
        return MakerMeasures(
            symbol=symbol,
            **self._orders(orders, single),
            **self._queues(orders, single),
            fills=int(chosen.sum()),
            maker_fills=int(maker.sum()),
            maker_share=_share(_total(value[maker]), turnover),
            order_to_trade=_share(float(orders.sum()), float(chosen.sum())),
            traded=_total(self.fills["quantity"][chosen]) if single else None,
            turnover=turnover,
            turnover_times=_share(turnover, self.facts.cash),
            turnover_a_day=_share(turnover, self._days(held)),
            buy_fills=int((chosen & (self.sign > 0)).sum()),
            sell_fills=int((chosen & (self.sign < 0)).sum()),
            bought=bought if single else None,
            sold=sold if single else None,
            effective_ticks=self._ticks(self.edge, known) if single else None,
            effective_bps=self._bps(self.edge, known),
            horizons=[self._horizon(at, known, single) for at in range(len(self.facts.horizons_ns))],
            mean_position=only.mean if only else None,
            mean_position_size=only.mean_size if only else None,
            largest_position=only.largest if only else None,
            end_position=only.end if only else None,
            **self._profit(chosen, held),
        )

    # What is traded around the clock counts days of 24 hours, what has sessions the days that have any; None below 24 hours.
    def _days(self, numbers: Iterable[int]) -> float | None:
        span = float(self.times[-1] - self.times[0]) / NS_PER_DAY if len(self.times) else 0.0
        if span < 1.0:
            return None
        around = any(self.facts.instruments[number - 1].calendar == "24/7" for number in numbers)
        return span if around else float(len(np.unique(self.times // NS_PER_DAY)))

    # How many orders came to which end, and what share of them was filled.
    def _orders(self, chosen: Mask, single: bool) -> dict[str, Any]:
        rows = self.orders[chosen]
        some, status = rows["filled"] > 0, rows["status"]
        whole = some & (status == OrderStatus.FILLED)
        refused = ~some & np.isin(status, REFUSED)
        ended = ~some & np.isin(status, ENDED)
        sides = {name: ~refused & (rows["side"] == side) for name, side in (("buy", Side.BUY), ("sell", Side.SELL))}
        return {
            "sent": len(rows),
            "filled": int(whole.sum()),
            "partly": int((some & ~whole).sum()),
            "cancelled": int(ended.sum()),
            "rejected": int(refused.sum()),
            "working": int((~some & ~refused & ~ended).sum()),
            "fill_ratio": _share(float(some.sum()), float((~refused).sum())),
            "quantity_fill_ratio": _share(_total(rows["filled"]), _total(rows["quantity"][~refused])) if single else None,
            **{f"{name}_fill_ratio": _share(float((some & side).sum()), float(side.sum())) for name, side in sides.items()},
        }

    # How long orders rested, behind how much, and how long until they traded.
    def _queues(self, chosen: Mask, single: bool) -> dict[str, Any]:
        rows = self.orders[chosen]
        some, rested = rows["filled"] > 0, rows["queue_ns"] > 0
        ended = ~some & np.isin(rows["status"], ENDED)
        first_ns = self.first_ns[chosen]
        waited = (first_ns - rows["sent_ns"])[first_ns > 0]
        return {
            **_quantiles("queue_filled", rows["queue_ns"][some & rested]),
            **_quantiles("queue_cancelled", rows["queue_ns"][ended & rested]),
            **_quantiles("time_to_fill", waited),
            "ahead_filled": _median(rows["ahead"][some & rested]) if single else None,
            "ahead_unfilled": _median(rows["ahead"][~some & rested]) if single else None,
        }

    def _horizon(self, at: int, known: Mask, single: bool) -> MakerHorizon:
        marks = self.facts.marks(self.fills, at)
        then = known & ~np.isnan(marks)
        realised, adverse = self.sign * (marks - self.fills["price"]), self.sign * (self.mid - marks)
        return MakerHorizon(
            horizon_ns=self.facts.horizons_ns[at],
            fills=int(then.sum()),
            realised_ticks=self._ticks(realised, then) if single else None,
            realised_bps=self._bps(realised, then),
            adverse_ticks=self._ticks(adverse, then) if single else None,
            adverse_bps=self._bps(adverse, then),
        )

    def _ticks(self, gained: Floats, rows: Mask) -> float | None:
        quantity = self.fills["quantity"]
        return _share(_total((quantity * gained / self.tick)[rows]), _total(quantity[rows]))

    def _bps(self, gained: Floats, rows: Mask) -> float | None:
        share = _share(_total((self.worth * gained)[rows]), _total((self.worth * self.mid)[rows]))
        return None if share is None else share * BPS

    # Cash flows are -q Q P. With the mid M at each fill: q Q (M - P) is the spread's, and -q Q M, with what is left at the end at its
    # last price, is the gain of what was held between the mids.
    def _profit(self, chosen: Mask, held: Mapping[int, Inventory]) -> dict[str, Any]:
        spread = _total((self.worth * self.edge)[chosen])
        fees = _total((-self.fills["fee"] * self.rate)[chosen])
        left = [one.end * one.end_price * self.point[number] for number, one in held.items() if one.end]
        moved = (-self.sign * self.worth * self.mid)[chosen]
        kept = _total(np.append(moved, left))
        whole = None if spread is None or fees is None or kept is None else math.fsum((spread, kept, fees))
        return {"spread_profit": spread, "inventory_profit": kept, "fees": fees, "net_profit": whole}


# When each order had its first fill; 0 for those without.
def _first_fills(orders: Records, fills: Records) -> NDArray[np.int64]:
    found = np.zeros(len(orders), np.int64)
    numbers, first = np.unique(fills["order"], return_index=True)  # of equal numbers the first: fills lie in order of time
    if len(numbers):
        at = np.minimum(np.searchsorted(numbers, orders["order"]), len(numbers) - 1)
        has = numbers[at] == orders["order"]
        found[has] = fills["event_ns"][first[at[has]]]
    return found


# None where a part is not known in the account's currency.
def _total(values: Floats) -> float | None:
    found = math.fsum(values.tolist())
    return None if math.isnan(found) else found


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _median(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else None


def _quantiles(name: str, values: NDArray[Any]) -> dict[str, float | None]:
    if not len(values):
        return {f"{name}_ns": None, f"{name}_p90_ns": None}
    middle, most = np.quantile(values, (0.5, 0.9))
    return {f"{name}_ns": float(middle), f"{name}_p90_ns": float(most)}
