"""What market makers look at: how orders fared, what spread was earned and kept, what was held, and where the profit came from."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["MakerHorizon", "MakerMeasures"]


class MakerHorizon(msgspec.Struct, frozen=True, kw_only=True):
    """Maker fills a while later, means weighted by quantity, of the fills of which the mid at that time is known.

    `realised` is what a fill has kept by then, q (M_later - P), and `adverse` what the market took of it, q (M - M_later), with q = 1 for
    a purchase and -1 for a sale, P the price, and M the mid at the fill; together they are the effective half-spread. Huang & Stoll,
    "Dealer versus auction markets" (Journal of Financial Economics 41, 1996), sections 2 and 4; from the maker's side, so that what is
    earned is above 0. In ticks, and in basis points of M.
    """

    horizon_ns: int
    fills: int
    realised_ticks: float | None
    realised_bps: float | None
    adverse_ticks: float | None
    adverse_bps: float | None


class MakerMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of one symbol, or of the whole run (`symbol` is ""). Fractions, not percents; None where there is nothing to divide by.

    Orders: `sent` includes those that were `rejected`; of the others, `filled` were filled whole, `partly` in part (whatever became of the
    rest), `cancelled` ended without a fill, `working` are left unfilled at the end. `fill_ratio` is the share of orders with any fill,
    `quantity_fill_ratio` filled over ordered quantity; rejected orders count in neither. `maker_share` is of the traded value.
    `order_to_trade` is orders a fill. `turnover` is the traded value in the account's currency, `turnover_times` over the capital at the
    start, `turnover_a_day` over the days of the run: of 24 hours for what is traded around the clock, else the UTC days that have sessions;
    None for a run below 24 hours.

    Queue: of orders that rested, how long until their first fill, or until they ended without one; the displayed size ahead of them as
    they arrived; `time_to_fill` is from sending to the first fill, of all that were filled. All in nanoseconds and units of the symbol.

    Spread: the effective half-spread of maker fills, q (M - P), in ticks and in basis points of the mid, weighted by quantity (Huang &
    Stoll 1996; Hasbrouck, "Empirical Market Microstructure", 2007, section 14.1), and what remains of it at each of `horizons`.

    Inventory, in units of the symbol: the mean position and the mean of its size, weighted by the time that it was held, its largest size,
    and the position at the end. None for a run of several symbols, whose units do not add up.

    Profit, in the account's currency: `spread_profit` is what all fills gained against the mids at their times, `inventory_profit` what
    the held positions gained from one mid to the next and to the last price, `fees` is below 0 where fees were paid. Their sum is
    `net_profit`: the change of the account's equity that this symbol brought. A fill without a known mid counts as one at the mid.
    """

    symbol: str
    sent: int
    filled: int
    partly: int
    cancelled: int
    working: int
    rejected: int
    fills: int
    maker_fills: int
    fill_ratio: float | None
    quantity_fill_ratio: float | None
    maker_share: float | None
    order_to_trade: float | None
    traded: float | None
    turnover: float | None
    turnover_times: float | None
    turnover_a_day: float | None
    buy_fills: int
    sell_fills: int
    bought: float | None
    sold: float | None
    buy_fill_ratio: float | None
    sell_fill_ratio: float | None
    queue_filled_ns: float | None
    queue_filled_p90_ns: float | None
    queue_cancelled_ns: float | None
    queue_cancelled_p90_ns: float | None
    time_to_fill_ns: float | None
    time_to_fill_p90_ns: float | None
    ahead_filled: float | None
    ahead_unfilled: float | None
    effective_ticks: float | None
    effective_bps: float | None
    horizons: list[MakerHorizon]
    mean_position: float | None
    mean_position_size: float | None
    largest_position: float | None
    end_position: float | None
    spread_profit: float | None
    inventory_profit: float | None
    fees: float | None
    net_profit: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the measures by name, those of each horizon as dictionaries."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found
